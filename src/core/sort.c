/*
 * sort.c - soft_sort: forward, derivatives, Jacobian.
 *
 * soft_sort is the projection of a ramp onto the permutahedron of x (paper,
 * section 4): a singleton is a sorted value itself, a block spreads its
 * mean over a ramp.  Equal values share a derivative evenly, so that it does
 * not depend on their order (N10).
 */
#include "row.h"

/* See row.h. */
size_t
sfs_sort_bytes(const SfsTask *task, size_t n)
{
	return sfs_fit_bytes(task->regularization, SFS_PROBLEM_SORT, n) + n * sizeof(double) + 16;
}

/* Is a block one for sort_short_block, which computes without scaling? */
static inline bool
is_short_block(const SfsBlock *block, const SfsRegularizer *reg)
{
	double range = block->high - block->low;

	return reg == &sfs_reg_l2 && block->m <= SFS_LEAF && range > 0x1p-400 && range < 0x1p400 &&
		   block->strength.e == 0;
}

/* Compute the sorted values of a short block as reg_l2.c does any. */
static inline void
sort_short_block(const SfsBlock *block, double *out)
{
	double middle = (double) (block->m - 1) * 0.5;
	double mean;

	for (size_t i = 0; i < block->m; i++)
		out[i] = block->v[i] - block->high;
	mean = block->high + sfs_leaf_sum(out, block->m) / (double) block->m;
	for (size_t i = 0; i < block->m; i++)
		out[i] =
			sfs_clamp(mean + (middle - (double) i) / block->strength.m, block->low, block->high);
}

/* See sfs_core.h: SFS_OP_SORT and SFS_OP_SORT_ASSIGN. */
SfsStatus
sfs_row_sort(SfsRow *row)
{
	double sign = row->task->direction == SFS_ASCENDING ? -1.0 : 1.0;
	SfsFit fit;
	SfsStatus status = sfs_fit_sort(row, &fit);
	double *out;

	if (status != SFS_OK)
		return status;
	out = fit.work[0];
	for (size_t k = 0; k < fit.blocks; k++)
	{
		SfsBlock block;

		if (sfs_poll(row->poll, 2))
			return SFS_CANCELLED;
		if (fit.start[k + 1] - fit.start[k] == 1)
		{
			out[fit.start[k]] = fit.v[fit.start[k]];
			continue;
		}
		block = sfs_fit_block(&fit, k, row->poll);
		if (is_short_block(&block, fit.reg))
			sort_short_block(&block, out + block.first);
		else if (fit.reg->sort(&block, out + block.first))
			return SFS_CANCELLED;
	}
	return sfs_store(&row->out, 0, out, row->task->op == SFS_OP_SORT ? NULL : fit.perm, row->n,
					 sign, 0, row->poll);
}

/* Replace g by its mean over each group of equal values of v. */
static bool
average_ties(const double *v, size_t n, double *g, SfsPoll *poll)
{
	for (size_t i = 0; i < n;)
	{
		size_t end = i + 1;
		double sum = g[i];

		while (end < n && v[end] == v[i])
			sum += g[end++];
		if (sfs_poll(poll, end - i))
			return true;
		if (end - i > 1)
		{
			double mean = sum / (double) (end - i);

			for (size_t k = i; k < end; k++)
				g[k] = mean;
		}
		i = end;
	}
	return false;
}

/* Apply J, or J transposed, to g in sorted order; g is changed. */
static bool
jacobian_product(const SfsFit *fit, double *g, bool transposed, double *out, SfsPoll *poll)
{
	if (!transposed && average_ties(fit->v, fit->n, g, poll))
		return true;
	for (size_t k = 0; k < fit->blocks; k++)
	{
		SfsBlock block = sfs_fit_block(fit, k, poll);
		const double *in = g + block.first;
		bool stop = sfs_poll(poll, 2);

		if (block.m == 1)
			out[block.first] = in[0];
		else if (transposed)
			stop = stop || fit->reg->sort_vjp(&block, in, out + block.first);
		else
			stop = stop || fit->reg->sort_jvp(&block, in, out + block.first);
		if (stop)
			return true;
	}
	return transposed && average_ties(fit->v, fit->n, out, poll);
}

/* See sfs_core.h: SFS_OP_SORT_VJP and SFS_OP_SORT_JVP. */
SfsStatus
sfs_row_sort_derivative(SfsRow *row)
{
	size_t n = row->n;
	bool transposed = row->task->op == SFS_OP_SORT_VJP;
	double *g = sfs_arena_take(&row->arena, n * sizeof(double));
	SfsFit fit;
	SfsStatus status = sfs_fit_sort(row, &fit);
	int shift;

	if (g == NULL)
		return SFS_FAILED;
	if (status != SFS_OK)
		return status;
	/* a cotangent belongs to positions, a tangent to elements */
	if (sfs_gather(&row->g, transposed ? NULL : fit.perm, n, g, row->poll))
		return SFS_CANCELLED;
	if (sfs_normalize(g, n, &shift, row->poll))
		return SFS_CANCELLED;
	if (jacobian_product(&fit, g, transposed, fit.work[0], row->poll))
		return SFS_CANCELLED;
	return sfs_store(&row->out, 0, fit.work[0], transposed ? fit.perm : NULL, n, 1.0, -shift,
					 row->poll);
}

/* See sfs_core.h: SFS_OP_SORT_JACOBIAN. */
SfsStatus
sfs_row_sort_jacobian(SfsRow *row)
{
	size_t n = row->n;
	double *g = sfs_arena_take(&row->arena, n * sizeof(double));
	SfsFit fit;
	SfsStatus status = sfs_fit_sort(row, &fit);

	if (g == NULL)
		return SFS_FAILED;
	for (size_t i = 0; i < n && status == SFS_OK; i++)
	{
		for (size_t k = 0; k < n; k++)
			g[k] = k == i ? 1.0 : 0.0;
		if (jacobian_product(&fit, g, true, fit.work[0], row->poll))
			return SFS_CANCELLED;
		status = sfs_store(&row->out, i * n, fit.work[0], fit.perm, n, 1.0, 0, row->poll);
	}
	return status;
}
