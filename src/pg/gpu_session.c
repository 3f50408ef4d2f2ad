/*
 * gpu_session.c - see gpu_session.h.
 *
 * An idle context is given back at the end of a transaction.  So that a session which waits
 * for its client has one, a timer asks for what PostgreSQL calls a catch-up: the backend wakes
 * up and, unless it is inside a transaction, runs an empty one.
 *
 * A process that is told to exit while the device works does so from a hook, above the
 * frames of the library; the exit callback ends that work.
 */
#include "gpu_session.h"

#include <pthread.h>

#include "access/xact.h"
#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/sinval.h"
#include "tcop/tcopprot.h"
#include "utils/memutils.h"
#include "utils/timeout.h"
#include "utils/timestamp.h"

#include "gpu_library.h"
#include "gpu_shared.h"
#include "guc.h"

SfsOffload sfs_gpu_offload;
volatile sig_atomic_t sfs_gpu_timer_fired;

static bool has_slot;
static bool has_callbacks;
static TimeoutId timer;
static MemoryContextCallback after_abort;
static bool aborted;
static SfsDeviceInfo info;
static bool info_known;
static char trouble[sizeof(((SfsEngineError *) 0)->reason)];

/* The settings with which the context was made. */
static int opened_device;
static int opened_memory_limit;

/* The hooks of the host, called with its mask of signals. */
typedef struct Hooks
{
	const SfsHooks *host;
	sigset_t mask;
} Hooks;

/* See gpu_session.h. */
int64
sfs_gpu_now(void)
{
	return GetCurrentTimestamp() / 1000;
}

/* Give the slot back. */
static void
release_slot(void)
{
	if (has_slot)
		sfs_gpu_slot_release();
	has_slot = false;
}

/* Give the context and the slot back. */
static void
give_back(void)
{
	const SfsDevice *device = sfs_gpu_library();
	sigset_t before;

	if (sfs_gpu_offload.context == SFS_CONTEXT_OPEN)
	{
		sfs_offload_closed(&sfs_gpu_offload);
		sfs_gpu_signals_block(&before);
		device->close();
		sfs_gpu_signals_restore(&before);
	}
	release_slot();
}

/* End what the device does for this process, which exits. */
static void
exit_callback(int code, Datum arg)
{
	give_back();
	sfs_gpu_counters_flush();
}

/* Note that it is time to look after an idle context, and wake the backend up; a signal handler. */
static void
timer_callback(void)
{
	sfs_gpu_timer_fired = true;
	HandleCatchupInterrupt();
}

/* See gpu_session.h. */
void
sfs_gpu_tick(bool may_close)
{
	int64 now;
	int64 left;

	sfs_gpu_timer_fired = false;
	if (sfs_gpu_offload.context != SFS_CONTEXT_OPEN)
		return;
	now = sfs_gpu_now();
	left = sfs_offload_idle_left(&sfs_gpu_offload, (SfsOffloadMode) sfs_gpu, sfs_gpu_idle_release,
								 now);
	if (left == 0 && may_close)
		give_back();
	else if (left == 0)
		enable_timeout_after(timer, 1);
	else if (left > 0 &&
			 (!get_timeout_active(timer) || get_timeout_finish_time(timer) / 1000 > now + left))
		enable_timeout_after(timer, (int) left);
}

/* See gpu_session.h. */
void
sfs_gpu_settings_changed(void)
{
	if (sfs_gpu_offload.context == SFS_CONTEXT_OPEN)
		HandleCatchupInterrupt();
}

/* Look after an idle context when a transaction that has failed is over, which has no event. */
static void
cleanup_callback(void *arg)
{
	aborted = false;
	if (sfs_gpu_offload.context == SFS_CONTEXT_OPEN)
		enable_timeout_after(timer, 1);
}

/*
 * Count, and look after an idle context, at the end of a transaction.  Giving it back takes a
 * while, and locks are still held here: only the transaction of a catch-up, which has no
 * statement, does that.  It also sees settings as they are after this transaction.
 */
static void
transaction_callback(XactEvent event, void *arg)
{
	if (event != XACT_EVENT_COMMIT && event != XACT_EVENT_ABORT && event != XACT_EVENT_PREPARE &&
		event != XACT_EVENT_PARALLEL_COMMIT && event != XACT_EVENT_PARALLEL_ABORT)
		return;
	sfs_gpu_counters_flush();
	if (event == XACT_EVENT_ABORT && sfs_gpu_offload.context == SFS_CONTEXT_OPEN &&
		TopTransactionContext != NULL && !aborted)
	{
		after_abort.func = cleanup_callback;
		MemoryContextRegisterResetCallback(TopTransactionContext, &after_abort);
		aborted = true;
	}
	sfs_gpu_tick(debug_query_string == NULL);
}

/* See gpu_session.h. */
void
sfs_gpu_session_init(void)
{
	RegisterXactCallback(transaction_callback, NULL);
}

/* Register what a process with a context needs. */
static void
register_callbacks(void)
{
	if (has_callbacks)
		return;
	before_shmem_exit(exit_callback, (Datum) 0);
	timer = RegisterTimeout(USER_TIMEOUT, timer_callback);
	has_callbacks = true;
}

/* Keep the reason of a failure. */
static void
note_trouble(const SfsEngineError *error)
{
	strlcpy(trouble, error->reason, sizeof(trouble));
	sfs_gpu_error_note(trouble);
}

/* See gpu_session.h. */
SfsVerdict
sfs_gpu_open(SfsEngineError *error)
{
	SfsLosses losses = sfs_gpu_losses();
	SfsDeviceInfo found = {.device = sfs_gpu_device};
	SfsStatus status;
	SfsVerdict verdict;
	sigset_t before;

	if (sfs_gpu_offload.context == SFS_CONTEXT_OPEN &&
		(sfs_offload_stale(&sfs_gpu_offload, losses) || opened_device != sfs_gpu_device ||
		 opened_memory_limit != sfs_gpu_memory_limit))
		give_back();
	if (sfs_gpu_offload.context == SFS_CONTEXT_OPEN)
		return SFS_VERDICT_YES;
	register_callbacks();
	if (!sfs_gpu_slot_take())
		return SFS_VERDICT_NO_SLOT;
	has_slot = true;
	sfs_gpu_signals_block(&before);
	status = sfs_gpu_library()->open(sfs_gpu_device, (uint64_t) sfs_gpu_memory_limit * 1024, &found,
									 error);
	sfs_gpu_signals_restore(&before);
	verdict = sfs_offload_opened(&sfs_gpu_offload, status, losses, sfs_gpu_now());
	if (verdict != SFS_VERDICT_YES)
	{
		release_slot();
		note_trouble(error);
		return verdict;
	}
	info = found;
	info_known = true;
	opened_device = sfs_gpu_device;
	opened_memory_limit = sfs_gpu_memory_limit;
	return verdict;
}

/* Serve a hook of the host with its signals, and block them again. */
static bool
serve(void *arg, bool waits, long microseconds)
{
	const Hooks *hooks = arg;
	sigset_t blocked;
	bool stop;

	pthread_sigmask(SIG_SETMASK, &hooks->mask, &blocked);
	stop = waits ? hooks->host->wait(hooks->host->arg, microseconds)
				 : hooks->host->poll(hooks->host->arg);
	sfs_gpu_signals_restore(&blocked);
	return stop;
}

/* Ask the host whether to stop. */
static bool
poll_host(void *arg)
{
	return serve(arg, false, 0);
}

/* Sleep for a while, then ask the host whether to stop. */
static bool
wait_host(void *arg, long microseconds)
{
	return serve(arg, true, microseconds);
}

/* See gpu_session.h. */
SfsVerdict
sfs_gpu_run(const SfsTask *task, uint8_t *unsure, const SfsHooks *host, SfsDeviceReport *report,
			SfsStatus *status, SfsEngineError *error)
{
	Hooks mine = {.host = host};
	SfsHooks hooks = {.poll = poll_host, .wait = wait_host, .arg = &mine};
	SfsVerdict verdict;

	memset(report, 0, sizeof(*report));
	sfs_gpu_signals_block(&mine.mask);
	*status = sfs_gpu_library()->run(task, unsure, &hooks, report, error);
	sfs_gpu_signals_restore(&mine.mask);
	verdict = sfs_offload_ran(&sfs_gpu_offload, *status, report->lost, sfs_gpu_now());
	if (verdict != SFS_VERDICT_YES && verdict != SFS_VERDICT_UNSUPPORTED)
		note_trouble(error);
	if (verdict == SFS_VERDICT_LOST)
	{
		/* there is no call of the library after this */
		sfs_gpu_losses_add(sfs_gpu_now());
		release_slot();
	}
	return verdict;
}

/* See gpu_session.h. */
const SfsDeviceInfo *
sfs_gpu_info(void)
{
	return info_known ? &info : NULL;
}

/* See gpu_session.h. */
const char *
sfs_gpu_trouble(void)
{
	return trouble;
}

/* See gpu_session.h. */
void
sfs_gpu_retry(void)
{
	sfs_gpu_offload.retry_at = 0;
	memset(sfs_gpu_offload.break_even, 0, sizeof(sfs_gpu_offload.break_even));
}
