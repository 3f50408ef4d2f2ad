/*
 * sums.h - the two ways in which this project adds numbers up.
 *
 * Both give the same bits at every SIMD level and on every engine (N3):
 *
 * SfsTreeSum adds a sequence over one fixed tree.  The sequence is cut into
 * leaves of SFS_LEAF terms counted from its own start; a leaf is summed in
 * eight lanes (term i to lane i mod 8), the lanes are folded by halves, and
 * leaves are joined pairwise like the carries of a binary counter.  Used for
 * sorted blocks, where the order is given by the values.
 *
 * SfsFreeSum does not depend on the order at all.  Each term is split at fixed
 * binary positions into parts so short that their sums are exact in double;
 * exact sums commute.  Used wherever no sort precedes.
 */
#ifndef SFS_SUMS_H
#define SFS_SUMS_H

#include <stddef.h>
#include <stdint.h>

#include "elementary.h"

#define SFS_LEAF ((size_t) 128)
#define SFS_TREE_LEVELS 33

typedef struct SfsTreeSum
{
	double level
		[SFS_TREE_LEVELS]; /* level[k]: sum of 2^k leaves, valid where bit k of leaves is set */
	uint64_t leaves;
} SfsTreeSum;

/* Begin an empty sum. */
SFS_INLINE void
sfs_tree_init(SfsTreeSum *tree)
{
	tree->leaves = 0;
}

/* Sum one leaf of n <= SFS_LEAF terms. */
SFS_INLINE double
sfs_leaf_sum(const double *term, size_t n)
{
	double lane[8] = {0, 0, 0, 0, 0, 0, 0, 0};
	size_t i = 0;

	for (; i + 8 <= n; i += 8)
		for (size_t j = 0; j < 8; j++)
			lane[j] += term[i + j];
	for (size_t j = 0; i + j < n; j++)
		lane[j] += term[i + j];
	return ((lane[0] + lane[4]) + (lane[2] + lane[6])) +
		   ((lane[1] + lane[5]) + (lane[3] + lane[7]));
}

/* Add the next leaf; every leaf but the last has SFS_LEAF terms. */
SFS_INLINE void
sfs_tree_add(SfsTreeSum *tree, const double *term, size_t n)
{
	double sum = sfs_leaf_sum(term, n);
	uint64_t carry = tree->leaves++;
	int k = 0;

	for (; carry & 1; carry >>= 1)
		sum = tree->level[k++] + sum;
	tree->level[k] = sum;
}

/* Return the sum of all leaves added. */
SFS_INLINE double
sfs_tree_total(const SfsTreeSum *tree)
{
	double sum = 0.0;

	for (int k = 0; k < SFS_TREE_LEVELS && tree->leaves >> k != 0; k++)
		if (tree->leaves >> k & 1)
			sum = tree->level[k] + sum;
	return sum;
}

#define SFS_FREE_FOLDS 3

typedef struct SfsFreeSum
{
	double splitter[SFS_FREE_FOLDS]; /* 1.5 * 2^k: adding and subtracting it cuts a term */
	double fold[SFS_FREE_FOLDS];	 /* exact sums of the parts */
} SfsFreeSum;

/*
 * Begin a sum of at most n terms of magnitude below 2^bound, where the caller
 * keeps -400 <= bound <= 900.  What the last fold drops of one term is below
 * 2^bound * (2n)^3 / 2^153, and below 2^bound * (2n)^2 / 2^102 with two folds.
 */
SFS_INLINE void
sfs_free_init(SfsFreeSum *sum, int bound, size_t n)
{
	int log_n = 64 - sfs_leading_zeros((uint64_t) n | 1);

	for (int k = 0; k < SFS_FREE_FOLDS; k++)
	{
		/* n parts of 2^bound stay below 2^53 units of 2^(bound + log_n - 51) */
		int top = bound + log_n + 1;

		sum->splitter[k] = 1.5 * sfs_pow2(top);
		sum->fold[k] = 0.0;
		bound = top - 52;
	}
}

/* Add n terms, in any order and in any number of calls, with the first `folds` folds. */
SFS_INLINE void
sfs_free_add(SfsFreeSum *sum, const double *term, size_t n, int folds)
{
	double lane[SFS_FREE_FOLDS][4] = {{0}};
	size_t i = 0;

	for (; i + 4 <= n; i += 4)
		for (size_t j = 0; j < 4; j++)
		{
			double rest = term[i + j];

			for (int k = 0; k < folds; k++)
			{
				double part = (rest + sum->splitter[k]) - sum->splitter[k];

				lane[k][j] += part;
				rest -= part;
			}
		}
	for (; i < n; i++)
	{
		double rest = term[i];

		for (int k = 0; k < folds; k++)
		{
			double part = (rest + sum->splitter[k]) - sum->splitter[k];

			lane[k][0] += part;
			rest -= part;
		}
	}
	for (int k = 0; k < folds; k++)
		sum->fold[k] += (lane[k][0] + lane[k][1]) + (lane[k][2] + lane[k][3]);
}

/* Return the sum, rounded. */
SFS_INLINE double
sfs_free_total(const SfsFreeSum *sum)
{
	double total = 0.0;

	for (int k = SFS_FREE_FOLDS - 1; k >= 0; k--)
		total += sum->fold[k];
	return total;
}

#endif /* SFS_SUMS_H */
