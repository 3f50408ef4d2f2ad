/*
 * benchmark.h - what a device library exports, beside the contract of device.h, to be timed
 * without copies from and to the host.  For bench/gpu alone; the extension never calls it.
 */
#ifndef BENCHMARK_H
#define BENCHMARK_H

#include "device.h"

#define SFS_DEVICE_BENCHMARK "softsort_device_benchmark"

/*
 * Run tasks[i % count] for i = 0 .. runs - 1, one after another, and write the milliseconds
 * of each to ms[i], between two events of the device.  The device is open.  All pointers in the tasks -
 * data, outputs, offsets - are memory of the device; outputs are written there.
 * *unsure becomes the number of rows that were marked in all runs together.
 */
typedef SfsStatus (*SfsDeviceBenchmark)(const SfsTask *tasks, size_t count, size_t runs, double *ms,
										size_t *unsure, SfsEngineError *error);

#endif /* BENCHMARK_H */
