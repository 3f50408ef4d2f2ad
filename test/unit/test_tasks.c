/*
 * test_tasks.c - tasks of many rows: equal lengths and offsets, shared inputs,
 * float and double (N18), parts of a task, inputs left alone, workspaces of
 * exactly the stated size, against the same rows one at a time.  Then tasks of
 * nothing, and every operation on lists of none and of one (N15).
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tap.h"

#define ROWS 24
#define LONGEST 60
#define ELEMENTS (ROWS * LONGEST)
#define MATRIX (ROWS * LONGEST * LONGEST)

static double wide[3][ELEMENTS]; /* x, y and g */
static float narrow[3][ELEMENTS];
static double copies[3][ELEMENTS];
static double whole[MATRIX];
static float whole_narrow[MATRIX];
static double single[LONGEST * LONGEST];
static double part[MATRIX];
static int64_t offsets[ROWS + 1];

/* A task and what it consists of. */
typedef struct Shape
{
	bool ragged;
	bool shared; /* y and g, or y alone, serve every row */
	bool narrow_in;
	bool narrow_out;
} Shape;

/* Return whether an operation takes g. */
static bool
takes_g(SfsOp op)
{
	return op == SFS_OP_RANK_VJP || op == SFS_OP_RANK_JVP || op == SFS_OP_SORT_VJP ||
		   op == SFS_OP_SORT_JVP || op == SFS_OP_PROJECTION_VJP || op == SFS_OP_PROJECTION_JVP ||
		   op == SFS_OP_ISOTONIC_VJP;
}

/* Return whether an operation takes y. */
static bool
takes_y(SfsOp op)
{
	return op >= SFS_OP_PROJECTION && op != SFS_OP_STRENGTH_RANGE;
}

/* Draw the data and the lengths. */
static void
draw(bool ragged)
{
	for (int k = 0; k < 3; k++)
		for (size_t i = 0; i < ELEMENTS; i++)
		{
			double value = below(3) ? normal() : (double) below(5);

			narrow[k][i] = (float) (k == 1 ? fabs(value) + 0.25 : value);
			wide[k][i] = narrow[k][i];
		}
	memcpy(copies, wide, sizeof(wide));
	offsets[0] = 0;
	for (size_t r = 0; r < ROWS; r++)
		offsets[r + 1] = offsets[r] + (int64_t) (!ragged		 ? 13
												 : below(4) == 0 ? below(2)
																 : below(LONGEST));
}

/* Make an input of one of the three lists. */
static SfsInput
input(int k, const Shape *shape, bool shared)
{
	SfsInput result = {shape->narrow_in ? (const void *) narrow[k] : (const void *) wide[k],
					   shape->narrow_in ? SFS_FLOAT32 : SFS_FLOAT64, shared};

	return result;
}

/* Make a task of many rows. */
static SfsTask
make(SfsOp op, const Shape *shape)
{
	SfsTask task = {.op = op,
					.regularization = below(2) ? SFS_REG_KL : SFS_REG_L2,
					.direction = below(2) ? SFS_DESCENDING : SFS_ASCENDING,
					.standardize = below(2),
					.strength = exp2(6.0 * uniform() - 4.0),
					.rows = ROWS,
					.length = 13,
					.offsets = shape->ragged ? offsets : NULL,
					.x = input(0, shape, false)};

	if (takes_y(op))
		task.y = input(1, shape, shape->shared);
	if (takes_g(op))
		task.g = input(2, shape, shape->shared);
	task.out.data = shape->narrow_out ? (void *) whole_narrow : (void *) whole;
	task.out.type = shape->narrow_out ? SFS_FLOAT32 : SFS_FLOAT64;
	return task;
}

/* Return where the results of a row begin, and how many there are. */
static size_t
place(const SfsTask *task, size_t row, size_t *count)
{
	size_t n = (size_t) (offsets[row + 1] - offsets[row]);

	switch (sfs_op_shape(task->op))
	{
		case SFS_SHAPE_ELEMENTS:
			*count = n;
			return (size_t) offsets[row];
		case SFS_SHAPE_MATRIX:
			*count = n * n;
			return row * n * n;
		default:
			*count = task->op == SFS_OP_STRENGTH_RANGE ? 2 : 1;
			return row * *count;
	}
}

/* Compare results, NaN with NaN. */
static bool
same(double a, double b)
{
	return a == b || (isnan(a) && isnan(b));
}

/* Run one row alone, in double, and compare with the row of the whole. */
static bool
check_row(const SfsTask *task, size_t row)
{
	SfsTask one = *task;
	size_t count;
	size_t first = place(task, row, &count);
	size_t at = (size_t) offsets[row];
	bool right;

	one.rows = 1;
	one.offsets = NULL;
	one.length = (size_t) (offsets[row + 1] - offsets[row]);
	one.x = (SfsInput){wide[0] + at, SFS_FLOAT64, false};
	if (task->y.data != NULL)
		one.y = (SfsInput){wide[1] + (task->y.shared ? 0 : at), SFS_FLOAT64, false};
	if (task->g.data != NULL)
		one.g = (SfsInput){wide[2] + (task->g.shared ? 0 : at), SFS_FLOAT64, false};
	one.out = (SfsOutput){single, SFS_FLOAT64};
	right = run_core(&one) == SFS_OK;
	for (size_t i = 0; i < count; i++)
		right = right && (task->out.type == SFS_FLOAT64
							  ? same(whole[first + i], single[i])
							  : same((double) whole_narrow[first + i], (double) (float) single[i]));
	return right;
}

/* Return whether nothing behind the results was written, nor any input. */
static bool
intact(const SfsTask *task)
{
	size_t count;
	size_t end = place(task, ROWS - 1, &count) + count;
	bool right = memcmp(wide, copies, sizeof(wide)) == 0;

	for (int k = 0; k < 3; k++)
		for (size_t i = 0; i < ELEMENTS; i++)
			right = right && narrow[k][i] == (float) copies[k][i];
	for (size_t i = end; i < MATRIX; i++)
		right = right && whole[i] == -77.0 && whole_narrow[i] == -77.0f;
	return right;
}

/* Fill the results with a mark. */
static void
mark(void)
{
	for (size_t i = 0; i < MATRIX; i++)
	{
		whole[i] = part[i] = -77.0;
		whole_narrow[i] = -77.0f;
	}
}

/* Test one operation in one shape. */
static void
test_shape(SfsOp op, const Shape *shape)
{
	bool rows = true;
	bool alone = true;
	bool parts = true;

	for (int round = 0; round < 6; round++)
	{
		SfsTask task;
		size_t cut[2] = {below(ROWS + 1), below(ROWS + 1)};
		size_t low = cut[0] < cut[1] ? cut[0] : cut[1];
		size_t high = cut[0] < cut[1] ? cut[1] : cut[0];
		size_t bytes;
		char *workspace;

		draw(shape->ragged);
		mark();
		task = make(op, shape);
		rows = rows && run_core(&task) == SFS_OK;
		for (size_t r = 0; r < ROWS; r++)
			rows = rows && check_row(&task, r);
		alone = alone && intact(&task);
		/* the same in three parts, the middle one first, aligned to 8 bytes only */
		if (shape->narrow_out)
			continue;
		bytes = sfs_core_workspace(&task);
		workspace = malloc(bytes + 8);
		task.out.data = part;
		parts = parts && sfs_core_run(&task, low, high, workspace + 8, NULL) == SFS_OK;
		if (low < high)
		{
			size_t count;
			size_t first = place(&task, low, &count);
			size_t last = place(&task, high - 1, &count) + count;

			for (size_t i = 0; i < MATRIX; i++)
				parts =
					parts && (i >= first && i < last ? same(part[i], whole[i]) : part[i] == -77.0);
		}
		parts = parts && sfs_core_run(&task, 0, low, workspace + 8, NULL) == SFS_OK;
		parts = parts && sfs_core_run(&task, high, ROWS, workspace + 8, NULL) == SFS_OK;
		for (size_t i = 0; i < MATRIX; i++)
			parts = parts && same(part[i], whole[i]);
		free(workspace);
	}
	ok(rows && alone && parts, "operation %d, %s%s%s%s: rows %d, alone %d, parts %d", op,
	   shape->ragged ? "ragged" : "equal", shape->shared ? ", shared" : "",
	   shape->narrow_in ? ", float in" : "", shape->narrow_out ? ", float out" : "", rows, alone,
	   parts);
}

/* Test every operation in every shape it has. */
static void
test_shapes(void)
{
	for (int op = 0; op < SFS_OP_COUNT; op++)
		for (int k = 0; k < 16; k++)
		{
			Shape shape = {k & 1, k & 2, k & 4, k & 8};

			if (shape.ragged && (shape.shared || sfs_op_shape((SfsOp) op) == SFS_SHAPE_MATRIX))
				continue;
			if (shape.shared && !takes_y((SfsOp) op) && !takes_g((SfsOp) op))
				continue;
			/* one value a row is a double */
			if (shape.narrow_out && sfs_op_shape((SfsOp) op) == SFS_SHAPE_ROWS)
				continue;
			test_shape((SfsOp) op, &shape);
		}
}

/* Test tasks of no rows and of empty rows. */
static void
test_empty(void)
{
	static const int64_t none[3] = {0, 0, 0};
	bool right = true;

	for (int op = 0; op < SFS_OP_COUNT; op++)
	{
		Shape shape = {0};
		SfsTask task = make((SfsOp) op, &shape);

		mark();
		task.rows = 0;
		right = right && run_core(&task) == SFS_OK && whole[0] == -77.0;
		task.rows = 2;
		if (sfs_op_shape((SfsOp) op) == SFS_SHAPE_MATRIX)
			task.length = 0;
		else
			task.offsets = none;
		right = right && run_core(&task) == SFS_OK;
		right = right &&
				(sfs_op_shape((SfsOp) op) == SFS_SHAPE_ROWS ? isnan(whole[0]) : whole[0] == -77.0);
	}
	ok(right, "tasks of no rows and of empty rows");
}

/* Test that results beyond float are refused and that those within are not. */
static void
test_float_range(void)
{
	static const float large[2] = {3e38f, -3e38f};
	static const double beyond[2] = {1e39, 2e39};
	float out[2];
	SfsTask task = one_row(SFS_OP_SORT, SFS_REG_L2, 0.0, beyond, 2, NULL);

	task.out = (SfsOutput){out, SFS_FLOAT32};
	ok(run_core(&task) == SFS_OUT_OF_RANGE, "a result beyond float is out of range");
	task.x = (SfsInput){large, SFS_FLOAT32, false};
	ok(run_core(&task) == SFS_OK && out[0] == -3e38f && out[1] == 3e38f,
	   "the range of float is used up to its end");
}

/* Test lists of no and of one element. */
static void
test_short(void)
{
	bool right = true;
	double one[1] = {-7.25};
	double out[2];

	for (int op = 0; op < SFS_OP_COUNT; op++)
		for (int k = 0; k < 16; k++)
			for (size_t n = 0; n < 2; n++)
			{
				SfsTask task = one_row((SfsOp) op, k & 1 ? SFS_REG_KL : SFS_REG_L2,
									   k & 2 ? 0.0 : 3.0, one, n, out);
				double want = NAN;

				task.direction = k & 4 ? SFS_DESCENDING : SFS_ASCENDING;
				task.standardize = k & 8;
				task.y.data = task.g.data = &(double[]){2.5};
				out[0] = 99.0;
				right = right && run_core(&task) == SFS_OK;
				if (n == 0 && sfs_op_shape((SfsOp) op) != SFS_SHAPE_ROWS)
				{
					right = right && out[0] == 99.0;
					continue;
				}
				if (op == SFS_OP_RANK)
					want = 1.0;
				else if (op == SFS_OP_SORT || op == SFS_OP_SORT_ASSIGN || op == SFS_OP_ISOTONIC)
					want = one[0];
				else if (op == SFS_OP_PROJECTION || op == SFS_OP_SORT_VJP ||
						 op == SFS_OP_SORT_JVP || op == SFS_OP_ISOTONIC_VJP)
					want = 2.5;
				else if (op == SFS_OP_SORT_JACOBIAN)
					want = 1.0;
				else if (op < SFS_OP_SPEARMAN)
					want = 0.0;
				right = right && (out[0] == want || (isnan(want) && isnan(out[0])));
			}
	ok(right, "every operation on lists of no and of one element");
}

int
main(void)
{
	test_shapes();
	test_empty();
	test_float_range();
	test_short();
	return done_testing();
}
