/*
 * guc.c - see guc.h; in alphabetical order.
 */
#include "guc.h"

#include <limits.h>

#include "utils/guc.h"

int sfs_max_partition_memory = 4 * 1024 * 1024;

/* See guc.h. */
void
sfs_guc_init(void)
{
	DefineCustomIntVariable(
		"softsort.max_partition_memory",
		"Sets the maximum memory to be used for one window partition or group.",
		"Window functions and aggregates of softsort hold all their rows in memory.",
		&sfs_max_partition_memory, 4 * 1024 * 1024, 64, INT_MAX, PGC_USERSET, GUC_UNIT_KB, NULL,
		NULL, NULL);
	MarkGUCPrefixReserved("softsort");
}
