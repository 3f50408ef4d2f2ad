/*
 * avx512_row.c - reading rows with AVX-512; see kernels.h for what the kernels do.
 */
#include "avx512.h"

#ifdef SFS_AVX512

#include "kernels.h"

/* Classes of numbers: NaN of either kind, either infinity. */
#define NOT_FINITE 0x99

SFS_AVX512_BEGIN

/* Return the mask of the first n of 16 lanes, all of them from 16 on. */
static inline __mmask16
first16(size_t n)
{
	return n >= 16 ? 0xffff : (__mmask16) ((1u << n) - 1);
}

/* See kernels.h: all_finite. */
static bool
all_finite(const void *x, SfsType type, size_t n)
{
	unsigned bad = 0;

	if (type == SFS_FLOAT64)
		for (size_t i = 0; i < n; i += 8)
			bad |= _mm512_fpclass_pd_mask(_mm512_maskz_loadu_pd(sfs_first8(n - i),
																(const double *) x + i),
										  NOT_FINITE);
	else
		for (size_t i = 0; i < n; i += 16)
			bad |=
				_mm512_fpclass_ps_mask(_mm512_maskz_loadu_ps(first16(n - i), (const float *) x + i),
									   NOT_FINITE);
	return bad == 0;
}

/* See kernels.h: range. */
static void
range(const void *x, SfsType type, size_t n, double *low, double *high)
{
	if (type == SFS_FLOAT64)
	{
		const double *value = x;
		__m512d first = _mm512_set1_pd(value[0]);
		__m512d least[2] = {first, first};
		__m512d most[2] = {first, first};

		for (size_t i = 0; i < n; i += 16)
			for (size_t k = 0; k < 2; k++)
			{
				size_t from = i + 8 * k;
				__mmask8 mask = from < n ? sfs_first8(n - from) : 0;
				__m512d v = _mm512_mask_loadu_pd(first, mask, value + from);

				least[k] = _mm512_min_pd(least[k], v);
				most[k] = _mm512_max_pd(most[k], v);
			}
		*low = _mm512_reduce_min_pd(_mm512_min_pd(least[0], least[1]));
		*high = _mm512_reduce_max_pd(_mm512_max_pd(most[0], most[1]));
	}
	else
	{
		const float *value = x;
		__m512 first = _mm512_set1_ps(value[0]);
		__m512 least[2] = {first, first};
		__m512 most[2] = {first, first};

		for (size_t i = 0; i < n; i += 32)
			for (size_t k = 0; k < 2; k++)
			{
				size_t from = i + 16 * k;
				__mmask16 mask = from < n ? first16(n - from) : 0;
				__m512 v = _mm512_mask_loadu_ps(first, mask, value + from);

				least[k] = _mm512_min_ps(least[k], v);
				most[k] = _mm512_max_ps(most[k], v);
			}
		*low = (double) _mm512_reduce_min_ps(_mm512_min_ps(least[0], least[1]));
		*high = (double) _mm512_reduce_max_ps(_mm512_max_ps(most[0], most[1]));
	}
}

/* Add 8 terms to the lanes of the first folds of a sum. */
static inline __attribute__((always_inline)) void
add_terms(__m512d rest, const __m512d *splitter, __m512d *fold, const int folds)
{
	for (int k = 0; k < folds; k++)
	{
		__m512d part = _mm512_sub_pd(_mm512_add_pd(rest, splitter[k]), splitter[k]);

		fold[k] = _mm512_add_pd(fold[k], part);
		rest = _mm512_sub_pd(rest, part);
	}
}

/* See kernels.h: sum_differences. */
static void
sum_differences(const void *x, SfsType type, size_t n, double sign, double base, SfsFreeSum *sum)
{
	const __m512d factor = _mm512_set1_pd(sign);
	const __m512d shift = _mm512_set1_pd(base);
	const __m512d splitter[2] = {_mm512_set1_pd(sum->splitter[0]),
								 _mm512_set1_pd(sum->splitter[1])};
	__m512d fold[2] = {_mm512_setzero_pd(), _mm512_setzero_pd()};

	for (size_t i = 0; i < n; i += 8)
	{
		__mmask8 lanes = sfs_first8(n - i);
		__m512d v = _mm512_mul_pd(sfs_load8(x, type, i, lanes), factor);

		add_terms(_mm512_maskz_sub_pd(lanes, v, shift), splitter, fold, 2);
	}
	/* exact, so that the order of lanes does not matter */
	for (int k = 0; k < 2; k++)
		sum->fold[k] += _mm512_reduce_add_pd(fold[k]);
}

/* See kernels.h: sum_products. */
static void
sum_products(const double *a, const double *b, size_t n, SfsFreeSum *sum)
{
	__m512d splitter[SFS_FREE_FOLDS];
	__m512d fold[SFS_FREE_FOLDS];

	for (int k = 0; k < SFS_FREE_FOLDS; k++)
	{
		splitter[k] = _mm512_set1_pd(sum->splitter[k]);
		fold[k] = _mm512_setzero_pd();
	}
	for (size_t i = 0; i < n; i += 8)
	{
		__mmask8 lanes = sfs_first8(n - i);

		add_terms(_mm512_mul_pd(_mm512_maskz_loadu_pd(lanes, a + i),
								_mm512_maskz_loadu_pd(lanes, b + i)),
				  splitter, fold, SFS_FREE_FOLDS);
	}
	for (int k = 0; k < SFS_FREE_FOLDS; k++)
		sum->fold[k] += _mm512_reduce_add_pd(fold[k]);
}

/* See kernels.h: affine; the types are constants. */
static inline __attribute__((always_inline)) bool
affine_type(const SfsAffine *affine, const void *x, const SfsType type, size_t n, void *out,
			const SfsType out_type)
{
	const __m512d sign = _mm512_set1_pd(affine->sign);
	const __m512d base = _mm512_set1_pd(affine->base);
	const __m512d mean = _mm512_set1_pd(affine->mean);
	const __m512d divisor = _mm512_set1_pd(affine->divisor);
	const __m512d offset = _mm512_set1_pd(affine->offset);
	unsigned bad = 0;

	for (size_t i = 0; i < n; i += 8)
	{
		__mmask8 lanes = sfs_first8(n - i);
		__m512d d = _mm512_sub_pd(_mm512_mul_pd(sfs_load8(x, type, i, lanes), sign), base);

		d = _mm512_add_pd(_mm512_div_pd(_mm512_sub_pd(d, mean), divisor), offset);
		d = _mm512_add_pd(d, _mm512_setzero_pd());
		if (out_type == SFS_FLOAT64)
		{
			_mm512_mask_storeu_pd((double *) out + i, lanes, d);
			bad |= _mm512_mask_fpclass_pd_mask(lanes, d, NOT_FINITE);
		}
		else
		{
			__m256 rounded = _mm512_cvtpd_ps(d);

			_mm256_mask_storeu_ps((float *) out + i, lanes, rounded);
			bad |= _mm256_mask_fpclass_ps_mask(lanes, rounded, NOT_FINITE);
		}
	}
	return bad == 0;
}

/* See kernels.h: affine. */
static bool
affine(const SfsAffine *affine, const void *x, SfsType type, size_t n, void *out, SfsType out_type)
{
	if (type == SFS_FLOAT64)
		return out_type == SFS_FLOAT64 ? affine_type(affine, x, SFS_FLOAT64, n, out, SFS_FLOAT64)
									   : affine_type(affine, x, SFS_FLOAT64, n, out, SFS_FLOAT32);
	return out_type == SFS_FLOAT64 ? affine_type(affine, x, SFS_FLOAT32, n, out, SFS_FLOAT64)
								   : affine_type(affine, x, SFS_FLOAT32, n, out, SFS_FLOAT32);
}

/* Write the words of one type; the type is a constant. */
static inline __attribute__((always_inline)) void
quantize_type(const SfsQuantizer *quantizer, const void *x, const SfsType type, size_t n, int bits,
			  uint32_t *word)
{
	const __m512d sign = _mm512_set1_pd(quantizer->sign);
	const __m512d from = _mm512_set1_pd(quantizer->from);
	const __m512d scale = _mm512_set1_pd(quantizer->scale);
	const __m128i shift = _mm_cvtsi32_si128(bits);
	__m512i position = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);

	for (size_t i = 0; i < n; i += 16)
	{
		__mmask16 mask = first16(n - i);
		__m512d a = _mm512_mul_pd(sfs_load8(x, type, i, (__mmask8) mask), sign);
		__m512d b = _mm512_mul_pd(sfs_load8(x, type, i + 8, (__mmask8) (mask >> 8)), sign);
		__m256i low = _mm512_cvttpd_epi32(_mm512_mul_pd(_mm512_sub_pd(from, a), scale));
		__m256i high = _mm512_cvttpd_epi32(_mm512_mul_pd(_mm512_sub_pd(from, b), scale));
		__m512i v = _mm512_inserti64x4(_mm512_castsi256_si512(low), high, 1);

		v = _mm512_or_si512(_mm512_sll_epi32(v, shift), position);
		_mm512_mask_storeu_epi32(word + i, mask, v);
		position = _mm512_add_epi32(position, _mm512_set1_epi32(16));
	}
}

/* See kernels.h: quantize. */
static void
quantize(const SfsQuantizer *quantizer, const void *x, SfsType type, size_t n, int bits,
		 uint32_t *word)
{
	if (type == SFS_FLOAT64)
		quantize_type(quantizer, x, SFS_FLOAT64, n, bits, word);
	else
		quantize_type(quantizer, x, SFS_FLOAT32, n, bits, word);
}

/* See kernels.h: sort_floats.  Keys are bits that ascend as values descend. */
static void
sort_floats(const float *x, size_t n, double sign, uint32_t *word, uint32_t *other, double *sorted)
{
	const __m512 factor = _mm512_set1_ps(-(float) sign);
	const __m512i top = _mm512_set1_epi32(INT32_MIN);

	for (size_t i = 0; i < n; i += 16)
	{
		__mmask16 lanes = first16(n - i);
		/* + 0: never -0 */
		__m512 v = _mm512_add_ps(_mm512_mul_ps(_mm512_maskz_loadu_ps(lanes, x + i), factor),
								 _mm512_setzero_ps());
		__m512i bits = _mm512_castps_si512(v);
		__m512i flip = _mm512_or_si512(_mm512_srai_epi32(bits, 31), top);

		_mm512_mask_storeu_epi32(word + i, lanes, _mm512_xor_si512(bits, flip));
	}
	sfs_avx512_sort_words(word, other, n, 0, 32);
	for (size_t i = 0; i < n; i += 8)
	{
		__mmask8 lanes = sfs_first8(n - i);
		__m256i key = _mm256_maskz_loadu_epi32(lanes, word + i);
		__m256i flip =
			_mm256_or_si256(_mm256_srai_epi32(_mm256_xor_si256(key, _mm256_set1_epi32(-1)), 31),
							_mm256_set1_epi32(INT32_MIN));
		__m512d v = _mm512_cvtps_pd(_mm256_castsi256_ps(_mm256_xor_si256(key, flip)));

		_mm512_mask_storeu_pd(sorted + i, lanes, _mm512_sub_pd(_mm512_setzero_pd(), v));
	}
}

/* See kernels.h: take; the type is a constant. */
static inline __attribute__((always_inline)) bool
take_type(const uint32_t *word, size_t n, uint32_t mask, const void *x, const SfsType type,
		  double sign, uint32_t *perm, double *sorted)
{
	const __m512i position_bits = _mm512_set1_epi32((int) mask);
	const __m512d factor = _mm512_set1_pd(sign);
	const __m512d zero = _mm512_setzero_pd();
	const __m512i seven = _mm512_set1_epi64(7);
	const __m512i down = _mm512_setr_epi64(15, 0, 1, 2, 3, 4, 5, 6); /* lane i gets lane i - 1 */
	__m512d before = _mm512_set1_pd(__builtin_inf());
	unsigned rises = 0;

	for (size_t i = 0; i < n; i += 16)
	{
		__mmask16 lanes = first16(n - i);
		__m512i place = _mm512_and_si512(_mm512_maskz_loadu_epi32(lanes, word + i), position_bits);
		__m512d a;
		__m512d b;

		if (type == SFS_FLOAT64)
		{
			a = _mm512_mask_i32gather_pd(zero, (__mmask8) lanes, _mm512_castsi512_si256(place), x,
										 8);
			b = _mm512_mask_i32gather_pd(zero, (__mmask8) (lanes >> 8),
										 _mm512_extracti64x4_epi64(place, 1), x, 8);
		}
		else
		{
			__m512 v = _mm512_mask_i32gather_ps(_mm512_setzero_ps(), lanes, place, x, 4);

			a = _mm512_cvtps_pd(_mm512_castps512_ps256(v));
			b = _mm512_cvtps_pd(_mm512_extractf32x8_ps(v, 1));
		}
		a = _mm512_add_pd(_mm512_mul_pd(a, factor), zero);
		b = _mm512_add_pd(_mm512_mul_pd(b, factor), zero);
		_mm512_mask_storeu_epi32(perm + i, lanes, place);
		_mm512_mask_storeu_pd(sorted + i, (__mmask8) lanes, a);
		_mm512_mask_storeu_pd(sorted + i + 8, (__mmask8) (lanes >> 8), b);
		rises |= _mm512_mask_cmp_pd_mask((__mmask8) lanes, a,
										 _mm512_permutex2var_pd(a, down, before), _CMP_GT_OQ);
		rises |= _mm512_mask_cmp_pd_mask((__mmask8) (lanes >> 8), b,
										 _mm512_permutex2var_pd(b, down, a), _CMP_GT_OQ);
		before = _mm512_permutexvar_pd(seven, b);
	}
	return rises == 0;
}

/* See kernels.h: take. */
static bool
take(const uint32_t *word, size_t n, uint32_t mask, const void *x, SfsType type, double sign,
	 uint32_t *perm, double *sorted)
{
	return type == SFS_FLOAT64 ? take_type(word, n, mask, x, SFS_FLOAT64, sign, perm, sorted)
							   : take_type(word, n, mask, x, SFS_FLOAT32, sign, perm, sorted);
}

const SfsKernels sfs_kernels_avx512 = {
	.name = "avx512",
	.spare_bits = 32,
	.all_finite = all_finite,
	.range = range,
	.sum_differences = sum_differences,
	.sum_products = sum_products,
	.affine = affine,
	.quantize = quantize,
	.sort_words = sfs_avx512_sort_words,
	.sort_floats = sort_floats,
	.take = take,
	.exponentials = sfs_avx512_exponentials,
	.pool = sfs_avx512_pool,
	.l2_ranks = sfs_avx512_l2_ranks,
	.pool_kl = sfs_avx512_pool_kl,
	.pool_kl_sort = sfs_avx512_pool_kl_sort,
	.kl_ranks = sfs_avx512_kl_ranks,
	.l2_products = sfs_avx512_l2_products,
	.kl_products = sfs_avx512_kl_products,
	.l2_rank_rows = sfs_avx512_l2_rank_rows,
	.l2_product_rows = sfs_avx512_l2_product_rows,
	.spearman_rows = sfs_avx512_spearman_rows,
	.l2_spearman_rows = sfs_avx512_l2_spearman_rows,
};

SFS_AVX512_END

#else
typedef int SfsNothing; /* a file may not be empty */
#endif
