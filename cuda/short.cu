/*
 * short.cu - which kernels compute an operation.
 */
#include "short.h"

/* Launch the rows of a batch by one regularization. */
template <int REG>
static cudaError_t
launch_regularized(const Batch &batch, int short_class, cudaStream_t stream)
{
	switch (batch.op)
	{
		case SFS_OP_RANK:
			return launch_program<SHORT_RANK, REG>(batch, short_class, stream);
		case SFS_OP_RANK_VJP:
		case SFS_OP_RANK_JVP:
			return launch_program<SHORT_RANK_PRODUCT, REG>(batch, short_class, stream);
		case SFS_OP_SORT:
		case SFS_OP_SORT_ASSIGN:
			return launch_program<SHORT_SORT, REG>(batch, short_class, stream);
		case SFS_OP_SORT_VJP:
		case SFS_OP_SORT_JVP:
			return launch_program<SHORT_SORT_PRODUCT, REG>(batch, short_class, stream);
		case SFS_OP_SPEARMAN: /* knows no regularization */
			return launch_program<SHORT_SPEARMAN, SFS_REG_L2>(batch, short_class, stream);
		case SFS_OP_SOFT_SPEARMAN:
			return launch_program<SHORT_SOFT_SPEARMAN, REG>(batch, short_class, stream);
		default:
			return launch_program<SHORT_SOFT_SPEARMAN_GRAD, REG>(batch, short_class, stream);
	}
}

/* See short.h. */
cudaError_t
launch_short(const Batch &batch, SfsRegularization reg, int short_class, cudaStream_t stream)
{
	if (reg == SFS_REG_KL)
		return launch_regularized<SFS_REG_KL>(batch, short_class, stream);
	return launch_regularized<SFS_REG_L2>(batch, short_class, stream);
}
