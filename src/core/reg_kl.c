/*
 * reg_kl.c - values and derivatives of blocks of the entropic projection (paper,
 * sections 4 and 5).  The projection takes and returns logarithms.
 */
#include "block.h"

#include "kernels.h"
#include "solve.h"

/*
 * Every split of a row falls in mean weight by a factor of at least 2 (at most
 * log 2 in the ratio), so a smaller range makes one block.
 */
static bool
rank_is_one_block(double range_ratio, size_t n)
{
	(void) n;
	return range_ratio <= SFS_KL_NEAR_ONE;
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

	result->near_one = ratio <= SFS_KL_NEAR_ONE;
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
		sfs_kernels->exponentials(term, count, result->near_one);
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
	double weight = sfs_ramp_sum(block->n, block->first, block->first + block->m);
	double m = (double) block->m;
	Exponentials e;

	if (sfs_range_ratio(block->high, block->low, block->strength) < SFS_KL_RATIO_MIN)
	{
		/* e_i - 1 is its argument to the last bit: the quadratic solution times W / m */
		if (sfs_reg_l2.rank(block, unit, out))
			return true;
		if (unit != NULL)
			unit->m /= weight / m;
		for (size_t i = 0; i < block->m && unit == NULL;)
		{
			size_t end = sfs_chunk_end(i, block->m);

			if (sfs_poll(block->poll, end - i))
				return true;
			for (; i < end; i++)
				out[i] *= weight / m;
		}
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
		sfs_kernels->exponentials(out + i, count, false);
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
	for (size_t i = 0; i < block->m;)
	{
		size_t end = sfs_chunk_end(i, block->m);

		if (sfs_poll(block->poll, end - i))
			return true;
		for (; i < end; i++)
			out[i] /= total;
	}
	return false;
}

/* Compute W p_i (g_i - sum p_j g_j) / strength with p the softmax (paper, section 5). */
static bool
rank_derivative(const SfsBlock *block, const double *g, double *out)
{
	double weight = sfs_ramp_sum(block->n, block->first, block->first + block->m);
	double mean;

	if (softmax(block, g, &mean, out))
		return true;
	for (size_t i = 0; i < block->m;)
	{
		size_t end = sfs_chunk_end(i, block->m);

		if (sfs_poll(block->poll, end - i))
			return true;
		for (; i < end; i++)
			out[i] = weight * out[i] * ((g[i] - g[0]) - mean) / block->strength.m;
	}
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
	for (size_t i = 0; i < block->m;)
	{
		size_t end = sfs_chunk_end(i, block->m);

		if (sfs_poll(block->poll, end - i))
			return true;
		for (; i < end; i++)
			out[i] = g[0] + mean;
	}
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
	for (size_t i = 0; i < block->m;)
	{
		size_t end = sfs_chunk_end(i, block->m);

		if (sfs_poll(block->poll, end - i))
			return true;
		for (; i < end; i++)
			out[i] *= total;
	}
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
			out[i + k] = sfs_clamp((w->high * quarter + (out[i + k] + shift * quarter)) / quarter,
								   w->low, w->high);
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

	for (size_t i = 0; i < block->m;)
	{
		size_t end = sfs_chunk_end(i, block->m);

		if (sfs_poll(block->poll, end - i))
			return true;
		for (; i < end; i++)
			out[i] = (double) (block->m - 1 - i);
	}
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
	for (size_t i = 0; i < block->m;)
	{
		size_t end = sfs_chunk_end(i, block->m);

		if (sfs_poll(block->poll, end - i))
			return true;
		for (; i < end; i++)
			out[i] = (g[i] - g[0]) - mean;
	}
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
	for (size_t i = 0; i < block->m;)
	{
		size_t end = sfs_chunk_end(i, block->m);

		if (sfs_poll(block->poll, end - i))
			return true;
		for (; i < end; i++)
			out[i] = g[i] - out[i] * total;
	}
	return false;
}

/* Return the strength at which neighbouring groups of equal values touch. */
static double
rank_touch(double gap, size_t first, size_t m1, size_t m2, size_t n)
{
	/* log of the ratio of the mean weights, 1 + (m1 + m2) / 2 over the second */
	double second = (double) (n - first - m1) - (double) (m2 - 1) * 0.5;

	/* less what the solver takes for touching */
	return gap / (sfs_log1p((double) (m1 + m2) * 0.5 / second) + 2.0 * SFS_KL_TOUCH);
}

/* Return a strength at which any row of two values or more with this range is one block. */
static double
rank_joined(double range)
{
	return range / 0.6931;
}

const SfsRegularizer sfs_reg_kl = {
	.name = "kl",
	.scratch = sfs_kl_scratch,
	.rank_is_one_block = rank_is_one_block,
	.solve = sfs_kl_solve,
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
