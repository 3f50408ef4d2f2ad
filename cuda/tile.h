/*
 * tile.h - the threads that work on one row: a warp, or a whole block.
 *
 * Positions of a row are owned in two ways: "own" ones are ITEMS neighbours per thread
 * (an odd number, so that a warp's accesses fall into different banks), "strided" ones
 * are every THREADS-th.
 */
#ifndef SFS_TILE_H
#define SFS_TILE_H

#include "gpu.h"

#include "pair.h"

/* Move a value by lanes; T is a scalar or one of the structs below. */
template <class T>
SFS_DEVICE T
shuffle_up(T value, int lanes)
{
	return __shfl_up_sync(SFS_WARP, value, lanes);
}

/* Move a pair by lanes. */
SFS_DEVICE SfsPair
shuffle_up(SfsPair value, int lanes)
{
	value.high = __shfl_up_sync(SFS_WARP, value.high, lanes);
	value.low = __shfl_up_sync(SFS_WARP, value.low, lanes);
	return value;
}

template <int THREADS_, int ITEMS_> struct Tile
{
	static constexpr int THREADS = THREADS_;
	static constexpr int ITEMS = ITEMS_;
	static constexpr int CAPACITY = THREADS * ITEMS;
	static constexpr int WARPS = THREADS / 32;
	/* bytes that collective operations need */
	static constexpr int SCRATCH = WARPS * 32;

	int rank;	   /* of this thread in the tile */
	void *scratch; /* shared */

	/* Wait for all threads of the tile, and see what they wrote. */
	__device__ __forceinline__ void sync() const
	{
		if (THREADS == 32)
			__syncwarp();
		else
			__syncthreads();
	}

	/*
	 * Combine the values of all threads, in any order: only for operations for which that
	 * does not matter.
	 */
	template <class T, class Op> __device__ __forceinline__ T reduce(T value, Op op) const
	{
		for (int lanes = 16; lanes > 0; lanes /= 2)
			value = op(value, __shfl_xor_sync(SFS_WARP, value, lanes));
		if (WARPS > 1)
		{
			T *part = static_cast<T *>(scratch);

			sync();
			if (rank % 32 == 0)
				part[rank / 32] = value;
			sync();
			value = part[0];
			for (int warp = 1; warp < WARPS; warp++)
				value = op(value, part[warp]);
		}
		return value;
	}

	/* Return the smallest value. */
	template <class T> __device__ __forceinline__ T least(T value) const
	{
		return reduce(value, [](T a, T b) { return b < a ? b : a; });
	}

	/* Return the largest value. */
	template <class T> __device__ __forceinline__ T most(T value) const
	{
		return reduce(value, [](T a, T b) { return b > a ? b : a; });
	}

	/* Return a sum that is exact. */
	template <class T> __device__ __forceinline__ T total(T value) const
	{
		return reduce(value, [](T a, T b) { return a + b; });
	}

	/* Return whether it holds for any thread. */
	__device__ __forceinline__ bool any(bool value) const
	{
		return reduce(value ? 1 : 0, [](int a, int b) { return a | b; }) != 0;
	}

	/* Return the combination of the values of all threads before this one; `none` for the first. */
	template <class T, class Op>
	__device__ __forceinline__ T scan_before(T value, T none, Op op) const
	{
		int lane = rank % 32;
		T *part = static_cast<T *>(scratch);
		T before;

		for (int lanes = 1; lanes < 32; lanes *= 2)
		{
			T other = shuffle_up(value, lanes);

			if (lane >= lanes)
				value = op(other, value);
		}
		before = shuffle_up(value, 1);
		if (lane == 0)
			before = none;
		if (WARPS > 1)
		{
			T warps = none;

			sync();
			if (lane == 31)
				part[rank / 32] = value;
			sync();
			for (int warp = 0; warp < rank / 32; warp++)
				warps = op(warps, part[warp]);
			before = op(warps, before);
		}
		return before;
	}
};

#endif /* SFS_TILE_H */
