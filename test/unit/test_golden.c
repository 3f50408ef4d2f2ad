/*
 * test_golden.c - the core against high-precision answers (test/golden).
 *
 * Every component must be within 1e-12 of the largest one, 1e-10 for kl
 * derivatives (N1); blocks must be identical.  A record that says "overflow" must
 * give SFS_OUT_OF_RANGE, "undefined" NaN.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "block.h"
#include "row.h"
#include "tap.h"

#define LIST_MAX 128000

typedef struct List
{
	size_t n;
	double v[LIST_MAX];
	bool present;
} List;

static List x;
static List y;
static List g;
static List expected;
static double out[LIST_MAX];
static char case_name[200];
static int records;
static int wrong;
static int shown;

static const struct
{
	const char *name;
	SfsOp op;
} names[] = {
	{"rank", SFS_OP_RANK},
	{"rank_vjp", SFS_OP_RANK_VJP},
	{"rank_jvp", SFS_OP_RANK_JVP},
	{"rank_jacobian", SFS_OP_RANK_JACOBIAN},
	{"sort", SFS_OP_SORT},
	{"sort_vjp", SFS_OP_SORT_VJP},
	{"sort_jvp", SFS_OP_SORT_JVP},
	{"sort_jacobian", SFS_OP_SORT_JACOBIAN},
	{"projection", SFS_OP_PROJECTION},
	{"projection_vjp", SFS_OP_PROJECTION_VJP},
	{"projection_jvp", SFS_OP_PROJECTION_JVP},
	{"isotonic", SFS_OP_ISOTONIC},
	{"isotonic_vjp", SFS_OP_ISOTONIC_VJP},
	{"spearman", SFS_OP_SPEARMAN},
	{"soft_spearman", SFS_OP_SOFT_SPEARMAN},
	{"soft_spearman_grad", SFS_OP_SOFT_SPEARMAN_GRAD},
	{"strength_range", SFS_OP_STRENGTH_RANGE},
};

/* Read a list of numbers that follows its length. */
static void
read_list(List *list)
{
	char *token = strtok(NULL, " \n");

	list->present = strcmp(token, "none") != 0;
	list->n = list->present ? (size_t) atol(token) : 0;
	for (size_t i = 0; i < list->n; i++)
		list->v[i] = strtod(strtok(NULL, " \n"), NULL);
}

/* Report a record that differs, the first few of them. */
static void
complain(const char *op, const char *reg, double strength, const char *what, size_t i, double want,
		 double have)
{
	wrong++;
	if (shown++ < 30)
		printf("# %s: %s %s strength %g n %zu: %s [%zu] want %.17g have %.17g\n", case_name, op,
			   reg, strength, x.n, what, i, want, have);
}

/* Compare block starts with those of a fit; for rank and sort. */
static void
check_blocks(SfsTask *task, bool rank, const char *reg)
{
	size_t bytes = sfs_core_workspace(task);
	char *workspace = malloc(bytes);
	SfsPoll poll = {NULL, SFS_POLL_CREDIT};
	SfsRow row = {.task = task,
				  .n = x.n,
				  .x = task->x,
				  .arena = {workspace, workspace + bytes},
				  .poll = &poll};
	SfsFit fit;
	SfsStatus status = rank ? sfs_fit_rank(&row, &row.x, &fit) : sfs_fit_sort(&row, &fit);

	if (status != SFS_OK || fit.blocks != expected.n)
		complain("blocks", reg, task->strength, "count", 0, (double) expected.n,
				 (double) fit.blocks);
	else
		for (size_t k = 0; k < fit.blocks; k++)
			if (fit.start[k] != (uint32_t) expected.v[k])
			{
				complain("blocks", reg, task->strength, "start", k, expected.v[k], fit.start[k]);
				break;
			}
	free(workspace);
}

/* Run one record. */
static void
run_record(void)
{
	char *op = strtok(NULL, " \n");
	char *reg = strtok(NULL, " \n");
	bool descending = strcmp(strtok(NULL, " \n"), "desc") == 0;
	bool standardize = atoi(strtok(NULL, " \n")) != 0;
	double strength = strtod(strtok(NULL, " \n"), NULL);
	char *result = strtok(NULL, " \n");
	bool overflow = strcmp(result, "overflow") == 0;
	bool undefined = strcmp(result, "undefined") == 0;
	bool kl = strcmp(reg, "kl") == 0;
	bool blocks = strncmp(op, "blocks_", 7) == 0;
	const char *look = strcmp(op, "blocks_rank") == 0	? "rank"
					   : strcmp(op, "blocks_sort") == 0 ? "sort"
														: op;
	SfsTask task = one_row(SFS_OP_COUNT, kl ? SFS_REG_KL : SFS_REG_L2, strength, x.v, x.n, out);
	double tolerance = 1e-12;
	double scale = 0.0;
	SfsStatus status;

	records++;
	expected.n = overflow || undefined ? 0 : (size_t) atol(result);
	for (size_t i = 0; i < expected.n; i++)
		expected.v[i] = strtod(strtok(NULL, " \n"), NULL);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(names[i].name, look) == 0)
			task.op = names[i].op;
	if (task.op == SFS_OP_COUNT)
	{
		complain(op, reg, strength, "unrecognized operation", 0, 0, 0);
		return;
	}
	task.direction = descending ? SFS_DESCENDING : SFS_ASCENDING;
	task.standardize = standardize;
	if (y.present)
		task.y.data = y.v;
	if (g.present)
		task.g.data = g.v;
	if (blocks)
	{
		check_blocks(&task, strcmp(look, "rank") == 0, reg);
		return;
	}
	if (kl &&
		(strstr(op, "jvp") || strstr(op, "vjp") || strstr(op, "jacobian") || strstr(op, "grad")))
		tolerance = 1e-10;
	status = run_core(&task);
	if (overflow != (status == SFS_OUT_OF_RANGE) || (!overflow && status != SFS_OK))
	{
		complain(op, reg, strength, "status", 0, overflow ? SFS_OUT_OF_RANGE : SFS_OK, status);
		return;
	}
	if (undefined && !isnan(out[0]))
		complain(op, reg, strength, "should be undefined", 0, (double) NAN, out[0]);
	for (size_t i = 0; i < expected.n; i++)
		scale = fmax(scale, fabs(expected.v[i]));
	if (strcmp(op, "spearman") == 0 || strcmp(op, "soft_spearman") == 0)
		scale = 1.0;
	if (strcmp(op, "soft_spearman_grad") == 0)
	{
		/* differences of unit vectors over the spread of x: that is the scale */
		double low = INFINITY;
		double high = -INFINITY;

		for (size_t i = 0; i < x.n; i++)
		{
			low = fmin(low, x.v[i]);
			high = fmax(high, x.v[i]);
		}
		if (scale > 0.0 || expected.n > 0)
			scale = fmax(scale, 1e-3 / (high * 0.5 - low * 0.5));
	}
	if (standardize && task.g.data != NULL)
	{
		/* J - (J x) (x - mean)^T / ... may vanish as a whole: the scale is that of its terms */
		double spread = 0.0;
		double largest = 0.0;

		for (size_t i = 0; i < x.n; i++)
		{
			spread = fmax(spread, fabs(x.v[i] * 0.5 - x.v[0] * 0.5));
			largest = fmax(largest, fabs(g.v[i]));
		}
		if (spread > 0.0)
			scale = fmax(scale, largest / (strength * spread / (double) x.n));
	}
	for (size_t i = 0; i < expected.n; i++)
	{
		/* kl's minimum is lower by what the solver takes for touching (N14) */
		bool each = strcmp(op, "strength_range") == 0 && !kl;
		double limit = (each ? fabs(expected.v[i]) : scale) * tolerance;

		/* half a unit of the last subnormal place is rounding, not error */
		if (!(fabs(out[i] - expected.v[i]) <= limit + 0x1p-1074))
		{
			complain(op, reg, strength, "value", i, expected.v[i], out[i]);
			break;
		}
	}
}

/* Run the records of one file. */
static void
run_file(const char *path)
{
	static char line[1 << 22];
	FILE *file = fopen(path, "r");

	records = wrong = 0;
	if (!ok(file != NULL, "%s can be read", path))
		return;
	while (fgets(line, sizeof(line), file) != NULL)
	{
		char *word = strtok(line, " \n");

		if (word == NULL || word[0] == '#')
			continue;
		if (strcmp(word, "case") == 0)
			snprintf(case_name, sizeof(case_name), "%s", strtok(NULL, " \n"));
		else if (strcmp(word, "x") == 0)
			read_list(&x);
		else if (strcmp(word, "y") == 0)
			read_list(&y);
		else if (strcmp(word, "g") == 0)
			read_list(&g);
		else if (strcmp(word, "do") == 0)
			run_record();
	}
	fclose(file);
	ok(records > 1000 && wrong == 0, "%s: %d records, %d wrong", path, records, wrong);
}

int
main(void)
{
	run_file("test/golden/l2.txt");
	run_file("test/golden/kl.txt");
	run_file("test/golden/other.txt");
	return done_testing();
}
