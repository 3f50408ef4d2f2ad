/*
 * short_sort.h - soft sorts and their derivatives from the blocks of a row, as sort.c does.
 */
#ifndef SFS_SHORT_SORT_H
#define SFS_SHORT_SORT_H

#include "short_fit.h"

/* Return log of the mean of m exponentials, of which the sum of the terms is given. */
SFS_DEVICE double
log_mean(bool near_one, double terms, double m)
{
	if (near_one)
		return sfs_log1p(terms / m);
	return sfs_log(terms) - sfs_log(m);
}

/* Call put(i, value) for every sorted value. */
template <int REG, class Tile, class Put>
SFS_DEVICE void
sorted_values(ShortRow<Tile> &row, const Put &put)
{
	const double *v = row.memory.v;
	double *of_ramp = row.memory.work[0];
	double *sum = row.memory.work[1];
	const ShortBitmap &starts = row.starts;
	double strength = row.strength;
	int n = row.n;

	if (REG == SFS_REG_L2)
		block_sums(
			row.tile, starts, n, [=](int a, int i) { return v[i] - v[a]; }, sum);
	else
	{
		block_sums(
			row.tile, starts, n,
			[&](int a, int i)
			{
				double m = (double) (starts.next(i + 1, n) - a);
				double d = -(double) (i - a) / strength;

				return (m - 1.0) / strength <= SFS_KL_NEAR_ONE ? sfs_expm1(d) : sfs_exp(d);
			},
			of_ramp);
		block_sums(
			row.tile, starts, n,
			[&](int a, int i)
			{
				double range = v[a] - v[starts.next(i + 1, n) - 1];
				double d = v[i] - v[a];

				return range <= SFS_KL_NEAR_ONE ? sfs_expm1(d) : sfs_exp(d);
			},
			sum);
	}
	for (int i = row.tile.rank; i < n; i += Tile::THREADS)
	{
		int a = starts.last(i);
		int b = starts.next(i + 1, n);
		double m = (double) (b - a);
		double high = v[a];
		double low = v[b - 1];
		double range = high - low;
		double value;

		if (b - a == 1)
		{
			put(i, v[i]);
			continue;
		}
		row.unsure |= range > 0.0 && range < PLAIN_MIN;
		if (REG == SFS_REG_L2)
			value = (high + sum[a] / m) + ((m - 1.0) * 0.5 - (double) (i - a)) / strength;
		else
		{
			double of_data = log_mean(range <= SFS_KL_NEAR_ONE, sum[a], m);
			bool near_one = (m - 1.0) / strength <= SFS_KL_NEAR_ONE;
			double shift = of_data - log_mean(near_one, of_ramp[a], m);

			value = high + (-(double) (i - a) / strength + shift);
		}
		value = value < low ? low : value;
		put(i, value > high ? high : value);
	}
}

/* Replace values by their mean over each group of equal v, summed in order (N10). */
template <class Tile>
SFS_DEVICE void
average_ties(ShortRow<Tile> &row, double *value)
{
	const double *v = row.memory.v;
	int n = row.n;

	row.tile.sync();
	for (int i = row.tile.rank; i < n; i += Tile::THREADS)
	{
		double sum = value[i];
		int end = i + 1;

		if ((i > 0 && v[i - 1] == v[i]) || end == n || v[end] != v[i])
			continue;
		for (; end < n && v[end] == v[i]; end++)
			sum += value[end];
		sum /= (double) (end - i);
		for (int k = i; k < end; k++)
			value[k] = sum;
	}
	row.tile.sync();
}

/*
 * Write the product of the Jacobian of soft_sort, or its transpose, and g, which is in the
 * order of v and may be changed.
 */
template <int REG, class Tile>
SFS_DEVICE void
sort_product(ShortRow<Tile> &row, double *g, bool transposed, double *out)
{
	const double *v = row.memory.v;
	double *p = row.memory.work[0];
	double *sum = row.memory.work[1];
	double *of_g = row.memory.work[2];
	const ShortBitmap &starts = row.starts;
	int n = row.n;

	if (!transposed)
		average_ties(row, g);
	if (REG == SFS_REG_L2)
		block_sums(
			row.tile, starts, n, [=](int, int i) { return g[i]; }, sum);
	else
	{
		for (int i = row.tile.rank; i < n; i += Tile::THREADS)
			p[i] = sfs_exp(v[i] - v[starts.last(i)]);
		row.tile.sync();
		block_sums(
			row.tile, starts, n, [=](int, int i) { return p[i]; }, sum);
		if (transposed)
			block_sums(
				row.tile, starts, n, [=](int, int i) { return g[i]; }, of_g);
		else
			block_sums(
				row.tile, starts, n, [=](int a, int i) { return p[i] * (g[i] - g[a]); }, of_g);
	}
	for (int i = row.tile.rank; i < n; i += Tile::THREADS)
	{
		int a = starts.last(i);
		int b = starts.next(i + 1, n);
		double range = v[a] - v[b - 1];

		row.unsure |= REG == SFS_REG_KL && range > 0.0 && range < PLAIN_MIN;
		if (b - a == 1)
			out[i] = g[i];
		else if (REG == SFS_REG_L2)
			out[i] = sum[a] / (double) (b - a);
		else if (transposed)
			out[i] = p[i] / sum[a] * of_g[a];
		else
			out[i] = g[a] + of_g[a] / sum[a];
	}
	if (transposed)
		average_ties(row, out);
	else
		row.tile.sync();
}

#endif /* SFS_SHORT_SORT_H */
