/*
 * argsort.h - stable sort of one row, largest value first.
 */
#ifndef SFS_ARGSORT_H
#define SFS_ARGSORT_H

#include "poll.h"

/* Bytes of scratch that sfs_argsort needs for n values. */
#define SFS_ARGSORT_SCRATCH(n) (((n) > 64 ? (n) : 64) * sizeof(uint64_t))

/* How many elements before its turn a value at a random place is asked for. */
#define SFS_PREFETCH 24

/*
 * Sort v_i = x_i (or -x_i when negate) descending, equal values in the order
 * of their positions; -0 equals +0.  perm[k] receives the position of the k-th
 * largest value and sorted[k] that value, never -0.  Infinities are ordered;
 * there must be no NaN.  Takes O(n) time.
 */
extern SfsStatus sfs_argsort(const void *x, SfsType type, bool negate, size_t n, uint32_t *perm,
							 double *sorted, uint64_t *scratch, SfsPoll *poll);

/*
 * The first half of that: sort words of 32 leading key bits over the position.
 * exact: equal leading bits are equal values.  Else the runs of equal leading
 * bits stand in the order of their positions, for sfs_sort_run.  word has
 * max(n, 64) words, other n.
 */
extern SfsStatus sfs_sort_words(const void *x, SfsType type, bool negate, size_t n, uint64_t *word,
								uint64_t *other, bool *exact, SfsPoll *poll);

/* Sort n values of a run descending, and perm along; word is scratch of n words. */
extern SfsStatus sfs_sort_run(double *sorted, uint32_t *perm, size_t n, uint64_t *word,
							  SfsPoll *poll);

/* Return the end of the run of equal leading bits that begins at i. */
static inline size_t
sfs_run_end(const uint64_t *word, size_t i, size_t n)
{
	uint64_t leading = word[i] >> 32;

	do
		i++;
	while (i < n && word[i] >> 32 == leading);
	return i;
}

/* Return the value v that is sorted, for position i. */
static inline double
sfs_sort_value(const void *x, SfsType type, bool negate, uint32_t i)
{
	double value = type == SFS_FLOAT64 ? ((const double *) x)[i] : (double) ((const float *) x)[i];

	return value * (negate ? -1.0 : 1.0) + 0.0;
}

#endif /* SFS_ARGSORT_H */
