/*
 * gpu.h - the CUDA runtime, or the simulator that takes its place in tests.
 *
 * Kernels are launched by SFS_LAUNCH and get their dynamic shared memory by
 * SFS_DYNAMIC_SHARED, because these two are no expressions of C++.
 */
#ifndef SFS_GPU_H
#define SFS_GPU_H

#ifdef SFS_SIMULATED
#include "cudasim.h"
#define SFS_UNROLL
#else
#include <cuda_runtime.h>

#define SFS_UNROLL _Pragma("unroll")
#define SFS_LAUNCH(kernel, grid, block, shared_bytes, stream, ...) \
	kernel<<<grid, block, shared_bytes, stream>>>(__VA_ARGS__)
#define SFS_DYNAMIC_SHARED(T, name) \
	extern __shared__ __align__(16) unsigned char sfs_dynamic_shared[]; \
	T *name = reinterpret_cast<T *>(sfs_dynamic_shared)
#endif

#include <stdint.h>

#define SFS_DEVICE static __device__ __forceinline__

/* All lanes of a warp. */
#define SFS_WARP 0xffffffffu

#endif /* SFS_GPU_H */
