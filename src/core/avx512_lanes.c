/*
 * avx512_lanes.c - quadratic soft ranks of eight short rows at once, and derivatives; see
 * kernels.h for what the kernels do.
 */
#include "avx512_lanes.h"

#ifdef SFS_AVX512

SFS_AVX512_BEGIN

/* A divisor and its reciprocal. */
typedef struct Divisor
{
	__m512d value;
	__m512d reciprocal;
} Divisor;

/* Prepare the division by a number between 2^-400 and 2^400. */
static inline Divisor
divisor_of(double value)
{
	Divisor divisor = {_mm512_set1_pd(value), _mm512_set1_pd(1.0 / value)};

	return divisor;
}

/*
 * Return a / b, rounded correctly, for a that is 0 or between 2^-500 and 2^500, in a third
 * of the time of a division: the second quotient is off by less than a unit in the last
 * place, so the rest it leaves is exact and decides the third (Markstein).
 */
static inline __m512d
quotient(__m512d a, const Divisor *b)
{
	__m512d q = _mm512_mul_pd(a, b->reciprocal);

	q = _mm512_fmadd_pd(_mm512_fnmadd_pd(q, b->value, a), b->reciprocal, q);
	return _mm512_fmadd_pd(_mm512_fnmadd_pd(q, b->value, a), b->reciprocal, q);
}

/* The block of each row that values are added to. */
typedef struct Open
{
	__m512d lane[8]; /* the sum in lanes, as sums.h says, but for where lane 0 is */
	__m512d high;
	__m512d start;
	__mmask8 near; /* rows that have a block whose values are too near to each other */
} Open;

/* Return the sum of the eight lanes of a leaf: the same wherever lane 0 is. */
static inline __m512d
fold8(const __m512d *lane)
{
	__m512d even = _mm512_add_pd(_mm512_add_pd(lane[0], lane[4]), _mm512_add_pd(lane[2], lane[6]));
	__m512d odd = _mm512_add_pd(_mm512_add_pd(lane[1], lane[5]), _mm512_add_pd(lane[3], lane[7]));

	return _mm512_add_pd(even, odd);
}

/* Add value i, in order, to the blocks; k is i modulo 8, a constant. */
static inline __attribute__((always_inline)) void
add_value(SfsLanes *lanes, Open *open, size_t i, size_t n, const size_t k)
{
	__mmask8 start = lanes->starts[i];
	__mmask8 stays = (__mmask8) ~start;
	__m512d v = lanes->sorted[i];
	__m512d end = _mm512_set1_pd((double) (i + 1));
	__m512d d;

	open->high = _mm512_mask_mov_pd(open->high, start, v);
	open->start = _mm512_mask_mov_pd(open->start, start, _mm512_set1_pd((double) i));
	d = _mm512_sub_pd(v, open->high);
	for (size_t j = 0; j < 8; j++)
		open->lane[j] = _mm512_maskz_mov_pd(stays, open->lane[j]);
	open->lane[k] = _mm512_add_pd(open->lane[k], d);
	lanes->out[i] = d;
	lanes->mean[i] = _mm512_div_pd(fold8(open->lane), _mm512_sub_pd(end, open->start));
	/* exact: (n - a - b) / 2 */
	lanes->middle[i] =
		_mm512_mul_pd(_mm512_sub_pd(_mm512_set1_pd((double) n), _mm512_add_pd(open->start, end)),
					  _mm512_set1_pd(0.5));
	open->near |= _mm512_cmp_pd_mask(d, _mm512_set1_pd(-SFS_PLAIN_RANGE), _CMP_GT_OQ) &
				  _mm512_cmp_pd_mask(d, _mm512_setzero_pd(), _CMP_LT_OQ) &
				  (i + 1 < n ? lanes->starts[i + 1] : 0xff);
}

/* Find the means of the blocks of sorted values; return the rows where they are too near. */
static inline __mmask8
average_blocks(SfsLanes *lanes, size_t n)
{
	Open open = {.near = 0};

	for (size_t j = 0; j < 8; j++)
		open.lane[j] = _mm512_setzero_pd();
	open.high = open.lane[0];
	open.start = open.lane[0];
	for (size_t i = 0; i < n; i += 8)
	{
		add_value(lanes, &open, i, n, 0);
		if (i + 1 < n)
			add_value(lanes, &open, i + 1, n, 1);
		if (i + 2 < n)
			add_value(lanes, &open, i + 2, n, 2);
		if (i + 3 < n)
			add_value(lanes, &open, i + 3, n, 3);
		if (i + 4 < n)
			add_value(lanes, &open, i + 4, n, 4);
		if (i + 5 < n)
			add_value(lanes, &open, i + 5, n, 5);
		if (i + 6 < n)
			add_value(lanes, &open, i + 6, n, 6);
		if (i + 7 < n)
			add_value(lanes, &open, i + 7, n, 7);
	}
	return open.near;
}

/* What is computed. */
typedef enum Result
{
	RANKS,
	DEVIATIONS, /* of ranks; undivided where a row is one block */
	PRODUCTS	/* with J */
} Result;

/* Replace the differences of sorted values by their ranks, or the deviations of these. */
static inline __attribute__((always_inline)) void
finish_ranks(SfsLanes *lanes, size_t n, double strength, const Result kind)
{
	const Divisor divisor = divisor_of(strength);
	const __m512d offset = _mm512_set1_pd(kind == RANKS ? ((double) n + 1.0) * 0.5 : 0.0);
	__m512d mean = _mm512_setzero_pd();
	__m512d middle = _mm512_setzero_pd();
	__mmask8 end = 0xff;
	unsigned several = kind == DEVIATIONS ? 0 : 0xff; /* rows of several blocks */

	if (kind == DEVIATIONS)
		for (size_t b = 1; b < n; b++)
			several |= lanes->starts[b];
	for (size_t i = n; i-- > 0;)
	{
		__m512d d;

		mean = _mm512_mask_mov_pd(mean, end, lanes->mean[i]);
		middle = _mm512_mask_mov_pd(middle, end, lanes->middle[i]);
		d = _mm512_sub_pd(lanes->out[i], mean);
		d = _mm512_mask_mov_pd(d, (__mmask8) several, quotient(d, &divisor));
		lanes->out[i] = _mm512_add_pd(_mm512_add_pd(d, middle), offset);
		end = lanes->starts[i];
	}
}

/* Replace the values of rows that are one block by their ranks, free of order (N3). */
static inline __attribute__((always_inline)) void
rank_one_block(SfsLanes *lanes, size_t n, double strength, __m512d high, __m512d range,
			   const Result kind)
{
	const Divisor divisor = divisor_of(strength);
	const __m512d offset = _mm512_set1_pd(((double) n + 1.0) * 0.5);
	__mmask8 spread = _mm512_cmp_pd_mask(range, _mm512_setzero_pd(), _CMP_GT_OQ);
	__m512d exponent = _mm512_maskz_getexp_pd(spread, range);
	SfsFreeSum unit;
	__m512d splitter[2];
	__m512d fold[2] = {_mm512_setzero_pd(), _mm512_setzero_pd()};
	__m512d mean;

	sfs_free_init(&unit, 1, n);
	for (int k = 0; k < 2; k++)
		splitter[k] = _mm512_scalef_pd(_mm512_set1_pd(unit.splitter[k]), exponent);
	for (size_t i = 0; i < n; i++)
	{
		__m512d rest = _mm512_sub_pd(lanes->v[i], high);

		lanes->v[i] = rest;
		for (int k = 0; k < 2; k++)
		{
			__m512d part = _mm512_sub_pd(_mm512_add_pd(rest, splitter[k]), splitter[k]);

			fold[k] = _mm512_add_pd(fold[k], part);
			rest = _mm512_sub_pd(rest, part);
		}
	}
	mean = _mm512_div_pd(_mm512_add_pd(fold[1], fold[0]), _mm512_set1_pd((double) n));
	for (size_t i = 0; i < n; i++)
	{
		__m512d d = _mm512_sub_pd(lanes->v[i], mean);

		lanes->v[i] = kind == RANKS ? _mm512_add_pd(quotient(d, &divisor), offset) : d;
	}
}

/* Which rows are computed, and how. */
typedef struct Ways
{
	__m512d high;
	__m512d range;
	__mmask8 one;	  /* one block, without sorting (N8) */
	__mmask8 several; /* maybe several */
} Ways;

/* Read the rows of x and find the way of each; rows whose values have to be scaled have none. */
static inline Ways
read_rows(const SfsRows *rows, SfsLanes *lanes)
{
	const size_t n = rows->n;
	const __m512d sign = _mm512_set1_pd(rows->sign);
	const __m512d zero = _mm512_setzero_pd();
	const __m512d most = _mm512_set1_pd((double) n * 0.5 * (1.0 - 0x1p-48));
	__m512d low = _mm512_set1_pd(__builtin_inf());
	__m512d high = _mm512_set1_pd(-__builtin_inf());
	__mmask8 plain;
	__m512d ratio;
	Ways ways;

	sfs_load_rows(rows->x, rows->x_type, n, rows->x_stride, lanes->v);
	for (size_t i = 0; i < n; i++)
	{
		/* never -0 */
		__m512d v = _mm512_add_pd(_mm512_mul_pd(lanes->v[i], sign), zero);

		lanes->v[i] = v;
		low = _mm512_min_pd(low, v);
		high = _mm512_max_pd(high, v);
	}
	ways.high = high;
	ways.range = _mm512_sub_pd(high, low);
	plain = _mm512_cmp_pd_mask(ways.range, _mm512_set1_pd(0x1p400), _CMP_LT_OQ) &
			(_mm512_cmp_pd_mask(ways.range, _mm512_set1_pd(SFS_PLAIN_RANGE), _CMP_GT_OQ) |
			 _mm512_cmp_pd_mask(ways.range, zero, _CMP_EQ_OQ));
	ratio = _mm512_div_pd(ways.range, _mm512_set1_pd(rows->strength));
	ways.one = plain & _mm512_cmp_pd_mask(ratio, most, _CMP_LE_OQ);
	ways.several = plain & (__mmask8) ~ways.one;
	return ways;
}

/* Return the rows of g that need no scaling. */
static inline __mmask8
are_plain(const __m512d *g, size_t n)
{
	__m512d most = _mm512_setzero_pd();

	for (size_t i = 0; i < n; i++)
		most = _mm512_max_pd(most, _mm512_abs_pd(g[i]));
	return _mm512_cmp_pd_mask(most, _mm512_setzero_pd(), _CMP_EQ_OQ) |
		   (_mm512_cmp_pd_mask(most, _mm512_set1_pd(0x1p-500), _CMP_GE_OQ) &
			_mm512_cmp_pd_mask(most, _mm512_set1_pd(0x1p500), _CMP_LE_OQ));
}

/* Replace the differences of sorted values by their products with J. */
static inline void
finish_products(SfsLanes *lanes, size_t n, double strength)
{
	const __m512d divisor = _mm512_set1_pd(strength);
	__m512d mean = _mm512_setzero_pd();
	__mmask8 end = 0xff;

	for (size_t i = n; i-- > 0;)
	{
		mean = _mm512_mask_mov_pd(mean, end, lanes->mean[i]);
		/* g may be of any size */
		lanes->out[i] = _mm512_div_pd(_mm512_sub_pd(lanes->out[i], mean), divisor);
		end = lanes->starts[i];
	}
}

/* Replace g of rows that are one block by its product with J. */
static inline void
product_one_block(SfsLanes *lanes, size_t n, double strength)
{
	const __m512d divisor = _mm512_set1_pd(strength);
	const __m512d first = lanes->v[0];
	__m512d lane[8];
	__m512d mean;

	for (size_t j = 0; j < 8; j++)
		lane[j] = _mm512_setzero_pd();
	for (size_t i = 0; i < n; i++)
	{
		lanes->v[i] = _mm512_sub_pd(lanes->v[i], first);
		lane[i % 8] = _mm512_add_pd(lane[i % 8], lanes->v[i]);
	}
	mean = _mm512_div_pd(fold8(lane), _mm512_set1_pd((double) n));
	for (size_t i = 0; i < n; i++)
		lanes->v[i] = _mm512_div_pd(_mm512_sub_pd(lanes->v[i], mean), divisor);
}

/* Return the results of rows that have several blocks, which are in order, for element i. */
static inline __attribute__((always_inline)) __m512d
take_result(const SfsLanes *lanes, size_t i, size_t n, bool blocks, const Result kind)
{
	double top = kind == RANKS ? (double) n : ((double) n - 1.0) * 0.5;

	if (blocks)
		return _mm512_i64gather_pd(lanes->place[i], lanes->out, 8);
	if (kind == PRODUCTS)
		return _mm512_setzero_pd();
	/* hard ranks */
	return _mm512_sub_pd(_mm512_set1_pd(top),
						 _mm512_cvtepi64_pd(_mm512_srli_epi64(lanes->place[i], 3)));
}

/* Compute the results by element into v; return the rows that are left. */
static inline __attribute__((always_inline)) unsigned
compute(const SfsRows *rows, SfsLanes *lanes, const Result kind)
{
	const size_t n = rows->n;
	const double strength = rows->strength;
	Ways ways = read_rows(rows, lanes);
	unsigned left = (__mmask8) ~(ways.one | ways.several);
	bool blocks = false; /* has a row of several blocks one that is longer than one? */

	if (ways.several != 0)
	{
		sfs_avx512_lanes_sort(lanes, n);
		blocks = sfs_avx512_lanes_blocks(lanes, n, strength, ways.several, &left);
	}
	if (kind == PRODUCTS)
	{
		sfs_load_rows(rows->y, rows->y_type, n, rows->y_stride, lanes->v);
		left |= (__mmask8) ~are_plain(lanes->v, n);
		if (blocks)
			sfs_move_to_places(lanes, lanes->v, n, lanes->sorted);
	}
	if (blocks)
	{
		__mmask8 near = average_blocks(lanes, n) & ways.several;

		if (kind == PRODUCTS)
			finish_products(lanes, n, strength);
		else
		{
			left |= near;
			finish_ranks(lanes, n, strength, kind);
		}
	}
	if (ways.one != 0 && kind == PRODUCTS)
		product_one_block(lanes, n, strength);
	else if (ways.one != 0)
		rank_one_block(lanes, n, strength, ways.high, ways.range, kind);
	if (ways.several != 0)
		for (size_t i = 0; i < n; i++)
			lanes->v[i] = _mm512_mask_mov_pd(lanes->v[i], ways.several,
											 take_result(lanes, i, n, blocks, kind));
	return left;
}

/* See kernels.h: l2_rank_rows. */
unsigned
sfs_avx512_l2_rank_rows(const SfsRows *rows)
{
	SfsLanes lanes;
	unsigned left = compute(rows, &lanes, RANKS);

	(void) sfs_store_rows(lanes.v, rows->n, rows->out, rows->out_type);
	return left;
}

/* See kernels.h: l2_product_rows. */
unsigned
sfs_avx512_l2_product_rows(const SfsRows *rows)
{
	const __m512d sign = _mm512_set1_pd(rows->sign);
	SfsLanes lanes;
	unsigned left = compute(rows, &lanes, PRODUCTS);

	for (size_t i = 0; i < rows->n; i++) /* never -0 */
		lanes.v[i] = _mm512_add_pd(_mm512_mul_pd(lanes.v[i], sign), _mm512_setzero_pd());
	return left | sfs_store_rows(lanes.v, rows->n, rows->out, rows->out_type);
}

/* See avx512_lanes.h. */
unsigned
sfs_avx512_lanes_deviations(const SfsRows *rows, __m512d *out)
{
	SfsLanes lanes;
	unsigned left = compute(rows, &lanes, DEVIATIONS);

	for (size_t i = 0; i < rows->n; i++)
		out[i] = lanes.v[i];
	return left;
}

SFS_AVX512_END

#else
typedef int SfsNothing; /* a file may not be empty */
#endif
