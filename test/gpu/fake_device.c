/*
 * fake_device.c - a device that is none: the core behind the contract of device.h.
 *
 * It answers slice by slice as a device does, is not sure of every 7th row, whose output it
 * spoils, and can have every fault.  It also checks its caller: a breach of the contract ends
 * the process.
 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "device.h"
#include "kernels.h"

/* Exported; everything else is not. */
__attribute__((visibility("default"))) const SfsDevice *softsort_device(void);

/* Rows of one slice. */
#define SLICE 16

/* Every so many rows the device is not sure of one. */
#define UNSURE_EVERY 7

/* Waits that make a slow slice, and microseconds of each. */
#define SLOW_WAITS 12000
#define SLOW_WAIT 500L

static SfsDeviceFault fault;
static bool is_open;
static bool is_lost;
static pid_t opened_by;

/* End the process, since its caller broke the contract. */
static void
require(bool condition, const char *what)
{
	if (condition)
		return;
	fprintf(stderr, "fake device: %s\n", what);
	abort();
}

/* Check that a thread which starts here would run no signal handler. */
static void
require_blocked(void)
{
	static const int handled[] = {SIGHUP,  SIGINT,	SIGTERM, SIGQUIT,
								  SIGALRM, SIGUSR1, SIGUSR2, SIGCHLD};
	sigset_t mask;

	pthread_sigmask(SIG_BLOCK, NULL, &mask);
	for (size_t i = 0; i < sizeof(handled) / sizeof(handled[0]); i++)
		require(sigismember(&mask, handled[i]) == 1, "called with signals");
}

/* Fail with a reason. */
static SfsStatus
fail(SfsStatus status, SfsEngineError *error, const char *reason)
{
	snprintf(error->reason, sizeof(error->reason), "%s", reason);
	return status;
}

/* Open the device, which has the number 0. */
static SfsStatus
open_fake(int device, uint64_t memory, SfsDeviceInfo *info, SfsEngineError *error)
{
	(void) memory;
	require_blocked();
	require(!is_open, "opened twice");
	require(!is_lost, "opened after it was lost");
	if (fault == SFS_FAULT_ABSENT || device != 0)
		return fail(SFS_NOT_SUPPORTED, error, "There is no such device.");
	if (fault == SFS_FAULT_OOM)
		return fail(SFS_NO_MEMORY, error, "The device is out of memory.");
	memset(info, 0, sizeof(*info));
	snprintf(info->name, sizeof(info->name), "fake device");
	info->memory = (uint64_t) 1 << 30;
	info->simulated = true;
	sfs_kernels_choose();
	opened_by = getpid();
	is_open = true;
	return SFS_OK;
}

/* Close the device. */
static void
close_fake(void)
{
	require_blocked();
	require(!is_lost, "closed after it was lost");
	is_open = false;
}

/* Support what a first version does: no Jacobians and no bisection. */
static bool
supports_fake(const SfsTask *task)
{
	return sfs_op_shape(task->op) != SFS_SHAPE_MATRIX && task->op != SFS_OP_STRENGTH_RANGE;
}

/* Spoil the output of a row. */
static void
spoil(const SfsTask *task, size_t row)
{
	size_t size = task->out.type == SFS_FLOAT64 ? sizeof(double) : sizeof(float);
	size_t first = row;
	size_t last = row + 1;

	if (sfs_op_shape(task->op) == SFS_SHAPE_ELEMENTS)
	{
		first = task->offsets != NULL ? (size_t) task->offsets[row] : row * task->length;
		last = task->offsets != NULL ? (size_t) task->offsets[row + 1] : first + task->length;
	}
	memset((char *) task->out.data + first * size, 0xa5, (last - first) * size);
}

/* Wait as for a slow slice; return true to stop. */
static bool
be_slow(const SfsHooks *hooks)
{
	for (int i = 0; i < SLOW_WAITS; i++)
		if (hooks->wait(hooks->arg, SLOW_WAIT))
			return true;
	require_blocked();
	return false;
}

/* Compute a row, or be not sure of it. */
static SfsStatus
run_row(const SfsTask *task, size_t row, uint8_t *unsure, void *workspace, const SfsHooks *hooks,
		SfsDeviceReport *report)
{
	SfsStatus status = SFS_OK;

	if (row % UNSURE_EVERY != UNSURE_EVERY - 1)
		status = sfs_core_run(task, row, row + 1, workspace, hooks);
	if (row % UNSURE_EVERY == UNSURE_EVERY - 1 || status == SFS_OUT_OF_RANGE)
	{
		spoil(task, row);
		unsure[row] = 1;
		report->unsure++;
		return SFS_OK;
	}
	return status;
}

/* Run all rows in slices. */
static SfsStatus
run_slices(const SfsTask *task, uint8_t *unsure, void *workspace, const SfsHooks *hooks,
		   SfsDeviceReport *report, SfsEngineError *error)
{
	SfsHooks own = {.poll = hooks->poll, .arg = hooks->arg};

	for (size_t row = 0; row < task->rows; row++)
	{
		SfsStatus status;

		if (row % SLICE == 0)
		{
			report->slices++;
			if (fault == SFS_FAULT_SLOW && be_slow(hooks))
				return SFS_CANCELLED;
			if (hooks->poll(hooks->arg))
				return SFS_CANCELLED;
			require_blocked();
		}
		if (fault == SFS_FAULT_STICKY && row == task->rows / 2)
		{
			is_lost = report->lost = true;
			return fail(SFS_FAILED, error, "An illegal memory access was encountered.");
		}
		status = run_row(task, row, unsure, workspace, &own, report);
		if (status != SFS_OK)
			return status;
	}
	return SFS_OK;
}

/* Run a task. */
static SfsStatus
run_fake(const SfsTask *task, uint8_t *unsure, const SfsHooks *hooks, SfsDeviceReport *report,
		 SfsEngineError *error)
{
	void *workspace;
	SfsStatus status;

	require_blocked();
	require(is_open && !is_lost, "run without a context");
	require(opened_by == getpid(), "run in a fork of the process that opened");
	require(supports_fake(task), "run with a task that is not supported");
	if (fault == SFS_FAULT_OOM)
		return fail(SFS_NO_MEMORY, error, "The device is out of memory.");
	workspace = malloc(sfs_core_workspace(task));
	if (workspace == NULL)
		return fail(SFS_NO_MEMORY, error, "The host is out of memory.");
	status = run_slices(task, unsure, workspace, hooks, report, error);
	free(workspace);
	return status;
}

/* Have a fault. */
static void
inject_fake(SfsDeviceFault wanted)
{
	fault = wanted;
}

static const SfsDevice fake = {
	.abi_version = SFS_DEVICE_ABI,
	.struct_size = sizeof(SfsDevice),
	.task_size = sizeof(SfsTask),
	.hooks_size = sizeof(SfsHooks),
	.version = SOFTSORT_VERSION,
	.name = "fake",
	.open = open_fake,
	.close = close_fake,
	.supports = supports_fake,
	.run = run_fake,
	.inject = inject_fake,
};

/* Return the device. */
const SfsDevice *
softsort_device(void)
{
	require_blocked();
	return &fake;
}
