/*
 * isotonic_mean.c - means of the blocks of isotonic regression.
 *
 * mean_in_pairs says what the mean of a block is, to the last bit.  Cheaper sums tell
 * these bits in all but rare cases.
 */
#include "isotonic.h"

#include "block.h"
#include "pair.h"

/* Longest block whose mean is computed without lanes. */
#define SHORT_BLOCK ((size_t) 32)

#define LANES ((size_t) 4)

/* How many tiny blocks are computed side by side. */
#define SIDE ((size_t) 8)

/* Do all numbers of a list that are not 0 lie between 2^-200 and 2^200? */
static bool
is_moderate(const double *list, size_t n)
{
	bool moderate = true;

	for (size_t i = 0; i < n; i++)
	{
		double size = __builtin_fabs(list[i]);

		moderate =
			moderate && (size == 0.0 || (size >= SFS_MODERATE_MIN && size <= SFS_MODERATE_MAX));
	}
	return moderate;
}

/*
 * Compute the weighted mean of a block, which is so defined: in twice the working
 * precision, so that heavy and light elements and values that cancel keep their
 * digits; exactly where products could leave the range.
 */
static SfsStatus
mean_in_pairs(SfsIsotonic *fit, size_t first, size_t m, double *mean)
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

/* Sums in lanes: of terms, of what the additions lost, and of |terms|. */
typedef struct LaneSum
{
	double high[LANES];
	double low[LANES];
	double size[LANES];
} LaneSum;

/* Add a term and what it lacks to a lane. */
static inline __attribute__((always_inline)) void
add_to_lane(LaneSum *sum, size_t lane, double term, double rest)
{
	SfsPair pair = sfs_pair_sum(sum->high[lane], term);

	sum->high[lane] = pair.high;
	sum->low[lane] = sum->low[lane] + pair.low + rest;
	sum->size[lane] += __builtin_fabs(term);
}

/* Add products of weights and values, and weights, to a lane. */
static inline __attribute__((always_inline)) void
add_element(LaneSum *sum, LaneSum *mass, size_t lane, const double *weight, const double *y)
{
	if (weight == NULL)
		add_to_lane(sum, lane, *y, 0.0);
	else
	{
		SfsPair product = sfs_pair_product(*weight, *y);

		add_to_lane(sum, lane, product.high, product.low);
		add_to_lane(mass, lane, *weight, 0.0);
	}
}

/* Add `count` elements to sums in `lanes` lanes. */
static inline __attribute__((always_inline)) void
add_elements(LaneSum *sum, LaneSum *mass, size_t lanes, const double *weight, const double *y,
			 size_t count)
{
	size_t i = 0;

	for (; lanes > 1 && i + lanes <= count; i += lanes)
		for (size_t j = 0; j < lanes; j++)
			add_element(sum, mass, j, weight == NULL ? NULL : weight + i + j, y + i + j);
	for (; i < count; i++)
		add_element(sum, mass, 0, weight == NULL ? NULL : weight + i, y + i);
}

/* Add the other lanes to the first and normalize it. */
static inline __attribute__((always_inline)) SfsPair
fold_lanes(LaneSum *sum, size_t lanes)
{
	for (size_t j = 1; j < lanes; j++)
	{
		SfsPair pair = sfs_pair_sum(sum->high[0], sum->high[j]);

		sum->high[0] = pair.high;
		sum->low[0] += sum->low[j] + pair.low;
		sum->size[0] += sum->size[j];
	}
	return sfs_pair_sum(sum->high[0], sum->low[0]);
}

/* Return x * m exactly for a whole m below 2^26. */
static inline SfsPair
multiply_by_count(double x, double m)
{
	const double split = 0x1p27 + 1.0;
	double high = x * split - (x * split - x);
	double product = x * m;

	return (SfsPair){product, (high * m - product) + (x - high) * m};
}

/*
 * Decide what mean_in_pairs gives for moderate numbers from other sums of the same
 * m terms; false when they do not tell.  With u = 2^-53, S = sum |w y| and M = sum w:
 *
 * A lane of L terms has losses of at most u S each, 2 L of them and of the products
 * are added up with an error of u (L + 1) u S each, and folding adds 8 (L + 10) u^2 S:
 * below 2 (L + 16)^2 u^2 S.  Likewise for M.
 * In mean_in_pairs, adding x to y errs by at most 3.1 u^2 (|x| + |y|), in all by
 * 3.2 (m + 1) u^2 S; likewise for M.
 * The division there errs by at most 19 u^2 S / M, that here by 32 u^2 S / M: `first`
 * is within 2.1 u of the quotient, `rest` within 4.2 u^2 S of what it lacks (its first
 * subtraction is exact), and so are two more roundings; `inverse` twice takes 2 u of
 * the correction, which is below 4.2 u S / M.  The test errs by u^2 S / M.
 *
 * Quotients of these sums thus differ by at most `error`, and both are rounded to
 * the nearest double last, which preserves order.
 */
static inline __attribute__((always_inline)) bool
tell_mean(SfsPair sum, SfsPair mass, double size, double lane, double m, bool is_count,
		  double *mean)
{
	double factor = 4.0 * (lane + 16.0) * (lane + 16.0) + 8.0 * m + 128.0;
	double inverse = 1.0 / mass.high;
	double error = factor * 0x1p-106 * size * inverse;
	double first = sum.high * inverse;
	SfsPair product =
		is_count ? multiply_by_count(first, mass.high) : sfs_pair_product(first, mass.high);
	double rest = (sum.high - product.high) - product.low;
	double correction = (rest + sum.low - first * mass.low) * inverse;
	SfsPair quotient = sfs_pair_sum(first, correction);

	*mean = quotient.high;
	return (quotient.high + (quotient.low + error) == quotient.high) &
		   (quotient.high + (quotient.low - error) == quotient.high);
}

/*
 * Do m <= 16 numbers fill so few binary places that a pair holds all their partial sums?
 * They are multiples of 2^-101 of the sum of their sizes.  So both sums are exact, and
 * when m is a power of two, their high parts are rounded as the mean, also half way.
 */
static inline __attribute__((always_inline)) bool
are_near(const double *y, size_t m, double size)
{
	bool near = true;

	for (size_t i = 0; i < m; i++)
		near &= __builtin_fabs(y[i]) >= 0x1p-48 * size;
	return near;
}

/* Add up four numbers, and what they lack. */
static inline __attribute__((always_inline)) SfsPair
sum_tiny(const double *term, const double *rest)
{
	SfsPair even = sfs_pair_sum(term[0], term[2]);
	SfsPair odd = sfs_pair_sum(term[1], term[3]);
	SfsPair sum = sfs_pair_sum(even.high, odd.high);
	double low = (rest[0] + rest[1]) + (rest[2] + rest[3]);

	return sfs_pair_sum(sum.high, (even.low + odd.low) + sum.low + low);
}

/* Tiny blocks side by side: number k of block i is value[k][i]. */
typedef struct TinyBlocks
{
	double value[SFS_TINY_BLOCK][SIDE];
	double weight[SFS_TINY_BLOCK][SIDE];
	double mass[SIDE];
	double mean[SIDE];
	double told[SIDE]; /* 0.0: the mean is not certain */
} TinyBlocks;

/* Tell the mean of tiny block i of moderate numbers as far as tell_mean can. */
static inline __attribute__((always_inline)) void
tell_tiny(TinyBlocks *blocks, size_t i, bool weighted)
{
	double value[SFS_TINY_BLOCK];
	double weight[SFS_TINY_BLOCK];
	double rest[SFS_TINY_BLOCK] = {0.0};
	SfsPair mass = {blocks->mass[i], 0.0};
	double size;
	bool told;

	for (size_t k = 0; k < SFS_TINY_BLOCK; k++)
	{
		value[k] = blocks->value[k][i];
		weight[k] = blocks->weight[k][i];
	}
	if (weighted)
	{
		mass = sum_tiny(weight, rest);
		for (size_t k = 0; k < SFS_TINY_BLOCK; k++)
		{
			SfsPair product = sfs_pair_product(weight[k], value[k]);

			value[k] = product.high;
			rest[k] = product.low;
		}
	}
	size = (__builtin_fabs(value[0]) + __builtin_fabs(value[1])) +
		   (__builtin_fabs(value[2]) + __builtin_fabs(value[3]));
	told = tell_mean(sum_tiny(value, rest), mass, size, SFS_TINY_BLOCK, SFS_TINY_BLOCK, !weighted,
					 &blocks->mean[i]);
	/* half of the pairs end half way */
	if (!weighted)
		told = told | (mass.high == 2.0) | are_near(value, SFS_TINY_BLOCK, size);
	blocks->told[i] = told ? 1.0 : 0.0;
}

/* Compute the means of tiny blocks of moderate numbers: mean[list[i]] of block k + list[i]. */
static inline __attribute__((always_inline)) SfsStatus
means_of_tiny(SfsIsotonic *fit, size_t k, const uint32_t *list, size_t count, bool weighted,
			  double *mean)
{
	TinyBlocks blocks;

	for (size_t i = 0; i < count; i += SIDE)
	{
		size_t end = count - i < SIDE ? count - i : SIDE;

		for (size_t j = 0; j < SIDE; j++)
		{
			const uint32_t *start = fit->start + k + list[i + (j < end ? j : 0)];
			size_t m = start[1] - start[0];
			double part[SFS_TINY_BLOCK];

			blocks.mass[j] = (double) (int32_t) m;
			sfs_take_tiny(fit->y + start[0], m, part);
			for (size_t l = 0; l < SFS_TINY_BLOCK; l++)
				blocks.value[l][j] = part[l];
			if (weighted)
				sfs_take_tiny(fit->weight + start[0], m, part);
			for (size_t l = 0; l < SFS_TINY_BLOCK && weighted; l++)
				blocks.weight[l][j] = part[l];
		}
		for (size_t j = 0; j < SIDE; j++)
			tell_tiny(&blocks, j, weighted);
		for (size_t j = 0; j < end; j++)
		{
			const uint32_t *start = fit->start + k + list[i + j];

			mean[list[i + j]] = blocks.mean[j];
			if (blocks.told[j] == 0.0)
			{
				SfsStatus status =
					mean_in_pairs(fit, start[0], start[1] - start[0], &mean[list[i + j]]);

				if (status != SFS_OK)
					return status;
			}
		}
	}
	return SFS_OK;
}

/* Tell the mean of a block of moderate numbers as far as tell_mean can. */
static inline __attribute__((always_inline)) bool
mean_of_moderate(const double *y, const double *weight, size_t lanes, size_t m, double *mean,
				 SfsPoll *poll, bool *stop)
{
	LaneSum sum = {{0.0}, {0.0}, {0.0}};
	LaneSum mass = {{0.0}, {0.0}, {0.0}};
	SfsPair total;
	SfsPair total_mass = {(double) m, 0.0};

	for (size_t i = 0; i < m;)
	{
		size_t end = sfs_chunk_end(i, m);

		*stop = sfs_poll(poll, end - i);
		if (*stop)
			return false;
		add_elements(&sum, &mass, lanes, weight == NULL ? NULL : weight + i, y + i, end - i);
		i = end;
	}
	total = fold_lanes(&sum, lanes);
	if (weight != NULL)
		total_mass = fold_lanes(&mass, lanes);
	return tell_mean(total, total_mass, sum.size[0], (double) (m / lanes + lanes), (double) m,
					 weight == NULL && lanes == 1, mean) ||
		   (weight == NULL && (m == 8 || m == 16) && are_near(y, m, sum.size[0]));
}

/* Compute the bits of mean_in_pairs, fast in all but rare cases. */
static SfsStatus
block_mean(SfsIsotonic *fit, size_t first, size_t m, double *mean)
{
	const double *y = fit->y + first;
	bool stop = false;
	bool told;

	if (!fit->moderate)
		return mean_in_pairs(fit, first, m, mean);
	if (fit->weight == NULL)
		told = m < SHORT_BLOCK ? mean_of_moderate(y, NULL, 1, m, mean, fit->poll, &stop)
							   : mean_of_moderate(y, NULL, LANES, m, mean, fit->poll, &stop);
	else
	{
		const double *weight = fit->weight + first;

		told = m < SHORT_BLOCK ? mean_of_moderate(y, weight, 1, m, mean, fit->poll, &stop)
							   : mean_of_moderate(y, weight, LANES, m, mean, fit->poll, &stop);
	}
	if (stop)
		return SFS_CANCELLED;
	return told ? SFS_OK : mean_in_pairs(fit, first, m, mean);
}

/* See isotonic.h. */
SfsStatus
sfs_isotonic_means(SfsIsotonic *fit, size_t k, size_t count, double *mean)
{
	const uint32_t *start = fit->start + k;
	const double *y = fit->y;
	size_t limit = fit->moderate ? SFS_TINY_BLOCK : 1; /* longer ones take their turn */
	uint32_t tiny[SFS_MEANS];
	uint32_t other[SFS_MEANS];
	size_t tinies = 0;
	size_t others = 0;

	if (sfs_poll(fit->poll, 2 * count))
		return SFS_CANCELLED;
	for (size_t i = 0; i < count; i++)
	{
		size_t m = start[i + 1] - start[i];

		mean[i] = y[start[i]];
		tiny[tinies] = (uint32_t) i;
		other[others] = (uint32_t) i;
		tinies += (m > 1) & (m <= limit);
		others += m > limit;
	}
	for (size_t i = 0; i < others; i++)
	{
		size_t first = start[other[i]];
		SfsStatus status = block_mean(fit, first, start[other[i] + 1] - first, &mean[other[i]]);

		if (status != SFS_OK)
			return status;
	}
	return fit->weight == NULL ? means_of_tiny(fit, k, tiny, tinies, false, mean)
							   : means_of_tiny(fit, k, tiny, tinies, true, mean);
}
