/*
 * short_sort.cu - kernels of soft sorts of rows in shared memory, and their derivatives.
 */
#include "short_kernel.h"

/* See short.h. */
cudaError_t
launch_short_sort(const Batch &batch, SfsRegularization reg, int short_class, cudaStream_t stream)
{
	bool values = batch.op == SFS_OP_SORT || batch.op == SFS_OP_SORT_ASSIGN;

	if (reg == SFS_REG_L2 && values)
		return launch_program<SHORT_SORT, SFS_REG_L2>(batch, short_class, stream);
	if (reg == SFS_REG_L2)
		return launch_program<SHORT_SORT_PRODUCT, SFS_REG_L2>(batch, short_class, stream);
	if (values)
		return launch_program<SHORT_SORT, SFS_REG_KL>(batch, short_class, stream);
	return launch_program<SHORT_SORT_PRODUCT, SFS_REG_KL>(batch, short_class, stream);
}
