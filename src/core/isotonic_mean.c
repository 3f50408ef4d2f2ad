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

/* Tell the mean of a block of at most SFS_TINY_BLOCK moderate numbers as far as tell_mean can. */
static inline __attribute__((always_inline)) bool
mean_of_tiny(const double *y, const double *weight, size_t m, double *mean)
{
	double value[SFS_TINY_BLOCK];
	double heavy[SFS_TINY_BLOCK];
	double rest[SFS_TINY_BLOCK] = {0.0};
	SfsPair mass = {(double) (int32_t) m, 0.0};
	double size;
	bool told;

	sfs_take_tiny(y, m, value);
	if (weight != NULL)
	{
		sfs_take_tiny(weight, m, heavy);
		mass = sum_tiny(heavy, rest);
		for (size_t k = 0; k < SFS_TINY_BLOCK; k++)
		{
			SfsPair product = sfs_pair_product(heavy[k], value[k]);

			value[k] = product.high;
			rest[k] = product.low;
		}
	}
	size = (__builtin_fabs(value[0]) + __builtin_fabs(value[1])) +
		   (__builtin_fabs(value[2]) + __builtin_fabs(value[3]));
	told = tell_mean(sum_tiny(value, rest), mass, size, SFS_TINY_BLOCK, SFS_TINY_BLOCK,
					 weight == NULL, mean);
	if (weight != NULL)
		return told;
	/* half of the pairs end half way, so there is no branch here */
	return told | (m == 2) | are_near(value, SFS_TINY_BLOCK, size);
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

/* See isotonic.h: the bits of mean_in_pairs, fast in all but rare cases. */
SfsStatus
sfs_isotonic_mean(SfsIsotonic *fit, size_t first, size_t m, double *mean)
{
	const double *y = fit->y + first;
	bool stop = false;
	bool told;

	if (!fit->moderate)
		return mean_in_pairs(fit, first, m, mean);
	if (m <= SFS_TINY_BLOCK)
		told = fit->weight == NULL ? mean_of_tiny(y, NULL, m, mean)
								   : mean_of_tiny(y, fit->weight + first, m, mean);
	else if (fit->weight == NULL)
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
