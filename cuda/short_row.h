/*
 * short_row.h - one row in shared memory: sorted, with its blocks found.
 *
 * The counterpart of fit.c of the core, by the threads of a tile.
 */
#ifndef SFS_SHORT_ROW_H
#define SFS_SHORT_ROW_H

#include "batch.h"
#include "block_sums.h"
#include "hull.h"
#include "short_memory.h"
#include "tile_sort.h"

#include "kernels.h"

/* What is known of a row. */
template <class Tile> struct ShortRow
{
	Tile tile;
	int n;
	ShortMemory memory;
	ShortBitmap starts;
	double high;
	double low;
	double strength; /* as used */
	bool sorted;	 /* position tells where v[i] comes from; else it is element i */
	bool unsure;	 /* this thread has met something that is for the CPU */
	/* with standardize, as in SfsFit */
	int shift;
	double base;
	double offset;
	double square_sum;

	/* Return where v[i] comes from. */
	__device__ __forceinline__ int element(int i) const
	{
		return sorted ? (int) memory.position[i] : i;
	}

	/* Return the largest value of the block that begins at a. */
	__device__ __forceinline__ double block_high(int a) const
	{
		return sorted ? memory.v[a] : high;
	}

	/* Return the smallest value of the block that ends before b. */
	__device__ __forceinline__ double block_low(int b) const
	{
		return sorted ? memory.v[b - 1] : low;
	}
};

/* Read sign * x into v, find its range; every thread gets to know whether it is plain. */
template <class Tile>
SFS_DEVICE bool
load_values(ShortRow<Tile> &row, const DeviceList &x, bool negate)
{
	double sign = negate ? -1.0 : 1.0;
	double low = INFINITY;
	double high = -INFINITY;

	for (int i = row.tile.rank; i < row.n; i += Tile::THREADS)
	{
		double value = x[i] * sign + 0.0;

		row.memory.v[i] = value;
		low = value < low ? value : low;
		high = value > high ? value : high;
	}
	row.low = row.tile.least(low);
	row.high = row.tile.most(high);
	row.sorted = false;
	row.shift = 0;
	row.base = 0.0;
	row.offset = 0.0;
	row.square_sum = 0.0;
	row.tile.sync();
	return -row.low < PLAIN_MAX && row.high < PLAIN_MAX;
}

/* Sort v descending, equal values in the order of their positions. */
template <class Tile>
SFS_DEVICE void
sort_values(ShortRow<Tile> &row)
{
	uint64_t *key = (uint64_t *) row.memory.v;
	int filled = (row.n + Tile::ITEMS - 1) / Tile::ITEMS * Tile::ITEMS;

	for (int i = row.tile.rank; i < filled; i += Tile::THREADS)
	{
		key[i] = i < row.n ? key_of(row.memory.v[i]) : KEY_END;
		row.memory.position[i] = (uint16_t) i;
	}
	row.tile.sync();
	tile_sort(row.tile, key, row.memory.position, row.n);
	for (int i = row.tile.rank; i < row.n; i += Tile::THREADS)
		row.memory.v[i] = value_of(key[i]);
	row.sorted = true;
	row.tile.sync();
}

/* Lay the set of block starts out, empty. */
template <class Tile>
SFS_DEVICE void
clear_starts(ShortRow<Tile> &row)
{
	int words = ShortBitmap::size(row.n);

	row.starts = {row.memory.words, row.memory.words + ShortBitmap::words(row.n)};
	for (int i = row.tile.rank; i < words; i += Tile::THREADS)
		row.memory.words[i] = 0;
	row.tile.sync();
}

/* Make the row one block. */
template <class Tile>
SFS_DEVICE void
one_block(ShortRow<Tile> &row)
{
	clear_starts(row);
	if (row.tile.rank == 0)
	{
		row.starts.bits[0] = 1;
		row.starts.any[0] = 1;
	}
	row.tile.sync();
}

/* Set the higher level of the set of starts by the lower. */
template <class Tile>
SFS_DEVICE void
raise_starts(ShortRow<Tile> &row)
{
	int words = ShortBitmap::words(row.n);

	/* whole warps, so that all lanes take part in the vote */
	for (int i = row.tile.rank; i < (words + 31) / 32 * 32; i += Tile::THREADS)
	{
		uint32_t any = __ballot_sync(SFS_WARP, i < words && row.starts.bits[i] != 0);

		if (i % 32 == 0)
			row.starts.any[i / 32] = any;
	}
	row.tile.sync();
}

/* Find the blocks of sorted values, with a decider whose sums are there. */
template <class Tile, class Decider>
SFS_DEVICE void
find_blocks(ShortRow<Tile> &row, const Decider &decider)
{
	constexpr int ITEMS = Tile::ITEMS;
	const Tile &tile = row.tile;
	int n = row.n;
	int first = tile.rank * ITEMS;

	clear_starts(row);
	if (first < n)
	{
		int end = first + ITEMS < n ? first + ITEMS : n;
		uint64_t bits = (uint64_t) pool_leaf(decider, first, end, &row.unsure) << first % 32;
		uint32_t *word = &row.starts.bits[first / 32];

		atomicOr(word, (uint32_t) bits);
		if (bits >> 32 != 0)
			atomicOr(word + 1, (uint32_t) (bits >> 32));
	}
	tile.sync();
	raise_starts(row);
	for (int length = ITEMS; length < n; length *= 2)
	{
		int low = tile.rank * 2 * length;
		bool bridges = tile.rank < Tile::THREADS / 2 && low + length < n;
		Bridge bridge = {0, 0};

		if (bridges)
			bridge = find_bridge(decider, row.starts, low, low + length,
								 low + 2 * length < n ? low + 2 * length : n, &row.unsure);
		tile.sync();
		if (bridge.b - bridge.a > 1)
			for (int word = bridge.a / 32; word <= (bridge.b - 1) / 32; word++)
				atomicAnd(&row.starts.bits[word], ~inside_bridge(bridge, word));
		tile.sync();
		raise_starts(row);
	}
}

/* Sum pairs before each position, n + 1 of them. */
template <class Tile>
SFS_DEVICE void
sum_before(ShortRow<Tile> &row)
{
	constexpr int ITEMS = Tile::ITEMS;
	int first = row.tile.rank * ITEMS;
	int end = first + ITEMS < row.n ? first + ITEMS : row.n;
	SfsPair sum = {0.0, 0.0};

	for (int i = first; i < end; i++)
		sum = sfs_pair_add(sum, {row.memory.v[i], 0.0});
	sum = row.tile.scan_before(sum, SfsPair{0.0, 0.0},
							   [](SfsPair a, SfsPair b) { return sfs_pair_add(a, b); });
	for (int i = first; i < end; i++)
	{
		row.memory.before[i] = sum;
		sum = sfs_pair_add(sum, {row.memory.v[i], 0.0});
	}
	if (first < row.n && end == row.n)
		row.memory.before[row.n] = sum;
	row.tile.sync();
}

/* Sum exponentials e^((v - v_0) / strength) from each position on, n + 1 of them. */
template <class Tile>
SFS_DEVICE void
sum_exponentials(ShortRow<Tile> &row, double strength, SfsPair *m, int *k)
{
	constexpr int ITEMS = Tile::ITEMS;
	double high = row.memory.v[0];
	/* the scan runs from the small end: thread r has the values of the r-th thread from there */
	int threads = (row.n + ITEMS - 1) / ITEMS;
	int owner = threads - 1 - row.tile.rank;
	int first = owner * ITEMS;
	int end = first + ITEMS < row.n ? first + ITEMS : row.n;
	Scaled sum = {{0.0, 0.0}, 0};

	for (int i = end - 1; owner >= 0 && i >= first; i--)
	{
		Scaled term = scaled_exp(scaled_argument(row.memory.v[i], high, strength));

		m[i] = term.m;
		k[i] = term.k;
		sum = scaled_add(sum, term);
	}
	sum = row.tile.scan_before(sum, Scaled{{0.0, 0.0}, 0},
							   [](Scaled a, Scaled b) { return scaled_add(a, b); });
	if (row.tile.rank == 0)
	{
		m[row.n] = {0.0, 0.0};
		k[row.n] = 0;
	}
	for (int i = end - 1; owner >= 0 && i >= first; i--)
	{
		sum = scaled_add(sum, {m[i], k[i]});
		m[i] = sum.m;
		k[i] = sum.k;
	}
	row.tile.sync();
}

/* Find the blocks of soft_rank (SORT false) or soft_sort of sorted values. */
template <bool SORT, int REG, class Tile>
SFS_DEVICE void
solve(ShortRow<Tile> &row)
{
	if (REG == SFS_REG_L2)
	{
		L2Decider<SORT> decider;
		int unit = 4000;

		for (int i = row.tile.rank; i < row.n; i += Tile::THREADS)
		{
			int lowest = lowest_bit(row.memory.v[i]);

			unit = lowest < unit ? lowest : unit;
		}
		decider.before = row.memory.before;
		decider.strength = row.strength;
		decider.bound((double) row.n, fmax(row.high, -row.low), row.tile.least(unit));
		sum_before(row);
		find_blocks(row, decider);
	}
	else
	{
		KlDecider<SORT> decider;
		SfsPair *m = row.memory.before;
		int *k = (int *) row.memory.work[2];
		double strength = SORT ? 1.0 : row.strength;

		decider.m = m;
		decider.k = k;
		decider.n = row.n;
		decider.strength = row.strength;
		decider.ratio = (row.high - row.low) / strength;
		if (!(decider.ratio < SCALED_EXP_MAX))
		{
			row.unsure = true; /* of all threads alike */
			one_block(row);
			return;
		}
		sum_exponentials(row, strength, m, k);
		find_blocks(row, decider);
	}
}

#endif /* SFS_SHORT_ROW_H */
