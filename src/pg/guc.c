/*
 * guc.c - see guc.h; in alphabetical order.
 */
#include "guc.h"

#include <limits.h>

#include "utils/guc.h"

#include "kernels.h"

int sfs_max_partition_memory = 4 * 1024 * 1024;

/* Value of softsort.kernels; the levels follow AUTO in their order. */
#define AUTO 0
#define LEVELS_MAX 8
static int kernels = AUTO;
static struct config_enum_entry kernels_options[LEVELS_MAX + 2] = {{"auto", AUTO, false}};

/* Use the kernels that softsort.kernels asks for. */
static void
assign_kernels(int value, void *extra)
{
	if (value == AUTO)
		sfs_kernels_choose();
	else
		(void) sfs_kernels_force(kernels_options[value].name);
}

/* Value of softsort.kernels_status, which is never read. */
static char *kernels_status;

/* Return the kernels in use. */
static const char *
show_kernels_status(void)
{
	return sfs_kernels->name;
}

/* See guc.h. */
void
sfs_guc_init(void)
{
	/* only what this processor can do is a valid value */
	for (int i = 0, valid = AUTO; i < LEVELS_MAX && sfs_kernels_name((size_t) i) != NULL; i++)
		if (sfs_kernels_force(sfs_kernels_name((size_t) i)))
		{
			valid++;
			kernels_options[valid] =
				(struct config_enum_entry){sfs_kernels_name((size_t) i), valid, false};
		}
	DefineCustomEnumVariable("softsort.kernels",
							 "Selects the instructions that softsort computes with.",
							 "Results are the same with all of them; auto is the fastest that the "
							 "processor has.",
							 &kernels, AUTO, kernels_options, PGC_USERSET, GUC_NOT_IN_SAMPLE, NULL,
							 assign_kernels, NULL);
	DefineCustomStringVariable("softsort.kernels_status",
							   "Shows the instructions that softsort computes with.", NULL,
							   &kernels_status, "", PGC_INTERNAL,
							   GUC_NOT_IN_SAMPLE | GUC_DISALLOW_IN_FILE | GUC_NO_RESET_ALL, NULL,
							   NULL, show_kernels_status);
	DefineCustomIntVariable(
		"softsort.max_partition_memory",
		"Sets the maximum memory to be used for one window partition or group.",
		"Window functions and aggregates of softsort hold all their rows in memory.",
		&sfs_max_partition_memory, 4 * 1024 * 1024, 64, INT_MAX, PGC_USERSET, GUC_UNIT_KB, NULL,
		NULL, NULL);
	MarkGUCPrefixReserved("softsort");
}
