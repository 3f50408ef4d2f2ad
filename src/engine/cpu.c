/*
 * cpu.c - the core as an engine.
 */
#include "engine.h"

/* Accept every task. */
static bool
supports(const SfsTask *task)
{
	return task->op < SFS_OP_COUNT;
}

/* Run all rows in order. */
static SfsStatus
run(const SfsTask *task, void *workspace, size_t bytes, const SfsHooks *hooks,
	SfsEngineError *error)
{
	(void) bytes;
	(void) error;
	return sfs_core_run(task, 0, task->rows, workspace, hooks);
}

const SfsEngine sfs_engine_cpu = {
	.abi_version = SFS_ENGINE_ABI,
	.struct_size = sizeof(SfsEngine),
	.name = "cpu",
	.supports = supports,
	.workspace = sfs_core_workspace,
	.run = run,
};
