/*
 * solve_l2.c - blocks of the quadratic projection (paper, section 5).
 *
 * Blocks are those of exact arithmetic on the given doubles (N5): neighbours
 * with sums Z and W join when m2 Z1 - m1 Z2 <= m2 W1 - m1 W2, that is when the
 * mean of z - w does not fall, equality included (N4).
 */
#include "solve.h"

#include "exact.h"
#include "stretch.h"

/* A strength that no double holds: comparisons with it are undecided, thus exact. */
#define UNDECIDED __builtin_nan("")

/* Work of an exact decision, in elements. */
#define EXACT_CHARGE 256

/* The solver's state: a stack of blocks with their sums of v - v[first]. */
typedef struct Solver
{
	const SfsProblem *problem;
	double strength; /* NaN where it does not fit a double */
	SfsStack stack;
	double *w_sum; /* for a projection */
	SfsExactSums v_exact;
	SfsExactSums w_exact;
} Solver;

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
apart_exactly(Solver *solver, size_t a, size_t b, size_t c)
{
	const SfsProblem *problem = solver->problem;
	SfsStrength strength = problem->strength;

	if (sfs_poll(problem->poll, EXACT_CHARGE) ||
		sfs_exact_prepare(&solver->v_exact, problem->poll) != SFS_OK)
		return -1;
	if (problem->kind == SFS_PROBLEM_RANK)
		return sfs_exact_against_ramp(&solver->v_exact, 1.0, strength.m, strength.e, a, b, c) > 0;
	if (problem->kind == SFS_PROBLEM_SORT)
		return sfs_exact_against_ramp(&solver->v_exact, strength.m, 1.0, -strength.e, a, b, c) < 0;
	if (sfs_exact_prepare(&solver->w_exact, problem->poll) != SFS_OK)
		return -1;
	return sfs_exact_against_sums(&solver->v_exact, &solver->w_exact, a, b, c) > 0;
}

/*
 * Decide whether blocks [a, b) and [b, c) with these sums stay apart.  All
 * terms of a sum have one sign, so its relative error is at most the number of
 * roundings; what the bound does not decide, or what overflowed, is exact.
 */
static inline __attribute__((always_inline)) int
apart(Solver *solver, SfsProblemKind kind, size_t a, size_t b, size_t c, const double v_sum[2],
	  const double w_sum[2])
{
	const SfsProblem *problem = solver->problem;
	double strength = solver->strength;
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
	return apart_exactly(solver, a, b, c);
}

/* Return the strength as a double, NaN where it does not fit. */
static double
plain_strength(SfsStrength strength)
{
	int exponent = sfs_exponent(strength.m) + strength.e;

	if (strength.m != 0.0 && (exponent < -1022 || exponent > 1023))
		return UNDECIDED;
	return sfs_scale(strength.m, strength.e);
}

/* Compute the sum of a block that is not known yet. */
static inline void
complete(const double *v, SfsPool *pool)
{
	double sum = 0.0;

	if (pool->sum == pool->sum)
		return;
	for (size_t i = pool->first + 1; i < pool->end; i++)
		sum += v[i] - v[pool->first];
	pool->sum = sum;
}

/* See stretch.h: SfsJoin. */
static inline __attribute__((always_inline)) int
join_kind(Solver *solver, SfsProblemKind kind, SfsPool *x, SfsPool *y)
{
	const double *v = solver->problem->v;
	double none[2] = {0.0, 0.0};
	double sum[2];
	int answer;

	complete(v, x);
	complete(v, y);
	sum[0] = x->sum;
	sum[1] = y->sum;
	answer = apart(solver, kind, x->first, y->first, y->end, sum, none);
	if (answer == 0)
	{
		x->sum += y->sum + (double) (y->end - y->first) * (v[y->first] - v[x->first]);
		x->end = y->end;
	}
	return answer;
}

/* Join blocks of soft_rank. */
static int
join_rank(void *solver, SfsPool *x, SfsPool *y)
{
	return join_kind(solver, SFS_PROBLEM_RANK, x, y);
}

/* Join blocks of soft_sort. */
static int
join_sort(void *solver, SfsPool *x, SfsPool *y)
{
	return join_kind(solver, SFS_PROBLEM_SORT, x, y);
}

/* Solve soft_rank or soft_sort: pool short stretches, then put these together. */
static SfsStatus
solve_stretches(SfsProblem *problem, Solver *solver)
{
	uint32_t start[SFS_POOL_MAX + 1];
	bool is_sort = problem->kind == SFS_PROBLEM_SORT;
	SfsRamp ramp = {is_sort ? 1.0 / solver->strength : solver->strength, !is_sort, is_sort};
	bool usable = solver->strength > 0x1p-1000 && solver->strength < 0x1p1000;
	bool settled = false;

	if (usable && problem->n > 1 && problem->n <= SFS_POOL_MAX)
	{
		problem->blocks =
			sfs_kernels->pool(&ramp, problem->v, problem->n, problem->start, &settled);
		if (problem->blocks > 0 && settled)
			return SFS_OK;
	}
	for (size_t from = 0; from < problem->n; from += SFS_POOL_MAX)
	{
		size_t n = problem->n - from < SFS_POOL_MAX ? problem->n - from : SFS_POOL_MAX;
		size_t blocks = 0;
		int answer;

		if (sfs_poll(problem->poll, n))
			return SFS_CANCELLED;
		if (usable && n > 1)
			blocks = sfs_kernels->pool(&ramp, problem->v + from, n, start, &settled);
		if (blocks == 0) /* too close for doubles: one at a time */
		{
			settled = false;
			for (; blocks < n; blocks++)
				start[blocks] = (uint32_t) blocks;
			start[n] = (uint32_t) n;
		}
		if (is_sort)
			answer = sfs_stack_add(&solver->stack, join_sort, solver, from, start, blocks, settled);
		else
			answer = sfs_stack_add(&solver->stack, join_rank, solver, from, start, blocks, settled);
		if (answer < 0)
			return SFS_CANCELLED;
	}
	problem->blocks = solver->stack.depth;
	problem->start[problem->blocks] = (uint32_t) problem->n;
	return SFS_OK;
}

/* Solve a projection by one pass over the row: pool adjacent violators with a stack. */
static SfsStatus
solve_projection(SfsProblem *problem, Solver *solver)
{
	SfsStack *stack = &solver->stack;
	const SfsProblemKind kind = SFS_PROBLEM_PROJECTION;
	const double *v = problem->v;
	const double *w = problem->w;
	double v_open = 0.0; /* the open block: [open, i) */
	double w_open = 0.0;
	size_t open = 0;

	for (size_t i = 1; i < problem->n; i++)
	{
		double v_pair[2] = {v_open, 0.0};
		double w_pair[2] = {w_open, 0.0};
		int answer = apart(solver, kind, open, i, i + 1, v_pair, w_pair);

		if (answer < 0 || sfs_poll(problem->poll, 1))
			return SFS_CANCELLED;
		if (answer == 1)
		{
			stack->start[stack->depth] = (uint32_t) open;
			stack->sum[stack->depth] = v_open;
			solver->w_sum[stack->depth] = w_open;
			stack->depth++;
			open = i;
			v_open = 0.0;
			w_open = 0.0;
			continue;
		}
		v_open += v[i] - v[open];
		w_open += w[i] - w[open];
		while (stack->depth > 0)
		{
			size_t below = stack->start[stack->depth - 1];
			double m = (double) (i + 1 - open);

			v_pair[0] = stack->sum[stack->depth - 1];
			v_pair[1] = v_open;
			w_pair[0] = solver->w_sum[stack->depth - 1];
			w_pair[1] = w_open;
			answer = apart(solver, kind, below, open, i + 1, v_pair, w_pair);
			if (answer < 0 || sfs_poll(problem->poll, 1))
				return SFS_CANCELLED;
			if (answer == 1)
				break;
			v_open += v_pair[0] + m * (v[open] - v[below]);
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

/* See solve.h: sums of v and, for a projection, of w; exact sums of each. */
size_t
sfs_l2_scratch(SfsProblemKind kind, size_t n)
{
	size_t sequences = kind == SFS_PROBLEM_PROJECTION ? 2 : 1;

	return sequences * sizeof(double) * (n + sfs_exact_words(n, false));
}

/* See solve.h. */
SfsStatus
sfs_l2_solve(SfsProblem *problem)
{
	size_t n = problem->n;
	double *space = problem->scratch;
	bool is_projection = problem->kind == SFS_PROBLEM_PROJECTION;
	Solver solver;

	solver.problem = problem;
	solver.strength = is_projection ? 1.0 : plain_strength(problem->strength);
	solver.stack = (SfsStack){problem->start, space, 0, problem->poll};
	sfs_exact_init(&solver.v_exact, problem->v, NULL, n, (uint64_t *) (space + n));
	if (!is_projection)
		return solve_stretches(problem, &solver);
	solver.w_sum = space + n + sfs_exact_words(n, false);
	sfs_exact_init(&solver.w_exact, problem->w, NULL, n, (uint64_t *) (solver.w_sum + n));
	return solve_projection(problem, &solver);
}
