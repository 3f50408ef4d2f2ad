/*
 * pair.h - arithmetic in twice the working precision (Dekker).
 *
 * Numbers are in the safe range: products neither overflow nor underflow.
 */
#ifndef SFS_PAIR_H
#define SFS_PAIR_H

#include <math.h>

#include "inline.h"

/* An unevaluated sum of two doubles. */
typedef struct SfsPair
{
	double high;
	double low;
} SfsPair;

/* Return a + b exactly. */
SFS_INLINE SfsPair
sfs_pair_sum(double a, double b)
{
	double sum = a + b;
	double part = sum - a;
	SfsPair result = {sum, (a - (sum - part)) + (b - part)};

	return result;
}

/* Return a * b exactly, by Dekker's splitting; both in the safe range. */
SFS_INLINE SfsPair
sfs_pair_product(double a, double b)
{
	const double split = 0x1p27 + 1.0;
	double a_high = a * split - (a * split - a);
	double b_high = b * split - (b * split - b);
	double a_low = a - a_high;
	double b_low = b - b_high;
	SfsPair result;

	result.high = a * b;
	result.low =
		((a_high * b_high - result.high) + a_high * b_low + a_low * b_high) + a_low * b_low;
	return result;
}

/* Return x + y. */
SFS_INLINE SfsPair
sfs_pair_add(SfsPair x, SfsPair y)
{
	SfsPair sum = sfs_pair_sum(x.high, y.high);

	return sfs_pair_sum(sum.high, sum.low + (x.low + y.low));
}

/* Return x * y. */
SFS_INLINE SfsPair
sfs_pair_multiply(SfsPair x, SfsPair y)
{
	SfsPair product = sfs_pair_product(x.high, y.high);

	return sfs_pair_sum(product.high, product.low + (x.high * y.low + x.low * y.high));
}

/* Return x - y. */
SFS_INLINE SfsPair
sfs_pair_subtract(SfsPair x, SfsPair y)
{
	SfsPair sum = sfs_pair_sum(x.high, -y.high);

	return sfs_pair_sum(sum.high, sum.low + (x.low - y.low));
}

/* Return x / y. */
SFS_INLINE SfsPair
sfs_pair_divide(SfsPair x, SfsPair y)
{
	double first = x.high / y.high;
	SfsPair quotient = {first, 0.0};
	SfsPair rest = sfs_pair_subtract(x, sfs_pair_multiply(quotient, y));

	return sfs_pair_sum(first, (rest.high + rest.low) / y.high);
}

/* Return the square root of x > 0. */
SFS_INLINE SfsPair
sfs_pair_square_root(SfsPair x)
{
	double first = sqrt(x.high);
	SfsPair root = {first, 0.0};
	SfsPair rest = sfs_pair_subtract(x, sfs_pair_multiply(root, root));

	return sfs_pair_sum(first, (rest.high + rest.low) / (2.0 * first));
}

#endif /* SFS_PAIR_H */
