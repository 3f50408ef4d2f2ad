/*
 * run.cu - a task in slices: classes of rows, staging, copies, launches, results.
 *
 * While the kernels of one slice run, the next one is staged in the other slot, and results
 * are handed out only from slices that have ended well.
 */
#include <stdio.h>
#include <string.h>

#include "long_run.h"
#include "short.h"

/* Elements of a slice: a few milliseconds of copying at most. */
#define SLICE_ELEMENTS ((size_t) 1 << 20)
#define SLICE_ROWS ((size_t) 1 << 20)

/* A slice is not made smaller than this for want of memory. */
#define SLICE_MIN ((size_t) 1 << 14)

/* See device.cu. */
extern int64_t fault_delay();

/* A range of rows, and where its parts lie in a slot's buffers. */
struct Slice
{
	size_t row; /* the first */
	size_t rows;
	size_t first; /* element */
	size_t elements;
	size_t longest; /* row among those in shared memory */
	size_t x;		/* offsets into the buffers */
	size_t y;
	size_t g;
	size_t offsets;
	size_t lists; /* rows by class */
	size_t in_bytes;
	size_t out;
	size_t unsure;
	size_t bytes;
	size_t count[SHORT_CLASSES + 1]; /* rows of each class; the last: for the CPU */
};

/* Return the first element of a row. */
static size_t
row_start(const SfsTask *task, size_t row)
{
	return task->offsets == nullptr ? row * task->length : (size_t) task->offsets[row];
}

/* Return the size of a type. */
static size_t
type_size(SfsType type)
{
	return type == SFS_FLOAT64 ? sizeof(double) : sizeof(float);
}

/* Return the longest row that a block of this device has shared memory for. */
static int
longest_short(const SfsTask *task)
{
	int n = 0;

	for (int k = 0; k < SHORT_CLASSES; k++)
	{
		const ShortClass &c = short_classes[k];
		int capacity = c.threads * c.items;

		/* a class whose longest rows do not fit takes shorter ones */
		while (capacity > n && (size_t) c.tiles * short_row_bytes(k, task->op, task->regularization,
																  task->standardize, capacity) >
								   (size_t) sfs_state.shared_limit)
			capacity -= c.items;
		n = capacity > n ? capacity : n;
	}
	return n;
}

/* Return the class of a row; SHORT_CLASSES: none. */
static int
class_of(size_t n, int longest)
{
	return n > (size_t) longest ? SHORT_CLASSES : short_class_of((int) n);
}

/* Is a row too long for shared memory?  Those are no part of slices; see long_run.h. */
static bool
is_long(const SfsTask *task, size_t row, int longest)
{
	return row_start(task, row + 1) - row_start(task, row) > (size_t) longest;
}

/* See context.h. */
bool
supports_task(const SfsTask *task)
{
	const ShortClass &last = short_classes[SHORT_CLASSES - 1];
	bool plain = task->strength > PLAIN_MIN && task->strength < PLAIN_MAX;

	/* among rows of different lengths, those that are too long are marked */
	if (task->offsets == nullptr && task->length > (size_t) (last.threads * last.items) &&
		!long_supports(task))
		return false;
	return sfs_device_may_support(task) && (plain || task->op == SFS_OP_SPEARMAN);
}

/* Choose the rows of the next slice and lay its buffers out. */
static void
plan(const SfsTask *task, size_t row, size_t limit, Slice *slice)
{
	size_t end = row;
	size_t at = 0;
	bool row_results = short_has_row_results(task->op);
	auto take = [&](size_t bytes)
	{
		size_t taken = at;

		at += (bytes + 255) / 256 * 256;
		return taken;
	};
	auto input = [&](const SfsInput &input)
	{
		size_t count = input.shared ? task->length : slice->elements;

		return take(input.data == nullptr ? 0 : count * type_size(input.type));
	};

	*slice = Slice();
	slice->row = row;
	slice->first = row_start(task, row);
	if (task->offsets == nullptr)
	{
		size_t rows = task->length == 0 ? SLICE_ROWS : limit / task->length;

		rows = rows == 0 ? 1 : rows > SLICE_ROWS ? SLICE_ROWS : rows;
		end = task->rows - row < rows ? task->rows : row + rows;
	}
	else
		do
			end++;
		while (end < task->rows && end - row < SLICE_ROWS &&
			   row_start(task, end + 1) - slice->first <= limit);
	slice->rows = end - row;
	slice->elements = row_start(task, end) - slice->first;
	slice->x = input(task->x);
	slice->y = input(task->y);
	slice->g = input(task->g);
	slice->offsets = take(task->offsets == nullptr ? 0 : (slice->rows + 1) * sizeof(int));
	slice->lists = take(task->offsets == nullptr ? 0 : slice->rows * sizeof(uint32_t));
	slice->in_bytes = at;
	slice->out = take(row_results ? slice->rows * sizeof(double)
								  : slice->elements * type_size(task->out.type));
	slice->unsure = take(slice->rows);
	slice->bytes = at;
}

/* Copy one input into the staging buffer. */
static void
stage_input(const SfsTask *task, const Slice *slice, const SfsInput *input, char *to)
{
	size_t size = type_size(input->type);

	if (input->data == nullptr)
		return;
	if (input->shared)
		memcpy(to, input->data, task->length * size);
	else
		memcpy(to, (const char *) input->data + slice->first * size, slice->elements * size);
}

/* Sort the rows of a slice into classes. */
static void
classify(const SfsTask *task, Slice *slice, int longest, char *host)
{
	int *offsets = (int *) (host + slice->offsets);
	uint32_t *list = (uint32_t *) (host + slice->lists);
	size_t place[SHORT_CLASSES + 1];
	size_t at = 0;

	if (task->offsets == nullptr)
	{
		int k = class_of(task->length, longest);

		slice->count[k] = slice->rows;
		slice->longest = k < SHORT_CLASSES ? task->length : 0;
		return;
	}
	for (size_t i = 0; i <= slice->rows; i++)
		offsets[i] = (int) (row_start(task, slice->row + i) - slice->first);
	for (size_t i = 0; i < slice->rows; i++)
		slice->count[class_of((size_t) (offsets[i + 1] - offsets[i]), longest)]++;
	for (int k = 0; k <= SHORT_CLASSES; k++)
	{
		place[k] = at;
		at += slice->count[k];
	}
	for (size_t i = 0; i < slice->rows; i++)
	{
		size_t n = (size_t) (offsets[i + 1] - offsets[i]);
		int k = class_of(n, longest);

		list[place[k]++] = (uint32_t) i;
		if (k < SHORT_CLASSES && n > slice->longest)
			slice->longest = n;
	}
}

/* Describe an input in device memory. */
static DeviceInput
device_input(const SfsInput *input, char *memory, size_t offset)
{
	return {input->data == nullptr ? nullptr : memory + offset, input->type == SFS_FLOAT32,
			input->shared};
}

/* Describe the options of a task. */
static Batch
batch_of(const SfsTask *task)
{
	Batch batch = Batch();

	batch.op = task->op;
	batch.length = (int) task->length;
	batch.out_is_float = !short_has_row_results(task->op) && task->out.type == SFS_FLOAT32;
	batch.strength = task->strength;
	batch.descending = task->direction == SFS_DESCENDING;
	batch.standardize = task->standardize;
	return batch;
}

/* Launch rows of one class, of up to `longest` values. */
static bool
launch_rows(const SfsTask *task, Batch *batch, int short_class, size_t longest, cudaStream_t stream)
{
	const ShortClass &c = short_classes[short_class];

	batch->longest = longest < (size_t) (c.threads * c.items) ? (int) longest : c.threads * c.items;
	batch->row_bytes = (int) short_row_bytes(short_class, task->op, task->regularization,
											 task->standardize, batch->longest);
	return check(launch_short(*batch, task->regularization, short_class, stream),
				 "launch a kernel");
}

/* Launch the kernels of a slice. */
static bool
launch(const SfsTask *task, const Slice *slice, Slot *slot)
{
	char *memory = slot->device.data;
	Batch batch = batch_of(task);
	size_t listed = 0;

	batch.offsets = task->offsets == nullptr ? nullptr : (const int *) (memory + slice->offsets);
	batch.x = device_input(&task->x, memory, slice->x);
	batch.y = device_input(&task->y, memory, slice->y);
	batch.g = device_input(&task->g, memory, slice->g);
	batch.out = memory + slice->out;
	batch.unsure = (uint8_t *) (memory + slice->unsure);
	for (int k = 0; k < SHORT_CLASSES; k++)
	{
		if (slice->count[k] == 0)
			continue;
		batch.rows = (int) slice->count[k];
		batch.row = task->offsets == nullptr ? nullptr
											 : (const uint32_t *) (memory + slice->lists) + listed;
		if (!launch_rows(task, &batch, k, slice->longest, slot->stream))
			return false;
		listed += slice->count[k];
	}
	return true;
}

/* Send a slice off: staging, copy in, kernels, copy out. */
static bool
submit(const SfsTask *task, Slice *slice, int longest, Slot *slot)
{
	char *host;
	char *memory;

	if (!reserve_host(&slot->host, slice->bytes) || !reserve_device(&slot->device, slice->bytes))
		return false;
	host = slot->host.data;
	memory = slot->device.data;
	stage_input(task, slice, &task->x, host + slice->x);
	stage_input(task, slice, &task->y, host + slice->y);
	stage_input(task, slice, &task->g, host + slice->g);
	classify(task, slice, longest, host);
	slot->busy = true; /* from here on something may be in flight */
	slot->ready_at = clock_us() + fault_delay();
	return check(cudaEventRecord(slot->event[0], slot->stream), "record an event") &&
		   check(cudaMemcpyAsync(memory, host, slice->in_bytes, cudaMemcpyHostToDevice,
								 slot->stream),
				 "copy to the device") &&
		   check(cudaMemsetAsync(memory + slice->unsure, 0, slice->rows, slot->stream),
				 "clear marks") &&
		   check(cudaEventRecord(slot->event[1], slot->stream), "record an event") &&
		   launch(task, slice, slot) &&
		   check(cudaEventRecord(slot->event[2], slot->stream), "record an event") &&
		   check(cudaMemcpyAsync(host + slice->out, memory + slice->out, slice->bytes - slice->out,
								 cudaMemcpyDeviceToHost, slot->stream),
				 "copy from the device") &&
		   check(cudaEventRecord(slot->event[3], slot->stream), "record an event");
}

/* Hand the results of a slice out, but for the rows that are marked. */
static void
hand_out(const SfsTask *task, const Slice *slice, const Slot *slot, uint8_t *unsure,
		 SfsDeviceReport *report)
{
	const uint8_t *marks = (const uint8_t *) slot->host.data + slice->unsure;
	const char *from = slot->host.data + slice->out;
	bool row_results = short_has_row_results(task->op);
	size_t size = row_results ? sizeof(double) : type_size(task->out.type);
	size_t first = row_results ? slice->row : slice->first;
	float ms[3] = {0.0f, 0.0f, 0.0f};

	memcpy((char *) task->out.data + first * size, from,
		   (row_results ? slice->rows : slice->elements) * size);
	for (size_t i = 0; i < slice->rows; i++)
		unsure[slice->row + i] |= marks[i];
	for (int k = 0; k < 3; k++)
		(void) check(cudaEventElapsedTime(&ms[k], slot->event[k], slot->event[k + 1]),
					 "measure time");
	report->copy_ms += (double) (ms[0] + ms[2]);
	report->compute_ms += (double) ms[1];
	report->slices++;
}

/* Run a task in slices of up to `limit` elements, from row *done on. */
static SfsStatus
run_slices(const SfsTask *task, int longest, size_t limit, size_t *done, uint8_t *unsure,
		   const SfsHooks *hooks, SfsDeviceReport *report)
{
	Slice slices[2];
	bool pending[2] = {false, false};
	size_t row = *done;

	for (int turn = 0; row < task->rows || pending[0] || pending[1]; turn = 1 - turn)
	{
		Slot *slot = &sfs_state.slot[turn];
		SfsStatus status = wait_for(slot, hooks);

		if (status != SFS_OK || sfs_state.error != cudaSuccess)
			return status;
		if (pending[turn])
		{
			hand_out(task, &slices[turn], slot, unsure, report);
			*done = slices[turn].row + slices[turn].rows;
			pending[turn] = false;
		}
		while (row < task->rows && is_long(task, row, longest))
			row++;
		if (row == task->rows)
			continue;
		if (hooks->poll != nullptr && hooks->poll(hooks->arg))
			return SFS_CANCELLED;
		plan(task, row, limit, &slices[turn]);
		if (!submit(task, &slices[turn], longest, slot))
			return SFS_OK; /* the error is noted */
		pending[turn] = true;
		row += slices[turn].rows;
	}
	return SFS_OK;
}

/* Run one part of a task by `part(limit)`, with smaller limits where memory is short. */
template <class Part>
static SfsStatus
run_part(size_t limit, size_t least, const SfsHooks *hooks, SfsDeviceReport *report,
		 SfsEngineError *error, const Part &part)
{
	for (;;)
	{
		SfsStatus status = part(limit);
		SfsStatus failed;

		if (status == SFS_OK && sfs_state.error == cudaSuccess)
			return SFS_OK;
		keep_track();
		if (status == SFS_CANCELLED)
		{
			/* what is still in flight uses buffers of this library alone */
			(void) failure(report, error);
			return SFS_CANCELLED;
		}
		failed = failure(report, error);
		if (failed != SFS_NO_MEMORY || limit <= least)
			return failed;
		/* smaller buffers, once nothing uses the larger ones */
		for (Slot &slot : sfs_state.slot)
			if (wait_for(&slot, hooks) != SFS_OK)
				return SFS_CANCELLED;
		if (sfs_state.error != cudaSuccess)
			return failure(report, error);
		limit /= 2;
	}
}

/* See device.h: SfsDevice.run. */
SfsStatus
run_task(const SfsTask *task, uint8_t *unsure, const SfsHooks *hooks, SfsDeviceReport *report,
		 SfsEngineError *error)
{
	int longest = longest_short(task);
	bool may_be_long = task->offsets != nullptr || task->length > (size_t) longest;
	size_t done = 0;
	SfsStatus status;

	*report = SfsDeviceReport();
	error->reason[0] = '\0';
	memset(unsure, 0, task->rows);
	if (!sfs_state.is_open || sfs_state.lost)
	{
		report->lost = sfs_state.lost;
		snprintf(error->reason, sizeof(error->reason),
				 sfs_state.lost ? "the device was lost by this process" : "no device is open");
		return SFS_FAILED;
	}
	/* somebody else in this process may have selected another one */
	if (!check(cudaSetDevice(sfs_state.device), "select the device"))
		return failure(report, error);
	status = run_part(SLICE_ELEMENTS, SLICE_MIN, hooks, report, error,
					  [&](size_t limit)
					  { return run_slices(task, longest, limit, &done, unsure, hooks, report); });
	done = 0;
	if (status == SFS_OK && may_be_long && long_supports(task))
		status = run_part(LONG_BATCH, LONG_BATCH_MIN, hooks, report, error,
						  [&](size_t limit) {
							  return run_long(task, (size_t) longest, limit, false, &done, unsure,
											  hooks, report);
						  });
	for (size_t row = 0; row < task->rows; row++)
	{
		if (may_be_long && is_long(task, row, longest) &&
			(!long_supports(task) || is_long(task, row, (int) LONG_LONGEST)))
			unsure[row] = 1;
		report->unsure += unsure[row] != 0;
	}
	return status;
}

/* See context.h. */
bool
run_on_device(const SfsTask *task, uint8_t *marks, size_t *unsure, SfsDeviceReport *report)
{
	Slot *slot = &sfs_state.slot[0];
	int longest = longest_short(task);
	int k = class_of(task->length, longest);
	Batch batch = batch_of(task);

	if (k == SHORT_CLASSES)
		return run_long_on_device(task, (size_t) longest, unsure, report);
	batch.rows = (int) task->rows;
	batch.x = device_input(&task->x, (char *) task->x.data, 0);
	batch.y = device_input(&task->y, (char *) task->y.data, 0);
	batch.g = device_input(&task->g, (char *) task->g.data, 0);
	batch.out = task->out.data;
	batch.unsure = marks;
	return launch_rows(task, &batch, k, task->length, slot->stream);
}
