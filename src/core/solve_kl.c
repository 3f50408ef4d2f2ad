/*
 * solve_kl.c - blocks of the entropic projection (paper, section 5).
 *
 * A block's value is log sum e^z - log sum e^w, and neighbours join when it does
 * not fall.  The solver compares ratios of plain sums, never logarithms: an
 * exponential per element.  Exponentials are taken relative to an anchor, the
 * first element of a stretch that falls by at most SFS_KL_SPAN, so that they neither
 * underflow nor lose digits; sums with different anchors meet with a factor
 * e^(anchor difference).
 *
 * There is no exact arithmetic here: inside the error bound blocks count as
 * touching and are joined (N6).  soft_rank's w = log(n, n - 1, ...) needs no
 * exponential at all, and no block of its solution falls by more than 2 log n
 * (N7), so there most rows have a single anchor.
 */
#include "solve.h"

#include <math.h>

#include "stretch.h"

/* A sum in twice the precision, so that long blocks do not widen the bound. */
typedef struct Sum
{
	double high;
	double low;
} Sum;

/* Add y >= 0 to a sum. */
static inline void
sum_add(Sum *x, double y)
{
	double high = x->high + y;
	double part = high - x->high;

	x->low += (x->high - (high - part)) + (y - part);
	x->high = high;
}

/* One side, z or w, of the regression: values that fall, an anchor, exponentials. */
typedef struct Side
{
	const double *value;  /* NULL: the ramp n, n - 1, ... */
	SfsStrength strength; /* that divides the values */
	double half;		  /* 0.5 where differences could overflow, else 1 */
	size_t anchor;		  /* of the stretch that contains the last element seen */
	Sum *sums;			  /* of each closed block, relative to its anchor */
	uint32_t *anchors;
} Side;

/* An open block's sum of one side. */
typedef struct Part
{
	Sum sum;
	size_t anchor;
} Part;

/* Return value_i - value_j, i <= j, divided by the strength; may be infinite. */
static inline double
fall(const Side *side, size_t i, size_t j)
{
	double difference;

	if (side->value == NULL)
		difference = (double) (j - i);
	else
		difference = side->half * side->value[i] - side->half * side->value[j];
	/* scaling first: a subnormal difference has few bits to divide */
	if (side->strength.e != 0)
		difference = sfs_scale(difference, -side->strength.e);
	return difference / side->strength.m;
}

/* Return a quarter of what fall returns: a fall beyond double may have a finite quarter. */
static double
quarter_fall(const Side *side, size_t i, size_t j)
{
	double difference = (double) (j - i) * 0.25;
	int exponent = side->strength.e + (side->half == 1.0 ? 0 : 1);

	if (side->value != NULL)
		difference = side->value[i] * 0.25 - side->value[j] * 0.25;
	if (difference > 0.0 && exponent != 0)
		difference = sfs_scale(difference, -exponent);
	return difference / side->strength.m;
}

/* Start a side at element 0. */
static void
side_init(Side *side, const double *value, size_t n, SfsStrength strength)
{
	side->value = value;
	side->strength = strength;
	side->half = 1.0;
	side->anchor = 0;
	/* halving loses bits of subnormals, which a strength of this size does not see */
	if (value != NULL && isinf(value[0] - value[n - 1]) &&
		sfs_exponent(strength.m) + strength.e >= 0)
	{
		side->half = 0.5;
		side->strength.e -= 1;
	}
}

/* Begin a block at element i. */
static inline Part
part_begin(Side *side, size_t i)
{
	Part part;
	double depth = fall(side, side->anchor, i);

	if (depth > SFS_KL_SPAN)
	{
		side->anchor = i;
		depth = 0.0;
	}
	part.anchor = side->anchor;
	part.sum.high = sfs_exp(-depth);
	part.sum.low = 0.0;
	return part;
}

/* Add the next block's part to this one. */
static inline void
part_join(const Side *side, Part *part, const Part *next)
{
	double factor = 1.0;

	if (next->anchor != part->anchor)
		factor = sfs_exp(-fall(side, part->anchor, next->anchor));
	sum_add(&part->sum, next->sum.high * factor);
	part->sum.low += next->sum.low * factor;
}

/* The solver's state. */
typedef struct Solver
{
	SfsProblem *problem;
	bool integer_weights; /* the w side is log(n, n - 1, ...) */
	Side z;
	Side w;
} Solver;

/* Do [a, b) and [b, c) stay apart, that is, does the value fall for certain? */
static inline bool
apart(const Solver *solver, size_t a, size_t b, size_t c, const Part z[2], const Part w[2])
{
	size_t n = solver->problem->n;
	double distance = 0.0; /* log of what the anchors add to the first block's value */
	double left = z[0].sum.high + z[0].sum.low;
	double right = z[1].sum.high + z[1].sum.low;
	double tolerance = SFS_KL_TOUCH;

	if (z[0].anchor != z[1].anchor)
		distance = fall(&solver->z, z[0].anchor, z[1].anchor);
	if (solver->integer_weights)
	{
		left *= sfs_ramp_sum(n, b, c);
		right *= sfs_ramp_sum(n, a, b);
	}
	else
	{
		left *= w[1].sum.high + w[1].sum.low;
		right *= w[0].sum.high + w[0].sum.low;
		if (w[0].anchor != w[1].anchor)
		{
			double w_fall = fall(&solver->w, w[0].anchor, w[1].anchor);

			tolerance += (distance + w_fall) * 0x1p-51;
			if (isinf(distance) && isinf(w_fall))
				distance = 4.0 * (quarter_fall(&solver->z, z[0].anchor, z[1].anchor) -
								  quarter_fall(&solver->w, w[0].anchor, w[1].anchor));
			else
				distance -= w_fall;
		}
	}
	/* the other factors are within e^(2 SFS_KL_SPAN) n^4 of each other */
	if (distance > 300.0)
		return true;
	if (distance < -300.0)
		return false;
	if (distance > 0.0)
		right *= sfs_exp(-distance);
	else if (distance < 0.0)
		left *= sfs_exp(distance);
	return left > right * (1.0 + tolerance);
}

/* Push the open block. */
static inline void
push(Solver *solver, size_t depth, size_t start, const Part *z, const Part *w)
{
	solver->problem->start[depth] = (uint32_t) start;
	solver->z.sums[depth] = z->sum;
	solver->z.anchors[depth] = (uint32_t) z->anchor;
	if (!solver->integer_weights)
	{
		solver->w.sums[depth] = w->sum;
		solver->w.anchors[depth] = (uint32_t) w->anchor;
	}
}

/* Run one pass over the row: pool adjacent violators with a stack. */
static SfsStatus
pool(Solver *solver)
{
	SfsProblem *problem = solver->problem;
	Part z[2];
	Part w[2] = {{{1.0, 0.0}, 0}, {{1.0, 0.0}, 0}};
	size_t open = 0;
	size_t depth = 0;

	z[0] = part_begin(&solver->z, 0);
	if (!solver->integer_weights)
		w[0] = part_begin(&solver->w, 0);
	/* invariant: [open, i) is the open block with sums z[0], w[0] */
	for (size_t i = 1; i < problem->n; i++)
	{
		if (sfs_poll(problem->poll, 4))
			return SFS_CANCELLED;
		z[1] = part_begin(&solver->z, i);
		if (!solver->integer_weights)
			w[1] = part_begin(&solver->w, i);
		if (apart(solver, open, i, i + 1, z, w))
		{
			push(solver, depth++, open, &z[0], &w[0]);
			open = i;
			z[0] = z[1];
			w[0] = w[1];
			continue;
		}
		for (;;)
		{
			size_t middle;

			part_join(&solver->z, &z[0], &z[1]);
			if (!solver->integer_weights)
				part_join(&solver->w, &w[0], &w[1]);
			if (depth == 0)
				break;
			middle = open;
			z[1] = z[0];
			w[1] = w[0];
			z[0].sum = solver->z.sums[depth - 1];
			z[0].anchor = solver->z.anchors[depth - 1];
			if (!solver->integer_weights)
			{
				w[0].sum = solver->w.sums[depth - 1];
				w[0].anchor = solver->w.anchors[depth - 1];
			}
			if (apart(solver, problem->start[depth - 1], middle, i + 1, z, w))
			{
				z[0] = z[1];
				w[0] = w[1];
				break;
			}
			open = problem->start[--depth];
			if (sfs_poll(problem->poll, 4))
				return SFS_CANCELLED;
		}
	}
	problem->start[depth] = (uint32_t) open;
	problem->blocks = depth + 1;
	problem->start[problem->blocks] = (uint32_t) problem->n;
	return SFS_OK;
}

/* The state of solve_stretches. */
typedef struct Stretches
{
	const SfsProblem *problem;
	double strength;	/* that divides the values */
	SfsGeometric *ramp; /* of soft_sort; NULL: soft_rank */
	SfsStack stack;		/* with sums of exponentials relative to a block's first value */
} Stretches;

/* What stops solve_stretches besides the poll: a decision that is too close. */
#define TOO_CLOSE (-2)

/* Stretches of up to so many values are not halved. */
#define STRETCH_MIN 8

/* Compute the sum of a block that is not known yet. */
static inline void
complete(const Stretches *solver, SfsPool *pool)
{
	const double *v = solver->problem->v;
	double term[SFS_LEAF];
	double sum = 1.0;

	if (pool->sum == pool->sum)
		return;
	for (size_t i = pool->first + 1; i < pool->end; i += SFS_LEAF)
	{
		size_t count = sfs_leaf(i, pool->end);

		for (size_t k = 0; k < count; k++)
			term[k] = (v[i + k] - v[pool->first]) / solver->strength;
		sfs_kernels->exponentials(term, count, false);
		sum += sfs_leaf_sum(term, count);
	}
	pool->sum = sum;
}

/* See stretch.h: SfsJoin. */
static int
join_rank(void *state, SfsPool *x, SfsPool *y)
{
	Stretches *solver = state;
	const double *v = solver->problem->v;
	size_t n = solver->problem->n;
	double fall = (v[y->first] - v[x->first]) / solver->strength;
	double factor = sfs_exp(fall);
	double length = (double) (y->end - x->first);
	/* of each sum: its terms and their arguments, within a block at most 2 log n */
	double error = (8.0 * length + 8.0 * (64.0 - fall)) * 0x1p-53 + 4.0 * SFS_KL_TOUCH;
	double left;
	double right;

	complete(solver, x);
	complete(solver, y);
	left = x->sum * sfs_ramp_sum(n, y->first, y->end);
	right = y->sum * factor * sfs_ramp_sum(n, x->first, y->first);
	if (left - right > right * error)
		return 1;
	if (right - left <= right * error)
		return TOO_CLOSE;
	x->sum += y->sum * factor;
	x->end = y->end;
	return 0;
}

/* Distances from which on no sums of up to 2^31 exponentials matter. */
#define FAR 300.0

/* See stretch.h: SfsJoin.  As pool_kl_sort, with e^(m1 step) - 1 = e^(m1 step) fall(m1). */
static int
join_sort(void *state, SfsPool *x, SfsPool *y)
{
	Stretches *solver = state;
	const double *v = solver->problem->v;
	double step = solver->ramp->step;
	double depth = (double) (y->first - x->first) * step;
	double fall = v[x->first] - v[y->first];
	double length = (double) (y->end - x->first);
	double distance = depth - fall;
	/* of each sum: its terms and their arguments; and what touches by how far anchors are apart */
	double error =
		(8.0 * length + 32.0 * (128.0 + length * step + fall)) * 0x1p-53 + 4.0 * SFS_KL_TOUCH;
	double left;
	double right;

	if (!(error < 0.5))
		return TOO_CLOSE;
	if (distance > FAR)
		return 1;
	complete(solver, x);
	complete(solver, y);
	left = y->sum * -sfs_expm1(-depth);
	right = x->sum * -sfs_expm1(-(double) (y->end - y->first) * step);
	if (distance > 0.0)
		right *= sfs_exp(-distance);
	else
		left *= sfs_exp(distance);
	if (left - right > right * error)
		return 1;
	if (right - left <= right * error)
		return TOO_CLOSE;
	x->sum += y->sum * sfs_exp(-fall);
	x->end = y->end;
	return 0;
}

/*
 * Add a stretch; in halves where its values are spread too far for one, or a decision
 * is too close for the bound of its error, which shrinks with the stretch.  Returns 0,
 * or what makes the solver stop.
 */
static int
add_stretch(Stretches *solver, size_t from, size_t n)
{
	const SfsProblem *problem = solver->problem;
	uint32_t start[SFS_POOL_MAX + 1] = {0, 1};
	double top = (double) (problem->n - from);
	size_t blocks = 1;
	bool settled = true;
	int answer;

	if (n > 1 && solver->ramp != NULL)
		blocks = sfs_kernels->pool_kl_sort(solver->ramp, problem->v + from, n, start, &settled);
	else if (n > 1)
		blocks = sfs_kernels->pool_kl(problem->v + from, n, solver->strength, top, start, &settled);
	if (blocks > 0 && solver->ramp != NULL)
		return sfs_stack_add(&solver->stack, join_sort, solver, from, start, blocks, settled);
	if (blocks > 0)
		return sfs_stack_add(&solver->stack, join_rank, solver, from, start, blocks, settled);
	if (n <= STRETCH_MIN)
		return TOO_CLOSE;
	answer = add_stretch(solver, from, n / 2);
	return answer != 0 ? answer : add_stretch(solver, from + n / 2, n - n / 2);
}

/*
 * Find the blocks of soft_rank or soft_sort by certain decisions alone, which are the same with all
 * kernels.  *done is false where one was too close: then pool decides, by its own
 * sums from the begin of the row on.
 */
static SfsStatus
solve_stretches(SfsProblem *problem, bool *done)
{
	double strength = problem->strength.m;
	bool is_sort = problem->kind == SFS_PROBLEM_SORT;
	/* of the strength; fall and rise of a step have to be far from the smallest numbers */
	double most = is_sort ? 0x1p100 : 0x1p400;
	SfsGeometric ramp;
	Stretches solver = {problem,
						is_sort ? 1.0 : strength,
						is_sort ? &ramp : NULL,
						{problem->start, problem->scratch, 0, problem->poll}};
	double range = problem->v[0] - problem->v[problem->n - 1];
	int answer = 0;

	*done = false;
	if (problem->strength.e != 0 || !(strength > 1.0 / most) || !(strength < most) ||
		!(range < 0x1p400))
		return SFS_OK;
	ramp.step = 1.0 / strength;
	ramp.known = 1;
	for (size_t from = 0; from < problem->n && answer == 0; from += SFS_POOL_MAX)
	{
		size_t n = problem->n - from < SFS_POOL_MAX ? problem->n - from : SFS_POOL_MAX;

		if (sfs_poll(problem->poll, 4 * n))
			return SFS_CANCELLED;
		answer = add_stretch(&solver, from, n);
	}
	if (answer == TOO_CLOSE)
		return SFS_OK;
	if (answer != 0)
		return SFS_CANCELLED;
	problem->blocks = solver.stack.depth;
	problem->start[problem->blocks] = (uint32_t) problem->n;
	*done = true;
	return SFS_OK;
}

/* See solve.h: sums and anchors of one or two sides. */
size_t
sfs_kl_scratch(SfsProblemKind kind, size_t n)
{
	return (kind == SFS_PROBLEM_RANK ? 1 : 2) * n * (sizeof(Sum) + sizeof(uint32_t)) + 16;
}

/* See solve.h. */
SfsStatus
sfs_kl_solve(SfsProblem *problem)
{
	const SfsStrength one = {1.0, 0};
	size_t n = problem->n;
	Solver solver;

	if (problem->kind != SFS_PROBLEM_PROJECTION)
	{
		bool done;
		SfsStatus status = solve_stretches(problem, &done);

		if (status != SFS_OK || done)
			return status;
	}
	solver.problem = problem;
	solver.integer_weights = problem->kind == SFS_PROBLEM_RANK;
	switch (problem->kind)
	{
		case SFS_PROBLEM_RANK:
			side_init(&solver.z, problem->v, n, problem->strength);
			side_init(&solver.w, NULL, n, one);
			break;
		case SFS_PROBLEM_SORT:
			side_init(&solver.z, NULL, n, problem->strength);
			side_init(&solver.w, problem->v, n, one);
			break;
		default:
			side_init(&solver.z, problem->v, n, one);
			side_init(&solver.w, problem->w, n, one);
			break;
	}
	solver.z.sums = problem->scratch;
	solver.w.sums = solver.z.sums + n;
	solver.z.anchors = (uint32_t *) (solver.w.sums + (solver.integer_weights ? 0 : n));
	solver.w.anchors = solver.z.anchors + n;
	return pool(&solver);
}
