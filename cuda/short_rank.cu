/*
 * short_rank.cu - kernels of soft ranks of rows in shared memory, and their derivatives.
 */
#include "short_kernel.h"

/* See short.h. */
cudaError_t
launch_short_rank(const Batch &batch, SfsRegularization reg, int short_class, cudaStream_t stream)
{
	bool values = batch.op == SFS_OP_RANK;

	if (reg == SFS_REG_L2 && values)
		return launch_program<SHORT_RANK, SFS_REG_L2>(batch, short_class, stream);
	if (reg == SFS_REG_L2)
		return launch_program<SHORT_RANK_PRODUCT, SFS_REG_L2>(batch, short_class, stream);
	if (values)
		return launch_program<SHORT_RANK, SFS_REG_KL>(batch, short_class, stream);
	return launch_program<SHORT_RANK_PRODUCT, SFS_REG_KL>(batch, short_class, stream);
}
