/*
 * avx512_sort.c - quicksort of 32-bit words: partitions by compression, networks in
 * registers at the leaves.
 *
 * A leaf of up to 256 words fills R registers of 16 lanes.  Seen as a matrix of R
 * rows, its columns are sorted first, all at once; then neighbouring columns are
 * merged bitonically, two, four, eight, sixteen at a time, and the matrix, sorted by
 * column, is transposed into memory order.  Partners are a number of registers
 * apart, which costs nothing, or a number of lanes, which costs a permutation.
 */
#include "avx512.h"

#ifdef SFS_AVX512

#include <string.h>

#include "kernels.h"

#define LANES ((size_t) 16)
#define LEAF_MAX (16 * LANES)

SFS_AVX512_BEGIN

/* Return the mask of those of 16 lanes from `first` on that are below n. */
static inline __mmask16
lanes_below(size_t n, size_t first)
{
	return n >= first + LANES ? 0xffff : n <= first ? 0 : (__mmask16) ((1u << (n - first)) - 1);
}

/* Give lane i what is in lane i ^ d; d is a constant. */
static inline __attribute__((always_inline)) __m512i
xor_lanes(__m512i v, const int d)
{
	const __m512i lane = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);

	if (d == 1)
		return _mm512_shuffle_epi32(v, _MM_PERM_CDAB);
	if (d == 2)
		return _mm512_shuffle_epi32(v, _MM_PERM_BADC);
	if (d == 3)
		return _mm512_shuffle_epi32(v, _MM_PERM_ABCD);
	return _mm512_permutexvar_epi32(_mm512_xor_si512(lane, _mm512_set1_epi32(d)), v);
}

/* Put two registers into ascending order, lane by lane. */
static inline __attribute__((always_inline)) void
exchange(__m512i *a, __m512i *b)
{
	__m512i low = _mm512_min_epu32(*a, *b);

	*b = _mm512_max_epu32(*a, *b);
	*a = low;
}

/* Sort the columns of R registers by Batcher's odd-even merge sort. */
static inline __attribute__((always_inline)) void
sort_columns(__m512i *v, const int R)
{
	for (int i = 0; i + 1 < R; i += 2)
		exchange(&v[i], &v[i + 1]);
	for (int i = 0; i + 3 < R; i += 4)
	{
		exchange(&v[i], &v[i + 2]);
		exchange(&v[i + 1], &v[i + 3]);
		exchange(&v[i + 1], &v[i + 2]);
	}
	for (int i = 0; i + 7 < R; i += 8)
	{
		for (int k = 0; k < 4; k++)
			exchange(&v[i + k], &v[i + k + 4]);
		for (int k = 2; k < 4; k++)
			exchange(&v[i + k], &v[i + k + 2]);
		for (int k = 1; k < 7; k += 2)
			exchange(&v[i + k], &v[i + k + 1]);
	}
	if (R < 16)
		return;
	for (int i = 0; i < 8; i++)
		exchange(&v[i], &v[i + 8]);
	for (int i = 4; i < 8; i++)
		exchange(&v[i], &v[i + 4]);
	for (int i = 2; i < 14; i += 4)
		for (int k = 0; k < 2; k++)
			exchange(&v[i + k], &v[i + k + 2]);
	for (int i = 1; i < 15; i += 2)
		exchange(&v[i], &v[i + 1]);
}

/* Merge neighbouring groups of `columns` sorted columns into groups of twice as many. */
static inline __attribute__((always_inline)) void
merge_columns(__m512i *v, const int R, const int columns)
{
	const int mirror = 2 * columns - 1;
	const __mmask16 second = (__mmask16) (columns == 1	 ? 0xaaaa
										  : columns == 2 ? 0xcccc
										  : columns == 4 ? 0xf0f0
														 : 0xff00);

	/* the second group is read backwards */
	for (int r = 0; r < (R + 1) / 2; r++)
	{
		__m512i partner = xor_lanes(v[R - 1 - r], mirror);
		__m512i low = _mm512_min_epu32(v[r], partner);
		__m512i high = _mm512_max_epu32(v[r], partner);

		v[r] = _mm512_mask_blend_epi32(second, low, high);
		if (R > 1)
			v[R - 1 - r] = xor_lanes(_mm512_mask_blend_epi32(second, high, low), mirror);
	}
	for (int d = columns / 2; d > 0; d /= 2)
	{
		const __mmask16 upper = (__mmask16) (d == 1 ? 0xaaaa : d == 2 ? 0xcccc : 0xf0f0);

		for (int r = 0; r < R; r++)
		{
			__m512i partner = xor_lanes(v[r], d);

			v[r] = _mm512_mask_max_epu32(_mm512_min_epu32(v[r], partner), upper, v[r], partner);
		}
	}
	for (int d = R / 2; d > 0; d /= 2)
		for (int r = 0; r < R; r++)
			if ((r & d) == 0)
				exchange(&v[r], &v[r + d]);
}

/* Transpose a matrix of 4 x 4 parts of 128 bits. */
static inline __attribute__((always_inline)) void
transpose_parts(__m512i a, __m512i b, __m512i c, __m512i d, __m512i *out, const int stride)
{
	__m512i ab_low = _mm512_shuffle_i64x2(a, b, 0x44); /* a0 a1 b0 b1 */
	__m512i ab_high = _mm512_shuffle_i64x2(a, b, 0xee);
	__m512i cd_low = _mm512_shuffle_i64x2(c, d, 0x44);
	__m512i cd_high = _mm512_shuffle_i64x2(c, d, 0xee);

	out[0] = _mm512_shuffle_i64x2(ab_low, cd_low, 0x88); /* a0 b0 c0 d0 */
	out[stride] = _mm512_shuffle_i64x2(ab_low, cd_low, 0xdd);
	out[2 * stride] = _mm512_shuffle_i64x2(ab_high, cd_high, 0x88);
	out[3 * stride] = _mm512_shuffle_i64x2(ab_high, cd_high, 0xdd);
}

/* Bring R registers that are sorted by column into memory order. */
static inline __attribute__((always_inline)) void
transpose(const __m512i *v, __m512i *out, const int R)
{
	__m512i half[16];
	__m512i quad[16]; /* 4 g + j: columns j, j + 4, ... of rows 4 g ... 4 g + 3 */

	if (R == 1)
	{
		out[0] = v[0];
		return;
	}
	for (int r = 0; r < R; r += 2)
	{
		half[r] = _mm512_unpacklo_epi32(v[r], v[r + 1]);
		half[r + 1] = _mm512_unpackhi_epi32(v[r], v[r + 1]);
	}
	if (R == 2)
	{
		const __m512i first = _mm512_setr_epi64(0, 1, 8, 9, 2, 3, 10, 11);
		const __m512i second = _mm512_setr_epi64(4, 5, 12, 13, 6, 7, 14, 15);

		out[0] = _mm512_permutex2var_epi64(half[0], first, half[1]);
		out[1] = _mm512_permutex2var_epi64(half[0], second, half[1]);
		return;
	}
	for (int r = 0; r < R; r += 4)
	{
		quad[r] = _mm512_unpacklo_epi64(half[r], half[r + 2]);
		quad[r + 1] = _mm512_unpackhi_epi64(half[r], half[r + 2]);
		quad[r + 2] = _mm512_unpacklo_epi64(half[r + 1], half[r + 3]);
		quad[r + 3] = _mm512_unpackhi_epi64(half[r + 1], half[r + 3]);
	}
	if (R == 4)
		transpose_parts(quad[0], quad[1], quad[2], quad[3], out, 1);
	else if (R == 8)
		for (int j = 0; j < 2; j++)
			transpose_parts(quad[2 * j], quad[2 * j + 4], quad[2 * j + 1], quad[2 * j + 5], out + j,
							2);
	else
		for (int j = 0; j < 4; j++)
			transpose_parts(quad[j], quad[j + 4], quad[j + 8], quad[j + 12], out + j, 4);
}

/* Sort 0 < n <= R * LANES words from `from` into `to`. */
static inline __attribute__((always_inline)) void
sort_registers(const uint32_t *from, uint32_t *to, size_t n, const int R)
{
	__m512i v[16];
	__m512i ordered[16];

	for (int r = 0; r < R; r++)
		v[r] = _mm512_mask_loadu_epi32(_mm512_set1_epi32(-1), lanes_below(n, (size_t) r * LANES),
									   from + (size_t) r * LANES);
	sort_columns(v, R);
	merge_columns(v, R, 1);
	merge_columns(v, R, 2);
	merge_columns(v, R, 4);
	merge_columns(v, R, 8);
	transpose(v, ordered, R);
	for (int r = 0; r < R; r++)
		_mm512_mask_storeu_epi32(to + (size_t) r * LANES, lanes_below(n, (size_t) r * LANES),
								 ordered[r]);
}

/* Sort 0 < n <= LEAF_MAX words from `from` into `to`, which may be the same. */
static void
sort_leaf(const uint32_t *from, uint32_t *to, size_t n)
{
	if (n <= LANES)
		sort_registers(from, to, n, 1);
	else if (n <= 2 * LANES)
		sort_registers(from, to, n, 2);
	else if (n <= 4 * LANES)
		sort_registers(from, to, n, 4);
	else if (n <= 8 * LANES)
		sort_registers(from, to, n, 8);
	else
		sort_registers(from, to, n, 16);
}

/* Guess the median of n words from some of them, picked at random. */
static inline uint32_t
guess_median(const uint32_t *word, size_t n, uint64_t *seed)
{
	uint32_t sample[16];

	for (size_t i = 0; i < LANES; i++)
	{
		*seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
		sample[i] = word[(size_t) ((*seed >> 32) * (uint64_t) n >> 32)];
	}
	sort_registers(sample, sample, LANES, 1);
	return sample[LANES / 2];
}

/*
 * Move the words below the pivot to the front of `to`, the others to its end;
 * return how many are below.  What lies between is as long as what is left to
 * move, so a whole register always fits at the front.
 */
static inline size_t
partition(const uint32_t *from, uint32_t *to, size_t n, uint32_t pivot)
{
	const __m512i bound = _mm512_set1_epi32((int) pivot);
	size_t below = 0;
	size_t above = n;
	size_t i = 0;

	for (; i + LANES <= n; i += LANES)
	{
		__m512i v = _mm512_loadu_si512(from + i);
		__mmask16 low = _mm512_cmplt_epu32_mask(v, bound);
		size_t count = (size_t) __builtin_popcount(low);

		/* compressed in the register: to memory it is slow on some processors */
		above -= LANES - count;
		_mm512_storeu_si512(to + below, _mm512_maskz_compress_epi32(low, v));
		_mm512_mask_storeu_epi32(to + above, (__mmask16) ((1u << (LANES - count)) - 1),
								 _mm512_maskz_compress_epi32((__mmask16) ~low, v));
		below += count;
	}
	if (i < n)
	{
		__mmask16 lanes = lanes_below(n, i);
		__m512i v = _mm512_maskz_loadu_epi32(lanes, from + i);
		__mmask16 low = _mm512_mask_cmplt_epu32_mask(lanes, v, bound);
		size_t count = (size_t) __builtin_popcount(low);

		/* what is left, low and high, fills the gap */
		_mm512_mask_storeu_epi32(to + below, (__mmask16) ((1u << count) - 1),
								 _mm512_maskz_compress_epi32(low, v));
		below += count;
		_mm512_mask_storeu_epi32(to + below, lanes_below(above, below),
								 _mm512_maskz_compress_epi32((__mmask16) (lanes & ~low), v));
	}
	return below;
}

/* Let the word at i sink in a heap of n. */
static void
sink(uint32_t *word, size_t i, size_t n)
{
	uint32_t value = word[i];

	for (size_t child = 2 * i + 1; child < n; child = 2 * i + 1)
	{
		child += child + 1 < n && word[child + 1] > word[child];
		if (word[child] <= value)
			break;
		word[i] = word[child];
		i = child;
	}
	word[i] = value;
}

/* Sort by a heap: the end of a quicksort whose pivots are bad. */
static void
sort_heap(uint32_t *word, size_t n)
{
	for (size_t i = n / 2; i-- > 0;)
		sink(word, i, n);
	for (size_t end = n; end-- > 1;)
	{
		uint32_t top = word[0];

		word[0] = word[end];
		word[end] = top;
		sink(word, 0, end);
	}
}

/* Sort n words that lie in `from` into `from` or, if moved, into `other`. */
static void
quicksort(uint32_t *from, uint32_t *other, size_t n, bool moved, int depth, uint64_t *seed)
{
	size_t below;

	if (n <= LEAF_MAX)
	{
		if (n > 0)
			sort_leaf(from, moved ? other : from, n);
		return;
	}
	if (depth == 0)
	{
		sort_heap(from, n);
		if (moved)
			memcpy(other, from, n * sizeof(uint32_t));
		return;
	}
	below = partition(from, other, n, guess_median(from, n, seed));
	quicksort(other, from, below, !moved, depth - 1, seed);
	quicksort(other + below, from + below, n - below, !moved, depth - 1, seed);
}

/* See kernels.h. */
void
sfs_avx512_sort_words(uint32_t *word, uint32_t *other, size_t n, int bits, int width)
{
	uint64_t seed = n;

	(void) bits;
	(void) width;
	quicksort(word, other, n, false, 2 * (64 - __builtin_clzll((uint64_t) n | 1)) + 4, &seed);
}

SFS_AVX512_END

#else
typedef int SfsNothing; /* a file may not be empty */
#endif
