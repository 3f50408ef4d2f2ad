/*
 * test_correlation.c - spearman and soft_spearman: the law that soft_spearman
 * is the correlation of soft ranks (N13), independence of the order of pairs to
 * the last bit (N3), exact values with ties, infinities, long rows (N12), where
 * they are undefined, and precision at strengths where ranks round away (N9).
 */
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tap.h"

#define MOST 1000000
#define SHORT 500

static double x[MOST];
static double y[MOST];
static double out[MOST];
static double moved[2][SHORT];
static double rank[2][SHORT];

/* Compute a correlation of the first n pairs. */
static double
correlate(SfsOp op, SfsRegularization reg, double strength, bool standardize, const double *a,
		  const double *b, size_t n)
{
	double result[1] = {99.0};
	SfsTask task = one_row(op, reg, strength, a, n, result);

	task.y.data = b;
	task.standardize = standardize;
	return run_core(&task) == SFS_OK ? result[0] : 99.0;
}

/* Compute the exact Spearman correlation. */
static double
spearman(const double *a, const double *b, size_t n)
{
	return correlate(SFS_OP_SPEARMAN, SFS_REG_L2, 0.0, false, a, b, n);
}

/* Return Pearson's correlation in long double. */
static double
pearson(const double *a, const double *b, size_t n)
{
	long double mean[2] = {0.0L, 0.0L};
	long double sum[3] = {0.0L, 0.0L, 0.0L};

	for (size_t i = 0; i < n; i++)
	{
		mean[0] += a[i];
		mean[1] += b[i];
	}
	for (size_t i = 0; i < n; i++)
	{
		long double da = a[i] - mean[0] / n;
		long double db = b[i] - mean[1] / n;

		sum[0] += da * db;
		sum[1] += da * da;
		sum[2] += db * db;
	}
	return (double) (sum[0] / sqrtl(sum[1]) / sqrtl(sum[2]));
}

/* Draw pairs, with ties now and then. */
static void
draw(size_t n, int round)
{
	for (size_t i = 0; i < n; i++)
	{
		x[i] = round % 3 == 0 ? (double) below(1 + n / 2) : normal();
		y[i] = round % 4 == 0 ? (double) below(1 + n / 2) : 0.5 * x[i] + normal();
	}
}

/* Test the law at moderate strengths. */
static void
test_law(void)
{
	double worst = 0.0;
	long undefined = 0;

	for (int round = 0; round < 2000; round++)
	{
		size_t n = 2 + below(round % 20 == 0 ? SHORT - 1 : 40);
		SfsRegularization reg = round % 2 ? SFS_REG_KL : SFS_REG_L2;
		bool standardize = round / 2 % 2;
		double strength = round % 11 == 0 ? 0.0 : exp2(12.0 * uniform() - 8.0);
		SfsTask task = one_row(SFS_OP_RANK, reg, strength, x, n, rank[0]);
		double have;
		double want;

		draw(n, round);
		task.standardize = standardize;
		run_core(&task);
		task.x.data = y;
		task.out.data = rank[1];
		run_core(&task);
		have = correlate(SFS_OP_SOFT_SPEARMAN, reg, strength, standardize, x, y, n);
		want = pearson(rank[0], rank[1], n);
		if (isnan(want) || isnan(have))
			undefined += isnan(want) != isnan(have);
		else
			/* ranks are rounded relative to n, their spread may be below 1 */
			worst = fmax(worst, fabs(have - want) / (1.0 + strength));
	}
	ok(worst < 1e-13 && undefined == 0, "the law: error %.1e, %ld undefined on one side only",
	   worst, undefined);
}

/* Test that the order of pairs does not matter. */
static void
test_order(void)
{
	long wrong = 0;

	for (int round = 0; round < 2000; round++)
	{
		size_t n = 2 + below(round % 10 == 0 ? SHORT - 1 : 40);
		SfsRegularization reg = round % 2 ? SFS_REG_KL : SFS_REG_L2;
		bool standardize = round / 2 % 2;
		double strength = exp2(40.0 * uniform() - 20.0);
		double first[5];
		double other[5];

		draw(n, round);
		memcpy(moved[0], x, n * sizeof(double));
		memcpy(moved[1], y, n * sizeof(double));
		for (size_t i = n; i > 1; i--)
		{
			size_t j = below(i);

			for (int k = 0; k < 2; k++)
			{
				double swap = moved[k][i - 1];

				moved[k][i - 1] = moved[k][j];
				moved[k][j] = swap;
			}
		}
		first[0] = spearman(x, y, n);
		other[0] = spearman(moved[0], moved[1], n);
		first[1] = correlate(SFS_OP_SOFT_SPEARMAN, reg, strength, standardize, x, y, n);
		other[1] =
			correlate(SFS_OP_SOFT_SPEARMAN, reg, strength, standardize, moved[0], moved[1], n);
		/* and neither does which side comes first */
		first[2] = spearman(y, x, n);
		other[2] = first[0];
		first[3] = correlate(SFS_OP_SOFT_SPEARMAN, reg, strength, standardize, y, x, n);
		other[3] = first[1];
		/* a side and itself correlate exactly */
		first[4] = correlate(SFS_OP_SOFT_SPEARMAN, reg, strength, standardize, x, x, n);
		other[4] = isnan(first[4]) ? (double) NAN : 1.0;
		for (int k = 0; k < 5; k++)
		{
			wrong += isnan(first[k]) ? !isnan(other[k]) : first[k] != other[k];
			wrong += !isnan(first[k]) && fabs(first[k]) > 1.0;
		}
	}
	ok(wrong == 0, "the order of pairs does not matter, to the last bit: %ld wrong", wrong);
}

/* Test that exact spearman is Pearson of mid-ranks, and known cases. */
static void
test_exact(void)
{
	static const double known[][2][5] = {
		{{1, 2, 3, 4, 5}, {5, 6, 7, 8, 7}},
		{{1, 2, 3, 4, 5}, {2, 4, 6, 8, 10}},
		{{1, 2, 3, 4, 5}, {5, 4, 3, 2, 1}},
		{{1, 1, 2, 2, 3}, {3, 3, 2, 2, 1}},
	};
	static const double answers[] = {0.8207826816681233, 1.0, -1.0, -1.0};
	static const double zeros[4] = {0.0, -0.0, 0.0, 1.0};
	static const double tied[4] = {1, 0, 0, 0};
	static const double infinite[4] = {-INFINITY, 0.0, 1.0, INFINITY};
	static const double rising[4] = {1, 2, 3, 4};
	double worst = 0.0;
	bool right = true;

	for (int round = 0; round < 1000; round++)
	{
		size_t n = 2 + below(60);
		SfsTask task = one_row(SFS_OP_RANK, SFS_REG_L2, 0.0, x, n, rank[0]);
		double have;

		draw(n, round);
		run_core(&task);
		task.x.data = y;
		task.out.data = rank[1];
		run_core(&task);
		have = spearman(x, y, n);
		if (!isnan(have))
			worst = fmax(worst, fabs(have - pearson(rank[0], rank[1], n)));
	}
	ok(worst <= 2.0 * DBL_EPSILON, "spearman is Pearson of mid-ranks: error %.1e", worst);
	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++)
		right = right && fabs(spearman(known[i][0], known[i][1], 5) - answers[i]) <= DBL_EPSILON;
	ok(right, "known values; a perfect correlation is 1 or -1 exactly");
	ok(fabs(spearman(zeros, tied, 4) + 1.0 / 3.0) <= DBL_EPSILON,
	   "0 0 0 1 against 1 0 0 0 is -1/3");
	ok(spearman(infinite, rising, 4) == 1.0, "infinities are ordered");
	ok(isnan(spearman(x, y, 0)) && isnan(spearman(x, y, 1)) && isnan(spearman(rising, zeros, 2)),
	   "undefined for n < 2 and a constant side");
}

/* Test long rows. */
static void
test_long(void)
{
	double rho;
	bool inside = true;

	for (size_t i = 0; i < MOST; i++)
	{
		x[i] = (double) i;
		y[i] = (double) i * 3.0 - 7.0;
	}
	rho = spearman(x, y, MOST);
	ok(rho == 1.0, "n = %d, rising: %.17g", MOST, rho);
	for (size_t i = 0; i < MOST; i++)
		y[i] = -x[i];
	rho = spearman(x, y, MOST);
	ok(rho == -1.0, "n = %d, falling: %.17g", MOST, rho);
	for (size_t i = 0; i < MOST; i++)
	{
		x[i] = i == 0;
		y[i] = i == MOST - 1;
	}
	rho = spearman(x, y, MOST);
	ok(fabs(rho + 1.0 / (MOST - 1.0)) < 1e-20, "n = %d, one outlier each: %.17g", MOST, rho);
	for (size_t i = 0; i < MOST; i++)
	{
		x[i] = (double) below(1000);
		y[i] = x[i] + 1e-3 * (double) below(3);
	}
	rho = spearman(x, y, MOST);
	ok(rho > 0.9999 && rho <= 1.0, "n = %d, ties: %.17g", MOST, rho);
	for (int k = 0; k < 4; k++)
	{
		rho = correlate(SFS_OP_SOFT_SPEARMAN, k % 2 ? SFS_REG_KL : SFS_REG_L2, 0.1, k / 2, x, x,
						MOST / 5);
		inside = inside && rho == 1.0;
	}
	ok(inside, "n = %d, a column and itself correlate to 1 exactly", MOST / 5);
}

/* Test strengths at which the ranks themselves round to the middle. */
static void
test_strong(void)
{
	double worst = 0.0;

	for (int round = 0; round < 300; round++)
	{
		size_t n = 3 + below(40);
		double strength = exp2(30.0 + 990.0 * uniform());

		draw(n, 1);
		/* one block: an affine map of the values, for kl up to range / strength */
		for (int reg = 0; reg < SFS_REG_COUNT; reg++)
			worst =
				fmax(worst, fabs(correlate(SFS_OP_SOFT_SPEARMAN, reg, strength, false, x, y, n) -
								 pearson(x, y, n)) /
								(reg == SFS_REG_KL ? 1.0 + 1e16 / strength : 1.0));
	}
	ok(worst < 1e-14, "at huge strengths the limit is Pearson's correlation: error %.1e", worst);
}

/* Test where the soft correlation and its gradient are undefined. */
static void
test_undefined(void)
{
	static const double constant[3] = {2.0, 2.0, 2.0};
	static const double rising[3] = {1.0, 2.0, 4.0};
	bool undefined = true;

	for (int k = 0; k < 8; k++)
		for (int side = 0; side < 2; side++)
			for (size_t n = 1; n <= 3; n += 2)
			{
				SfsTask task = one_row(SFS_OP_SOFT_SPEARMAN, k & 1 ? SFS_REG_KL : SFS_REG_L2,
									   k & 2 ? 0.0 : 1.0, side ? constant : rising, n, out);

				task.standardize = k & 4;
				task.y.data = side ? rising : constant;
				undefined = undefined && run_core(&task) == SFS_OK && isnan(out[0]);
				task.op = SFS_OP_SOFT_SPEARMAN_GRAD;
				undefined = undefined && run_core(&task) == SFS_OK;
				for (size_t i = 0; i < n; i++)
					undefined = undefined && isnan(out[i]);
			}
	ok(undefined, "undefined for n < 2 and a constant side, gradient too");
}

int
main(void)
{
	test_law();
	test_order();
	test_exact();
	test_strong();
	test_undefined();
	test_long();
	return done_testing();
}
