/*
 * isotonic.c - weighted isotonic regression of a list in its given order.
 *
 * Minimizes sum w_i (f_i - y_i)^2 over f that never fall (ascending) or never
 * rise.  The solver works on a falling fit of y or -y; neighbours join when the
 * weighted mean does not fall, decided exactly on the given doubles (N5).
 */
#include "row.h"

#include "exact.h"
#include "pair.h"

typedef struct Isotonic
{
	size_t n;
	double *y;		 /* values, negated for an ascending fit */
	double *weight;	 /* as given, or NULL */
	uint32_t *start; /* stack of closed blocks, then the result */
	double *sum;	 /* of w y of each closed block, */
	double *size;	 /* of w |y|, */
	double *mass;	 /* and of w */
	size_t blocks;
	SfsExactSums sums;
	SfsExactSums masses;
	SfsPoll *poll;
} Isotonic;

/* A block's sums. */
typedef struct Part
{
	double sum;
	double size;
	double mass;
} Part;

/* See row.h: seven lists, and the exact sums of products and weights. */
size_t
sfs_isotonic_bytes(const SfsTask *task, size_t n)
{
	size_t exact = sfs_exact_words(n, true) + sfs_exact_words(n, false);

	(void) task;
	return (6 * n + exact) * sizeof(double) + (n + 1) * sizeof(uint32_t) + 16 * 16;
}

/* Return the block that is element i. */
static inline Part
part(const Isotonic *fit, size_t i)
{
	Part result;

	result.mass = fit->weight == NULL ? 1.0 : fit->weight[i];
	result.sum = result.mass * fit->y[i];
	result.size = __builtin_fabs(result.sum);
	return result;
}

/* Decide [a, b) against [b, c): 1 = the mean falls, 0 = they join, -1 = stopped. */
static int
falls(Isotonic *fit, size_t a, size_t b, size_t c, const Part *p, const Part *q)
{
	double left = p->sum * q->mass;
	double right = q->sum * p->mass;
	/* sums of both signs: the bound goes with the sums of sizes */
	double bound = ((double) (c - a) + 16.0) * 0x1p-52 * (p->size * q->mass + q->size * p->mass);
	const SfsExactSums *masses = fit->weight == NULL ? NULL : &fit->masses;

	/* what underflow took from the products w y, and below from those here */
	bound += (double) (c - a) * 0x1p-1074 * (p->mass + q->mass);
	if (left - right > bound && bound > 0x1p-900)
		return 1;
	if (right - left > bound && bound > 0x1p-900)
		return 0;
	if (sfs_poll(fit->poll, 16) || sfs_exact_prepare(&fit->sums, fit->poll) != SFS_OK ||
		(masses != NULL && sfs_exact_prepare(&fit->masses, fit->poll) != SFS_OK))
		return -1;
	return sfs_exact_weighted(&fit->sums, masses, a, b, c) > 0;
}

/* Pool adjacent violators. */
static SfsStatus
pool(Isotonic *fit)
{
	size_t depth = 0;
	size_t open = 0;
	Part top = part(fit, 0);

	for (size_t i = 1; i <= fit->n; i++)
	{
		/* close blocks below that do not stand above the open one */
		while (depth > 0)
		{
			Part below = {fit->sum[depth - 1], fit->size[depth - 1], fit->mass[depth - 1]};
			int answer = falls(fit, fit->start[depth - 1], open, i, &below, &top);

			if (answer < 0)
				return SFS_CANCELLED;
			if (answer == 1)
				break;
			depth--;
			open = fit->start[depth];
			top.sum += below.sum;
			top.size += below.size;
			top.mass += below.mass;
		}
		if (sfs_poll(fit->poll, 1))
			return SFS_CANCELLED;
		fit->start[depth] = (uint32_t) open;
		fit->sum[depth] = top.sum;
		fit->size[depth] = top.size;
		fit->mass[depth] = top.mass;
		depth++;
		open = i;
		if (i < fit->n)
			top = part(fit, i);
	}
	fit->blocks = depth;
	fit->start[depth] = (uint32_t) fit->n;
	return SFS_OK;
}

/* Load a row and find its blocks. */
static SfsStatus
fit_isotonic(SfsRow *row, Isotonic *fit)
{
	size_t n = row->n;
	bool ascending = row->task->direction == SFS_ASCENDING;
	bool weighted = row->y.data != NULL;
	uint64_t *exact;
	uint64_t *masses;

	fit->n = n;
	fit->poll = row->poll;
	fit->y = sfs_arena_take(&row->arena, n * sizeof(double));
	fit->weight = sfs_arena_take(&row->arena, n * sizeof(double));
	fit->sum = sfs_arena_take(&row->arena, n * sizeof(double));
	fit->size = sfs_arena_take(&row->arena, n * sizeof(double));
	fit->mass = sfs_arena_take(&row->arena, n * sizeof(double));
	fit->start = sfs_arena_take(&row->arena, (n + 1) * sizeof(uint32_t));
	exact = sfs_arena_take(&row->arena, sfs_exact_words(n, true) * sizeof(uint64_t));
	masses = sfs_arena_take(&row->arena, sfs_exact_words(n, false) * sizeof(uint64_t));
	if (masses == NULL)
		return SFS_FAILED;
	for (size_t i = 0; i < n; i += SFS_LEAF)
	{
		if (sfs_poll(row->poll, SFS_LEAF))
			return SFS_CANCELLED;
		sfs_load(&row->x, i, sfs_leaf(i, n), ascending, fit->y + i);
		if (weighted)
			sfs_load(&row->y, i, sfs_leaf(i, n), false, fit->weight + i);
	}
	if (!weighted)
		fit->weight = NULL;
	sfs_exact_init(&fit->sums, fit->y, fit->weight, n, exact);
	sfs_exact_init(&fit->masses, fit->weight, NULL, n, masses);
	fit->blocks = 0;
	return n == 0 ? SFS_OK : pool(fit);
}

/* Do all numbers of a list that are not 0 lie between 2^-200 and 2^200? */
static bool
is_moderate(const double *list, size_t n)
{
	bool moderate = true;

	for (size_t i = 0; i < n; i++)
	{
		double size = __builtin_fabs(list[i]);

		moderate = moderate && (size == 0.0 || (size >= 0x1p-200 && size <= 0x1p200));
	}
	return moderate;
}

/*
 * Compute the weighted mean of a block: in twice the working precision, so that
 * heavy and light elements and values that cancel keep their digits; exactly
 * where products could leave the range.
 */
static SfsStatus
block_mean(Isotonic *fit, size_t first, size_t m, double *mean)
{
	const double *y = fit->y + first;
	const double *weight = fit->weight == NULL ? NULL : fit->weight + first;
	SfsPair sum = {0.0, 0.0};
	SfsPair mass = {0.0, 0.0};

	if (sfs_poll(fit->poll, m))
		return SFS_CANCELLED;
	if (!is_moderate(y, m) || (weight != NULL && !is_moderate(weight, m)))
	{
		const SfsExactSums *masses = weight == NULL ? NULL : &fit->masses;
		SfsStatus status = sfs_exact_prepare(&fit->sums, fit->poll);

		if (status == SFS_OK && masses != NULL)
			status = sfs_exact_prepare(&fit->masses, fit->poll);
		if (status == SFS_OK)
			*mean = sfs_exact_mean(&fit->sums, masses, first, first + m);
		return status;
	}
	for (size_t i = 0; i < m;)
	{
		size_t end = sfs_chunk_end(i, m);

		if (sfs_poll(fit->poll, 4 * (end - i)))
			return SFS_CANCELLED;
		for (; i < end; i++)
		{
			double w = weight == NULL ? 1.0 : weight[i];

			sum = sfs_pair_add(sum, sfs_pair_product(w, y[i]));
			mass = sfs_pair_add(mass, (SfsPair){w, 0.0});
		}
	}
	*mean = sfs_pair_divide(sum, mass).high;
	return SFS_OK;
}

/* Spread the sum of g * 2^shift over a block by weight. */
static bool
block_vjp(const Isotonic *fit, const double *g, int shift, size_t first, size_t m, double *out)
{
	const double *weight = fit->weight == NULL ? NULL : fit->weight + first;
	double largest = 1.0;
	double mass[SFS_LEAF];
	SfsTreeSum sum;
	SfsTreeSum masses;
	double share;
	int heavy;

	if (sfs_poll(fit->poll, m))
		return true;
	for (size_t i = 0; i < m && weight != NULL; i++)
		largest = i == 0 || weight[i] > largest ? weight[i] : largest;
	/* weights relative to the heaviest: what underflows does not count in the sum */
	heavy = sfs_exponent(largest);
	sfs_tree_init(&sum);
	sfs_tree_init(&masses);
	for (size_t i = 0; i < m; i += SFS_LEAF)
	{
		size_t count = sfs_leaf(i, m);

		if (sfs_poll(fit->poll, 2 * count))
			return true;
		for (size_t k = 0; k < count; k++)
			mass[k] = weight == NULL ? 1.0 : sfs_scale(weight[i + k], -heavy);
		sfs_tree_add(&masses, mass, count);
		sfs_tree_add(&sum, g + first + i, count);
	}
	share = sfs_tree_total(&sum) / sfs_tree_total(&masses);
	for (size_t i = 0; i < m; i++)
	{
		double w = weight == NULL ? 1.0 : weight[i];
		int exponent = sfs_exponent(w);

		out[first + i] = sfs_scale(sfs_scale(w, -exponent) * share, exponent - heavy - shift);
	}
	return sfs_poll(fit->poll, 2 * m);
}

/* See sfs_core.h: SFS_OP_ISOTONIC and SFS_OP_ISOTONIC_VJP. */
SfsStatus
sfs_row_isotonic(SfsRow *row)
{
	size_t n = row->n;
	double *out = sfs_arena_take(&row->arena, n * sizeof(double));
	bool vjp = row->task->op == SFS_OP_ISOTONIC_VJP;
	double sign = !vjp && row->task->direction == SFS_ASCENDING ? -1.0 : 1.0;
	double *g = NULL;
	int shift = 0;
	Isotonic fit;
	SfsStatus status;

	if (out == NULL)
		return SFS_FAILED;
	status = fit_isotonic(row, &fit);
	if (status != SFS_OK)
		return status;
	if (vjp)
	{
		g = fit.sum; /* free now */
		if (sfs_gather(&row->g, NULL, n, g, row->poll))
			return SFS_CANCELLED;
		if (sfs_normalize(g, n, &shift, row->poll))
			return SFS_CANCELLED;
	}
	for (size_t k = 0; k < fit.blocks; k++)
	{
		size_t first = fit.start[k];
		size_t m = fit.start[k + 1] - first;
		double mean = fit.y[first];

		if (sfs_poll(row->poll, 2))
			return SFS_CANCELLED;
		if (vjp)
		{
			if (m == 1)
				out[first] = sfs_scale(g[first], -shift);
			else if (block_vjp(&fit, g, shift, first, m, out))
				return SFS_CANCELLED;
			continue;
		}
		if (m > 1)
			status = block_mean(&fit, first, m, &mean);
		if (status != SFS_OK)
			return status;
		/* rounding must not put neighbouring blocks out of order */
		if (first > 0 && mean > out[first - 1])
			mean = out[first - 1];
		for (size_t i = first; i < first + m; i++)
			out[i] = mean;
	}
	return sfs_store(&row->out, 0, out, NULL, n, sign, 0, row->poll);
}
