/*
 * long_blocks.cu - long rows: sums before positions, and blocks.
 *
 * A chunk's blocks are found by a block of threads as those of a short row; then chunks are
 * joined by bridges, in pairs, these in pairs, and so on.
 */
#include "long_kernel.h"
#include "short_row.h"

namespace
{

/* Threads that find bridges, and that clear bits of a chunk's words. */
#define BRIDGE_THREADS 64
#define CLEAR_THREADS ((LONG_WORDS + 31) / 32 * 32)

/* Add two pairs. */
struct PairAdd
{
	__device__ __forceinline__ SfsPair operator()(SfsPair a, SfsPair b) const
	{
		return sfs_pair_add(a, b);
	}
};

/*
 * Relative error of a decision on exact sums before positions, to the size of what is compared:
 * some ten roundings of 2^-104, with a margin.
 */
#define LOCAL_ERROR 0x1p-96

/* Decide as L2Decider does where sums before positions have no error; that is rare. */
template <bool SORT>
__device__ __noinline__ int
decide_closely(const SfsPair *before, double strength, int a, int b, int c)
{
	double m1 = (double) (b - a);
	double m2 = (double) (c - b);
	SfsPair middle = before[b];
	SfsPair first = sfs_pair_multiply(sfs_pair_subtract(middle, before[a]), {m2, 0.0});
	SfsPair second = sfs_pair_multiply(sfs_pair_subtract(before[c], middle), {m1, 0.0});
	SfsPair values = sfs_pair_subtract(first, second);
	SfsPair ramp = sfs_pair_multiply(sfs_pair_product(m1, m2), {(m1 + m2) * 0.5, 0.0});
	double size = fabs(first.high) + fabs(second.high);
	SfsPair over;

	if (SORT)
	{
		over = sfs_pair_subtract(ramp, sfs_pair_multiply(values, {strength, 0.0}));
		size = size * strength + ramp.high;
	}
	else
	{
		over = sfs_pair_subtract(values, sfs_pair_multiply(ramp, {strength, 0.0}));
		size = size + ramp.high * strength;
	}
	if (fabs(over.high) > LOCAL_ERROR * size)
		return over.high > 0.0;
	return UNSURE;
}

/*
 * The decider of a long row: its error bound grows with n, so that integers and the like, in
 * which blocks nearly touch, are looked at again.
 */
template <bool SORT> struct LongDecider : L2Decider<SORT>
{
	bool exact_sums;

	/* Decide. */
	__device__ __forceinline__ int apart(int a, int b, int c) const
	{
		int answer = L2Decider<SORT>::apart(a, b, c);

		if (answer == UNSURE && exact_sums)
			answer = decide_closely<SORT>(this->before, this->strength, a, b, c);
		return answer;
	}
};

/* Return the decider of a row. */
template <bool SORT>
SFS_DEVICE LongDecider<SORT>
decider_of(const LongRow &row, const SfsPair *before)
{
	LongDecider<SORT> decider;

	decider.before = before;
	decider.strength = row.strength;
	decider.bound((double) row.n, fmax(row.high, -row.low), row.unit);
	decider.exact_sums = sfs_exponent(decider.whole) < row.unit + L2_EXACT_BITS;
	return decider;
}

/* Sum the values of every chunk. */
__global__ void
__launch_bounds__(LONG_THREADS) sum_chunk(const LongBatch batch)
{
	__shared__ SfsPair scratch[LongTile::SCRATCH / sizeof(SfsPair)];
	LongTile tile = {(int) threadIdx.x, scratch};
	LongChunk chunk = batch.chunk[blockIdx.x];
	int first = chunk.first + tile.rank * LONG_ITEMS;
	SfsPair own = {0.0, 0.0};
	SfsPair sum;

	if (!batch.row[chunk.row].sorted)
		return; /* the whole block */
	for (int i = first; i < first + LONG_ITEMS && i < chunk.end; i++)
		own = sfs_pair_add(own, {batch.value[i], 0.0});
	sum = tile.scan_before(own, SfsPair{0.0, 0.0}, PairAdd());
	if (tile.rank == LONG_THREADS - 1)
		batch.chunk_sum[blockIdx.x] = sfs_pair_add(sum, own);
}

/* Replace the sums of a row's chunks by the sums before them. */
__global__ void
__launch_bounds__(LONG_THREADS) scan_chunks(const LongBatch batch)
{
	__shared__ SfsPair scratch[LongTile::SCRATCH / sizeof(SfsPair)];
	__shared__ SfsPair last;
	LongTile tile = {(int) threadIdx.x, scratch};
	const LongRow &row = batch.row[blockIdx.x];
	SfsPair *chunk_sum = batch.chunk_sum + row.chunk;
	SfsPair carry = {0.0, 0.0};

	if (!row.sorted)
		return; /* the whole block */
	for (int from = 0; from < row.chunks; from += LONG_CHUNK)
	{
		int first = from + tile.rank * LONG_ITEMS;
		int end = first + LONG_ITEMS < row.chunks ? first + LONG_ITEMS : row.chunks;
		SfsPair sum = {0.0, 0.0};

		for (int i = first; i < end; i++)
			sum = sfs_pair_add(sum, chunk_sum[i]);
		sum = tile.scan_before(sum, SfsPair{0.0, 0.0}, PairAdd());
		sum = sfs_pair_add(carry, sum);
		for (int i = first; i < end; i++)
		{
			SfsPair next = sfs_pair_add(sum, chunk_sum[i]);

			chunk_sum[i] = sum;
			sum = next;
		}
		if (tile.rank == LONG_THREADS - 1)
			last = sum;
		__syncthreads();
		carry = last;
		__syncthreads();
	}
}

/* Write the sums before the positions of a chunk, and before its end. */
SFS_DEVICE void
sum_before_chunk(const LongTile &tile, const LongBatch &batch, const LongRow &row,
				 const LongChunk &chunk)
{
	int first = chunk.first + tile.rank * LONG_ITEMS;
	int end = first + LONG_ITEMS < chunk.end ? first + LONG_ITEMS : chunk.end;
	const SfsPair *chunk_sum = batch.chunk_sum + row.chunk + chunk.index;
	SfsPair sum = {0.0, 0.0};

	for (int i = first; i < end; i++)
		sum = sfs_pair_add(sum, {batch.value[i], 0.0});
	sum = tile.scan_before(sum, SfsPair{0.0, 0.0}, PairAdd());
	/* what the next chunk begins with is written by both, and has to be the same */
	sum = tile.rank == 0 ? chunk_sum[0] : sfs_pair_add(chunk_sum[0], sum);
	for (int i = first; i < end; i++)
	{
		batch.before[i] = sum;
		sum = sfs_pair_add(sum, {batch.value[i], 0.0});
	}
	if (first < chunk.end && end == chunk.end)
		batch.before[end] = chunk.index + 1 < row.chunks ? chunk_sum[1] : sum;
}

/* Find the blocks of every chunk; a row that is not sorted is one. */
template <bool SORT>
__global__ void
__launch_bounds__(LONG_THREADS) find_in_chunk(const LongBatch batch)
{
	__shared__ SfsPair scratch[LongTile::SCRATCH / sizeof(SfsPair)];
	__shared__ uint32_t words[LONG_WORDS + LONG_WORDS / 32 + 1];
	LongChunk chunk = batch.chunk[blockIdx.x];
	const LongRow &row = batch.row[chunk.row];
	ShortRow<LongTile> local;

	local.tile = {(int) threadIdx.x, scratch};
	if (!row.sorted)
	{
		if (chunk.index == 0 && local.tile.rank == 0)
			set_start(batch.starts, row.begin);
		return; /* the whole block */
	}
	sum_before_chunk(local.tile, batch, row, chunk);
	local.n = chunk.end - chunk.first;
	local.memory.words = words;
	local.unsure = false;
	local.tile.sync();
	find_blocks(local, decider_of<SORT>(row, batch.before + chunk.first));
	for (int i = local.tile.rank; i < (local.n + 31) / 32; i += LONG_THREADS)
	{
		batch.starts.level[0][chunk.first / 32 + i] = words[i];
		if (words[i] != 0)
			raise_word(batch.starts, chunk.first / 32 + i);
	}
	if (local.unsure)
		batch.unsure[chunk.row] = 1;
}

/* Find the bridges between neighbouring parts of 2^level chunks. */
template <bool SORT>
__global__ void
__launch_bounds__(BRIDGE_THREADS) find_bridges(const LongBatch batch, int level)
{
	int number = (int) (blockIdx.x * BRIDGE_THREADS + threadIdx.x);
	int length = 1 << level; /* in chunks */
	Bridge bridge = {0, 0};
	LongChunk chunk;

	if (number >= batch.chunks)
		return;
	chunk = batch.chunk[number];
	if (chunk.index % (2 * length) == 0)
	{
		const LongRow &row = batch.row[chunk.row];
		int left = row.chunks - chunk.index;

		if (row.sorted && left > length)
		{
			int middle = chunk.first + length * LONG_CHUNK;
			int high = left > 2 * length ? middle + length * LONG_CHUNK : row.begin + row.n;
			bool unsure = false;

			bridge = find_bridge(decider_of<SORT>(row, batch.before), batch.starts, chunk.first,
								 middle, high, &unsure);
			if (unsure)
				batch.unsure[chunk.row] = 1;
		}
	}
	batch.bridge[number] = bridge;
}

/* Clear the starts inside of bridges, a chunk's by a block. */
__global__ void
__launch_bounds__(CLEAR_THREADS) clear_inside(const LongBatch batch, int level)
{
	LongChunk chunk = batch.chunk[blockIdx.x];
	Bridge bridge = batch.bridge[(int) blockIdx.x - chunk.index % (2 << level)];
	int word = chunk.first / 32 + (int) threadIdx.x;
	uint32_t bits;
	uint32_t left;

	if (bridge.b - bridge.a <= 1 || word > (chunk.end - 1) / 32)
		return;
	bits = batch.starts.level[0][word];
	left = bits & ~inside_bridge(bridge, word);
	if (left == bits)
		return;
	batch.starts.level[0][word] = left;
	if (left == 0)
		lower_word(batch.starts, word);
}

/* Make every group of equal values a block. */
__global__ void
__launch_bounds__(LONG_THREADS) find_ties(const LongBatch batch)
{
	LongChunk chunk = batch.chunk[blockIdx.x];
	const LongRow &row = batch.row[chunk.row];

	/* whole warps, so that all lanes take part in the vote */
	for (int i = chunk.first + (int) threadIdx.x; i < (chunk.end + 31) / 32 * 32; i += LONG_THREADS)
	{
		uint32_t bits =
			__ballot_sync(SFS_WARP, i < chunk.end &&
										(i == row.begin || batch.value[i] != batch.value[i - 1]));

		if (i % 32 == 0 && bits != 0)
		{
			batch.starts.level[0][i / 32] = bits;
			raise_word(batch.starts, i / 32);
		}
	}
}

/* Set the start of every row. */
__global__ void
__launch_bounds__(BRIDGE_THREADS) set_row_starts(const LongBatch batch)
{
	int number = (int) (blockIdx.x * BRIDGE_THREADS + threadIdx.x);

	if (number < batch.rows)
		set_start(batch.row_starts, batch.row[number].begin);
}

/* Return how many blocks of threads it takes for `count`. */
unsigned
blocks_of(int count, int threads)
{
	return ((unsigned) count + (unsigned) threads - 1) / (unsigned) threads;
}

/* Empty a set. */
void
clear(const Bitmap &set, cudaStream_t stream)
{
	(void) cudaMemsetAsync(set.level[0], 0, (size_t) Bitmap::size(set.n) * sizeof(uint32_t),
						   stream);
}

/* See long_blocks. */
template <bool SORT>
void
launch_blocks(const LongBatch &batch, int chunks, cudaStream_t stream)
{
	clear(batch.starts, stream);
	SFS_LAUNCH(sum_chunk, (unsigned) batch.chunks, LONG_THREADS, 0, stream, batch);
	SFS_LAUNCH(scan_chunks, (unsigned) batch.rows, LONG_THREADS, 0, stream, batch);
	SFS_LAUNCH(find_in_chunk<SORT>, (unsigned) batch.chunks, LONG_THREADS, 0, stream, batch);
	for (int level = 0; 1 << level < chunks; level++)
	{
		SFS_LAUNCH(find_bridges<SORT>, blocks_of(batch.chunks, BRIDGE_THREADS), BRIDGE_THREADS, 0,
				   stream, batch, level);
		SFS_LAUNCH(clear_inside, (unsigned) batch.chunks, CLEAR_THREADS, 0, stream, batch, level);
	}
}

} // namespace

/* See long.h. */
void
long_blocks(const LongBatch &batch, bool sort, int chunks, cudaStream_t stream)
{
	if (sort)
		launch_blocks<true>(batch, chunks, stream);
	else
		launch_blocks<false>(batch, chunks, stream);
}

/* See long.h. */
void
long_ties(const LongBatch &batch, cudaStream_t stream)
{
	clear(batch.starts, stream);
	SFS_LAUNCH(find_ties, (unsigned) batch.chunks, LONG_THREADS, 0, stream, batch);
}

/* See long.h. */
void
long_row_starts(const LongBatch &batch, cudaStream_t stream)
{
	clear(batch.row_starts, stream);
	SFS_LAUNCH(set_row_starts, blocks_of(batch.rows, BRIDGE_THREADS), BRIDGE_THREADS, 0, stream,
			   batch);
}
