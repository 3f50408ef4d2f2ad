/*
 * short_rank.h - soft ranks and their derivatives from the blocks of a row, as rank.c does.
 */
#ifndef SFS_SHORT_RANK_H
#define SFS_SHORT_RANK_H

#include "short_fit.h"

/*
 * Call put(i, deviation) for the deviation of every v[i] from the middle rank, plus an
 * offset.  With `unit`, a row that is one block may leave the division by the strength
 * out, and says so there: true deviations are deviation / *unit.
 */
template <int REG, class Tile, class Put>
SFS_DEVICE void
rank_deviations(ShortRow<Tile> &row, double offset, double *unit, const Put &put)
{
	const double *v = row.memory.v;
	double *term = row.memory.work[0];
	double *sum = row.memory.work[1];
	const ShortBitmap &starts = row.starts;
	int n = row.n;
	bool single = n == 0 || starts.next(1, n) == n;
	bool constant = row.high == row.low;
	double free_total = 0.0;
	/* of the free sum where the row is one block that is not sorted (N8) */
	double ratio = (row.high - row.low) / row.strength;
	bool leave_out = unit != nullptr && single && !constant && REG == SFS_REG_L2;

	if (unit != nullptr)
		*unit = leave_out ? row.strength : 1.0;
	if (constant)
		;
	else if (REG == SFS_REG_L2 && row.sorted)
		block_sums(
			row.tile, starts, n, [=](int a, int i) { return v[i] - v[a]; }, sum);
	else if (REG == SFS_REG_L2)
	{
		double high = row.high;

		free_total = free_sum(row.tile, n, sfs_exponent(high - row.low) + 1, 2,
							  [=](int i) { return v[i] - high; });
	}
	else
	{
		for (int i = row.tile.rank; i < n; i += Tile::THREADS)
		{
			int a = starts.last(i);
			int b = starts.next(i + 1, n);
			double high = row.block_high(a);
			double block_ratio = (high - row.block_low(b)) / row.strength;
			double d = (v[i] - high) / row.strength;

			term[i] = block_ratio <= SFS_KL_NEAR_ONE ? sfs_expm1(d) : sfs_exp(d);
		}
		row.tile.sync();
		if (row.sorted)
			block_sums(
				row.tile, starts, n, [=](int, int i) { return term[i]; }, sum);
		else
		{
			int bound = sfs_exponent(sfs_expm1(-ratio)) + 2;

			free_total = free_sum(row.tile, n, bound < -400 ? -400 : bound, 2,
								  [=](int i) { return term[i]; });
		}
	}
	for (int i = row.tile.rank; i < n; i += Tile::THREADS)
	{
		int a = starts.last(i);
		int b = starts.next(i + 1, n);
		double m = (double) (b - a);
		double middle = (double) n * 0.5 - ((double) a + m * 0.5);
		double high = row.block_high(a);
		double range = high - row.block_low(b);
		double total = row.sorted ? sum[a] : free_total;
		double value = 0.0;

		if (b - a == 1 || range == 0.0)
		{
			put(i, middle + offset);
			continue;
		}
		row.unsure |= range < PLAIN_MIN;
		if (REG == SFS_REG_L2)
		{
			value = (v[i] - high) - total / m;
			if (!leave_out)
				value /= row.strength;
		}
		else
		{
			double weight = sfs_ramp_sum((size_t) n, (size_t) a, (size_t) b);
			double block_ratio = range / row.strength;
			double exponentials = block_ratio <= SFS_KL_NEAR_ONE ? m + total : total;

			row.unsure |= block_ratio < SFS_KL_RATIO_MIN;
			value = (term[i] - total / m) / exponentials * weight;
		}
		put(i, single ? value + offset : (value + middle) + offset);
	}
}

/*
 * Call put(i, product) for the product of the Jacobian at fixed strength and g, in the
 * order of v.
 */
template <int REG, class Tile, class Put>
SFS_DEVICE void
rank_product(ShortRow<Tile> &row, const double *g, const Put &put)
{
	const double *v = row.memory.v;
	double *p = row.memory.work[0];
	double *sum = row.memory.work[1];
	double *weighted = row.memory.work[2];
	const ShortBitmap &starts = row.starts;
	int n = row.n;

	if (row.strength == 0.0)
	{
		for (int i = row.tile.rank; i < n; i += Tile::THREADS)
			put(i, 0.0);
		return;
	}
	if (REG == SFS_REG_KL)
	{
		for (int i = row.tile.rank; i < n; i += Tile::THREADS)
			p[i] = sfs_exp((v[i] - row.block_high(starts.last(i))) / row.strength);
		row.tile.sync();
		block_sums(
			row.tile, starts, n, [=](int, int i) { return p[i]; }, sum);
		block_sums(
			row.tile, starts, n, [=](int a, int i) { return p[i] * (g[i] - g[a]); }, weighted);
	}
	else
		block_sums(
			row.tile, starts, n, [=](int a, int i) { return g[i] - g[a]; }, sum);
	for (int i = row.tile.rank; i < n; i += Tile::THREADS)
	{
		int a = starts.last(i);
		int b = starts.next(i + 1, n);

		if (b - a == 1)
			put(i, 0.0);
		else if (REG == SFS_REG_L2)
			put(i, ((g[i] - g[a]) - sum[a] / (double) (b - a)) / row.strength);
		else
		{
			double range = row.block_high(a) - row.block_low(b);
			double weight = sfs_ramp_sum((size_t) n, (size_t) a, (size_t) b);

			row.unsure |= range > 0.0 && range < PLAIN_MIN;
			put(i,
				weight * (p[i] / sum[a]) * ((g[i] - g[a]) - weighted[a] / sum[a]) / row.strength);
		}
	}
}

/* Return sum a_i b_i in the order of v over the fixed tree. */
template <class Tile>
SFS_DEVICE double
tree_dot(ShortRow<Tile> &row, const double *a, const double *b)
{
	double *sum = row.memory.work[1];

	row.tile.sync();
	block_sums(
		row.tile, WholeRow(), row.n, [=](int, int i) { return a[i] * b[i]; }, sum);
	return row.n > 0 ? sum[0] : 0.0;
}

/*
 * Call put(i, product) for the product of g with the Jacobian, or its transpose; under
 * standardize they differ (N11).  product, centered and moved have room for n values; they
 * are not used without standardize.
 */
template <int REG, class Tile, class Put>
SFS_DEVICE void
rank_jacobian_product(ShortRow<Tile> &row, const double *g, bool transposed, double *product,
					  double *centered, double *moved, const Put &put)
{
	double factor;

	if (row.square_sum == 0.0)
	{
		rank_product<REG>(row, g, put);
		return;
	}
	rank_product<REG>(row, g, [=](int i, double value) { product[i] = value; });
	for (int i = row.tile.rank; i < row.n; i += Tile::THREADS)
		centered[i] = (sfs_scale(row.memory.v[i], row.shift) - row.base) - row.offset;
	row.tile.sync();
	rank_product<REG>(row, centered, [=](int i, double value) { moved[i] = value; });
	factor = tree_dot(row, transposed ? moved : centered, g) / row.square_sum;
	for (int i = row.tile.rank; i < row.n; i += Tile::THREADS)
		put(i, product[i] - (transposed ? centered : moved)[i] * factor);
}

#endif /* SFS_SHORT_RANK_H */
