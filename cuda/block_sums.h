/*
 * block_sums.h - the sums that define digits, in parallel.
 *
 * The fixed tree of sums.h over every block of a row at once: a lane of a leaf is summed by
 * the thread at the lane's first term, a leaf is folded by the thread at its first
 * term, and the leaves of a block are joined by the thread at the block's.
 */
#ifndef SFS_BLOCK_SUMS_H
#define SFS_BLOCK_SUMS_H

#include "tile.h"

#include "sums.h"

/* Sum one lane: the terms i, i + 8, ... of a block's leaf. */
template <class Term>
SFS_DEVICE double
lane_sum(const Term &term, int a, int i, int end)
{
	double sum = 0.0;

	for (; i < end; i += 8)
		sum += term(a, i);
	return sum;
}

/* Fold the lanes of a leaf of `count` terms as sfs_leaf_sum does. */
SFS_DEVICE double
fold_lanes(const double *lane, int count)
{
	double l[8];

	SFS_UNROLL
	for (int j = 0; j < 8; j++)
		l[j] = j < count ? lane[j] : 0.0;
	return ((l[0] + l[4]) + (l[2] + l[6])) + ((l[1] + l[5]) + (l[3] + l[7]));
}

/*
 * Join leaves whose sums stand SFS_LEAF apart; they are overwritten.  Like the carries of a
 * binary counter: perfect subtrees first, then these from the last to the first.
 */
SFS_DEVICE double
join_leaves(double *leaf, int leaves)
{
	const int stride = (int) SFS_LEAF;
	double sum = 0.0;

	for (int width = 1; 2 * width <= leaves; width *= 2)
		for (int l = 0; l + 2 * width <= leaves; l += 2 * width)
			leaf[l * stride] = leaf[l * stride] + leaf[(l + width) * stride];
	for (int k = 0; leaves >> k != 0; k++)
		if (leaves >> k & 1)
			sum = leaf[(leaves >> (k + 1) << (k + 1)) * stride] + sum;
	return sum;
}

/*
 * Leave at sum[a] the sum of term(a, i) over each block [a, b) of more than one value; the
 * rest of sum is scratch.
 */
template <class Tile, class Starts, class Term>
SFS_DEVICE void
block_sums(const Tile &tile, const Starts &starts, int n, const Term &term, double *sum)
{
	const int leaf = (int) SFS_LEAF;

	for (int i = tile.rank; i < n; i += Tile::THREADS)
	{
		int a = starts.last(i);
		int end = a + (i - a) / leaf * leaf + leaf;

		if ((i - a) % leaf < 8)
			sum[i] = lane_sum(term, a, i, starts.next(i + 1, end < n ? end : n));
	}
	tile.sync();
	for (int i = tile.rank; i < n; i += Tile::THREADS)
	{
		int a = starts.last(i);
		int end = i + leaf < n ? i + leaf : n;

		if ((i - a) % leaf == 0)
			sum[i] = fold_lanes(sum + i, starts.next(i + 1, end) - i);
	}
	tile.sync();
	for (int i = tile.rank; i < n; i += Tile::THREADS)
		if (starts.has(i))
		{
			int m = starts.next(i + 1, n) - i;

			if (m > leaf)
				sum[i] = join_leaves(sum + i, (m + leaf - 1) / leaf);
		}
	tile.sync();
}

/* A row that is one block. */
struct WholeRow
{
	/* As those of Bitmap. */
	__device__ __forceinline__ int last(int) const
	{
		return 0;
	}

	__device__ __forceinline__ int next(int, int end) const
	{
		return end;
	}

	__device__ __forceinline__ bool has(int x) const
	{
		return x == 0;
	}
};

/* Return the sum of term(i) over a row, free of order, with the first `folds` folds. */
template <class Tile, class Term>
SFS_DEVICE double
free_sum(const Tile &tile, int n, int bound, int folds, const Term &term)
{
	SfsFreeSum sum;

	sfs_free_init(&sum, bound, (size_t) n);
	for (int i = tile.rank; i < n; i += Tile::THREADS)
	{
		double one = term(i);

		sfs_free_add(&sum, &one, 1, folds);
	}
	for (int k = 0; k < folds; k++)
		sum.fold[k] = tile.total(sum.fold[k]);
	return sfs_free_total(&sum);
}

#endif /* SFS_BLOCK_SUMS_H */
