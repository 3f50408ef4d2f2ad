/*
 * long_rank.cu - soft ranks of long rows from their blocks, as rank.c does.
 */
#include "long_sums.h"

namespace
{

/* Write ranks, or (DEVIATION) deviations by element and the largest size of each chunk. */
template <bool DEVIATION>
__global__ void
__launch_bounds__(LONG_THREADS) rank_chunk(const LongBatch batch, double *deviation)
{
	__shared__ double scratch[LongTile::SCRATCH / sizeof(double)];
	LongTile tile = {(int) threadIdx.x, scratch};
	LongChunk chunk = batch.chunk[blockIdx.x];
	const LongRow &row = batch.row[chunk.row];
	DeviceResult out = {batch.out, row.first, batch.out_is_float};
	double offset = DEVIATION ? 0.0 : ((double) row.n + 1.0) * 0.5;
	int row_end = row.begin + row.n;
	double most = 0.0;
	bool unsure = false;
	int one_block = 0;

	for (int i = chunk.first + tile.rank; i < chunk.end; i += LONG_THREADS)
	{
		int a = batch.starts.last(i);
		int b = batch.starts.next(i + 1, row_end);
		bool single = b - a == row.n;
		double m = (double) (b - a);
		double middle = (double) row.n * 0.5 - ((double) (a - row.begin) + m * 0.5);
		double high = row.sorted ? batch.value[a] : row.high;
		double low = row.sorted ? batch.value[b - 1] : row.low;
		double range = high - low;
		int element = (int) batch.position[i];
		double value;

		one_block |= single;
		if (b - a == 1 || range == 0.0)
			value = middle + offset;
		else
		{
			value = (batch.value[i] - high) - (row.sorted ? batch.sum[a] : row.total) / m;
			/* with DEVIATION the division may be left out where it is that of all */
			if (!DEVIATION || !single)
				value /= row.strength;
			value = single ? value + offset : (value + middle) + offset;
			unsure |= range < PLAIN_MIN;
		}
		if (DEVIATION)
		{
			deviation[row.first + (size_t) element] = value;
			most = fabs(value) > most ? fabs(value) : most;
		}
		else
			unsure |= !out.put(element, value);
	}
	if (DEVIATION)
	{
		most = tile.most(most);
		if (tile.rank == 0)
		{
			batch.result[blockIdx.x].value[0] = most;
			batch.result[blockIdx.x].value[1] = one_block;
		}
	}
	if (unsure)
		batch.unsure[chunk.row] = 1;
}

} // namespace

/* See long.h. */
void
long_rank_values(const LongBatch &batch, cudaStream_t stream)
{
	long_sums(batch, DifferenceTerm{batch.value}, batch.sum, false, stream);
	SFS_LAUNCH(rank_chunk<false>, (unsigned) batch.chunks, LONG_THREADS, 0, stream, batch,
			   (double *) nullptr);
}

/* See long.h. */
void
long_rank_deviations(const LongBatch &batch, double *deviation, cudaStream_t stream)
{
	long_sums(batch, DifferenceTerm{batch.value}, batch.sum, false, stream);
	SFS_LAUNCH(rank_chunk<true>, (unsigned) batch.chunks, LONG_THREADS, 0, stream, batch,
			   deviation);
}
