/*
 * test_sums.c - the two sums of sums.h (N3): the tree sum is one fixed tree to
 * the last bit; the free sum is the same whatever the order and the calls, its
 * folds are exact, and what they drop stays below the stated bound.
 */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sums.h"
#include "tap.h"

#define MOST 200000

typedef __int128 Wide;

static double term[MOST];
static double shuffled[MOST];

/* Compare two doubles bit for bit. */
static bool
same(double a, double b)
{
	return sfs_double_bits(a) == sfs_double_bits(b);
}

/* Sum a leaf by its definition: eight lanes, folded by halves. */
static double
leaf_by_definition(const double *x, size_t n)
{
	double lane[8] = {0};

	for (size_t i = 0; i < n; i++)
		lane[i % 8] += x[i];
	for (size_t half = 4; half > 0; half /= 2)
		for (size_t j = 0; j < half; j++)
			lane[j] += lane[j + half];
	return lane[0];
}

/* Sum `leaves` leaves by definition: split at the largest power of two below their number. */
static double
tree_by_definition(const double *x, size_t n)
{
	size_t leaves = (n + SFS_LEAF - 1) / SFS_LEAF;
	size_t left = 1;

	if (leaves == 0)
		return 0.0;
	if (leaves == 1)
		return leaf_by_definition(x, n);
	while (left * 2 < leaves)
		left *= 2;
	left *= SFS_LEAF;
	return tree_by_definition(x, left) + tree_by_definition(x + left, n - left);
}

/* Sum by the tree. */
static double
tree(const double *x, size_t n)
{
	SfsTreeSum sum;

	sfs_tree_init(&sum);
	for (size_t i = 0; i < n; i += SFS_LEAF)
		sfs_tree_add(&sum, x + i, n - i < SFS_LEAF ? n - i : SFS_LEAF);
	return sfs_tree_total(&sum);
}

/* Sum by the free sum, in calls of random lengths up to `longest`. */
static SfsFreeSum
free_sum(const double *x, size_t n, int bound, size_t longest, int folds)
{
	SfsFreeSum sum;

	sfs_free_init(&sum, bound, n);
	for (size_t i = 0; i < n;)
	{
		size_t count = below(longest + 1);

		count = count < n - i ? count : n - i;
		sfs_free_add(&sum, x + i, count, folds);
		i += count;
	}
	return sum;
}

/* Shuffle x in place. */
static void
shuffle(double *x, size_t n)
{
	for (size_t i = n; i > 1; i--)
	{
		size_t j = below(i);
		double swap = x[i - 1];

		x[i - 1] = x[j];
		x[j] = swap;
	}
}

/* Test the tree at many lengths. */
static void
test_tree(void)
{
	long wrong = 0;
	double inexact = 0.0;

	for (size_t i = 0; i < MOST; i++)
		term[i] = normal() * exp2(40.0 * uniform());
	for (size_t n = 0; n <= 3000; n++)
		wrong += !same(tree(term, n), tree_by_definition(term, n));
	ok(wrong == 0, "tree sums of 0 to 3000 terms are the defined ones, %ld wrong", wrong);
	for (int k = 0; k < 200; k++)
	{
		size_t n = below(MOST);

		wrong += !same(tree(term, n), tree_by_definition(term, n));
	}
	for (size_t leaves = 1; leaves * SFS_LEAF < MOST; leaves *= 2)
		for (size_t n = leaves * SFS_LEAF - 2; n <= leaves * SFS_LEAF + 2; n++)
			wrong += !same(tree(term, n), tree_by_definition(term, n));
	ok(wrong == 0, "and so are long ones, %ld wrong", wrong);
	ok(same(tree(term, 0), 0.0), "an empty tree sum is 0");
	for (size_t i = 0; i < MOST; i++)
		term[i] = (double) below(1000000) - 500000.0;
	for (size_t i = 0; i < MOST; i++)
		inexact += term[i];
	ok(same(tree(term, MOST), inexact), "a tree sum of integers is exact");
	for (size_t i = 0; i < MOST; i++)
		term[i] = 0.1;
	ok(fabs(tree(term, MOST) - 0.1 * MOST) < 0.1 * MOST * 32 * 0x1p-53,
	   "a tree sum of equal terms errs by its depth, not its length");
}

/* Test that order and calls do not matter. */
static void
test_free_order(void)
{
	static const size_t lengths[] = {1, 2, 3, 4, 5, 7, 8, 9, 127, 128, 129, 1000, 65537};
	static const int bounds[] = {-400, -60, 0, 1, 2, 53, 500, 900};
	long wrong = 0;

	for (size_t l = 0; l < sizeof(lengths) / sizeof(lengths[0]); l++)
		for (size_t b = 0; b < sizeof(bounds) / sizeof(bounds[0]); b++)
			for (int folds = 2; folds <= 3; folds++)
			{
				size_t n = lengths[l];
				SfsFreeSum first;

				for (size_t i = 0; i < n; i++)
					term[i] = (2.0 * uniform() - 1.0) * exp2(-30.0 * uniform() * (i % 3)) *
							  ldexp(1.0, bounds[b]);
				first = free_sum(term, n, bounds[b], n, folds);
				memcpy(shuffled, term, n * sizeof(double));
				for (int k = 0; k < (n > 1000 ? 3 : 10); k++)
				{
					SfsFreeSum other;

					shuffle(shuffled, n);
					other = free_sum(shuffled, n, bounds[b], 1 + below(n), folds);
					wrong += !same(sfs_free_total(&first), sfs_free_total(&other));
				}
			}
	ok(wrong == 0, "free sums do not depend on order or calls, %ld wrong", wrong);
}

/* Return a fold as an integer number of units 2^unit; it has to be one. */
static Wide
units(double fold, int unit, bool *integral)
{
	double scaled = ldexp(fold, -unit);

	*integral = *integral && scaled == nearbyint(scaled) && fabs(scaled) < 0x1p120;
	return (Wide) scaled;
}

/* Test the folds against exact integer sums. */
static void
test_free_exact(void)
{
	long wrong = 0;
	long far = 0;
	bool integral = true;

	for (int round = 0; round < 400; round++)
	{
		size_t n = 1 + below(round % 4 == 0 ? 20000 : 300);
		int unit = (int) below(1200) - 460;
		int bits = 1 + (int) below(80);
		int bound = unit + bits;
		Wide want = 0;
		Wide have = 0;
		SfsFreeSum sum;
		double total;

		if (bound < -400 || bound > 900)
			continue;
		for (size_t i = 0; i < n; i++)
		{
			/* an integer below 2^bits of at most 53 bits, often close to the bound */
			int size = below(2) ? bits : 1 + (int) below((size_t) bits);
			double integer = trunc(ldexp(below(4) ? uniform() : 1.0 - 0x1p-53, size));

			integer = round % 3 != 0 && below(2) ? -integer : integer;
			term[i] = ldexp(integer, unit);
			want += (Wide) integer;
		}
		sum = free_sum(term, n, bound, 1 + below(n), SFS_FREE_FOLDS);
		for (int k = 0; k < SFS_FREE_FOLDS; k++)
			have += units(sum.fold[k], unit, &integral);
		wrong += have != want;
		total = ldexp(sfs_free_total(&sum), -unit);
		/* three roundings at most, of sums no larger than the first fold's */
		far +=
			fabs(total - (double) want) > 2.0 * DBL_EPSILON * fabs((double) want) +
											  0x1p-104 * (double) n * (double) n * ldexp(1.0, bits);
	}
	ok(integral, "folds are whole numbers of units");
	ok(wrong == 0, "folds add up to the exact integer sum, %ld wrong", wrong);
	ok(far == 0, "and the total is that, rounded, %ld wrong", far);
}

/* Test terms next to the bound, all of one sign, at every edge of the bound. */
static void
test_free_edges(void)
{
	static const int bounds[] = {-400, -399, 0, 899, 900};
	long wrong = 0;
	long inexact = 0;

	for (size_t b = 0; b < sizeof(bounds) / sizeof(bounds[0]); b++)
		for (size_t n = 1; n < 70000; n = n < 70 ? n + 1 : n * 2 - below(2))
			for (int folds = 2; folds <= 3; folds++)
			{
				double edge = nextafter(ldexp(1.0, bounds[b]), 0.0);
				/* n (2^53 - 1) units of 2^(bound - 53) */
				Wide want = (Wide) n * (((Wide) 1 << 53) - 1);
				Wide have = 0;
				bool integral = true;
				SfsFreeSum sum;

				for (size_t i = 0; i < n; i++)
					term[i] = edge;
				sum = free_sum(term, n, bounds[b], n, folds);
				for (int k = 0; k < SFS_FREE_FOLDS; k++)
					have += units(sum.fold[k], bounds[b] - 53, &integral);
				wrong += have != want || !integral;
				inexact += ldexp(sfs_free_total(&sum), 53 - bounds[b]) != (double) want;
			}
	ok(wrong == 0, "equal terms next to the bound add up exactly, %ld wrong", wrong);
	ok(inexact == 0, "and round once, %ld wrong", inexact);
}

/* Test what the last fold drops, for sums that announce many terms. */
static void
test_free_dropped(void)
{
	static const size_t announced[] = {1, 2, 1000, 1000000, 4294967294u};
	long wrong = 0;

	for (size_t a = 0; a < sizeof(announced) / sizeof(announced[0]); a++)
		for (int folds = 2; folds <= 3; folds++)
			for (int i = 0; i < 20000; i++)
			{
				double x = (2.0 * uniform() - 1.0) * exp2(-160.0 * uniform());
				double n = 2.0 * (double) announced[a];
				double limit = folds == 3 ? n * n * n * 0x1p-153 : n * n * 0x1p-102;
				double rest = x;
				SfsFreeSum sum;

				sfs_free_init(&sum, 0, announced[a]);
				sfs_free_add(&sum, &x, 1, folds);
				for (int k = 0; k < folds; k++)
					rest -= sum.fold[k]; /* exact */
				wrong += !(fabs(rest) < limit);
			}
	ok(wrong == 0, "what folds drop of a term is below the stated bound, %ld wrong", wrong);
}

int
main(void)
{
	test_tree();
	test_free_order();
	test_free_exact();
	test_free_edges();
	test_free_dropped();
	return done_testing();
}
