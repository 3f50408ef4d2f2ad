/*
 * avx512_lanes.h - eight short rows at once, one in each lane.
 *
 * Nothing branches on the values, and so rows of different shape go together.  All pairs
 * of values, and of places where a block may begin, are compared: for short rows that is
 * less work than to sort and to join.  What a lane cannot decide for certain it leaves.
 */
#ifndef SFS_AVX512_LANES_H
#define SFS_AVX512_LANES_H

#include "avx512.h"

#ifdef SFS_AVX512

#include "kernels.h"

/* Registers for the values of a row; one more for what lies between them. */
#define SFS_LANES_ROOM (SFS_ROWS_LENGTH + 1)

SFS_AVX512_BEGIN

/* Transpose eight rows of eight. */
static inline void
sfs_transpose8(__m512d *row)
{
	__m512d pair[8]; /* of rows 2 k and 2 k + 1: even and odd columns */

	for (int k = 0; k < 8; k += 2)
	{
		pair[k] = _mm512_unpacklo_pd(row[k], row[k + 1]);
		pair[k + 1] = _mm512_unpackhi_pd(row[k], row[k + 1]);
	}
	for (int k = 0; k < 2; k++)
	{
		__m512d a = _mm512_shuffle_f64x2(pair[k], pair[k + 2], 0x88);
		__m512d b = _mm512_shuffle_f64x2(pair[k], pair[k + 2], 0xdd);
		__m512d c = _mm512_shuffle_f64x2(pair[k + 4], pair[k + 6], 0x88);
		__m512d d = _mm512_shuffle_f64x2(pair[k + 4], pair[k + 6], 0xdd);

		row[k] = _mm512_shuffle_f64x2(a, c, 0x88);
		row[k + 4] = _mm512_shuffle_f64x2(a, c, 0xdd);
		row[k + 2] = _mm512_shuffle_f64x2(b, d, 0x88);
		row[k + 6] = _mm512_shuffle_f64x2(b, d, 0xdd);
	}
}

/* Return where the eight columns begin that are moved at once for column i of n: none lies beyond. */
static inline size_t
sfs_columns_from(size_t i, size_t n)
{
	return n >= 8 && i + 8 > n ? n - 8 : i;
}

/* Read eight rows of n values, `stride` apart, into registers. */
static inline void
sfs_load_rows(const void *x, SfsType type, size_t n, size_t stride, __m512d *column)
{
	for (size_t i = 0; i < n; i += 8)
	{
		size_t from = sfs_columns_from(i, n);
		__mmask8 lanes = sfs_first8(n - from);
		__m512d row[8];

		for (size_t k = 0; k < 8; k++)
			row[k] = sfs_load8(x, type, k * stride + from, lanes);
		sfs_transpose8(row);
		for (size_t k = 0; k < 8; k++)
			column[from + k] = row[k];
	}
}

/* Write registers to eight rows of n values; return which rows are not finite. */
static inline __mmask8
sfs_store_rows(const __m512d *column, size_t n, void *out, SfsType type)
{
	__m512d check = _mm512_setzero_pd();

	for (size_t i = 0; i < n; i++)
	{
		__m512d value = column[i];

		if (type == SFS_FLOAT32)
			value = _mm512_cvtps_pd(_mm512_cvtpd_ps(value));
		/* 0 or NaN */
		check = _mm512_add_pd(check, _mm512_sub_pd(value, value));
	}
	for (size_t i = 0; i < n; i += 8)
	{
		size_t from = sfs_columns_from(i, n);
		__mmask8 lanes = sfs_first8(n - from);
		__m512d row[8];

		for (size_t k = 0; k < 8; k++)
			row[k] = column[from + k];
		sfs_transpose8(row);
		for (size_t k = 0; k < 8; k++)
			if (type == SFS_FLOAT64)
				_mm512_mask_storeu_pd((double *) out + k * n + from, lanes, row[k]);
			else
				_mm256_mask_storeu_ps((float *) out + k * n + from, lanes, _mm512_cvtpd_ps(row[k]));
	}
	return _mm512_cmp_pd_mask(check, check, _CMP_UNORD_Q);
}

/* Eight rows; register i holds the i-th value of each. */
typedef struct SfsLanes
{
	__m512d v[SFS_LANES_ROOM];	   /* by element */
	__m512i place[SFS_LANES_ROOM]; /* of element i among eight rows that are sorted */
	__m512d sorted[SFS_LANES_ROOM];
	__m512d out[SFS_LANES_ROOM];	/* first the differences to the first of a block, in order */
	__m512d mean[SFS_LANES_ROOM];	/* of these, at the last of a block */
	__m512d middle[SFS_LANES_ROOM]; /* of the ranks of a block, at its last */
	__mmask8 starts[SFS_LANES_ROOM];
} SfsLanes;

/* Bring values into the order of places. */
static inline void
sfs_move_to_places(const SfsLanes *lanes, const __m512d *value, size_t n, __m512d *sorted)
{
	for (size_t i = 0; i < n; i++)
		_mm512_i64scatter_pd(sorted, lanes->place[i], value[i], 8);
}

SFS_AVX512_END

/*
 * Find the places of all values in descending order, equal ones in the order of their
 * positions, and sort them.  A place in lane k is the index of that lane.
 */
extern void sfs_avx512_lanes_sort(SfsLanes *lanes, size_t n);

/*
 * Find where the blocks of sorted rows begin; false: all blocks of the wanted rows are
 * single values, and starts is not written.  *left gets, in addition, the wanted rows of
 * which the blocks are unknown.
 */
extern bool sfs_avx512_lanes_blocks(SfsLanes *lanes, size_t n, double step, unsigned wanted,
									unsigned *left);

/*
 * Write the deviations of the quadratic soft ranks of x, by element, in the unit that
 * sfs_rank_deviations gives them; return the rows that are left, as l2_rank_rows does.
 */
extern unsigned sfs_avx512_lanes_deviations(const SfsRows *rows, __m512d *out);

#endif
#endif /* SFS_AVX512_LANES_H */
