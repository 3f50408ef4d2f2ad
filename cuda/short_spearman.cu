/*
 * short_spearman.cu - kernels of correlations of rows in shared memory, and of the gradient.
 */
#include "short_kernel.h"

/* See short.h. */
cudaError_t
launch_short_spearman(const Batch &batch, SfsRegularization reg, int short_class,
					  cudaStream_t stream)
{
	bool gradient = batch.op == SFS_OP_SOFT_SPEARMAN_GRAD;

	if (batch.op == SFS_OP_SPEARMAN)
		return launch_program<SHORT_SPEARMAN, SFS_REG_L2>(batch, short_class, stream);
	if (reg == SFS_REG_L2 && gradient)
		return launch_program<SHORT_SOFT_SPEARMAN_GRAD, SFS_REG_L2>(batch, short_class, stream);
	if (reg == SFS_REG_L2)
		return launch_program<SHORT_SOFT_SPEARMAN, SFS_REG_L2>(batch, short_class, stream);
	if (gradient)
		return launch_program<SHORT_SOFT_SPEARMAN_GRAD, SFS_REG_KL>(batch, short_class, stream);
	return launch_program<SHORT_SOFT_SPEARMAN, SFS_REG_KL>(batch, short_class, stream);
}
