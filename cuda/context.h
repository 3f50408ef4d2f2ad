/*
 * context.h - what the library holds of a device: two slots of buffers, used in turn, so that
 * copies of one slice overlap with the kernels of another.
 *
 * Every call of the runtime whose error matters goes through check(), which keeps the first
 * error and tells whether the process may go on with the device.
 */
#ifndef SFS_CONTEXT_H
#define SFS_CONTEXT_H

#include "gpu.h"

#include "device.h"

/* A buffer that grows. */
struct Buffer
{
	char *data;
	size_t bytes;
};

/* The buffers and events of one slice in flight. */
struct Slot
{
	Buffer host; /* pinned */
	Buffer device;
	cudaStream_t stream;
	cudaEvent_t event[4]; /* before the copy in, after it, after the kernels, after the copy out */
	bool busy;
	int64_t ready_at; /* in microseconds: a fault holds it back until then */
};

struct State
{
	bool is_open;
	bool lost;
	int device;
	int shared_limit; /* bytes of shared memory that a block may have */
	int processors;
	size_t memory_limit;
	size_t memory_used;
	Slot slot[2];
	Buffer long_device; /* for rows in global memory */
	Buffer long_host;
	SfsDeviceFault fault;
	cudaError_t error; /* the first since it was cleared */
	const char *doing; /* what failed */
};

extern State sfs_state;

/* Note an error of the runtime and what met it; return whether there was none. */
extern bool check(cudaError_t error, const char *doing);

/* Make a buffer at least so large; its contents are lost.  False: no memory, or an error. */
extern bool reserve_device(Buffer *buffer, size_t bytes);
extern bool reserve_host(Buffer *buffer, size_t bytes);

/* Give a buffer's device memory back. */
extern bool release_device(Buffer *buffer);

/* Return a steady clock in microseconds. */
extern int64_t clock_us();

/* Turn the error noted into a status and a reason; a sticky one loses the device. */
extern SfsStatus failure(SfsDeviceReport *report, SfsEngineError *reason);

/*
 * Wait until the work of a slot has ended.  SFS_CANCELLED: hooks ask to stop; the work may
 * then still be in flight, and the slot stays busy.
 */
extern SfsStatus wait_for(Slot *slot, const SfsHooks *hooks);

/*
 * After a run that was broken off: have wait_for wait for all that has been put into the streams,
 * also what no event stands for yet.
 */
extern void keep_track();

/* See device.h: SfsDevice.run and supports. */
extern SfsStatus run_task(const SfsTask *task, uint8_t *unsure, const SfsHooks *hooks,
						  SfsDeviceReport *report, SfsEngineError *error);
extern bool supports_task(const SfsTask *task);

/*
 * Launch a task of equal rows whose data is in the device's memory, on the stream of the first slot.
 * Rows in shared memory set `marks`; longer ones, for which the host has to wait, are
 * counted in *unsure.  False: an error is noted.
 */
extern bool run_on_device(const SfsTask *task, uint8_t *marks, size_t *unsure,
						  SfsDeviceReport *report);

#endif /* SFS_CONTEXT_H */
