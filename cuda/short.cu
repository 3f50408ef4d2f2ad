/*
 * short.cu - which kernels compute an operation.
 */
#include "short.h"

/* See short.h. */
cudaError_t
launch_short(const Batch &batch, SfsRegularization reg, int short_class, cudaStream_t stream)
{
	switch (batch.op)
	{
		case SFS_OP_RANK:
		case SFS_OP_RANK_VJP:
		case SFS_OP_RANK_JVP:
			return launch_short_rank(batch, reg, short_class, stream);
		case SFS_OP_SORT:
		case SFS_OP_SORT_ASSIGN:
		case SFS_OP_SORT_VJP:
		case SFS_OP_SORT_JVP:
			return launch_short_sort(batch, reg, short_class, stream);
		default:
			return launch_short_spearman(batch, reg, short_class, stream);
	}
}
