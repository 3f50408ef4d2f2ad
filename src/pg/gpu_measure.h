/*
 * gpu_measure.h - from how many elements on the device is faster than this processor.
 */
#ifndef SOFTSORT_GPU_MEASURE_H
#define SOFTSORT_GPU_MEASURE_H

#include "postgres.h"

#include "device.h"
#include "offload.h"

/*
 * Measure on the open device, in some ten ms, and note the result in sfs_gpu_offload; where that
 * cannot be done, the number of elements from which a context is made.  Not SFS_OK or not yes:
 * the device failed, or the host asked to stop (SFS_CANCELLED).
 */
extern SfsStatus sfs_gpu_measure(SfsBatch batch, const SfsHooks *hooks, SfsVerdict *verdict,
								 SfsEngineError *error);

#endif /* SOFTSORT_GPU_MEASURE_H */
