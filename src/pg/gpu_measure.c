/*
 * gpu_measure.c - see gpu_measure.h.
 *
 * Soft ranks of random lists, once by the device and once by the core, of growing size
 * until the device is faster.  All operations sort and solve as soft_rank does.
 */
#include "gpu_measure.h"

#include <float.h>

#include "portability/instr_time.h"
#include "utils/memutils.h"

#include "gpu_library.h"
#include "gpu_session.h"

/* Length of the rows of a batch of many. */
#define ROW_LENGTH 256

/* Runs of which the fastest counts. */
#define RUNS 2

/* What a measurement needs. */
typedef struct Bench
{
	SfsTask task;
	double *x;
	double *out;
	uint8_t *unsure;
	void *workspace;
} Bench;

/* Allocate without raising. */
static void *
allocate(Size bytes)
{
	return MemoryContextAllocExtended(CurrentMemoryContext, bytes,
									  MCXT_ALLOC_HUGE | MCXT_ALLOC_NO_OOM);
}

/* Free what there is. */
static void
end(Bench *bench)
{
	if (bench->x != NULL)
		pfree(bench->x);
	if (bench->out != NULL)
		pfree(bench->out);
	if (bench->unsure != NULL)
		pfree(bench->unsure);
	if (bench->workspace != NULL)
		pfree(bench->workspace);
	memset(bench, 0, sizeof(*bench));
}

/* Make a task of random values, some of which share their ranks; return false without memory. */
static bool
begin(Bench *bench, SfsBatch batch, size_t elements)
{
	uint32 random = 1;

	memset(bench, 0, sizeof(*bench));
	bench->task.op = SFS_OP_RANK;
	bench->task.strength = 1.0;
	bench->task.rows = batch == SFS_BATCH_ROWS ? elements / ROW_LENGTH : 1;
	bench->task.length = elements / bench->task.rows;
	bench->x = allocate(sizeof(double) * elements);
	bench->out = allocate(sizeof(double) * elements);
	bench->unsure = allocate(bench->task.rows);
	bench->workspace = allocate(sfs_core_workspace(&bench->task));
	if (bench->x == NULL || bench->out == NULL || bench->unsure == NULL || bench->workspace == NULL)
		return false;
	for (size_t i = 0; i < elements; i++)
	{
		random = random * 1664525 + 1013904223;
		bench->x[i] = random * (1.0 / 4294967296.0) * (double) bench->task.length;
	}
	bench->task.x.data = bench->x;
	bench->task.out.data = bench->out;
	return true;
}

/* Return the milliseconds since a time. */
static double
since(instr_time start)
{
	instr_time now;

	INSTR_TIME_SET_CURRENT(now);
	INSTR_TIME_SUBTRACT(now, start);
	return INSTR_TIME_GET_MILLISEC(now);
}

/* Time both sides; the status is not SFS_OK when one of them did not finish. */
static SfsStatus
compare(Bench *bench, const SfsHooks *hooks, double *device_ms, double *cpu_ms, SfsVerdict *verdict,
		SfsEngineError *error)
{
	SfsStatus status = SFS_OK;

	*device_ms = *cpu_ms = DBL_MAX;
	for (int run = 0; run < RUNS && status == SFS_OK; run++)
	{
		SfsDeviceReport report;
		instr_time start;

		memset(bench->unsure, 0, bench->task.rows);
		INSTR_TIME_SET_CURRENT(start);
		*verdict = sfs_gpu_run(&bench->task, bench->unsure, hooks, &report, &status, error);
		*device_ms = Min(*device_ms, since(start));
		if (status != SFS_OK || *verdict != SFS_VERDICT_YES)
			break;
		INSTR_TIME_SET_CURRENT(start);
		status = sfs_core_run(&bench->task, 0, bench->task.rows, bench->workspace, hooks);
		*cpu_ms = Min(*cpu_ms, since(start));
	}
	return status;
}

/* See gpu_measure.h. */
SfsStatus
sfs_gpu_measure(SfsBatch batch, const SfsHooks *hooks, SfsVerdict *verdict, SfsEngineError *error)
{
	double *break_even = &sfs_gpu_offload.break_even[batch];
	size_t elements = 0;
	double device_ms = 0.0;
	double cpu_ms = 0.0;
	SfsStatus status = SFS_OK;

	*verdict = SFS_VERDICT_YES;
	while ((elements = sfs_offload_measure_next(elements, device_ms, cpu_ms, break_even)) > 0)
	{
		Bench bench;

		if (begin(&bench, batch, elements) && sfs_gpu_library()->supports(&bench.task))
			status = compare(&bench, hooks, &device_ms, &cpu_ms, verdict, error);
		else
			*break_even = SFS_OFFLOAD_OPEN_MIN;
		end(&bench);
		if (*break_even > 0.0 || status != SFS_OK || *verdict != SFS_VERDICT_YES)
			break;
	}
	return status;
}
