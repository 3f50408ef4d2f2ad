/*
 * test_poll.c - how the core stays interruptible: in long rows the hook is asked
 * at least once in 65536 elements and in a few milliseconds of processor time,
 * even in rows of ten million, and a hook that says stop at any of its calls stops
 * the operation there.
 */
#define _POSIX_C_SOURCE 199309L

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tap.h"

#define SIDE 500 /* of a Jacobian */

/* A sanitizer slows the code down several times, and so shorter rows do. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define PAUSE_MAX 0.1
#define HUGE_ROW 1000000
#define LONG 250000
#define SHORT 70000
#else
#define PAUSE_MAX 0.01
#define HUGE_ROW 10000000
#define LONG 1000000
#define SHORT 150000
#endif

static double x[HUGE_ROW];
static double y[HUGE_ROW];
static double g[HUGE_ROW];
static double out[HUGE_ROW];

/* What the hook counts. */
typedef struct Watch
{
	long calls;
	long stop_at; /* the call that stops; 0: none */
	double last;  /* processor time of the last call */
	double pause; /* longest time between calls */
} Watch;

/* Return the processor time of this process, in seconds. */
static double
processor_time(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double) now.tv_sec + (double) now.tv_nsec * 1e-9;
}

/* Note the time since the last call. */
static void
look(Watch *watch)
{
	double now = processor_time();

	watch->pause = fmax(watch->pause, now - watch->last);
	watch->last = now;
}

/* Count a call; return true when it is the one that stops. */
static bool
poll(void *arg)
{
	Watch *watch = arg;

	watch->calls++;
	look(watch);
	return watch->calls == watch->stop_at;
}

/* Run a task in a given workspace under watch. */
static SfsStatus
run(const SfsTask *task, void *workspace, Watch *watch)
{
	SfsHooks hooks = {.poll = poll, .arg = watch};
	SfsStatus status;

	watch->calls = 0;
	watch->pause = 0.0;
	watch->last = processor_time();
	status = sfs_core_run(task, 0, task->rows, workspace, &hooks);
	look(watch);
	return status;
}

/* The kinds of data: what takes long differs with the data. */
static const char *const kinds[] = {"deviates", "ties", "leading bits agree", "sawtooth"};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

/* Fill the lists. */
static void
fill(size_t kind, size_t n)
{
	for (size_t i = 0; i < n; i++)
	{
		x[i] = kind == 0   ? normal()
			   : kind == 1 ? (double) below(10)
			   : kind == 2 ? 1.0 + (double) below(1 << 20) * 0x1p-50
						   : (double) (i % 3);
		y[i] = 0.5 + uniform();
		g[i] = normal();
	}
	if (kind == 2)
		x[0] = 1e300;
}

/* Fill the lists of huge rows: like the first LONG, moved a little. */
static void
fill_huge(size_t kind)
{
	fill(kind, LONG);
	for (size_t i = LONG; i < HUGE_ROW; i++)
	{
		x[i] = x[i - LONG] + (kind == 0 ? 1e-7 : 0.0);
		y[i] = y[i - LONG] + (kind == 0 ? 1e-8 : 0.0);
		g[i] = g[i - LONG];
	}
}

/* Make a task of one long row, or of one Jacobian. */
static SfsTask
make(SfsOp op, SfsRegularization reg, double strength, bool standardize, size_t n)
{
	SfsTask task = one_row(op, reg, strength, x, n, out);

	if (sfs_op_shape(op) == SFS_SHAPE_MATRIX)
		task.length = (size_t) fmin(SIDE, sqrt((double) n));
	task.standardize = standardize;
	if (op >= SFS_OP_PROJECTION && op != SFS_OP_STRENGTH_RANGE)
		task.y.data = y;
	task.g.data = g;
	return task;
}

/* Test that a task is never long without asking; the workspace has been touched. */
static void
watch_pauses(const SfsTask *task, void *workspace, const char *data)
{
	bool matrix = sfs_op_shape(task->op) == SFS_SHAPE_MATRIX;
	size_t elements = matrix ? task->length * task->length : task->length;
	Watch watch = {0};
	SfsStatus status = run(task, workspace, &watch);

	/* another process may have had the caches: look again before complaining */
	for (int again = 0; again < 2 && watch.pause >= PAUSE_MAX; again++)
		status = run(task, workspace, &watch);
	ok(status == SFS_OK && watch.calls >= (long) elements / 65536 && watch.pause < PAUSE_MAX,
	   "operation %d %s%s strength %g, %s: %ld calls, longest pause %.2f ms", task->op,
	   sfs_regularization_name(task->regularization), task->standardize ? " std" : "",
	   task->strength, data, watch.calls, watch.pause * 1e3);
}

/* Test the pauses of one operation in long rows. */
static void
test_pauses(SfsOp op, SfsRegularization reg, double strength, bool standardize, size_t kind)
{
	SfsTask task = make(op, reg, strength, standardize, LONG);
	size_t bytes = sfs_core_workspace(&task);
	void *workspace = malloc(bytes);

	/* touch the memory first: page faults are not the core's time */
	memset(workspace, 1, bytes);
	watch_pauses(&task, workspace, kinds[kind]);
	free(workspace);
}

/* What is watched in rows of ten million: a block of all, many blocks, derivatives. */
static const struct
{
	SfsOp op;
	SfsRegularization reg;
	double strength;
	bool standardize;
	bool ties; /* on ties, too */
} huge[] = {
	{SFS_OP_RANK, SFS_REG_L2, 1e-6, false, true},
	{SFS_OP_RANK, SFS_REG_KL, 1.0, false, true},
	{SFS_OP_RANK, SFS_REG_KL, 1e9, false, false},
	{SFS_OP_RANK_VJP, SFS_REG_L2, 1.0, true, false},
	{SFS_OP_RANK_VJP, SFS_REG_KL, 1e9, false, false},
	{SFS_OP_SORT, SFS_REG_L2, 1e-6, false, true},
	{SFS_OP_SORT, SFS_REG_KL, 1e9, false, false},
	{SFS_OP_SPEARMAN, SFS_REG_L2, 1.0, false, true},
};
#define HUGE_TASKS (sizeof(huge) / sizeof(huge[0]))

/* Test a row in which nothing joins until the last value makes almost all of it one block. */
static void
test_avalanche(void *workspace)
{
	SfsTask task = make(SFS_OP_SORT, SFS_REG_KL, 2e13, false, HUGE_ROW);

	for (size_t i = 0; i < HUGE_ROW; i++)
		x[i] = i == HUGE_ROW / 2 ? -1e6 : 0.0;
	task.direction = SFS_DESCENDING;
	watch_pauses(&task, workspace, "an avalanche");
}

/* Test the pauses of rows of ten million. */
static void
test_huge(void)
{
	size_t bytes = 0;
	void *workspace;

	for (size_t k = 0; k < HUGE_TASKS; k++)
	{
		SfsTask task = make(huge[k].op, huge[k].reg, 1.0, huge[k].standardize, HUGE_ROW);

		bytes = sfs_core_workspace(&task) > bytes ? sfs_core_workspace(&task) : bytes;
	}
	workspace = malloc(bytes);
	memset(workspace, 1, bytes);
	memset(out, 1, sizeof(out));
	for (size_t kind = 0; kind < 2; kind++)
	{
		char data[64];

		snprintf(data, sizeof(data), "%d %s", HUGE_ROW, kinds[kind]);
		fill_huge(kind);
		for (size_t k = 0; k < HUGE_TASKS; k++)
			if (kind == 0 || huge[k].ties)
			{
				SfsTask task =
					make(huge[k].op, huge[k].reg, huge[k].strength, huge[k].standardize, HUGE_ROW);

				watch_pauses(&task, workspace, data);
			}
	}
	test_avalanche(workspace);
	free(workspace);
}

/* Test that every call of the hook can stop an operation, and ends it. */
static void
test_stops(SfsOp op, SfsRegularization reg, double strength, bool standardize)
{
	SfsTask task = make(op, reg, strength, standardize, SHORT);
	void *workspace = malloc(sfs_core_workspace(&task));
	Watch watch = {0};
	SfsStatus status = run(&task, workspace, &watch);
	long calls = watch.calls;
	long step = calls / 12 + 1; /* the first calls, then some of many */
	long wrong = 0;
	long stops = 0;

	for (long k = 1; k <= calls; k += k < 8 ? 1 : step)
	{
		watch.stop_at = k;
		wrong += run(&task, workspace, &watch) != SFS_CANCELLED || watch.calls != k;
		stops++;
	}
	ok(status == SFS_OK && wrong == 0, "operation %d %s%s: %ld of %ld calls stop it, %ld wrong", op,
	   sfs_regularization_name(reg), standardize ? " std" : "", stops, calls, wrong);
	free(workspace);
}

/* Test that many short rows ask, too, and that no hook is no stop. */
static void
test_rows(void)
{
	SfsTask task = one_row(SFS_OP_RANK, SFS_REG_L2, 0.1, x, 1, out);
	SfsHooks none = {0};
	Watch watch = {0};
	void *workspace;
	SfsStatus status;

	task.rows = LONG;
	workspace = malloc(sfs_core_workspace(&task));
	status = run(&task, workspace, &watch);
	ok(status == SFS_OK && watch.calls >= LONG / 65536, "%d rows of one: %ld calls", LONG,
	   watch.calls);
	watch.stop_at = 3;
	ok(run(&task, workspace, &watch) == SFS_CANCELLED && watch.calls == 3, "and stop at the third");
	task.rows = 1;
	ok(sfs_core_run(&task, 0, 1, workspace, &none) == SFS_OK &&
		   sfs_core_run(&task, 0, 1, workspace, NULL) == SFS_OK,
	   "hooks may be missing");
	free(workspace);
}

int
main(void)
{
	test_rows();
	for (size_t kind = 0; kind < KINDS; kind++)
	{
		fill(kind, LONG);
		for (int op = 0; op < SFS_OP_COUNT; op++)
			/* the operations without options run once, data that sort alike not all */
			if (kind == 0 || op == SFS_OP_RANK || op == SFS_OP_ISOTONIC ||
				(kind < 3 && (op == SFS_OP_SORT_VJP || op == SFS_OP_STRENGTH_RANGE)))
				test_pauses((SfsOp) op, SFS_REG_L2, 1e-6, false, kind);
	}
	fill(0, LONG);
	test_pauses(SFS_OP_RANK, SFS_REG_L2, 1.0, false, 0);
	test_pauses(SFS_OP_RANK_VJP, SFS_REG_KL, 1.0, true, 0);
	test_pauses(SFS_OP_SORT_JVP, SFS_REG_KL, 1.0, false, 0);
	test_pauses(SFS_OP_PROJECTION, SFS_REG_KL, 1.0, false, 0);
	test_pauses(SFS_OP_SOFT_SPEARMAN_GRAD, SFS_REG_KL, 0.1, true, 0);
	for (int op = 0; op < SFS_OP_COUNT; op++)
		test_stops((SfsOp) op, op % 2 ? SFS_REG_KL : SFS_REG_L2, 1e-4, op % 2);
	test_huge();
	return done_testing();
}
