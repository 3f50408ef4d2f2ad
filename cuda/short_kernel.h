/*
 * short_kernel.h - the kernel for rows that fit into shared memory: read once, computed
 * with there, written once.
 *
 * Rows come in classes by length; a class is a tile of threads, a warp for short rows, of
 * which a block holds several, else the whole block.  A class uses as much shared memory as
 * its longest row in the launch needs.
 */
#ifndef SFS_SHORT_KERNEL_H
#define SFS_SHORT_KERNEL_H

#include "short.h"
#include "short_rank.h"
#include "short_sort.h"
#include "short_spearman.h"

/* Store the soft ranks of a row. */
template <int REG, class Tile>
SFS_DEVICE bool
store_ranks(ShortRow<Tile> &row, const Batch &batch, size_t first, DeviceResult out)
{
	bool finite = true;

	if (!fit_rank<REG>(row, batch, list_of(batch.x, first)))
		return false;
	rank_deviations<REG>(row, ((double) row.n + 1.0) * 0.5, nullptr,
						 [&](int i, double value) { finite &= out.put(row.element(i), value); });
	return finite && !row.unsure;
}

/* Are the values of a list, which all threads have written parts of, in the safe range? */
template <class Tile>
SFS_DEVICE bool
is_safe(const Tile &tile, double most)
{
	int exponent = sfs_exponent(tile.most(most));

	return exponent == -1075 || (exponent >= -SFS_SAFE_EXPONENT && exponent <= SFS_SAFE_EXPONENT);
}

/* Store a derivative of the soft ranks. */
template <int REG, class Tile>
SFS_DEVICE bool
store_rank_product(ShortRow<Tile> &row, const Batch &batch, size_t first, DeviceResult out)
{
	double sign = batch.descending ? -1.0 : 1.0;
	DeviceList cotangent = list_of(batch.g, first);
	double *g = row.memory.column(0);
	double most = 0.0;
	bool finite = true;

	if (!fit_rank<REG>(row, batch, list_of(batch.x, first)))
		return false;
	for (int i = row.tile.rank; i < row.n; i += Tile::THREADS)
	{
		g[i] = cotangent[row.element(i)];
		most = fmax(most, fabs(g[i]));
	}
	if (!is_safe(row.tile, most))
		return false;
	row.tile.sync();
	rank_jacobian_product<REG>(row, g, batch.op == SFS_OP_RANK_VJP, row.memory.column(1),
							   row.memory.column(2), row.memory.column(3),
							   [&](int i, double value)
							   { finite &= out.put(row.element(i), value * sign); });
	return finite && !row.unsure;
}

/* Store the soft sorted values. */
template <int REG, class Tile>
SFS_DEVICE bool
store_sorted(ShortRow<Tile> &row, const Batch &batch, size_t first, DeviceResult out)
{
	double sign = batch.descending ? 1.0 : -1.0;
	bool assign = batch.op == SFS_OP_SORT_ASSIGN;
	bool finite = true;

	if (!fit_sort<REG>(row, batch, list_of(batch.x, first)))
		return false;
	sorted_values<REG>(row, [&](int i, double value)
					   { finite &= out.put(assign ? row.element(i) : i, value * sign); });
	return finite && !row.unsure;
}

/* Store a derivative of the soft sorted values. */
template <int REG, class Tile>
SFS_DEVICE bool
store_sort_product(ShortRow<Tile> &row, const Batch &batch, size_t first, DeviceResult out)
{
	bool transposed = batch.op == SFS_OP_SORT_VJP;
	double *g = row.memory.column(0);
	double *product = row.memory.work[0];
	DeviceList cotangent = list_of(batch.g, first);
	double most = 0.0;
	bool finite = true;

	if (!fit_sort<REG>(row, batch, list_of(batch.x, first)))
		return false;
	for (int i = row.tile.rank; i < row.n; i += Tile::THREADS)
	{
		g[i] = cotangent[transposed ? i : row.element(i)];
		most = fmax(most, fabs(g[i]));
	}
	if (!is_safe(row.tile, most))
		return false;
	row.tile.sync();
	sort_product<REG>(row, g, transposed, product);
	for (int i = row.tile.rank; i < row.n; i += Tile::THREADS)
		finite &= out.put(transposed ? row.element(i) : i, product[i]);
	return finite && !row.unsure;
}

/* Store the soft correlation of a row, or its gradient. */
template <int REG, bool GRADIENT, class Tile>
SFS_DEVICE bool
store_soft_spearman(ShortRow<Tile> &row, const Batch &batch, size_t first, DeviceResult out)
{
	double *x_deviation = row.memory.column(0);
	double *y_deviation = row.memory.column(1);
	SoftSide x = {x_deviation, 1.0, 0, 0.0};
	SoftSide y = {y_deviation, 1.0, 0, 0.0};
	double rho = NAN;
	double x_norm;
	double y_norm;
	double *g = row.memory.column(2);
	bool finite = true;

	if (!soft_side<REG>(row, batch, list_of(batch.y, first), &y) ||
		!soft_side<REG>(row, batch, list_of(batch.x, first), &x))
		return false;
	if (x.square != 0.0 && y.square != 0.0)
	{
		double product = free_sum(row.tile, row.n, 2, SFS_FREE_FOLDS,
								  [=](int i) { return x_deviation[i] * y_deviation[i]; });

		rho = correlation(product, x.square, y.square);
	}
	if (!GRADIENT)
	{
		if (row.tile.rank == 0)
			(void) out.put(0, rho);
		return !row.unsure;
	}
	if (isnan(rho))
	{
		for (int i = row.tile.rank; i < row.n; i += Tile::THREADS)
			(void) out.put(i, rho);
		return !row.unsure;
	}
	x_norm = sqrt(x.square);
	y_norm = sqrt(y.square);
	for (int i = row.tile.rank; i < row.n; i += Tile::THREADS)
	{
		int element = row.element(i);

		g[i] = y_deviation[element] / y_norm - rho * (x_deviation[element] / x_norm);
	}
	row.tile.sync();
	rank_jacobian_product<REG>(row, g, true, row.memory.column(3), row.memory.column(4),
							   row.memory.column(1),
							   [&](int i, double value) {
								   finite &=
									   out.put(row.element(i),
											   sfs_scale(value / x_norm * x.unit, -x.exponent));
							   });
	return finite && !row.unsure;
}

/* Run the program of one row; false: it is for the CPU. */
template <int PROGRAM, int REG, class Tile>
SFS_DEVICE bool
run_row(ShortRow<Tile> &row, const Batch &batch, size_t first, DeviceResult out)
{
	if constexpr (PROGRAM == SHORT_RANK)
		return store_ranks<REG>(row, batch, first, out);
	else if constexpr (PROGRAM == SHORT_RANK_PRODUCT)
		return store_rank_product<REG>(row, batch, first, out);
	else if constexpr (PROGRAM == SHORT_SORT)
		return store_sorted<REG>(row, batch, first, out);
	else if constexpr (PROGRAM == SHORT_SORT_PRODUCT)
		return store_sort_product<REG>(row, batch, first, out);
	else if constexpr (PROGRAM == SHORT_SPEARMAN)
	{
		double rho = spearman(row, list_of(batch.x, first), list_of(batch.y, first),
							  (int *) row.memory.column(0));

		if (row.tile.rank == 0)
			(void) out.put(0, rho);
		return true;
	}
	else
		return store_soft_spearman<REG, PROGRAM == SHORT_SOFT_SPEARMAN_GRAD>(row, batch, first,
																			 out);
}

/* Compute the rows of a batch, each by one tile. */
template <int PROGRAM, int REG, class Tile, int TILES>
__global__ void
__launch_bounds__(Tile::THREADS *TILES, Tile::THREADS == 32 ? 4 : 1) short_rows(const Batch batch)
{
	SFS_DYNAMIC_SHARED(char, memory);
	int tile = (int) threadIdx.x / Tile::THREADS;
	int number = (int) blockIdx.x * TILES + tile;
	ShortRow<Tile> row;
	DeviceResult out = {batch.out, 0, batch.out_is_float};
	size_t first;
	int index;
	bool sure = true;

	if (number >= batch.rows)
		return; /* a whole warp, or the whole block */
	index = batch.row == nullptr ? number : (int) batch.row[number];
	first =
		batch.offsets == nullptr ? (size_t) index * batch.length : (size_t) batch.offsets[index];
	row.n =
		batch.offsets == nullptr ? batch.length : batch.offsets[index + 1] - batch.offsets[index];
	row.tile.rank = (int) threadIdx.x % Tile::THREADS;
	row.memory.lay_out(memory + tile * batch.row_bytes, batch.longest, Tile::THREADS, Tile::ITEMS,
					   short_needs(batch.op, (SfsRegularization) REG, batch.standardize));
	row.tile.scratch = row.memory.scratch;
	row.unsure = false;
	out.first = short_has_row_results(batch.op) ? (size_t) index : first;
	if (row.n > 0 || short_has_row_results(batch.op))
		sure = run_row<PROGRAM, REG>(row, batch, first, out);
	if (row.tile.any(!sure) && row.tile.rank == 0)
		batch.unsure[index] = 1;
}

/* Launch the rows of a batch as one class. */
template <int PROGRAM, int REG, class Tile, int TILES>
static cudaError_t
launch_class(const Batch &batch, cudaStream_t stream)
{
	auto kernel = short_rows<PROGRAM, REG, Tile, TILES>;
	size_t bytes = (size_t) batch.row_bytes * TILES;
	cudaError_t error =
		cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, (int) bytes);

	if (error != cudaSuccess)
		return error;
	SFS_LAUNCH(kernel, (unsigned) ((batch.rows + TILES - 1) / TILES),
			   (unsigned) (Tile::THREADS * TILES), bytes, stream, batch);
	return cudaGetLastError();
}

/* See short.h. */
template <int PROGRAM, int REG>
cudaError_t
launch_program(const Batch &batch, int short_class, cudaStream_t stream)
{
	switch (short_class)
	{
		case 0:
			return launch_class<PROGRAM, REG, Tile<32, 1>, 4>(batch, stream);
		case 1:
			return launch_class<PROGRAM, REG, Tile<32, 5>, 4>(batch, stream);
		case 2:
			return launch_class<PROGRAM, REG, Tile<128, 9>, 1>(batch, stream);
		case 3:
			return launch_class<PROGRAM, REG, Tile<256, 9>, 1>(batch, stream);
		default:
			return launch_class<PROGRAM, REG, Tile<512, 9>, 1>(batch, stream);
	}
}

#endif /* SFS_SHORT_KERNEL_H */
