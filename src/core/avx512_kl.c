/*
 * avx512_kl.c - values and derivatives of entropic blocks with AVX-512; see kernels.h for
 * what the kernels do.
 */
#include "avx512_exp.h"

#ifdef SFS_AVX512

#include "kernels.h"
#include "solve.h"

/* Values of blocks that are computed with together; longer blocks are left to the caller. */
#define SPAN_MAX 1024

SFS_AVX512_BEGIN

/* See kernels.h: exponentials.  Arguments are kept from going too far as in elementary.h. */
void
sfs_avx512_exponentials(double *x, size_t n, bool less_1)
{
	const __m512d least = _mm512_set1_pd(less_1 ? -60.0 : -745.0);

	for (size_t i = 0; i < n; i += 8)
	{
		__mmask8 lanes = sfs_first8(n - i);
		__m512d v = _mm512_max_pd(_mm512_maskz_loadu_pd(lanes, x + i), least);

		v = less_1 ? sfs_expm1_of(sfs_exp_parts(v)) : sfs_exp_far(v);
		_mm512_mask_storeu_pd(x + i, lanes, v);
	}
}

/* Return the sum of m <= SFS_SHORT_BLOCK terms as sums.h says. */
static inline double
leaf_sum(const double *term, size_t m)
{
	__m512d lane = _mm512_setzero_pd();
	__m256d half;
	__m128d pair;

	for (size_t i = 0; i < m; i += 8)
	{
		__mmask8 lanes = sfs_first8(m - i);

		lane = _mm512_mask_add_pd(lane, lanes, lane, _mm512_maskz_loadu_pd(lanes, term + i));
	}
	half = _mm256_add_pd(_mm512_castpd512_pd256(lane), _mm512_extractf64x4_pd(lane, 1));
	pair = _mm_add_pd(_mm256_castpd256_pd128(half), _mm256_extractf128_pd(half, 1));
	return _mm_cvtsd_f64(pair) + _mm_cvtsd_f64(_mm_unpackhi_pd(pair, pair));
}

/* Write (t - mean) / sum * weight, and what is added to it, for m terms. */
static inline void
write_ranks(const double *term, size_t m, double mean, double sum, double weight, double middle,
			double offset, double *out)
{
	if (m <= 4)
	{
		__mmask8 lanes = (__mmask8) ((1u << m) - 1);
		__m256d t = _mm256_maskz_loadu_pd(lanes, term);

		t = _mm256_div_pd(_mm256_sub_pd(t, _mm256_set1_pd(mean)), _mm256_set1_pd(sum));
		t = _mm256_add_pd(_mm256_mul_pd(t, _mm256_set1_pd(weight)), _mm256_set1_pd(middle));
		_mm256_mask_storeu_pd(out, lanes, _mm256_add_pd(t, _mm256_set1_pd(offset)));
		return;
	}
	for (size_t i = 0; i < m; i += 8)
	{
		__mmask8 lanes = sfs_first8(m - i);
		__m512d t = _mm512_maskz_loadu_pd(lanes, term + i);

		t = _mm512_div_pd(_mm512_sub_pd(t, _mm512_set1_pd(mean)), _mm512_set1_pd(sum));
		t = _mm512_add_pd(_mm512_mul_pd(t, _mm512_set1_pd(weight)), _mm512_set1_pd(middle));
		_mm512_mask_storeu_pd(out + i, lanes, _mm512_add_pd(t, _mm512_set1_pd(offset)));
	}
}

/* The differences, exponentials and exponentials less one of the values of some blocks. */
typedef struct Terms
{
	double d[SPAN_MAX + 8];
	double e[SPAN_MAX + 8];
	double e_less_1[SPAN_MAX + 8];
} Terms;

/* Find those of up to 64 blocks that have several values. */
static inline uint64_t
find_several(const uint32_t *start, size_t blocks)
{
	uint64_t several = 0;

	for (size_t k = 0; k < blocks; k += 16)
	{
		__mmask16 lanes = (__mmask16) (blocks - k < 16 ? (1u << (blocks - k)) - 1 : 0xffff);
		__m512i m = _mm512_sub_epi32(_mm512_maskz_loadu_epi32(lanes, start + k + 1),
									 _mm512_maskz_loadu_epi32(lanes, start + k));

		several |= (uint64_t) _mm512_mask_cmpgt_epu32_mask(lanes, m, _mm512_set1_epi32(1)) << k;
	}
	return several;
}

/* Write ranks from `first` to `end` as if all values were single, and no differences. */
static inline void
begin_ranks(Terms *terms, size_t n, size_t first, size_t end, double offset, double *out)
{
	const __m512d steps = _mm512_setr_pd(0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0);
	double top = (double) n * 0.5 - 0.5;

	for (size_t i = first; i < end; i += 8)
	{
		__m512d middle = _mm512_sub_pd(_mm512_set1_pd(top - (double) i), steps);

		_mm512_mask_storeu_pd(out + i, sfs_first8(end - i),
							  _mm512_add_pd(middle, _mm512_set1_pd(offset)));
		_mm512_storeu_pd(terms->d + (i - first), _mm512_setzero_pd());
	}
}

/* Write the differences of one block from its largest value. */
static inline void
write_differences(const double *v, size_t m, double *d)
{
	const __m512d high = _mm512_set1_pd(v[0]);

	for (size_t i = 0; i < m; i += 8)
	{
		__mmask8 lanes = sfs_first8(m - i);

		_mm512_mask_storeu_pd(d + i, lanes,
							  _mm512_sub_pd(_mm512_maskz_loadu_pd(lanes, v + i), high));
	}
}

/* Compute the terms of a group of blocks; d is 0 but for those of several values. */
static inline void
compute_terms(Terms *terms, const double *v, const uint32_t *start, size_t blocks, uint64_t several,
			  double strength)
{
	const __m512d divisor = _mm512_set1_pd(strength);
	size_t n = start[blocks] - start[0];

	for (; several != 0; several &= several - 1)
	{
		const uint32_t *block = start + __builtin_ctzll(several);

		write_differences(v + block[0], block[1] - block[0], terms->d + (block[0] - start[0]));
	}
	for (size_t i = 0; i < n; i += 8)
	{
		SfsExp e = sfs_exp_parts(_mm512_div_pd(_mm512_loadu_pd(terms->d + i), divisor));

		_mm512_storeu_pd(terms->e + i, sfs_exp_of(e));
		_mm512_storeu_pd(terms->e_less_1 + i, sfs_expm1_of(e));
	}
}

/* Return how many of the next blocks are computed with together, at least 1. */
static inline size_t
group_length(const uint32_t *start, size_t blocks)
{
	size_t here = blocks < 64 ? blocks : 64;

	while (start[here] - start[0] > SPAN_MAX && here > 1)
		here /= 2;
	return here;
}

/* See kernels.h: kl_ranks. */
size_t
sfs_avx512_kl_ranks(const double *v, size_t n, const uint32_t *start, size_t blocks,
					double strength, double offset, double *out, uint32_t *left)
{
	size_t count = 0;
	size_t here;
	Terms terms;

	for (size_t k = 0; k < blocks; k += here)
	{
		uint64_t several;
		size_t first = start[k];

		here = group_length(start + k, blocks - k);
		if (start[k + here] - first > SPAN_MAX)
		{
			left[count++] = (uint32_t) k;
			continue;
		}
		begin_ranks(&terms, n, first, start[k + here], offset, out);
		several = find_several(start + k, here);
		if (several == 0)
			continue;
		compute_terms(&terms, v, start + k, here, several, strength);
		for (; several != 0; several &= several - 1)
		{
			size_t block = k + (size_t) __builtin_ctzll(several);
			size_t a = start[block];
			size_t length = start[block + 1] - a;
			double range = v[a] - v[a + length - 1];
			double ratio = range / strength;
			bool near_one = ratio <= SFS_KL_NEAR_ONE;
			const double *term = (near_one ? terms.e_less_1 : terms.e) + (a - first);
			double sum;
			double total;

			if (length > SFS_SHORT_BLOCK || range < SFS_PLAIN_RANGE || ratio < SFS_KL_RATIO_MIN)
			{
				left[count++] = (uint32_t) block;
				continue;
			}
			sum = leaf_sum(term, length);
			total = near_one ? (double) length + sum : sum;
			write_ranks(term, length, sum / (double) length, total, sfs_ramp_sum(n, a, a + length),
						(double) n * 0.5 - ((double) a + (double) length * 0.5), offset, out + a);
		}
	}
	return count;
}

/* Write W p ((g - g_0) - mean) / strength of a block from its exponentials. */
static inline void
write_products(const double *e, const double *g, size_t m, double weight, double strength,
			   double *out)
{
	const __m512d first = _mm512_set1_pd(g[0]);
	double weighted[SFS_SHORT_BLOCK];
	double total = leaf_sum(e, m);
	double mean;

	for (size_t i = 0; i < m; i += 8)
	{
		__mmask8 lanes = sfs_first8(m - i);
		__m512d d = _mm512_sub_pd(_mm512_maskz_loadu_pd(lanes, g + i), first);

		_mm512_mask_storeu_pd(weighted + i, lanes, _mm512_mul_pd(_mm512_loadu_pd(e + i), d));
	}
	mean = leaf_sum(weighted, m) / total;
	for (size_t i = 0; i < m; i += 8)
	{
		__mmask8 lanes = sfs_first8(m - i);
		__m512d d = _mm512_sub_pd(_mm512_maskz_loadu_pd(lanes, g + i), first);
		__m512d p = _mm512_div_pd(_mm512_maskz_loadu_pd(lanes, e + i), _mm512_set1_pd(total));

		p = _mm512_mul_pd(_mm512_mul_pd(_mm512_set1_pd(weight), p),
						  _mm512_sub_pd(d, _mm512_set1_pd(mean)));
		_mm512_mask_storeu_pd(out + i, lanes, _mm512_div_pd(p, _mm512_set1_pd(strength)));
	}
}

/* See kernels.h: kl_products. */
size_t
sfs_avx512_kl_products(const double *v, const double *g, size_t n, const uint32_t *start,
					   size_t blocks, double strength, double *out, uint32_t *left)
{
	size_t count = 0;
	size_t here;
	Terms terms;

	for (size_t k = 0; k < blocks; k += here)
	{
		uint64_t several;
		size_t first = start[k];

		here = group_length(start + k, blocks - k);
		if (start[k + here] - first > SPAN_MAX)
		{
			left[count++] = (uint32_t) k;
			continue;
		}
		for (size_t i = first; i < start[k + here]; i += 8)
		{
			_mm512_mask_storeu_pd(out + i, sfs_first8(start[k + here] - i), _mm512_setzero_pd());
			_mm512_storeu_pd(terms.d + (i - first), _mm512_setzero_pd());
		}
		several = find_several(start + k, here);
		if (several == 0)
			continue;
		compute_terms(&terms, v, start + k, here, several, strength);
		for (; several != 0; several &= several - 1)
		{
			size_t block = k + (size_t) __builtin_ctzll(several);
			size_t a = start[block];
			size_t length = start[block + 1] - a;
			double range = v[a] - v[a + length - 1];

			if (length > SFS_SHORT_BLOCK || (range < SFS_PLAIN_RANGE && range > 0.0))
				left[count++] = (uint32_t) block;
			else
				write_products(terms.e + (a - first), g + a, length, sfs_ramp_sum(n, a, a + length),
							   strength, out + a);
		}
	}
	return count;
}

SFS_AVX512_END

#else
typedef int SfsNothing; /* a file may not be empty */
#endif
