/*
 * tap.c - see tap.h.
 */
#include "tap.h"

#include <math.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static int tests;
static int failures;
static uint64_t state = 0x9e3779b97f4a7c15;

/* See tap.h. */
bool
ok(bool passed, const char *name, ...)
{
	va_list args;

	tests++;
	failures += !passed;
	printf("%s %d - ", passed ? "ok" : "not ok", tests);
	va_start(args, name);
	vprintf(name, args);
	va_end(args);
	printf("\n");
	fflush(stdout);
	return passed;
}

/* See tap.h. */
int
done_testing(void)
{
	printf("1..%d\n", tests);
	return failures == 0 ? 0 : 1;
}

/* See tap.h. */
SfsStatus
run_core(const SfsTask *task)
{
	size_t bytes = sfs_core_workspace(task);
	void *workspace = malloc(bytes > 0 ? bytes : 1);
	SfsStatus status = sfs_core_run(task, 0, task->rows, workspace, NULL);

	free(workspace);
	return status;
}

/* See tap.h. */
SfsTask
one_row(SfsOp op, SfsRegularization reg, double strength, const double *x, size_t n, double *out)
{
	SfsTask task = {
		.op = op,
		.regularization = reg,
		.strength = strength,
		.rows = 1,
		.length = n,
		.x = {x, SFS_FLOAT64, false},
		.out = {out, SFS_FLOAT64},
	};

	return task;
}

/* See tap.h. */
void
seed(uint64_t number)
{
	state = (number + 1) * UINT64_C(0x9e3779b97f4a7c15);
	/* neighbouring seeds have much in common at first */
	for (int i = 0; i < 4; i++)
		(void) uniform();
}

/* See tap.h: xorshift64*. */
double
uniform(void)
{
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return (double) (state * UINT64_C(0x2545f4914f6cdd1d) >> 11) * 0x1p-53;
}

/* See tap.h: Box and Muller. */
double
normal(void)
{
	double u = 1.0 - uniform();
	double v = uniform();

	return sqrt(-2.0 * log(u)) * cos(6.283185307179586 * v);
}

/* See tap.h. */
size_t
below(size_t n)
{
	return (size_t) (uniform() * (double) n);
}
