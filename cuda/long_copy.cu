/*
 * long_copy.cu - long rows: inputs, results and tables on their way to the device and back.
 *
 * Lists go in pieces through the pinned buffers of both slots in turn: while one is copied by
 * the device, the host fills or empties the other.
 */
#include <string.h>

#include "long_run.h"

namespace
{

/* Bytes of a piece. */
const size_t PIECE = (size_t) 4 << 20;

/* Elements of a packed list of all rows, one part of a row after another. */
struct Walk
{
	const LongWork *work;
	int row;
	size_t at; /* in the row */

	/* Call part(element of the task, count, row) until `count` elements are visited. */
	template <class Part> void go(size_t count, const Part &part)
	{
		while (count > 0)
		{
			const LongRow &here = work->row[row];
			const SfsTask *task = work->task;
			size_t start = task->offsets == nullptr ? here.task_row * task->length
													: (size_t) task->offsets[here.task_row];
			size_t left = (size_t) here.n - at;
			size_t now = left < count ? left : count;

			part(start + at, now, here);
			count -= now;
			at += now;
			if (at == (size_t) here.n)
			{
				row++;
				at = 0;
			}
		}
	}
};

/* Return the size of a type. */
size_t
type_size(SfsType type)
{
	return type == SFS_FLOAT64 ? sizeof(double) : sizeof(float);
}

/* Wait for a slot, and ask hooks; false: stop. */
bool
wait_slot(LongWork *work, Slot *slot)
{
	const SfsHooks *hooks = work->hooks;

	work->status = wait_for(slot, hooks);
	if (work->status == SFS_OK && hooks->poll != nullptr && hooks->poll(hooks->arg))
		work->status = SFS_CANCELLED;
	return work->status == SFS_OK && sfs_state.error == cudaSuccess;
}

/* Note that something of a slot is in flight, up to here. */
bool
mark_busy(Slot *slot)
{
	slot->busy = true;
	return check(cudaEventRecord(slot->event[3], slot->stream), "record an event");
}

/* Let the stream of the batch wait for what the other slot does; the first time is noted. */
bool
join_streams(LongWork *work)
{
	bool first = !work->brought_in;

	work->brought_in = true;
	return check(cudaStreamWaitEvent(work->stream, sfs_state.slot[1].event[3], 0),
				 "wait for an event") &&
		   (!first ||
			check(cudaEventRecord(sfs_state.slot[0].event[1], work->stream), "record an event"));
}

/* Return the first element of a batch of equal rows. */
size_t
start_of(const LongWork *work)
{
	return work->row[0].task_row * work->task->length;
}

} // namespace

/* See long_run.h. */
bool
long_bring_in(LongWork *work, const SfsInput *input, char *to)
{
	size_t size = type_size(input->type);
	size_t total = input->shared ? work->task->length : work->elements;
	const char *from = (const char *) input->data;
	Walk walk = {work, 0, 0};
	int turn = 0;

	if (work->on_device) /* rows are equal, so those of a batch lie together */
		return check(cudaMemcpyAsync(to, input->shared ? from : from + start_of(work) * size,
									 total * size, cudaMemcpyDefault, work->stream),
					 "copy an input") &&
			   check(cudaEventRecord(sfs_state.slot[0].event[1], work->stream), "record an event");
	for (size_t at = 0; at < total; turn = 1 - turn)
	{
		Slot *slot = &sfs_state.slot[turn];
		size_t count = total - at < PIECE / size ? total - at : PIECE / size;
		char *piece;

		if (!wait_slot(work, slot) || !reserve_host(&slot->host, PIECE))
			return false;
		piece = slot->host.data;
		if (input->shared)
			memcpy(piece, from + at * size, count * size);
		else
			walk.go(count,
					[&](size_t first, size_t now, const LongRow &)
					{
						memcpy(piece, from + first * size, now * size);
						piece += now * size;
					});
		slot->busy = true;
		if (!check(cudaMemcpyAsync(to + at * size, slot->host.data, count * size,
								   cudaMemcpyHostToDevice, slot->stream),
				   "copy to the device") ||
			!mark_busy(slot))
			return false;
		at += count;
	}
	return join_streams(work);
}

/* See long_run.h: a piece is emptied when the next one is on its way. */
bool
long_hand_out(LongWork *work)
{
	SfsOutput out = work->task->out;
	size_t size = type_size(out.type);
	size_t total = work->elements;
	Walk walk = {work, 0, 0};
	size_t pending = 0;

	if (work->on_device)
		return check(cudaMemcpyAsync((char *) out.data + start_of(work) * size, work->io,
									 total * size, cudaMemcpyDefault, work->stream),
					 "copy the output");
	for (size_t at = 0, turn = 0; at < total || pending > 0; turn = 1 - turn)
	{
		Slot *slot = &sfs_state.slot[turn];
		Slot *other = &sfs_state.slot[1 - turn];
		size_t count = total - at < PIECE / size ? total - at : PIECE / size;

		if (count > 0)
		{
			if (!wait_slot(work, slot) || !reserve_host(&slot->host, PIECE))
				return false;
			slot->busy = true;
			if (!check(cudaMemcpyAsync(slot->host.data, work->io + at * size, count * size,
									   cudaMemcpyDeviceToHost, slot->stream),
					   "copy from the device") ||
				!mark_busy(slot))
				return false;
			at += count;
		}
		if (pending > 0)
		{
			const char *piece = other->host.data;

			if (!wait_slot(work, other))
				return false;
			walk.go(pending,
					[&](size_t first, size_t now, const LongRow &row)
					{
						if (!row.skip)
							memcpy((char *) out.data + first * size, piece, now * size);
						piece += now * size;
					});
		}
		pending = count;
	}
	return true;
}

/* See long_run.h. */
bool
long_send_rows(LongWork *work)
{
	sfs_state.slot[0].busy = true;
	return check(cudaMemcpyAsync(work->device_row, work->row,
								 (size_t) work->batch.rows * sizeof(LongRow),
								 cudaMemcpyHostToDevice, work->stream),
				 "copy to the device");
}

/* Get an array from the device and wait for it. */
static bool
fetch(LongWork *work, void *to, const void *from, size_t bytes)
{
	Slot *slot = &sfs_state.slot[0];

	slot->busy = true;
	return check(cudaGetLastError(), "launch a kernel") &&
		   check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToHost, work->stream),
				 "copy from the device") &&
		   mark_busy(slot) && wait_slot(work, slot);
}

/* See long_run.h. */
bool
long_fetch(LongWork *work)
{
	return fetch(work, work->result, work->batch.result,
				 (size_t) work->batch.chunks * sizeof(LongResult));
}

/* See long_run.h. */
bool
long_fetch_marks(LongWork *work)
{
	return fetch(work, work->unsure, work->batch.unsure, (size_t) work->batch.rows * sizeof(int));
}
