/*
 * scaled.h - positive numbers of a wide range: sums of exponentials.
 *
 * A number is m * 2^k, with m = 0 or between 1/2 and 2^40; its digits decide which blocks
 * join, never what a result is.
 */
#ifndef SFS_SCALED_H
#define SFS_SCALED_H

#include "gpu.h"

#include "elementary.h"

struct Scaled
{
	double m;
	int k;
};

/* Move a scaled number by lanes. */
SFS_DEVICE Scaled
shuffle_up(Scaled value, int lanes)
{
	value.m = __shfl_up_sync(SFS_WARP, value.m, lanes);
	value.k = __shfl_up_sync(SFS_WARP, value.k, lanes);
	return value;
}

/* Largest size of the argument of scaled_exp. */
#define SCALED_EXP_MAX 500000.0

/* Return e^x for -SCALED_EXP_MAX < x <= 0, to about |x| + 2 units in the last place. */
SFS_DEVICE Scaled
scaled_exp(double x)
{
	const double magic = 0x1.8p52;
	double shifted = x * SFS_LOG2_E + magic;
	int64_t k = (int64_t) (sfs_double_bits(shifted) - sfs_double_bits(magic));
	double r;

	shifted -= magic;
	r = (x - shifted * SFS_LN2_HI) - shifted * SFS_LN2_LO;
	return {1.0 + (r + r * r * sfs_exp_tail(r)), (int) k};
}

/* Return m * 2^shift, or 0 where that is far below anything it is compared with. */
SFS_DEVICE double
scaled_shift(double m, int shift)
{
	return shift < -1000 ? 0.0 : m * sfs_pow2(shift);
}

/* Return x + y. */
SFS_DEVICE Scaled
scaled_add(Scaled x, Scaled y)
{
	if (y.m == 0.0 || (x.m != 0.0 && x.k >= y.k))
		return {x.m + (y.m == 0.0 ? 0.0 : scaled_shift(y.m, y.k - x.k)), x.k};
	return {y.m + (x.m == 0.0 ? 0.0 : scaled_shift(x.m, x.k - y.k)), y.k};
}

/* Return x - y, where x >= y but for rounding. */
SFS_DEVICE Scaled
scaled_subtract(Scaled x, Scaled y)
{
	if (y.m == 0.0)
		return x;
	if (x.k >= y.k)
		return {x.m - scaled_shift(y.m, y.k - x.k), x.k};
	return {scaled_shift(x.m, x.k - y.k) - y.m, y.k};
}

#endif /* SFS_SCALED_H */
