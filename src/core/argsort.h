/*
 * argsort.h - stable sort of one row, largest value first.
 */
#ifndef SFS_ARGSORT_H
#define SFS_ARGSORT_H

#include "poll.h"

/* Bytes of scratch that sfs_argsort needs for n values. */
#define SFS_ARGSORT_SCRATCH(n) (((n) > 64 ? (n) : 64) * sizeof(uint64_t))

/*
 * Sort v_i = x_i (or -x_i when negate) descending, equal values in the order
 * of their positions; -0 equals +0.  perm[k] receives the position of the k-th
 * largest value and sorted[k] that value, never -0.  low and high are the
 * smallest and the largest v; infinities are ordered; there must be no NaN.
 * Takes O(n) time beyond the sorting of words, up to SFS_WORDS_MAX at a time.
 */
extern SfsStatus sfs_argsort(const void *x, SfsType type, bool negate, size_t n, double low,
							 double high, uint32_t *perm, double *sorted, uint64_t *scratch,
							 SfsPoll *poll);

/* Do that, where the positions may be had or not: perm gets any value. */
extern SfsStatus sfs_sort_values(const void *x, SfsType type, bool negate, size_t n, double low,
								 double high, uint32_t *perm, double *sorted, uint64_t *scratch,
								 SfsPoll *poll);

/* The same by the bits of the values, for any distribution of them. */
extern SfsStatus sfs_keysort(const void *x, SfsType type, bool negate, size_t n, uint32_t *perm,
							 double *sorted, uint64_t *scratch, SfsPoll *poll);

/* Find the smallest and the largest v of a row; 0 when it is empty; true when stopped. */
extern bool sfs_range(const void *x, SfsType type, bool negate, size_t n, double *low, double *high,
					  SfsPoll *poll);

/* Return the value v that is sorted, for position i. */
static inline double
sfs_sort_value(const void *x, SfsType type, bool negate, size_t i)
{
	double value = type == SFS_FLOAT64 ? ((const double *) x)[i] : (double) ((const float *) x)[i];

	return value * (negate ? -1.0 : 1.0) + 0.0;
}

#endif /* SFS_ARGSORT_H */
