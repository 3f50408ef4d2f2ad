/*
 * benchmark.cu - kernels without copies from and to the host, to be timed by bench/gpu alone.
 */
#include "../bench/gpu/benchmark.h"

#include "context.h"

/* Add up the rows that are marked, and give the marks back. */
static size_t
take_marks(uint8_t *marks, size_t rows)
{
	uint8_t *copy = new uint8_t[rows];
	size_t count = 0;

	if (check(cudaMemcpy(copy, marks, rows, cudaMemcpyDeviceToHost), "copy marks"))
		for (size_t i = 0; i < rows; i++)
			count += copy[i];
	delete[] copy;
	(void) check(cudaFree(marks), "free device memory");
	return count;
}

/* Run one task between two events; return milliseconds. */
static double
time_task(const SfsTask *task, size_t *unsure)
{
	Slot *slot = &sfs_state.slot[0];
	SfsDeviceReport report = SfsDeviceReport();
	cudaEvent_t begin;
	cudaEvent_t end;
	uint8_t *marks = nullptr;
	float ms = 0.0f;

	/* events of its own: long rows use those of the slots */
	(void) (check(cudaMalloc((void **) &marks, task->rows), "allocate device memory") &&
			check(cudaMemsetAsync(marks, 0, task->rows, slot->stream), "clear marks") &&
			check(cudaEventCreate(&begin), "create an event") &&
			check(cudaEventCreate(&end), "create an event") &&
			check(cudaEventRecord(begin, slot->stream), "record an event") &&
			run_on_device(task, marks, unsure, &report) &&
			check(cudaEventRecord(end, slot->stream), "record an event") &&
			check(cudaEventSynchronize(end), "run kernels") &&
			check(cudaEventElapsedTime(&ms, begin, end), "measure time"));
	if (sfs_state.error == cudaSuccess)
	{
		*unsure += take_marks(marks, task->rows);
		(void) cudaEventDestroy(begin);
		(void) cudaEventDestroy(end);
	}
	return (double) ms;
}

/* See benchmark.h: SfsDeviceBenchmark. */
extern "C" __attribute__((visibility("default"))) SfsStatus
softsort_device_benchmark(const SfsTask *tasks, size_t count, size_t runs, double *ms,
						  size_t *unsure, SfsEngineError *error)
{
	error->reason[0] = '\0';
	*unsure = 0;
	for (size_t i = 0; i < count; i++)
		if (!sfs_state.is_open || sfs_state.lost || tasks[i].offsets != nullptr ||
			!supports_task(&tasks[i]))
			return SFS_NOT_SUPPORTED;
	for (size_t i = 0; i < runs && sfs_state.error == cudaSuccess; i++)
		ms[i] = time_task(&tasks[i % count], unsure);
	return failure(nullptr, error);
}
