/*
 * reg_l2.c - values and derivatives of blocks of the quadratic projection (paper,
 * sections 4 and 5).
 */
#include "block.h"

#include "solve.h"

/*
 * Every split of a row has a mean difference of at most its range, and the ramp
 * gives n / 2 at every split: so a ratio up to n / 2 makes one block.  The
 * margin covers the rounding of the ratio.
 */
static bool
rank_is_one_block(double range_ratio, size_t n)
{
	return range_ratio <= (double) n * 0.5 * (1.0 - 0x1p-48);
}

/* Sum scaled differences over a block; return true when stopped. */
static bool
sum_differences(const SfsBlock *block, const SfsScaling *scaling, double *total)
{
	double term[SFS_LEAF];
	SfsBlockSum sum;

	sfs_block_sum_init(&sum, block->sorted, scaling->exponent + 1, block->m);
	for (size_t i = 0; i < block->m; i += SFS_LEAF)
	{
		size_t count = sfs_leaf(i, block->m);

		sfs_differences(scaling, block->v + i, count, term);
		sfs_block_sum_add(&sum, term, count);
		if (sfs_poll(block->poll, count))
			return true;
	}
	*total = sfs_block_sum_total(&sum);
	return false;
}

/* Compute (v_i - mean) / strength. */
static bool
rank(const SfsBlock *block, SfsStrength *unit, double *out)
{
	SfsScaling scaling = sfs_scaling(block);
	double total;
	double mean;

	if (sum_differences(block, &scaling, &total))
		return true;
	mean = total / (double) block->m;
	if (unit != NULL)
	{
		unit->m = scaling.m;
		unit->e = -scaling.post;
	}
	for (size_t i = 0; i < block->m; i += SFS_LEAF)
	{
		size_t count = sfs_leaf(i, block->m);

		sfs_differences(&scaling, block->v + i, count, out + i);
		for (size_t k = 0; k < count; k++)
			out[i + k] -= mean;
		if (unit == NULL)
			sfs_divide_strength(&scaling, out + i, count);
		if (sfs_poll(block->poll, count))
			return true;
	}
	return false;
}

/* Write g_i - mean of g, divided by a number; relative to the first, so an offset is harmless. */
static bool
center(const SfsBlock *block, const double *g, double divisor, double *out)
{
	double term[SFS_LEAF];
	SfsTreeSum sum;
	double mean;

	sfs_tree_init(&sum);
	for (size_t i = 0; i < block->m; i += SFS_LEAF)
	{
		size_t count = sfs_leaf(i, block->m);

		for (size_t k = 0; k < count; k++)
			term[k] = g[i + k] - g[0];
		sfs_tree_add(&sum, term, count);
		if (sfs_poll(block->poll, count))
			return true;
	}
	mean = sfs_tree_total(&sum) / (double) block->m;
	for (size_t i = 0; i < block->m; i += SFS_LEAF)
	{
		size_t count = sfs_leaf(i, block->m);

		for (size_t k = 0; k < count; k++)
			out[i + k] = ((g[i + k] - g[0]) - mean) / divisor;
		if (sfs_poll(block->poll, count))
			return true;
	}
	return false;
}

/* Compute (g - mean g) / strength (paper, section 5). */
static bool
rank_derivative(const SfsBlock *block, const double *g, double *out)
{
	return center(block, g, block->strength.m, out);
}

/* Fill out with the mean of g over the block; return true when stopped. */
static bool
average(const SfsBlock *block, const double *g, double *out)
{
	SfsTreeSum sum;
	double mean;

	sfs_tree_init(&sum);
	for (size_t i = 0; i < block->m; i += SFS_LEAF)
	{
		sfs_tree_add(&sum, g + i, sfs_leaf(i, block->m));
		if (sfs_poll(block->poll, SFS_LEAF))
			return true;
	}
	mean = sfs_tree_total(&sum) / (double) block->m;
	for (size_t i = 0; i < block->m;)
	{
		size_t end = sfs_chunk_end(i, block->m);

		if (sfs_poll(block->poll, end - i))
			return true;
		for (; i < end; i++)
			out[i] = mean;
	}
	return false;
}

/* Compute mean v + (z_i - mean z), where z falls by 1 / strength a step. */
static bool
sort(const SfsBlock *block, double *out)
{
	SfsScaling scaling = sfs_scaling(block);
	double middle = (double) (block->m - 1) * 0.5;
	/* the sum of two parts may be in range where a part is not */
	double quarter = scaling.shift < 0 ? 0.25 : 1.0;
	double mean;

	if (sum_differences(block, &scaling, &mean))
		return true;
	mean = (scaling.base + mean / (double) block->m) * sfs_pow2(-scaling.shift) * quarter;
	scaling.post = -block->strength.e;
	for (size_t i = 0; i < block->m; i += SFS_LEAF)
	{
		size_t count = sfs_leaf(i, block->m);

		for (size_t k = 0; k < count; k++)
			out[i + k] = (middle - (double) (i + k)) * quarter;
		sfs_divide_strength(&scaling, out + i, count);
		for (size_t k = 0; k < count; k++)
			out[i + k] = sfs_clamp((mean + out[i + k]) / quarter, block->low, block->high);
		if (sfs_poll(block->poll, count))
			return true;
	}
	return false;
}

/* Compute (z_i - mean z) + mean w. */
static bool
projection(const SfsBlock *block, double *out)
{
	SfsBlock weights = *block;
	SfsScaling z;
	SfsScaling w;
	double back;
	double z_total;
	double w_total;
	double offset;
	double size = __builtin_fabs(block->high);

	weights.v = block->w;
	weights.high = block->w[0];
	weights.low = block->w[block->m - 1];
	size = __builtin_fmax(size, __builtin_fabs(block->low));
	size = __builtin_fmax(size, __builtin_fabs(weights.high));
	size = __builtin_fmax(size, __builtin_fabs(weights.low));
	/* one scale for both */
	z = sfs_scaling(block);
	z.shift = sfs_safe_shift(sfs_exponent(size));
	z.pre = sfs_pow2(z.shift);
	z.base = block->high * z.pre;
	w = z;
	w.base = weights.high * w.pre;
	back = sfs_pow2(-z.shift);
	if (sum_differences(block, &z, &z_total) || sum_differences(&weights, &w, &w_total))
		return true;
	offset = w.base + (w_total - z_total) / (double) block->m;
	for (size_t i = 0; i < block->m; i += SFS_LEAF)
	{
		size_t count = sfs_leaf(i, block->m);

		sfs_differences(&z, block->v + i, count, out + i);
		for (size_t k = 0; k < count; k++)
			out[i + k] = sfs_clamp((out[i + k] + offset) * back, weights.low, weights.high);
		if (sfs_poll(block->poll, count))
			return true;
	}
	return false;
}

/* Compute g - mean g. */
static bool
projection_derivative(const SfsBlock *block, const double *g, double *out)
{
	return center(block, g, 1.0, out);
}

/* Return the strength at which neighbouring groups of equal values touch. */
static double
rank_touch(double gap, size_t first, size_t m1, size_t m2, size_t n)
{
	(void) first;
	(void) n;
	return gap / ((double) (m1 + m2) * 0.5);
}

/* Return a strength at which any row of two values or more with this range is one block. */
static double
rank_joined(double range)
{
	return range;
}

const SfsRegularizer sfs_reg_l2 = {
	.name = "l2",
	.scratch = sfs_l2_scratch,
	.rank_is_one_block = rank_is_one_block,
	.solve = sfs_l2_solve,
	.rank = rank,
	.rank_derivative = rank_derivative,
	.sort = sort,
	.sort_vjp = average,
	.sort_jvp = average,
	.projection = projection,
	.projection_vjp = projection_derivative,
	.projection_jvp = projection_derivative,
	.rank_touch = rank_touch,
	.rank_joined = rank_joined,
};
