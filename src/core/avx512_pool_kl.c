/*
 * avx512_pool_kl.c - finding entropic blocks with AVX-512; see kernels.h for what the
 * kernels do, and avx512_l2.c for how pool works.
 */
#include "avx512_exp.h"

#ifdef SFS_AVX512

#include "kernels.h"
#include "solve.h"

/* After so many rounds the caller goes on, one pair at a time, so that time stays linear. */
#define ROUNDS 12

/* Room for the blocks of a row, their end, and reading a register beyond. */
#define ROOM (SFS_POOL_MAX + 16)

SFS_AVX512_BEGIN

/* Blocks: first positions and sums of the exponentials from there on; then the row's end. */
typedef struct Blocks
{
	double start[ROOM];
	double sum[ROOM];
	size_t count;
} Blocks;

/*
 * Find runs of neighbours that join for certain, as in portable_kl.c: bit i of starts
 * says that one begins at i.
 */
static inline size_t
find_runs(const double *v, size_t n, double strength, double top, __mmask8 *starts, bool *apart)
{
	const __m512d one = _mm512_set1_pd(1.0);
	const __m512d less = _mm512_set1_pd(strength * (1.0 - 0x1p-48));
	/* less exact than for each w, and on the safe side */
	const __m512d more =
		_mm512_set1_pd(strength * (1.0 + 0x1p-48 + 8.0 * SFS_KL_TOUCH * (top + 1.0)));
	__m512d w = _mm512_sub_pd(_mm512_set1_pd(top + 1.0),
							  _mm512_setr_pd(0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0));
	size_t count = 0;
	size_t certain = 1;

	for (size_t i = 0; i < n; i += 8)
	{
		/* lane k decides between i + k - 1, of weight w, and i + k */
		__mmask8 lanes = sfs_first8(n - i);
		__mmask8 pairs = i == 0 ? (__mmask8) (lanes & ~1) : lanes;
		__m512d b = _mm512_maskz_loadu_pd(lanes, v + i);
		__m512d a = _mm512_maskz_loadu_pd(pairs, v + i - 1);
		__m512d gap = _mm512_sub_pd(a, b);
		__mmask8 join = _mm512_mask_cmp_pd_mask(pairs, _mm512_mul_pd(gap, w), less, _CMP_LT_OQ);
		__mmask8 split = _mm512_mask_cmp_pd_mask(pairs, _mm512_mul_pd(gap, _mm512_sub_pd(w, one)),
												 more, _CMP_GT_OQ);

		starts[i / 8] = (__mmask8) (lanes & ~join);
		count += (size_t) __builtin_popcount(starts[i / 8]);
		certain += (size_t) __builtin_popcount(split);
		w = _mm512_sub_pd(w, _mm512_set1_pd(8.0));
	}
	*apart = certain == count;
	return count;
}

/* The same of soft_sort: bit i of starts says that a run begins at i. */
static inline size_t
find_sort_runs(const double *v, size_t n, double step, __mmask8 *starts, bool *apart)
{
	const __m512d ramp = _mm512_set1_pd(step);
	const __m512d touch = _mm512_set1_pd(8.0 * SFS_KL_TOUCH);
	size_t count = 0;
	size_t certain = 1;

	for (size_t i = 0; i < n; i += 8)
	{
		/* lane k decides between i + k - 1 and i + k */
		__mmask8 lanes = sfs_first8(n - i);
		__mmask8 pairs = i == 0 ? (__mmask8) (lanes & ~1) : lanes;
		__m512d gap = _mm512_sub_pd(_mm512_maskz_loadu_pd(pairs, v + i - 1),
									_mm512_maskz_loadu_pd(lanes, v + i));
		__m512d over = _mm512_sub_pd(ramp, gap);
		__m512d bound =
			_mm512_add_pd(_mm512_mul_pd(_mm512_add_pd(gap, ramp), _mm512_set1_pd(0x1p-48)), touch);
		__mmask8 join = _mm512_mask_cmp_pd_mask(pairs, _mm512_add_pd(over, bound),
												_mm512_setzero_pd(), _CMP_LT_OQ);

		starts[i / 8] = (__mmask8) (lanes & ~join);
		count += (size_t) __builtin_popcount(starts[i / 8]);
		certain +=
			(size_t) __builtin_popcount(_mm512_mask_cmp_pd_mask(pairs, over, bound, _CMP_GT_OQ));
	}
	*apart = certain == count;
	return count;
}

/* Write the sums of the exponentials from each position on. */
static inline void
sum_exponentials(const double *v, size_t n, double strength, double *sum)
{
	const __m512i down1 = _mm512_setr_epi64(1, 2, 3, 4, 5, 6, 7, 0);
	const __m512i down2 = _mm512_setr_epi64(2, 3, 4, 5, 6, 7, 0, 1);
	const __m512i down4 = _mm512_setr_epi64(4, 5, 6, 7, 0, 1, 2, 3);
	const __m512d first = _mm512_set1_pd(v[0]);
	const __m512d scale = _mm512_set1_pd(1.0 / strength);
	__m512d after = _mm512_setzero_pd(); /* the sum of what follows, in all lanes */
	size_t groups = (n + 7) / 8;

	for (size_t i = 0; i < groups; i++)
	{
		__mmask8 lanes = sfs_first8(n - 8 * i);
		__m512d d = _mm512_maskz_sub_pd(lanes, _mm512_maskz_loadu_pd(lanes, v + 8 * i), first);

		d = _mm512_maskz_mov_pd(lanes, sfs_exp_of(sfs_exp_parts(_mm512_mul_pd(d, scale))));
		d = _mm512_add_pd(d, _mm512_maskz_permutexvar_pd(0x7f, down1, d));
		d = _mm512_add_pd(d, _mm512_maskz_permutexvar_pd(0x3f, down2, d));
		d = _mm512_add_pd(d, _mm512_maskz_permutexvar_pd(0x0f, down4, d));
		_mm512_storeu_pd(sum + 8 * i, d);
	}
	for (size_t i = groups; i-- > 0;)
	{
		__m512d through = _mm512_add_pd(_mm512_loadu_pd(sum + 8 * i), after);

		_mm512_storeu_pd(sum + 8 * i, through);
		after = _mm512_broadcastsd_pd(_mm512_castpd512_pd128(through));
	}
	sum[n] = 0.0;
}

/* Fill the blocks from the starts of runs. */
static inline void
fill_blocks(const double *sum, size_t n, const __mmask8 *starts, Blocks *blocks)
{
	__m512d position = _mm512_setr_pd(0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0);
	size_t count = 0;

	for (size_t i = 0; i < n; i += 8)
	{
		_mm512_storeu_pd(blocks->start + count, _mm512_maskz_compress_pd(starts[i / 8], position));
		_mm512_storeu_pd(blocks->sum + count,
						 _mm512_maskz_compress_pd(starts[i / 8], _mm512_loadu_pd(sum + i)));
		count += (size_t) __builtin_popcount(starts[i / 8]);
		position = _mm512_add_pd(position, _mm512_set1_pd(8.0));
	}
	blocks->count = count;
	blocks->start[count] = (double) n;
	blocks->sum[count] = 0.0;
}

/*
 * Decide all pairs of neighbouring blocks, of soft_sort where there is a ramp, and write
 * the blocks that are left to `to`.  False: some decision is unknown.
 */
static inline __attribute__((always_inline)) bool
join_round(double top, const SfsGeometric *ramp, double error, const Blocks *from, Blocks *to)
{
	const __m512d twice_top = _mm512_set1_pd(2.0 * top + 1.0);
	const __m512d relative = _mm512_set1_pd(error);
	size_t count = 1;

	to->start[0] = from->start[0];
	to->sum[0] = from->sum[0];
	for (size_t j = 0; j + 1 < from->count; j += 8)
	{
		__mmask8 lanes = sfs_first8(from->count - 1 - j);
		__m512d a = _mm512_loadu_pd(from->start + j);
		__m512d b = _mm512_loadu_pd(from->start + j + 1);
		__m512d c = _mm512_loadu_pd(from->start + j + 2);
		__m512d b_sum = _mm512_loadu_pd(from->sum + j + 1);
		__m512d e1 = _mm512_sub_pd(_mm512_loadu_pd(from->sum + j), b_sum);
		__m512d e2 = _mm512_sub_pd(b_sum, _mm512_loadu_pd(from->sum + j + 2));
		__m512d m1 = _mm512_sub_pd(b, a);
		__m512d m2 = _mm512_sub_pd(c, b);
		__m512d left;
		__m512d right;
		__m512d over;
		__m512d bound;
		__mmask8 apart;
		__mmask8 join;

		if (ramp == NULL) /* against twice the sums of the weights */
		{
			left =
				_mm512_mul_pd(e1, _mm512_mul_pd(m2, _mm512_sub_pd(twice_top, _mm512_add_pd(b, c))));
			right =
				_mm512_mul_pd(e2, _mm512_mul_pd(m1, _mm512_sub_pd(twice_top, _mm512_add_pd(a, b))));
		}
		else
		{
			const __m512d zero = _mm512_setzero_pd();

			left = _mm512_mask_i32gather_pd(zero, lanes, _mm512_cvtpd_epi32(m1), ramp->rise, 8);
			right = _mm512_mask_i32gather_pd(zero, lanes, _mm512_cvtpd_epi32(m2), ramp->fall, 8);
			left = _mm512_mul_pd(e2, left);
			right = _mm512_mul_pd(e1, right);
		}
		over = _mm512_sub_pd(left, right);
		bound = _mm512_mul_pd(right, relative);
		apart = _mm512_mask_cmp_pd_mask(lanes, over, bound, _CMP_GT_OQ);
		join = _mm512_mask_cmp_pd_mask(lanes, _mm512_sub_pd(_mm512_setzero_pd(), over), bound,
									   _CMP_GT_OQ);
		if (__builtin_expect((apart | join) != lanes, 0))
			return false;
		_mm512_storeu_pd(to->start + count, _mm512_maskz_compress_pd(apart, b));
		_mm512_storeu_pd(to->sum + count, _mm512_maskz_compress_pd(apart, b_sum));
		count += (size_t) __builtin_popcount(apart);
	}
	to->count = count;
	to->start[count] = from->start[from->count];
	to->sum[count] = 0.0;
	return true;
}

/*
 * Go on one pair at a time: a block at the end of a row of falling gaps, as of normal
 * deviates, takes in one neighbour a round.  False: some decision is unknown.
 */
static bool
join_one_by_one(const SfsGeometric *ramp, double error, Blocks *blocks)
{
	double *start = blocks->start;
	double *sum = blocks->sum;
	size_t count = blocks->count;
	size_t depth = 0;

	for (size_t k = 0; k < count; k++)
	{
		double b = start[k];
		double b_sum = sum[k];

		for (; depth > 0; depth--)
		{
			double left = (b_sum - sum[k + 1]) * ramp->rise[(size_t) (b - start[depth - 1])];
			double right = (sum[depth - 1] - b_sum) * ramp->fall[(size_t) (start[k + 1] - b)];

			if (left - right > right * error)
				break;
			if (right - left <= right * error)
				return false;
			b = start[depth - 1];
			b_sum = sum[depth - 1];
		}
		start[depth] = b;
		sum[depth++] = b_sum;
	}
	start[depth] = start[count];
	sum[depth] = sum[count];
	blocks->count = depth;
	return true;
}

/* Join blocks, which begin as runs, until none has to be joined; see pool_kl. */
static inline __attribute__((always_inline)) size_t
join_blocks(double top, const SfsGeometric *ramp, double error, Blocks *blocks, uint32_t *start,
			bool *settled)
{
	size_t count = blocks[0].count;
	int now = 0;

	*settled = true;
	for (int round = 0; count > 1 && *settled; round++)
	{
		if (!join_round(top, ramp, error, &blocks[now], &blocks[1 - now]))
			return 0;
		now = 1 - now;
		if (blocks[now].count == count)
			break;
		count = blocks[now].count;
		*settled = round < ROUNDS;
	}
	if (ramp != NULL && !*settled)
	{
		if (!join_one_by_one(ramp, error, &blocks[now]))
			return 0;
		count = blocks[now].count;
		*settled = true;
	}
	for (size_t k = 0; k <= count; k += 8)
		_mm256_mask_storeu_epi32(start + k, sfs_first8(count + 1 - k),
								 _mm512_cvtpd_epi32(_mm512_loadu_pd(blocks[now].start + k)));
	return count;
}

/*
 * Return the bound of the relative error of a sum of exponentials, as in portable_kl.c; a
 * sum is rounded three times in its register and once a register.
 */
static inline double
sum_error(size_t n)
{
	return 4.0 * ((double) n / 8.0 + 8.0) * ((double) n + 2.0);
}

/* See kernels.h: pool_kl; portable_kl.c says why `error` is enough. */
size_t
sfs_avx512_pool_kl(const double *v, size_t n, double strength, double top, uint32_t *start,
				   bool *settled)
{
	__mmask8 starts[SFS_POOL_MAX / 8];
	double sum[ROOM];
	double ratio = (v[0] - v[n - 1]) / strength;
	double error = (sum_error(n) + 16.0 * ratio + 128.0) * 0x1p-53 + 4.0 * SFS_KL_TOUCH;
	size_t count = find_runs(v, n, strength, top, starts, settled);
	Blocks blocks[2];

	if (count == n && *settled)
	{
		for (size_t k = 0; k <= n; k++)
			start[k] = (uint32_t) k;
		return n;
	}
	if (!(ratio < SFS_KL_RATIO_MAX))
		return 0;
	sum_exponentials(v, n, strength, sum);
	fill_blocks(sum, n, starts, &blocks[0]);
	return join_blocks(top, NULL, error, blocks, start, settled);
}

/* See kernels.h: pool_kl_sort; portable_kl.c says why `error` is enough. */
size_t
sfs_avx512_pool_kl_sort(SfsGeometric *ramp, const double *v, size_t n, uint32_t *start,
						bool *settled)
{
	__mmask8 starts[SFS_POOL_MAX / 8];
	double sum[ROOM];
	double ratio = v[0] - v[n - 1];
	double depth = (double) n * ramp->step;
	double error = (sum_error(n) + 32.0 * (ratio + depth) + 2048.0) * 0x1p-53 + 4.0 * SFS_KL_TOUCH;
	size_t count = find_sort_runs(v, n, ramp->step, starts, settled);
	Blocks blocks[2];

	if (count == 1 || (count == n && *settled))
	{
		*settled = true;
		for (size_t k = 0; k < count; k++)
			start[k] = (uint32_t) k;
		start[count] = (uint32_t) n;
		return count;
	}
	if (!(ratio < SFS_KL_RATIO_MAX) || !(depth < SFS_KL_DEPTH_MAX))
		return 0;
	sfs_geometric_extend(ramp, n);
	sum_exponentials(v, n, 1.0, sum);
	fill_blocks(sum, n, starts, &blocks[0]);
	return join_blocks(0.0, ramp, error, blocks, start, settled);
}

SFS_AVX512_END

#else
typedef int SfsNothing; /* a file may not be empty */
#endif
