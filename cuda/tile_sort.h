/*
 * tile_sort.h - sorting a row in shared memory: stable merges of runs.
 *
 * The values themselves are the keys, as integers that ascend where values descend, so
 * that a sorted key is a sorted value.
 */
#ifndef SFS_TILE_SORT_H
#define SFS_TILE_SORT_H

#include "tile.h"

#include "elementary.h"

/* What follows every value. */
#define KEY_END UINT64_MAX

/* Return the key of a value. */
SFS_DEVICE uint64_t
key_of(double value)
{
	uint64_t bits = sfs_double_bits(value);

	return bits >> 63 != 0 ? bits : bits ^ INT64_MAX;
}

/* Return the value of a key. */
SFS_DEVICE double
value_of(uint64_t key)
{
	return sfs_bits_double(key >> 63 != 0 ? key : key ^ INT64_MAX);
}

/* Return how many of the first `count` elements of two merged runs come from the first. */
template <class Key>
SFS_DEVICE int
merge_path(const Key *first, int first_length, const Key *second, int second_length, int count)
{
	int low = count > second_length ? count - second_length : 0;
	int high = count < first_length ? count : first_length;

	while (low < high)
	{
		int middle = (low + high) / 2;

		if (first[middle] <= second[count - 1 - middle])
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/*
 * Sort keys, and positions along with them, both with room for the tile's capacity, of
 * which n are given and the rest of the last thread's are KEY_END.
 */
template <class Tile, class Position>
SFS_DEVICE void
tile_sort(const Tile &tile, uint64_t *key, Position *position, int n)
{
	constexpr int ITEMS = Tile::ITEMS;
	int first = tile.rank * ITEMS;
	int filled = (n + ITEMS - 1) / ITEMS * ITEMS;
	bool works = first < filled;
	uint64_t keys[ITEMS];
	Position positions[ITEMS];

	SFS_UNROLL
	for (int i = 0; i < ITEMS; i++)
	{
		keys[i] = works ? key[first + i] : KEY_END;
		positions[i] = works ? position[first + i] : Position();
	}
	if (works)
	{
		SFS_UNROLL
		for (int round = 0; round < ITEMS; round++)
		{
			SFS_UNROLL
			for (int i = round % 2; i + 1 < ITEMS; i += 2)
			{
				bool swap = keys[i] > keys[i + 1];
				uint64_t low = swap ? keys[i + 1] : keys[i];
				Position low_position = swap ? positions[i + 1] : positions[i];

				keys[i + 1] = swap ? keys[i] : keys[i + 1];
				positions[i + 1] = swap ? positions[i] : positions[i + 1];
				keys[i] = low;
				positions[i] = low_position;
			}
		}
	}
	for (int length = ITEMS; length < filled; length *= 2)
	{
		tile.sync();
		if (works)
			SFS_UNROLL
		for (int i = 0; i < ITEMS; i++)
		{
			key[first + i] = keys[i];
			position[first + i] = positions[i];
		}
		tile.sync();
		if (works)
		{
			int begin = first / (2 * length) * (2 * length);
			int middle = begin + length < filled ? begin + length : filled;
			int end = middle + length < filled ? middle + length : filled;
			int from_first =
				merge_path(key + begin, middle - begin, key + middle, end - middle, first - begin);
			int a = begin + from_first;
			int b = middle + (first - begin - from_first);

			SFS_UNROLL
			for (int i = 0; i < ITEMS; i++)
			{
				bool take_first = b >= end || (a < middle && key[a] <= key[b]);
				int from = take_first ? a++ : b++;

				keys[i] = key[from];
				positions[i] = position[from];
			}
		}
	}
	tile.sync();
	if (works)
		SFS_UNROLL
	for (int i = 0; i < ITEMS; i++)
	{
		key[first + i] = keys[i];
		position[first + i] = positions[i];
	}
	tile.sync();
}

#endif /* SFS_TILE_SORT_H */
