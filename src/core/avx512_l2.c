/*
 * avx512_l2.c - quadratic blocks with AVX-512; see kernels.h for what the kernels do.
 *
 * pool decides all pairs of neighbouring blocks at once, joins those that have to be
 * joined, and begins again until none has: a pair that joins is part of one block of
 * the solution whatever its neighbours do, so the order of joining does not matter.
 */
#include "avx512.h"

#ifdef SFS_AVX512

#include "kernels.h"

/* After so many rounds the caller goes on, one pair at a time, so that time stays linear. */
#define ROUNDS 12

/* Room for the blocks of a row, their end, and reading a register beyond. */
#define ROOM (SFS_POOL_MAX + 16)

SFS_AVX512_BEGIN

/* Return the mask of the first n of 8 lanes, all of them from 8 on. */
static inline __mmask8
first8(size_t n)
{
	return n >= 8 ? 0xff : (__mmask8) ((1u << n) - 1);
}

/* Blocks: their first positions and the sums of v - v[0] before them; then the row's end. */
typedef struct Blocks
{
	double start[ROOM];
	double sum[ROOM];
	size_t count;
} Blocks;

/* Which of 8 pairs stay apart, and of which it is unknown. */
typedef struct Decision
{
	__mmask8 apart;
	__mmask8 unknown;
} Decision;

/* Decide by how much differences exceed a ramp, with a bound of the error of that. */
static inline Decision
decide(__m512d over, __m512d bound, bool below)
{
	const __m512d sign = _mm512_set1_pd(-0.0);
	__mmask8 more = _mm512_cmp_pd_mask(over, bound, _CMP_GT_OQ);
	__mmask8 less = _mm512_cmp_pd_mask(over, _mm512_xor_pd(bound, sign), _CMP_LT_OQ);
	Decision decision = {below ? less : more, (__mmask8) ~(more | less)};

	return decision;
}

/* Return which of 8 differences z = a - b are without error. */
static inline __mmask8
is_exact(__m512d a, __m512d b, __m512d z)
{
	__m512d part = _mm512_sub_pd(a, z);
	__m512d error = _mm512_add_pd(_mm512_sub_pd(a, _mm512_add_pd(z, part)), _mm512_sub_pd(part, b));

	return _mm512_cmp_pd_mask(error, _mm512_setzero_pd(), _CMP_EQ_OQ);
}

/*
 * Find the runs of neighbouring values that join: bit i of starts says that one begins at
 * i.  Returns their number, 0 when some decision is unknown.
 */
static inline size_t
find_runs(const SfsRamp *ramp, const double *v, size_t n, __mmask8 *starts)
{
	const __m512d step = _mm512_set1_pd(ramp->step);
	size_t count = 0;

	for (size_t i = 0; i < n; i += 8)
	{
		/* lane k decides between i + k - 1 and i + k */
		__mmask8 lanes = first8(n - i);
		__mmask8 pairs = i == 0 ? (__mmask8) (lanes & ~1) : lanes;
		__m512d b = _mm512_maskz_loadu_pd(lanes, v + i);
		__m512d a = _mm512_maskz_loadu_pd(pairs, v + i - 1);
		__m512d gap = _mm512_sub_pd(a, b);
		__m512d bound = _mm512_mul_pd(_mm512_add_pd(gap, step), _mm512_set1_pd(0x1p-48));
		Decision decision = decide(_mm512_sub_pd(gap, step), bound, ramp->below);

		if (__builtin_expect(decision.unknown & pairs, 0))
		{
			/* a gap without error, as between integers, decides all the same */
			if (!ramp->exact || (decision.unknown & pairs & ~is_exact(a, b, gap)) != 0)
				return 0;
			decision.apart |=
				decision.unknown & (ramp->below ? _mm512_cmp_pd_mask(gap, step, _CMP_LT_OQ)
												: _mm512_cmp_pd_mask(gap, step, _CMP_GT_OQ));
		}
		decision.apart &= pairs;
		if (i == 0)
			decision.apart |= 1;
		starts[i / 8] = decision.apart;
		count += (size_t) __builtin_popcount(decision.apart);
	}
	return count;
}

/* Fill the blocks from the starts of runs, with the sums of v - v[0] before each. */
static inline void
sum_runs(const double *v, size_t n, const __mmask8 *starts, Blocks *blocks)
{
	const __m512d zero = _mm512_setzero_pd();
	const __m512d first = _mm512_set1_pd(v[0]);
	const __m512i up1 = _mm512_setr_epi64(7, 0, 1, 2, 3, 4, 5, 6);
	const __m512i up2 = _mm512_setr_epi64(6, 7, 0, 1, 2, 3, 4, 5);
	const __m512i up4 = _mm512_setr_epi64(4, 5, 6, 7, 0, 1, 2, 3);
	const __m512i last = _mm512_set1_epi64(7);
	__m512d position = _mm512_setr_pd(0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0);
	__m512d before = zero; /* the sum so far, in all lanes */
	size_t count = 0;

	for (size_t i = 0; i < n; i += 8)
	{
		__mmask8 lanes = first8(n - i);
		__m512d d = _mm512_maskz_sub_pd(lanes, _mm512_maskz_loadu_pd(lanes, v + i), first);
		__m512d through; /* sums through each lane */

		d = _mm512_add_pd(d, _mm512_maskz_permutexvar_pd(0xfe, up1, d));
		d = _mm512_add_pd(d, _mm512_maskz_permutexvar_pd(0xfc, up2, d));
		d = _mm512_add_pd(d, _mm512_maskz_permutexvar_pd(0xf0, up4, d));
		through = _mm512_add_pd(d, before);
		_mm512_storeu_pd(blocks->start + count, _mm512_maskz_compress_pd(starts[i / 8], position));
		_mm512_storeu_pd(blocks->sum + count,
						 _mm512_maskz_compress_pd(starts[i / 8],
												  _mm512_mask_permutexvar_pd(before, 0xfe, up1,
																			 through)));
		count += (size_t) __builtin_popcount(starts[i / 8]);
		before = _mm512_permutexvar_pd(last, through);
		position = _mm512_add_pd(position, _mm512_set1_pd(8.0));
	}
	blocks->count = count;
	blocks->start[count] = (double) n;
	blocks->sum[count] = _mm512_cvtsd_f64(before);
}

/*
 * Decide all pairs of neighbouring blocks and write the blocks that are left to `to`.
 * False: some decision is unknown.
 *
 * With m1 and m2 values and sums s1 and s2, the means differ by z / (m1 m2), with
 * z = s1 m2 - s2 m1; a sum over [a, b) is the difference of two of n terms, all of
 * one sign, whose errors are below (n + 1) 2^-53 of the whole.
 */
static inline bool
join_round(const SfsRamp *ramp, const Blocks *from, Blocks *to, size_t n)
{
	double whole = -from->sum[from->count];
	const __m512d sum_error = _mm512_set1_pd((2.0 * (double) n + 32.0) * 0x1p-53 * whole);
	const __m512d half_step = _mm512_set1_pd(0.5 * ramp->step);
	size_t count = 1;

	to->start[0] = from->start[0];
	to->sum[0] = from->sum[0];
	for (size_t j = 0; j + 1 < from->count; j += 8)
	{
		__mmask8 lanes = first8(from->count - 1 - j);
		__m512d b = _mm512_loadu_pd(from->start + j + 1);
		__m512d b_sum = _mm512_loadu_pd(from->sum + j + 1);
		__m512d m1 = _mm512_sub_pd(b, _mm512_loadu_pd(from->start + j));
		__m512d m2 = _mm512_sub_pd(_mm512_loadu_pd(from->start + j + 2), b);
		__m512d s1 = _mm512_sub_pd(b_sum, _mm512_loadu_pd(from->sum + j));
		__m512d s2 = _mm512_sub_pd(_mm512_loadu_pd(from->sum + j + 2), b_sum);
		__m512d z = _mm512_sub_pd(_mm512_mul_pd(s1, m2), _mm512_mul_pd(s2, m1));
		__m512d both = _mm512_add_pd(m1, m2);
		__m512d w = _mm512_mul_pd(_mm512_mul_pd(m1, m2), _mm512_mul_pd(both, half_step));
		__m512d bound = _mm512_add_pd(_mm512_mul_pd(both, sum_error),
									  _mm512_mul_pd(w, _mm512_set1_pd(0x1p-50)));
		Decision decision = decide(_mm512_sub_pd(z, w), bound, ramp->below);
		__mmask8 apart = decision.apart & lanes;

		if (__builtin_expect(decision.unknown & lanes, 0))
			return false;
		_mm512_storeu_pd(to->start + count, _mm512_maskz_compress_pd(apart, b));
		_mm512_storeu_pd(to->sum + count, _mm512_maskz_compress_pd(apart, b_sum));
		count += (size_t) __builtin_popcount(apart);
	}
	to->count = count;
	to->start[count] = from->start[from->count];
	to->sum[count] = from->sum[from->count];
	return true;
}

/* See kernels.h: pool. */
size_t
sfs_avx512_pool(const SfsRamp *ramp, const double *v, size_t n, uint32_t *start, bool *settled)
{
	__mmask8 starts[SFS_POOL_MAX / 8];
	size_t count = find_runs(ramp, v, n, starts);
	Blocks blocks[2];
	int now = 0;

	*settled = true;
	if (count == 0)
		return 0;
	sum_runs(v, n, starts, &blocks[0]);
	for (int round = 0; count < n && blocks[now].count > 1; round++)
	{
		if (round == ROUNDS)
		{
			*settled = false;
			break;
		}
		if (!join_round(ramp, &blocks[now], &blocks[1 - now], n))
			return 0;
		now = 1 - now;
		if (blocks[0].count == blocks[1].count)
			break;
	}
	count = blocks[now].count;
	for (size_t k = 0; k <= count; k += 8)
		_mm256_mask_storeu_epi32(start + k, first8(count + 1 - k),
								 _mm512_cvtpd_epi32(_mm512_loadu_pd(blocks[now].start + k)));
	return count;
}

/* Write the ranks of a block of m <= 4 values from a on. */
static inline void
ranks_of_4(const double *v, size_t m, double middle, double strength, double offset, double *out)
{
	__mmask8 lanes = (__mmask8) ((1u << m) - 1);
	__m256d d = _mm256_maskz_sub_pd(lanes, _mm256_maskz_loadu_pd(lanes, v), _mm256_set1_pd(v[0]));
	__m128d sum = _mm_add_pd(_mm256_castpd256_pd128(d), _mm256_extractf128_pd(d, 1));
	double mean = (_mm_cvtsd_f64(sum) + _mm_cvtsd_f64(_mm_unpackhi_pd(sum, sum))) / (double) m;

	d = _mm256_div_pd(_mm256_sub_pd(d, _mm256_set1_pd(mean)), _mm256_set1_pd(strength));
	d = _mm256_add_pd(_mm256_add_pd(d, _mm256_set1_pd(middle)), _mm256_set1_pd(offset));
	_mm256_mask_storeu_pd(out, lanes, d);
}

/* Write the ranks of a block of m <= 8 values. */
static inline void
ranks_of_8(const double *v, size_t m, double middle, double strength, double offset, double *out)
{
	__mmask8 lanes = (__mmask8) ((1u << m) - 1);
	__m512d d = _mm512_maskz_sub_pd(lanes, _mm512_maskz_loadu_pd(lanes, v), _mm512_set1_pd(v[0]));
	__m256d half = _mm256_add_pd(_mm512_castpd512_pd256(d), _mm512_extractf64x4_pd(d, 1));
	__m128d sum = _mm_add_pd(_mm256_castpd256_pd128(half), _mm256_extractf128_pd(half, 1));
	double mean = (_mm_cvtsd_f64(sum) + _mm_cvtsd_f64(_mm_unpackhi_pd(sum, sum))) / (double) m;

	d = _mm512_div_pd(_mm512_sub_pd(d, _mm512_set1_pd(mean)), _mm512_set1_pd(strength));
	d = _mm512_add_pd(_mm512_add_pd(d, _mm512_set1_pd(middle)), _mm512_set1_pd(offset));
	_mm512_mask_storeu_pd(out, lanes, d);
}

/* See kernels.h: l2_ranks. */
void
sfs_avx512_l2_ranks(const double *v, size_t n, const uint32_t *start, size_t blocks,
					double strength, double offset, double *out)
{
	const __m512d steps = _mm512_setr_pd(0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0);
	/* ranks of single values are integers: (n - 1) / 2 - i and the offset */
	double top = ((double) n - 1.0) * 0.5;

	for (size_t i = 0; i < n; i += 8)
	{
		__m512d middle = _mm512_sub_pd(_mm512_set1_pd(top - (double) i), steps);

		_mm512_mask_storeu_pd(out + i, first8(n - i),
							  _mm512_add_pd(middle, _mm512_set1_pd(offset)));
	}
	for (size_t k = 0; k < blocks; k += 16)
	{
		size_t here = blocks - k < 16 ? blocks - k : 16;
		__mmask16 lanes = (__mmask16) ((1u << here) - 1);
		__m512i a = _mm512_maskz_loadu_epi32(lanes, start + k);
		__m512i m = _mm512_sub_epi32(_mm512_maskz_loadu_epi32(lanes, start + k + 1), a);
		unsigned several = _mm512_mask_cmpgt_epu32_mask(lanes, m, _mm512_set1_epi32(1));

		for (; several != 0; several &= several - 1)
		{
			const uint32_t *block = start + k + __builtin_ctz(several);
			size_t length = block[1] - block[0];
			double middle = ((double) n - (double) block[0] - (double) block[1]) * 0.5;

			if (length <= 4)
				ranks_of_4(v + block[0], length, middle, strength, offset, out + block[0]);
			else if (length <= SFS_SHORT_BLOCK)
				ranks_of_8(v + block[0], length, middle, strength, offset, out + block[0]);
		}
	}
}

SFS_AVX512_END

#else
typedef int SfsNothing; /* a file may not be empty */
#endif
