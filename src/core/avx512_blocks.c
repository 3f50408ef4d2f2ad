/*
 * avx512_blocks.c - sorting, and finding blocks of the quadratic soft rank, in eight lanes.
 */
#include "avx512_lanes.h"

#ifdef SFS_AVX512

SFS_AVX512_BEGIN

/* See avx512_lanes.h: a value has as many before it as its place says. */
void
sfs_avx512_lanes_sort(SfsLanes *lanes, size_t n)
{
	const __m512i eight = _mm512_set1_epi64(8);
	__m512i place = _mm512_setr_epi64(0, 1, 2, 3, 4, 5, 6, 7);

	for (size_t i = 0; i < n; i++)
	{
		lanes->place[i] = place;
		place = _mm512_add_epi64(place, eight);
	}
	/* two at a time, so that what is read and written serves both */
	for (size_t i = 0; i + 1 < n; i += 2)
	{
		__m512d v[2] = {lanes->v[i], lanes->v[i + 1]};
		__mmask8 after = _mm512_cmp_pd_mask(v[0], v[1], _CMP_LT_OQ);
		__m512i first = _mm512_mask_add_epi64(lanes->place[i], after, lanes->place[i], eight);
		__m512i second =
			_mm512_mask_sub_epi64(lanes->place[i + 1], after, lanes->place[i + 1], eight);

		for (size_t j = i + 2; j < n; j++)
		{
			__m512d other = lanes->v[j];

			after = _mm512_cmp_pd_mask(v[0], other, _CMP_LT_OQ);
			place = _mm512_mask_sub_epi64(lanes->place[j], after, lanes->place[j], eight);
			first = _mm512_mask_add_epi64(first, after, first, eight);
			after = _mm512_cmp_pd_mask(v[1], other, _CMP_LT_OQ);
			lanes->place[j] = _mm512_mask_sub_epi64(place, after, place, eight);
			second = _mm512_mask_add_epi64(second, after, second, eight);
		}
		lanes->place[i] = first;
		lanes->place[i + 1] = second;
	}
	sfs_move_to_places(lanes, lanes->v, n, lanes->sorted);
}

/* Return the rows of which all values are apart from their neighbours for certain. */
static inline __mmask8
all_apart(const SfsLanes *lanes, size_t n, double step)
{
	const __m512d certain = _mm512_set1_pd(1.0 - 0x1p-47);
	const __m512d ramp = _mm512_set1_pd(step);
	unsigned apart = 0xff;

	for (size_t i = 1; i < n; i++)
	{
		__m512d gap = _mm512_sub_pd(lanes->sorted[i - 1], lanes->sorted[i]);

		apart &= _mm512_cmp_pd_mask(_mm512_mul_pd(gap, certain), ramp, _CMP_GT_OQ);
	}
	return (__mmask8) apart;
}

/*
 * Return the rows in which v_i - v_0 and step are multiples of a power of two so large
 * that means which differ by less than the bound are equal.  All sums of such numbers are
 * without error, and means of m1 + m2 <= n values differ by 0 or at least the power of two
 * over m1 m2 <= n^2 / 4.
 */
static inline __mmask8
are_integers(const SfsLanes *lanes, size_t n, double step, __m512d bound)
{
	/* 1.5 * 2^52 units of more than bound * n^2: adding it rounds to a multiple */
	__m512d exponent =
		_mm512_add_pd(_mm512_getexp_pd(_mm512_mul_pd(bound, _mm512_set1_pd((double) (n * n)))),
					  _mm512_set1_pd(53.0));
	__m512d splitter = _mm512_scalef_pd(_mm512_set1_pd(1.5), exponent);
	__m512d first = lanes->sorted[0];
	__m512d ramp = _mm512_set1_pd(step);
	unsigned good = _mm512_cmp_pd_mask(_mm512_sub_pd(_mm512_add_pd(ramp, splitter), splitter), ramp,
									   _CMP_EQ_OQ);

	for (size_t i = 1; i < n; i++)
	{
		__m512d b = lanes->sorted[i];
		__m512d d = _mm512_sub_pd(b, first);
		__m512d part = _mm512_sub_pd(d, b);
		/* of the difference */
		__m512d error =
			_mm512_sub_pd(_mm512_sub_pd(b, _mm512_sub_pd(d, part)), _mm512_add_pd(first, part));

		good &= _mm512_cmp_pd_mask(error, _mm512_setzero_pd(), _CMP_EQ_OQ);
		good &=
			_mm512_cmp_pd_mask(_mm512_sub_pd(_mm512_add_pd(d, splitter), splitter), d, _CMP_EQ_OQ);
	}
	return (__mmask8) good;
}

/*
 * See avx512_lanes.h.
 *
 * A block begins at b if the least mean of the values [a, b) before it exceeds the largest
 * mean of the values [b, c) after it, values being v_i - v_0 + step i.  A mean is found
 * from the difference of two sums of up to n terms, and all terms together have at most
 * the size `whole`, so its error is below (2 n + 16) 2^-53 whole.
 */
bool
sfs_avx512_lanes_blocks(SfsLanes *lanes, size_t n, double step, unsigned wanted, unsigned *left)
{
	const __m512d infinity = _mm512_set1_pd(__builtin_inf());
	const __m512d nothing = _mm512_set1_pd(-__builtin_inf());
	const __m512d first = lanes->sorted[0];
	const __m512d last = lanes->sorted[n - 1];
	const __m512d length = _mm512_set1_pd((double) n);
	const __m512d ramp = _mm512_set1_pd(step);
	__m512d whole = _mm512_mul_pd(length, _mm512_add_pd(_mm512_sub_pd(first, last),
														_mm512_mul_pd(length, ramp)));
	__m512d bound = _mm512_mul_pd(_mm512_set1_pd((4.0 * (double) n + 40.0) * 0x1p-53), whole);
	__m512d sum[SFS_LANES_ROOM];
	__m512d least[SFS_LANES_ROOM];
	double inverse[SFS_LANES_ROOM];
	__m512d total = _mm512_setzero_pd();
	unsigned unknown = 0;

	if ((wanted & ~(unsigned) all_apart(lanes, n, step)) == 0)
		return false;
	sum[0] = total;
	least[0] = infinity;
	for (size_t i = 0; i < n; i++)
	{
		__m512d term = _mm512_add_pd(_mm512_sub_pd(lanes->sorted[i], first),
									 _mm512_mul_pd(ramp, _mm512_set1_pd((double) i)));

		total = _mm512_add_pd(total, term);
		sum[i + 1] = total;
		least[i + 1] = infinity;
		inverse[i + 1] = 1.0 / (double) (i + 1);
	}
	/* two at a time, so that what is read and written serves both */
	for (size_t a = 0; a < n; a += 2)
	{
		__m512d from[2] = {sum[a], sum[a + 1]};
		__m512d most[2] = {_mm512_sub_pd(from[1], from[0]), nothing};

		least[a + 1] = _mm512_min_pd(least[a + 1], most[0]);
		for (size_t c = a + 2; c <= n; c++)
		{
			__m512d mean[2] = {_mm512_mul_pd(_mm512_sub_pd(sum[c], from[0]),
											 _mm512_set1_pd(inverse[c - a])),
							   _mm512_mul_pd(_mm512_sub_pd(sum[c], from[1]),
											 _mm512_set1_pd(inverse[c - a - 1]))};

			most[0] = _mm512_max_pd(most[0], mean[0]);
			most[1] = _mm512_max_pd(most[1], mean[1]);
			least[c] = _mm512_min_pd(least[c], _mm512_min_pd(mean[0], mean[1]));
		}
		for (size_t b = a; b < a + 2 && b < n; b++)
		{
			__m512d over = _mm512_sub_pd(least[b], most[b - a]);
			__mmask8 apart = _mm512_cmp_pd_mask(over, bound, _CMP_GT_OQ);

			lanes->starts[b] = b == 0 ? 0xff : apart;
			unknown |= (unsigned) ~(apart | _mm512_cmp_pd_mask(_mm512_add_pd(over, bound),
															   _mm512_setzero_pd(), _CMP_LT_OQ));
		}
	}
	unknown &= wanted;
	if (__builtin_expect(unknown != 0, 0))
		*left |= unknown & ~(unsigned) are_integers(lanes, n, step, bound);
	return true;
}

SFS_AVX512_END

#else
typedef int SfsNothing; /* a file may not be empty */
#endif
