/*
 * short_rank_l2.cu - kernels of quadratic soft ranks and their derivatives, for rows in shared memory.
 */
#include "short_kernel.h"

template cudaError_t launch_program<SHORT_RANK, SFS_REG_L2>(const Batch &, int, cudaStream_t);
template cudaError_t launch_program<SHORT_RANK_PRODUCT, SFS_REG_L2>(const Batch &, int,
																	cudaStream_t);
