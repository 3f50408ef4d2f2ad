/*
 * short_memory.h - the shared memory of a row.
 */
#ifndef SFS_SHORT_MEMORY_H
#define SFS_SHORT_MEMORY_H

#include "short_bitmap.h"

#include "pair.h"

/* What a row needs room for. */
struct ShortNeeds
{
	bool entropic; /* a third work array */
	int columns;   /* further columns of n doubles */
};

/* The shared memory of one row. */
struct ShortMemory
{
	double *v; /* keys while they are sorted */
	double *work[3];
	SfsPair *before; /* sums before positions; work[0] and work[1] begin here, too */
	double *columns; /* `room` values each */
	int room;
	uint32_t *words; /* of the bitmap */
	void *scratch;
	uint16_t *position;
	size_t bytes;

	/* Return a column. */
	__device__ __forceinline__ double *column(int k) const
	{
		return columns + k * room;
	}

	/* Hand out memory for rows of up to n values and tiles of `threads` by `items`. */
	__host__ __device__ __forceinline__ void lay_out(char *base, int n, int threads, int items,
													 ShortNeeds needs)
	{
		int filled = (n + items - 1) / items * items;
		size_t used = 0;
		auto take = [&](size_t size)
		{
			char *taken = base + used;

			used += (size + 15) / 16 * 16;
			return taken;
		};

		before = (SfsPair *) take((size_t) (n + 1) * sizeof(SfsPair));
		work[0] = (double *) before;
		work[1] = work[0] + n;
		work[2] = needs.entropic ? (double *) take((size_t) (n + 1) * sizeof(double)) : nullptr;
		v = (double *) take((size_t) filled * sizeof(double));
		columns = (double *) take((size_t) n * sizeof(double) * (size_t) needs.columns);
		room = n;
		words = (uint32_t *) take((size_t) ShortBitmap::size(n) * sizeof(uint32_t));
		scratch = take((size_t) threads / 32 * 32);
		position = (uint16_t *) take((size_t) filled * sizeof(uint16_t));
		bytes = used;
	}
};

#endif /* SFS_SHORT_MEMORY_H */
