/*
 * test_exact.c - the decisions of exact.h (N5) against plain integers: __int128
 * for small ones, schoolbook arithmetic on fixed-point numbers of thousands of
 * bits for doubles of any exponent.  Ranges of one word to 34, stride boundaries,
 * products, zero terms, means that touch exactly and means that miss by one bit.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "elementary.h"
#include "exact.h"
#include "integer.h"
#include "tap.h"

#define MOST 3000
#define GUARD UINT64_C(0x1122334455667788)

typedef __int128 Wide;

static double a_list[MOST];
static double b_list[MOST];
static double ones[MOST];

/* Return the sum of a[i], or of a[i] b[i], over a range, in units 2^-1074 or 2^-2148. */
static Integer
sum(const double *a, const double *b, size_t first, size_t last)
{
	Integer total = {.count = 0};

	for (size_t i = first; i < last; i++)
	{
		Integer term;

		integer_set_double(&term, a[i]);
		if (b != NULL)
		{
			Integer factor;

			integer_set_double(&factor, b[i]);
			term = integer_multiply(&term, &factor);
		}
		integer_add(&total, &term, false);
	}
	return total;
}

/* Return m2 * sum s[a, b) - m1 * sum s[b, c). */
static Integer
mean_difference(const double *s, size_t a, size_t b, size_t c)
{
	Integer left = sum(s, NULL, a, b);
	Integer right = sum(s, NULL, b, c);
	Integer count = integer_whole(c - b);

	left = integer_multiply(&left, &count);
	count = integer_whole(b - a);
	right = integer_multiply(&right, &count);
	integer_add(&left, &right, true);
	return left;
}

/* Decide factor * D(x) against slope * 2^e * m1 m2 (m1 + m2) / 2 by definition. */
static int
ramp_by_definition(const double *x, double factor, double slope, int e, size_t a, size_t b,
				   size_t c)
{
	Integer left = mean_difference(x, a, b, c);
	Integer right;
	Integer other;
	/* left is in units 2^-2148, right in 2^(-1074 + e - 1) */
	int shift = 2148 - 1074 + e - 1;

	integer_set_double(&other, factor);
	left = integer_multiply(&left, &other);
	integer_set_double(&right, slope);
	other = integer_whole((b - a) * (c - b) * (c - a));
	right = integer_multiply(&right, &other);
	integer_set_shifted(&other, 1, abs(shift));
	if (shift >= 0)
		right = integer_multiply(&right, &other);
	else
		left = integer_multiply(&left, &other);
	return integer_compare(&left, &right);
}

/* Decide the order of weighted means by definition; the terms of p are y q. */
static int
weighted_by_definition(const double *y, const double *q, size_t a, size_t b, size_t c)
{
	Integer left = sum(y, q, a, b);
	Integer right = sum(y, q, b, c);
	Integer weight = sum(q, NULL, b, c);

	left = integer_multiply(&left, &weight);
	weight = sum(q, NULL, a, b);
	right = integer_multiply(&right, &weight);
	return integer_compare(&left, &right);
}

/* Prepare sums in space of exactly the stated size, followed by a guard. */
static uint64_t *
prepare(SfsExactSums *sums, const double *a, const double *b, size_t n)
{
	size_t words = sfs_exact_words(n, b != NULL);
	uint64_t *space = malloc((words + 1) * sizeof(uint64_t));
	SfsPoll poll = {NULL, SFS_POLL_CREDIT};

	space[words] = GUARD;
	sfs_exact_init(sums, a, b, n, space);
	if (sfs_exact_prepare(sums, &poll) != SFS_OK)
		ok(false, "sums are prepared");
	return space;
}

/* Check the guard and free the space. */
static bool
release(uint64_t *space, size_t n, bool products)
{
	bool intact = space[sfs_exact_words(n, products)] == GUARD;

	free(space);
	return intact;
}

/* Draw 0 <= a < b < c <= n, next to multiples of the stride now and then. */
static void
draw_ranges(size_t n, size_t stride, size_t range[3])
{
	do
	{
		for (int k = 0; k < 3; k++)
		{
			range[k] = below(n + 1);
			if (below(3) == 0)
				range[k] -= range[k] % stride;
			if (below(6) == 0 && range[k] < n)
				range[k]++;
		}
		if (below(4) == 0) /* short neighbours */
		{
			range[1] = range[0] + 1 + below(3);
			range[2] = range[1] + 1 + below(3);
		}
	} while (range[0] >= range[1] || range[1] >= range[2] || range[2] > n);
}

/* Fill a list with doubles whose exponents spread over `low` to `high`. */
static void
fill(double *x, size_t n, int low, int high, int bits)
{
	for (size_t i = 0; i < n; i++)
	{
		double mantissa = (double) (1 + below((size_t) 1 << bits));

		x[i] = ldexp(mantissa, low - bits + (int) below((size_t) (high - low + 1)));
		if (below(2))
			x[i] = -x[i];
		if (below(10) == 0)
			x[i] = below(2) ? 0.0 : -0.0;
	}
}

/* Test small integers against __int128, where touching is frequent. */
static void
test_small(void)
{
	long wrong = 0;
	long touching = 0;
	bool intact = true;

	for (int round = 0; round < 3000; round++)
	{
		size_t n = 2 + below(40);
		int scale = (int) below(400) - 200;
		SfsExactSums x;
		SfsExactSums y;
		uint64_t *space[2];

		for (size_t i = 0; i < n; i++)
		{
			a_list[i] = ldexp((double) below(round % 2 ? 7 : 1000000) - 3.0, scale);
			b_list[i] = ldexp((double) below(7) - 3.0, scale);
		}
		space[0] = prepare(&x, a_list, NULL, n);
		space[1] = prepare(&y, b_list, NULL, n);
		for (int k = 0; k < 20; k++)
		{
			size_t r[3];
			Wide d[2];
			Wide sums[2][2] = {{0}};
			Wide m1;
			Wide m2;
			Wide slope = (Wide) below(5);
			Wide ramp;
			int want;
			int have;

			draw_ranges(n, x.stride, r);
			m1 = (Wide) (r[1] - r[0]);
			m2 = (Wide) (r[2] - r[1]);
			for (size_t i = r[0]; i < r[2]; i++)
			{
				sums[0][i >= r[1]] += (Wide) ldexp(a_list[i], -scale);
				sums[1][i >= r[1]] += (Wide) ldexp(b_list[i], -scale);
			}
			for (int j = 0; j < 2; j++)
				d[j] = m2 * sums[j][0] - m1 * sums[j][1];
			want = (d[0] > d[1]) - (d[0] < d[1]);
			have = sfs_exact_against_sums(&x, &y, r[0], r[1], r[2]);
			wrong += have != want;
			touching += want == 0;
			/* 6 D(x) against slope times the ramp */
			ramp = slope * m1 * m2 * (m1 + m2);
			want = (12 * d[0] > ramp) - (12 * d[0] < ramp);
			have = sfs_exact_against_ramp(&x, 6.0, (double) slope, scale, r[0], r[1], r[2]);
			wrong += have != want;
			touching += want == 0;
			want = (m2 * sums[0][0] > m1 * sums[0][1]) - (m2 * sums[0][0] < m1 * sums[0][1]);
			have = sfs_exact_weighted(&x, NULL, r[0], r[1], r[2]);
			wrong += have != want;
			touching += want == 0;
		}
		intact = release(space[0], n, false) && release(space[1], n, false) && intact;
	}
	ok(wrong == 0 && touching > 1000, "small integers: %ld wrong, %ld touch", wrong, touching);
	ok(intact, "no word beyond the space is written");
}

/* Test one spread of exponents; products have twice the spread. */
static void
test_spread(int low, int high, int bits, size_t n)
{
	long wrong = 0;
	SfsExactSums x;
	SfsExactSums y;
	SfsExactSums products;
	SfsExactSums weights;
	uint64_t *space[4];
	bool intact = true;
	int spread = high - low;
	int words;

	fill(a_list, n, low, high, bits);
	fill(b_list, n, low, high, bits);
	for (size_t i = 0; i < n; i++)
		ones[i] = b_list[i] == 0.0 ? 1.0 : fabs(b_list[i]);
	space[0] = prepare(&x, a_list, NULL, n);
	space[1] = prepare(&y, b_list, NULL, n);
	space[2] = prepare(&products, a_list, ones, n);
	space[3] = prepare(&weights, ones, NULL, n);
	words = x.words;
	for (int k = 0; k < 60; k++)
	{
		size_t r[3];
		double factor = k % 2 ? 1.0 : ldexp(1.0 + uniform(), (int) below(40));
		double slope = ldexp(1.0 + uniform(), low + (int) below((size_t) spread + 1));
		int e = k % 3 ? 0 : (int) below(1400) - 700;
		Integer left;
		Integer right;

		draw_ranges(n, x.stride, r);
		/* long ranges are slow to add up by definition */
		if (r[2] - r[0] > 120)
			r[2] = r[0] + 3 + below(117);
		if (r[1] >= r[2])
			r[1] = r[0] + 1;
		left = mean_difference(a_list, r[0], r[1], r[2]);
		right = mean_difference(b_list, r[0], r[1], r[2]);
		wrong += sfs_exact_against_sums(&x, &y, r[0], r[1], r[2]) != integer_compare(&left, &right);
		wrong += sfs_exact_against_ramp(&x, factor, slope, e, r[0], r[1], r[2]) !=
				 ramp_by_definition(a_list, factor, slope, e, r[0], r[1], r[2]);
		wrong += sfs_exact_weighted(&products, &weights, r[0], r[1], r[2]) !=
				 weighted_by_definition(a_list, ones, r[0], r[1], r[2]);
	}
	intact = release(space[0], n, false) && release(space[1], n, false) && intact;
	intact = release(space[2], n, true) && release(space[3], n, false) && intact;
	ok(wrong == 0 && intact, "exponents %d to %d, %zu terms of %d words (products %d): %ld wrong",
	   low, high, n, words, products.words, wrong);
}

/* Test the widest sums there are and their strides. */
static void
test_widest(void)
{
	SfsExactSums x;
	uint64_t *space;
	size_t n = 100;
	long wrong = 0;

	for (size_t i = 0; i < n; i++)
		a_list[i] = i % 2 ? 0x1.fffffffffffffp1023 : 0x1p-1074;
	space = prepare(&x, a_list, NULL, n);
	ok(x.words >= 33 && x.words <= 34 && x.stride == ((size_t) x.words + 1) / 2,
	   "the widest data has %d words and stride %zu", x.words, x.stride);
	for (size_t b = 1; b < n; b++)
		wrong += sfs_exact_against_ramp(&x, 1.0, 0x1p-1074, 0, 0, b, n) !=
				 ramp_by_definition(a_list, 1.0, 0x1p-1074, 0, 0, b, n);
	ok(release(space, n, false) && wrong == 0, "splits of the widest data: %ld wrong", wrong);
}

/* Test sums that are equal, and that miss equality by one small term. */
static void
test_touching(void)
{
	long wrong = 0;

	for (int round = 0; round < 900; round++)
	{
		size_t m1 = 2 + below(20);
		size_t m2 = 1 + below(20);
		size_t n = m1 + m2;
		double large = ldexp(3.0, round);
		double tiny = ldexp(1.0, (int) below(900) - 1074) * ((double) below(3) - 1.0);
		SfsExactSums x;
		SfsExactSums y;
		uint64_t *space[2];
		int want = (tiny > 0.0) - (tiny < 0.0);

		/* the same two sums, spread out and in one place, but for one tiny term */
		for (size_t i = 0; i < n; i++)
		{
			a_list[i] = i == m1 - 1 ? tiny : large;
			b_list[i] = 0.0;
		}
		b_list[0] = large * (double) (m1 - 1);
		b_list[n - 1] = large * (double) m2;
		space[0] = prepare(&x, a_list, NULL, n);
		space[1] = prepare(&y, b_list, NULL, n);
		wrong += sfs_exact_against_sums(&x, &y, 0, m1, n) != want;
		wrong += sfs_exact_against_sums(&y, &x, 0, m1, n) != -want;
		free(space[0]);
		free(space[1]);
	}
	ok(wrong == 0, "sums that touch, or miss by one term far below: %ld wrong", wrong);
}

/* Test lists of zeros. */
static void
test_zeros(void)
{
	SfsExactSums x;
	uint64_t *space;

	memset(a_list, 0, sizeof(a_list));
	space = prepare(&x, a_list, NULL, 50);
	ok(sfs_exact_against_ramp(&x, 1.0, 0.0, 0, 0, 20, 50) == 0 &&
		   sfs_exact_against_ramp(&x, 1.0, 0x1p-1074, 0, 0, 20, 50) == -1 &&
		   sfs_exact_against_ramp(&x, 1.0, 0x1p-500, -4000, 0, 20, 50) == -1 &&
		   sfs_exact_weighted(&x, NULL, 0, 20, 50) == 0,
	   "zeros against ramps of slope 0 and above");
	ok(release(space, 50, false), "no word beyond the space is written for zeros");
}

int
main(void)
{
	test_small();
	test_spread(0, 0, 20, 300);
	test_spread(-30, 30, 53, 300);
	test_spread(-200, 200, 53, 500);
	test_spread(-500, -300, 10, 500);
	test_spread(-1000, 1000, 53, 1000);
	test_spread(-1021, 1024, 53, 2000);
	test_spread(900, 1024, 53, 64);
	test_spread(-1020, -1000, 50, 64);
	test_widest();
	test_touching();
	test_zeros();
	return done_testing();
}
