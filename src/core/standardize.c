/*
 * standardize.c - the strength in units of a list's own spread.
 *
 * strength_used = strength * std / sqrt((n^2 - 1) / 12), rounded once (N11): for
 * 1, 2, ..., n the factor is exactly 1, and neighbours that touch do touch.  So
 * the sums are taken in twice the working precision, free of order.
 */
#include "row.h"

#include <math.h>

/* An unevaluated sum of two doubles. */
typedef struct Pair
{
	double high;
	double low;
} Pair;

/* Return a + b exactly. */
static inline Pair
two_sum(double a, double b)
{
	double sum = a + b;
	double part = sum - a;
	Pair result = {sum, (a - (sum - part)) + (b - part)};

	return result;
}

/* Return a * b exactly, by Dekker's splitting; both in the safe range. */
static inline Pair
two_product(double a, double b)
{
	const double split = 0x1p27 + 1.0;
	double a_high = a * split - (a * split - a);
	double b_high = b * split - (b * split - b);
	double a_low = a - a_high;
	double b_low = b - b_high;
	Pair result;

	result.high = a * b;
	result.low =
		((a_high * b_high - result.high) + a_high * b_low + a_low * b_high) + a_low * b_low;
	return result;
}

/* Return x * y. */
static Pair
multiply(Pair x, Pair y)
{
	Pair product = two_product(x.high, y.high);

	return two_sum(product.high, product.low + (x.high * y.low + x.low * y.high));
}

/* Return x - y. */
static Pair
subtract(Pair x, Pair y)
{
	Pair sum = two_sum(x.high, -y.high);

	return two_sum(sum.high, sum.low + (x.low - y.low));
}

/* Return x / y. */
static Pair
divide(Pair x, Pair y)
{
	double first = x.high / y.high;
	Pair quotient = {first, 0.0};
	Pair rest = subtract(x, multiply(quotient, y));

	return two_sum(first, (rest.high + rest.low) / y.high);
}

/* Return the square root of x > 0. */
static Pair
square_root(Pair x)
{
	double first = sqrt(x.high);
	Pair root = {first, 0.0};
	Pair rest = subtract(x, multiply(root, root));

	return two_sum(first, (rest.high + rest.low) / (2.0 * first));
}

/* Return the sum of the folds of a free sum. */
static Pair
total(const SfsFreeSum *sum)
{
	Pair result = {0.0, 0.0};

	for (int k = SFS_FREE_FOLDS - 1; k >= 0; k--)
	{
		Pair step = two_sum(sum->fold[k], result.high);

		result = two_sum(step.high, step.low + result.low);
	}
	return result;
}

/* See row.h. */
SfsStrength
sfs_standardized(const SfsFit *fit, SfsStrength strength)
{
	Pair spread = {fit->spread[0], fit->spread[1]};
	Pair used = multiply(spread, (Pair){strength.m, 0.0});

	return sfs_strength(used.high, strength.e - fit->shift);
}

/* See row.h. */
bool
sfs_standardize(const SfsInput *input, bool negate, SfsFit *fit, SfsPoll *poll)
{
	double value[SFS_LEAF];
	double low[SFS_LEAF];
	int exponent = sfs_exponent(fit->high * 0.5 - fit->low * 0.5);
	SfsFreeSum deviations;
	SfsFreeSum squares;
	Pair sum;
	Pair ratio;
	Pair count = {(double) fit->n, 0.0};
	/* n (n^2 - 1) / 12 as an exact integer times 1/12 */
	__int128 cube = (__int128) fit->n * ((__int128) fit->n * (__int128) fit->n - 1);
	Pair ramp = {(double) cube, 0.0};
	Pair twelve = {12.0, 0.0};

	ramp.low = (double) (cube - (__int128) ramp.high);
	if (exponent < -900)
		exponent = sfs_exponent(fit->high - fit->low) - 1;
	/* scaled, the range is between 1/2 and 1 */
	fit->shift = -1 - exponent;
	fit->base = sfs_scale(fit->low, fit->shift) * 0.5 + sfs_scale(fit->high, fit->shift) * 0.5;
	sfs_free_init(&deviations, 2, fit->n);
	sfs_free_init(&squares, 2, 2 * fit->n);
	for (size_t i = 0; i < fit->n; i += SFS_LEAF)
	{
		size_t m = sfs_leaf(i, fit->n);

		if (sfs_poll(poll, 8 * m))
			return true;
		sfs_load(input, i, m, negate, value);
		for (size_t k = 0; k < m; k++)
		{
			Pair d = two_sum(sfs_scale(value[k], fit->shift), -fit->base);
			Pair square = two_product(d.high, d.high);

			sfs_free_add(&deviations, &d.high, 1, SFS_FREE_FOLDS);
			sfs_free_add(&deviations, &d.low, 1, SFS_FREE_FOLDS);
			value[k] = square.high;
			low[k] = square.low + 2.0 * d.high * d.low;
		}
		sfs_free_add(&squares, value, m, SFS_FREE_FOLDS);
		sfs_free_add(&squares, low, m, SFS_FREE_FOLDS);
	}
	/* sum (d - mean d)^2 = sum d^2 - (sum d)^2 / n */
	sum = total(&deviations);
	fit->offset = sum.high / count.high;
	ratio = subtract(total(&squares), divide(multiply(sum, sum), count));
	fit->square_sum = ratio.high;
	ratio = square_root(divide(multiply(ratio, twelve), ramp));
	fit->spread[0] = ratio.high;
	fit->spread[1] = ratio.low;
	fit->strength = sfs_standardized(fit, fit->strength);
	return false;
}
