/*
 * isotonic.c - weighted isotonic regression of a list in its given order.
 *
 * Minimizes sum w_i (f_i - y_i)^2 over f that never fall (ascending) or never
 * rise.
 */
#include "argsort.h"
#include "row.h"

#include "isotonic.h"

/* See row.h: values, sums and their errors, positions, exact sums of products and weights. */
size_t
sfs_isotonic_bytes(const SfsTask *task, size_t n)
{
	size_t sequences = task->y.data != NULL ? 2 : 1;
	size_t lists = sequences * (2 * (n + SFS_TINY_BLOCK) * sizeof(double) + n * sizeof(uint32_t));
	size_t exact = sfs_exact_words(n, true) + (sequences - 1) * sfs_exact_words(n, false);

	return lists + (n + 1) * sizeof(uint32_t) + exact * sizeof(uint64_t) + 9 * 16;
}

/* Load a row and find its blocks. */
static SfsStatus
fit_isotonic(SfsRow *row, SfsIsotonic *fit)
{
	size_t n = row->n;
	SfsArena *arena = &row->arena;
	bool ascending = row->task->direction == SFS_ASCENDING;
	bool weighted = row->y.data != NULL;
	uint64_t *exact;

	fit->n = n;
	fit->poll = row->poll;
	fit->weight = NULL;
	fit->y = sfs_arena_take(arena, (n + SFS_TINY_BLOCK) * sizeof(double));
	fit->sum = sfs_arena_take(arena, (n + SFS_TINY_BLOCK) * sizeof(double));
	fit->sum_error = sfs_arena_take(arena, n * sizeof(uint32_t));
	fit->start = sfs_arena_take(arena, (n + 1) * sizeof(uint32_t));
	exact = sfs_arena_take(arena, sfs_exact_words(n, true) * sizeof(uint64_t));
	if (exact == NULL)
		return SFS_FAILED;
	if (weighted)
	{
		uint64_t *masses;

		fit->weight = sfs_arena_take(arena, (n + SFS_TINY_BLOCK) * sizeof(double));
		fit->mass = sfs_arena_take(arena, n * sizeof(double));
		fit->mass_error = sfs_arena_take(arena, n * sizeof(uint32_t));
		masses = sfs_arena_take(arena, sfs_exact_words(n, false) * sizeof(uint64_t));
		if (masses == NULL)
			return SFS_FAILED;
		sfs_exact_init(&fit->masses, fit->weight, NULL, n, masses);
	}
	sfs_exact_init(&fit->sums, fit->y, fit->weight, n, exact);
	/* blocks at the end are taken whole, too */
	for (size_t i = n; i < n + SFS_TINY_BLOCK; i++)
	{
		fit->y[i] = 0.0;
		if (weighted)
			fit->weight[i] = 0.0;
	}
	for (size_t i = 0; i < n; i += SFS_LEAF)
	{
		if (sfs_poll(row->poll, SFS_LEAF))
			return SFS_CANCELLED;
		sfs_load(&row->x, i, sfs_leaf(i, n), ascending, fit->y + i);
		if (weighted)
			sfs_load(&row->y, i, sfs_leaf(i, n), false, fit->weight + i);
	}
	return sfs_isotonic_solve(fit);
}

/*
 * Spread the sum of g * 2^shift over a block by weight, with weights relative to the
 * heaviest: what underflows does not count in the sum.
 */
static bool
spread_relative(const SfsIsotonic *fit, const double *g, int shift, size_t first, size_t m,
				double *out)
{
	const double *weight = fit->weight + first;
	double smallest;
	double largest;
	double mass[SFS_LEAF];
	SfsTreeSum sum;
	SfsTreeSum masses;
	double share;
	int heavy;

	if (m == 1)
	{
		out[first] = sfs_scale(g[first], -shift);
		return false;
	}
	if (sfs_range(weight, SFS_FLOAT64, false, m, &smallest, &largest, fit->poll))
		return true;
	heavy = sfs_exponent(largest);
	sfs_tree_init(&sum);
	sfs_tree_init(&masses);
	for (size_t i = 0; i < m; i += SFS_LEAF)
	{
		size_t count = sfs_leaf(i, m);

		if (sfs_poll(fit->poll, 2 * count))
			return true;
		for (size_t k = 0; k < count; k++)
			mass[k] = sfs_scale(weight[i + k], -heavy);
		sfs_tree_add(&masses, mass, count);
		sfs_tree_add(&sum, g + first + i, count);
	}
	share = sfs_tree_total(&sum) / sfs_tree_total(&masses);
	for (size_t i = 0; i < m;)
	{
		size_t end = sfs_chunk_end(i, m);

		if (sfs_poll(fit->poll, 2 * (end - i)))
			return true;
		for (; i < end; i++)
		{
			int exponent = sfs_exponent(weight[i]);

			out[first + i] =
				sfs_scale(sfs_scale(weight[i], -exponent) * share, exponent - heavy - shift);
		}
	}
	return false;
}

/* Sum n terms over the fixed tree; true when stopped. */
static inline bool
sum_by_tree(const double *term, size_t n, double *total, SfsPoll *poll)
{
	SfsTreeSum sum;

	if (n <= SFS_TINY_BLOCK)
	{
		double part[SFS_TINY_BLOCK];

		sfs_take_tiny(term, n, part);
		*total = (part[0] + part[2]) + (part[1] + part[3]);
		return false;
	}
	if (n <= SFS_LEAF)
	{
		*total = sfs_leaf_sum(term, n);
		return sfs_poll(poll, n);
	}
	sfs_tree_init(&sum);
	for (size_t i = 0; i < n; i += SFS_LEAF)
	{
		if (sfs_poll(poll, SFS_LEAF))
			return true;
		sfs_tree_add(&sum, term + i, sfs_leaf(i, n));
	}
	*total = sfs_tree_total(&sum);
	return false;
}

/* Write one number n times, and any to what is left of SFS_TINY_BLOCK; true when stopped. */
static inline bool
fill(double *out, size_t n, double number, SfsPoll *poll)
{
	for (size_t i = 0; i < SFS_TINY_BLOCK; i++)
		out[i] = number;
	for (size_t i = SFS_TINY_BLOCK; i < n;)
	{
		size_t end = sfs_chunk_end(i, n);

		if (sfs_poll(poll, (end - i) / 2))
			return true;
		for (; i < end; i++)
			out[i] = number;
	}
	return false;
}

/* Spread the sum of g * 2^shift over a block by weight; true when stopped. */
static bool
block_vjp(const SfsIsotonic *fit, const double *g, int shift, size_t first, size_t m, double *out)
{
	const double *weight = fit->weight == NULL ? NULL : fit->weight + first;
	double mass = (double) m;
	double sum;
	double share;

	if (sum_by_tree(g + first, m, &sum, fit->poll))
		return true;
	if (weight == NULL)
		return fill(out + first, m, sfs_scale(sum / mass, -shift), fit->poll);
	if (!fit->moderate || shift != 0)
		return spread_relative(fit, g, shift, first, m, out);
	if (sum_by_tree(weight, m, &mass, fit->poll))
		return true;
	share = sum / mass;
	/* in the safe range all powers of two cancel, so these are the bits of spread_relative */
	if (share != 0.0 && !(__builtin_fabs(share) > 0x1p-300 && __builtin_fabs(share) < 0x1p300))
		return spread_relative(fit, g, shift, first, m, out);
	for (size_t i = 0; i < SFS_TINY_BLOCK; i++)
		out[first + i] = m == 1 ? sum : weight[i] * share;
	for (size_t i = SFS_TINY_BLOCK; i < m;)
	{
		size_t end = sfs_chunk_end(i, m);

		if (sfs_poll(fit->poll, end - i))
			return true;
		for (; i < end; i++)
			out[first + i] = weight[i] * share;
	}
	return false;
}

/* Compute the fit, block by block. */
static SfsStatus
write_fit(SfsRow *row, SfsIsotonic *fit)
{
	double sign = row->task->direction == SFS_ASCENDING ? -1.0 : 1.0;
	double *out = fit->sum; /* free now */
	double last = __builtin_inf();

	for (size_t k = 0; k < fit->blocks; k += SFS_MEANS)
	{
		size_t count = fit->blocks - k < SFS_MEANS ? fit->blocks - k : SFS_MEANS;
		double mean[SFS_MEANS];
		SfsStatus status = sfs_isotonic_means(fit, k, count, mean);

		if (status != SFS_OK)
			return status;
		for (size_t i = 0; i < count; i++)
		{
			size_t first = fit->start[k + i];

			/* rounding must not put neighbouring blocks out of order */
			last = mean[i] > last ? last : mean[i];
			if (fill(out + first, fit->start[k + i + 1] - first, last, row->poll))
				return SFS_CANCELLED;
		}
	}
	return sfs_store(&row->out, 0, out, NULL, fit->n, sign, 0, row->poll);
}

/* Compute the derivative, block by block. */
static SfsStatus
write_vjp(SfsRow *row, SfsIsotonic *fit)
{
	double *g = fit->y; /* free now, like the sums */
	double *out = fit->sum;
	int shift;

	if (sfs_gather(&row->g, NULL, fit->n, g, row->poll))
		return SFS_CANCELLED;
	if (sfs_normalize(g, fit->n, &shift, row->poll))
		return SFS_CANCELLED;
	for (size_t k = 0; k < fit->blocks; k++)
	{
		size_t first = fit->start[k];
		size_t m = fit->start[k + 1] - first;

		if (sfs_poll(row->poll, 2))
			return SFS_CANCELLED;
		if (block_vjp(fit, g, shift, first, m, out))
			return SFS_CANCELLED;
	}
	return sfs_store(&row->out, 0, out, NULL, fit->n, 1.0, 0, row->poll);
}

/* See sfs_core.h: SFS_OP_ISOTONIC and SFS_OP_ISOTONIC_VJP. */
SfsStatus
sfs_row_isotonic(SfsRow *row)
{
	SfsIsotonic fit;
	SfsStatus status = fit_isotonic(row, &fit);

	if (status != SFS_OK)
		return status;
	return row->task->op == SFS_OP_ISOTONIC_VJP ? write_vjp(row, &fit) : write_fit(row, &fit);
}
