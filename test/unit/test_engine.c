/*
 * test_engine.c - the seam: a second engine, and falling back from it.
 *
 * The mirror engine runs the same core in another way: rows in reverse order, in
 * slices, in a workspace of its own size.  On request it fails after having
 * spoiled the outputs.  Results must be the same bits in every case (N2).
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine.h"
#include "tap.h"

#define ROWS 40
#define LENGTH_MAX 30
#define TOTAL_MAX (ROWS * LENGTH_MAX)
#define GUARD 64
#define LONG 200000

static int mirror_runs;
static int fail_after = -1; /* slices before a failure; -1: never */
static bool accept = true;

/* Accept tasks while the test wants it. */
static bool
mirror_supports(const SfsTask *task)
{
	(void) task;
	return accept;
}

/* Ask for room for a guard word as well. */
static size_t
mirror_workspace(const SfsTask *task)
{
	return sfs_core_workspace(task) + GUARD;
}

/* Spoil a task's outputs, as an engine that dies half way might. */
static void
spoil(const SfsTask *task)
{
	size_t values = task->rows * task->length;
	size_t size = task->out.type == SFS_FLOAT64 ? sizeof(double) : sizeof(float);

	if (task->offsets != NULL)
		values = (size_t) task->offsets[task->rows];
	if (sfs_op_shape(task->op) == SFS_SHAPE_ROWS)
		values = task->rows;
	memset(task->out.data, 0xa5, values * size);
}

/* Run rows last to first, in slices of three. */
static SfsStatus
mirror_run(const SfsTask *task, void *workspace, size_t bytes, const SfsHooks *hooks,
		   SfsEngineError *error)
{
	char *guard = (char *) workspace + bytes - GUARD;
	int slices = 0;

	mirror_runs++;
	memset(guard, 0x5a, GUARD);
	for (size_t last = task->rows; last > 0;)
	{
		size_t first = last > 3 ? last - 3 : 0;
		SfsStatus status;

		if (slices++ == fail_after)
		{
			spoil(task);
			snprintf(error->reason, sizeof(error->reason), "failed on request");
			return SFS_FAILED;
		}
		status = sfs_core_run(task, first, last, workspace, hooks);
		if (status != SFS_OK)
			return status;
		last = first;
	}
	for (int i = 0; i < GUARD; i++)
		if (guard[i] != 0x5a)
			return SFS_FAILED;
	return SFS_OK;
}

static const SfsEngine mirror = {
	.abi_version = SFS_ENGINE_ABI,
	.struct_size = sizeof(SfsEngine),
	.name = "mirror",
	.supports = mirror_supports,
	.workspace = mirror_workspace,
	.run = mirror_run,
};

/* A host that gives memory and counts polls. */
typedef struct Host
{
	void *workspace;
	int polls;
	int stop_at;  /* poll that asks to stop; 0: none */
	size_t limit; /* largest workspace given */
} Host;

/* Give a workspace, unless it is too large. */
static void *
host_alloc(void *arg, size_t bytes)
{
	Host *host = arg;

	free(host->workspace);
	host->workspace = bytes > host->limit ? NULL : malloc(bytes + 1);
	return host->workspace;
}

/* Count a poll and stop when it is time. */
static bool
host_poll(void *arg)
{
	Host *host = arg;

	return ++host->polls == host->stop_at;
}

/* Run a task through the dispatcher. */
static SfsStatus
dispatch(const SfsTask *task, int stop_at, size_t limit)
{
	Host host = {NULL, 0, stop_at, limit};
	SfsHooks hooks = {.poll = host_poll, .alloc = host_alloc, .arg = &host};
	SfsEngineError error;
	SfsStatus status = sfs_engine_run(task, &hooks, &error);

	free(host.workspace);
	return status;
}

static double x[TOTAL_MAX];
static double y[TOTAL_MAX];
static double g[TOTAL_MAX];
static double expected[ROWS * LENGTH_MAX * LENGTH_MAX];
static double out[ROWS * LENGTH_MAX * LENGTH_MAX];
static double copy[TOTAL_MAX];
static int64_t offsets[ROWS + 1];
static double long_row[2 * LONG];

/* Fill the inputs with data that has ties. */
static void
fill(void)
{
	for (size_t i = 0; i < TOTAL_MAX; i++)
	{
		x[i] = floor(normal() * 8.0) / 4.0;
		y[i] = floor(normal() * 8.0) / 4.0 + 3.0;
		g[i] = normal();
	}
	offsets[0] = 0;
	for (size_t row = 0; row < ROWS; row++)
		offsets[row + 1] = offsets[row] + (int64_t) (row == 5 ? 0 : below(LENGTH_MAX) + 1);
}

/* Return a task of many rows. */
static SfsTask
many_rows(SfsOp op, SfsRegularization reg, bool ragged)
{
	SfsTask task = one_row(op, reg, 0.25, x, LENGTH_MAX, out);

	task.rows = ROWS;
	task.y.data = y;
	task.g.data = g;
	if (op == SFS_OP_ISOTONIC || op == SFS_OP_ISOTONIC_VJP)
		task.y.data = NULL;
	if (ragged && sfs_op_shape(op) != SFS_SHAPE_MATRIX)
		task.offsets = offsets;
	return task;
}

/* Run one operation through all ways and compare bits. */
static void
compare(SfsOp op, SfsRegularization reg, bool ragged)
{
	SfsTask task = many_rows(op, reg, ragged);
	size_t bytes = sizeof(expected);
	int runs = mirror_runs;
	bool same = true;

	memset(expected, 0, bytes);
	task.out.data = expected;
	same = run_core(&task) == SFS_OK && same;
	task.out.data = out;
	memcpy(copy, x, sizeof(x));
	for (fail_after = -1; fail_after < 4; fail_after++)
	{
		memset(out, 0, bytes);
		same = dispatch(&task, 0, SIZE_MAX) == SFS_OK && memcmp(out, expected, bytes) == 0 && same;
	}
	fail_after = -1;
	/* too little memory for the mirror, enough for the CPU */
	memset(out, 0, bytes);
	same = dispatch(&task, 0, sfs_core_workspace(&task)) == SFS_OK &&
		   memcmp(out, expected, bytes) == 0 && same;
	accept = false;
	memset(out, 0, bytes);
	same = dispatch(&task, 0, SIZE_MAX) == SFS_OK && memcmp(out, expected, bytes) == 0 && same;
	accept = true;
	ok(same && mirror_runs == runs + 5, "operation %d, %s, %s rows: same bits by every engine",
	   (int) op, sfs_regularization_name(reg), ragged ? "ragged" : "equal");
	ok(memcmp(copy, x, sizeof(x)) == 0, "inputs are unchanged");
}

int
main(void)
{
	SfsEngine wrong = mirror;
	SfsTask task;

	fill();
	wrong.abi_version++;
	ok(!sfs_engine_register(&wrong), "an engine of another ABI is refused");
	ok(sfs_engine_register(&mirror), "the mirror engine is accepted");
	for (int op = 0; op < SFS_OP_COUNT; op++)
		for (int reg = 0; reg < SFS_REG_COUNT; reg++)
			for (int ragged = 0; ragged < 2; ragged++)
				compare((SfsOp) op, (SfsRegularization) reg, ragged != 0);
	for (size_t i = 0; i < LONG; i++)
		long_row[i] = normal();
	task = one_row(SFS_OP_SORT, SFS_REG_KL, 1.0, long_row, LONG, long_row + LONG);
	mirror_runs = 0;
	ok(dispatch(&task, 1, SIZE_MAX) == SFS_CANCELLED && mirror_runs == 1,
	   "a stop is a stop, not a failure");
	ok(dispatch(&task, 0, 16) == SFS_NO_MEMORY, "no workspace: reported, not run");
	sfs_engine_unregister(&mirror);
	mirror_runs = 0;
	ok(dispatch(&task, 0, SIZE_MAX) == SFS_OK && mirror_runs == 0, "an unregistered engine rests");
	return done_testing();
}
