/*
 * avx512_correlation.c - correlations of eight pairs of short rows at once; see kernels.h
 * for what the kernels do.
 */
#include "avx512_lanes.h"

#ifdef SFS_AVX512

SFS_AVX512_BEGIN

/*
 * Write the doubled mid-ranks of eight rows, less n + 1: how many values are smaller less
 * how many are larger.
 */
static inline void
double_ranks(const __m512d *v, size_t n, __m512i *rank)
{
	const __m512i one = _mm512_set1_epi64(1);

	for (size_t i = 0; i < n; i++)
		rank[i] = _mm512_setzero_si512();
	for (size_t i = 0; i < n; i++)
	{
		__m512i own = rank[i];

		for (size_t j = i + 1; j < n; j++)
		{
			__mmask8 above = _mm512_cmp_pd_mask(v[i], v[j], _CMP_LT_OQ);
			__mmask8 below = _mm512_cmp_pd_mask(v[i], v[j], _CMP_GT_OQ);

			own = _mm512_mask_sub_epi64(own, above, own, one);
			own = _mm512_mask_add_epi64(own, below, own, one);
			rank[j] = _mm512_mask_add_epi64(rank[j], above, rank[j], one);
			rank[j] = _mm512_mask_sub_epi64(rank[j], below, rank[j], one);
		}
		rank[i] = own;
	}
}

/* Write product / sqrt(x_square * y_square), at most 1 in size, NaN where a square is 0. */
static inline void
store_correlation(__m512d product, __m512d x_square, __m512d y_square, void *out)
{
	const __m512d one = _mm512_set1_pd(1.0);
	__m512d square = _mm512_mul_pd(x_square, y_square);
	__m512d rho = _mm512_div_pd(product, _mm512_sqrt_pd(square));

	rho = _mm512_max_pd(_mm512_min_pd(rho, one), _mm512_sub_pd(_mm512_setzero_pd(), one));
	rho = _mm512_mask_mov_pd(rho, _mm512_cmp_pd_mask(square, _mm512_setzero_pd(), _CMP_EQ_OQ),
							 _mm512_set1_pd(__builtin_nan("")));
	_mm512_storeu_pd(out, rho);
}

/* See kernels.h: spearman_rows. */
unsigned
sfs_avx512_spearman_rows(const SfsRows *rows)
{
	const size_t n = rows->n;
	__m512d v[SFS_LANES_ROOM];
	__m512i x[SFS_LANES_ROOM];
	__m512i y[SFS_LANES_ROOM];
	__m512d product = _mm512_setzero_pd();
	__m512d x_square = product;
	__m512d y_square = product;

	v[0] = product; /* for compilers that think of n = 0 */
	sfs_load_rows(rows->x, rows->x_type, n, rows->x_stride, v);
	double_ranks(v, n, x);
	sfs_load_rows(rows->y, rows->y_type, n, rows->y_stride, v);
	double_ranks(v, n, y);
	for (size_t i = 0; i < n; i++) /* small integers */
	{
		__m512d a = _mm512_cvtepi64_pd(x[i]);
		__m512d b = _mm512_cvtepi64_pd(y[i]);

		product = _mm512_add_pd(product, _mm512_mul_pd(a, b));
		x_square = _mm512_add_pd(x_square, _mm512_mul_pd(a, a));
		y_square = _mm512_add_pd(y_square, _mm512_mul_pd(b, b));
	}
	store_correlation(product, x_square, y_square, rows->out);
	return 0;
}

/* Scale values so that the largest of each row is between 1 and 2 in size. */
static inline void
normalize(__m512d *value, size_t n)
{
	__m512d most = _mm512_setzero_pd();
	__m512d exponent;

	for (size_t i = 0; i < n; i++)
		most = _mm512_max_pd(most, _mm512_abs_pd(value[i]));
	exponent =
		_mm512_maskz_getexp_pd(_mm512_cmp_pd_mask(most, _mm512_setzero_pd(), _CMP_GT_OQ), most);
	exponent = _mm512_sub_pd(_mm512_setzero_pd(), exponent);
	for (size_t i = 0; i < n; i++)
		value[i] = _mm512_scalef_pd(value[i], exponent);
}

/* Return a . b, free of order (N3), for numbers below 2. */
static inline __m512d
dot(const __m512d *a, const __m512d *b, size_t n)
{
	SfsFreeSum sum;
	__m512d splitter[SFS_FREE_FOLDS];
	__m512d fold[SFS_FREE_FOLDS];

	sfs_free_init(&sum, 2, n);
	for (int k = 0; k < SFS_FREE_FOLDS; k++)
	{
		splitter[k] = _mm512_set1_pd(sum.splitter[k]);
		fold[k] = _mm512_setzero_pd();
	}
	for (size_t i = 0; i < n; i++)
	{
		__m512d rest = _mm512_mul_pd(a[i], b[i]);

		for (int k = 0; k < SFS_FREE_FOLDS; k++)
		{
			__m512d part = _mm512_sub_pd(_mm512_add_pd(rest, splitter[k]), splitter[k]);

			fold[k] = _mm512_add_pd(fold[k], part);
			rest = _mm512_sub_pd(rest, part);
		}
	}
	return _mm512_add_pd(_mm512_add_pd(fold[2], fold[1]), fold[0]);
}

/* See kernels.h: l2_spearman_rows. */
unsigned
sfs_avx512_l2_spearman_rows(const SfsRows *rows)
{
	const size_t n = rows->n;
	SfsRows other = *rows;
	__m512d x[SFS_LANES_ROOM];
	__m512d y[SFS_LANES_ROOM];
	unsigned left;

	other.x = rows->y;
	other.x_type = rows->y_type;
	other.x_stride = rows->y_stride;
	left = sfs_avx512_lanes_deviations(rows, x) | sfs_avx512_lanes_deviations(&other, y);
	normalize(x, n);
	normalize(y, n);
	store_correlation(dot(x, y, n), dot(x, x, n), dot(y, y, n), rows->out);
	return left;
}

SFS_AVX512_END

#else
typedef int SfsNothing; /* a file may not be empty */
#endif
