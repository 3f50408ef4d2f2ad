/*
 * long_run.cu - long rows: batches, their memory, and the steps of each operation.
 */
#include <stdlib.h>
#include <string.h>

#include "long_run.h"
#include "short.h"

/* See device.cu. */
extern int64_t fault_delay();

namespace
{

/* Device memory beyond this is given back after a task. */
const size_t KEEP = (size_t) 64 << 20;

/* Hands out a piece of memory from the front; of no memory it only counts. */
struct Arena
{
	char *base;
	size_t used;

	/* Take room for `count` values. */
	template <class T> void take(T **place, size_t count)
	{
		*place = base == nullptr ? nullptr : (T *) (base + used);
		used += (count * sizeof(T) + 255) / 256 * 256;
	}
};

/* Return the length of a row of a task. */
size_t
row_length(const SfsTask *task, size_t row)
{
	return task->offsets == nullptr ? task->length
									: (size_t) (task->offsets[row + 1] - task->offsets[row]);
}

/* Return the positions that a row takes. */
size_t
positions_of(size_t n)
{
	return (n + 1 + 31) / 32 * 32;
}

/* Return the elements of an input on the device. */
size_t
input_elements(const LongWork *work, const SfsInput &input)
{
	return input.data == nullptr ? 0 : input.shared ? work->task->length : work->elements;
}

/* Lay device memory out, and count it. */
void
lay_out(LongWork *work, char *base)
{
	const SfsTask *task = work->task;
	LongBatch &batch = work->batch;
	size_t positions = (size_t) batch.positions;
	size_t chunks = (size_t) batch.chunks;
	size_t rows = (size_t) batch.rows;
	size_t io = work->elements;
	Arena arena = {base, 0};
	double *before;
	uint32_t *words;

	io = input_elements(work, task->x) > io ? input_elements(work, task->x) : io;
	io = input_elements(work, task->y) > io ? input_elements(work, task->y) : io;
	arena.take((double **) &work->io, io);
	arena.take((double **) &work->g, input_elements(work, task->g));
	arena.take(&before, 2 * positions);
	batch.before = (SfsPair *) before;
	batch.key = (uint64_t *) before;
	batch.from = base == nullptr ? nullptr : (uint32_t *) (before + positions);
	batch.sum = before;
	batch.ordered = base == nullptr ? nullptr : before + positions;
	arena.take(&batch.value, positions);
	arena.take(&batch.position, positions);
	for (int k = 0; k < long_columns(task); k++)
		arena.take(&batch.column[k], positions);
	for (Bitmap *set : {&batch.starts, &batch.row_starts})
	{
		arena.take(&words, (size_t) Bitmap::size(batch.positions));
		if (base != nullptr)
			set->lay_out(words, batch.positions);
	}
	arena.take(&batch.bridge, chunks);
	arena.take(&batch.chunk_sum, chunks);
	arena.take(&batch.result, chunks);
	arena.take(&batch.unsure, rows);
	arena.take(&batch.big, positions / (LONG_GROUP * SFS_LEAF) + 1);
	arena.take(&batch.big_count, 1);
	arena.take(&work->device_row, rows);
	arena.take(&work->device_chunk, chunks);
	arena.take(&work->device_segment, 2 * rows);
	arena.take((char **) &work->scratch, work->scratch_bytes);
	batch.row = work->device_row;
	batch.chunk = work->device_chunk;
	work->bytes = arena.used;
}

/* Lay the host's tables out, and count them. */
void
lay_out_host(LongWork *work, char *base)
{
	size_t chunks = (size_t) work->batch.chunks;
	size_t rows = (size_t) work->batch.rows;
	Arena arena = {base, 0};

	arena.take(&work->row, rows);
	arena.take(&work->chunk, chunks);
	arena.take(&work->result, chunks);
	arena.take(&work->segment, 2 * rows);
	arena.take(&work->unsure, rows);
	work->host_bytes = arena.used;
}

/* Return the bytes that a position takes in a large batch, without what goes with rows. */
double
bytes_per_position(const SfsTask *task)
{
	const int positions = 1 << 22;
	LongWork work = LongWork();

	work.task = task;
	work.elements = (size_t) positions;
	work.batch.positions = positions;
	work.batch.chunks = positions / LONG_CHUNK + 1;
	work.batch.rows = 1;
	work.scratch_bytes = (size_t) positions / 2;
	lay_out(&work, nullptr);
	return (double) work.bytes / (double) positions;
}

/* Count the rows of the next batch, from *row on; *row becomes the first after it. */
void
choose(LongWork *work, size_t shorter, size_t limit, size_t *row)
{
	const SfsTask *task = work->task;
	LongBatch &batch = work->batch;
	size_t positions = 0;

	for (; *row < task->rows; ++*row)
	{
		size_t n = row_length(task, *row);
		int chunks;

		if (n <= shorter || n > LONG_LONGEST)
			continue;
		if (batch.rows > 0 && positions + positions_of(n) > limit)
			break;
		positions += positions_of(n);
		chunks = (int) ((n + LONG_CHUNK - 1) / LONG_CHUNK);
		batch.rows++;
		batch.chunks += chunks;
		work->elements += n;
		work->most_chunks = chunks > work->most_chunks ? chunks : work->most_chunks;
		work->longest = (int) n > work->longest ? (int) n : work->longest;
	}
	batch.positions = (int) positions;
}

/* Fill the tables of rows and chunks. */
void
fill_tables(LongWork *work, size_t shorter, size_t task_row)
{
	LongChunk *chunk = work->chunk;
	int position = 0;
	size_t first = 0;

	for (int r = 0; r < work->batch.rows; task_row++)
	{
		size_t n = row_length(work->task, task_row);
		LongRow *row = &work->row[r];

		if (n <= shorter || n > LONG_LONGEST)
			continue;
		*row = LongRow();
		row->begin = position;
		row->n = (int) n;
		row->chunk = (int) (chunk - work->chunk);
		row->chunks = (int) ((n + LONG_CHUNK - 1) / LONG_CHUNK);
		row->first = first;
		row->task_row = task_row;
		for (int i = 0; i < row->chunks; i++, chunk++)
		{
			chunk->row = r;
			chunk->index = i;
			chunk->first = position + i * LONG_CHUNK;
			chunk->end = i + 1 < row->chunks ? chunk->first + LONG_CHUNK : position + row->n;
		}
		position += (int) positions_of(n);
		first += n;
		r++;
	}
}

/* Choose the rows of a batch and get memory for it; false: none is left, or an error. */
bool
prepare(LongWork *work, size_t shorter, size_t limit, size_t *row)
{
	size_t first = *row;

	choose(work, shorter, limit, row);
	if (work->batch.rows == 0)
		return false;
	for (Slot &slot : sfs_state.slot)
	{
		work->status = wait_for(&slot, work->hooks);
		if (work->status != SFS_OK || sfs_state.error != cudaSuccess)
			return false;
	}
	work->scratch_bytes = long_sort_scratch(work->longest, work->batch.positions, work->batch.rows);
	lay_out(work, nullptr);
	lay_out_host(work, nullptr);
	if (!reserve_device(&sfs_state.long_device, work->bytes) ||
		!reserve_host(&sfs_state.long_host, work->host_bytes))
		return false;
	lay_out(work, sfs_state.long_device.data);
	lay_out_host(work, sfs_state.long_host.data);
	work->stream = sfs_state.slot[0].stream;
	work->batch.strength = work->task->strength;
	work->batch.out = work->io;
	work->batch.out_is_float =
		!short_has_row_results(work->task->op) && work->task->out.type == SFS_FLOAT32;
	fill_tables(work, shorter, first);
	sfs_state.slot[0].busy = true;
	return check(cudaEventRecord(sfs_state.slot[0].event[0], work->stream), "record an event") &&
		   check(cudaMemcpyAsync(work->device_chunk, work->chunk,
								 (size_t) work->batch.chunks * sizeof(LongChunk),
								 cudaMemcpyHostToDevice, work->stream),
				 "copy to the device") &&
		   check(cudaMemsetAsync(work->batch.unsure, 0, (size_t) work->batch.rows * sizeof(int),
								 work->stream),
				 "clear marks");
}

/* Write the results of rows that have one. */
void
hand_out_rows(const LongWork *work)
{
	double *out = (double *) work->task->out.data;

	for (int r = 0; r < work->batch.rows; r++)
		if (!work->row[r].skip && !work->on_device)
			out[work->row[r].task_row] = work->row[r].rho;
		else if (!work->row[r].skip)
			(void) check(cudaMemcpyAsync(out + work->row[r].task_row, &work->row[r].rho,
										 sizeof(double), cudaMemcpyDefault, work->stream),
						 "copy to the device");
}

/* Run a prepared batch and hand its results out. */
bool
run_batch(LongWork *work, uint8_t *unsure, SfsDeviceReport *report)
{
	Slot *slot = &sfs_state.slot[0];
	cudaEvent_t end = sfs_state.slot[1].event[0];
	float ms[3] = {0.0f, 0.0f, 0.0f};

	slot->ready_at = clock_us() + fault_delay();
	if (!long_compute(work) ||
		!check(cudaEventRecord(slot->event[2], work->stream), "record an event") ||
		!long_fetch_marks(work))
		return false;
	for (int r = 0; r < work->batch.rows; r++)
	{
		work->row[r].skip = work->row[r].skip || work->unsure[r] != 0;
		unsure[work->row[r].task_row] = work->row[r].skip;
	}
	if (short_has_row_results(work->task->op))
		hand_out_rows(work);
	else if (!long_hand_out(work))
		return false;
	slot->busy = true;
	if (!check(cudaEventRecord(end, work->stream), "record an event") || !long_fetch_marks(work))
		return false;
	(void) check(cudaEventElapsedTime(&ms[0], slot->event[0], slot->event[1]), "measure time");
	(void) check(cudaEventElapsedTime(&ms[1], slot->event[1], slot->event[2]), "measure time");
	(void) check(cudaEventElapsedTime(&ms[2], slot->event[2], end), "measure time");
	report->copy_ms += (double) (ms[0] + ms[2]);
	report->compute_ms += (double) ms[1];
	report->slices++;
	return true;
}

} // namespace

/* See long_run.h. */
SfsStatus
run_long(const SfsTask *task, size_t shorter, size_t limit, bool on_device, size_t *done,
		 uint8_t *unsure, const SfsHooks *hooks, SfsDeviceReport *report)
{
	size_t others = sfs_state.memory_used - sfs_state.long_device.bytes;
	double room = (double) (sfs_state.memory_limit - others) / bytes_per_position(task);
	SfsStatus status = SFS_OK;

	limit = room < (double) limit ? (size_t) room : limit;
	limit = limit < LONG_POSITIONS ? limit : LONG_POSITIONS;
	for (size_t row = *done; row < task->rows;)
	{
		LongWork work = LongWork();

		work.task = task;
		work.hooks = hooks;
		work.on_device = on_device;
		if (!prepare(&work, shorter, limit, &row) || !run_batch(&work, unsure, report))
		{
			status = work.status;
			if (work.batch.rows == 0 && status == SFS_OK && sfs_state.error == cudaSuccess)
				*done = row;
			break;
		}
		*done = row;
	}
	if (status == SFS_OK && sfs_state.error == cudaSuccess && sfs_state.long_device.bytes > KEEP &&
		!on_device)
		(void) release_device(&sfs_state.long_device);
	return status;
}

/* See long_run.h. */
bool
run_long_on_device(const SfsTask *task, size_t shorter, size_t *unsure, SfsDeviceReport *report)
{
	const SfsHooks nobody = SfsHooks();
	uint8_t *marks = (uint8_t *) calloc(task->rows, 1);
	size_t done = 0;

	if (marks == nullptr)
		return check(cudaErrorMemoryAllocation, "allocate memory");
	(void) run_long(task, shorter, LONG_BATCH, true, &done, marks, &nobody, report);
	for (size_t i = 0; i < task->rows; i++)
		*unsure += marks[i];
	free(marks);
	return sfs_state.error == cudaSuccess;
}
