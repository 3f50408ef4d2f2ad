/*
 * portable_row.c - reading rows in plain C; see kernels.h for what the kernels do.
 */
#include "kernels.h"

/* See kernels.h: all_finite.  A finite number times 0 is 0. */
static bool
all_finite(const void *x, SfsType type, size_t n)
{
	double check[4] = {0.0, 0.0, 0.0, 0.0};
	size_t i = 0;

	if (type == SFS_FLOAT64)
	{
		for (; i + 4 <= n; i += 4)
			for (size_t j = 0; j < 4; j++)
				check[j] += ((const double *) x)[i + j] * 0.0;
		for (; i < n; i++)
			check[0] += ((const double *) x)[i] * 0.0;
	}
	else
	{
		for (; i + 4 <= n; i += 4)
			for (size_t j = 0; j < 4; j++)
				check[j] += (double) ((const float *) x)[i + j] * 0.0;
		for (; i < n; i++)
			check[0] += (double) ((const float *) x)[i] * 0.0;
	}
	return (check[0] + check[1]) + (check[2] + check[3]) == 0.0;
}

/* Find the range of doubles or floats, four at a time. */
#define FIND_RANGE(x, n, low, high) \
	do \
	{ \
		size_t i = 0; \
\
		for (; i + 4 <= n; i += 4) \
			for (size_t j = 0; j < 4; j++) \
			{ \
				low[j] = x[i + j] < low[j] ? x[i + j] : low[j]; \
				high[j] = x[i + j] > high[j] ? x[i + j] : high[j]; \
			} \
		for (; i < n; i++) \
		{ \
			low[0] = x[i] < low[0] ? x[i] : low[0]; \
			high[0] = x[i] > high[0] ? x[i] : high[0]; \
		} \
		for (size_t j = 1; j < 4; j++) \
		{ \
			low[0] = low[j] < low[0] ? low[j] : low[0]; \
			high[0] = high[j] > high[0] ? high[j] : high[0]; \
		} \
	} while (0)

/* See kernels.h: range. */
static void
range(const void *x, SfsType type, size_t n, double *low, double *high)
{
	if (type == SFS_FLOAT64)
	{
		const double *value = x;
		double least[4] = {value[0], value[0], value[0], value[0]};
		double most[4] = {value[0], value[0], value[0], value[0]};

		FIND_RANGE(value, n, least, most);
		*low = least[0];
		*high = most[0];
	}
	else
	{
		const float *value = x;
		float least[4] = {value[0], value[0], value[0], value[0]};
		float most[4] = {value[0], value[0], value[0], value[0]};

		FIND_RANGE(value, n, least, most);
		*low = (double) least[0];
		*high = (double) most[0];
	}
}

/* Read value i. */
static inline double
read_value(const void *x, SfsType type, size_t i)
{
	return type == SFS_FLOAT64 ? ((const double *) x)[i] : (double) ((const float *) x)[i];
}

/* See kernels.h: sum_differences. */
static void
sum_differences(const void *x, SfsType type, size_t n, double sign, double base, SfsFreeSum *sum)
{
	double term[SFS_LEAF];

	for (size_t i = 0; i < n; i += SFS_LEAF)
	{
		size_t count = n - i < SFS_LEAF ? n - i : SFS_LEAF;

		if (type == SFS_FLOAT64)
			for (size_t k = 0; k < count; k++)
				term[k] = read_value(x, SFS_FLOAT64, i + k) * sign - base;
		else
			for (size_t k = 0; k < count; k++)
				term[k] = read_value(x, SFS_FLOAT32, i + k) * sign - base;
		sfs_free_add(sum, term, count, 2);
	}
}

/* See kernels.h: sum_products. */
static void
sum_products(const double *a, const double *b, size_t n, SfsFreeSum *sum)
{
	double term[SFS_LEAF];

	for (size_t i = 0; i < n; i += SFS_LEAF)
	{
		size_t count = n - i < SFS_LEAF ? n - i : SFS_LEAF;

		for (size_t k = 0; k < count; k++)
			term[k] = a[i + k] * b[i + k];
		sfs_free_add(sum, term, count, SFS_FREE_FOLDS);
	}
}

/* See kernels.h: affine. */
static bool
affine(const SfsAffine *affine, const void *x, SfsType type, size_t n, void *out, SfsType out_type)
{
	const SfsAffine map = *affine;
	double check = 0.0;

	for (size_t i = 0; i < n; i++)
	{
		double d = read_value(x, type, i) * map.sign - map.base;
		double result = ((d - map.mean) / map.divisor + map.offset) + 0.0;

		if (out_type == SFS_FLOAT64)
			((double *) out)[i] = result;
		else
		{
			((float *) out)[i] = (float) result;
			result = (double) (float) result;
		}
		check += result * 0.0;
	}
	return check == 0.0;
}

/* See kernels.h: quantize. */
static void
quantize(const SfsQuantizer *quantizer, const void *x, SfsType type, size_t n, int bits,
		 uint32_t *word)
{
	const SfsQuantizer q = *quantizer;

	if (type == SFS_FLOAT64)
		for (size_t i = 0; i < n; i++)
			word[i] = (uint32_t) (int32_t) ((q.from - ((const double *) x)[i] * q.sign) * q.scale)
						  << bits |
					  (uint32_t) i;
	else
		for (size_t i = 0; i < n; i++)
			word[i] =
				(uint32_t) (int32_t) ((q.from - (double) ((const float *) x)[i] * q.sign) * q.scale)
					<< bits |
				(uint32_t) i;
}

/* See kernels.h: take. */
static bool
take(const uint32_t *word, size_t n, uint32_t mask, const void *x, SfsType type, double sign,
	 uint32_t *perm, double *sorted)
{
	double before = __builtin_inf();
	unsigned rises = 0;

	for (size_t k = 0; k < n; k++)
	{
		uint32_t place = word[k] & mask;
		double value =
			type == SFS_FLOAT64 ? ((const double *) x)[place] : (double) ((const float *) x)[place];

		value = value * sign + 0.0;
		rises |= value > before;
		perm[k] = place;
		sorted[k] = value;
		before = value;
	}
	return rises == 0;
}

const SfsKernels sfs_kernels_portable = {
	.name = "portable",
	.spare_bits = 8,
	.all_finite = all_finite,
	.range = range,
	.sum_differences = sum_differences,
	.sum_products = sum_products,
	.affine = affine,
	.quantize = quantize,
	.sort_words = sfs_portable_sort_words,
	.take = take,
	.exponentials = sfs_portable_exponentials,
	.pool = sfs_portable_pool,
	.l2_ranks = sfs_portable_l2_ranks,
	.pool_kl = sfs_portable_pool_kl,
	.pool_kl_sort = sfs_portable_pool_kl_sort,
	.kl_ranks = sfs_portable_kl_ranks,
	.l2_products = sfs_portable_l2_products,
	.kl_products = sfs_portable_kl_products,
};
