/*
 * bitmap.h - the block starts of a row: a set of positions with fast neighbours.
 *
 * Level 0 has a bit per position; a bit of level k + 1 says whether a word of level k
 * has any.  Looking for a neighbour goes up until there is one, and down to it.
 */
#ifndef SFS_BITMAP_H
#define SFS_BITMAP_H

#include "gpu.h"

/* Enough for 2^30 positions: five levels leave 32 words at the top, which are searched one by one. */
#define BITMAP_LEVELS 5

struct Bitmap
{
	uint32_t *level[BITMAP_LEVELS];
	int levels;
	int n;

	/* Return how many words a level has. */
	__host__ __device__ static int words(int n, int level)
	{
		for (; level >= 0; level--)
			n = (n + 31) / 32;
		return n;
	}

	/* Return how many levels are useful: the highest has one word, if there are enough. */
	__host__ __device__ static int useful_levels(int n)
	{
		int levels = 1;

		while (levels < BITMAP_LEVELS && words(n, levels - 1) > 1)
			levels++;
		return levels;
	}

	/* Return the words that all levels take together. */
	__host__ __device__ static int size(int n)
	{
		int sum = 0;

		for (int k = 0; k < useful_levels(n); k++)
			sum += words(n, k);
		return sum;
	}

	/* Lay the levels out in a piece of memory. */
	__host__ __device__ void lay_out(uint32_t *memory, int positions)
	{
		n = positions;
		levels = useful_levels(n);
		for (int k = 0; k < levels; k++)
		{
			level[k] = memory;
			memory += words(n, k);
		}
	}

	/* Is there a block start at a position? */
	__device__ __forceinline__ bool has(int x) const
	{
		return level[0][x / 32] >> (x % 32) & 1;
	}

	/* Return the last start at or before x; there is one. */
	__device__ __forceinline__ int last(int x) const
	{
		for (int k = 0;; k++)
		{
			int word = x / 32;
			uint32_t bits = level[k][word] & (0xffffffffu >> (31 - (int) (x % 32)));

			for (; k == levels - 1 && bits == 0; bits = level[k][word])
				word--;
			if (bits != 0)
			{
				x = word * 32 + 31 - __clz((int) bits);
				for (; k > 0; k--)
					x = x * 32 + 31 - __clz((int) level[k - 1][x]);
				return x;
			}
			if (word == 0)
				return 0; /* not reached: position 0 is a start */
			x = word - 1;
		}
	}

	/* Return the first start at or after x, or `end` if there is none before that. */
	__device__ __forceinline__ int next(int x, int end) const
	{
		for (int k = 0; x < words(n, k - 1); k++)
		{
			int word = x / 32;
			uint32_t bits = level[k][word] & (0xffffffffu << (int) (x % 32));

			for (; k == levels - 1 && bits == 0 && word + 1 < words(n, k); bits = level[k][word])
				word++;
			if (bits != 0)
			{
				x = word * 32 + __ffs((int) bits) - 1;
				for (; k > 0; k--)
					x = x * 32 + __ffs((int) level[k - 1][x]) - 1;
				return x < end ? x : end;
			}
			x = word + 1;
			if (k == levels - 1)
				break;
		}
		return end;
	}
};

#endif /* SFS_BITMAP_H */
