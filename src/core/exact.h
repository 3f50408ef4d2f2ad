/*
 * exact.h - block decisions in exact arithmetic (N5).
 *
 * The solvers compare in double with an error bound and come here only when
 * the bound does not decide.  Sums of doubles are integers at a fixed power of
 * two; an SfsExactSums holds prefix sums of one sequence at every `stride`-th
 * position, wide enough for the exponents that occur, so that the sum of any
 * range costs a subtraction and at most `stride` additions.  Narrow data (two
 * words: one magnitude, integers, decimals) has stride 1; the widest possible
 * (1e-308 to 1e308) has 34 words and stride 17.  Space is 16 bytes an element
 * and time O(1) a decision whatever the data.
 */
#ifndef SFS_EXACT_H
#define SFS_EXACT_H

#include "poll.h"

typedef struct SfsExactSums
{
	const double *a; /* terms, or */
	const double *b; /* when not NULL: the terms are a[i] * b[i] */
	size_t n;
	int unit;  /* a sum is an integer times 2^unit */
	int words; /* of one sum, two's complement */
	size_t stride;
	uint64_t *prefix; /* prefix[k * words ..]: sum of the first k * stride terms */
	bool ready;
} SfsExactSums;

/* Words of space that sums over n terms (products or not) take. */
extern size_t sfs_exact_words(size_t n, bool products);

/* Describe the sums of a[0 .. n - 1], or of products; nothing is computed yet. */
extern void sfs_exact_init(SfsExactSums *sums, const double *a, const double *b, size_t n,
						   uint64_t *space);

/* Compute the prefix sums if that has not been done. */
extern SfsStatus sfs_exact_prepare(SfsExactSums *sums, SfsPoll *poll);

/*
 * The decisions return the sign of Z - W for neighbouring ranges [a, b) and
 * [b, c) of prepared sums, where m1 = b - a, m2 = c - b and
 * D(s) = m2 * sum s[a, b) - m1 * sum s[b, c) = m1 m2 (mean difference).
 */

/*
 * Z = factor * D(x), W = slope * 2^slope_exponent * m1 m2 (m1 + m2) / 2, which is
 * D of the ramp slope * (n, n - 1, ...).
 */
extern int sfs_exact_against_ramp(const SfsExactSums *x, double factor, double slope,
								  int slope_exponent, size_t a, size_t b, size_t c);

/* Z = D(z), W = D(w): the projection. */
extern int sfs_exact_against_sums(const SfsExactSums *z, const SfsExactSums *w, size_t a, size_t b,
								  size_t c);

/*
 * Z = sum p[a, b) * sum q[b, c), W = sum p[b, c) * sum q[a, b): the order of the
 * weighted means p / q.  q NULL means that every weight is 1.
 */
extern int sfs_exact_weighted(const SfsExactSums *p, const SfsExactSums *q, size_t a, size_t b,
							  size_t c);

/* Return (sum p[a, b)) / (sum q[a, b)), or the mean of p when q is NULL. */
extern double sfs_exact_mean(const SfsExactSums *p, const SfsExactSums *q, size_t a, size_t b);

#endif /* SFS_EXACT_H */
