/*
 * long_sorted.cu - long rows: soft sorted values and their derivatives, as sort.c computes them.
 */
#include "long_sums.h"

namespace
{

/* Write the sorted values, in order or (assign) by element. */
__global__ void
__launch_bounds__(LONG_THREADS) sorted_chunk(const LongBatch batch, bool assign)
{
	LongChunk chunk = batch.chunk[blockIdx.x];
	const LongRow &row = batch.row[chunk.row];
	DeviceResult out = {batch.out, row.first, batch.out_is_float};
	int row_end = row.begin + row.n;
	double sign = batch.negate ? -1.0 : 1.0;
	bool unsure = false;

	for (int i = chunk.first + (int) threadIdx.x; i < chunk.end; i += LONG_THREADS)
	{
		int a = batch.starts.last(i);
		int b = batch.starts.next(i + 1, row_end);
		double m = (double) (b - a);
		double high = batch.value[a];
		double low = batch.value[b - 1];
		double value = batch.value[i];

		if (b - a > 1)
		{
			unsure |= high - low > 0.0 && high - low < PLAIN_MIN;
			value = (high + batch.sum[a] / m) + ((m - 1.0) * 0.5 - (double) (i - a)) / row.strength;
			value = value < low ? low : value;
			value = value > high ? high : value;
		}
		unsure |= !out.put(assign ? (int) batch.position[i] : i - row.begin, value * sign);
	}
	if (unsure)
		batch.unsure[chunk.row] = 1;
}

/* Replace values by their mean over each group of equal v, summed in order (N10). */
__global__ void
__launch_bounds__(LONG_THREADS) average_chunk(const LongBatch batch)
{
	LongChunk chunk = batch.chunk[blockIdx.x];
	const LongRow &row = batch.row[chunk.row];
	const double *v = batch.value;
	double *value = batch.ordered;
	int row_end = row.begin + row.n;

	if (row.skip)
		return;
	for (int i = chunk.first + (int) threadIdx.x; i < chunk.end; i += LONG_THREADS)
	{
		double sum = value[i];
		int limit = row_end - i > LONG_TIES ? i + LONG_TIES + 1 : row_end;
		int end = i + 1;

		if ((i > row.begin && v[i - 1] == v[i]) || end == row_end || v[end] != v[i])
			continue;
		for (; end < limit && v[end] == v[i]; end++)
			sum += value[end];
		if (end - i > LONG_TIES)
		{
			batch.unsure[chunk.row] = 1;
			continue;
		}
		sum /= (double) (end - i);
		for (int k = i; k < end; k++)
			value[k] = sum;
	}
}

/* Replace values by their mean over each block, whose sums are there. */
__global__ void
__launch_bounds__(LONG_THREADS) mean_chunk(const LongBatch batch)
{
	LongChunk chunk = batch.chunk[blockIdx.x];
	const LongRow &row = batch.row[chunk.row];
	int row_end = row.begin + row.n;

	for (int i = chunk.first + (int) threadIdx.x; i < chunk.end; i += LONG_THREADS)
	{
		int a = batch.starts.last(i);
		int b = batch.starts.next(i + 1, row_end);

		if (b - a > 1)
			batch.ordered[i] = batch.sum[a] / (double) (b - a);
	}
}

/* Write values, in order or by element. */
__global__ void
__launch_bounds__(LONG_THREADS) put_chunk(const LongBatch batch, bool by_element)
{
	LongChunk chunk = batch.chunk[blockIdx.x];
	const LongRow &row = batch.row[chunk.row];
	DeviceResult out = {batch.out, row.first, batch.out_is_float};
	bool finite = true;

	for (int i = chunk.first + (int) threadIdx.x; i < chunk.end; i += LONG_THREADS)
		finite &= out.put(by_element ? (int) batch.position[i] : i - row.begin, batch.ordered[i]);
	if (!finite)
		batch.unsure[chunk.row] = 1;
}

} // namespace

/* See long.h. */
void
long_sorted_values(const LongBatch &batch, bool assign, cudaStream_t stream)
{
	long_sums(batch, DifferenceTerm{batch.value}, batch.sum, false, stream);
	SFS_LAUNCH(sorted_chunk, (unsigned) batch.chunks, LONG_THREADS, 0, stream, batch, assign);
}

/* See long.h. */
void
long_sort_product(const LongBatch &batch, bool transposed, cudaStream_t stream)
{
	unsigned chunks = (unsigned) batch.chunks;

	if (!transposed)
		SFS_LAUNCH(average_chunk, chunks, LONG_THREADS, 0, stream, batch);
	long_sums(batch, PlainTerm{batch.ordered}, batch.sum, true, stream);
	SFS_LAUNCH(mean_chunk, chunks, LONG_THREADS, 0, stream, batch);
	if (transposed)
		SFS_LAUNCH(average_chunk, chunks, LONG_THREADS, 0, stream, batch);
	SFS_LAUNCH(put_chunk, chunks, LONG_THREADS, 0, stream, batch, transposed);
}
