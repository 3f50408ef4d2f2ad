/*
 * run.c - see run.h.
 *
 * An error must not jump over an engine's frames.  So the poll hook lets
 * CHECK_FOR_INTERRUPTS throw into its own PG_TRY, keeps the error, and asks the
 * engine to stop; the error is thrown again once the engine has returned.
 * Interrupts that do not throw (a barrier, a request to log memory contexts) are
 * served and the work goes on.  A process that is told to exit does so from the hook.
 */
#include "run.h"

#include "miscadmin.h"
#include "storage/latch.h"
#include "utils/memutils.h"
#include "utils/wait_event.h"

#include "errors.h"
#include "gpu_engine.h"
#include "large.h"
#include "pg_compat.h"

/* Bytes of the largest workspace that is kept. */
#define KEPT_MAX (256 * 1024)

/* The workspace of small tasks; one task at a time uses it. */
static void *kept;
static Size kept_bytes;
static bool kept_in_use;

typedef struct Host
{
	ErrorData *interrupt; /* the error to throw after the run */
	Size bytes;			  /* the last workspace asked for */
	void *workspace;	  /* to be freed after the run */
	bool uses_kept;
} Host;

/* Return what a wait of this extension is called. */
static uint32
wait_event(void)
{
	static uint32 event = 0;

	if (event == 0)
	{
		/* for the calls after one that found no name left */
		event = PG_WAIT_EXTENSION;
		event = sfs_wait_event_new("SoftsortGpu");
	}
	return event;
}

/* Sleep for a while, unless something happens; a latch knows milliseconds alone. */
static void
sleep_latched(long microseconds)
{
	if (microseconds < 1000)
	{
		pgstat_report_wait_start(wait_event());
		pg_usleep(microseconds);
		pgstat_report_wait_end();
		return;
	}
	(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, microseconds / 1000,
					 wait_event());
	ResetLatch(MyLatch);
}

/* Serve interrupts, after a sleep if there is time for one; return true to stop. */
static bool
serve_interrupts(Host *host, long microseconds)
{
	MemoryContext context = CurrentMemoryContext;

	PG_TRY();
	{
		if (microseconds > 0)
			sleep_latched(microseconds);
		CHECK_FOR_INTERRUPTS();
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		host->interrupt = CopyErrorData();
		FlushErrorState();
	}
	PG_END_TRY();
	return host->interrupt != NULL;
}

/* Serve interrupts; return true to stop. */
static bool
poll_interrupts(void *arg)
{
	Host *host = arg;

	if (host->interrupt != NULL)
		return true;
	if (likely(!INTERRUPTS_PENDING_CONDITION()))
		return false;
	return serve_interrupts(host, 0);
}

/* Sleep for a while, then serve interrupts; return true to stop. */
static bool
wait_interruptibly(void *arg, long microseconds)
{
	Host *host = arg;

	return host->interrupt != NULL || serve_interrupts(host, microseconds);
}

/* Return the workspace that is kept, made larger if it is too small; NULL: out of memory. */
static void *
use_kept(Host *host, Size bytes)
{
	if (kept_bytes < bytes)
	{
		if (kept != NULL)
			pfree(kept);
		kept_bytes = 0;
		kept = MemoryContextAllocExtended(TopMemoryContext, bytes, MCXT_ALLOC_NO_OOM);
		if (kept != NULL)
			kept_bytes = bytes;
	}
	host->uses_kept = kept_in_use = kept != NULL;
	return kept;
}

/* Allocate a workspace, also beyond 1 GB; the one before it is given back. */
static void *
allocate(void *arg, size_t bytes)
{
	Host *host = arg;

	if (host->workspace != NULL)
		pfree(host->workspace);
	host->workspace = NULL;
	host->bytes = bytes;
	if (bytes <= KEPT_MAX && (host->uses_kept || !kept_in_use))
		return use_kept(host, bytes);
	host->workspace = sfs_large_try(CurrentMemoryContext, bytes);
	return host->workspace;
}

/* Free the workspace and raise an error unless all went well. */
static void
finish(Host *host, SfsStatus status, const SfsEngineError *error)
{
	if (host->uses_kept)
		kept_in_use = false;
	if (host->workspace != NULL)
		pfree(host->workspace);
	sfs_gpu_tell();
	if (host->interrupt != NULL)
		ReThrowError(host->interrupt);
	if (status != SFS_OK)
		sfs_error_status(status, error, host->bytes);
}

/* See run.h. */
void
sfs_run(const SfsTask *task)
{
	Host host = {NULL, 0, NULL, false};
	SfsHooks hooks = {poll_interrupts, allocate, &host, wait_interruptibly};
	SfsEngineError error;
	SfsStatus status = sfs_engine_run(task, &hooks, &error);

	finish(&host, status, &error);
}

/* See run.h. */
bool
sfs_run_pairs_ordered(const double *x, const double *y, int64 n)
{
	Host host = {NULL, 0, NULL, false};
	SfsHooks hooks = {poll_interrupts, allocate, &host, wait_interruptibly};
	SfsEngineError error = {""};
	bool ordered;

	finish(&host, sfs_core_pairs_ordered(x, y, (size_t) n, &ordered, &hooks), &error);
	return ordered;
}

/* See run.h. */
void
sfs_run_sort_pairs(double *x, double *y, int64 n)
{
	Host host = {NULL, 0, NULL, false};
	SfsHooks hooks = {poll_interrupts, allocate, &host, wait_interruptibly};
	SfsEngineError error = {""};
	void *workspace = allocate(&host, sfs_core_sort_pairs_workspace((size_t) n));
	SfsStatus status = SFS_NO_MEMORY;

	if (workspace != NULL)
		status = sfs_core_sort_pairs(x, y, (size_t) n, workspace, &hooks);
	finish(&host, status, &error);
}
