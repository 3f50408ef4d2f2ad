/*
 * elementary.h - exp, expm1, log and log1p in plain arithmetic.
 *
 * Results must not depend on the machine (N2), and libm's functions do: glibc
 * picks a variant by CPU.  These use +, -, *, / alone, are compiled without
 * contraction, and have no branches that stop the compiler from vectorizing
 * exp and expm1.  Errors are below 2.1 units in the last place
 * (test_elementary).
 */
#ifndef SFS_ELEMENTARY_H
#define SFS_ELEMENTARY_H

#include <stdint.h>
#include <string.h>

#include "inline.h"

#define SFS_LN2_HI 0x1.62e42fee00000p-1 /* 32 leading bits of ln 2 */
#define SFS_LN2_LO 0x1.a39ef35793c76p-33
#define SFS_LOG2_E 0x1.71547652b82fep+0

/* Reinterpret the bits of a double. */
SFS_INLINE uint64_t
sfs_double_bits(double x)
{
	uint64_t u;

	memcpy(&u, &x, sizeof(u));
	return u;
}

/* Reinterpret 64 bits as a double. */
SFS_INLINE double
sfs_bits_double(uint64_t u)
{
	double x;

	memcpy(&x, &u, sizeof(x));
	return x;
}

/* Return 2^k for -1022 <= k <= 1023. */
SFS_INLINE double
sfs_pow2(int64_t k)
{
	return sfs_bits_double((uint64_t) (k + 1023) << 52);
}

/* Return the binary exponent of x: 2^e <= |x| < 2^(e+1); -1075 for zero. */
SFS_INLINE int
sfs_exponent(double x)
{
	uint64_t u = sfs_double_bits(x) & INT64_MAX;

	if (u == 0)
		return -1075;
	if (u >> 52 == 0) /* subnormal: the top bit of u counts */
		return 63 - sfs_leading_zeros(u) - 1074;
	return (int) (u >> 52) - 1023;
}

/* Return x * 2^k, correctly rounded unless the result is subnormal. */
SFS_INLINE double
sfs_scale(double x, int k)
{
	while (k > 1023)
	{
		x *= 0x1p1023;
		k -= 1023;
	}
	while (k < -1022)
	{
		x *= 0x1p-1022;
		k += 1022;
	}
	return x * sfs_pow2(k);
}

/* Coefficients of the Taylor series of (e^r - 1 - r) / r^2: 1/2!, 1/3!, ..., 1/14!. */
#define SFS_EXP_TAIL \
	{ \
		0.5, 1.0 / 6.0, 1.0 / 24.0, 1.0 / 120.0, 1.0 / 720.0, 1.0 / 5040.0, 1.0 / 40320.0, \
			1.0 / 362880.0, 1.0 / 3628800.0, 1.0 / 39916800.0, 1.0 / 479001600.0, \
			1.0 / 6227020800.0, 1.0 / 87178291200.0 \
	}

/* Evaluate (e^r - 1 - r) / r^2 for |r| <= 0.35, in pairs: a sum term by term would wait longer. */
SFS_INLINE double
sfs_exp_tail(double r)
{
	static const double c[] = SFS_EXP_TAIL;
	double r2 = r * r;
	double r4 = r2 * r2;
	double low = ((c[0] + c[1] * r) + (c[2] + c[3] * r) * r2);
	double middle = ((c[4] + c[5] * r) + (c[6] + c[7] * r) * r2);
	double high = ((c[8] + c[9] * r) + (c[10] + c[11] * r) * r2) + c[12] * r4;

	return (low + middle * r4) + high * (r4 * r4);
}

/*
 * Split x <= 0 into k ln 2 + r, |r| <= 0.35.  Arguments below -745 are moved
 * to -745, where the result is the smallest subnormal, so k stays small.
 */
SFS_INLINE double
sfs_exp_reduce(double x, int64_t *k)
{
	const double magic = 0x1.8p52; /* adding it rounds to an integer */
	double shifted;

	x = x < -745.0 ? -745.0 : x;
	shifted = x * SFS_LOG2_E + magic;
	*k = (int64_t) (sfs_double_bits(shifted) - sfs_double_bits(magic));
	shifted -= magic;
	return (x - shifted * SFS_LN2_HI) - shifted * SFS_LN2_LO;
}

/* Return e^x for x <= 0 (and up to 300); 0 or a subnormal below -708. */
SFS_INLINE double
sfs_exp(double x)
{
	int64_t k;
	int64_t half;
	double r = sfs_exp_reduce(x, &k);
	double p = 1.0 + (r + r * r * sfs_exp_tail(r));

	half = k - k / 2;
	return p * sfs_pow2(half) * sfs_pow2(k - half);
}

/* Return e^x - 1 for x <= 0 (and up to 300), exact to rounding near 0. */
SFS_INLINE double
sfs_expm1(double x)
{
	int64_t k;
	double r = sfs_exp_reduce(x < -60.0 ? -60.0 : x, &k);
	double q = r + r * r * sfs_exp_tail(r);
	double scale = sfs_pow2(k);

	return scale * q + (scale - 1.0);
}

/* Return 2 atanh(s) = log((1 + s) / (1 - s)) for |s| <= 0.172. */
SFS_INLINE double
sfs_two_atanh(double s)
{
	double z = s * s;
	double p = 1.0 / 23.0;

	p = p * z + 1.0 / 21.0;
	p = p * z + 1.0 / 19.0;
	p = p * z + 1.0 / 17.0;
	p = p * z + 1.0 / 15.0;
	p = p * z + 1.0 / 13.0;
	p = p * z + 1.0 / 11.0;
	p = p * z + 1.0 / 9.0;
	p = p * z + 1.0 / 7.0;
	p = p * z + 1.0 / 5.0;
	p = p * z + 1.0 / 3.0;
	return 2.0 * s + 2.0 * s * (z * p);
}

/* Return log(1 + x) for x > -1. */
SFS_INLINE double
sfs_log1p(double x)
{
	double u;
	double c;
	double m;
	int k;

	if (x > -0.29 && x < 0.41)
		return sfs_two_atanh(x / (2.0 + x));
	u = 1.0 + x;
	/* what rounding took from u, relative to it */
	c = (x > 1.0 ? 1.0 - (u - x) : x - (u - 1.0)) / u;
	k = sfs_exponent(u);
	m = sfs_scale(u, -k);
	if (m > 0x1.6a09e667f3bcdp+0) /* sqrt(2) */
	{
		m *= 0.5;
		k++;
	}
	return k * SFS_LN2_HI + (sfs_two_atanh((m - 1.0) / (m + 1.0)) + (c + k * SFS_LN2_LO));
}

/* Return log x for finite x > 0. */
SFS_INLINE double
sfs_log(double x)
{
	int k = sfs_exponent(x);
	double m = sfs_scale(x, -k);

	if (m > 0x1.6a09e667f3bcdp+0)
	{
		m *= 0.5;
		k++;
	}
	return k * SFS_LN2_HI + (sfs_two_atanh((m - 1.0) / (m + 1.0)) + k * SFS_LN2_LO);
}

#endif /* SFS_ELEMENTARY_H */
