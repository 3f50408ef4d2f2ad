/*
 * guc.h - the settings.
 */
#ifndef SOFTSORT_GUC_H
#define SOFTSORT_GUC_H

#include "postgres.h"

/* kB that one window partition or one group of an aggregate may take. */
extern int sfs_max_partition_memory;

/* Define the settings. */
extern void sfs_guc_init(void);

#endif /* SOFTSORT_GUC_H */
