/*
 * short_sort_kl.cu - kernels of entropic soft sorts and their derivatives, for rows in shared memory.
 */
#include "short_kernel.h"

template cudaError_t launch_program<SHORT_SORT, SFS_REG_KL>(const Batch &, int, cudaStream_t);
template cudaError_t launch_program<SHORT_SORT_PRODUCT, SFS_REG_KL>(const Batch &, int,
																	cudaStream_t);
