/*
 * solve.h - finding the blocks: one solver per regularization.
 *
 * Each runs once over a descending row, keeping a stack of closed blocks (pool
 * adjacent violators), in O(n) decisions.
 */
#ifndef SFS_SOLVE_H
#define SFS_SOLVE_H

#include "block.h"

/* How far exponentials of a kl row may fall below their anchor. */
#define SFS_KL_SPAN 40.0

/* Relative error bound of a kl comparison: anchored arguments, exponentials, products. */
#define SFS_KL_TOUCH ((2.0 * SFS_KL_SPAN + 32.0) * 0x1p-52)

/* Return the bytes of scratch that the solver needs. */
extern size_t sfs_l2_scratch(SfsProblemKind kind, size_t n);
extern size_t sfs_kl_scratch(SfsProblemKind kind, size_t n);

/* Find the blocks of a problem. */
extern SfsStatus sfs_l2_solve(SfsProblem *problem);
extern SfsStatus sfs_kl_solve(SfsProblem *problem);

/* Return the sum of w = n, n - 1, ... over [a, b); exact below 2^53. */
SFS_INLINE double
sfs_ramp_sum(size_t n, size_t a, size_t b)
{
	return (double) (b - a) * ((double) (n - a) + (double) (n - b + 1)) * 0.5;
}

#endif /* SFS_SOLVE_H */
