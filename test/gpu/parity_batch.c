/*
 * parity_batch.c - random tasks; see parity.h.
 *
 * Task number k depends on the seed and k alone.  Operations, regularizations, directions and
 * standardize take turns; all else is drawn.
 */
#include "parity.h"

#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "tap.h"

#define MATRIX_MAX 60000 /* values of all matrices of a task */
#define ROWS_MAX 64
#define LONGEST 20000

/* Lengths of rows: from, to, and how often in 100. */
static const struct
{
	size_t low;
	size_t high;
	unsigned weight;
} lengths[] = {
	{0, 3, 10},		 {4, 30, 10},	  {31, 33, 10},	   {34, 62, 6},		{63, 65, 8},
	{66, 126, 6},	 {127, 129, 10},  {130, 254, 5},   {255, 257, 8},	{258, 999, 5},
	{1000, 1025, 8}, {2047, 2049, 5}, {4095, 4097, 4}, {5000, 5000, 3}, {20000, 20000, 2},
};

/* Return a random length; limit: not above it. */
static size_t
random_length(size_t limit)
{
	for (;;)
	{
		unsigned at = (unsigned) below(100);
		size_t i = 0;
		size_t n;

		while (at >= lengths[i].weight)
			at -= lengths[i++].weight;
		n = lengths[i].low + below(lengths[i].high - lengths[i].low + 1);
		if (n <= limit)
			return n;
	}
}

/* Return one of two types. */
static SfsType
random_type(void)
{
	return below(3) == 0 ? SFS_FLOAT32 : SFS_FLOAT64;
}

/* Store doubles as an input of its type, in memory of exactly the size. */
static SfsInput
store(const double *v, size_t n, SfsType type, bool shared)
{
	SfsInput input = {.type = type, .shared = shared};

	if (type == SFS_FLOAT64)
	{
		double *data = need(n * sizeof(*data));

		for (size_t i = 0; i < n; i++)
			data[i] = v[i];
		input.data = data;
	}
	else
	{
		float *data = need(n * sizeof(*data));

		for (size_t i = 0; i < n; i++)
		{
			double value = fmax(-FLT_MAX, fmin(FLT_MAX, v[i]));

			data[i] = isinf(v[i]) ? (float) v[i] : (float) value;
		}
		input.data = data;
	}
	return input;
}

/* Return the start of a row in an input. */
static size_t
start_of(const SfsTask *task, size_t row)
{
	return task->offsets == NULL ? row * task->length : (size_t) task->offsets[row];
}

/* Make an input of data of a family, row by row; the last row may be all singletons. */
static SfsInput
make_values(const SfsTask *task, size_t family, bool shared, bool last_singletons)
{
	size_t rows = shared && task->rows > 0 ? 1 : task->rows;
	size_t total = start_of(task, rows);
	double *v = need(total * sizeof(*v));
	SfsInput input;

	/* what lies before the first row belongs to nobody */
	for (size_t i = 0; rows > 0 && i < start_of(task, 0); i++)
		v[i] = NAN;
	for (size_t row = 0; row < rows; row++)
	{
		size_t start = start_of(task, row);

		family_fill(last_singletons && row + 1 == rows ? family_singletons() : family,
					task->strength, task->direction == SFS_DESCENDING, v + start,
					start_of(task, row + 1) - start);
		/* infinities are values of one operation */
		if (task->op == SFS_OP_SPEARMAN && below(8) == 0)
			for (size_t i = start; i < start_of(task, row + 1); i++)
				v[i] = below(10) == 0 ? (below(2) == 0 ? INFINITY : -INFINITY) : v[i];
	}
	input = store(v, total, random_type(), shared);
	free(v);
	return input;
}

/* Make an input of weights or cotangents. */
static SfsInput
make_factors(const SfsTask *task, bool positive, bool shared, size_t kind)
{
	size_t total = start_of(task, shared && task->rows > 0 ? 1 : task->rows);
	double *v = need(total * sizeof(*v));
	SfsInput input;

	for (size_t i = 0; i < total; i++)
	{
		switch (kind)
		{
			case 0:
				v[i] = (double) (1 + below(3));
				break;
			case 1:
				v[i] = pow(10.0, 40.0 * uniform() - 20.0);
				break;
			case 2:
				v[i] = positive ? 1.0 : below(20) == 0 ? normal() : 0.0;
				break;
			default:
				v[i] = positive ? uniform() + 0x1p-20 : normal();
				break;
		}
		if (!positive && below(2) == 0)
			v[i] = -v[i];
	}
	input = store(v, total, random_type(), shared);
	free(v);
	return input;
}

/* Lay out the rows of a task. */
static void
make_rows(const Parity *parity, SfsTask *task)
{
	size_t elements = parity->batch_elements;
	const size_t *given = parity->lengths;
	bool matrix = sfs_op_shape(task->op) == SFS_SHAPE_MATRIX;
	size_t n = given[1] == 0 || matrix ? random_length(matrix ? 129 : LONGEST)
									   : given[0] + below(given[1] - given[0] + 1);
	size_t cost = matrix ? n * n * elements / MATRIX_MAX : n;
	size_t most = elements / (cost + 1) + 1;
	size_t limit = elements / (ROWS_MAX + 30) > ROWS_MAX ? elements / (ROWS_MAX + 30) : ROWS_MAX;

	most = most > limit ? limit : most;
	task->rows = 1 + below(most);
	task->length = n;
	if (!matrix && below(2) == 0)
	{
		int64_t *offsets = need((task->rows + 1) * sizeof(*offsets));

		offsets[0] = below(4) == 0 ? (int64_t) below(100) : 0;
		for (size_t row = 0; row < task->rows; row++)
		{
			size_t length = n;

			if (below(8) == 0)
				length = below(41);
			else if (n > 3)
				length = n - below(4);
			offsets[row + 1] = offsets[row] + (int64_t) length;
		}
		task->offsets = offsets;
		task->length = 0;
	}
}

/* Add the inputs that an operation has. */
static void
make_inputs(SfsTask *task, size_t family)
{
	bool equal = task->offsets == NULL;
	bool isotonic = task->op == SFS_OP_ISOTONIC || task->op == SFS_OP_ISOTONIC_VJP;
	bool last_singletons = below(8) == 0;

	task->x = make_values(task, family, equal && below(12) == 0, last_singletons);
	if (op_has_y(task->op) && !isotonic)
		task->y = make_values(task, below(2) == 0 ? family : 0, equal && below(4) == 0, false);
	else if (isotonic && below(2) == 0)
		task->y = make_factors(task, true, equal && below(4) == 0, below(4));
	if (op_has_g(task->op))
		task->g = make_factors(task, false, equal && below(6) == 0, below(6));
}

/* Free what a task points to. */
static void
free_inputs(SfsTask *task)
{
	free((void *) task->x.data);
	free((void *) task->y.data);
	free((void *) task->g.data);
	free((void *) task->offsets);
}

/* See parity.h. */
size_t
run_random(Parity *parity, uint64_t index)
{
	SfsTask task = {.op = parity->only != SFS_OP_COUNT ? parity->only
													   : (SfsOp) (index % SFS_OP_COUNT)};
	uint64_t turn = index / SFS_OP_COUNT;
	Case c = {.ordinary = false};
	size_t rows;
	bool ordinary;

	seed(parity->seed * UINT64_C(1000003) + index);
	task.regularization = (SfsRegularization) (turn % SFS_REG_COUNT);
	task.direction = (SfsDirection) (turn / SFS_REG_COUNT % 2);
	task.standardize = turn / SFS_REG_COUNT / 2 % 2 != 0;
	c.family = below(3) == 0 ? below(3) : below(families());
	task.strength = random_strength(&ordinary);
	/* a long row of most families is one block at an ordinary strength */
	if (parity->lengths[1] > 0 && ordinary && below(2) == 0)
		task.strength *= 10.0 / (double) parity->lengths[1];
	switch (task.op)
	{
		case SFS_OP_PROJECTION:
		case SFS_OP_PROJECTION_VJP:
		case SFS_OP_PROJECTION_JVP:
		case SFS_OP_ISOTONIC:
		case SFS_OP_ISOTONIC_VJP:
			/* no such options */
			task.strength = 1.0;
			task.standardize = false;
			ordinary = true;
			break;
		default:
			break;
	}
	c.ordinary = ordinary && family_is_ordinary(c.family);
	make_rows(parity, &task);
	make_inputs(&task, c.family);
	task.out.type = sfs_op_shape(task.op) == SFS_SHAPE_ROWS ? SFS_FLOAT64 : random_type();
	snprintf(c.name, sizeof(c.name),
			 "--seed %" PRIu64 " --elements %zu --lengths %zu %zu%s%s --task %" PRIu64,
			 parity->seed, parity->batch_elements, parity->lengths[0], parity->lengths[1],
			 parity->only != SFS_OP_COUNT ? " --op " : "",
			 parity->only != SFS_OP_COUNT ? op_name(parity->only) : "", index);
	c.task = task;
	rows = task.rows;
	compare(parity, &c);
	free_inputs(&task);
	return rows;
}

/* Compare one operation on a long row. */
static void
run_long_task(Parity *parity, const SfsTask *given, size_t family)
{
	SfsTask task = *given;
	Case c = {.family = family, .ordinary = true};

	/* what a device refuses need not be made */
	if (!parity->device->supports(&task))
	{
		parity->refused[task.op][task.regularization]++;
		return;
	}
	seed(parity->seed + (uint64_t) task.op);
	make_inputs(&task, family);
	task.out.type = SFS_FLOAT64;
	snprintf(c.name, sizeof(c.name), "--seed %" PRIu64 " --rows 0 --long %zu", parity->seed,
			 task.length);
	c.task = task;
	compare(parity, &c);
	free_inputs(&task);
}

/* See parity.h: at the second strength the row is not one block for certain (N8). */
void
run_long(Parity *parity, size_t length)
{
	const double strengths[] = {0.1, 7.3 / (double) (length + 1)};

	for (int op = 0; op < SFS_OP_COUNT; op++)
		for (int reg = 0; reg < SFS_REG_COUNT; reg++)
			for (size_t family = 0; family < 3; family++)
				for (int i = 0; i < 2; i++)
				{
					SfsTask task = {.op = (SfsOp) op,
									.regularization = (SfsRegularization) reg,
									.strength = strengths[i],
									.rows = 1,
									.length = length};

					if (sfs_op_shape(task.op) != SFS_SHAPE_MATRIX &&
						(parity->only == SFS_OP_COUNT || parity->only == task.op))
						run_long_task(parity, &task, family);
				}
}
