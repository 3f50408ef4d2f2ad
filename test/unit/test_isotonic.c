/*
 * test_isotonic.c - isotonic regression against its definition, to the last bit: a
 * stack on which every decision is exact, and means in twice the working precision
 * (exact ones where products could leave the range).  Rows of up to several stretches,
 * with means that touch, means that miss by a unit in the last place, and numbers of
 * all magnitudes.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exact.h"
#include "pair.h"
#include "tap.h"

#define MOST 1500

typedef enum Kind
{
	NORMAL,
	INTEGERS,
	HUNDREDTHS,
	RISING,
	NUDGED,
	STEPS,
	ALTERNATING,
	OFFSET,
	REPEATED,
	CANCELLING,
	OUTLIER,
	WIDE,
	SUBNORMAL,
	KIND_COUNT
} Kind;

static const char *const names[KIND_COUNT] = {"normal",	  "integers",	"hundredths",  "rising",
											  "nudged",	  "steps",		"alternating", "offset",
											  "repeated", "cancelling", "one outlier", "wide",
											  "subnormal"};

static double y[MOST];
static double weight[MOST];
static double expected[MOST];
static double out[MOST];

/* Return a random integer in [low, high]. */
static int
between(int low, int high)
{
	return low + (int) below((size_t) (high - low + 1));
}

/* Fill the values. */
static void
draw(Kind kind, size_t n)
{
	double slope = pow(10.0, between(-5, 2)) * (between(0, 1) ? 1.0 : -1.0);
	double level = between(-50, 50) / 10.0;
	size_t outlier = (size_t) between(0, (int) n - 1);
	size_t length = 1 + below(n < 600 ? n / 2 + 1 : 300);

	for (size_t i = 0; i < n; i++)
		switch (kind)
		{
			case INTEGERS:
				y[i] = between(-5, 5);
				break;
			case HUNDREDTHS:
				y[i] = between(0, 300) / 100.0;
				break;
			case RISING:
				y[i] = slope * (double) i + normal();
				break;
			case NUDGED: /* a constant, but for a unit in the last place */
				y[i] = nextafter(level, between(0, 1) ? 100.0 : -100.0);
				break;
			case STEPS:
				y[i] = (double) (i / length) * level;
				break;
			case ALTERNATING: /* pairs with one mean */
				y[i] = level + (i % 2 == 0 ? 0.1 : -0.1);
				break;
			case OFFSET:
				y[i] = 1e9 + normal();
				break;
			case REPEATED: /* see shuffle() */
				y[i] = i < length ? 0.3 * (double) i + uniform() : y[i - length];
				break;
			case CANCELLING: /* a small sum of large numbers */
				y[i] = i < n / 2		? -ldexp(uniform(), between(0, 80))
					   : i >= n - n / 2 ? -y[n - 1 - i]
										: normal();
				break;
			case OUTLIER:
				y[i] = i == outlier ? 1e300 * slope : normal();
				break;
			case WIDE:
				y[i] = pow(10.0, uniform() * 600.0 - 300.0) * (between(0, 1) ? 1.0 : -1.0);
				break;
			case SUBNORMAL:
				y[i] = between(-40, 40) * 5e-324;
				break;
			default:
				y[i] = normal();
		}
}

/*
 * Repeat the weights of REPEATED values, too, and exchange some neighbours: means that
 * touch, of sums that round differently.  Move some by a unit in the last place.
 */
static void
shuffle(size_t n)
{
	size_t length = 1;

	while (length < n && y[length] != y[0])
		length++;
	for (size_t i = length; i < n; i++)
		weight[i] = weight[i - length];
	for (size_t i = 1; i < n; i += 1 + below(6))
	{
		double value = y[i];
		double mass = weight[i];

		if (i % length == 0)
			continue;
		y[i] = y[i - 1];
		y[i - 1] = value;
		weight[i] = weight[i - 1];
		weight[i - 1] = mass;
	}
	for (size_t i = below(2 * length); i < n; i += 1 + below(4 * length))
		y[i] = nextafter(y[i], between(0, 1) ? 1000.0 : -1000.0);
}

/* Fill the weights. */
static void
draw_weights(int kind, size_t n)
{
	for (size_t i = 0; i < n; i++)
		switch (kind)
		{
			case 1:
				weight[i] = between(1, 4);
				break;
			case 2:
				weight[i] = exp(normal());
				break;
			case 3:
				weight[i] = pow(10.0, uniform() * 600.0 - 300.0);
				break;
			default:
				weight[i] = exp(10.0 * normal());
		}
}

/* Return whether a number is 0 or between 2^-200 and 2^200. */
static bool
moderate(double x)
{
	return x == 0.0 || (fabs(x) >= 0x1p-200 && fabs(x) <= 0x1p200);
}

/* Return the mean of y[first .. last - 1], as it is defined. */
static double
mean(const SfsExactSums *sums, const SfsExactSums *masses, size_t first, size_t last)
{
	SfsPair sum = {0.0, 0.0};
	SfsPair mass = {0.0, 0.0};

	if (last == first + 1)
		return y[first];
	for (size_t i = first; i < last; i++)
	{
		double w = masses == NULL ? 1.0 : weight[i];

		if (!moderate(y[i]) || !moderate(w))
			return sfs_exact_mean(sums, masses, first, last);
		sum = sfs_pair_add(sum, sfs_pair_product(w, y[i]));
		mass = sfs_pair_add(mass, (SfsPair){w, 0.0});
	}
	return sfs_pair_divide(sum, mass).high;
}

/* Compute the falling fit. */
static void
define(size_t n, bool weighted)
{
	static uint64_t space[2][4 * MOST];
	static size_t start[MOST + 1];
	SfsExactSums sums;
	SfsExactSums masses;
	SfsPoll poll = {NULL, 0};
	size_t blocks = 0;

	sfs_exact_init(&sums, y, weighted ? weight : NULL, n, space[0]);
	sfs_exact_init(&masses, weight, NULL, n, space[1]);
	sfs_exact_prepare(&sums, &poll);
	sfs_exact_prepare(&masses, &poll);
	for (size_t i = 0; i < n; i++)
	{
		size_t open = i;

		while (blocks > 0 && sfs_exact_weighted(&sums, weighted ? &masses : NULL, start[blocks - 1],
												open, i + 1) <= 0)
			open = start[--blocks];
		start[blocks++] = open;
	}
	start[blocks] = n;
	for (size_t k = 0; k < blocks; k++)
	{
		double value = mean(&sums, weighted ? &masses : NULL, start[k], start[k + 1]);

		if (k > 0 && value > expected[start[k] - 1])
			value = expected[start[k] - 1];
		for (size_t i = start[k]; i < start[k + 1]; i++)
			expected[i] = value + 0.0;
	}
}

/* Compare rows of one kind; return how many differ. */
static int
compare(Kind kind, int rows, size_t most)
{
	int different = 0;

	for (int i = 0; i < rows; i++)
	{
		size_t n = (size_t) between(1, (int) most);
		int weights = between(0, 4);
		SfsTask task = one_row(SFS_OP_ISOTONIC, SFS_REG_L2, 1.0, y, n, out);

		draw(kind, n);
		draw_weights(weights, n);
		if (kind == REPEATED)
			shuffle(n);
		task.direction = SFS_DESCENDING;
		task.y.data = weights == 0 ? NULL : weight;
		task.y.type = SFS_FLOAT64;
		run_core(&task);
		define(n, weights != 0);
		different += memcmp(out, expected, n * sizeof(double)) != 0;
	}
	return different;
}

int
main(void)
{
	for (Kind kind = 0; kind < KIND_COUNT; kind++)
	{
		int different = compare(kind, 3000, 24) + compare(kind, 60, MOST);

		ok(different == 0, "%s: %d of 3060 rows differ", names[kind], different);
	}
	return done_testing();
}
