/*
 * short_sort_l2.cu - kernels of quadratic soft sorts and their derivatives, for rows in shared memory.
 */
#include "short_kernel.h"

template cudaError_t launch_program<SHORT_SORT, SFS_REG_L2>(const Batch &, int, cudaStream_t);
template cudaError_t launch_program<SHORT_SORT_PRODUCT, SFS_REG_L2>(const Batch &, int,
																	cudaStream_t);
