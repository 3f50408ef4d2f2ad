/*
 * test_blocks.c - statements about blocks: touching (N4), range in kl (N7), one
 * block without sorting (N8), and where overflow is an error (N16).
 */
#include <float.h>
#include <math.h>
#include <stdlib.h>

#include "argsort.h"
#include "block.h"
#include "row.h"
#include "tap.h"

#define MOST 2000

static double x[MOST];
static double out[MOST];
static double sorted[MOST];
static uint32_t perm[MOST];
static uint32_t start[MOST + 1];
static uint64_t words[2 * MOST];

/* Sort x and run a solver of soft_rank on it; return the number of blocks. */
static size_t
solve(SfsRegularization reg, double strength, size_t n)
{
	SfsPoll poll = {NULL, SFS_POLL_CREDIT};
	const SfsRegularizer *table = sfs_regularizer(reg, sfs_strength(strength, 0));
	SfsProblem problem = {
		.kind = SFS_PROBLEM_RANK,
		.n = n,
		.v = sorted,
		.strength = sfs_strength(strength, 0),
		.start = start,
		.scratch = malloc(table->scratch(SFS_PROBLEM_RANK, n)),
		.poll = &poll,
	};

	if (sfs_keysort(x, SFS_FLOAT64, false, n, perm, sorted, words, &poll) != SFS_OK ||
		table->solve(&problem) != SFS_OK)
		abort();
	free(problem.scratch);
	return problem.blocks;
}

/* Test that equal means are one block: a chain at its own step, and a hair below (N4). */
static void
test_touching(void)
{
	static const double steps[] = {1.0, 0.5, 3.0, 0x1p-40, 0x1p600};

	for (size_t k = 0; k < sizeof(steps) / sizeof(steps[0]); k++)
	{
		bool joined = true;
		bool apart = true;

		for (size_t n = 2; n <= 300; n++)
		{
			for (size_t i = 0; i < n; i++)
				x[i] = steps[k] * (double) i;
			joined = joined && solve(SFS_REG_L2, steps[k], n) == 1;
			apart = apart && solve(SFS_REG_L2, steps[k] * (1.0 - DBL_EPSILON), n) == n;
		}
		ok(joined, "a chain of step %g is one block at strength %g", steps[k], steps[k]);
		ok(apart, "and singletons at the strength below");
	}
}

/* Test the bound on the range of a kl block (N7). */
static void
test_kl_range(void)
{
	double most = 0.0;
	size_t shared = 0;

	for (int round = 0; round < 400; round++)
	{
		size_t n = 2 + below(MOST - 1);
		double strength = exp(uniform() * 12.0 - 9.0);
		size_t blocks;

		for (size_t i = 0; i < n; i++)
			x[i] = round % 2 == 0 ? normal() : uniform() * uniform() * 10.0;
		blocks = solve(SFS_REG_KL, strength, n);
		for (size_t k = 0; k < blocks; k++)
		{
			double range = (sorted[start[k]] - sorted[start[k + 1] - 1]) / strength;

			most = fmax(most, range / log((double) n * ((double) n + 1.0) / 2.0));
			shared += start[k + 1] - start[k] > 1;
		}
	}
	ok(most <= 1.0 && most > 0.1 && shared > 400,
	   "kl blocks stay within log(n (n + 1) / 2): %.3f of it, %zu blocks", most, shared);
}

/* Test that the shortcut never says one block where the solver finds more (N8). */
static void
test_one_block(SfsRegularization reg)
{
	const SfsRegularizer *table = sfs_regularizer(reg, sfs_strength(1.0, 0));
	size_t said = 0;
	size_t wrong = 0;

	for (int round = 0; round < 3000; round++)
	{
		size_t n = 2 + below(60);
		double range = 0.0;
		double strength;
		double ratio = (reg == SFS_REG_L2 ? (double) n / 2.0 : 0.6931) * (0.98 + 0.03 * uniform());

		/* the worst case: one value apart from all others, on either side */
		for (size_t i = 0; i < n; i++)
			x[i] = round % 3 == 0	? (double) (i == 0)
				   : round % 3 == 1 ? (double) (i > 0)
									: normal();
		for (size_t i = 0; i < n; i++)
			for (size_t j = 0; j < n; j++)
				range = fmax(range, x[i] - x[j]);
		strength = range / ratio;
		if (!table->rank_is_one_block(range / strength, n))
			continue;
		said++;
		wrong += solve(reg, strength, n) != 1;
	}
	ok(said > 500 && wrong == 0, "%s: %zu rows are one block without sorting, %zu wrongly",
	   table->name, said, wrong);
	for (size_t i = 0; i < 10; i++)
		x[i] = (double) (i == 0);
	ok(!table->rank_is_one_block((reg == SFS_REG_L2 ? 5.0 : 0.6931) * 1.001, 10) &&
		   solve(reg, 1.0 / ((reg == SFS_REG_L2 ? 5.0 : 0.6932) * 1.01), 10) > 1,
	   "%s: the bound is tight for one value apart", table->name);
}

/* Return the status of one operation on two values. */
static SfsStatus
status_of(SfsOp op, double strength, double a, double b, double g_a, double g_b)
{
	double values[2] = {a, b};
	double g[2] = {g_a, g_b};
	SfsTask task = one_row(op, SFS_REG_L2, strength, values, 2, out);

	task.g.data = g;
	return run_core(&task);
}

/* Test that only a true overflow is one (N16). */
static void
test_overflow(void)
{
	float single[2];
	double values[2] = {1.0, 1.0};
	double g[2] = {1e39, 0.0};
	SfsTask task = one_row(SFS_OP_RANK_VJP, SFS_REG_L2, 1.0, values, 2, out);

	ok(status_of(SFS_OP_RANK_VJP, 1e-320, 0.0, 0.0, 1.0, 0.0) == SFS_OUT_OF_RANGE,
	   "a derivative of 5e319 is out of range");
	ok(status_of(SFS_OP_RANK_VJP, 1e-320, 0.0, 0.0, 1e-20, 0.0) == SFS_OK &&
		   fabs(out[0] / 5e299 - 1.0) < 1e-3,
	   "1e-20 of it is not");
	ok(status_of(SFS_OP_RANK, 1.7e308, 1.7e308, -1.7e308, 0, 0) == SFS_OK &&
		   fabs(out[0] - 2.0) < 1e-15 && fabs(out[1] - 1.0) < 1e-15,
	   "a difference beyond double does not matter");
	ok(status_of(SFS_OP_RANK_VJP, 1e10, 1.0, 2.0, 1.7e308, -1.7e308) == SFS_OK &&
		   fabs(out[0] / 1.7e298 - 1.0) < 1e-15,
	   "nor does one of cotangents");
	ok(status_of(SFS_OP_SORT, 1e-300, 1.7e308, -1.7e308, 0, 0) == SFS_OK, "nor one in soft_sort");
	task.g.data = g;
	task.out.data = single;
	task.out.type = SFS_FLOAT32;
	ok(run_core(&task) == SFS_OUT_OF_RANGE, "a float result has the range of float");
}

int
main(void)
{
	test_touching();
	test_kl_range();
	test_one_block(SFS_REG_L2);
	test_one_block(SFS_REG_KL);
	test_overflow();
	return done_testing();
}
