/*
 * fuzz_core.c - libFuzzer target: bytes become a task of the core, and what every
 * answer must satisfy is checked.
 *
 * Inputs, outputs and the workspace are allocated at exactly their sizes, so that
 * ASan sees any overrun.  A broken promise ends in abort() after a line that says
 * which, with the task.  Layout of the input: see make_task().
 *
 * The best level of kernels runs the task, and all others have to give the same bits.
 */
#include <float.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels.h"
#include "sfs_core.h"

#define ROWS_MAX 4
#define SHORT_MAX 40
#define LENGTH_MAX 295 /* more than two leaves of a sum */
#define MATRIX_MAX 12

/* The bytes not read yet; beyond the end all are 0. */
typedef struct Reader
{
	const uint8_t *next;
	size_t left;
} Reader;

/* What a list is made of. */
typedef struct Lists
{
	size_t count;	/* elements of an input that is not shared */
	size_t longest; /* row */
	int64_t offsets[ROWS_MAX + 1];
	void *x;
	void *y;
	void *g;
} Lists;

/* Say what does not hold, and end. */
static void
fail(const SfsTask *task, const char *what, size_t row, size_t i, double value)
{
	fprintf(stderr,
			"fuzz_core: %s: op %d reg %d dir %d std %d strength %a (%g) rows %zu row %zu [%zu] "
			"value %.17g types x%d y%d g%d out%d\n",
			what, (int) task->op, (int) task->regularization, (int) task->direction,
			task->standardize, task->strength, task->strength, task->rows, row, i, value,
			(int) task->x.type, (int) task->y.type, (int) task->g.type, (int) task->out.type);
	for (size_t r = 0; r < task->rows; r++)
	{
		const SfsInput *inputs[] = {&task->x, &task->y, &task->g};
		size_t start = task->offsets == NULL ? r * task->length : (size_t) task->offsets[r];
		size_t end = task->offsets == NULL ? start + task->length : (size_t) task->offsets[r + 1];

		for (size_t k = 0; k < 3; k++)
		{
			size_t first = inputs[k]->shared ? 0 : start;

			if (inputs[k]->data == NULL)
				continue;
			fprintf(stderr, "  row %zu %c:", r, "xyg"[k]);
			for (size_t e = first; e < first + (end - start); e++)
				fprintf(stderr, " %a",
						inputs[k]->type == SFS_FLOAT64
							? ((const double *) inputs[k]->data)[e]
							: (double) ((const float *) inputs[k]->data)[e]);
			fprintf(stderr, "\n");
		}
	}
	abort();
}

/* Read a byte. */
static uint8_t
read_byte(Reader *reader)
{
	if (reader->left == 0)
		return 0;
	reader->left--;
	return *reader->next++;
}

/* Read eight bytes as a double, whatever it is. */
static double
read_raw(Reader *reader)
{
	uint64_t bits = 0;
	double value;

	for (int i = 0; i < 8; i++)
		bits = bits << 8 | read_byte(reader);
	memcpy(&value, &bits, sizeof(value));
	return value;
}

/* Allocate exactly this many bytes. */
static void *
allocate(size_t bytes)
{
	void *space = malloc(bytes);

	if (space == NULL && bytes > 0)
		exit(1);
	return space;
}

/* Read an element; the style of a list says how. */
static double
read_element(Reader *reader, int style)
{
	static const double special[] = {0.0,	   -0.0,	1.0,	 -1.0,	   DBL_MAX,
									 -DBL_MAX, DBL_MIN, 5e-324,	 -5e-324,  1e-320,
									 1e300,	   -1e300,	1e-300,	 0x1p1000, 0x1p500,
									 0x1p-500, FLT_MAX, FLT_MIN, 0.1,	   1.7e15};
	uint8_t byte;
	double value;

	switch (style)
	{
		case 0:
			return read_raw(reader);
		case 1:
			return (int8_t) read_byte(reader);
		case 2:
			return (int8_t) read_byte(reader) / 10.0;
		case 3:
			return special[read_byte(reader) % (sizeof(special) / sizeof(special[0]))];
		case 4:
			return 1.7e15 + read_byte(reader) * 0.25;
		case 5:
			byte = read_byte(reader);
			value = byte >> 4;
			for (int i = 0; i < (byte & 3); i++)
				value = nextafter(value, byte & 4 ? 0.0 : 100.0);
			return value;
		case 6:
			return (int8_t) read_byte(reader) * 5e-324;
		default:
			return ldexp((int8_t) read_byte(reader), (int8_t) read_byte(reader) * 8);
	}
}

/* Read a list of this many elements of a type. */
static void *
read_list(Reader *reader, size_t count, SfsType type, bool infinite, bool positive)
{
	int style = read_byte(reader) % 8;
	void *list = allocate(count * (type == SFS_FLOAT64 ? sizeof(double) : sizeof(float)));
	double limit = type == SFS_FLOAT64 ? DBL_MAX : (double) FLT_MAX;

	for (size_t i = 0; i < count; i++)
	{
		double value = read_element(reader, style);

		if (isnan(value))
			value = 0.0;
		if (!(infinite && isinf(value)))
			value = fmin(fmax(value, -limit), limit);
		if (type == SFS_FLOAT32)
			value = (double) (float) value;
		if (positive)
			value = value == 0.0 ? 1.0 : fabs(value);
		if (type == SFS_FLOAT64)
			((double *) list)[i] = value;
		else
			((float *) list)[i] = (float) value;
	}
	return list;
}

/* Read the length of a row; few are long. */
static size_t
read_length(Reader *reader)
{
	size_t byte = read_byte(reader);

	return byte < 240 ? byte % (SHORT_MAX + 1) : 100 + (byte - 240) * 13;
}

/* Tell whether an operation needs g. */
static bool
takes_g(SfsOp op)
{
	return op == SFS_OP_RANK_VJP || op == SFS_OP_RANK_JVP || op == SFS_OP_SORT_VJP ||
		   op == SFS_OP_SORT_JVP || op == SFS_OP_PROJECTION_VJP || op == SFS_OP_PROJECTION_JVP ||
		   op == SFS_OP_ISOTONIC_VJP;
}

/* Tell whether an operation is one of isotonic regression, where y are weights. */
static bool
is_isotonic(SfsOp op)
{
	return op == SFS_OP_ISOTONIC || op == SFS_OP_ISOTONIC_VJP;
}

/* Tell whether an operation is a correlation, or its gradient. */
static bool
is_correlation(SfsOp op)
{
	return op == SFS_OP_SPEARMAN || op == SFS_OP_SOFT_SPEARMAN || op == SFS_OP_SOFT_SPEARMAN_GRAD;
}

/* Tell whether an operation uses y; isotonic regression may. */
static bool
takes_y(SfsOp op)
{
	return is_correlation(op) || op == SFS_OP_PROJECTION || op == SFS_OP_PROJECTION_VJP ||
		   op == SFS_OP_PROJECTION_JVP;
}

/*
 * Make a task: operation, option bits, type bits, strength, rows, lengths, then the
 * lists x, y and g, each a style and its elements.
 */
static SfsTask
make_task(Reader *reader, Lists *lists)
{
	static const double strengths[] = {0.0, 1.0,   0.1,	   0.2,		0.5,   2.0,		10.0,
									   1e3, 1e-5,  1e-300, 1e300,	1e100, DBL_MAX, 5e-324,
									   0.3, 1e-20, 1e10,   DBL_MIN, 1e308, 0x1p-53};
	SfsOp op = (SfsOp) (read_byte(reader) % SFS_OP_COUNT);
	uint8_t option = read_byte(reader);
	uint8_t types = read_byte(reader);
	uint8_t strength = read_byte(reader);
	SfsTask task = {
		.op = op,
		.regularization = option & 1 ? SFS_REG_KL : SFS_REG_L2,
		.direction = option & 2 ? SFS_DESCENDING : SFS_ASCENDING,
		.standardize = (option & 4) != 0,
		.strength = strengths[strength % (sizeof(strengths) / sizeof(strengths[0]))],
		.x = {NULL, types & 1 ? SFS_FLOAT32 : SFS_FLOAT64, false},
		.y = {NULL, types & 2 ? SFS_FLOAT32 : SFS_FLOAT64, false},
		.g = {NULL, types & 4 ? SFS_FLOAT32 : SFS_FLOAT64, false},
		/* one value a row is always double */
		.out = {NULL, types & 8 && sfs_op_shape(op) != SFS_SHAPE_ROWS ? SFS_FLOAT32 : SFS_FLOAT64},
	};
	bool matrix = sfs_op_shape(op) == SFS_SHAPE_MATRIX;
	bool ragged = option & 8 && !matrix;

	if (strength == 255)
	{
		task.strength = fabs(read_raw(reader));
		if (!(task.strength <= DBL_MAX))
			task.strength = 1.0;
	}
	task.rows = read_byte(reader) % (ROWS_MAX + 1);
	lists->longest = 0;
	if (ragged)
	{
		lists->offsets[0] = read_byte(reader) % 3;
		for (size_t r = 0; r < task.rows; r++)
		{
			size_t length = read_length(reader);

			lists->offsets[r + 1] = lists->offsets[r] + (int64_t) length;
			lists->longest = length > lists->longest ? length : lists->longest;
		}
		task.offsets = lists->offsets;
		lists->count = (size_t) lists->offsets[task.rows];
	}
	else
	{
		task.length = matrix ? read_byte(reader) % (MATRIX_MAX + 1) : read_length(reader);
		lists->longest = task.length;
		lists->count = task.rows * task.length;
		task.x.shared = (option & 16) != 0;
		task.y.shared = (option & 32) != 0;
		task.g.shared = (option & 64) != 0;
	}
	lists->x = read_list(reader, task.x.shared ? task.length : lists->count, task.x.type,
						 op == SFS_OP_SPEARMAN, false);
	lists->y = lists->g = NULL;
	if (takes_y(op) || (is_isotonic(op) && option & 128))
		lists->y = read_list(reader, task.y.shared ? task.length : lists->count, task.y.type,
							 op == SFS_OP_SPEARMAN, is_isotonic(op));
	if (takes_g(op))
		lists->g = read_list(reader, task.g.shared ? task.length : lists->count, task.g.type, false,
							 false);
	task.x.data = lists->x;
	task.y.data = lists->y;
	task.g.data = lists->g;
	return task;
}

/* Return the first element of a row. */
static size_t
row_start(const SfsTask *task, size_t row)
{
	return task->offsets == NULL ? row * task->length : (size_t) task->offsets[row];
}

/* Return the length of a row. */
static size_t
row_length(const SfsTask *task, size_t row)
{
	return row_start(task, row + 1) - row_start(task, row);
}

/* Return the values that a row of output has, and the first one's place. */
static size_t
row_output(const SfsTask *task, size_t row, size_t *place)
{
	size_t n = row_length(task, row);
	size_t each = task->op == SFS_OP_STRENGTH_RANGE ? 2 : 1;

	switch (sfs_op_shape(task->op))
	{
		case SFS_SHAPE_ROWS:
			*place = row * each;
			return each;
		case SFS_SHAPE_MATRIX:
			*place = row * n * n;
			return n * n;
		default:
			*place = row_start(task, row);
			return n;
	}
}

/* Return the bytes of the output. */
static size_t
output_bytes(const SfsTask *task, size_t count)
{
	size_t place = 0;
	size_t values = 0;

	if (sfs_op_shape(task->op) == SFS_SHAPE_ELEMENTS)
		values = count;
	else if (task->rows > 0)
		values = row_output(task, task->rows - 1, &place) + place;
	return values * (task->out.type == SFS_FLOAT64 ? sizeof(double) : sizeof(float));
}

/* Return element i of a row of an input. */
static double
input_value(const SfsTask *task, const SfsInput *input, size_t row, size_t i)
{
	size_t place = input->shared ? i : row_start(task, row) + i;

	return input->type == SFS_FLOAT64 ? ((const double *) input->data)[place]
									  : (double) ((const float *) input->data)[place];
}

/* Return a value of the output. */
static double
output_value(const SfsTask *task, size_t place)
{
	return task->out.type == SFS_FLOAT64 ? ((const double *) task->out.data)[place]
										 : (double) ((const float *) task->out.data)[place];
}

/* Tell whether a row of an input has one value only. */
static bool
is_constant(const SfsTask *task, const SfsInput *input, size_t row)
{
	for (size_t i = 1; i < row_length(task, row); i++)
		if (input_value(task, input, row, i) != input_value(task, input, row, 0))
			return false;
	return true;
}

/* Tell whether a row has no result. */
static bool
is_undefined(const SfsTask *task, size_t row)
{
	if (is_correlation(task->op))
		return row_length(task, row) < 2 || is_constant(task, &task->x, row) ||
			   is_constant(task, &task->y, row);
	return task->op == SFS_OP_STRENGTH_RANGE &&
		   (row_length(task, row) < 2 || is_constant(task, &task->x, row));
}

/* Check the soft ranks of a row: their sum, their range, their order. */
static void
check_ranks(const SfsTask *task, size_t row)
{
	double tolerance = task->out.type == SFS_FLOAT64 ? 1e-9 : 1e-5;
	double sign = task->direction == SFS_ASCENDING ? 1.0 : -1.0;
	size_t start = row_start(task, row);
	size_t n = row_length(task, row);
	double whole = (double) n * ((double) n + 1.0) * 0.5;
	double sum = 0.0;

	for (size_t i = 0; i < n; i++)
	{
		double rank = output_value(task, start + i);

		sum += rank;
		if (rank < 1.0 - tolerance || rank > (double) n * (1.0 + tolerance))
			fail(task, "a rank beyond 1 .. n", row, i, rank);
		for (size_t j = 0; j < n; j++)
		{
			double a = input_value(task, &task->x, row, i) * sign;
			double b = input_value(task, &task->x, row, j) * sign;

			if (a == b && output_value(task, start + j) != rank)
				fail(task, "ranks of equal values differ", row, j, output_value(task, start + j));
			if (a < b && output_value(task, start + j) < rank)
				fail(task, "a larger value has a smaller rank", row, j,
					 output_value(task, start + j) - rank);
		}
	}
	if (!(fabs(sum - whole) <= whole * tolerance))
		fail(task, "the sum of ranks", row, 0, sum);
}

/* Check the values of soft_sort of a row: their order, their range. */
static void
check_sorted(const SfsTask *task, size_t row)
{
	size_t start = row_start(task, row);
	size_t n = row_length(task, row);
	double size = 0.0;
	double low = INFINITY;
	double high = -INFINITY;
	double slack;

	for (size_t i = 0; i < n; i++)
	{
		low = fmin(low, input_value(task, &task->x, row, i));
		high = fmax(high, input_value(task, &task->x, row, i));
	}
	size = fmax(fabs(low), fabs(high));
	slack = size * (task->out.type == SFS_FLOAT64 ? 1e-11 : 1e-6) +
			(task->out.type == SFS_FLOAT64 ? 1e-322 : 3e-45);
	/* kl joins what differs by rounding, absolutely (N6) */
	if (task->regularization == SFS_REG_KL)
		slack += 1e-12;
	for (size_t i = 0; i < n; i++)
	{
		double value = output_value(task, start + i);

		if (value * 0.5 < low * 0.5 - slack || value * 0.5 > high * 0.5 + slack)
			fail(task, "a sorted value beyond the data", row, i, value);
		if (i > 0 && (task->direction == SFS_ASCENDING ? value < output_value(task, start + i - 1)
													   : value > output_value(task, start + i - 1)))
			fail(task, "soft_sort is not sorted", row, i,
				 value - output_value(task, start + i - 1));
	}
}

/* Check the output of a run that was right. */
static void
check_output(const SfsTask *task)
{
	for (size_t row = 0; row < task->rows; row++)
	{
		size_t place = 0;
		size_t values = row_output(task, row, &place);
		bool undefined = is_undefined(task, row);

		for (size_t i = 0; i < values; i++)
		{
			double value = output_value(task, place + i);

			if (undefined ? !isnan(value) : !isfinite(value))
				fail(task, undefined ? "a value where there is none" : "a result is not finite",
					 row, i, value);
			if ((task->op == SFS_OP_SPEARMAN || task->op == SFS_OP_SOFT_SPEARMAN) &&
				(value < -1.0 || value > 1.0))
				fail(task, "a correlation beyond 1", row, i, value);
		}
		if (task->op == SFS_OP_RANK)
			check_ranks(task, row);
		if (task->op == SFS_OP_SORT)
			check_sorted(task, row);
		if (task->op == SFS_OP_STRENGTH_RANGE && !undefined &&
			!(output_value(task, place) <= output_value(task, place + 1) * (1.0 + 1e-12)))
			fail(task, "the strength range is upside down", row, 0,
				 output_value(task, place) / output_value(task, place + 1));
	}
}

/* Run rows first .. last - 1 in a workspace of exactly the size asked for, dirty. */
static SfsStatus
run_rows(const SfsTask *task, size_t first, size_t last, const SfsHooks *hooks)
{
	size_t bytes = sfs_core_workspace(task);
	void *workspace = allocate(bytes);
	SfsStatus status;

	if (bytes > 0)
		memset(workspace, 0xa5, bytes);
	status = sfs_core_run(task, first, last, workspace, hooks);
	free(workspace);
	return status;
}

/* Copy an input with the elements of each row in another order. */
static void *
permuted(const SfsTask *task, const SfsInput *input, size_t count, const size_t *order)
{
	size_t size = input->type == SFS_FLOAT64 ? sizeof(double) : sizeof(float);
	const char *from = input->data;
	char *copy = allocate(count * size);

	if (input->shared) /* rows have one length, and one order for all serves as well */
	{
		for (size_t i = 0; i < count; i++)
			memcpy(copy + i * size, from + order[i] * size, size);
		return copy;
	}
	if (count > 0)
		memcpy(copy, from, count * size);
	for (size_t row = 0; row < task->rows; row++)
	{
		size_t start = row_start(task, row);
		size_t n = row_length(task, row);
		size_t k = 0;

		/* the order is one of the longest row: the places within this one */
		for (size_t i = 0; k < n; i++)
			if (order[i] < n)
				memcpy(copy + (start + k++) * size, from + (start + order[i]) * size, size);
	}
	return copy;
}

/* Check that the order of the elements only moves the results, bit for bit. */
static void
check_permutation(const SfsTask *task, const Lists *lists, uint64_t seed)
{
	size_t value_size = task->out.type == SFS_FLOAT64 ? sizeof(double) : sizeof(float);
	bool moves = task->op == SFS_OP_RANK || task->op == SFS_OP_PROJECTION;
	size_t bytes = output_bytes(task, lists->count);
	size_t order[LENGTH_MAX + 1];
	SfsTask other = *task;

	if (!moves && task->op != SFS_OP_SORT && task->op != SFS_OP_SPEARMAN &&
		task->op != SFS_OP_SOFT_SPEARMAN && task->op != SFS_OP_STRENGTH_RANGE)
		return;
	for (size_t i = 0; i < lists->longest; i++)
		order[i] = i;
	for (size_t i = lists->longest; i > 1; i--)
	{
		size_t j;
		size_t swap = order[i - 1];

		seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
		j = (seed >> 33) % i;
		order[i - 1] = order[j];
		order[j] = swap;
	}
	other.x.data = permuted(task, &task->x, task->x.shared ? task->length : lists->count, order);
	if (is_correlation(task->op))
		other.y.data =
			permuted(task, &task->y, task->y.shared ? task->length : lists->count, order);
	other.out.data = allocate(bytes);
	if (run_rows(&other, 0, task->rows, NULL) != SFS_OK)
		fail(task, "another order of the elements, another status", 0, 0, 0.0);
	for (size_t row = 0; row < task->rows; row++)
	{
		size_t place = 0;
		size_t values = row_output(task, row, &place);
		size_t next = 0;

		for (size_t k = 0; k < values; k++)
		{
			size_t from = k;

			if (moves)
			{
				while (order[next] >= values)
					next++;
				from = order[next++];
			}
			if (memcmp((char *) other.out.data + (place + k) * value_size,
					   (char *) task->out.data + (place + from) * value_size, value_size) != 0)
				fail(task, "another order of the elements, another result", row, from,
					 output_value(&other, place + k) - output_value(task, place + from));
		}
	}
	free((void *) other.x.data);
	if (is_correlation(task->op))
		free((void *) other.y.data);
	free(other.out.data);
}

/* Count down; then ask to stop. */
static bool
poll_countdown(void *arg)
{
	int *left = arg;

	return (*left)-- <= 0;
}

/* Check that each row by itself gives the same, and that a stop is just a stop. */
static void
check_alone(const SfsTask *task, const Lists *lists, int polls)
{
	size_t bytes = output_bytes(task, lists->count);
	SfsHooks hooks = {.poll = poll_countdown, .arg = &polls};
	SfsTask other = *task;
	SfsStatus status;

	other.out.data = allocate(bytes);
	/* what no row owns stays as it is */
	if (bytes > 0)
		memset(other.out.data, 0x5a, bytes);
	for (size_t row = task->rows; row-- > 0;)
		if (run_rows(&other, row, row + 1, NULL) != SFS_OK)
			fail(task, "a row by itself has another status", row, 0, 0.0);
	if (bytes > 0 && memcmp(other.out.data, task->out.data, bytes) != 0)
		fail(task, "a row by itself gives another result", 0, 0, 0.0);
	status = run_rows(&other, 0, task->rows, &hooks);
	if (status != SFS_OK && status != SFS_CANCELLED)
		fail(task, "status of a run that is polled", 0, 0, status);
	free(other.out.data);
}

/* Check that every level of kernels has the same status and gives the same bits. */
static void
check_levels(const SfsTask *task, const Lists *lists, SfsStatus status)
{
	size_t bytes = output_bytes(task, lists->count);
	SfsTask other = *task;
	const char *name;

	other.out.data = allocate(bytes);
	for (size_t i = 0; (name = sfs_kernels_name(i)) != NULL; i++)
	{
		if (!sfs_kernels_force(name))
			continue;
		/* what no row owns stays as it is */
		if (bytes > 0)
			memset(other.out.data, 0x5a, bytes);
		if (run_rows(&other, 0, task->rows, NULL) != status)
			fail(task, "another level of kernels, another status", 0, i, status);
		/* outputs count only after success */
		if (status == SFS_OK && bytes > 0 && memcmp(other.out.data, task->out.data, bytes) != 0)
			fail(task, "another level of kernels, another result", 0, i, 0.0);
	}
	sfs_kernels_choose();
	free(other.out.data);
}

/* Tell whether every result is within the range of its type: a mean, a rank, a correlation. */
static bool
is_bounded(const SfsTask *task)
{
	if (task->op == SFS_OP_RANK || task->op == SFS_OP_SPEARMAN || task->op == SFS_OP_SOFT_SPEARMAN)
		return true;
	return task->out.type == SFS_FLOAT64 &&
		   (task->op == SFS_OP_SORT || task->op == SFS_OP_ISOTONIC ||
			task->op == SFS_OP_PROJECTION);
}

/* Run one input of the fuzzer. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	Reader reader = {data, size};
	Lists lists;
	SfsTask task = make_task(&reader, &lists);
	size_t bytes = output_bytes(&task, lists.count);
	SfsStatus status;

	sfs_kernels_choose();
	task.out.data = allocate(bytes);
	if (bytes > 0)
		memset(task.out.data, 0x5a, bytes);
	status = run_rows(&task, 0, task.rows, NULL);
	if (status != SFS_OK && status != SFS_OUT_OF_RANGE)
		fail(&task, "status", 0, 0, status);
	if (status == SFS_OUT_OF_RANGE && is_bounded(&task))
		fail(&task, "out of range though the result is bounded", 0, 0, status);
	check_levels(&task, &lists, status);
	if (status == SFS_OK)
	{
		check_output(&task);
		check_permutation(&task, &lists, size * 977 + (size > 0 ? data[size - 1] : 0));
		check_alone(&task, &lists, size > 0 ? data[0] % 5 : 0);
	}
	free(task.out.data);
	free(lists.x);
	free(lists.y);
	free(lists.g);
	return 0;
}
