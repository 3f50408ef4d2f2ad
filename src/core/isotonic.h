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

typedef struct SfsIsotonic
{
	size_t n;
	double *y;			  /* values, negated for an ascending fit */
	double *weight;		  /* as given, or NULL */
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

#endif /* SFS_ISOTONIC_H */
