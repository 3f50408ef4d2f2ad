/*
 * short_spearman.cu - kernels of correlations of ranks and soft ranks, for rows in shared memory.
 */
#include "short_kernel.h"

template cudaError_t launch_program<SHORT_SPEARMAN, SFS_REG_L2>(const Batch &, int, cudaStream_t);
template cudaError_t launch_program<SHORT_SOFT_SPEARMAN, SFS_REG_L2>(const Batch &, int,
																	 cudaStream_t);
template cudaError_t launch_program<SHORT_SOFT_SPEARMAN, SFS_REG_KL>(const Batch &, int,
																	 cudaStream_t);
