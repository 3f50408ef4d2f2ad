/*
 * short_bitmap.h - Bitmap for rows in shared memory: two levels, the higher of a few words.
 */
#ifndef SFS_SHORT_BITMAP_H
#define SFS_SHORT_BITMAP_H

#include "gpu.h"

struct ShortBitmap
{
	uint32_t *bits; /* one per position */
	uint32_t *any;	/* one per word of bits */

	/* Return how many words bits has for n positions. */
	__host__ __device__ static int words(int n)
	{
		return (n + 31) / 32;
	}

	/* Return the words of both levels together. */
	__host__ __device__ static int size(int n)
	{
		return words(n) + words(words(n));
	}

	/* Is there a block start at a position? */
	__device__ __forceinline__ bool has(int x) const
	{
		return bits[x / 32] >> (x % 32) & 1;
	}

	/* Return the last start at or before x; position 0 is one. */
	__device__ __forceinline__ int last(int x) const
	{
		int word = x / 32;
		uint32_t here = bits[word] & 0xffffffffu >> (31 - x % 32);

		if (here == 0)
		{
			int above = word / 32;

			here = any[above] & ((1u << (word % 32)) - 1);
			while (here == 0)
				here = any[--above];
			word = above * 32 + 31 - __clz((int) here);
			here = bits[word];
		}
		return word * 32 + 31 - __clz((int) here);
	}

	/* Return the first start at or after x, or `end`, which is at most n, if none is before that. */
	__device__ __forceinline__ int next(int x, int end) const
	{
		int word = x / 32;
		uint32_t here;

		if (x >= end)
			return end;
		here = bits[word] & 0xffffffffu << (x % 32);
		if (here == 0)
		{
			int above = word / 32;
			int last_above = (end - 1) / 1024;

			here = word % 32 == 31 ? 0 : any[above] & 0xffffffffu << (word % 32 + 1);
			while (here == 0 && above < last_above)
				here = any[++above];
			if (here == 0)
				return end;
			word = above * 32 + __ffs((int) here) - 1;
			here = bits[word];
		}
		x = word * 32 + __ffs((int) here) - 1;
		return x < end ? x : end;
	}
};

#endif /* SFS_SHORT_BITMAP_H */
