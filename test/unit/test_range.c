/*
 * test_range.c - soft_rank_strength_range (N14): at strength_min ranks are hard
 * to the last bit and just above something has joined; at strength_max the row
 * is one block and just below it is not.  Both regularizations, raw and
 * standardized, data with and without ties, of any magnitude.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "row.h"
#include "tap.h"

#define MOST 400

static double x[MOST];

/* What went wrong with one kind of data, by clause. */
typedef struct Count
{
	long rows;
	long undefined; /* range or ranks not had */
	long order;		/* min above max */
	bool touching;	/* the data are multiples of one gap */
	long soft;		/* ranks at min differ from mid-ranks */
	long still;		/* nothing joined just above min */
	long split;		/* not one block at max */
	long joined;	/* one block below max already */
	double error;	/* of ranks at min */
} Count;

/* Return the number of blocks at a strength; 0 on failure. */
static size_t
blocks(SfsTask *task, double strength)
{
	size_t bytes = sfs_core_workspace(task);
	char *workspace = malloc(bytes);
	SfsPoll poll = {NULL, SFS_POLL_CREDIT};
	SfsRow row = {.task = task,
				  .n = task->length,
				  .x = task->x,
				  .arena = {workspace, workspace + bytes},
				  .poll = &poll};
	SfsFit fit = {.blocks = 0};

	task->strength = strength;
	if (sfs_fit_rank(&row, &row.x, &fit) != SFS_OK)
		fit.blocks = 0;
	free(workspace);
	return fit.blocks;
}

/* Return how many different values there are. */
static size_t
distinct(size_t n)
{
	size_t count = 0;

	for (size_t i = 0; i < n; i++)
	{
		bool seen = false;

		for (size_t j = 0; j < i && !seen; j++)
			seen = x[j] == x[i];
		count += !seen;
	}
	return count;
}

/* Return the mid-rank of element i by counting. */
static double
mid_rank(size_t n, size_t i)
{
	size_t below_i = 0;
	size_t equal = 0;

	for (size_t j = 0; j < n; j++)
	{
		below_i += x[j] < x[i];
		equal += x[j] == x[i];
	}
	return (double) below_i + ((double) equal + 1.0) * 0.5;
}

/* Check one row in one combination of options. */
static void
check(size_t n, SfsRegularization reg, bool standardize, Count *count)
{
	double range[2];
	double rank[MOST];
	SfsTask task = one_row(SFS_OP_STRENGTH_RANGE, reg, 1.0, x, n, range);
	size_t groups = distinct(n);
	bool soft = false;

	task.standardize = standardize;
	if (groups < 2)
		return;
	count->rows++;
	if (run_core(&task) != SFS_OK || !(range[0] > 0.0) || !isfinite(range[1]))
	{
		count->undefined++;
		return;
	}
	count->order += range[0] > range[1];
	task.op = SFS_OP_RANK;
	task.out.data = rank;
	task.strength = range[0];
	count->undefined += run_core(&task) != SFS_OK;
	for (size_t i = 0; i < n; i++)
	{
		double error = fabs(rank[i] - mid_rank(n, i));

		/* where groups touch exactly, the one block's (x - mean) / strength rounds (N14) */
		soft = soft || error > (count->touching ? 1e-15 * (double) n : 0.0);
		count->error = fmax(count->error, error);
	}
	count->soft += soft;
	count->still += blocks(&task, range[0] * (1.0 + 1e-9)) >= groups;
	count->split += blocks(&task, range[1]) != 1;
	count->joined += blocks(&task, range[1] * (1.0 - 1e-9)) <= 1;
}

/* The kinds of data; the exponents of the magnitudes follow. */
static const char *const kinds[] = {
	"normal deviates", "integers",	  "few integers, ties", "decimals",		 "equal gaps",
	"ties and gaps",   "heavy tails", "an outlier",			"epoch seconds", "two values",
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

/* Fill x with one kind of data. */
static void
fill(size_t kind, size_t n)
{
	/* 45 bits, so that small multiples are exact */
	double gap = ldexp(trunc(ldexp(0.5 + 0.5 * uniform(), 45)), -45);

	for (size_t i = 0; i < n; i++)
		switch (kind)
		{
			case 0:
				x[i] = normal();
				break;
			case 1:
				x[i] = (double) below(1000) - 500.0;
				break;
			case 2:
				x[i] = (double) below(1 + n / 2);
				break;
			case 3:
				x[i] = 0.1 * (double) below(3 * n);
				break;
			case 4:
				x[i] = gap * (double) i;
				break;
			case 5:
				x[i] = gap * (double) (i / (1 + below(3)));
				break;
			case 6:
				x[i] = exp(6.0 * normal()) * (below(2) ? 1.0 : -1.0);
				break;
			case 7:
				x[i] = i == 0 ? 1e9 : normal();
				break;
			case 8:
				x[i] = 1.7e9 + 100.0 * uniform();
				break;
			default:
				x[i] = below(2) ? gap : 3.0 * gap;
				break;
		}
}

/* Report the counts of one kind. */
static void
report(const Count *count, const char *what)
{
	ok(count->undefined == 0, "%s: %ld ranges and ranks, %ld failed", what, count->rows,
	   count->undefined);
	ok(count->order == 0, "%s: min is not above max, %ld wrong", what, count->order);
	ok(count->soft == 0, "%s: hard ranks at min, %ld rows differ, by up to %.1e", what, count->soft,
	   count->error);
	ok(count->still == 0, "%s: something joins above min, %ld wrong", what, count->still);
	ok(count->split == 0, "%s: one block at max, %ld wrong", what, count->split);
	ok(count->joined == 0, "%s: more than one below max, %ld wrong", what, count->joined);
}

/* Test all kinds in one combination of options, scaled by powers of two. */
static void
test_kinds(SfsRegularization reg, bool standardize)
{
	static const int scales[] = {0, 0, 0, 40, -40, 700, -700, 980, -960};

	for (size_t kind = 0; kind < KINDS; kind++)
	{
		Count count = {.touching = strcmp(kinds[kind], "equal gaps") == 0};
		char what[100];

		for (int round = 0; round < 72; round++)
		{
			size_t n = 2 + below(round % 12 == 0 ? MOST - 1 : 30);

			fill(kind, n);
			for (size_t i = 0; i < n; i++)
				x[i] = ldexp(x[i], scales[(size_t) round % (sizeof(scales) / sizeof(scales[0]))]);
			check(n, reg, standardize, &count);
		}
		snprintf(what, sizeof(what), "%s%s, %s", sfs_regularization_name(reg),
				 standardize ? " standardized" : "", kinds[kind]);
		report(&count, what);
	}
}

/* Test rows that have no range, and one that is known. */
static void
test_special(void)
{
	static const double constant[3] = {4.0, 4.0, 4.0};
	static const double steps[4] = {1.0, 2.0, 4.0, 8.0};
	double range[2] = {0.0, 0.0};
	SfsTask task = one_row(SFS_OP_STRENGTH_RANGE, SFS_REG_L2, 1.0, constant, 3, range);

	for (size_t n = 0; n <= 3; n++)
		for (int k = 0; k < 4; k++)
		{
			task.length = n;
			task.regularization = k % 2 ? SFS_REG_KL : SFS_REG_L2;
			task.standardize = k / 2;
			range[0] = range[1] = 0.0;
			if (run_core(&task) != SFS_OK || !isnan(range[0]) || !isnan(range[1]))
				ok(false, "n = %zu of a constant has no range", n);
		}
	ok(true, "no range for n < 2 or a constant row");
	task = one_row(SFS_OP_STRENGTH_RANGE, SFS_REG_L2, 1.0, steps, 4, range);
	ok(run_core(&task) == SFS_OK && range[0] == 1.0 && fabs(range[1] - 17.0 / 6.0) < 1e-15,
	   "1, 2, 4, 8: from 1 to 17/6");
}

int
main(void)
{
	test_special();
	for (int reg = 0; reg < SFS_REG_COUNT; reg++)
		for (int standardize = 0; standardize < 2; standardize++)
			test_kinds(reg, standardize);
	return done_testing();
}
