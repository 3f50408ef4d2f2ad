/*
 * long_sort.cu - sorting long rows: by CUB, or on the simulator by the host.
 */
#include "long.h"

#ifndef SFS_SIMULATED

#include <cub/device/device_radix_sort.cuh>
#include <cub/device/device_segmented_sort.cuh>

/* See long.h. */
size_t
long_sort_scratch(int longest, int positions, int rows)
{
	cub::DoubleBuffer<uint64_t> keys;
	cub::DoubleBuffer<uint32_t> places;
	const int *none = nullptr;
	size_t alone = 0;
	size_t many = 0;

	if (longest > LONG_ALONE)
		(void) cub::DeviceRadixSort::SortPairs(nullptr, alone, keys, places, longest);
	(void) cub::DeviceSegmentedSort::StableSortPairs(nullptr, many, keys, places, positions, rows,
													 none, none);
	return alone > many ? alone : many;
}

/* See long.h. */
cudaError_t
long_sort_row(void *scratch, size_t bytes, uint64_t *key, uint64_t *other_key, uint32_t *position,
			  uint32_t *other_position, int n, int low, int high, cudaStream_t stream, int *source)
{
	cub::DoubleBuffer<uint64_t> keys(key, other_key);
	cub::DoubleBuffer<uint32_t> places(position, other_position);
	cudaError_t error =
		cub::DeviceRadixSort::SortPairs(scratch, bytes, keys, places, n, low, high, stream);

	/* both take the same number of passes */
	*source = keys.selector;
	return error;
}

/* See long.h. */
cudaError_t
long_sort_rows(void *scratch, size_t bytes, uint64_t *key, uint64_t *other_key, uint32_t *position,
			   uint32_t *other_position, int positions, const int *begin, const int *end, int rows,
			   cudaStream_t stream, int *source)
{
	cub::DoubleBuffer<uint64_t> keys(key, other_key);
	cub::DoubleBuffer<uint32_t> places(position, other_position);
	cudaError_t error =
		cub::DeviceSegmentedSort::StableSortPairs(scratch, bytes, keys, places, positions, rows,
												  begin, end, stream);

	*source = keys.selector;
	return error;
}

#else

#include <algorithm>
#include <new>
#include <vector>

namespace
{

/* What a sort by the host needs: rows [begin, end) from one pair of arrays to another. */
struct HostSort
{
	const uint64_t *key;
	const uint32_t *position;
	uint64_t *to_key;
	uint32_t *to_position;
	uint64_t mask;
	const int *begin; /* NULL: one row of n */
	const int *end;
	int rows;
	int n;
};

/* Sort one row. */
void
sort_row(const HostSort &sort, int begin, int end)
{
	std::vector<std::pair<uint64_t, uint32_t>> row;

	for (int i = begin; i < end; i++)
		row.emplace_back(sort.key[i], sort.position[i]);
	std::stable_sort(row.begin(), row.end(),
					 [&](const auto &a, const auto &b)
					 { return (a.first & sort.mask) < (b.first & sort.mask); });
	for (int i = begin; i < end; i++)
	{
		sort.to_key[i] = row[(size_t) (i - begin)].first;
		sort.to_position[i] = row[(size_t) (i - begin)].second;
	}
}

/* Sort all rows when the stream has come to it. */
void
sort_now(void *argument)
{
	HostSort *sort = static_cast<HostSort *>(argument);

	for (int i = 0; i < sort->rows; i++)
		sort_row(*sort, sort->begin == nullptr ? 0 : sort->begin[i],
				 sort->end == nullptr ? sort->n : sort->end[i]);
	delete sort;
}

} // namespace

/* See long.h: the host has what it needs. */
size_t
long_sort_scratch(int, int, int)
{
	return 64;
}

/* See long.h. */
cudaError_t
long_sort_row(void *, size_t, uint64_t *key, uint64_t *other_key, uint32_t *position,
			  uint32_t *other_position, int n, int low, int high, cudaStream_t stream, int *source)
{
	HostSort *sort =
		new HostSort{key, position, other_key, other_position, 0, nullptr, nullptr, 1, n};

	for (int bit = low; bit < high; bit++)
		sort->mask |= UINT64_C(1) << bit;
	*source = 1;
	return cudaLaunchHostFunc(stream, sort_now, sort);
}

/* See long.h: in place, so that both places of a result are met with. */
cudaError_t
long_sort_rows(void *, size_t, uint64_t *key, uint64_t *, uint32_t *position, uint32_t *, int,
			   const int *begin, const int *end, int rows, cudaStream_t stream, int *source)
{
	*source = 0;
	return cudaLaunchHostFunc(stream, sort_now,
							  new HostSort{key, position, key, position, UINT64_MAX, begin, end,
										   rows, 0});
}

#endif
