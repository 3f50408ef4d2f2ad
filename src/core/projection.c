/*
 * projection.c - the projection onto the permutahedron of any w (paper, section 4).
 */
#include "row.h"

/* See row.h. */
size_t
sfs_projection_bytes(const SfsTask *task, size_t n)
{
	return sfs_fit_bytes(task->regularization, SFS_PROBLEM_PROJECTION, n) + n * sizeof(double) + 16;
}

/* See sfs_core.h: SFS_OP_PROJECTION. */
SfsStatus
sfs_row_projection(SfsRow *row)
{
	const double *w;
	SfsFit fit;
	SfsStatus status = sfs_fit_projection(row, &fit, &w);
	double *out;

	if (status != SFS_OK)
		return status;
	out = fit.work[0];
	for (size_t k = 0; k < fit.blocks; k++)
	{
		SfsBlock block = sfs_fit_block(&fit, k, row->poll);

		block.w = w + block.first;
		if (sfs_poll(row->poll, 2))
			return SFS_CANCELLED;
		if (block.m == 1)
			out[block.first] = block.w[0];
		else if (fit.reg->projection(&block, out + block.first))
			return SFS_CANCELLED;
	}
	return sfs_store(&row->out, 0, out, fit.perm, row->n, 1.0, 0, row->poll);
}

/* See sfs_core.h: SFS_OP_PROJECTION_VJP and SFS_OP_PROJECTION_JVP. */
SfsStatus
sfs_row_projection_derivative(SfsRow *row)
{
	size_t n = row->n;
	bool transposed = row->task->op == SFS_OP_PROJECTION_VJP;
	double *g = sfs_arena_take(&row->arena, n * sizeof(double));
	const double *w;
	SfsFit fit;
	SfsStatus status = sfs_fit_projection(row, &fit, &w);
	double *out;
	int shift;

	if (g == NULL)
		return SFS_FAILED;
	if (status != SFS_OK)
		return status;
	if (sfs_gather(&row->g, fit.perm, n, g, row->poll))
		return SFS_CANCELLED;
	out = fit.work[0];
	if (sfs_normalize(g, n, &shift, row->poll))
		return SFS_CANCELLED;
	for (size_t k = 0; k < fit.blocks; k++)
	{
		SfsBlock block = sfs_fit_block(&fit, k, row->poll);
		const double *in = g + block.first;
		bool stop = sfs_poll(row->poll, 2);

		if (block.m == 1)
			out[block.first] = 0.0;
		else if (transposed)
			stop = stop || fit.reg->projection_vjp(&block, in, out + block.first);
		else
			stop = stop || fit.reg->projection_jvp(&block, in, out + block.first);
		if (stop)
			return SFS_CANCELLED;
	}
	return sfs_store(&row->out, 0, out, fit.perm, n, 1.0, -shift, row->poll);
}
