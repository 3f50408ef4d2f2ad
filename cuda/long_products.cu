/*
 * long_products.cu - long rows: products with the Jacobian of soft_rank, as rank.c computes
 * them, and what the gradient of the soft correlation puts in.
 */
#include "long_sums.h"

namespace
{

/* Read the cotangent into the order of v, or of positions; result: its largest size. */
__global__ void
__launch_bounds__(LONG_THREADS) gather_chunk(const LongBatch batch, bool by_position)
{
	__shared__ double scratch[LongTile::SCRATCH / sizeof(double)];
	LongTile tile = {(int) threadIdx.x, scratch};
	LongChunk chunk = batch.chunk[blockIdx.x];
	const LongRow &row = batch.row[chunk.row];
	DeviceList g = list_of(batch.g, row.first);
	double most = 0.0;

	for (int i = chunk.first + tile.rank; i < chunk.end; i += LONG_THREADS)
	{
		double value = g[by_position ? i - row.begin : (int) batch.position[i]];

		batch.ordered[i] = value;
		most = fmax(most, fabs(value));
	}
	most = tile.most(most);
	if (tile.rank == 0)
		batch.result[blockIdx.x].value[0] = most;
}

/* Write what a row's product becomes in the output; return whether it is finite. */
SFS_DEVICE bool
put_product(const LongBatch &batch, const LongRow &row, int i, double value)
{
	DeviceResult out = {batch.out, row.first, batch.out_is_float};
	int element = (int) batch.position[i];

	if (!batch.gradient)
		return out.put(element, batch.negate ? -value : value);
	if (isnan(row.rho))
		return out.put(element, row.rho) || true;
	return out.put(element, sfs_scale(value / row.x_norm * row.unit_x, -row.exponent));
}

/* Multiply g, whose sums are there, with the Jacobian at fixed strength: into `to`, or out. */
__global__ void
__launch_bounds__(LONG_THREADS) multiply_chunk(const LongBatch batch, const double *g, double *to)
{
	LongChunk chunk = batch.chunk[blockIdx.x];
	const LongRow &row = batch.row[chunk.row];
	int row_end = row.begin + row.n;
	bool finite = true;

	for (int i = chunk.first + (int) threadIdx.x; i < chunk.end; i += LONG_THREADS)
	{
		int a = batch.starts.last(i);
		int b = batch.starts.next(i + 1, row_end);
		double value = 0.0;

		if (b - a > 1 && row.strength != 0.0)
			value = ((g[i] - g[a]) - batch.sum[a] / (double) (b - a)) / row.strength;
		if (to != nullptr)
			to[i] = value;
		else
			finite &= put_product(batch, row, i, value);
	}
	if (!finite)
		batch.unsure[chunk.row] = 1;
}

/* Write the deviations of values from their mean, scaled (N11). */
__global__ void
__launch_bounds__(LONG_THREADS) center_chunk(const LongBatch batch, double *centered)
{
	LongChunk chunk = batch.chunk[blockIdx.x];
	const LongRow &row = batch.row[chunk.row];

	for (int i = chunk.first + (int) threadIdx.x; i < chunk.end; i += LONG_THREADS)
		centered[i] = (sfs_scale(batch.value[i], row.shift) - row.base) - row.offset;
}

/* Write products less what the change of the strength takes; its dot products are in sum. */
__global__ void
__launch_bounds__(LONG_THREADS)
	correct_chunk(const LongBatch batch, const double *product, const double *correction)
{
	LongChunk chunk = batch.chunk[blockIdx.x];
	const LongRow &row = batch.row[chunk.row];
	double factor = row.square_sum == 0.0 ? 0.0 : batch.sum[row.begin] / row.square_sum;
	bool finite = true;

	for (int i = chunk.first + (int) threadIdx.x; i < chunk.end; i += LONG_THREADS)
		finite &=
			put_product(batch, row, i,
						row.square_sum == 0.0 ? product[i] : product[i] - correction[i] * factor);
	if (!finite)
		batch.unsure[chunk.row] = 1;
}

/* Put together what the gradient of the soft correlation multiplies with. */
__global__ void
__launch_bounds__(LONG_THREADS)
	gradient_chunk(const LongBatch batch, const double *x_deviation, const double *y_deviation)
{
	LongChunk chunk = batch.chunk[blockIdx.x];
	const LongRow &row = batch.row[chunk.row];

	for (int i = chunk.first + (int) threadIdx.x; i < chunk.end; i += LONG_THREADS)
	{
		size_t element = row.first + (size_t) batch.position[i];

		batch.ordered[i] =
			y_deviation[element] / row.y_norm - row.rho * (x_deviation[element] / row.x_norm);
	}
}

/* Sum a list over the blocks and multiply it with the Jacobian at fixed strength. */
void
multiply(const LongBatch &batch, const double *g, double *to, cudaStream_t stream)
{
	long_sums(batch, DifferenceTerm{g}, batch.sum, true, stream);
	SFS_LAUNCH(multiply_chunk, (unsigned) batch.chunks, LONG_THREADS, 0, stream, batch, g, to);
}

} // namespace

/* See long.h. */
void
long_gather(const LongBatch &batch, bool by_position, cudaStream_t stream)
{
	SFS_LAUNCH(gather_chunk, (unsigned) batch.chunks, LONG_THREADS, 0, stream, batch, by_position);
}

/* See long.h. */
void
long_gradient(const LongBatch &batch, cudaStream_t stream)
{
	SFS_LAUNCH(gradient_chunk, (unsigned) batch.chunks, LONG_THREADS, 0, stream, batch,
			   (const double *) batch.column[0], (const double *) batch.column[1]);
}

/* See long.h. */
void
long_rank_product(const LongBatch &batch, bool standardize, bool transposed, cudaStream_t stream)
{
	double *product = batch.column[0];
	double *centered = batch.column[1];
	double *moved = batch.column[2];
	LongBatch rows = batch; /* each one block */
	unsigned chunks = (unsigned) batch.chunks;

	if (!standardize)
	{
		multiply(batch, batch.ordered, nullptr, stream);
		return;
	}
	multiply(batch, batch.ordered, product, stream);
	SFS_LAUNCH(center_chunk, chunks, LONG_THREADS, 0, stream, batch, centered);
	multiply(batch, centered, moved, stream);
	long_row_starts(batch, stream);
	rows.starts = batch.row_starts;
	long_sums(rows, ProductTerm{transposed ? moved : centered, batch.ordered}, batch.sum, true,
			  stream);
	SFS_LAUNCH(correct_chunk, chunks, LONG_THREADS, 0, stream, batch, (const double *) product,
			   (const double *) (transposed ? centered : moved));
}
