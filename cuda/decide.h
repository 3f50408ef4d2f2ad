/*
 * decide.h - do two neighbouring blocks stay apart?
 *
 * A decider knows sums over the descending values of a row, one per position, and
 * answers for blocks [a, b) and [b, c): 1 = they stay apart, 0 = they join, and
 * UNSURE where its error bound does not decide.  Certain answers are those of exact
 * arithmetic, so that any way of finding the blocks by them ends with the core's (N5, N6).
 */
#ifndef SFS_DECIDE_H
#define SFS_DECIDE_H

#include "scaled.h"

#include "pair.h"
#include "solve.h"

#define UNSURE (-1)

/*
 * Relative error of a sum of up to 2^30 pairs and of what apart makes of it, to the size of
 * all terms: some 60 roundings of 2^-104 on the longest path of a scan, with a margin.
 */
#define L2_ERROR 0x1p-92

/* Sums below 2^L2_EXACT_BITS units of their terms have no error at all in a pair. */
#define L2_EXACT_BITS 100

/* Return the exponent of the lowest bit of x, large for 0. */
SFS_DEVICE int
lowest_bit(double x)
{
	uint64_t bits = sfs_double_bits(x);
	uint64_t mantissa = bits & UINT64_C(0xfffffffffffff);
	int exponent = (int) (bits >> 52 & 0x7ff);

	if (exponent > 0)
		mantissa |= UINT64_C(1) << 52;
	else
		exponent = 1;
	return mantissa == 0 ? 4000 : exponent - 1075 + __ffsll((long long) mantissa) - 1;
}

/* Quadratic soft_rank (SORT false) and soft_sort. */
template <bool SORT> struct L2Decider
{
	const SfsPair *before; /* sum of v before each position, n + 1 of them */
	double strength;
	double whole; /* at least n * max |v| */
	bool exact;	  /* no sum has an error */

	/* Set the error bound for values up to `most` in size, all multiples of 2^unit. */
	__device__ __forceinline__ void bound(double n, double most, int unit)
	{
		double cube = n * n * n;
		int strength_unit = lowest_bit(strength);
		double size;

		whole = n * most;
		if (SORT)
		{
			size = cube + 2.0 * n * whole * strength;
			unit = unit + strength_unit < 0 ? unit + strength_unit : 0;
		}
		else
		{
			size = cube * strength + 2.0 * n * whole;
			unit = unit < strength_unit ? unit : strength_unit;
		}
		exact = sfs_exponent(size) < unit + L2_EXACT_BITS;
	}

	/* Decide. */
	__device__ __forceinline__ int apart(int a, int b, int c) const
	{
		double m1 = (double) (b - a);
		double m2 = (double) (c - b);
		SfsPair middle = before[b];
		SfsPair first = sfs_pair_subtract(middle, before[a]);
		SfsPair second = sfs_pair_subtract(before[c], middle);
		/* m1 m2 (difference of the means), and the same of the ramp n, n - 1, ... */
		SfsPair values = sfs_pair_subtract(sfs_pair_multiply(first, {m2, 0.0}),
										   sfs_pair_multiply(second, {m1, 0.0}));
		SfsPair ramp = sfs_pair_multiply(sfs_pair_product(m1, m2), {(m1 + m2) * 0.5, 0.0});
		double size = (m1 + m2) * whole;
		SfsPair over;

		if (SORT)
		{
			over = sfs_pair_subtract(ramp, sfs_pair_multiply(values, {strength, 0.0}));
			size = size * strength + ramp.high;
		}
		else
		{
			over = sfs_pair_subtract(values, sfs_pair_multiply(ramp, {strength, 0.0}));
			size = size + ramp.high * strength;
		}
		if (exact || fabs(over.high) > L2_ERROR * size)
			return over.high > 0.0;
		return UNSURE;
	}
};

/* Relative error of a sum of exponentials, to the largest sum it is the difference of. */
#define KL_ERROR 0x1p-92

/* Entropic soft_rank and soft_sort.  Sums run from the small end, so that their terms ascend. */
template <bool SORT> struct KlDecider
{
	const SfsPair *m; /* sum of e^((v - v_0) / strength) from each position on: m 2^k, */
	const int *k;	  /* n + 1 of them; soft_sort takes strength 1 */
	int n;
	double strength;
	double ratio; /* (v_0 - v_(n - 1)) / strength, as in the sums */

	/* Return a sum. */
	__device__ __forceinline__ Scaled from(int x) const
	{
		return {m[x], k[x]};
	}

	/* Is the first sum times weight2 above the second times weight1 2^shift? */
	__device__ __forceinline__ int compare(Scaled sum_a, Scaled sum_b, Scaled sum_c, double weight1,
										   double weight2, int shift, double tolerance) const
	{
		Scaled first = scaled_subtract(sum_a, sum_b);
		Scaled second = scaled_subtract(sum_b, sum_c);
		double left;
		double right;
		int above;

		if (!(first.m.high > 0.0) || !(second.m.high > 0.0))
			return UNSURE;
		tolerance += 4.0 * KL_ERROR * (sum_a.m.high / first.m.high + sum_b.m.high / second.m.high);
		tolerance += 4.0 * SFS_KL_TOUCH + 4.0 * SCALED_EXP_ERROR + 0x1p-48;
		if (!(tolerance < 0.25))
			return UNSURE;
		above = first.k - second.k - shift;
		if (above > 900 || above < -900)
			return above > 0;
		left = first.m.high * weight2 * sfs_pow2(above);
		right = second.m.high * weight1;
		if (left - right > right * tolerance * 2.0)
			return 1;
		if (right - left > right * tolerance * 2.0)
			return 0;
		return UNSURE;
	}

	/* Decide. */
	__device__ __forceinline__ int apart(int a, int b, int c) const
	{
		if (SORT)
		{
			/* sums of the ramp: 1 - e^(-m1 / s) against e^(-m1 / s) (1 - e^(-m2 / s)) */
			double fall = (double) (b - a) / strength;
			Scaled factor;
			int joined;

			if (fall > ratio + 64.0)
				return 1;
			factor = scaled_exp({-fall, 0.0});
			joined = compare(from(a), from(b), from(c), -sfs_expm1(-fall),
							 factor.m.high * -sfs_expm1(-((double) (c - b) / strength)), -factor.k,
							 (fall + 8.0) * 0x1p-50);
			return joined == UNSURE ? UNSURE : 1 - joined;
		}
		return compare(from(a), from(b), from(c), sfs_ramp_sum((size_t) n, (size_t) a, (size_t) b),
					   sfs_ramp_sum((size_t) n, (size_t) b, (size_t) c), 0, 0.0);
	}
};

#endif /* SFS_DECIDE_H */
