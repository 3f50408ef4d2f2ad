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
 * largest value and sorted[k] that value, never -0.  Infinities are ordered;
 * there must be no NaN.  Takes O(n) time.
 */
extern SfsStatus sfs_argsort(const void *x, SfsType type, bool negate, size_t n, uint32_t *perm,
							 double *sorted, uint64_t *scratch, SfsPoll *poll);

#endif /* SFS_ARGSORT_H */
