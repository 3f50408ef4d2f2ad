/*
 * short_gradient_l2.cu - kernels of the gradient of the quadratic soft correlation, for rows in shared memory.
 */
#include "short_kernel.h"

template cudaError_t launch_program<SHORT_SOFT_SPEARMAN_GRAD, SFS_REG_L2>(const Batch &, int,
																		  cudaStream_t);
