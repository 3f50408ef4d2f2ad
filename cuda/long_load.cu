/*
 * long_load.cu - long rows: reading values, and what is summed free of order.
 */
#include "long_kernel.h"

#include "tile_sort.h"

namespace
{

/* Read values as keys; result: low, high, lowest bit, bits in which keys differ. */
__global__ void
__launch_bounds__(LONG_THREADS) load_chunk(const LongBatch batch)
{
	__shared__ double scratch[LongTile::SCRATCH / sizeof(double)];
	LongTile tile = {(int) threadIdx.x, scratch};
	LongChunk chunk = batch.chunk[blockIdx.x];
	const LongRow &row = batch.row[chunk.row];
	DeviceList x = list_of(batch.x, row.first);
	double sign = batch.negate ? -1.0 : 1.0;
	uint64_t first_key = key_of(x[0] * sign + 0.0);
	unsigned long long differ = 0;
	double low = INFINITY;
	double high = -INFINITY;
	int unit = 4000;

	for (int i = chunk.first + tile.rank; i < chunk.end; i += LONG_THREADS)
	{
		double value = x[i - row.begin] * sign + 0.0;
		uint64_t key = key_of(value);
		int lowest = lowest_bit(value);

		batch.key[i] = key;
		batch.from[i] = (uint32_t) (i - row.begin);
		low = value < low ? value : low;
		high = value > high ? value : high;
		unit = lowest < unit ? lowest : unit;
		differ |= key ^ first_key;
	}
	low = tile.least(low);
	high = tile.most(high);
	unit = tile.least(unit);
	differ = tile.reduce(differ, [](unsigned long long a, unsigned long long b) { return a | b; });
	if (tile.rank == 0)
	{
		LongResult &result = batch.result[blockIdx.x];

		result.value[0] = low;
		result.value[1] = high;
		result.count[2] = unit;
		result.bits[3] = differ;
	}
}

/* Sum deviations and squares of a chunk as standardize.c does; result: three folds of each. */
__global__ void
__launch_bounds__(LONG_THREADS) standardize_chunk(const LongBatch batch)
{
	__shared__ double scratch[LongTile::SCRATCH / sizeof(double)];
	LongTile tile = {(int) threadIdx.x, scratch};
	LongChunk chunk = batch.chunk[blockIdx.x];
	const LongRow &row = batch.row[chunk.row];
	SfsFreeSum deviations;
	SfsFreeSum squares;

	if (row.skip || row.high == row.low)
		return; /* the whole block */
	sfs_free_init(&deviations, 2, (size_t) row.n);
	sfs_free_init(&squares, 2, 2 * (size_t) row.n);
	for (int i = chunk.first + tile.rank; i < chunk.end; i += LONG_THREADS)
	{
		double value = value_of(batch.key[i]);
		SfsPair d = sfs_pair_sum(sfs_scale(value, row.shift), -row.base);
		SfsPair square = sfs_pair_product(d.high, d.high);
		double low = square.low + 2.0 * d.high * d.low;

		sfs_free_add(&deviations, &d.high, 1, SFS_FREE_FOLDS);
		sfs_free_add(&deviations, &d.low, 1, SFS_FREE_FOLDS);
		sfs_free_add(&squares, &square.high, 1, SFS_FREE_FOLDS);
		sfs_free_add(&squares, &low, 1, SFS_FREE_FOLDS);
	}
	for (int k = 0; k < SFS_FREE_FOLDS; k++)
	{
		double deviation = tile.total(deviations.fold[k]);
		double square = tile.total(squares.fold[k]);

		if (tile.rank == 0)
		{
			batch.result[blockIdx.x].value[k] = deviation;
			batch.result[blockIdx.x].value[SFS_FREE_FOLDS + k] = square;
		}
	}
}

/* Sum v - high of a chunk of a row that is not sorted; result: two folds. */
__global__ void
__launch_bounds__(LONG_THREADS) free_chunk(const LongBatch batch)
{
	__shared__ double scratch[LongTile::SCRATCH / sizeof(double)];
	LongTile tile = {(int) threadIdx.x, scratch};
	LongChunk chunk = batch.chunk[blockIdx.x];
	const LongRow &row = batch.row[chunk.row];

	if (row.skip || row.sorted || row.high == row.low)
		return; /* the whole block */
	free_folds(
		tile, row.n, sfs_exponent(row.high - row.low) + 1, 2, chunk.first, chunk.end,
		[&](int i) { return value_of(batch.key[i]) - row.high; }, batch.result[blockIdx.x].value);
}

/* Write values and positions, from where they are: the first arrays, or the others. */
__global__ void
__launch_bounds__(LONG_THREADS) settle_chunk(const LongBatch batch)
{
	LongChunk chunk = batch.chunk[blockIdx.x];
	const LongRow &row = batch.row[chunk.row];

	for (int i = chunk.first + (int) threadIdx.x; i < chunk.end; i += LONG_THREADS)
		if (row.source == 0)
		{
			batch.value[i] = value_of(batch.key[i]);
			batch.position[i] = batch.from[i];
		}
		else
			batch.value[i] = value_of(sfs_double_bits(batch.value[i]));
}

} // namespace

/* See long.h. */
void
long_load(const LongBatch &batch, cudaStream_t stream)
{
	SFS_LAUNCH(load_chunk, (unsigned) batch.chunks, LONG_THREADS, 0, stream, batch);
}

/* See long.h. */
void
long_standardize(const LongBatch &batch, cudaStream_t stream)
{
	SFS_LAUNCH(standardize_chunk, (unsigned) batch.chunks, LONG_THREADS, 0, stream, batch);
}

/* See long.h. */
void
long_free(const LongBatch &batch, cudaStream_t stream)
{
	SFS_LAUNCH(free_chunk, (unsigned) batch.chunks, LONG_THREADS, 0, stream, batch);
}

/* See long.h. */
void
long_settle(const LongBatch &batch, cudaStream_t stream)
{
	SFS_LAUNCH(settle_chunk, (unsigned) batch.chunks, LONG_THREADS, 0, stream, batch);
}
