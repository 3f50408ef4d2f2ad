/*
 * block.h - one row, its blocks, and what a regularization does with them.
 *
 * The projection of z onto the permutahedron of w (paper, section 4) is isotonic
 * regression of z - w after both are sorted descending (paper, section 5).  Its
 * solution is constant on blocks of neighbours, so everything is two steps:
 * find the blocks, then compute the values or derivatives of each block.
 *
 *   SFS_PROBLEM_RANK        z = v / strength, w = n, n - 1, ..., 1
 *   SFS_PROBLEM_SORT        z = (n, n - 1, ..., 1) / strength, w = v
 *   SFS_PROBLEM_PROJECTION  z = v, w = w
 */
#ifndef SFS_BLOCK_H
#define SFS_BLOCK_H

#include "elementary.h"
#include "poll.h"
#include "sums.h"

typedef enum SfsProblemKind
{
	SFS_PROBLEM_RANK,
	SFS_PROBLEM_SORT,
	SFS_PROBLEM_PROJECTION
} SfsProblemKind;

/*
 * A strength is m * 2^e.  e is 0 unless the value lies outside 2^-500 .. 2^500,
 * which happens with extreme arguments and with standardize, where the product
 * of the strength and the deviation need not fit a double.
 */
typedef struct SfsStrength
{
	double m;
	int e;
} SfsStrength;

typedef struct SfsProblem
{
	SfsProblemKind kind;
	size_t n;		 /* > 0 */
	const double *v; /* descending */
	const double *w; /* descending; for a projection */
	SfsStrength strength;
	uint32_t *start; /* out: first position of each block, then n; n + 1 entries */
	size_t blocks;	 /* out */
	void *scratch;	 /* 8-byte aligned, SfsRegularizer.scratch bytes */
	SfsPoll *poll;
} SfsProblem;

/* One block: positions first .. first + m - 1 of a row of n. */
typedef struct SfsBlock
{
	const double *v; /* its m values; descending, or in any order when not sorted */
	const double *w; /* for a projection */
	size_t m;
	double high; /* largest and smallest value */
	double low;
	bool sorted;
	size_t first;
	size_t n;
	SfsStrength strength; /* not 0 */
	SfsPoll *poll;
} SfsBlock;

/*
 * A regularization.  The block functions get m >= 2, write out[0 .. m - 1] in
 * the order of v, may not read out, and return true when stopped by the poll.
 * To add one: a file reg_<name>.c with such a table, a member of
 * SfsRegularization, a line in regularizations.c.
 */
typedef struct SfsRegularizer
{
	const char *name;
	/* Bytes of scratch for solve. */
	size_t (*scratch)(SfsProblemKind kind, size_t n);
	/* Is a soft_rank row of n values with this (high - low) / strength one block for certain? */
	bool (*rank_is_one_block)(double range_ratio, size_t n);
	/* Find the blocks. */
	SfsStatus (*solve)(SfsProblem *problem);
	/*
	 * Rank minus the mean rank of the block.  When unit is given the function may
	 * leave a division out, so as not to underflow, and says so: true values are
	 * out / (unit->m * 2^unit->e).
	 */
	bool (*rank)(const SfsBlock *block, SfsStrength *unit, double *out);
	/* J g * 2^strength.e; the Jacobian of soft_rank is symmetric, so this is vjp and jvp. */
	bool (*rank_derivative)(const SfsBlock *block, const double *g, double *out);
	/* Sorted values. */
	bool (*sort)(const SfsBlock *block, double *out);
	bool (*sort_vjp)(const SfsBlock *block, const double *g, double *out);
	bool (*sort_jvp)(const SfsBlock *block, const double *g, double *out);
	/* Projection of z = v, derivatives in z. */
	bool (*projection)(const SfsBlock *block, double *out);
	bool (*projection_vjp)(const SfsBlock *block, const double *g, double *out);
	bool (*projection_jvp)(const SfsBlock *block, const double *g, double *out);
	/* Smallest and largest strength at which something changes; see range.c. */
	double (*rank_touch)(double gap, size_t first, size_t m1, size_t m2, size_t n);
	double (*rank_joined)(double range);
} SfsRegularizer;

extern const SfsRegularizer sfs_reg_l2;
extern const SfsRegularizer sfs_reg_kl;

/* Return the regularizer that a strength and an option ask for. */
extern const SfsRegularizer *sfs_regularizer(SfsRegularization reg, SfsStrength strength);

/* The exponents between which products of two numbers are safe. */
#define SFS_SAFE_EXPONENT 500

/* Return the power of two that brings numbers below 2^(exponent + 1) into the safe range. */
static inline int
sfs_safe_shift(int exponent)
{
	if (exponent > SFS_SAFE_EXPONENT)
		return -600;
	return exponent < -SFS_SAFE_EXPONENT ? 900 : 0;
}

/* Make a strength of m * 2^e. */
static inline SfsStrength
sfs_strength(double m, int e)
{
	SfsStrength strength = {m, e};
	int exponent = sfs_exponent(m) + e;

	if (m == 0.0)
		strength.e = 0;
	else if (exponent < -SFS_SAFE_EXPONENT || exponent > SFS_SAFE_EXPONENT)
	{
		strength.m = sfs_scale(m, -sfs_exponent(m));
		strength.e = exponent;
	}
	else
	{
		strength.m = sfs_scale(m, e);
		strength.e = 0;
	}
	return strength;
}

/* Return (high - low) / strength; infinite when that overflows. */
static inline double
sfs_range_ratio(double high, double low, SfsStrength strength)
{
	double half = high * 0.5 - low * 0.5;
	int shift;

	if (half < 0x1p-1000)
		half = high - low;
	else
		strength.e -= 1;
	shift = sfs_safe_shift(sfs_exponent(half));
	return sfs_scale(sfs_scale(half, shift) / strength.m, -shift - strength.e);
}

/*
 * How a block computes (v_i - high) / strength without intermediate overflow:
 * (v_i * pre - high * pre) / m * 2^post, where pre is 1 and post 0 for all but
 * extreme data.
 */
typedef struct SfsScaling
{
	double pre;
	int shift;	  /* pre = 2^shift */
	int exponent; /* the scaled differences are below 2^(exponent + 1) */
	double base;  /* high * pre */
	double m;
	int post;
} SfsScaling;

/* Prepare the scaling of a block. */
static inline SfsScaling
sfs_scaling(const SfsBlock *block)
{
	SfsScaling scaling;
	/* a quarter of each cannot overflow; tiny values do not need it */
	double range = block->high - block->low;
	int exponent = range == 0.0 ? 0 : range <= 0x1p1000 ? sfs_exponent(range) : 1025;

	scaling.shift = sfs_safe_shift(exponent);
	scaling.pre = sfs_pow2(scaling.shift);
	scaling.exponent = exponent + scaling.shift;
	scaling.base = block->high * scaling.pre;
	scaling.m = block->strength.m;
	scaling.post = -scaling.shift - block->strength.e;
	return scaling;
}

/* Write the scaled differences v_i - high <= 0 of `count` values from i on. */
static inline void
sfs_differences(const SfsScaling *scaling, const double *v, size_t count, double *out)
{
	for (size_t i = 0; i < count; i++)
		out[i] = v[i] * scaling->pre - scaling->base;
}

/* Divide differences, or other things in their unit, by the strength, in place. */
static inline void
sfs_divide_strength(const SfsScaling *scaling, double *out, size_t count)
{
	for (size_t i = 0; i < count; i++)
		out[i] /= scaling->m;
	if (scaling->post != 0)
		for (size_t i = 0; i < count; i++)
			out[i] = sfs_scale(out[i], scaling->post);
}

/*
 * Return x, or the nearer end of [low, high].  A projection lies in the hull of
 * its w, for soft_sort the data; rounding must not leave it, or neighbouring
 * blocks would be out of order by a unit in the last place.
 */
static inline double
sfs_clamp(double x, double low, double high)
{
	x = x < low ? low : x;
	return x > high ? high : x;
}

/* A sum over a block: by the fixed tree if it is sorted, else free of order. */
typedef struct SfsBlockSum
{
	bool sorted;
	SfsTreeSum tree;
	SfsFreeSum free;
} SfsBlockSum;

/* Begin a sum of m terms below 2^bound. */
static inline void
sfs_block_sum_init(SfsBlockSum *sum, bool sorted, int bound, size_t m)
{
	sum->sorted = sorted;
	if (sorted)
		sfs_tree_init(&sum->tree);
	else
		sfs_free_init(&sum->free, bound, m);
}

/* Add a leaf of terms. */
static inline void
sfs_block_sum_add(SfsBlockSum *sum, const double *term, size_t count)
{
	if (sum->sorted)
		sfs_tree_add(&sum->tree, term, count);
	else
		sfs_free_add(&sum->free, term, count, 2);
}

/* Return the sum. */
static inline double
sfs_block_sum_total(const SfsBlockSum *sum)
{
	return sum->sorted ? sfs_tree_total(&sum->tree) : sfs_free_total(&sum->free);
}

/* Return how many terms the leaf at i of a sequence of m has. */
static inline size_t
sfs_leaf(size_t i, size_t m)
{
	return m - i < SFS_LEAF ? m - i : SFS_LEAF;
}

#endif /* SFS_BLOCK_H */
