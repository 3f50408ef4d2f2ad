/*
 * long_kernel.h - what kernels of long rows share.
 */
#ifndef SFS_LONG_KERNEL_H
#define SFS_LONG_KERNEL_H

#include "long.h"

#include "sums.h"

/* Sum term(i) over positions [first, end) of a row of n, free of order; the folds are exact. */
template <class Term>
SFS_DEVICE void
free_folds(const LongTile &tile, int n, int bound, int folds, int first, int end, const Term &term,
		   double *fold)
{
	SfsFreeSum sum;

	sfs_free_init(&sum, bound, (size_t) n);
	for (int i = first + tile.rank; i < end; i += LONG_THREADS)
	{
		double one = term(i);

		sfs_free_add(&sum, &one, 1, folds);
	}
	for (int k = 0; k < folds; k++)
	{
		double total = tile.total(sum.fold[k]);

		if (tile.rank == 0)
			fold[k] = total;
	}
}

/* Note in the higher levels that a word has bits now; only bits are set meanwhile. */
SFS_DEVICE void
raise_word(const Bitmap &starts, int word)
{
	for (int k = 1; k < starts.levels; k++)
	{
		uint32_t bit = 1u << (word % 32);

		word /= 32;
		if (atomicOr(&starts.level[k][word], bit) != 0)
			break; /* whoever set the first bit goes on */
	}
}

/* Note that a word has no bits any more; only bits are cleared meanwhile. */
SFS_DEVICE void
lower_word(const Bitmap &starts, int word)
{
	for (int k = 1; k < starts.levels; k++)
	{
		uint32_t bit = 1u << (word % 32);

		word /= 32;
		if ((atomicAnd(&starts.level[k][word], ~bit) & ~bit) != 0)
			break; /* whoever clears the last bit goes on */
	}
}

/* Set a bit that nobody else does. */
SFS_DEVICE void
set_start(const Bitmap &starts, int x)
{
	atomicOr(&starts.level[0][x / 32], 1u << (x % 32));
	raise_word(starts, x / 32);
}

#endif /* SFS_LONG_KERNEL_H */
