/*
 * dispatch.c - the list of engines of this process, and the choice among them.
 */
#include "engine.h"

#define ENGINES_MAX 4

static const SfsEngine *registered[ENGINES_MAX];
static size_t count;

/* See engine.h. */
bool
sfs_engine_register(const SfsEngine *engine)
{
	if (count == ENGINES_MAX || engine->abi_version != SFS_ENGINE_ABI ||
		engine->struct_size != sizeof(SfsEngine))
		return false;
	registered[count++] = engine;
	return true;
}

/* See engine.h. */
void
sfs_engine_unregister(const SfsEngine *engine)
{
	size_t kept = 0;

	for (size_t i = 0; i < count; i++)
		if (registered[i] != engine)
			registered[kept++] = registered[i];
	count = kept;
}

/* Run a task on one engine in a workspace of the host's. */
static SfsStatus
run_on(const SfsEngine *engine, const SfsTask *task, const SfsHooks *hooks, SfsEngineError *error)
{
	size_t bytes = engine->workspace(task);
	void *workspace = hooks->alloc(hooks->arg, bytes);

	if (workspace == NULL)
		return SFS_NO_MEMORY;
	return engine->run(task, workspace, bytes, hooks, error);
}

/* See engine.h. */
SfsStatus
sfs_engine_run(const SfsTask *task, const SfsHooks *hooks, SfsEngineError *error)
{
	error->reason[0] = '\0';
	for (size_t i = count; i-- > 0;)
	{
		SfsStatus status;

		if (!registered[i]->supports(task))
			continue;
		status = run_on(registered[i], task, hooks, error);
		if (status == SFS_OK || status == SFS_CANCELLED || status == SFS_OUT_OF_RANGE ||
			status == SFS_REFUSED)
			return status;
	}
	return run_on(&sfs_engine_cpu, task, hooks, error);
}
