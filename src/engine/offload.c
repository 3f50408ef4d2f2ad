/*
 * offload.c - see offload.h.
 */
#include "offload.h"

#include <math.h>

/* Elements of the smallest and the largest task that is measured. */
#define MEASURE_MIN ((size_t) 1 << 12)
#define MEASURE_MAX ((size_t) 1 << 20)

/* Milliseconds that one measured run may take; a device that takes longer is no help. */
#define MEASURE_MS_MAX 50.0

/* See offload.h. */
size_t
sfs_offload_elements(const SfsTask *task)
{
	return task->offsets != NULL ? (size_t) task->offsets[task->rows] : task->rows * task->length;
}

/* See offload.h. */
SfsBatch
sfs_offload_batch(const SfsTask *task)
{
	return task->rows >= SFS_OFFLOAD_ROWS_MIN ? SFS_BATCH_ROWS : SFS_BATCH_LIST;
}

/* See offload.h. */
void
sfs_offload_reconsider(SfsOffload *offload, int64_t now)
{
	int64_t since = now - offload->measured_at;

	for (int i = 0; i < SFS_BATCH_COUNT; i++)
		if (isinf(offload->break_even[i]) && (since < 0 || since > SFS_OFFLOAD_MEASURE_AGAIN))
			offload->break_even[i] = 0.0;
}

/* Return the elements from which a task goes to the device. */
static double
threshold(const SfsOffload *offload, size_t min_elements, SfsBatch batch)
{
	double measured = offload->break_even[batch];

	if (min_elements > 0)
		return (double) min_elements;
	if (measured == 0.0 ||
		(offload->context != SFS_CONTEXT_OPEN && measured < SFS_OFFLOAD_OPEN_MIN))
		return SFS_OFFLOAD_OPEN_MIN;
	return measured;
}

/* See offload.h. */
SfsVerdict
sfs_offload_wanted(const SfsOffload *offload, SfsOffloadMode mode, size_t min_elements,
				   const SfsTask *task)
{
	size_t elements;
	SfsBatch batch;

	if (mode == SFS_OFFLOAD_NEVER)
		return SFS_VERDICT_UNWANTED;
	elements = sfs_offload_elements(task);
	if (elements == 0)
		return SFS_VERDICT_UNWANTED;
	if (mode == SFS_OFFLOAD_REQUIRE)
		return SFS_VERDICT_YES;
	batch = sfs_offload_batch(task);
	if (batch == SFS_BATCH_LIST && elements / task->rows < SFS_OFFLOAD_LENGTH_MIN)
		return SFS_VERDICT_SMALL;
	return (double) elements < threshold(offload, min_elements, batch) ? SFS_VERDICT_SMALL
																	   : SFS_VERDICT_YES;
}

/* Is a time still to come?  Not when it is so far away that the clock was set back. */
static bool
is_ahead(int64_t time, int64_t now)
{
	return time > now && time - now <= SFS_OFFLOAD_PROBE_AGAIN;
}

/* See offload.h. */
SfsVerdict
sfs_offload_possible(const SfsOffload *offload, SfsOffloadMode mode, SfsLosses losses, int64_t now)
{
	if (offload->context == SFS_CONTEXT_LOST)
		return SFS_VERDICT_LOST;
	if (mode == SFS_OFFLOAD_REQUIRE)
		return SFS_VERDICT_YES;
	if (is_ahead(offload->retry_at, now))
		return offload->obstacle;
	if (offload->context == SFS_CONTEXT_NONE && losses.last != 0 &&
		is_ahead(losses.last + SFS_OFFLOAD_PROBE_AGAIN, now))
		return SFS_VERDICT_LOST;
	return SFS_VERDICT_YES;
}

/* See offload.h. */
bool
sfs_offload_stale(const SfsOffload *offload, SfsLosses losses)
{
	return offload->context == SFS_CONTEXT_OPEN && offload->losses != losses.count;
}

/* Try nothing for a while; return the reason. */
static SfsVerdict
back_off(SfsOffload *offload, SfsVerdict obstacle, int64_t until)
{
	offload->obstacle = obstacle;
	offload->retry_at = until;
	return obstacle;
}

/* See offload.h. */
SfsVerdict
sfs_offload_opened(SfsOffload *offload, SfsStatus status, SfsLosses losses, int64_t now)
{
	offload->retry_at = 0;
	switch (status)
	{
		case SFS_OK:
			offload->context = SFS_CONTEXT_OPEN;
			offload->losses = losses.count;
			offload->used_at = now;
			return SFS_VERDICT_YES;
		case SFS_NO_MEMORY:
			return back_off(offload, SFS_VERDICT_NO_MEMORY, now + SFS_OFFLOAD_BACKOFF);
		case SFS_NOT_SUPPORTED:
			return back_off(offload, SFS_VERDICT_NO_DEVICE, now + SFS_OFFLOAD_PROBE_AGAIN);
		default:
			return back_off(offload, SFS_VERDICT_FAILED, now + SFS_OFFLOAD_PROBE_AGAIN);
	}
}

/* See offload.h. */
SfsVerdict
sfs_offload_ran(SfsOffload *offload, SfsStatus status, bool lost, int64_t now)
{
	offload->used_at = now;
	if (lost)
	{
		offload->context = SFS_CONTEXT_LOST;
		return SFS_VERDICT_LOST;
	}
	switch (status)
	{
		case SFS_OK:
		case SFS_CANCELLED:
		case SFS_OUT_OF_RANGE:
			return SFS_VERDICT_YES;
		case SFS_NOT_SUPPORTED:
			return SFS_VERDICT_UNSUPPORTED;
		case SFS_NO_MEMORY:
			return back_off(offload, SFS_VERDICT_NO_MEMORY, now + SFS_OFFLOAD_BACKOFF);
		default:
			return back_off(offload, SFS_VERDICT_FAILED, now + SFS_OFFLOAD_BACKOFF);
	}
}

/* See offload.h. */
void
sfs_offload_closed(SfsOffload *offload)
{
	if (offload->context == SFS_CONTEXT_OPEN)
		offload->context = SFS_CONTEXT_NONE;
}

/* See offload.h. */
int64_t
sfs_offload_idle_left(const SfsOffload *offload, SfsOffloadMode mode, int64_t idle_release,
					  int64_t now)
{
	int64_t idle = now - offload->used_at;

	if (offload->context != SFS_CONTEXT_OPEN)
		return -1;
	if (mode == SFS_OFFLOAD_NEVER)
		return 0;
	if (idle_release == 0)
		return -1;
	/* a clock that was set back must not keep a context for ever */
	if (idle < 0 || idle >= idle_release)
		return 0;
	return idle_release - idle;
}

/* See offload.h. */
SfsStatus
sfs_offload_status(SfsOffloadMode mode, SfsVerdict verdict)
{
	if (mode == SFS_OFFLOAD_REQUIRE && verdict != SFS_VERDICT_UNSUPPORTED)
		return SFS_REFUSED;
	return SFS_NOT_SUPPORTED;
}

/* See offload.h. */
size_t
sfs_offload_measure_next(size_t elements, double device_ms, double cpu_ms, double *break_even)
{
	if (elements == 0)
		return MEASURE_MIN;
	if (device_ms < cpu_ms)
	{
		*break_even = (double) elements;
		return 0;
	}
	if (elements >= MEASURE_MAX || device_ms > MEASURE_MS_MAX)
	{
		*break_even = INFINITY;
		return 0;
	}
	return elements * 2;
}
