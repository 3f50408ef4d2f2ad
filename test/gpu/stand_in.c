/*
 * stand_in.c - a device that is the core, to test parity with.
 *
 * The environment variable STAND_IN names a defect that parity has to find:
 *   flip      one row in a thousand has one wrong bit     range    answers rows out of range
 *   guard     writes behind the output                    before   writes before it
 *   input     changes an input                            unsure   leaves 5 % unanswered
 *   report    counts marks wrongly                        fail     a run fails
 *   nothing   supports nothing                            zero     -0 for 0
 *   mark      marks rows with 2
 */
#include "device.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static size_t rows_run;

/* Does the environment ask for this defect? */
static bool
has(const char *defect)
{
	const char *name = getenv("STAND_IN");

	return name != NULL && strcmp(name, defect) == 0;
}

/* See device.h. */
static SfsStatus
stand_in_open(int device, uint64_t memory, SfsDeviceInfo *info, SfsEngineError *error)
{
	(void) memory;
	(void) error;
	*info = (SfsDeviceInfo){.name = "the core itself", .device = device, .simulated = true};
	return SFS_OK;
}

/* See device.h. */
static void
stand_in_close(void)
{
}

/* See device.h. */
static bool
stand_in_supports(const SfsTask *task)
{
	return !has("nothing") && task->op != SFS_OP_STRENGTH_RANGE;
}

/* Return a byte of a row's output, or NULL if the row has none. */
static unsigned char *
output_of(const SfsTask *task, size_t row)
{
	size_t size = task->out.type == SFS_FLOAT64 ? sizeof(double) : sizeof(float);
	size_t start = task->offsets != NULL ? (size_t) task->offsets[row] : row * task->length;
	size_t end = task->offsets != NULL ? (size_t) task->offsets[row + 1] : start + task->length;

	if (sfs_op_shape(task->op) == SFS_SHAPE_ROWS)
		return (unsigned char *) task->out.data + row * size;
	if (end == start)
		return NULL;
	if (sfs_op_shape(task->op) == SFS_SHAPE_MATRIX)
		start *= task->length;
	return (unsigned char *) task->out.data + start * size;
}

/* Do what is wrong with a row. */
static void
spoil_row(const SfsTask *task, size_t row, uint8_t *unsure)
{
	unsigned char *byte = output_of(task, row);
	static const double zero = 0.0;

	rows_run++;
	if (has("flip") && rows_run % 1000 == 0 && byte != NULL)
		*byte ^= 1;
	if (has("zero") && byte != NULL && task->out.type == SFS_FLOAT64 &&
		memcmp(byte, &zero, sizeof(zero)) == 0)
		byte[7] = 0x80;
	if (has("unsure") && rows_run % 20 == 0)
		unsure[row] = 1;
	if (has("mark") && rows_run % 1000 == 0)
		unsure[row] = 2;
}

/* Do what is wrong with a task. */
static void
spoil_task(const SfsTask *task)
{
	size_t size = task->out.type == SFS_FLOAT64 ? sizeof(double) : sizeof(float);
	size_t n =
		task->offsets != NULL ? (size_t) task->offsets[task->rows] : task->rows * task->length;

	if (has("guard") && sfs_op_shape(task->op) == SFS_SHAPE_ELEMENTS)
		((unsigned char *) task->out.data)[n * size] = 0;
	if (has("before"))
		((unsigned char *) task->out.data)[-1] = 0;
	if (has("input") && task->rows > 0 && n > 0 && !task->x.shared)
		((unsigned char *) task->x.data)[n - 1] ^= 1;
}

/* See device.h. */
static SfsStatus
stand_in_run(const SfsTask *task, uint8_t *unsure, const SfsHooks *hooks, SfsDeviceReport *report,
			 SfsEngineError *error)
{
	void *workspace = malloc(sfs_core_workspace(task) + 1);
	size_t marked = 0;

	(void) hooks;
	*report = (SfsDeviceReport){.slices = 1};
	if (has("fail") && rows_run > 1000)
	{
		snprintf(error->reason, sizeof(error->reason), "failed on request");
		free(workspace);
		return SFS_FAILED;
	}
	for (size_t row = 0; row < task->rows; row++)
	{
		unsure[row] = sfs_core_run(task, row, row + 1, workspace, NULL) != SFS_OK && !has("range");
		spoil_row(task, row, unsure);
		marked += unsure[row] != 0;
	}
	spoil_task(task);
	report->unsure = marked + (has("report") && marked > 0);
	free(workspace);
	return SFS_OK;
}

/* See device.h. */
static void
stand_in_inject(SfsDeviceFault fault)
{
	(void) fault;
}

extern __attribute__((visibility("default"))) const SfsDevice *softsort_device(void);

/* See device.h. */
const SfsDevice *
softsort_device(void)
{
	static const SfsDevice device = {
		.abi_version = SFS_DEVICE_ABI,
		.struct_size = sizeof(SfsDevice),
		.task_size = sizeof(SfsTask),
		.hooks_size = sizeof(SfsHooks),
		.version = SOFTSORT_VERSION,
		.name = "stand-in",
		.open = stand_in_open,
		.close = stand_in_close,
		.supports = stand_in_supports,
		.run = stand_in_run,
		.inject = stand_in_inject,
	};

	return &device;
}
