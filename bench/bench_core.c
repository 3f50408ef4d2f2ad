/*
 * bench_core.c - time of the core per element, without a server.
 *
 * bench/run builds and runs it; KERNELS in the environment forces a level.  Each line
 * is the fastest of five repetitions over about a million elements of N(0, 1).  Strengths: "hard" leaves singletons,
 * "half" puts about half of the elements into blocks, "one" makes one block.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "kernels.h"
#include "sfs_core.h"
#include "tap.h"

#define TOTAL 1000000
#define REPETITIONS 5

static double x[TOTAL];
static float x_float[TOTAL];
static double g[TOTAL];
static double out[TOTAL];

/* Return the CPU time of this process in seconds. */
static double
cpu_time(void)
{
	return (double) clock() / CLOCKS_PER_SEC;
}

/* Time one operation on rows of n; return ns per element. */
static double
measure(SfsOp op, SfsRegularization reg, size_t n, double strength, bool real)
{
	size_t rows = TOTAL / n;
	SfsTask task = one_row(op, reg, strength, x, n, out);
	void *workspace;
	double best = 1e30;

	task.rows = rows;
	task.y.data = g;
	task.g.data = g;
	if (real)
	{
		task.x.data = x_float;
		task.x.type = SFS_FLOAT32;
	}
	workspace = malloc(sfs_core_workspace(&task));
	for (int i = 0; i < REPETITIONS; i++)
	{
		double start = cpu_time();
		double elapsed;

		if (sfs_core_run(&task, 0, rows, workspace, NULL) != SFS_OK)
			abort();
		elapsed = cpu_time() - start;
		best = elapsed < best ? elapsed : best;
	}
	free(workspace);
	return best / (double) (rows * n) * 1e9;
}

/* Print the lines of one operation. */
static void
report(const char *name, SfsOp op, SfsRegularization reg)
{
	static const size_t lengths[] = {10, 32, 100, 1000, 100000, 1000000};

	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++)
	{
		size_t n = lengths[i];

		printf("%-20s %-2s %8zu", name, sfs_regularization_name(reg), n);
		printf(" %8.1f", measure(op, reg, n, 1e-3 / (double) n, true));
		printf(" %8.1f", measure(op, reg, n, 0.7 / (double) n, true));
		printf(" %8.1f", measure(op, reg, n, 0.7 / (double) n, false));
		printf(" %8.1f\n", measure(op, reg, n, 100.0, true));
		fflush(stdout);
	}
}

int
main(void)
{
	for (size_t i = 0; i < TOTAL; i++)
	{
		x[i] = normal();
		x_float[i] = (float) x[i];
		g[i] = normal();
	}
	printf("kernels: %s\n", sfs_kernels->name);
	printf("ns per element       reg      n hard/f4  half/f4  half/f8   one/f4\n");
	for (int reg = 0; reg < SFS_REG_COUNT; reg++)
	{
		report("soft_rank", SFS_OP_RANK, (SfsRegularization) reg);
		report("soft_rank_vjp", SFS_OP_RANK_VJP, (SfsRegularization) reg);
		report("soft_sort", SFS_OP_SORT, (SfsRegularization) reg);
		report("soft_spearman", SFS_OP_SOFT_SPEARMAN, (SfsRegularization) reg);
	}
	report("spearman", SFS_OP_SPEARMAN, SFS_REG_L2);
	return 0;
}
