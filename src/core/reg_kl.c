/*
 * reg_kl.c - the entropic regularization (paper, sections 4 and 5).
 *
 * The projection takes and returns logarithms.  A block's value is
 * log sum e^z - log sum e^w, and neighbours join when it does not fall.  The
 * solver compares ratios of plain sums, never logarithms: an exponential per
 * element.  Exponentials are taken relative to an anchor, the first element of
 * a stretch that falls by at most SPAN, so that they neither underflow nor lose
 * digits; sums with different anchors meet with a factor e^(anchor difference).
 *
 * There is no exact arithmetic here: inside the error bound blocks count as
 * touching and are joined (N6).  soft_rank's w = log(n, n - 1, ...) needs no
 * exponential at all, and no block of its solution falls by more than 2 log n
 * (N7), so there most rows have a single anchor.
 */
#include "block.h"

#include <math.h>

#define SPAN 40.0

/* Relative error bound of a comparison: anchored arguments, exponentials, products. */
#define TOUCH ((2.0 * SPAN + 32.0) * 0x1p-52)

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
	difference /= side->strength.m;
	return side->strength.e == 0 ? difference : sfs_scale(difference, -side->strength.e);
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

	if (depth > SPAN)
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

/* Return the sum of w = n, n - 1, ... over [a, b); exact below 2^53. */
static inline double
ramp_sum(size_t n, size_t a, size_t b)
{
	return (double) (b - a) * ((double) (n - a) + (double) (n - b + 1)) * 0.5;
}

/* Do [a, b) and [b, c) stay apart, that is, does the value fall for certain? */
static inline bool
apart(const Solver *solver, size_t a, size_t b, size_t c, const Part z[2], const Part w[2])
{
	size_t n = solver->problem->n;
	double distance = 0.0; /* log of what the anchors add to the first block's value */
	double left = z[0].sum.high + z[0].sum.low;
	double right = z[1].sum.high + z[1].sum.low;
	double tolerance = TOUCH;

	if (z[0].anchor != z[1].anchor)
		distance = fall(&solver->z, z[0].anchor, z[1].anchor);
	if (solver->integer_weights)
	{
		left *= ramp_sum(n, b, c);
		right *= ramp_sum(n, a, b);
	}
	else
	{
		left *= w[1].sum.high + w[1].sum.low;
		right *= w[0].sum.high + w[0].sum.low;
		if (w[0].anchor != w[1].anchor)
		{
			double w_fall = fall(&solver->w, w[0].anchor, w[1].anchor);

			tolerance += (distance + w_fall) * 0x1p-51;
			/* both infinite: the data's own logarithms decide, as for a falling z */
			distance = isinf(distance) && isinf(w_fall) ? 0.0 : distance - w_fall;
		}
	}
	/* the other factors are within e^(2 SPAN) n^4 of each other */
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
		}
	}
	problem->start[depth] = (uint32_t) open;
	problem->blocks = depth + 1;
	problem->start[problem->blocks] = (uint32_t) problem->n;
	return SFS_OK;
}

/* See block.h: sums and anchors of one or two sides. */
static size_t
scratch(SfsProblemKind kind, size_t n)
{
	return (kind == SFS_PROBLEM_RANK ? 1 : 2) * n * (sizeof(Sum) + sizeof(uint32_t)) + 16;
}

/* See block.h. */
static SfsStatus
solve(SfsProblem *problem)
{
	const SfsStrength one = {1.0, 0};
	size_t n = problem->n;
	Solver solver;

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

/*
 * Every split of a row falls in mean weight by a factor of at least 2 (at most
 * log 2 in the ratio), so a smaller range makes one block.
 */
static bool
rank_is_one_block(double range_ratio, size_t n)
{
	(void) n;
	return range_ratio <= 0.6931;
}

/*
 * What a block needs of its exponentials e_i = e^((v_i - high) / strength).  If
 * every e_i >= 1/2, it works with the terms e_i - 1, precise near one; else with e_i.
 */
typedef struct Exponentials
{
	bool near_one;
	double terms; /* sum of the terms */
	double sum;	  /* sum of e_i */
} Exponentials;

/* Write (v_i - high) / strength, which is not positive. */
static inline void
arguments(const SfsScaling *scaling, const double *v, size_t count, double *out)
{
	sfs_differences(scaling, v, count, out);
	sfs_divide_strength(scaling, out, count);
}

/*
 * Sum the exponentials of a block, and keep the terms in `kept` unless it is
 * NULL; return true when stopped.
 */
static bool
sum_exponentials(const SfsBlock *block, const SfsScaling *scaling, Exponentials *result,
				 double *kept)
{
	double ratio = sfs_range_ratio(block->high, block->low, block->strength);
	double buffer[SFS_LEAF];
	int bound = 1;
	SfsBlockSum sum;

	result->near_one = ratio <= 0.6931;
	if (result->near_one) /* for a sum free of order the bound follows the data */
		bound = sfs_exponent(sfs_expm1(-ratio)) + 2;
	if (bound < -400)
		bound = -400;
	sfs_block_sum_init(&sum, block->sorted, bound, block->m);
	for (size_t i = 0; i < block->m; i += SFS_LEAF)
	{
		size_t count = sfs_leaf(i, block->m);
		double *term = kept != NULL ? kept + i : buffer;

		arguments(scaling, block->v + i, count, term);
		if (result->near_one)
			for (size_t k = 0; k < count; k++)
				term[k] = sfs_expm1(term[k]);
		else
			for (size_t k = 0; k < count; k++)
				term[k] = sfs_exp(term[k]);
		sfs_block_sum_add(&sum, term, count);
		if (sfs_poll(block->poll, 4 * count))
			return true;
	}
	result->terms = sfs_block_sum_total(&sum);
	result->sum = result->near_one ? (double) block->m + result->terms : result->terms;
	return false;
}

/* Return log of the mean exponential, precise near 0. */
static double
log_mean(const Exponentials *e, size_t m)
{
	if (e->near_one)
		return sfs_log1p(e->terms / (double) m);
	return sfs_log(e->sum) - sfs_log((double) m);
}

/* Compute W (e_i / E - 1 / m), W the block's sum of weights. */
static bool
rank(const SfsBlock *block, SfsStrength *unit, double *out)
{
	SfsScaling scaling = sfs_scaling(block);
	double weight = ramp_sum(block->n, block->first, block->first + block->m);
	double m = (double) block->m;
	Exponentials e;

	if (sfs_range_ratio(block->high, block->low, block->strength) < 0x1p-60)
	{
		/* e_i - 1 is its argument to the last bit: the quadratic solution times W / m */
		if (sfs_reg_l2.rank(block, unit, out))
			return true;
		if (unit != NULL)
			unit->m /= weight / m;
		for (size_t i = 0; i < block->m && unit == NULL; i++)
			out[i] *= weight / m;
		return false;
	}
	if (unit != NULL)
		*unit = sfs_strength(1.0, 0);
	if (sum_exponentials(block, &scaling, &e, out))
		return true;
	for (size_t i = 0; i < block->m; i += SFS_LEAF)
	{
		size_t count = sfs_leaf(i, block->m);

		for (size_t k = 0; k < count; k++)
			out[i + k] = (out[i + k] - e.terms / m) / e.sum * weight;
		if (sfs_poll(block->poll, count))
			return true;
	}
	return false;
}

/*
 * Write the softmax of a block into out and return in *mean the mean of g - g_0
 * under it, when g is given; return true when stopped.
 */
static bool
softmax(const SfsBlock *block, const double *g, double *mean, double *out)
{
	SfsScaling scaling = sfs_scaling(block);
	double term[SFS_LEAF];
	SfsTreeSum sum;
	SfsTreeSum weighted;
	double total;

	sfs_tree_init(&sum);
	sfs_tree_init(&weighted);
	for (size_t i = 0; i < block->m; i += SFS_LEAF)
	{
		size_t count = sfs_leaf(i, block->m);

		arguments(&scaling, block->v + i, count, out + i);
		for (size_t k = 0; k < count; k++)
			out[i + k] = sfs_exp(out[i + k]);
		sfs_tree_add(&sum, out + i, count);
		for (size_t k = 0; k < count && g != NULL; k++)
			term[k] = out[i + k] * (g[i + k] - g[0]);
		if (g != NULL)
			sfs_tree_add(&weighted, term, count);
		if (sfs_poll(block->poll, 4 * count))
			return true;
	}
	total = sfs_tree_total(&sum);
	if (g != NULL)
		*mean = sfs_tree_total(&weighted) / total;
	for (size_t i = 0; i < block->m; i++)
		out[i] /= total;
	return false;
}

/* Compute W p_i (g_i - sum p_j g_j) / strength with p the softmax (paper, section 5). */
static bool
rank_derivative(const SfsBlock *block, const double *g, double *out)
{
	double weight = ramp_sum(block->n, block->first, block->first + block->m);
	double mean;

	if (softmax(block, g, &mean, out))
		return true;
	for (size_t i = 0; i < block->m; i++)
		out[i] = weight * out[i] * ((g[i] - g[0]) - mean) / block->strength.m;
	return false;
}

/* Return a copy of a block for which the values are taken as they are. */
static SfsBlock
unscaled(const SfsBlock *block)
{
	SfsBlock copy = *block;

	copy.strength.m = 1.0;
	copy.strength.e = 0;
	return copy;
}

/* Sum g over a block into *total; return true when stopped. */
static bool
sum_cotangent(const SfsBlock *block, const double *g, double *total)
{
	SfsTreeSum sum;

	sfs_tree_init(&sum);
	for (size_t i = 0; i < block->m; i += SFS_LEAF)
	{
		sfs_tree_add(&sum, g + i, sfs_leaf(i, block->m));
		if (sfs_poll(block->poll, SFS_LEAF))
			return true;
	}
	*total = sfs_tree_total(&sum);
	return false;
}

/* Compute softmax(v)^T g at every position: all outputs of the block move together. */
static bool
sort_jvp(const SfsBlock *block, const double *g, double *out)
{
	SfsBlock plain = unscaled(block);
	double mean;

	if (softmax(&plain, g, &mean, out))
		return true;
	for (size_t i = 0; i < block->m; i++)
		out[i] = g[0] + mean;
	return false;
}

/* Compute softmax(v)_i sum g. */
static bool
sort_vjp(const SfsBlock *block, const double *g, double *out)
{
	SfsBlock plain = unscaled(block);
	double total;

	if (softmax(&plain, NULL, NULL, out) || sum_cotangent(block, g, &total))
		return true;
	for (size_t i = 0; i < block->m; i++)
		out[i] *= total;
	return false;
}

/*
 * Compute z_i - log sum e^z + log sum e^w, each relative to its first element;
 * in quarters, so that nothing overflows before the result does.
 */
static bool
log_projection(const SfsBlock *z, const SfsBlock *w, double *out)
{
	SfsScaling z_scaling = sfs_scaling(z);
	SfsScaling w_scaling = sfs_scaling(w);
	Exponentials z_sums;
	Exponentials w_sums;
	double shift;
	bool extreme =
		w->high > 0x1p1000 || w->low < -0x1p1000 || z->high > 0x1p1000 || z->low < -0x1p1000;
	double quarter = extreme ? 0.25 : 1.0;
	SfsScaling falls = z_scaling;

	if (sum_exponentials(z, &z_scaling, &z_sums, NULL) ||
		sum_exponentials(w, &w_scaling, &w_sums, NULL))
		return true;
	shift = log_mean(&w_sums, w->m) - log_mean(&z_sums, z->m);
	if (extreme)
	{
		falls.pre *= quarter;
		falls.base *= quarter;
	}
	for (size_t i = 0; i < z->m; i += SFS_LEAF)
	{
		size_t count = sfs_leaf(i, z->m);

		arguments(&falls, z->v + i, count, out + i);
		for (size_t k = 0; k < count; k++)
			out[i + k] = (w->high * quarter + (out[i + k] + shift * quarter)) / quarter;
		if (sfs_poll(z->poll, count))
			return true;
	}
	return false;
}

/* Compute the sorted values of a block: z is the ramp, w the data. */
static bool
sort(const SfsBlock *block, double *out)
{
	SfsBlock w = unscaled(block);
	SfsBlock z = *block;

	for (size_t i = 0; i < block->m; i++)
		out[i] = (double) (block->m - 1 - i);
	z.v = out; /* overwritten behind the reader */
	z.high = (double) (block->m - 1);
	z.low = 0.0;
	return log_projection(&z, &w, out);
}

/* Compute the projection of a block. */
static bool
projection(const SfsBlock *block, double *out)
{
	SfsBlock z = unscaled(block);
	SfsBlock w = z;

	w.v = block->w;
	w.high = w.v[0];
	w.low = w.v[w.m - 1];
	return log_projection(&z, &w, out);
}

/* Compute g_i - softmax(z)^T g. */
static bool
projection_jvp(const SfsBlock *block, const double *g, double *out)
{
	SfsBlock plain = unscaled(block);
	double mean;

	if (softmax(&plain, g, &mean, out))
		return true;
	for (size_t i = 0; i < block->m; i++)
		out[i] = (g[i] - g[0]) - mean;
	return false;
}

/* Compute g_i - softmax(z)_i sum g. */
static bool
projection_vjp(const SfsBlock *block, const double *g, double *out)
{
	SfsBlock plain = unscaled(block);
	double total;

	if (softmax(&plain, NULL, NULL, out) || sum_cotangent(block, g, &total))
		return true;
	for (size_t i = 0; i < block->m; i++)
		out[i] = g[i] - out[i] * total;
	return false;
}

/* Return the strength at which neighbouring groups of equal values touch. */
static double
rank_touch(double gap, size_t first, size_t m1, size_t m2, size_t n)
{
	/* log of the ratio of the mean weights, 1 + (m1 + m2) / 2 over the second */
	double second = (double) (n - first - m1) - (double) (m2 - 1) * 0.5;

	return gap / sfs_log1p((double) (m1 + m2) * 0.5 / second);
}

/* Return a strength at which any row of two values or more with this range is one block. */
static double
rank_joined(double range)
{
	return range / 0.6931;
}

const SfsRegularizer sfs_reg_kl = {
	.name = "kl",
	.scratch = scratch,
	.rank_is_one_block = rank_is_one_block,
	.solve = solve,
	.rank = rank,
	.rank_derivative = rank_derivative,
	.sort = sort,
	.sort_vjp = sort_vjp,
	.sort_jvp = sort_jvp,
	.projection = projection,
	.projection_vjp = projection_vjp,
	.projection_jvp = projection_jvp,
	.rank_touch = rank_touch,
	.rank_joined = rank_joined,
};
