/*
 * solve_l2.c - blocks of the quadratic projection (paper, section 5).
 *
 * Blocks are those of exact arithmetic on the given doubles (N5): neighbours
 * with sums Z and W join when m2 Z1 - m1 Z2 <= m2 W1 - m1 W2, that is when the
 * mean of z - w does not fall, equality included (N4).
 */
#include "solve.h"

#include "exact.h"
#include "kernels.h"

/* A strength that no double holds: comparisons with it are undecided, thus exact. */
#define UNDECIDED __builtin_nan("")

/* Work of an exact decision, in elements. */
#define EXACT_CHARGE 256

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

	if (sfs_poll(problem->poll, EXACT_CHARGE) ||
		sfs_exact_prepare(&stack->v_exact, problem->poll) != SFS_OK)
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

/* Return the strength as a double, NaN where it does not fit. */
static double
plain_strength(SfsStrength strength)
{
	int exponent = sfs_exponent(strength.m) + strength.e;

	if (strength.m != 0.0 && (exponent < -1022 || exponent > 1023))
		return UNDECIDED;
	return sfs_scale(strength.m, strength.e);
}

/* A block [first, end) with its sum of v - v[first]; NaN: not known yet. */
typedef struct Pool
{
	size_t first;
	size_t end;
	double v_sum;
} Pool;

/* Compute the sum of a block that is not known yet. */
static void
complete(const double *v, Pool *pool)
{
	double sum = 0.0;

	if (pool->v_sum == pool->v_sum)
		return;
	for (size_t i = pool->first + 1; i < pool->end; i++)
		sum += v[i] - v[pool->first];
	pool->v_sum = sum;
}

/* Decide two neighbouring blocks, as apart does, and join them into the first if they do not stay apart. */
static int
apart_or_join(const SfsProblem *problem, Stack *stack, SfsProblemKind kind, double strength,
			  Pool *x, Pool *y)
{
	const double *v = problem->v;
	double none[2] = {0.0, 0.0};
	double v_sum[2];
	int answer;

	complete(v, x);
	complete(v, y);
	v_sum[0] = x->v_sum;
	v_sum[1] = y->v_sum;
	answer = apart(problem, stack, kind, strength, x->first, y->first, y->end, v_sum, none);
	if (answer == 0)
	{
		x->v_sum += y->v_sum + (double) (y->end - y->first) * (v[y->first] - v[x->first]);
		x->end = y->end;
	}
	return answer;
}

/* Push a block. */
static inline void
push(Stack *stack, const Pool *pool)
{
	stack->start[stack->depth] = (uint32_t) pool->first;
	stack->v_sum[stack->depth] = pool->v_sum;
	stack->depth++;
}

/* Pop the block that ends at `end`. */
static inline Pool
pop(Stack *stack, size_t end)
{
	Pool pool = {stack->start[stack->depth - 1], end, stack->v_sum[stack->depth - 1]};

	stack->depth--;
	return pool;
}

/* Push blocks that stay apart from each other and from the block below. */
static void
push_settled(Stack *stack, size_t from, const uint32_t *start, size_t blocks)
{
	uint32_t *to = stack->start + stack->depth;
	double *v_sum = stack->v_sum + stack->depth;

	for (size_t k = 0; k < blocks; k++)
		to[k] = (uint32_t) from + start[k];
	for (size_t k = 0; k < blocks; k++)
		v_sum[k] = UNDECIDED;
	stack->depth += blocks;
}

/*
 * Put the blocks of the next stretch, with their starts counted from `from`, onto the
 * stack.  settled: they stay apart from each other, so only the first of them can
 * join the blocks below; if it does, it may then have to take in those above.
 */
static bool
push_blocks(const SfsProblem *problem, Stack *stack, SfsProblemKind kind, double strength,
			size_t from, const uint32_t *start, size_t blocks, bool settled)
{
	size_t k = 0;

	while (k < blocks && (k == 0 || !settled))
	{
		Pool x = {from + start[k], from + start[k + 1], UNDECIDED};
		bool grown = false; /* and not compared with the next one since */
		int answer;

		k++;
		do
		{
			answer = 1;
			while (stack->depth > 0 && answer == 1)
			{
				Pool below = pop(stack, x.first);

				answer = apart_or_join(problem, stack, kind, strength, &below, &x);
				if (answer != 0)
				{
					push(stack, &below);
					break;
				}
				x = below;
				grown = true;
				answer = sfs_poll(problem->poll, 4) ? -1 : 1;
			}
			if (answer == 1 && grown && settled && k < blocks)
			{
				Pool y = {from + start[k], from + start[k + 1], UNDECIDED};

				answer = apart_or_join(problem, stack, kind, strength, &x, &y);
				k += answer == 0;
			}
			if (answer < 0)
				return true;
		} while (answer == 0);
		push(stack, &x);
		if (sfs_poll(problem->poll, 4))
			return true;
	}
	push_settled(stack, from, start + k, blocks - k);
	return false;
}

/* Solve soft_rank or soft_sort: pool short stretches, then put these together. */
static inline __attribute__((always_inline)) SfsStatus
solve_stretches(SfsProblem *problem, Stack *stack, SfsProblemKind kind)
{
	uint32_t start[SFS_POOL_MAX + 1];
	double strength = plain_strength(problem->strength);
	SfsRamp ramp = {strength, true, false};
	bool settled = false;
	bool usable = strength > 0x1p-1000 && strength < 0x1p1000;

	if (kind == SFS_PROBLEM_SORT)
	{
		ramp.step = 1.0 / strength;
		ramp.exact = false;
		ramp.below = true;
	}
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
		if (push_blocks(problem, stack, kind, strength, from, start, blocks, settled))
			return SFS_CANCELLED;
	}
	problem->blocks = stack->depth;
	problem->start[problem->blocks] = (uint32_t) problem->n;
	return SFS_OK;
}

/* Solve a projection by one pass over the row: pool adjacent violators with a stack. */
static SfsStatus
solve_projection(SfsProblem *problem, Stack *stack)
{
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
		int answer = apart(problem, stack, kind, 1.0, open, i, i + 1, v_pair, w_pair);

		if (answer < 0 || sfs_poll(problem->poll, 1))
			return SFS_CANCELLED;
		if (answer == 1)
		{
			stack->start[stack->depth] = (uint32_t) open;
			stack->v_sum[stack->depth] = v_open;
			stack->w_sum[stack->depth] = w_open;
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

			v_pair[0] = stack->v_sum[stack->depth - 1];
			v_pair[1] = v_open;
			w_pair[0] = stack->w_sum[stack->depth - 1];
			w_pair[1] = w_open;
			answer = apart(problem, stack, kind, 1.0, below, open, i + 1, v_pair, w_pair);
			if (answer < 0)
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
			return solve_stretches(problem, &stack, SFS_PROBLEM_RANK);
		case SFS_PROBLEM_SORT:
			return solve_stretches(problem, &stack, SFS_PROBLEM_SORT);
		default:
			sfs_exact_init(&stack.w_exact, problem->w, NULL, n, (uint64_t *) (space + n));
			return solve_projection(problem, &stack);
	}
}
