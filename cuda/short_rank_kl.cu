/*
 * short_rank_kl.cu - kernels of entropic soft ranks and their derivatives, for rows in shared memory.
 */
#include "short_kernel.h"

template cudaError_t launch_program<SHORT_RANK, SFS_REG_KL>(const Batch &, int, cudaStream_t);
template cudaError_t launch_program<SHORT_RANK_PRODUCT, SFS_REG_KL>(const Batch &, int,
																	cudaStream_t);
