/*
 * scaled.h - positive numbers of a wide range: sums of exponentials.
 *
 * A number is m * 2^k, with m = 0 or a pair between 1/2 and 2^40; its digits decide which
 * blocks join, never what a result is.  In a pair, so that a small block's sum is
 * still known when those of all smaller values are subtracted.
 */
#ifndef SFS_SCALED_H
#define SFS_SCALED_H

#include "gpu.h"

#include "elementary.h"
#include "pair.h"

struct Scaled
{
	SfsPair m;
	int k;
};

/* Move a scaled number by lanes. */
SFS_DEVICE Scaled
shuffle_up(Scaled value, int lanes)
{
	value.m.high = __shfl_up_sync(SFS_WARP, value.m.high, lanes);
	value.m.low = __shfl_up_sync(SFS_WARP, value.m.low, lanes);
	value.k = __shfl_up_sync(SFS_WARP, value.k, lanes);
	return value;
}

/* Largest size of the argument of scaled_exp. */
#define SCALED_EXP_MAX 500000.0

/* Relative error of scaled_exp, with a margin. */
#define SCALED_EXP_ERROR 0x1p-50

/* Return e^x for a pair -SCALED_EXP_MAX < x <= 0. */
SFS_DEVICE Scaled
scaled_exp(SfsPair x)
{
	const double magic = 0x1.8p52;
	double shifted = x.high * SFS_LOG2_E + magic;
	int64_t k = (int64_t) (sfs_double_bits(shifted) - sfs_double_bits(magic));
	double r;

	shifted -= magic;
	r = (x.high - shifted * SFS_LN2_HI) - (shifted * SFS_LN2_LO - x.low);
	return {{1.0 + (r + r * r * sfs_exp_tail(r)), 0.0}, (int) k};
}

/* Return (value - high) / strength in a pair. */
SFS_DEVICE SfsPair
scaled_argument(double value, double high, double strength)
{
	SfsPair d = sfs_pair_sum(value, -high);
	double quotient = d.high / strength;
	SfsPair back = sfs_pair_product(quotient, strength);

	return {quotient, (((d.high - back.high) - back.low) + d.low) / strength};
}

/* Return m * 2^shift, or 0 where that is far below anything it is compared with. */
SFS_DEVICE SfsPair
scaled_shift(SfsPair m, int shift)
{
	double factor = shift < -900 ? 0.0 : sfs_pow2(shift);

	return {m.high * factor, m.low * factor};
}

/* Return x + y. */
SFS_DEVICE Scaled
scaled_add(Scaled x, Scaled y)
{
	if (y.m.high == 0.0)
		return x;
	if (x.m.high == 0.0)
		return y;
	if (x.k >= y.k)
		return {sfs_pair_add(x.m, scaled_shift(y.m, y.k - x.k)), x.k};
	return {sfs_pair_add(y.m, scaled_shift(x.m, x.k - y.k)), y.k};
}

/* Return x - y, where x >= y but for rounding. */
SFS_DEVICE Scaled
scaled_subtract(Scaled x, Scaled y)
{
	if (y.m.high == 0.0)
		return x;
	if (x.k >= y.k)
		return {sfs_pair_subtract(x.m, scaled_shift(y.m, y.k - x.k)), x.k};
	return {sfs_pair_subtract(scaled_shift(x.m, x.k - y.k), y.m), y.k};
}

#endif /* SFS_SCALED_H */
