/*
 * cub.cu - times CUB's sorts and a copy within the device: what sorting costs at least here, and
 * what moving the data does.
 *
 *     cub FOLDER
 *
 * SHAPES is a list of ROWSxN; FOLDER has their elements (inputs.c).  Prints lines of JSON: tool
 * "CUB segmented sort" and "CUB radix sort" (one row), of pairs of a float and its place, and tool "copy": as many
 * floats read and written.
 */
#define TOOL "CUB"
#include <cub/device/device_radix_sort.cuh>
#include <cub/device/device_segmented_sort.cuh>

#include "bench.h"

struct Sets
{
	size_t count;
	float *x[SETS_MOST];
};

/* Run f(set) again and again, and print the times. */
template <typename F>
static void
measure(const char *tool, const char *op, const Sets &sets, size_t rows, size_t n, F f)
{
	double ms[RUNS_MOST];
	cudaEvent_t before[RUNS_MOST];
	cudaEvent_t after[RUNS_MOST];
	size_t runs = 3;

	for (size_t i = 0; i < RUNS_MOST; i++)
	{
		CUDA(cudaEventCreate(&before[i]));
		CUDA(cudaEventCreate(&after[i]));
	}
	/* First a few runs to warm up and to see how many there may be. */
	for (int pass = 0; pass < 2; pass++)
	{
		for (size_t i = 0; i < runs; i++)
		{
			CUDA(cudaEventRecord(before[i], 0));
			CUDA(f(sets.x[i % sets.count]));
			CUDA(cudaEventRecord(after[i], 0));
		}
		CUDA(cudaDeviceSynchronize());
		for (size_t i = 0; i < runs; i++)
		{
			float t;

			CUDA(cudaEventElapsedTime(&t, before[i], after[i]));
			ms[i] = t;
		}
		if (pass == 0)
			runs = runs_for(ms[2]);
	}
	for (size_t i = 0; i < RUNS_MOST; i++)
	{
		CUDA(cudaEventDestroy(before[i]));
		CUDA(cudaEventDestroy(after[i]));
	}
	print_times(tool, op, "", "", rows, n, ms, runs, "");
}

/* Time everything of a shape. */
static void
measure_shape(const char *folder, size_t rows, size_t n)
{
	float *host = read_floats(folder, rows, n, "x");
	size_t total = rows * n;
	int *places = (int *) malloc(total * sizeof(int));
	int *starts = (int *) malloc((rows + 1) * sizeof(int));
	Sets sets;
	float *keys = (float *) device_alloc(total * sizeof(float));
	int *values = (int *) device_alloc(total * sizeof(int));
	int *sorted = (int *) device_alloc(total * sizeof(int));
	int *offsets = (int *) device_alloc((rows + 1) * sizeof(int));
	void *workspace = NULL;
	size_t bytes = 0;
	size_t needed = 0;
	int items = (int) total;

	if (host == NULL)
	{
		printf("{\"tool\": \"CUB\", \"rows\": %zu, \"n\": %zu, \"skip\": \"no inputs\"}\n", rows,
			   n);
		return;
	}
	sets.count = sets_for(2 * total * sizeof(float));
	for (size_t k = 0; k < sets.count; k++)
	{
		sets.x[k] = (float *) device_alloc(total * sizeof(float));
		fill_set(sets.x[k], host, total, n, k, 0);
	}
	for (size_t i = 0; i < total; i++)
		places[i] = (int) (i % n);
	for (size_t r = 0; r <= rows; r++)
		starts[r] = (int) (r * n);
	to_device(values, places, total * sizeof(int));
	to_device(offsets, starts, (rows + 1) * sizeof(int));

	measure("copy", "copy", sets, rows, n,
			[&](float *x) {
				return cudaMemcpyAsync(keys, x, total * sizeof(float), cudaMemcpyDeviceToDevice, 0);
			});
	CUDA(cub::DeviceSegmentedSort::SortPairs(NULL, bytes, sets.x[0], keys, values, sorted, items,
											 (int) rows, offsets, offsets + 1));
	if (rows == 1)
		CUDA(cub::DeviceRadixSort::SortPairs(NULL, needed, sets.x[0], keys, values, sorted, items));
	bytes = needed > bytes ? needed : bytes;
	workspace = device_alloc(bytes);
	measure("CUB segmented sort", "sort", sets, rows, n,
			[&](float *x)
			{
				return cub::DeviceSegmentedSort::SortPairs(workspace, bytes, x, keys, values,
														   sorted, items, (int) rows, offsets,
														   offsets + 1);
			});
	if (rows == 1)
		measure("CUB radix sort", "sort", sets, rows, n,
				[&](float *x) {
					return cub::DeviceRadixSort::SortPairs(workspace, bytes, x, keys, values,
														   sorted, items);
				});
	for (size_t k = 0; k < sets.count; k++)
		device_free(sets.x[k]);
	device_free(keys);
	device_free(values);
	device_free(sorted);
	device_free(offsets);
	device_free(workspace);
	free(host);
	free(places);
	free(starts);
}

int
main(int argc, char **argv)
{
	const char *list = getenv("SHAPES");
	size_t rows;
	size_t n;

	if (argc != 2)
	{
		fprintf(stderr, "usage: cub FOLDER\n");
		return 2;
	}
	while (next_shape(&list, &rows, &n))
		measure_shape(argv[1], rows, n);
	return 0;
}
