/*
 * short_fit.h - from a list and its options to blocks, as fit.c and standardize.c do.
 */
#ifndef SFS_SHORT_FIT_H
#define SFS_SHORT_FIT_H

#include "short_row.h"

/* Return whether a ratio of range to strength makes a soft_rank row one block (N8). */
template <int REG>
SFS_DEVICE bool
rank_is_one_block(double ratio, int n)
{
	if (REG == SFS_REG_L2)
		return ratio <= (double) n * 0.5 * (1.0 - 0x1p-48);
	return ratio <= SFS_KL_NEAR_ONE;
}

/* Return the sum of three folds in twice the working precision. */
SFS_DEVICE SfsPair
pair_total(const SfsFreeSum &sum)
{
	SfsPair result = {0.0, 0.0};

	for (int k = SFS_FREE_FOLDS - 1; k >= 0; k--)
	{
		SfsPair step = sfs_pair_sum(sum.fold[k], result.high);

		result = sfs_pair_sum(step.high, step.low + result.low);
	}
	return result;
}

/* Replace the strength by strength * std / sqrt((n^2 - 1) / 12) (N11), as standardize.c does. */
template <class Tile>
SFS_DEVICE void
standardize(ShortRow<Tile> &row)
{
	int exponent = sfs_exponent(row.high * 0.5 - row.low * 0.5);
	double n = (double) row.n;
	/* n (n^2 - 1), exact in a pair */
	SfsPair cube =
		sfs_pair_multiply({n, 0.0}, sfs_pair_subtract(sfs_pair_product(n, n), {1.0, 0.0}));
	SfsFreeSum deviations;
	SfsFreeSum squares;
	SfsPair sum;
	SfsPair ratio;

	row.shift = -1 - exponent;
	row.base = sfs_scale(row.low, row.shift) * 0.5 + sfs_scale(row.high, row.shift) * 0.5;
	sfs_free_init(&deviations, 2, (size_t) row.n);
	sfs_free_init(&squares, 2, 2 * (size_t) row.n);
	for (int i = row.tile.rank; i < row.n; i += Tile::THREADS)
	{
		SfsPair d = sfs_pair_sum(sfs_scale(row.memory.v[i], row.shift), -row.base);
		SfsPair square = sfs_pair_product(d.high, d.high);
		double low = square.low + 2.0 * d.high * d.low;

		sfs_free_add(&deviations, &d.high, 1, SFS_FREE_FOLDS);
		sfs_free_add(&deviations, &d.low, 1, SFS_FREE_FOLDS);
		sfs_free_add(&squares, &square.high, 1, SFS_FREE_FOLDS);
		sfs_free_add(&squares, &low, 1, SFS_FREE_FOLDS);
	}
	for (int k = 0; k < SFS_FREE_FOLDS; k++)
	{
		deviations.fold[k] = row.tile.total(deviations.fold[k]);
		squares.fold[k] = row.tile.total(squares.fold[k]);
	}
	sum = pair_total(deviations);
	row.offset = sum.high / n;
	ratio = sfs_pair_subtract(pair_total(squares),
							  sfs_pair_divide(sfs_pair_multiply(sum, sum), {n, 0.0}));
	row.square_sum = ratio.high;
	ratio = sfs_pair_square_root(sfs_pair_divide(sfs_pair_multiply(ratio, {12.0, 0.0}), cube));
	row.strength = sfs_scale(sfs_pair_multiply(ratio, {row.strength, 0.0}).high, -row.shift);
}

/*
 * Find the blocks of soft_rank of a list.  Returns false where the row is for the CPU, to
 * all threads; row.strength is 0 where every rank is the middle.
 */
template <int REG, class Tile>
SFS_DEVICE bool
fit_rank(ShortRow<Tile> &row, const Batch &batch, const DeviceList &x)
{
	double range;

	row.strength = batch.strength;
	if (!load_values(row, x, batch.descending))
		return false;
	range = row.high - row.low;
	if (range != 0.0 && range < PLAIN_MIN)
		return false;
	if (batch.standardize && range == 0.0)
		row.strength = 0.0;
	else if (batch.standardize)
	{
		standardize(row);
		if (!(row.strength > PLAIN_MIN && row.strength < PLAIN_MAX))
			return false;
	}
	if (row.n < 2 || range == 0.0 || rank_is_one_block<REG>(range / row.strength, row.n))
	{
		one_block(row);
		return true;
	}
	sort_values(row);
	solve<false, REG>(row);
	return !row.tile.any(row.unsure);
}

/* Find the blocks of soft_sort. */
template <int REG, class Tile>
SFS_DEVICE bool
fit_sort(ShortRow<Tile> &row, const Batch &batch, const DeviceList &x)
{
	row.strength = batch.strength;
	if (!load_values(row, x, !batch.descending))
		return false;
	sort_values(row);
	if (row.n < 2)
	{
		one_block(row);
		return true;
	}
	solve<true, REG>(row);
	return !row.tile.any(row.unsure);
}

#endif /* SFS_SHORT_FIT_H */
