/*
 * gpu_shared.h - what the processes of a server share about the device.
 *
 * Slots (how many processes have a context), losses, counters and the last error.  They
 * are in shared memory when softsort is preloaded (shared_preload_libraries), else in this
 * process: then a backend has one slot, a parallel worker none, and nobody counts both.
 */
#ifndef SOFTSORT_GPU_SHARED_H
#define SOFTSORT_GPU_SHARED_H

#include "postgres.h"

#include "datatype/timestamp.h"

#include "offload.h"

/* Counters; those of fallbacks follow, one a verdict. */
typedef enum SfsGpuCounter
{
	SFS_GPU_CALLS = 0,
	SFS_GPU_ROWS,
	SFS_GPU_ELEMENTS,
	SFS_GPU_UNSURE, /* rows that the CPU repeated */
	SFS_GPU_FALLBACKS,
	SFS_GPU_COUNTERS = SFS_GPU_FALLBACKS + SFS_VERDICT_COUNT
} SfsGpuCounter;

/* Reserve the shared memory; only while the server is starting. */
extern void sfs_gpu_shared_init(void);

/* Is there shared memory? */
extern bool sfs_gpu_shared(void);

/* Take a slot, if one is free; give it back. */
extern bool sfs_gpu_slot_take(void);
extern void sfs_gpu_slot_release(void);

/* Return how many slots are taken, and how many there are. */
extern int sfs_gpu_slots_used(void);
extern int sfs_gpu_slots_max(void);

/* Return the losses in all processes, and add one. */
extern SfsLosses sfs_gpu_losses(void);
extern void sfs_gpu_losses_add(int64 now);

/* Add to a counter.  What is counted becomes visible to other processes by a flush. */
extern void sfs_gpu_count(SfsGpuCounter counter, uint64 n);
extern void sfs_gpu_count_fallback(SfsVerdict verdict);
extern void sfs_gpu_counters_flush(void);
extern uint64 sfs_gpu_counter(SfsGpuCounter counter);

/* Note an error, with the time; copy the last one, return its time (0: none). */
extern void sfs_gpu_error_note(const char *error);
extern TimestampTz sfs_gpu_error_last(char *error, Size size);

#endif /* SOFTSORT_GPU_SHARED_H */
