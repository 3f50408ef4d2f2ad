/*
 * test_properties.c - what every soft rank and sort obeys, bit for bit where
 * that is promised: the sum of ranks, permutations, ties, directions, offsets
 * and powers of two (N2, N9, N10, N11), limits in the strength (N15) and
 * singletons.
 */
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "row.h"
#include "tap.h"

#define MOST 500

static double x[MOST];
static double moved[MOST];
static double left[MOST];
static double right[MOST];
static size_t order[MOST];

/* One list with its options. */
typedef struct Setting
{
	size_t n;
	SfsRegularization reg;
	SfsDirection direction;
	bool standardize;
	double strength;
	size_t kind;
} Setting;

static long wrong;
static long lists;
static int shown;

/* Count a violation and show the first few. */
static void
expect(bool right_result, const Setting *s, const char *what)
{
	lists++;
	wrong += !right_result;
	if (!right_result && shown++ < 20)
		printf("# %s: %s %s%s strength %a n %zu kind %zu\n", what, sfs_regularization_name(s->reg),
			   s->direction == SFS_ASCENDING ? "asc" : "desc", s->standardize ? " std" : "",
			   s->strength, s->n, s->kind);
}

/* Run an operation of one list; false when it fails. */
static bool
run(const Setting *s, SfsOp op, const double *values, double *out)
{
	SfsTask task = one_row(op, s->reg, s->strength, values, s->n, out);

	task.direction = s->direction;
	task.standardize = s->standardize && op != SFS_OP_SORT;
	return run_core(&task) == SFS_OK;
}

/* Fill a list: deviates, ties, decimals, large offsets, heavy tails, extremes. */
static void
fill(double *list, size_t n, size_t kind)
{
	for (size_t i = 0; i < n; i++)
		switch (kind)
		{
			case 0:
				list[i] = normal();
				break;
			case 1:
				list[i] = (double) below(1 + n / 3);
				break;
			case 2:
				list[i] = 0.1 * (double) below(2 * n);
				break;
			case 3:
				list[i] = 1.7e15 + floor(100.0 * uniform());
				break;
			case 4:
				list[i] = exp(4.0 * normal()) * (below(2) ? 1.0 : -1.0);
				break;
			case 5:
				list[i] = (below(2) ? 1.0 : -1.0) * ldexp(1.0 + uniform(), 1023);
				break;
			case 6:
				list[i] = (double) below(100) * DBL_TRUE_MIN;
				break;
			default:
				list[i] = below(4) ? 5.0 : normal();
				break;
		}
}
#define KINDS 8

/* Draw a list and options; strengths go with the data, from hard to one block and beyond. */
static Setting
draw(int round)
{
	Setting s = {.n = 1 + below(round % 8 == 0 ? MOST : 40), .kind = below(KINDS)};
	double size = s.kind == 5 ? 0x1p1023 : s.kind == 6 ? 0x1p-1070 : 1.0;

	s.reg = below(2) ? SFS_REG_KL : SFS_REG_L2;
	s.direction = below(2) ? SFS_DESCENDING : SFS_ASCENDING;
	s.standardize = below(2);
	s.strength = exp2(20.0 * uniform() - 14.0) * (s.standardize || below(4) == 0 ? 1.0 : size);
	if (below(12) == 0)
		s.strength = 0.0;
	if (below(20) == 0)
		s.strength = exp2(2090.0 * uniform() - 1070.0);
	fill(x, s.n, s.kind);
	return s;
}

/* Report one property. */
static void
report(const char *name)
{
	ok(wrong == 0, "%s: %ld of %ld wrong", name, wrong, lists);
	wrong = lists = 0;
}

/* Test sums, ties, order and singletons of ranks. */
static void
test_ranks(void)
{
	for (int round = 0; round < 3000; round++)
	{
		Setting s = draw(round);
		double n = (double) s.n;
		long double sum = 0.0L;
		bool ties = true;
		bool ordered = true;

		if (!run(&s, SFS_OP_RANK, x, left))
		{
			expect(false, &s, "soft_rank fails");
			continue;
		}
		for (size_t i = 0; i < s.n; i++)
		{
			sum += left[i];
			for (size_t j = 0; j < i; j++)
			{
				double rise = s.direction == SFS_ASCENDING ? left[i] - left[j] : left[j] - left[i];

				ties = ties && (x[i] != x[j] || left[i] == left[j]);
				ordered = ordered && (x[i] < x[j] || rise >= -1e-13 * n);
				ordered = ordered && (x[i] > x[j] || rise <= 1e-13 * n);
			}
			ordered = ordered && left[i] >= 1.0 - 1e-13 * n && left[i] <= n + 1e-13 * n;
		}
		expect(fabsl(sum - n * (n + 1.0) * 0.5L) <= 2.0 * DBL_EPSILON * n * n, &s, "sum of ranks");
		expect(ties, &s, "equal values");
		expect(ordered, &s, "order of ranks");
	}
	report("ranks: sum, equal values, order, bounds");
}

/* Test that permuting the input permutes the result to the last bit. */
static void
test_permutations(void)
{
	for (int round = 0; round < 3000; round++)
	{
		Setting s = draw(round);
		bool same = true;

		for (size_t i = 0; i < s.n; i++)
			order[i] = i;
		for (size_t i = s.n; i > 1; i--)
		{
			size_t j = below(i);
			size_t swap = order[i - 1];

			order[i - 1] = order[j];
			order[j] = swap;
		}
		for (size_t i = 0; i < s.n; i++)
			moved[i] = x[order[i]];
		same = run(&s, SFS_OP_RANK, x, left) && run(&s, SFS_OP_RANK, moved, right);
		for (size_t i = 0; i < s.n; i++)
			same = same && right[i] == left[order[i]];
		expect(same, &s, "permuted ranks");
		/* a tiny strength spreads a block beyond the type; then it does so both times */
		same = run(&s, SFS_OP_SORT, x, left) == run(&s, SFS_OP_SORT, moved, right) &&
			   memcmp(left, right, s.n * sizeof(double)) == 0;
		expect(same, &s, "sort of permuted values");
	}
	report("permutations, to the last bit");
}

/* Test that desc is asc of the negated list, and the symmetry of l2. */
static void
test_directions(void)
{
	for (int round = 0; round < 2000; round++)
	{
		Setting s = draw(round);
		Setting other = s;
		bool same;
		bool mirrored = true;

		other.direction = s.direction == SFS_ASCENDING ? SFS_DESCENDING : SFS_ASCENDING;
		for (size_t i = 0; i < s.n; i++)
			moved[i] = -x[i];
		same = run(&s, SFS_OP_RANK, x, left) && run(&other, SFS_OP_RANK, moved, right) &&
			   memcmp(left, right, s.n * sizeof(double)) == 0;
		expect(same, &s, "desc is asc of -x");
		if (s.reg == SFS_REG_L2)
		{
			mirrored = run(&other, SFS_OP_RANK, x, right);
			for (size_t i = 0; i < s.n; i++)
				mirrored = mirrored &&
						   fabs(left[i] + right[i] - (double) (s.n + 1)) <= 1e-13 * (double) s.n;
			expect(mirrored, &s, "asc and desc add up to n + 1");
		}
		same = run(&s, SFS_OP_SORT, x, left) == run(&other, SFS_OP_SORT, moved, right);
		for (size_t i = 0; i < s.n; i++)
			same = same && left[i] == -right[i];
		expect(same, &s, "sort of -x");
	}
	report("directions");
}

/* Test that exact offsets change nothing, and powers of two scale. */
static void
test_offsets_and_scales(void)
{
	for (int round = 0; round < 3000; round++)
	{
		Setting s = draw(round);
		Setting scaled;
		/* standardized, down to subnormals; else the strength must stay exact */
		int k = s.standardize && below(2) ? (int) below(20) - 1074 : (int) below(600) - 300;
		bool same;

		/* integers, so that adding 2^30 or 2^51 is exact */
		for (size_t i = 0; i < s.n; i++)
			x[i] = (double) below(round % 2 ? 1000000 : 20) - 10.0;
		for (size_t i = 0; i < s.n; i++)
			moved[i] = x[i] + (round % 3 ? 0x1p30 : 0x1p51);
		same = run(&s, SFS_OP_RANK, x, left) && run(&s, SFS_OP_RANK, moved, right) &&
			   memcmp(left, right, s.n * sizeof(double)) == 0;
		expect(same, &s, "offset");
		if (fabs(log2(s.strength)) > 100.0)
			continue;
		scaled = s;
		if (!s.standardize)
			scaled.strength = ldexp(s.strength, k);
		for (size_t i = 0; i < s.n; i++)
			moved[i] = ldexp(x[i], k);
		same = run(&scaled, SFS_OP_RANK, moved, right) &&
			   memcmp(left, right, s.n * sizeof(double)) == 0;
		expect(same, &s, "scale");
	}
	report("exact offsets and powers of two");
}

/* Test limits in the strength: hard ranks and sorts, and the middle. */
static void
test_limits(void)
{
	static const double tiny[] = {0.0, DBL_TRUE_MIN, 0x1p-1022, 1e-200};
	static const double huge[] = {1e200, 0x1p1023, DBL_MAX};

	for (int round = 0; round < 600; round++)
	{
		Setting s = draw(round);

		s.kind = (size_t) round % 5;
		s.standardize = false;
		fill(x, s.n, s.kind);
		for (size_t k = 0; k < sizeof(tiny) / sizeof(tiny[0]); k++)
		{
			bool hard;

			s.strength = tiny[k];
			hard = run(&s, SFS_OP_RANK, x, left);
			for (size_t i = 0; i < s.n; i++)
			{
				double rank = 0.5;

				for (size_t j = 0; j < s.n; j++)
				{
					bool before = s.direction == SFS_ASCENDING ? x[j] < x[i] : x[j] > x[i];

					rank += before ? 1.0 : x[j] == x[i] ? 0.5 : 0.0;
				}
				hard = hard && left[i] == rank;
			}
			expect(hard, &s, "hard ranks");
		}
		for (size_t k = 0; k < sizeof(huge) / sizeof(huge[0]); k++)
		{
			bool middle;

			s.strength = huge[k];
			middle = run(&s, SFS_OP_RANK, x, left);
			for (size_t i = 0; i < s.n; i++)
				middle = middle && left[i] == (double) (s.n + 1) * 0.5;
			expect(middle, &s, "middle rank");
		}
		s.strength = 0.0;
		expect(run(&s, SFS_OP_SORT, x, left), &s, "hard sort");
		for (size_t i = 1; i < s.n; i++)
			expect(s.direction == SFS_ASCENDING ? left[i - 1] <= left[i] : left[i - 1] >= left[i],
				   &s, "hard sort is sorted");
	}
	report("limits in the strength");
}

/* Test that blocks of one element have exact results. */
static void
test_singletons(void)
{
	static char workspace[1 << 17];

	for (int round = 0; round < 2000; round++)
	{
		Setting s = draw(round);
		SfsTask task = one_row(SFS_OP_RANK, s.reg, s.strength, x, s.n, left);
		SfsPoll poll = {NULL, SFS_POLL_CREDIT};
		SfsRow row = {.task = &task,
					  .n = s.n,
					  .x = task.x,
					  .arena = {workspace, workspace + sizeof(workspace)}};
		SfsFit fit;

		row.poll = &poll;
		if (!run(&s, SFS_OP_RANK, x, left))
			continue;
		task.direction = s.direction;
		task.standardize = s.standardize;
		if (sfs_fit_rank(&row, &row.x, &fit) != SFS_OK)
			expect(false, &s, "fit");
		else
			for (size_t k = 0; k < fit.blocks && fit.perm != NULL; k++)
				if (fit.start[k + 1] - fit.start[k] == 1)
					expect(left[fit.perm[fit.start[k]]] == (double) (s.n - fit.start[k]), &s,
						   "singleton");
	}
	report("singletons are exact");
}

int
main(void)
{
	test_ranks();
	test_permutations();
	test_directions();
	test_offsets_and_scales();
	test_limits();
	test_singletons();
	return done_testing();
}
