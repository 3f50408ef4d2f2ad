/*
 * test_elementary.c - exp, expm1, log and log1p of elementary.h against libm's
 * long double functions: errors below 2 units in the last place (N1, N2), exact
 * values at landmarks, and order where a later comparison relies on it.
 */
#include <float.h>
#include <math.h>

#include "elementary.h"
#include "tap.h"

/* Largest error seen, in units in the last place, and where. */
typedef struct Worst
{
	double error;
	double at;
	long count;
} Worst;

/* Note the error of one result. */
static void
note(Worst *worst, double x, double have, long double want)
{
	int exponent = want == 0.0L ? -1074 : ilogbl(want);
	long double unit = ldexpl(1.0L, (exponent < -1022 ? -1022 : exponent) - 52);
	double error = (double) (fabsl((long double) have - want) / unit);

	worst->count++;
	if (!(error <= worst->error))
	{
		worst->error = isnan(error) ? INFINITY : error;
		worst->at = x;
	}
}

/* Report the error over one domain. */
static void
report(const Worst *worst, double bound, const char *name)
{
	ok(worst->error < bound, "%s: %.4f ulp at %a, bound %g, %ld arguments", name, worst->error,
	   worst->at, bound, worst->count);
}

/* Return a random number whose logarithm is uniform between 2^low and 2^high. */
static double
log_uniform(double low, double high)
{
	return exp2(low + (high - low) * uniform());
}

/* Return x with other last bits, to leave the grid of the generator. */
static double
jitter(double x)
{
	return sfs_bits_double(sfs_double_bits(x) + (uint64_t) below(1024));
}

/* Test exp over its domain, by the size of the result. */
static void
test_exp(void)
{
	Worst normal_range = {0};
	Worst near_zero = {0};
	Worst subnormal = {0};
	Worst positive = {0};

	for (int i = 0; i < 300000; i++)
	{
		double x = jitter(-708.0 * uniform());

		note(&normal_range, x, sfs_exp(x), expl(x));
		x = jitter(-log_uniform(-70, 1));
		note(&near_zero, x, sfs_exp(x), expl(x));
		x = -708.39 - (745.0 - 708.39) * uniform();
		note(&subnormal, x, sfs_exp(x), expl(x));
		x = jitter(300.0 * uniform());
		note(&positive, x, sfs_exp(x), expl(x));
	}
	/* next to the points where the reduction changes its integer */
	for (int k = 0; k < 1020; k++)
		for (int j = -20; j <= 20; j++)
		{
			double x = -(k + 0.5) * 0.69314718055994530942;

			x = sfs_bits_double(sfs_double_bits(x) + (uint64_t) (int64_t) j);
			note(&normal_range, x, sfs_exp(x), expl(x));
		}
	report(&normal_range, 1.2, "exp on [-708, 0]");
	report(&near_zero, 1.2, "exp near 0");
	report(&subnormal, 1.2, "exp on [-745, -708.4], in units of the smallest subnormal");
	report(&positive, 1.2, "exp on [0, 300]");
	ok(sfs_exp(0.0) == 1.0 && sfs_exp(-0.0) == 1.0, "exp(0) is 1");
	ok(sfs_exp(-DBL_TRUE_MIN) == 1.0 && sfs_exp(-DBL_MIN) == 1.0, "exp of tiny arguments is 1");
	ok(sfs_exp(-1e4) <= DBL_TRUE_MIN && sfs_exp(-DBL_MAX) <= DBL_TRUE_MIN &&
		   sfs_exp(-INFINITY) <= DBL_TRUE_MIN,
	   "exp far below is 0 or the smallest subnormal");
}

/* Test expm1, above all where e^x - 1 would cancel. */
static void
test_expm1(void)
{
	Worst near_zero = {0};
	Worst tiny = {0};
	Worst negative = {0};
	Worst positive = {0};

	for (int i = 0; i < 300000; i++)
	{
		double x = jitter(-log_uniform(-60, 0));

		note(&near_zero, x, sfs_expm1(x), expm1l(x));
		note(&near_zero, -x, sfs_expm1(-x), expm1l(-x));
		x = -log_uniform(-1074, -60);
		note(&tiny, x, sfs_expm1(x), expm1l(x));
		x = jitter(-60.0 * uniform());
		note(&negative, x, sfs_expm1(x), expm1l(x));
		x = jitter(300.0 * uniform());
		note(&positive, x, sfs_expm1(x), expm1l(x));
	}
	for (int k = 0; k < 80; k++)
		for (int j = -20; j <= 20; j++)
		{
			double x = -(k + 0.5) * 0.69314718055994530942;

			x = sfs_bits_double(sfs_double_bits(x) + (uint64_t) (int64_t) j);
			note(&negative, x, sfs_expm1(x), expm1l(x));
		}
	report(&near_zero, 2.0, "expm1 near 0");
	report(&tiny, 0.51, "expm1 of tiny and subnormal arguments");
	report(&negative, 2.0, "expm1 on [-60, 0]");
	report(&positive, 2.0, "expm1 on [0, 300]");
	ok(sfs_expm1(0.0) == 0.0, "expm1(0) is 0");
	ok(sfs_expm1(-1e-300) == -1e-300 && sfs_expm1(1e-300) == 1e-300, "expm1(1e-300) is 1e-300");
	ok(sfs_expm1(-DBL_TRUE_MIN) == -DBL_TRUE_MIN, "expm1 of the smallest subnormal is itself");
	ok(sfs_expm1(-1e3) == -1.0 && sfs_expm1(-DBL_MAX) == -1.0 && sfs_expm1(-INFINITY) == -1.0,
	   "expm1 far below is -1");
}

/* Test log at every exponent. */
static void
test_log(void)
{
	Worst all = {0};
	Worst near_one = {0};
	Worst integers = {0};
	Worst subnormal = {0};
	bool powers = true;

	for (int e = -1022; e <= 1023; e++)
		for (int i = 0; i < 150; i++)
		{
			double x = sfs_bits_double(sfs_double_bits(ldexp(1.0 + uniform(), e)) +
									   (uint64_t) below(1024));

			note(&all, x, sfs_log(x), logl(x));
		}
	for (int i = 0; i < 300000; i++)
	{
		double x = 1.0 + (below(2) ? 1.0 : -0.5) * log_uniform(-52, 0);

		note(&near_one, x, sfs_log(x), logl(x));
		x = 1.0 + (double) below(i < 150000 ? 1000000 : (size_t) 1 << 32);
		note(&integers, x, sfs_log(x), logl(x));
		x = (double) (1 + below((size_t) 1 << (1 + i % 52))) * DBL_TRUE_MIN;
		note(&subnormal, x, sfs_log(x), logl(x));
	}
	for (int e = -1074; e <= 1023; e++)
		powers = powers && fabsl((long double) sfs_log(ldexp(1.0, e)) - e * logl(2.0L)) <=
							   fabs(sfs_log(ldexp(1.0, e))) * DBL_EPSILON * 0.5L * 1.01L;
	note(&near_one, 0x1.683a74230c09dp-1, sfs_log(0x1.683a74230c09dp-1),
		 logl(0x1.683a74230c09dp-1L));
	report(&all, 2.1, "log at every exponent");
	report(&near_one, 2.1, "log near 1");
	report(&integers, 1.2, "log of integers");
	report(&subnormal, 1.2, "log of subnormals");
	ok(sfs_log(1.0) == 0.0, "log(1) is 0");
	ok(powers, "log of powers of two is right to half a unit");
}

/* Test log1p near 0, near -1 and far out. */
static void
test_log1p(void)
{
	Worst near_zero = {0};
	Worst tiny = {0};
	Worst near_minus_one = {0};
	Worst middle = {0};
	Worst large = {0};

	for (int i = 0; i < 300000; i++)
	{
		double x = jitter((below(2) ? 0.4 : -0.28) * log_uniform(-60, 0));

		note(&near_zero, x, sfs_log1p(x), log1pl(x));
		x = (below(2) ? 1.0 : -1.0) * log_uniform(-1074, -60);
		note(&tiny, x, sfs_log1p(x), log1pl(x));
		x = -1.0 + log_uniform(-53, -1);
		note(&near_minus_one, x, sfs_log1p(x), log1pl(x));
		x = jitter(-0.5 + 2.5 * uniform());
		note(&middle, x, sfs_log1p(x), log1pl(x));
		x = jitter(log_uniform(0, 1000));
		note(&large, x, sfs_log1p(x), log1pl(x));
	}
	report(&near_zero, 2.1, "log1p near 0");
	/* x / 2 loses the last bit of a subnormal */
	report(&tiny, 1.01, "log1p of tiny and subnormal arguments");
	report(&near_minus_one, 1.2, "log1p near -1");
	report(&middle, 2.1, "log1p on [-0.5, 2]");
	report(&large, 1.5, "log1p of large arguments");
	ok(sfs_log1p(0.0) == 0.0, "log1p(0) is 0");
	ok(sfs_log1p(-1e-300) == -1e-300 && sfs_log1p(DBL_MIN) == DBL_MIN,
	   "log1p of tiny arguments is the argument");
}

/* Test the helpers that scale and take exponents. */
static void
test_scale(void)
{
	bool exponents = sfs_exponent(0.0) == -1075;
	bool scales = true;

	for (int i = 0; i < 200000; i++)
	{
		double x = sfs_bits_double((uint64_t) (uniform() * 0x1p53) << 11 | below(2048));
		int k = (int) below(4200) - 2100;

		if (!isfinite(x))
			continue;
		if (x != 0.0)
			exponents = exponents && sfs_exponent(x) == ilogb(x);
		/* subnormal results may be rounded twice */
		if (fabs(ldexp(x, k)) >= DBL_MIN)
			scales = scales && sfs_double_bits(sfs_scale(x, k)) == sfs_double_bits(ldexp(x, k));
		else
			scales = scales && fabs(sfs_scale(x, k) - ldexp(x, k)) <= DBL_TRUE_MIN;
	}
	ok(exponents, "sfs_exponent agrees with ilogb");
	ok(scales, "sfs_scale agrees with ldexp");
}

int
main(void)
{
	test_exp();
	test_expm1();
	test_log();
	test_log1p();
	test_scale();
	return done_testing();
}
