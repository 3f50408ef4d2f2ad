/*
 * long_run.h - a batch of long rows in work: what the host knows of it.
 *
 * Steps return false where an error is noted, or where status says that hooks ask to stop.
 */
#ifndef SFS_LONG_RUN_H
#define SFS_LONG_RUN_H

#include "long.h"
#include "context.h"

struct LongWork
{
	const SfsTask *task;
	const SfsHooks *hooks;
	bool on_device;	  /* the task's data is there: see run_on_device */
	SfsStatus status; /* SFS_OK or SFS_CANCELLED */
	LongBatch batch;
	size_t elements;
	int most_chunks; /* of a row */
	int longest;	 /* row */
	bool brought_in; /* an input has come, and event[1] after it */
	/* pinned memory of the host */
	LongRow *row;
	LongChunk *chunk;
	LongResult *result;
	int *segment; /* begins, then ends, of the rows that are sorted together */
	int *unsure;
	/* device memory */
	char *base;
	LongRow *device_row;
	LongChunk *device_chunk;
	int *device_segment;
	char *io; /* an input, later the output */
	char *g;
	void *scratch; /* of sorting */
	size_t scratch_bytes;
	size_t bytes;
	size_t host_bytes;
	cudaStream_t stream;
};

/* long_copy.cu: copy an input of all rows to the device, packed. */
extern bool long_bring_in(LongWork *work, const SfsInput *input, char *to);

/* Copy the output of all rows that are not skipped to the caller. */
extern bool long_hand_out(LongWork *work);

/* Send the table of rows to the device; it must not change until the next long_fetch. */
extern bool long_send_rows(LongWork *work);

/* Wait for all that was launched, and get the chunks' results. */
extern bool long_fetch(LongWork *work);

/* Wait for all that was launched, and get the rows' marks. */
extern bool long_fetch_marks(LongWork *work);

/* long_fit.cu: bring an input in and find the blocks of soft_rank. */
extern bool long_fit_rank(LongWork *work, const SfsInput *input);

/* The same of soft_sort. */
extern bool long_fit_sort(LongWork *work);

/* Sort an input, with infinities, and make groups of equal values the blocks. */
extern bool long_fit_ties(LongWork *work, const SfsInput *input);

/* long_compute.cu: is there a way to compute long rows of a task? */
extern bool long_supports(const SfsTask *task);

/* Return how many columns a task needs; see LongBatch. */
extern int long_columns(const SfsTask *task);

/* Launch all that a batch takes. */
extern bool long_compute(LongWork *work);

/* long_run.cu: the longest row that is computed. */
#define LONG_LONGEST (LONG_POSITIONS - 64)

/* About how many positions a batch has: many rows are a batch, a longer row is one, too. */
#define LONG_BATCH ((size_t) 1 << 24)
#define LONG_BATCH_MIN ((size_t) 1 << 14)

/*
 * Run the rows of a task that are longer than `shorter`, from row *done on, in batches of up to
 * `limit` positions, or of one row.
 */
extern SfsStatus run_long(const SfsTask *task, size_t shorter, size_t limit, bool on_device,
						  size_t *done, uint8_t *unsure, const SfsHooks *hooks,
						  SfsDeviceReport *report);

/* Run them on data in the device's memory; see run_on_device. */
extern bool run_long_on_device(const SfsTask *task, size_t shorter, size_t *unsure,
							   SfsDeviceReport *report);

#endif /* SFS_LONG_RUN_H */
