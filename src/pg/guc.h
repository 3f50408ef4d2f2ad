/*
 * guc.h - the settings.
 */
#ifndef SOFTSORT_GUC_H
#define SOFTSORT_GUC_H

#include "postgres.h"

/* The library of the device; "": the one beside softsort.so. */
extern char *sfs_cuda_library;

/* A fault that the device is asked for: an SfsDeviceFault. */
extern int sfs_debug_gpu_fail;

/* Which tasks go to the device: an SfsOffloadMode; and the elements from which on, 0: measured. */
extern int sfs_gpu;
extern int sfs_gpu_min_elements;

/* The device's number, and kB of it that one process may take, 0: a quarter. */
extern int sfs_gpu_device;
extern int sfs_gpu_memory_limit;

/* Milliseconds after which an idle context is given back, 0: never. */
extern int sfs_gpu_idle_release;

/* Processes that may have a context at a time. */
extern int sfs_gpu_max_backends;

/* kB that one window partition or one group of an aggregate may take. */
extern int sfs_max_partition_memory;

/* Define the settings. */
extern void sfs_guc_init(void);

#endif /* SOFTSORT_GUC_H */
