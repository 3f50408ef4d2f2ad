/*
 * test_offload.c - the decisions of src/engine/offload.c: what goes to a device, and what
 * follows from each way in which that can end; and what the dispatcher makes of a refusal.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "data.h"
#include "device.h"
#include "offload.h"
#include "tap.h"

/* Return a task of so many rows of one length. */
static SfsTask
rows_of(size_t rows, size_t length)
{
	SfsTask task;

	memset(&task, 0, sizeof(task));
	task.strength = 1.0;
	task.rows = rows;
	task.length = length;
	return task;
}

/* Return whether a task is wanted by an automatic choice. */
static SfsVerdict
wanted(const SfsOffload *offload, size_t min_elements, size_t rows, size_t length)
{
	SfsTask task = rows_of(rows, length);

	return sfs_offload_wanted(offload, SFS_OFFLOAD_AUTO, min_elements, &task);
}

/* What is wanted. */
static void
test_wanted(void)
{
	SfsOffload offload = {0};
	SfsTask one = rows_of(1, 5);
	SfsTask none = rows_of(100, 0);
	int64_t offsets[] = {0, 3, 3, 7};

	ok(sfs_offload_wanted(&offload, SFS_OFFLOAD_NEVER, 1, &one) == SFS_VERDICT_UNWANTED,
	   "off: nothing");
	ok(sfs_offload_wanted(&offload, SFS_OFFLOAD_REQUIRE, 0, &one) == SFS_VERDICT_YES,
	   "require: one short list");
	ok(sfs_offload_wanted(&offload, SFS_OFFLOAD_REQUIRE, 0, &none) == SFS_VERDICT_UNWANTED,
	   "require: not what is empty");
	ok(wanted(&offload, 0, 1 << 13, 32) == SFS_VERDICT_YES, "auto: 2^18 elements make a context");
	ok(wanted(&offload, 0, (1 << 13) - 1, 32) == SFS_VERDICT_SMALL, "auto: fewer do not");
	ok(wanted(&offload, 1000, 100, 10) == SFS_VERDICT_YES, "auto: as many as the user says");
	ok(wanted(&offload, 1000, 100, 9) == SFS_VERDICT_SMALL, "auto: fewer than the user says");
	ok(wanted(&offload, 1, 1, 1000) == SFS_VERDICT_SMALL &&
		   wanted(&offload, 1, 31, 1000) == SFS_VERDICT_SMALL,
	   "auto: never a few short lists, whatever the user says");
	ok(wanted(&offload, 1, 1, 65536) == SFS_VERDICT_YES, "auto: a long list");
	offload.break_even[SFS_BATCH_ROWS] = 5000.0;
	ok(wanted(&offload, 0, 100, 100) == SFS_VERDICT_SMALL, "a low break-even makes no context");
	offload.context = SFS_CONTEXT_OPEN;
	ok(wanted(&offload, 0, 100, 100) == SFS_VERDICT_YES, "but counts when there is one");
	ok(wanted(&offload, 0, 1, 200000) == SFS_VERDICT_SMALL,
	   "that of many rows is not that of a list");
	offload.break_even[SFS_BATCH_ROWS] = INFINITY;
	ok(wanted(&offload, 0, 1 << 20, 1 << 10) == SFS_VERDICT_SMALL,
	   "a device that is never faster is not used");
	ok(wanted(&offload, 7, 100, 100) == SFS_VERDICT_YES, "unless the user says so");
	one.rows = 3;
	one.offsets = offsets;
	ok(sfs_offload_elements(&one) == 7 && sfs_offload_elements(&none) == 0,
	   "elements of ragged rows and of none");
}

/* Return whether an attempt is possible by an automatic choice. */
static SfsVerdict
possible(const SfsOffload *offload, SfsLosses losses, int64_t now)
{
	return sfs_offload_possible(offload, SFS_OFFLOAD_AUTO, losses, now);
}

/* What follows from the ways in which an attempt to make a context ends. */
static void
test_opened(void)
{
	const SfsLosses never = {0, 0};
	SfsOffload offload = {0};

	ok(possible(&offload, never, 0) == SFS_VERDICT_YES, "a first attempt is possible");
	ok(sfs_offload_opened(&offload, SFS_NOT_SUPPORTED, never, 1000) == SFS_VERDICT_NO_DEVICE &&
		   possible(&offload, never, 60999) == SFS_VERDICT_NO_DEVICE &&
		   possible(&offload, never, 61000) == SFS_VERDICT_YES,
	   "no device: again after 60 s");
	ok(possible(&offload, never, -100000) == SFS_VERDICT_YES, "or when the clock was set back");
	ok(sfs_offload_possible(&offload, SFS_OFFLOAD_REQUIRE, never, 1001) == SFS_VERDICT_YES,
	   "require does not wait");
	ok(sfs_offload_opened(&offload, SFS_NO_MEMORY, never, 1000) == SFS_VERDICT_NO_MEMORY &&
		   possible(&offload, never, 1999) == SFS_VERDICT_NO_MEMORY &&
		   possible(&offload, never, 2000) == SFS_VERDICT_YES,
	   "no memory: again after 1 s");
	ok(sfs_offload_opened(&offload, SFS_FAILED, never, 1000) == SFS_VERDICT_FAILED &&
		   possible(&offload, never, 60999) == SFS_VERDICT_FAILED,
	   "another failure: again after 60 s");
	ok(sfs_offload_opened(&offload, SFS_OK, never, 1001) == SFS_VERDICT_YES &&
		   offload.context == SFS_CONTEXT_OPEN &&
		   possible(&offload, never, 1001) == SFS_VERDICT_YES,
	   "a context ends the waiting");
}

/* What follows from the ways in which a run ends. */
static void
test_ran(void)
{
	const SfsLosses never = {0, 0};
	SfsOffload offload = {0};

	(void) sfs_offload_opened(&offload, SFS_OK, never, 0);
	ok(sfs_offload_ran(&offload, SFS_OK, false, 10) == SFS_VERDICT_YES &&
		   sfs_offload_ran(&offload, SFS_CANCELLED, false, 10) == SFS_VERDICT_YES &&
		   possible(&offload, never, 10) == SFS_VERDICT_YES,
	   "a device that was stopped can be used");
	ok(sfs_offload_ran(&offload, SFS_NOT_SUPPORTED, false, 10) == SFS_VERDICT_UNSUPPORTED &&
		   possible(&offload, never, 10) == SFS_VERDICT_YES,
	   "so can one that does not support a task");
	ok(sfs_offload_ran(&offload, SFS_NO_MEMORY, false, 10) == SFS_VERDICT_NO_MEMORY &&
		   possible(&offload, never, 1009) == SFS_VERDICT_NO_MEMORY &&
		   possible(&offload, never, 1010) == SFS_VERDICT_YES &&
		   offload.context == SFS_CONTEXT_OPEN,
	   "no memory: again after 1 s, with the same context");
	ok(sfs_offload_ran(&offload, SFS_FAILED, false, 2000) == SFS_VERDICT_FAILED &&
		   possible(&offload, never, 3000) == SFS_VERDICT_YES,
	   "another failure: again after 1 s");
	ok(sfs_offload_ran(&offload, SFS_FAILED, true, 4000) == SFS_VERDICT_LOST &&
		   possible(&offload, never, INT64_MAX) == SFS_VERDICT_LOST &&
		   sfs_offload_possible(&offload, SFS_OFFLOAD_REQUIRE, never, INT64_MAX) ==
			   SFS_VERDICT_LOST,
	   "lost: never again");
	sfs_offload_closed(&offload);
	ok(offload.context == SFS_CONTEXT_LOST, "nothing ends that");
}

/* What follows from losses in other processes. */
static void
test_losses(void)
{
	const SfsLosses never = {0, 0};
	const SfsLosses once = {1, 100000};
	SfsOffload offload = {0};

	ok(possible(&offload, once, 159999) == SFS_VERDICT_LOST &&
		   possible(&offload, once, 160000) == SFS_VERDICT_YES,
	   "a loss elsewhere: no context for 60 s");
	ok(possible(&offload, once, 99999) == SFS_VERDICT_YES,
	   "nor any wait when the clock was set back");
	ok(sfs_offload_possible(&offload, SFS_OFFLOAD_REQUIRE, once, 100001) == SFS_VERDICT_YES,
	   "require does not wait");
	(void) sfs_offload_opened(&offload, SFS_OK, never, 0);
	ok(!sfs_offload_stale(&offload, never) && sfs_offload_stale(&offload, once),
	   "an open context is made anew after a loss elsewhere");
	ok(possible(&offload, once, 100001) == SFS_VERDICT_YES, "and at once");
	(void) sfs_offload_opened(&offload, SFS_OK, once, 100001);
	ok(!sfs_offload_stale(&offload, once), "and once");
}

/* When an idle context is given back. */
static void
test_idle(void)
{
	const SfsLosses never = {0, 0};
	SfsOffload offload = {0};

	ok(sfs_offload_idle_left(&offload, SFS_OFFLOAD_AUTO, 60000, 5) == -1,
	   "no context, nothing to give back");
	(void) sfs_offload_opened(&offload, SFS_OK, never, 1000);
	ok(sfs_offload_idle_left(&offload, SFS_OFFLOAD_AUTO, 60000, 2000) == 59000, "time left");
	ok(sfs_offload_idle_left(&offload, SFS_OFFLOAD_AUTO, 60000, 61000) == 0, "time over");
	ok(sfs_offload_idle_left(&offload, SFS_OFFLOAD_AUTO, 60000, 0) == 0,
	   "time over when the clock is set back");
	ok(sfs_offload_idle_left(&offload, SFS_OFFLOAD_AUTO, 0, 61000) == -1, "0: never");
	ok(sfs_offload_idle_left(&offload, SFS_OFFLOAD_NEVER, 0, 1000) == 0, "off: at once");
	sfs_offload_closed(&offload);
	ok(offload.context == SFS_CONTEXT_NONE, "given back");
}

/* What a user is told, and where the measuring ends. */
static void
test_others(void)
{
	double break_even = 0.0;
	size_t n;
	size_t steps = 0;

	ok(sfs_offload_status(SFS_OFFLOAD_AUTO, SFS_VERDICT_LOST) == SFS_NOT_SUPPORTED &&
		   sfs_offload_status(SFS_OFFLOAD_REQUIRE, SFS_VERDICT_UNSUPPORTED) == SFS_NOT_SUPPORTED &&
		   sfs_offload_status(SFS_OFFLOAD_REQUIRE, SFS_VERDICT_NO_SLOT) == SFS_REFUSED,
	   "require refuses, but not what no kernel supports");
	n = sfs_offload_measure_next(0, 0.0, 0.0, &break_even);
	ok(n > 0 && break_even == 0.0 && sfs_offload_measure_next(n, 2.0, 1.0, &break_even) == 2 * n,
	   "a device that is slower gets more");
	ok(sfs_offload_measure_next(2 * n, 1.0, 2.0, &break_even) == 0 &&
		   break_even == (double) (2 * n),
	   "one that is faster has its break-even");
	break_even = 0.0;
	ok(sfs_offload_measure_next(n, 1000.0, 2.0, &break_even) == 0 && isinf(break_even),
	   "one that is far too slow has none");
	break_even = 0.0;
	for (n = 0; (n = sfs_offload_measure_next(n, 2.0, 1.0, &break_even)) > 0;)
		steps++;
	ok(steps < 20 && isinf(break_even), "the measuring ends");
}

/* Refuse a task. */
static SfsStatus
refuse(const SfsTask *task, void *workspace, size_t bytes, const SfsHooks *hooks,
	   SfsEngineError *error)
{
	(void) task;
	(void) workspace;
	(void) bytes;
	(void) hooks;
	(void) error;
	return SFS_REFUSED;
}

/* Accept every task. */
static bool
accept(const SfsTask *task)
{
	(void) task;
	return true;
}

/* Give memory. */
static void *
give(void *arg, size_t bytes)
{
	return *(void **) arg = malloc(bytes + 1);
}

/* What the dispatcher makes of a refusal. */
static void
test_dispatcher(void)
{
	static const SfsEngine strict = {SFS_ENGINE_ABI, sizeof(SfsEngine),	 "strict",
									 accept,		 sfs_core_workspace, refuse};
	double x[] = {3.0, 1.0, 2.0};
	double out[] = {0.0, 0.0, 0.0};
	SfsTask task = one_row(SFS_OP_RANK, SFS_REG_L2, 1.0, x, 3, out);
	void *workspace = NULL;
	SfsHooks hooks = {.alloc = give, .arg = &workspace};
	SfsEngineError error;

	(void) sfs_engine_register(&strict);
	ok(sfs_engine_run(&task, &hooks, &error) == SFS_REFUSED && out[0] == 0.0,
	   "no engine repeats what was refused");
	free(workspace);
	sfs_engine_unregister(&strict);
}

/* What has no kernel anywhere, and a measurement that may have been unlucky. */
static void
test_kernels(void)
{
	SfsOffload offload = {0};
	SfsTask task = rows_of(1, 5);

	ok(sfs_device_may_support(&task), "soft_rank may have a kernel");
	task.strength = 0.0;
	ok(!sfs_device_may_support(&task), "not at strength 0");
	task.op = SFS_OP_SPEARMAN;
	ok(sfs_device_may_support(&task), "which spearman does not ask for");
	task.strength = 1.0;
	task.op = SFS_OP_ISOTONIC;
	ok(!sfs_device_may_support(&task), "isotonic regression has none");
	offload.break_even[SFS_BATCH_ROWS] = INFINITY;
	offload.break_even[SFS_BATCH_LIST] = 7.0;
	offload.measured_at = 1000;
	sfs_offload_reconsider(&offload, 1000 + SFS_OFFLOAD_MEASURE_AGAIN);
	ok(isinf(offload.break_even[SFS_BATCH_ROWS]), "never faster: for a while");
	sfs_offload_reconsider(&offload, 1001 + SFS_OFFLOAD_MEASURE_AGAIN);
	ok(offload.break_even[SFS_BATCH_ROWS] == 0.0 && offload.break_even[SFS_BATCH_LIST] == 7.0,
	   "then it is measured again, and what was finite is kept");
}

int
main(void)
{
	test_wanted();
	test_kernels();
	test_opened();
	test_ran();
	test_losses();
	test_idle();
	test_others();
	test_dispatcher();
	return done_testing();
}
