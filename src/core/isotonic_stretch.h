/*
 * isotonic_stretch.h - the blocks of a short stretch of a row of isotonic regression.
 */
#ifndef SFS_ISOTONIC_STRETCH_H
#define SFS_ISOTONIC_STRETCH_H

#include "isotonic.h"

/* Longest stretch. */
#define SFS_STRETCH ((size_t) 256)

/* A stretch that begins at position `from`. */
typedef struct SfsStretch
{
	size_t from;
	size_t n;
	double base;
	double sum[SFS_STRETCH + 1];  /* of w (y - base) before each position */
	double mass[SFS_STRETCH + 1]; /* of w before each position; with weights */
	double sum_error;			  /* bounds of the errors of a block's sum, */
	double mass_error;			  /* and of its mass */
	double per_mass; /* a decision between masses q1 and q2 is certain when it is beyond */
	double constant; /* (q1 + q2) * per_mass + constant; negative: always */
	uint32_t start[SFS_STRETCH + 1];
	size_t blocks;
} SfsStretch;

/* Find the blocks of a stretch, of which from and n are set; true when stopped. */
extern bool sfs_pool_stretch(SfsIsotonic *fit, SfsStretch *stretch);

/* Decide [a, b) against [b, c) for certain: 1 = the mean falls, 0 = they join, -1 = stopped. */
extern int sfs_falls_closely(SfsIsotonic *fit, size_t a, size_t b, size_t c);

/* Return the mass of positions a .. b - 1 of a stretch. */
static inline __attribute__((always_inline)) double
sfs_mass_between(const SfsStretch *stretch, bool weighted, size_t a, size_t b)
{
	return weighted ? stretch->mass[b] - stretch->mass[a] : (double) (int32_t) (b - a);
}

#endif /* SFS_ISOTONIC_STRETCH_H */
