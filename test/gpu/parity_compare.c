/*
 * parity_compare.c - running a task on both, and comparing; see parity.h.
 */
#include "parity.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GUARD 256
#define PATTERN 0x5a
#define SHOWN_MAX 20
#define INPUTS_SHOWN 64
#define LENGTH_ORDINARY 2 /* shorter rows cost nothing wherever they are computed */

/* An output with guard zones around it. */
typedef struct Guarded
{
	unsigned char *memory;
	unsigned char *data;
	size_t bytes;
} Guarded;

/* What a row's values are in an output. */
typedef struct Span
{
	size_t first;
	size_t count;
} Span;

/* See parity.h. */
void *
need(size_t bytes)
{
	void *memory = malloc(bytes > 0 ? bytes : 1);

	if (memory == NULL)
	{
		printf("Bail out! no memory for %zu bytes\n", bytes);
		exit(1);
	}
	return memory;
}

/* Allocate bytes between two guard zones, all filled with the pattern. */
static Guarded
guarded(size_t bytes)
{
	Guarded result = {.bytes = bytes};

	result.memory = need(bytes + 2 * GUARD);
	result.data = result.memory + GUARD;
	memset(result.memory, PATTERN, bytes + 2 * GUARD);
	return result;
}

/* Count the bytes of guard zones, and of the first `unused` bytes, that were written to. */
static size_t
count_touched(const Guarded *g, size_t unused)
{
	size_t touched = 0;

	for (size_t i = 0; i < GUARD + unused; i++)
		touched += g->memory[i] != PATTERN;
	for (size_t i = 0; i < GUARD; i++)
		touched += g->data[g->bytes + i] != PATTERN;
	return touched;
}

/* Return the first element of a row; row `rows` gives the end. */
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

/* Return where a row's values lie in the output. */
static Span
row_span(const SfsTask *task, size_t row)
{
	size_t n = row_length(task, row);

	switch (sfs_op_shape(task->op))
	{
		case SFS_SHAPE_ROWS:
			if (task->op == SFS_OP_STRENGTH_RANGE)
				return (Span){2 * row, 2};
			return (Span){row, 1};
		case SFS_SHAPE_MATRIX:
			return (Span){row * n * n, n * n};
		default:
			return (Span){row_start(task, row), n};
	}
}

/* Return the bytes of one value. */
static size_t
size_of(SfsType type)
{
	return type == SFS_FLOAT64 ? sizeof(double) : sizeof(float);
}

/* Return the bits of a value. */
static uint64_t
bits_at(const void *data, SfsType type, size_t i)
{
	uint64_t wide;
	uint32_t narrow;

	if (type == SFS_FLOAT64)
	{
		memcpy(&wide, (const char *) data + i * sizeof(wide), sizeof(wide));
		return wide;
	}
	memcpy(&narrow, (const char *) data + i * sizeof(narrow), sizeof(narrow));
	return narrow;
}

/* Is it not a number? */
static bool
is_nan(uint64_t bits, SfsType type)
{
	if (type == SFS_FLOAT64)
		return (bits & UINT64_C(0x7fffffffffffffff)) > UINT64_C(0x7ff0000000000000);
	return (bits & 0x7fffffff) > 0x7f800000;
}

/* Return the bytes of an input of a task. */
static size_t
input_bytes(const SfsTask *task, const SfsInput *input)
{
	size_t values = row_start(task, task->rows);

	if (input->data == NULL)
		return 0;
	if (input->shared)
		values = task->rows > 0 ? row_length(task, 0) : 0;
	return values * size_of(input->type);
}

/* Copy an input, to see later whether it was changed. */
static void *
copy_input(const SfsTask *task, const SfsInput *input)
{
	size_t bytes = input_bytes(task, input);
	void *copy = need(bytes);

	if (bytes > 0)
		memcpy(copy, input->data, bytes);
	return copy;
}

/* Free the copy of an input; return whether it was changed. */
static bool
was_changed(const SfsTask *task, const SfsInput *input, void *copy)
{
	size_t bytes = input_bytes(task, input);
	bool changed = bytes > 0 && memcmp(copy, input->data, bytes) != 0;

	free(copy);
	return changed;
}

/* Describe a task in words. */
static void
describe(const Case *c)
{
	const SfsTask *task = &c->task;
	const char *types[] = {"double", "real"};

	printf("#   %s; %s %s %s%s, strength %a, %zu %s rows, x %s%s, y %s%s, g %s%s, out %s; %s\n",
		   c->name, op_name(task->op), sfs_regularization_name(task->regularization),
		   task->direction == SFS_ASCENDING ? "asc" : "desc",
		   task->standardize ? " standardized" : "", task->strength, task->rows,
		   task->offsets != NULL ? "ragged" : "equal", types[task->x.type],
		   task->x.shared ? " shared" : "", task->y.data == NULL ? "none" : types[task->y.type],
		   task->y.shared ? " shared" : "", task->g.data == NULL ? "none" : types[task->g.type],
		   task->g.shared ? " shared" : "", types[task->out.type],
		   c->family < families() ? family_name(c->family) : "golden");
}

/* Print an input of a row as hexadecimal floats. */
static void
print_input(const SfsTask *task, const SfsInput *input, size_t row, const char *name)
{
	size_t start = input->shared ? 0 : row_start(task, row);
	size_t n = row_length(task, row);

	if (input->data == NULL)
		return;
	printf("#   %s", name);
	for (size_t i = 0; i < n && i < INPUTS_SHOWN; i++)
		printf(" %a", input->type == SFS_FLOAT64
						  ? ((const double *) input->data)[start + i]
						  : (double) ((const float *) input->data)[start + i]);
	printf(n > INPUTS_SHOWN ? " ...\n" : "\n");
}

/* Print what is wrong with a row, for the first ones. */
static void
complain(Parity *parity, const Case *c, size_t row, const char *what)
{
	if (parity->shown++ >= SHOWN_MAX)
		return;
	printf("# COMPLAINT (%s): row %zu of length %zu: %s\n", parity->label, row,
		   row < c->task.rows ? row_length(&c->task, row) : 0, what);
	describe(c);
	if (parity->verbose && row < c->task.rows)
	{
		print_input(&c->task, &c->task.x, row, "x");
		print_input(&c->task, &c->task.y, row, "y");
		print_input(&c->task, &c->task.g, row, "g");
	}
	fflush(stdout);
}

/* Compare a row that the device has answered; return whether it is right. */
static bool
row_is_right(Parity *parity, const Case *c, size_t row, SfsStatus status, const void *have,
			 const void *want)
{
	Span span = row_span(&c->task, row);
	SfsType type = c->task.out.type;
	size_t differ = 0;
	size_t first = 0;
	char what[200];

	if (status != SFS_OK)
	{
		snprintf(what, sizeof(what), "answered, where the core says status %d", (int) status);
		complain(parity, c, row, what);
		return false;
	}
	for (size_t i = span.first; i < span.first + span.count; i++)
	{
		uint64_t a = bits_at(have, type, i);
		uint64_t b = bits_at(want, type, i);

		if (a == b || (is_nan(a, type) && is_nan(b, type)))
			continue;
		if (differ++ == 0)
			first = i;
	}
	if (differ == 0)
		return true;
	snprintf(what, sizeof(what),
			 "%zu of %zu values differ, first value %zu: device %0*" PRIx64 ", core %0*" PRIx64,
			 differ, span.count, first - span.first, (int) size_of(type) * 2,
			 bits_at(have, type, first), (int) size_of(type) * 2, bits_at(want, type, first));
	complain(parity, c, row, what);
	return false;
}

/* Count the polls of a device. */
static bool
poll(void *arg)
{
	++*(size_t *) arg;
	return false;
}

/* Refuse memory of the host: a device has to do without. */
static void *
no_alloc(void *arg, size_t bytes)
{
	(void) arg;
	(void) bytes;
	return NULL;
}

/* Is this a row that the device should answer in general? */
static bool
is_ordinary(const Parity *parity, const Case *c, size_t row)
{
	size_t n = row_length(&c->task, row);
	SfsTask alone = c->task;

	/* among others, a row may be of a length of which the device supports none */
	alone.rows = 1;
	alone.length = n;
	alone.offsets = NULL;
	return c->ordinary && n >= LENGTH_ORDINARY && n <= parity->longest &&
		   parity->device->supports(&alone);
}

/* Keep an example of an ordinary row that is not answered; show the rows of a single task. */
static void
note_unsure(Parity *parity, const Case *c, size_t row)
{
	char *example = parity->example[c->task.op][c->task.regularization];

	if (is_ordinary(parity, c, row) && example[0] == '\0')
		memcpy(example, c->name, sizeof(c->name));
	if (parity->verbose)
		complain(parity, c, row, "not answered");
}

/* Compare all rows of a task that the device has run. */
static size_t
compare_rows(Parity *parity, const Case *c, const uint8_t *unsure, const void *have, void *want)
{
	SfsTask task = c->task;
	void *workspace = need(sfs_core_workspace(&task));
	size_t marked = 0;

	task.out.data = want;
	for (size_t row = 0; row < task.rows; row++)
	{
		size_t class = length_class(row_length(&task, row));
		bool ordinary = is_ordinary(parity, c, row);
		Count *counts[] = {&parity->by_class[task.op][class], &parity->by_family[c->family],
						   ordinary ? &parity->ordinary[task.op][task.regularization] : NULL,
						   ordinary ? &parity->ordinary_by_class[class] : NULL};
		bool wrong = false;

		if (unsure[row] > 1)
		{
			complain(parity, c, row, "its mark is neither 0 nor 1");
			wrong = true;
		}
		else if (unsure[row] == 0)
			wrong = !row_is_right(parity, c, row,
								  sfs_core_run(&task, row, row + 1, workspace, NULL), have, want);
		if (unsure[row] == 1)
			note_unsure(parity, c, row);
		marked += unsure[row] != 0;
		for (int i = 0; i < 4; i++)
			if (counts[i] != NULL)
			{
				counts[i]->rows++;
				counts[i]->unsure += unsure[row] == 1;
				counts[i]->wrong += wrong;
			}
	}
	free(workspace);
	return marked;
}

/* See parity.h. */
void
compare(Parity *parity, const Case *original)
{
	Case c = *original;
	SfsTask *task = &c.task;
	Span last = task->rows > 0 ? row_span(task, task->rows - 1) : (Span){0, 0};
	Span first = task->rows > 0 ? row_span(task, 0) : (Span){0, 0};
	size_t size = size_of(task->out.type);
	Guarded out;
	Guarded marks;
	void *want;
	void *copies[3];
	size_t polls = 0;
	SfsHooks hooks = {.poll = poll, .alloc = no_alloc, .arg = &polls};
	SfsDeviceReport report;
	SfsEngineError error = {""};
	SfsStatus status;
	char what[300];

	if (parity->only != SFS_OP_COUNT && parity->only != task->op)
		return;
	if (!parity->device->supports(task))
	{
		parity->refused[task->op][task->regularization]++;
		return;
	}
	parity->tasks++;
	out = guarded((last.first + last.count) * size);
	marks = guarded(task->rows);
	want = need(out.bytes);
	copies[0] = copy_input(task, &task->x);
	copies[1] = copy_input(task, &task->y);
	copies[2] = copy_input(task, &task->g);
	task->out.data = out.data;
	memset(&report, PATTERN, sizeof(report));
	status = parity->device->run(task, marks.data, &hooks, &report, &error);
	if (status != SFS_OK)
	{
		parity->failed_runs++;
		snprintf(what, sizeof(what), "the run ends with status %d: %.200s", (int) status,
				 error.reason);
		complain(parity, &c, task->rows, what);
	}
	else
	{
		size_t marked = compare_rows(parity, &c, marks.data, out.data, want);

		if (marked != report.unsure || report.lost)
		{
			parity->failed_runs++;
			snprintf(what, sizeof(what), "%zu rows are marked, the report says %zu%s", marked,
					 report.unsure, report.lost ? ", lost" : "");
			complain(parity, &c, task->rows, what);
		}
	}
	if (count_touched(&out, first.first * size) + count_touched(&marks, 0) > 0)
	{
		parity->touched++;
		complain(parity, &c, task->rows, "memory outside of the outputs was written to");
	}
	if (was_changed(task, &task->x, copies[0]) + was_changed(task, &task->y, copies[1]) +
			was_changed(task, &task->g, copies[2]) >
		0)
	{
		parity->changed++;
		complain(parity, &c, task->rows, "an input was changed");
	}
	free(out.memory);
	free(marks.memory);
	free(want);
}
