/*
 * standardize.c - the strength in units of a list's own spread.
 *
 * strength_used = strength * std / sqrt((n^2 - 1) / 12), rounded once (N11): for
 * 1, 2, ..., n the factor is exactly 1, and neighbours that touch do touch.  So
 * the sums are taken in twice the working precision, free of order.
 */
#include "row.h"

#include "pair.h"

/* Return the sum of the folds of a free sum. */
static SfsPair
total(const SfsFreeSum *sum)
{
	SfsPair result = {0.0, 0.0};

	for (int k = SFS_FREE_FOLDS - 1; k >= 0; k--)
	{
		SfsPair step = sfs_pair_sum(sum->fold[k], result.high);

		result = sfs_pair_sum(step.high, step.low + result.low);
	}
	return result;
}

/* See row.h. */
SfsStrength
sfs_standardized(const SfsFit *fit, SfsStrength strength)
{
	SfsPair spread = {fit->spread[0], fit->spread[1]};
	SfsPair used = sfs_pair_multiply(spread, (SfsPair){strength.m, 0.0});

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
	SfsPair sum;
	SfsPair ratio;
	SfsPair count = {(double) fit->n, 0.0};
	/* n (n^2 - 1) / 12 as an exact integer times 1/12 */
	__int128 cube = (__int128) fit->n * ((__int128) fit->n * (__int128) fit->n - 1);
	SfsPair ramp = {(double) cube, 0.0};
	SfsPair twelve = {12.0, 0.0};

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
			SfsPair d = sfs_pair_sum(sfs_scale(value[k], fit->shift), -fit->base);
			SfsPair square = sfs_pair_product(d.high, d.high);

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
	ratio = sfs_pair_subtract(total(&squares), sfs_pair_divide(sfs_pair_multiply(sum, sum), count));
	fit->square_sum = ratio.high;
	ratio = sfs_pair_square_root(sfs_pair_divide(sfs_pair_multiply(ratio, twelve), ramp));
	fit->spread[0] = ratio.high;
	fit->spread[1] = ratio.low;
	fit->strength = sfs_standardized(fit, fit->strength);
	return false;
}
