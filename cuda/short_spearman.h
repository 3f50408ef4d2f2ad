/*
 * short_spearman.h - correlations of ranks and of soft ranks, as spearman.c and
 * soft_spearman.c do.
 */
#ifndef SFS_SHORT_SPEARMAN_H
#define SFS_SHORT_SPEARMAN_H

#include "short_rank.h"

/* Return a correlation from its sums, NaN where it is undefined. */
SFS_DEVICE double
correlation(double product, double x_square, double y_square)
{
	double rho;

	if (x_square == 0.0 || y_square == 0.0)
		return NAN;
	rho = product / sqrt(x_square * y_square);
	return rho > 1.0 ? 1.0 : rho < -1.0 ? -1.0 : rho;
}

/*
 * Visit the doubled centered mid-ranks of one side: each(element, rank).  Integers up to
 * the capacity of a tile, so that their sums are exact in 64 bits (N12).
 */
template <class Tile, class Each>
SFS_DEVICE void
mid_ranks(ShortRow<Tile> &row, const DeviceList &x, const Each &each)
{
	const double *v = row.memory.v;
	int n = row.n;

	(void) load_values(row, x, true);
	sort_values(row);
	clear_starts(row);
	for (int i = row.tile.rank; i < (n + 31) / 32 * 32; i += Tile::THREADS)
	{
		uint32_t bits = __ballot_sync(SFS_WARP, i < n && (i == 0 || v[i] != v[i - 1]));

		if (i % 32 == 0)
			row.starts.bits[i / 32] = bits;
	}
	row.tile.sync();
	raise_starts(row);
	for (int i = row.tile.rank; i < n; i += Tile::THREADS)
		each((int) row.memory.position[i], row.starts.last(i) + row.starts.next(i + 1, n) - n);
	row.tile.sync();
}

/* Return the Spearman correlation of two lists; rank has room for n integers. */
template <class Tile>
SFS_DEVICE double
spearman(ShortRow<Tile> &row, const DeviceList &x, const DeviceList &y, int *rank)
{
	long long x_squares = 0;
	long long y_squares = 0;
	long long products = 0;

	mid_ranks(row, x,
			  [&](int element, int r)
			  {
				  rank[element] = r;
				  x_squares += (long long) r * r;
			  });
	mid_ranks(row, y,
			  [&](int element, int r)
			  {
				  products += (long long) r * rank[element];
				  y_squares += (long long) r * r;
			  });
	x_squares = row.tile.total(x_squares);
	y_squares = row.tile.total(y_squares);
	products = row.tile.total(products);
	return correlation((double) products, (double) x_squares, (double) y_squares);
}

/* One side of the soft correlation. */
struct SoftSide
{
	double *deviation; /* by element, largest magnitude in [1, 2) */
	double unit;	   /* true deviations are deviation / unit * 2^exponent */
	int exponent;
	double square; /* deviation . deviation; 0 for a constant side */
};

/* Compute the deviations of one side; false: the row is for the CPU. */
template <int REG, class Tile>
SFS_DEVICE bool
soft_side(ShortRow<Tile> &row, const Batch &batch, const DeviceList &x, SoftSide *side)
{
	double *deviation = side->deviation;
	double most = 0.0;
	int exponent;

	side->square = 0.0;
	side->exponent = 0;
	if (!fit_rank<REG>(row, batch, x))
		return false;
	rank_deviations<REG>(row, 0.0, &side->unit,
						 [&](int i, double value)
						 {
							 deviation[row.element(i)] = value;
							 most = fabs(value) > most ? fabs(value) : most;
						 });
	most = row.tile.most(most);
	row.tile.sync();
	if (most == 0.0)
		return true;
	exponent = sfs_exponent(most);
	if (exponent < -900 || exponent > 900)
		return false;
	side->exponent = exponent;
	for (int i = row.tile.rank; i < row.n; i += Tile::THREADS)
		deviation[i] *= sfs_pow2(-exponent);
	row.tile.sync();
	side->square = free_sum(row.tile, row.n, 2, SFS_FREE_FOLDS,
							[=](int i) { return deviation[i] * deviation[i]; });
	return true;
}

#endif /* SFS_SHORT_SPEARMAN_H */
