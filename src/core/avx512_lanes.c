/*
 * avx512_lanes.c - eight short rows at once, one in each lane; see kernels.h for what the
 * kernels do.
 *
 * Nothing branches on the values, and so rows of different shape go together.  All pairs
 * of values, and of places where a block may begin, are compared: for short rows that is
 * less work than to sort and to join.  What a lane cannot decide for certain it leaves.
 */
#include "avx512_lanes.h"

#ifdef SFS_AVX512

#define ROOM SFS_LANES_ROOM

SFS_AVX512_BEGIN

/* Eight rows; register i holds the i-th value of each. */
typedef struct Lanes
{
	__m512d v[ROOM];	 /* by element */
	__m512i place[ROOM]; /* of element i among eight rows that are sorted */
	__m512d sorted[ROOM];
	__m512d out[ROOM];	  /* first the differences to the first of a block, in order */
	__m512d mean[ROOM];	  /* of these, at the last of a block */
	__m512d middle[ROOM]; /* of the ranks of a block, at its last */
	__mmask8 starts[ROOM];
} Lanes;

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

/*
 * Find the places of all values in descending order, equal ones in the order of their
 * positions: as many as are before it.  A place in lane k is the index of that lane.
 */
static inline void
find_places(Lanes *lanes, size_t n)
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
}

/* Bring values into the order of places. */
static inline void
move_to_places(const Lanes *lanes, const __m512d *value, size_t n, __m512d *sorted)
{
	for (size_t i = 0; i < n; i++)
		_mm512_i64scatter_pd(sorted, lanes->place[i], value[i], 8);
}

/* Return the rows of which all values are apart from their neighbours for certain. */
static inline __mmask8
all_apart(const Lanes *lanes, size_t n, double step)
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
are_integers(const Lanes *lanes, size_t n, double step, __m512d bound)
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
 * Find where the blocks of the rows begin; return the rows of which that is unknown.
 *
 * A block begins at b if the least mean of the values [a, b) before it exceeds the largest
 * mean of the values [b, c) after it, values being v_i - v_0 + step i.  A mean is found
 * from the difference of two sums of up to n terms, and all terms together have at most
 * the size `whole`, so its error is below (2 n + 16) 2^-53 whole.
 */
static inline __mmask8
find_blocks(Lanes *lanes, size_t n, double step, __mmask8 wanted)
{
	const __m512d infinity = _mm512_set1_pd(__builtin_inf());
	const __m512d first = lanes->sorted[0];
	const __m512d last = lanes->sorted[n - 1];
	const __m512d length = _mm512_set1_pd((double) n);
	const __m512d ramp = _mm512_set1_pd(step);
	__m512d whole = _mm512_mul_pd(length, _mm512_add_pd(_mm512_sub_pd(first, last),
														_mm512_mul_pd(length, ramp)));
	__m512d bound = _mm512_mul_pd(_mm512_set1_pd((4.0 * (double) n + 40.0) * 0x1p-53), whole);
	__m512d sum[ROOM];
	__m512d least[ROOM];
	double inverse[ROOM];
	const __m512d nothing = _mm512_sub_pd(_mm512_setzero_pd(), infinity);
	__m512d total = _mm512_setzero_pd();
	unsigned unknown = 0;

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
	return __builtin_expect(unknown != 0, 0)
			   ? (__mmask8) (unknown & ~are_integers(lanes, n, step, bound))
			   : 0;
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
add_value(Lanes *lanes, Open *open, size_t i, size_t n, const size_t k)
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
average_blocks(Lanes *lanes, size_t n)
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
finish_ranks(Lanes *lanes, size_t n, double strength, const Result kind)
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
rank_one_block(Lanes *lanes, size_t n, double strength, __m512d high, __m512d range,
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
read_rows(const SfsRows *rows, Lanes *lanes)
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
finish_products(Lanes *lanes, size_t n, double strength)
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
product_one_block(Lanes *lanes, size_t n, double strength)
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
take_result(const Lanes *lanes, size_t i, size_t n, bool blocks, const Result kind)
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
compute(const SfsRows *rows, Lanes *lanes, const Result kind)
{
	const size_t n = rows->n;
	const double strength = rows->strength;
	Ways ways = read_rows(rows, lanes);
	unsigned left = (__mmask8) ~(ways.one | ways.several);
	bool blocks = false; /* has a row of several blocks one that is longer than one? */

	if (ways.several != 0)
	{
		find_places(lanes, n);
		move_to_places(lanes, lanes->v, n, lanes->sorted);
		blocks = (ways.several & ~all_apart(lanes, n, strength)) != 0;
	}
	if (blocks)
		left |= find_blocks(lanes, n, strength, ways.several);
	if (kind == PRODUCTS)
	{
		sfs_load_rows(rows->y, rows->y_type, n, rows->y_stride, lanes->v);
		left |= (__mmask8) ~are_plain(lanes->v, n);
		if (blocks)
			move_to_places(lanes, lanes->v, n, lanes->sorted);
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
	Lanes lanes;
	unsigned left = compute(rows, &lanes, RANKS);

	(void) sfs_store_rows(lanes.v, rows->n, rows->out, rows->out_type);
	return left;
}

/* See kernels.h: l2_product_rows. */
unsigned
sfs_avx512_l2_product_rows(const SfsRows *rows)
{
	const __m512d sign = _mm512_set1_pd(rows->sign);
	Lanes lanes;
	unsigned left = compute(rows, &lanes, PRODUCTS);

	for (size_t i = 0; i < rows->n; i++) /* never -0 */
		lanes.v[i] = _mm512_add_pd(_mm512_mul_pd(lanes.v[i], sign), _mm512_setzero_pd());
	return left | sfs_store_rows(lanes.v, rows->n, rows->out, rows->out_type);
}

/* See avx512_lanes.h. */
unsigned
sfs_avx512_lanes_deviations(const SfsRows *rows, __m512d *out)
{
	Lanes lanes;
	unsigned left = compute(rows, &lanes, DEVIATIONS);

	for (size_t i = 0; i < rows->n; i++)
		out[i] = lanes.v[i];
	return left;
}

SFS_AVX512_END

#else
typedef int SfsNothing; /* a file may not be empty */
#endif
