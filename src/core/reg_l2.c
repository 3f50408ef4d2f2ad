/*
 * reg_l2.c - the quadratic regularization (paper, sections 4 and 5).
 *
 * Blocks are those of exact arithmetic on the given doubles (N5): neighbours
 * with sums Z and W join when m2 Z1 - m1 Z2 <= m2 W1 - m1 W2, that is when the
 * mean of z - w does not fall, equality included (N4).
 */
#include "block.h"

#include "exact.h"

/* A strength that no double holds: comparisons with it are undecided, thus exact. */
#define UNDECIDED __builtin_nan("")

/* The solver's state: a stack of closed blocks below the open one. */
typedef struct Stack
{
	uint32_t *start; /* first position of each closed block */
	double *v_sum;	 /* sum of v - v[start], never positive */
	double *w_sum;	 /* the same of w, for a projection */
	size_t depth;
	SfsExactSums v_exact;
	SfsExactSums w_exact;
} Stack;

/* Return m2 * (sum v - v_a) - m1 * (sum v - v_b) + m1 m2 (v_a - v_b) and add its terms' size. */
static inline double
difference(double v_a, double v_b, double sum1, double sum2, double m1, double m2, double *size)
{
	double gap = m1 * m2 * (v_a - v_b);
	double first = sum1 * m2;
	double second = sum2 * m1;

	*size = gap - first - second;
	return gap + first - second;
}

/* Decide [a, b) against [b, c) exactly: 1 = they stay apart, 0 = they join, -1 = stopped. */
static __attribute__((noinline)) int
apart_exactly(const SfsProblem *problem, Stack *stack, size_t a, size_t b, size_t c)
{
	SfsStrength strength = problem->strength;

	if (sfs_poll(problem->poll, 16) || sfs_exact_prepare(&stack->v_exact, problem->poll) != SFS_OK)
		return -1;
	if (problem->kind == SFS_PROBLEM_RANK)
		return sfs_exact_against_ramp(&stack->v_exact, 1.0, strength.m, strength.e, a, b, c) > 0;
	if (problem->kind == SFS_PROBLEM_SORT)
		return sfs_exact_against_ramp(&stack->v_exact, strength.m, 1.0, -strength.e, a, b, c) < 0;
	if (sfs_exact_prepare(&stack->w_exact, problem->poll) != SFS_OK)
		return -1;
	return sfs_exact_against_sums(&stack->v_exact, &stack->w_exact, a, b, c) > 0;
}

/*
 * Decide whether blocks [a, b) and [b, c) with these sums stay apart.  All
 * terms of a sum have one sign, so its relative error is at most the number of
 * roundings; what the bound does not decide, or what overflowed, is exact.
 */
static inline __attribute__((always_inline)) int
apart(const SfsProblem *problem, Stack *stack, SfsProblemKind kind, double strength, size_t a,
	  size_t b, size_t c, const double v_sum[2], const double w_sum[2])
{
	double m1 = (double) (b - a);
	double m2 = (double) (c - b);
	double z;
	double w;
	double size;
	double bound;

	if (kind == SFS_PROBLEM_RANK)
	{
		z = difference(problem->v[a], problem->v[b], v_sum[0], v_sum[1], m1, m2, &size);
		w = strength * (0.5 * m1 * m2 * (m1 + m2));
		size += w;
	}
	else if (kind == SFS_PROBLEM_SORT)
	{
		z = 0.5 * m1 * m2 * (m1 + m2);
		w = strength * difference(problem->v[a], problem->v[b], v_sum[0], v_sum[1], m1, m2, &size);
		size = size * strength + z;
	}
	else
	{
		double w_size;

		z = difference(problem->v[a], problem->v[b], v_sum[0], v_sum[1], m1, m2, &size);
		w = difference(problem->w[a], problem->w[b], w_sum[0], w_sum[1], m1, m2, &w_size);
		size += w_size;
	}
	bound = (m1 + m2 + 16.0) * 0x1p-53 * size;
	if (z - w > bound)
		return 1;
	if (w - z > bound)
		return 0;
	return apart_exactly(problem, stack, a, b, c);
}

/* Solve by one pass over the row: pool adjacent violators with a stack. */
static inline __attribute__((always_inline)) SfsStatus
solve_kind(SfsProblem *problem, Stack *stack, SfsProblemKind kind)
{
	const double *v = problem->v;
	const double *w = problem->w;
	int exponent = sfs_exponent(problem->strength.m) + problem->strength.e;
	bool normal = exponent >= -1022 && exponent <= 1023;
	double strength = normal || problem->strength.m == 0.0
						  ? sfs_scale(problem->strength.m, problem->strength.e)
						  : UNDECIDED;
	double v_open = 0.0; /* the open block: [open, i) */
	double w_open = 0.0;
	size_t open = 0;

	for (size_t i = 1; i < problem->n; i++)
	{
		double v_pair[2] = {v_open, 0.0};
		double w_pair[2] = {w_open, 0.0};
		int answer = apart(problem, stack, kind, strength, open, i, i + 1, v_pair, w_pair);

		if (answer < 0 || sfs_poll(problem->poll, 1))
			return SFS_CANCELLED;
		if (answer == 1)
		{
			stack->start[stack->depth] = (uint32_t) open;
			stack->v_sum[stack->depth] = v_open;
			if (kind == SFS_PROBLEM_PROJECTION)
				stack->w_sum[stack->depth] = w_open;
			stack->depth++;
			open = i;
			v_open = 0.0;
			w_open = 0.0;
			continue;
		}
		v_open += v[i] - v[open];
		if (kind == SFS_PROBLEM_PROJECTION)
			w_open += w[i] - w[open];
		while (stack->depth > 0)
		{
			size_t below = stack->start[stack->depth - 1];
			double m = (double) (i + 1 - open);

			v_pair[0] = stack->v_sum[stack->depth - 1];
			v_pair[1] = v_open;
			if (kind == SFS_PROBLEM_PROJECTION)
			{
				w_pair[0] = stack->w_sum[stack->depth - 1];
				w_pair[1] = w_open;
			}
			answer = apart(problem, stack, kind, strength, below, open, i + 1, v_pair, w_pair);
			if (answer < 0)
				return SFS_CANCELLED;
			if (answer == 1)
				break;
			v_open += v_pair[0] + m * (v[open] - v[below]);
			if (kind == SFS_PROBLEM_PROJECTION)
				w_open += w_pair[0] + m * (w[open] - w[below]);
			open = below;
			stack->depth--;
		}
	}
	stack->start[stack->depth] = (uint32_t) open;
	problem->blocks = stack->depth + 1;
	problem->start[problem->blocks] = (uint32_t) problem->n;
	return SFS_OK;
}

/* See block.h: sums of v and, for a projection, of w; exact sums of each. */
static size_t
scratch(SfsProblemKind kind, size_t n)
{
	size_t sequences = kind == SFS_PROBLEM_PROJECTION ? 2 : 1;

	return sequences * sizeof(double) * (n + sfs_exact_words(n, false));
}

/* See block.h. */
static SfsStatus
solve(SfsProblem *problem)
{
	size_t n = problem->n;
	double *space = problem->scratch;
	Stack stack;

	stack.start = problem->start;
	stack.depth = 0;
	stack.v_sum = space;
	sfs_exact_init(&stack.v_exact, problem->v, NULL, n, (uint64_t *) (space + n));
	space += n + sfs_exact_words(n, false);
	stack.w_sum = space;
	switch (problem->kind)
	{
		case SFS_PROBLEM_RANK:
			return solve_kind(problem, &stack, SFS_PROBLEM_RANK);
		case SFS_PROBLEM_SORT:
			return solve_kind(problem, &stack, SFS_PROBLEM_SORT);
		default:
			sfs_exact_init(&stack.w_exact, problem->w, NULL, n, (uint64_t *) (space + n));
			return solve_kind(problem, &stack, SFS_PROBLEM_PROJECTION);
	}
}

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
	for (size_t i = 0; i < block->m; i++)
		out[i] = mean;
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
			out[i + k] = (mean + out[i + k]) / quarter;
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
			out[i + k] = (out[i + k] + offset) * back;
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
	.scratch = scratch,
	.rank_is_one_block = rank_is_one_block,
	.solve = solve,
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
