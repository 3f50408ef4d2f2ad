/*
 * offload.h - which tasks go to a device, and what follows from what becomes of them.
 *
 * Decisions alone: nothing here touches a device, a clock or a setting.  The host brings
 * those, keeps one SfsOffload for its process, and asks.  Times are milliseconds of any
 * clock, the same in all processes that share losses.
 */
#ifndef SFS_OFFLOAD_H
#define SFS_OFFLOAD_H

#include "engine.h"

/* What the user wants. */
typedef enum SfsOffloadMode
{
	SFS_OFFLOAD_AUTO = 0, /* the device where it is faster, the CPU whenever it is not there */
	SFS_OFFLOAD_NEVER,
	SFS_OFFLOAD_REQUIRE /* the device, or an error */
} SfsOffloadMode;

/* Yes, or why not.  Reasons are counted, and shown in this order. */
typedef enum SfsVerdict
{
	SFS_VERDICT_YES = 0,
	SFS_VERDICT_UNWANTED,	 /* switched off, or nothing to compute */
	SFS_VERDICT_SMALL,		 /* the CPU is faster, or would be while a context is made */
	SFS_VERDICT_UNSUPPORTED, /* there is no kernel for it */
	SFS_VERDICT_NO_DEVICE,	 /* nor library, driver or device */
	SFS_VERDICT_NO_SLOT,	 /* as many processes as may use the device do */
	SFS_VERDICT_NO_MEMORY,	 /* of the device */
	SFS_VERDICT_LOST,		 /* the device broke, in this process or lately in another one */
	SFS_VERDICT_FAILED,		 /* an error that may not come again */
	SFS_VERDICT_COUNT
} SfsVerdict;

/* Elements from which a context is made when nobody says from how many: it takes 100s of ms. */
#define SFS_OFFLOAD_OPEN_MIN ((double) (1 << 18))

/* A device needs many rows, or one that is long. */
#define SFS_OFFLOAD_ROWS_MIN 32
#define SFS_OFFLOAD_LENGTH_MIN 65536

/* Milliseconds until the next attempt. */
#define SFS_OFFLOAD_BACKOFF 1000		 /* after an error that passes, as out of memory */
#define SFS_OFFLOAD_PROBE_AGAIN 60000	 /* where there was no device, and after a loss elsewhere */
#define SFS_OFFLOAD_MEASURE_AGAIN 600000 /* where the device was not faster */

/* The two kinds of parallelism, which have break-evens of their own. */
typedef enum SfsBatch
{
	SFS_BATCH_ROWS = 0, /* many rows */
	SFS_BATCH_LIST,		/* few that are long */
	SFS_BATCH_COUNT
} SfsBatch;

typedef enum SfsContext
{
	SFS_CONTEXT_NONE = 0, /* not made yet, or given back */
	SFS_CONTEXT_OPEN,
	SFS_CONTEXT_LOST /* for good: the process must not use the device again */
} SfsContext;

/* What a process knows of its device; all zero at first. */
typedef struct SfsOffload
{
	SfsContext context;
	SfsVerdict obstacle; /* why nothing is tried before retry_at */
	int64_t retry_at;
	int64_t used_at;	  /* when the last run ended */
	uint64_t losses;	  /* of all processes when the context was made */
	double break_even[2]; /* elements, by SfsBatch; 0: not measured, infinite: never faster */
	int64_t measured_at;
} SfsOffload;

/* Losses of the device in all processes. */
typedef struct SfsLosses
{
	uint64_t count;
	int64_t last; /* when; 0: never */
} SfsLosses;

/* Return the number of elements of a task, and the kind of its parallelism. */
extern size_t sfs_offload_elements(const SfsTask *task);
extern SfsBatch sfs_offload_batch(const SfsTask *task);

/* Forget that the device was never faster, after a while: it may have been busy. */
extern void sfs_offload_reconsider(SfsOffload *offload, int64_t now);

/* Is the device wanted for a task?  min_elements: the user's, 0 for what was measured. */
extern SfsVerdict sfs_offload_wanted(const SfsOffload *offload, SfsOffloadMode mode,
									 size_t min_elements, const SfsTask *task);

/* May the device be tried now? */
extern SfsVerdict sfs_offload_possible(const SfsOffload *offload, SfsOffloadMode mode,
									   SfsLosses losses, int64_t now);

/* Must an open context be made anew, since another process has lost the device? */
extern bool sfs_offload_stale(const SfsOffload *offload, SfsLosses losses);

/* Note how an attempt to make a context, or a run, ended; return yes, or the reason to go on without. */
extern SfsVerdict sfs_offload_opened(SfsOffload *offload, SfsStatus status, SfsLosses losses,
									 int64_t now);
extern SfsVerdict sfs_offload_ran(SfsOffload *offload, SfsStatus status, bool lost, int64_t now);

/* Note that a context was given back. */
extern void sfs_offload_closed(SfsOffload *offload);

/* Return the milliseconds until an idle context is given back, 0 if it is time; -1: not at all. */
extern int64_t sfs_offload_idle_left(const SfsOffload *offload, SfsOffloadMode mode,
									 int64_t idle_release, int64_t now);

/* Return the status that tells the dispatcher what to do about a task that did not run. */
extern SfsStatus sfs_offload_status(SfsOffloadMode mode, SfsVerdict verdict);

/* Return the next size at which to measure, 0 at the end, given whether the device was faster. */
extern size_t sfs_offload_measure_next(size_t elements, double device_ms, double cpu_ms,
									   double *break_even);

#endif /* SFS_OFFLOAD_H */
