/*
 * avx512_kl.c - entropic blocks with AVX-512; see kernels.h for what the kernels do,
 * and avx512_l2.c for how pool works.
 */
#include "avx512.h"

#ifdef SFS_AVX512

#include "kernels.h"
#include "solve.h"

/* After so many rounds the caller goes on, one pair at a time, so that time stays linear. */
#define ROUNDS 12

/* Room for the blocks of a row, their end, and reading a register beyond. */
#define ROOM (SFS_POOL_MAX + 16)

/* Values of blocks that are computed with together; longer blocks are left to the caller. */
#define SPAN_MAX 1024

SFS_AVX512_BEGIN

/* What e^x and e^x - 1 have in common: e^x = (1 + q) scale. */
typedef struct Exp
{
	__m512d q;
	__m512d scale;
} Exp;

/* Return a + b * x. */
static inline __attribute__((always_inline)) __m512d
linear(__m512d a, __m512d b, __m512d x)
{
	return _mm512_add_pd(a, _mm512_mul_pd(b, x));
}

/* Compute as sfs_exp and sfs_expm1 do, for -700 <= x <= 0. */
static inline __attribute__((always_inline)) Exp
exp_parts(__m512d x)
{
	static const double c[] = SFS_EXP_TAIL;
	const __m512d magic = _mm512_set1_pd(0x1.8p52);
	__m512d shifted = _mm512_add_pd(_mm512_mul_pd(x, _mm512_set1_pd(SFS_LOG2_E)), magic);
	__m512i k = _mm512_sub_epi64(_mm512_castpd_si512(shifted), _mm512_castpd_si512(magic));
	__m512d whole = _mm512_sub_pd(shifted, magic);
	__m512d r = _mm512_sub_pd(_mm512_sub_pd(x, _mm512_mul_pd(whole, _mm512_set1_pd(SFS_LN2_HI))),
							  _mm512_mul_pd(whole, _mm512_set1_pd(SFS_LN2_LO)));
	__m512d r2 = _mm512_mul_pd(r, r);
	__m512d r4 = _mm512_mul_pd(r2, r2);
	__m512d part[6]; /* c_2j + c_2j+1 r */
	__m512d low;
	__m512d high;
	Exp e;

	for (int j = 0; j < 6; j++)
		part[j] = linear(_mm512_set1_pd(c[2 * j]), _mm512_set1_pd(c[2 * j + 1]), r);
	low = linear(linear(part[0], part[1], r2), linear(part[2], part[3], r2), r4);
	high = linear(linear(part[4], part[5], r2), _mm512_set1_pd(c[12]), r4);
	e.q = linear(r, linear(low, high, _mm512_mul_pd(r4, r4)), r2);
	e.scale =
		_mm512_castsi512_pd(_mm512_slli_epi64(_mm512_add_epi64(k, _mm512_set1_epi64(1023)), 52));
	return e;
}

/* Return e^x. */
static inline __attribute__((always_inline)) __m512d
exp_of(Exp e)
{
	return _mm512_mul_pd(_mm512_add_pd(_mm512_set1_pd(1.0), e.q), e.scale);
}

/* Return e^x - 1. */
static inline __attribute__((always_inline)) __m512d
expm1_of(Exp e)
{
	return _mm512_add_pd(_mm512_mul_pd(e.scale, e.q), _mm512_sub_pd(e.scale, _mm512_set1_pd(1.0)));
}

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

		d = _mm512_maskz_mov_pd(lanes, exp_of(exp_parts(_mm512_mul_pd(d, scale))));
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
 * Decide all pairs of neighbouring blocks and write the blocks that are left to `to`.
 * False: some decision is unknown.
 */
static inline bool
join_round(double top, double error, const Blocks *from, Blocks *to)
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
		/* twice the sums of the weights */
		__m512d w1 =
			_mm512_mul_pd(_mm512_sub_pd(b, a), _mm512_sub_pd(twice_top, _mm512_add_pd(a, b)));
		__m512d w2 =
			_mm512_mul_pd(_mm512_sub_pd(c, b), _mm512_sub_pd(twice_top, _mm512_add_pd(b, c)));
		__m512d right = _mm512_mul_pd(e2, w1);
		__m512d over = _mm512_sub_pd(_mm512_mul_pd(e1, w2), right);
		__m512d bound = _mm512_mul_pd(right, relative);
		__mmask8 apart = _mm512_mask_cmp_pd_mask(lanes, over, bound, _CMP_GT_OQ);
		__mmask8 join = _mm512_mask_cmp_pd_mask(lanes, _mm512_sub_pd(_mm512_setzero_pd(), over),
												bound, _CMP_GT_OQ);

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

/* See kernels.h: pool_kl; portable_kl.c says why `error` is enough. */
size_t
sfs_avx512_pool_kl(const double *v, size_t n, double strength, double top, uint32_t *start,
				   bool *settled)
{
	__mmask8 starts[SFS_POOL_MAX / 8];
	double sum[ROOM];
	double ratio = (v[0] - v[n - 1]) / strength;
	/* a sum is rounded three times in its register and once a register */
	double roundings = (double) n / 8.0 + 8.0;
	double error = (4.0 * roundings * ((double) n + 2.0) + 16.0 * ratio + 128.0) * 0x1p-53 +
				   4.0 * SFS_KL_TOUCH;
	size_t count = find_runs(v, n, strength, top, starts, settled);
	Blocks blocks[2];
	int now = 0;

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
	*settled = true;
	for (int round = 0; count > 1 && *settled; round++)
	{
		if (!join_round(top, error, &blocks[now], &blocks[1 - now]))
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
		Exp e = exp_parts(_mm512_div_pd(_mm512_loadu_pd(terms->d + i), divisor));

		_mm512_storeu_pd(terms->e + i, exp_of(e));
		_mm512_storeu_pd(terms->e_less_1 + i, expm1_of(e));
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
