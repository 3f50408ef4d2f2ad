/*
 * short_gradient_kl.cu - kernels of the gradient of the entropic soft correlation, for rows in shared memory.
 */
#include "short_kernel.h"

template cudaError_t launch_program<SHORT_SOFT_SPEARMAN_GRAD, SFS_REG_KL>(const Batch &, int,
																		  cudaStream_t);
