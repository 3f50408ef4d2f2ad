/*
 * long_sums.h - the sums that define digits (block_sums.h), over blocks in global memory.
 *
 * A leaf is summed by the thread at its first term, groups of leaves are joined by a thread
 * each, and what is left of blocks of several groups is joined by a block of threads.
 */
#ifndef SFS_LONG_SUMS_H
#define SFS_LONG_SUMS_H

#include "block_sums.h"
#include "long_kernel.h"

/* Positions of a group of leaves. */
#define LONG_SPAN (LONG_GROUP * (int) SFS_LEAF)

/* Blocks of threads that join blocks of several groups. */
#define LONG_JOINERS 256

/* The differences to the first value of a block. */
struct DifferenceTerm
{
	const double *value;

	__device__ __forceinline__ double operator()(int a, int i) const
	{
		return value[i] - value[a];
	}
};

/* The values themselves. */
struct PlainTerm
{
	const double *value;

	__device__ __forceinline__ double operator()(int, int i) const
	{
		return value[i];
	}
};

/* Products of two lists. */
struct ProductTerm
{
	const double *value;
	const double *factor;

	__device__ __forceinline__ double operator()(int, int i) const
	{
		return value[i] * factor[i];
	}
};

/* Sum a leaf of the block that begins at a: the terms from i up to end, in eight lanes. */
template <class Term>
SFS_DEVICE double
leaf_sum(const Term &term, int a, int i, int end)
{
	double lane[8] = {0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0};

	for (; i + 8 <= end; i += 8)
	{
		SFS_UNROLL
		for (int j = 0; j < 8; j++)
			lane[j] += term(a, i + j);
	}
	SFS_UNROLL
	for (int j = 0; j < 7; j++)
		if (i + j < end)
			lane[j] += term(a, i + j);
	return fold_lanes(lane, 8);
}

/* Join `count` sums that stand `stride` apart into perfect subtrees; see join_leaves. */
SFS_DEVICE void
join_perfect(double *sum, int count, int stride)
{
	for (int width = 1; 2 * width <= count; width *= 2)
		for (int l = 0; l + 2 * width <= count; l += 2 * width)
			sum[l * stride] = sum[l * stride] + sum[(l + width) * stride];
}

/* Sum the leaves of all blocks; rows that are not sorted are left out on request. */
template <class Term>
__global__ void
__launch_bounds__(LONG_THREADS)
	sum_leaves(const LongBatch batch, const Term term, double *sum, bool all)
{
	const int leaf = (int) SFS_LEAF;
	LongChunk chunk = batch.chunk[blockIdx.x];
	const LongRow &row = batch.row[chunk.row];
	int row_end = row.begin + row.n;

	if (!all && !row.sorted)
		return;
	for (int i = chunk.first + (int) threadIdx.x; i < chunk.end; i += LONG_THREADS)
	{
		int a = batch.starts.last(i);
		int end = i + leaf < row_end ? i + leaf : row_end;

		if ((i - a) % leaf == 0)
			sum[i] = leaf_sum(term, a, i, batch.starts.next(i + 1, end));
	}
}

/* Join the leaves of groups; blocks of several groups are listed. */
static __global__ void
__launch_bounds__(LONG_THREADS) join_groups(const LongBatch batch, double *sum, bool all)
{
	const int leaf = (int) SFS_LEAF;
	LongChunk chunk = batch.chunk[blockIdx.x];
	const LongRow &row = batch.row[chunk.row];
	int row_end = row.begin + row.n;

	if (!all && !row.sorted)
		return;
	for (int i = chunk.first + (int) threadIdx.x; i < chunk.end; i += LONG_THREADS)
	{
		int a = batch.starts.last(i);
		int end = i + LONG_SPAN < row_end ? i + LONG_SPAN : row_end;
		int b;

		if ((i - a) % LONG_SPAN != 0)
			continue;
		b = batch.starts.next(i + 1, end);
		if (a == i && b == i + LONG_SPAN)
			b = batch.starts.next(b, row_end);
		if (a == i && b - i <= LONG_SPAN)
		{
			if (b - i > leaf)
				sum[i] = join_leaves(sum + i, (b - i + leaf - 1) / leaf);
			continue;
		}
		if (a == i)
		{
			LongBlock block = {a, b};

			batch.big[atomicAdd(batch.big_count, 1)] = block;
			b = i + LONG_SPAN;
		}
		join_perfect(sum + i, (b - i + leaf - 1) / leaf, leaf);
	}
}

/* Join the groups of the blocks that are listed. */
static __global__ void
__launch_bounds__(LONG_THREADS) join_big(const LongBatch batch, double *sum)
{
	const int leaf = (int) SFS_LEAF;
	int count = *batch.big_count;

	for (int number = (int) blockIdx.x; number < count; number += (int) gridDim.x)
	{
		LongBlock block = batch.big[number];
		double *first = sum + block.a;
		int leaves = (block.b - block.a + leaf - 1) / leaf;
		int groups = leaves / LONG_GROUP;

		for (int width = 1; 2 * width <= groups; width *= 2)
		{
			for (int l = (int) threadIdx.x * 2 * width; l + 2 * width <= groups;
				 l += LONG_THREADS * 2 * width)
				first[l * LONG_SPAN] = first[l * LONG_SPAN] + first[(l + width) * LONG_SPAN];
			__syncthreads();
		}
		if (threadIdx.x == 0)
		{
			double total = 0.0;

			for (int k = 0; leaves >> k != 0; k++)
				if (leaves >> k & 1)
					total = first[(leaves >> (k + 1) << (k + 1)) * leaf] + total;
			*first = total;
		}
		__syncthreads();
	}
}

/*
 * Leave at sum[a] the sum of term(a, i) over each block [a, b) of batch.starts; the rest of sum
 * is scratch.
 */
template <class Term>
static void
long_sums(const LongBatch &batch, const Term &term, double *sum, bool all, cudaStream_t stream)
{
	unsigned chunks = (unsigned) batch.chunks;

	(void) cudaMemsetAsync(batch.big_count, 0, sizeof(int), stream);
	SFS_LAUNCH(sum_leaves<Term>, chunks, LONG_THREADS, 0, stream, batch, term, sum, all);
	SFS_LAUNCH(join_groups, chunks, LONG_THREADS, 0, stream, batch, sum, all);
	SFS_LAUNCH(join_big, LONG_JOINERS, LONG_THREADS, 0, stream, batch, sum);
}

#endif /* SFS_LONG_SUMS_H */
