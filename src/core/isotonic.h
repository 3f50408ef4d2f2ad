/*
 * isotonic.h - a row of isotonic regression and its blocks.
 *
 * The solver works on a falling fit of y or -y; neighbouring blocks join when the
 * weighted mean does not fall, as in exact arithmetic on the given doubles (N5).
 */
#ifndef SFS_ISOTONIC_H
#define SFS_ISOTONIC_H

#include "exact.h"

/* Sums and products of numbers between 2^-200 and 2^200 neither overflow nor underflow. */
#define SFS_MODERATE_MIN 0x1p-200
#define SFS_MODERATE_MAX 0x1p200

/* Longest block that is taken whole, at one cost for all lengths. */
#define SFS_TINY_BLOCK ((size_t) 4)

typedef struct SfsIsotonic
{
	size_t n;
	double *y;			  /* values, negated for an ascending fit, then SFS_TINY_BLOCK zeros */
	double *weight;		  /* as given, with as many zeros, or NULL */
	bool moderate;		  /* out: every number of y and weight is 0 or moderate */
	uint32_t *start;	  /* out: first position of each block, then n; n + 1 entries */
	size_t blocks;		  /* out */
	double *sum;		  /* of w y of each closed block */
	double *mass;		  /* and of w, with weights */
	uint32_t *sum_error;  /* how far these may be from the truth, */
	uint32_t *mass_error; /* rounded up to 32 bits */
	SfsExactSums sums;
	SfsExactSums masses;
	SfsPoll *poll;
} SfsIsotonic;

/* Find the blocks. */
extern SfsStatus sfs_isotonic_solve(SfsIsotonic *fit);

/* Most means that are computed at once. */
#define SFS_MEANS ((size_t) 64)

/* Compute the weighted means of `count` blocks from block k on. */
extern SfsStatus sfs_isotonic_means(SfsIsotonic *fit, size_t k, size_t count, double *mean);

/* Copy m <= SFS_TINY_BLOCK numbers, and zeros in place of those after them. */
static inline void
sfs_take_tiny(const double *list, size_t m, double *out)
{
	static const double keep[2 * SFS_TINY_BLOCK] = {1.0, 1.0, 1.0, 1.0};

	/* without a branch on m, which could not be predicted */
	for (size_t k = 0; k < SFS_TINY_BLOCK; k++)
		out[k] = list[k] * keep[SFS_TINY_BLOCK - m + k];
}

#endif /* SFS_ISOTONIC_H */
