/*
 * guc.c - see guc.h; in alphabetical order.
 */
#include "guc.h"

#include <limits.h>

#include "miscadmin.h"
#include "utils/guc.h"

#include "device.h"
#include "gpu_session.h"
#include "kernels.h"
#include "offload.h"

char *sfs_cuda_library;
int sfs_debug_gpu_fail = SFS_FAULT_NONE;
int sfs_gpu = SFS_OFFLOAD_AUTO;
int sfs_gpu_device = 0;
int sfs_gpu_idle_release = 60000;
int sfs_gpu_max_backends = 4;
int sfs_gpu_memory_limit = 0;
int sfs_gpu_min_elements = 0;
int sfs_max_partition_memory = 4 * 1024 * 1024;

/* Values of softsort.debug_gpu_fail. */
static const struct config_enum_entry fault_options[] = {
	{"none", SFS_FAULT_NONE, false},	 {"oom", SFS_FAULT_OOM, false},
	{"sticky", SFS_FAULT_STICKY, false}, {"slow", SFS_FAULT_SLOW, false},
	{"absent", SFS_FAULT_ABSENT, false}, {NULL, 0, false},
};

/* Values of softsort.gpu. */
static const struct config_enum_entry gpu_options[] = {
	{"auto", SFS_OFFLOAD_AUTO, false},
	{"off", SFS_OFFLOAD_NEVER, false},
	{"require", SFS_OFFLOAD_REQUIRE, false},
	{NULL, 0, false},
};

/* Try again what failed with other settings; the postmaster has tried nothing. */
static void
assign_library(const char *value, void *extra)
{
	sfs_gpu_retry();
}

/* Try again what failed with other settings. */
static void
assign_number(int value, void *extra)
{
	sfs_gpu_retry();
}

/* Look after the context when what keeps it has another value, also at the end of SET LOCAL. */
static void
assign_keeping(int value, void *extra)
{
	sfs_gpu_settings_changed();
}

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

/* Define the settings of the device. */
static void
define_gpu(void)
{
	/* what is shared has its size from the start of the server; else the value does nothing */
	GucContext at_start =
		process_shared_preload_libraries_in_progress ? PGC_POSTMASTER : PGC_SIGHUP;

	DefineCustomStringVariable(
		"softsort.cuda_library", "Sets the library that softsort computes on the GPU with.",
		"A name without a slash, and softsort_cuda for an empty one, is that "
		"of a file beside softsort.so.",
		&sfs_cuda_library, "", PGC_SUSET, GUC_SUPERUSER_ONLY, NULL, assign_library, NULL);
	DefineCustomEnumVariable("softsort.debug_gpu_fail",
							 "Makes the GPU fail in the way that is named, for tests.", NULL,
							 &sfs_debug_gpu_fail, SFS_FAULT_NONE, fault_options, PGC_SUSET,
							 GUC_NOT_IN_SAMPLE, NULL, assign_number, NULL);
	DefineCustomEnumVariable("softsort.gpu", "Selects what softsort computes on the GPU.",
							 "Results are the same everywhere; auto is what is faster there.",
							 &sfs_gpu, SFS_OFFLOAD_AUTO, gpu_options, PGC_USERSET, 0, NULL,
							 assign_keeping, NULL);
	DefineCustomIntVariable("softsort.gpu_device", "Sets the number of the GPU.", NULL,
							&sfs_gpu_device, 0, 0, 1023, PGC_SUSET, 0, NULL, assign_number, NULL);
	DefineCustomIntVariable("softsort.gpu_idle_release",
							"Sets the time after which an unused GPU context is given back.",
							"Zero keeps it until the session ends.", &sfs_gpu_idle_release, 60000,
							0, INT_MAX, PGC_USERSET, GUC_UNIT_MS, NULL, assign_keeping, NULL);
	DefineCustomIntVariable(
		"softsort.gpu_max_backends",
		"Sets the maximum number of processes that have a GPU context at a time.",
		"Only enforced when softsort is in shared_preload_libraries.", &sfs_gpu_max_backends, 4, 0,
		1000, at_start, 0, NULL, NULL, NULL);
	DefineCustomIntVariable("softsort.gpu_memory_limit",
							"Sets the maximum GPU memory to be used by one process.",
							"Zero allows a quarter of the GPU's memory.", &sfs_gpu_memory_limit, 0,
							0, INT_MAX, PGC_SUSET, GUC_UNIT_KB, NULL, assign_number, NULL);
	DefineCustomIntVariable("softsort.gpu_min_elements",
							"Sets the number of elements from which a batch goes to the GPU.",
							"Zero takes the number from which the GPU was measured to be faster.",
							&sfs_gpu_min_elements, 0, 0, INT_MAX, PGC_USERSET, 0, NULL, NULL, NULL);
}

/* See guc.h. */
void
sfs_guc_init(void)
{
	define_gpu();
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
