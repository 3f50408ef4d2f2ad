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

/* Sixteen blocks that are longer, together, are not taken for single values first. */
#define SINGLES_MAX 128

/* Room for the blocks of a row, their end, and reading a register beyond. */
#define ROOM (SFS_POOL_MAX + 16)

SFS_AVX512_BEGIN

/*
 * Blocks: their first positions and what all values before them sum up to, in excess of
 * the ramp; then the row's end.
 */
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
		__mmask8 lanes = sfs_first8(n - i);
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

/* Fill the blocks from the starts of runs, with the sums of v_i - v_0 + step i before each. */
static inline void
sum_runs(const SfsRamp *ramp, const double *v, size_t n, const __mmask8 *starts, Blocks *blocks)
{
	const __m512d zero = _mm512_setzero_pd();
	const __m512d first = _mm512_set1_pd(v[0]);
	const __m512d step = _mm512_set1_pd(ramp->step);
	const __m512i up1 = _mm512_setr_epi64(7, 0, 1, 2, 3, 4, 5, 6);
	const __m512i up2 = _mm512_setr_epi64(6, 7, 0, 1, 2, 3, 4, 5);
	const __m512i up4 = _mm512_setr_epi64(4, 5, 6, 7, 0, 1, 2, 3);
	const __m512i last = _mm512_set1_epi64(7);
	__m512d position = _mm512_setr_pd(0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0);
	__m512d before = zero; /* the sum so far, in all lanes */
	size_t count = 0;

	for (size_t i = 0; i < n; i += 8)
	{
		__mmask8 lanes = sfs_first8(n - i);
		__m512d d = _mm512_maskz_sub_pd(lanes, _mm512_maskz_loadu_pd(lanes, v + i), first);
		__m512d through; /* sums through each lane */

		d = _mm512_mask_add_pd(d, lanes, d, _mm512_mul_pd(step, position));
		d = _mm512_add_pd(d, _mm512_maskz_permutexvar_pd(0xfe, up1, d));
		d = _mm512_add_pd(d, _mm512_maskz_permutexvar_pd(0xfc, up2, d));
		d = _mm512_add_pd(d, _mm512_maskz_permutexvar_pd(0xf0, up4, d));
		through = _mm512_add_pd(d, before);
		d = _mm512_mask_permutexvar_pd(before, 0xfe, up1, through);
		_mm512_storeu_pd(blocks->start + count, _mm512_maskz_compress_pd(starts[i / 8], position));
		_mm512_storeu_pd(blocks->sum + count, _mm512_maskz_compress_pd(starts[i / 8], d));
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
 * With m1 and m2 values and sums s1 and s2, the means differ by (s1 m2 - s2 m1) / (m1 m2).
 * A sum over [a, b) is the difference of two sums of up to n terms, and all terms
 * together have at most the size `whole`, so its error is below (2 n + 16) 2^-53 whole.
 */
static inline bool
join_round(const SfsRamp *ramp, double whole, const Blocks *from, Blocks *to, size_t n)
{
	const __m512d error = _mm512_set1_pd((2.0 * (double) n + 32.0) * 0x1p-53 * whole);
	size_t count = 1;

	to->start[0] = from->start[0];
	to->sum[0] = from->sum[0];
	for (size_t j = 0; j + 1 < from->count; j += 8)
	{
		__mmask8 lanes = sfs_first8(from->count - 1 - j);
		__m512d b = _mm512_loadu_pd(from->start + j + 1);
		__m512d b_sum = _mm512_loadu_pd(from->sum + j + 1);
		__m512d m1 = _mm512_sub_pd(b, _mm512_loadu_pd(from->start + j));
		__m512d m2 = _mm512_sub_pd(_mm512_loadu_pd(from->start + j + 2), b);
		__m512d s1 = _mm512_sub_pd(b_sum, _mm512_loadu_pd(from->sum + j));
		__m512d s2 = _mm512_sub_pd(_mm512_loadu_pd(from->sum + j + 2), b_sum);
		__m512d over = _mm512_sub_pd(_mm512_mul_pd(s1, m2), _mm512_mul_pd(s2, m1));
		__m512d bound = _mm512_mul_pd(_mm512_add_pd(m1, m2), error);
		Decision decision = decide(over, bound, ramp->below);
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

/* Write 0, 1, ..., n. */
static inline void
write_singles(size_t n, uint32_t *start)
{
	__m512i position = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);

	for (size_t k = 0; k <= n; k += 16)
	{
		size_t here = n + 1 - k;

		_mm512_mask_storeu_epi32(start + k, here >= 16 ? 0xffff : (__mmask16) ((1u << here) - 1),
								 position);
		position = _mm512_add_epi32(position, _mm512_set1_epi32(16));
	}
}

/* See kernels.h: pool. */
size_t
sfs_avx512_pool(const SfsRamp *ramp, const double *v, size_t n, uint32_t *start, bool *settled)
{
	__mmask8 starts[SFS_POOL_MAX / 8];
	size_t count = find_runs(ramp, v, n, starts);
	double whole = (double) n * ((v[0] - v[n - 1]) + (double) n * ramp->step);
	Blocks blocks[2];
	int now = 0;

	*settled = true;
	if (count == 0)
		return 0;
	if (count == n)
	{
		write_singles(n, start);
		return n;
	}
	sum_runs(ramp, v, n, starts, &blocks[0]);
	for (int round = 0; count > 1 && *settled; round++)
	{
		if (!join_round(ramp, whole, &blocks[now], &blocks[1 - now], n))
			return 0;
		now = 1 - now;
		if (blocks[now].count == count)
			break;
		count = blocks[now].count;
		*settled = round < ROUNDS;
	}
	for (size_t k = 0; k <= count; k += 8)
		_mm256_mask_storeu_epi32(start + k, sfs_first8(count + 1 - k),
								 _mm512_cvtpd_epi32(_mm512_loadu_pd(blocks[now].start + k)));
	return count;
}

/* How the ranks of one block are computed. */
typedef struct Ranks
{
	double strength;
	double middle;
	double offset;
} Ranks;

/* Return the sum of lanes 0 to 3 as sums.h says, 4 to 7 being 0 or added to them already. */
static inline double
fold4(__m256d d)
{
	__m128d sum = _mm_add_pd(_mm256_castpd256_pd128(d), _mm256_extractf128_pd(d, 1));

	return _mm_cvtsd_f64(sum) + _mm_cvtsd_f64(_mm_unpackhi_pd(sum, sum));
}

/* Write the ranks of a block of m <= 4 values. */
static inline void
ranks_of_4(const Ranks *ranks, const double *v, size_t m, double *out)
{
	__mmask8 lanes = (__mmask8) ((1u << m) - 1);
	__m256d d = _mm256_maskz_sub_pd(lanes, _mm256_maskz_loadu_pd(lanes, v), _mm256_set1_pd(v[0]));
	double mean = fold4(d) / (double) m;

	d = _mm256_div_pd(_mm256_sub_pd(d, _mm256_set1_pd(mean)), _mm256_set1_pd(ranks->strength));
	d = _mm256_add_pd(_mm256_add_pd(d, _mm256_set1_pd(ranks->middle)),
					  _mm256_set1_pd(ranks->offset));
	_mm256_mask_storeu_pd(out, lanes, d);
}

/* Write the ranks of a block of m <= SFS_SHORT_BLOCK values. */
static inline void
ranks_of_many(const Ranks *ranks, const double *v, size_t m, double *out)
{
	const __m512d high = _mm512_set1_pd(v[0]);
	__m512d lane = _mm512_setzero_pd();
	double mean;

	for (size_t i = 0; i < m; i += 8)
	{
		__mmask8 lanes = sfs_first8(m - i);

		lane = _mm512_mask_add_pd(lane, lanes, lane,
								  _mm512_sub_pd(_mm512_maskz_loadu_pd(lanes, v + i), high));
	}
	mean = fold4(_mm256_add_pd(_mm512_castpd512_pd256(lane), _mm512_extractf64x4_pd(lane, 1))) /
		   (double) m;
	for (size_t i = 0; i < m; i += 8)
	{
		__mmask8 lanes = sfs_first8(m - i);
		__m512d d = _mm512_sub_pd(_mm512_maskz_loadu_pd(lanes, v + i), high);

		d = _mm512_div_pd(_mm512_sub_pd(d, _mm512_set1_pd(mean)), _mm512_set1_pd(ranks->strength));
		d = _mm512_add_pd(_mm512_add_pd(d, _mm512_set1_pd(ranks->middle)),
						  _mm512_set1_pd(ranks->offset));
		_mm512_mask_storeu_pd(out + i, lanes, d);
	}
}

/* See kernels.h: l2_ranks. */
size_t
sfs_avx512_l2_ranks(const double *v, size_t n, const uint32_t *start, size_t blocks,
					double strength, double offset, double *out, uint32_t *left)
{
	const __m512d steps = _mm512_setr_pd(0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0);
	const __m512d shift = _mm512_set1_pd(offset);
	Ranks ranks = {strength, 0.0, offset};
	double top = (double) n * 0.5;
	size_t count = 0;

	for (size_t k = 0; k < blocks; k += 16)
	{
		__mmask16 lanes = (__mmask16) (blocks - k < 16 ? (1u << (blocks - k)) - 1 : 0xffff);
		__m512i m = _mm512_sub_epi32(_mm512_maskz_loadu_epi32(lanes, start + k + 1),
									 _mm512_maskz_loadu_epi32(lanes, start + k));
		unsigned several = _mm512_mask_cmpgt_epu32_mask(lanes, m, _mm512_set1_epi32(1));
		size_t end = start[blocks - k < 16 ? blocks : k + 16];

		/* as if all values were single */
		for (size_t i = start[k]; i < end && end - start[k] <= SINGLES_MAX; i += 8)
		{
			__m512d middle = _mm512_sub_pd(_mm512_set1_pd(top - 0.5 - (double) i), steps);

			_mm512_mask_storeu_pd(out + i, sfs_first8(end - i), _mm512_add_pd(middle, shift));
		}
		if (end - start[k] > SINGLES_MAX)
			several = lanes;
		for (; several != 0; several &= several - 1)
		{
			size_t block = k + (size_t) __builtin_ctz(several);
			size_t a = start[block];
			size_t length = start[block + 1] - a;
			double range = v[a] - v[a + length - 1];

			ranks.middle = top - ((double) a + (double) length * 0.5);
			if (length > SFS_SHORT_BLOCK || (range < SFS_PLAIN_RANGE && range > 0.0))
				left[count++] = (uint32_t) block;
			else if (length <= 4)
				ranks_of_4(&ranks, v + a, length, out + a);
			else
				ranks_of_many(&ranks, v + a, length, out + a);
		}
	}
	return count;
}

/* See kernels.h: l2_products. */
size_t
sfs_avx512_l2_products(const double *g, const uint32_t *start, size_t blocks, double strength,
					   double *out, uint32_t *left)
{
	Ranks ranks = {strength, 0.0, 0.0};
	size_t count = 0;

	for (size_t k = 0; k < blocks; k += 16)
	{
		__mmask16 lanes = (__mmask16) (blocks - k < 16 ? (1u << (blocks - k)) - 1 : 0xffff);
		__m512i m = _mm512_sub_epi32(_mm512_maskz_loadu_epi32(lanes, start + k + 1),
									 _mm512_maskz_loadu_epi32(lanes, start + k));
		unsigned several = _mm512_mask_cmpgt_epu32_mask(lanes, m, _mm512_set1_epi32(1));
		size_t end = start[blocks - k < 16 ? blocks : k + 16];

		/* as if all values were single */
		for (size_t i = start[k]; i < end && end - start[k] <= SINGLES_MAX; i += 8)
			_mm512_mask_storeu_pd(out + i, sfs_first8(end - i), _mm512_setzero_pd());
		if (end - start[k] > SINGLES_MAX)
			several = lanes;
		for (; several != 0; several &= several - 1)
		{
			size_t block = k + (size_t) __builtin_ctz(several);
			size_t a = start[block];
			size_t length = start[block + 1] - a;

			if (length > SFS_SHORT_BLOCK)
				left[count++] = (uint32_t) block;
			else if (length <= 4)
				ranks_of_4(&ranks, g + a, length, out + a);
			else
				ranks_of_many(&ranks, g + a, length, out + a);
		}
	}
	return count;
}

SFS_AVX512_END

#else
typedef int SfsNothing; /* a file may not be empty */
#endif
