/*
 * long_spearman.cu - long rows: sums of the correlations of ranks and of soft ranks, as
 * spearman.c and soft_spearman.c compute them.
 */
#include "long_kernel.h"

namespace
{

/* A sum of products of two ints, in two parts of which each is exact. */
struct WideSum
{
	long long high;
	long long low;

	/* Add a product. */
	__device__ __forceinline__ void add(int a, int b)
	{
		long long product = (long long) a * b;

		high += product >> 32;
		low += product & 0xffffffff;
	}
};

/*
 * Visit the doubled centered mid-ranks of a side whose ties are the blocks; result: the sum
 * of their squares, and (second) that of their products with those of the first side.
 */
__global__ void
__launch_bounds__(LONG_THREADS) mid_rank_chunk(const LongBatch batch, int *rank, bool second)
{
	__shared__ long long scratch[LongTile::SCRATCH / sizeof(long long)];
	LongTile tile = {(int) threadIdx.x, scratch};
	LongChunk chunk = batch.chunk[blockIdx.x];
	const LongRow &row = batch.row[chunk.row];
	WideSum squares = {0, 0};
	WideSum products = {0, 0};
	long long total[4];

	for (int i = chunk.first + tile.rank; i < chunk.end; i += LONG_THREADS)
	{
		int a = batch.starts.last(i) - row.begin;
		int b = batch.starts.next(i + 1, row.begin + row.n) - row.begin;
		int doubled = a - row.n + b;
		size_t element = row.first + (size_t) batch.position[i];

		squares.add(doubled, doubled);
		if (second)
			products.add(doubled, rank[element]);
		else
			rank[element] = doubled;
	}
	total[0] = tile.total(squares.high);
	total[1] = tile.total(squares.low);
	total[2] = tile.total(products.high);
	total[3] = tile.total(products.low);
	if (tile.rank == 0)
		for (int k = 0; k < 4; k++)
			batch.result[blockIdx.x].count[k] = total[k];
}

/*
 * Scale deviations; result: three folds of the sum of their squares, and (other given) of
 * their products with the other side's.
 */
__global__ void
__launch_bounds__(LONG_THREADS)
	scale_chunk(const LongBatch batch, double *deviation, const double *other)
{
	__shared__ double scratch[LongTile::SCRATCH / sizeof(double)];
	LongTile tile = {(int) threadIdx.x, scratch};
	LongChunk chunk = batch.chunk[blockIdx.x];
	const LongRow &row = batch.row[chunk.row];
	double factor = sfs_pow2(-row.exponent);
	double *fold = batch.result[blockIdx.x].value;
	int shift = chunk.first - row.begin;
	int end = chunk.end - row.begin;

	deviation += row.first;
	if (row.skip)
		return; /* the whole block */
	for (int i = shift + tile.rank; i < end; i += LONG_THREADS)
		deviation[i] *= factor;
	/* each thread reads what it wrote */
	free_folds(
		tile, row.n, 2, SFS_FREE_FOLDS, shift, end,
		[=](int i) { return deviation[i] * deviation[i]; }, fold);
	if (other != nullptr)
	{
		other += row.first;
		free_folds(
			tile, row.n, 2, SFS_FREE_FOLDS, shift, end,
			[=](int i) { return deviation[i] * other[i]; }, fold + SFS_FREE_FOLDS);
	}
}

} // namespace

/* See long.h. */
void
long_mid_ranks(const LongBatch &batch, bool second, cudaStream_t stream)
{
	SFS_LAUNCH(mid_rank_chunk, (unsigned) batch.chunks, LONG_THREADS, 0, stream, batch,
			   (int *) batch.column[0], second);
}

/* See long.h. */
void
long_scale_deviations(const LongBatch &batch, double *deviation, const double *other,
					  cudaStream_t stream)
{
	SFS_LAUNCH(scale_chunk, (unsigned) batch.chunks, LONG_THREADS, 0, stream, batch, deviation,
			   other);
}
