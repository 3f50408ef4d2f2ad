/*
 * inputs.c - makes the inputs of bench/gpu, on the CPU, with the core.
 *
 *     inputs FOLDER ROWS N [pairs]
 *
 * Writes to FOLDER, as float32:
 *     ROWSxN.x          elements of N(0,1), no two of a row equal
 *     ROWSxN.sorted     each row in descending order (not with "pairs")
 *     ROWSxN.strengths  lines "REGULARIZATION LABEL STRENGTH FRACTION-IN-BLOCKS" (not with "pairs"):
 *                       one: all of a row share one block; single: none share one; half: about half do
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sfs_core.h"

#define SAMPLE 100000 /* elements that have to do for finding strengths, or one row */

static uint64_t state = 88172645463325252;

/* Return a pseudorandom number in (0, 1). */
static double
uniform(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return ((double) (state >> 11) + 0.5) / 9007199254740992.0;
}

/* Fill a row with normal deviates that differ; seen has a bit for each float, all zero before and after. */
static void
fill_row(float *x, size_t n, uint64_t *seen)
{
	for (size_t i = 0; i < n;)
	{
		float v = (float) (sqrt(-2 * log(uniform())) * cos(6.283185307179586 * uniform()));
		uint32_t bits;

		memcpy(&bits, &v, sizeof bits);
		if (seen[bits / 64] >> bits % 64 & 1)
			continue;
		seen[bits / 64] |= UINT64_C(1) << bits % 64;
		x[i++] = v;
	}
	for (size_t i = 0; i < n; i++)
	{
		uint32_t bits;

		memcpy(&bits, &x[i], sizeof bits);
		seen[bits / 64] = 0;
	}
}

/* Run a task on the core; the program ends if that fails. */
static void
run(const SfsTask *task)
{
	void *workspace = malloc(sfs_core_workspace(task));

	if (workspace == NULL || sfs_core_run(task, 0, task->rows, workspace, NULL) != SFS_OK)
	{
		fprintf(stderr, "inputs: the core failed\n");
		exit(1);
	}
	free(workspace);
}

/* Return a task on rows of floats. */
static SfsTask
task_of(SfsOp op, SfsRegularization reg, double strength, const float *x, size_t rows, size_t n)
{
	SfsTask task = {.op = op, .regularization = reg, .strength = strength};

	task.rows = rows;
	task.length = n;
	task.x = (SfsInput){.data = x, .type = SFS_FLOAT32};
	return task;
}

/* Return the fraction of elements whose rank is not the hard one, and so no integer. */
static double
fraction(SfsRegularization reg, double strength, const float *x, size_t rows, size_t n, double *out)
{
	SfsTask task = task_of(SFS_OP_RANK, reg, strength, x, rows, n);
	size_t soft = 0;

	task.out = (SfsOutput){.data = out, .type = SFS_FLOAT64};
	run(&task);
	for (size_t i = 0; i < rows * n; i++)
		soft += out[i] != floor(out[i]);
	return (double) soft / (double) (rows * n);
}

/* Find the strengths of one regularization and print them. */
static void
find_strengths(FILE *f, SfsRegularization reg, const float *x, size_t rows, size_t n)
{
	const char *name = sfs_regularization_name(reg);
	size_t few = SAMPLE / n < 1 ? 1 : SAMPLE / n < rows ? SAMPLE / n : rows;
	double *range = malloc(2 * few * sizeof(double));
	double *out = malloc(few * n * sizeof(double));
	SfsTask task = task_of(SFS_OP_STRENGTH_RANGE, reg, 0, x, few, n);
	double low = HUGE_VAL;
	double high = 0;
	double from;
	double to;
	double half;
	double got;

	task.out = (SfsOutput){.data = range, .type = SFS_FLOAT64};
	run(&task);
	for (size_t r = 0; r < few; r++)
	{
		low = fmin(low, range[2 * r]);
		high = fmax(high, range[2 * r + 1]);
	}
	/* A guess that fits N(0,1) first; the bounds only where it does not. */
	half = reg == SFS_REG_L2 ? 1.2 / (double) n : 0.41;
	from = low;
	to = high;
	for (int i = 0; i < 40; i++)
	{
		got = fraction(reg, half, x, few, n, out);
		if (got >= 0.46 && got <= 0.54)
			break;
		if (got < 0.5)
			from = half;
		else
			to = half;
		half = i < 2 ? half * (got < 0.5 ? 1.4 : 1 / 1.4) : sqrt(from * to);
	}
	/* Gaps of rows outside the sample may be smaller, by about as many times as there are more of them. */
	fprintf(f, "%s one %.17g 1\n%s half %.17g %.3f\n%s single %.17g 0\n", name, 2 * high, name,
			half, got, name, low / 10 * (double) few / (double) rows);
	free(range);
	free(out);
}

/* Write a matrix. */
static void
write_floats(const char *path, const float *x, size_t count)
{
	FILE *f = fopen(path, "wb");

	if (f == NULL || fwrite(x, sizeof(float), count, f) != count || fclose(f) != 0)
	{
		perror(path);
		exit(1);
	}
}

int
main(int argc, char **argv)
{
	size_t rows = argc > 3 ? strtoul(argv[2], NULL, 10) : 0;
	size_t n = argc > 3 ? strtoul(argv[3], NULL, 10) : 0;
	uint64_t *seen = calloc(UINT64_C(1) << 26, sizeof(uint64_t));
	float *x = malloc(rows * n * sizeof(float));
	float *sorted = malloc(rows * n * sizeof(float));
	char path[4096];
	SfsTask sort;
	FILE *f;

	if (rows == 0 || n == 0 || seen == NULL || x == NULL || sorted == NULL)
	{
		fprintf(stderr, "usage: inputs FOLDER ROWS N [pairs]\n");
		return 2;
	}
	state ^= rows * 0x9e3779b97f4a7c15u;
	for (size_t r = 0; r < rows; r++)
		fill_row(x + r * n, n, seen);
	snprintf(path, sizeof path, "%s/%zux%zu.x", argv[1], rows, n);
	write_floats(path, x, rows * n);
	if (argc > 4)
		return 0;
	sort = task_of(SFS_OP_SORT, SFS_REG_L2, 0, x, rows, n);
	sort.direction = SFS_DESCENDING;
	sort.out = (SfsOutput){.data = sorted, .type = SFS_FLOAT32};
	run(&sort);
	snprintf(path, sizeof path, "%s/%zux%zu.sorted", argv[1], rows, n);
	write_floats(path, sorted, rows * n);
	snprintf(path, sizeof path, "%s/%zux%zu.strengths", argv[1], rows, n);
	f = fopen(path, "w");
	if (f == NULL)
		return 1;
	for (int reg = 0; reg < SFS_REG_COUNT; reg++)
		find_strengths(f, (SfsRegularization) reg, x, rows, n);
	return fclose(f) == 0 ? 0 : 1;
}
