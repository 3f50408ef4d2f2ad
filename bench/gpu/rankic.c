/*
 * rankic.c - times cuda-rankic through its C interface, without Python.
 *
 *     rankic LIBRARY FOLDER
 *
 * LIBRARY is its source csrc/rankic_backend.cu, compiled.  SPEARMAN_SHAPES is a list of ROWSxN; the rows are those that
 * softsort.c gives to spearman.  Prints a line of JSON for each shape.
 */
#define TOOL "cuda-rankic"
#include <dlfcn.h>

#include "bench.h"

/* See rankic.h of cuda-rankic. */
typedef int (*WorkspaceSize)(int64_t rows, int64_t cols, int strategy, size_t *bytes, char *error,
							 size_t error_size);
typedef int (*Run)(const float *x, const float *y, float *out, int64_t rows, int64_t cols,
				   void *workspace, size_t workspace_bytes, int strategy, void *stream, char *error,
				   size_t error_size);

static WorkspaceSize workspace_size;
static Run run;

/* Time one shape. */
static void
measure(const char *folder, size_t rows, size_t n)
{
	float *host = read_floats(folder, rows, n, "x");
	size_t total = rows * n;
	size_t sets = sets_for(2 * total * sizeof(float));
	float *x[SETS_MOST];
	float *y[SETS_MOST];
	float *out = device_alloc(rows * sizeof(float));
	float *ranks = malloc(rows * sizeof(float));
	void *workspace;
	size_t bytes = 0;
	size_t runs = 3;
	char error[512] = "";
	double ms[RUNS_MOST];
	double value = 0;
	char extra[64];
	cudaEvent_t before[RUNS_MOST];
	cudaEvent_t after[RUNS_MOST];

	if (host == NULL)
		FATAL(TOOL, "no inputs for %zu x %zu", rows, n);
	for (size_t k = 0; k < sets; k++)
	{
		x[k] = device_alloc(total * sizeof(float));
		y[k] = device_alloc(total * sizeof(float));
		fill_set(x[k], host, total, n, k, 0);
		fill_set(y[k], host, total, n, k, total / 2);
	}
	if (workspace_size((int64_t) rows, (int64_t) n, 0, &bytes, error, sizeof error) != 0)
		FATAL(TOOL, "%s", error);
	workspace = device_alloc(bytes);
	for (size_t i = 0; i < RUNS_MOST; i++)
	{
		CUDA(cudaEventCreate(&before[i]));
		CUDA(cudaEventCreate(&after[i]));
	}
	/* First a few runs to warm up and to see how many there may be, from set 0 on. */
	for (int pass = 0; pass < 2; pass++)
	{
		for (size_t i = 0; i < runs; i++)
		{
			CUDA(cudaEventRecord(before[i], 0));
			if (run(x[i % sets], y[i % sets], out, (int64_t) rows, (int64_t) n, workspace, bytes, 0,
					NULL, error, sizeof error) != 0)
				FATAL(TOOL, "%s", error);
			CUDA(cudaEventRecord(after[i], 0));
			if (pass == 0 && i == 0)
			{
				to_host(ranks, out, rows * sizeof(float));
				for (size_t r = 0; r < rows; r++)
					value += (double) ranks[r] / (double) rows;
			}
		}
		CUDA(cudaDeviceSynchronize());
		for (size_t i = 0; i < runs; i++)
		{
			float t;

			CUDA(cudaEventElapsedTime(&t, before[i], after[i]));
			ms[i] = (double) t;
		}
		if (pass == 0)
			runs = runs_for(ms[2]);
	}
	snprintf(extra, sizeof extra, "\"value\": %.9g", value);
	print_times(TOOL, "spearman", "", "", rows, n, ms, runs, extra);
	for (size_t k = 0; k < sets; k++)
	{
		device_free(x[k]);
		device_free(y[k]);
	}
	device_free(out);
	device_free(workspace);
	free(ranks);
	free(host);
}

int
main(int argc, char **argv)
{
	const char *list = getenv("SPEARMAN_SHAPES");
	void *library;
	size_t rows;
	size_t n;

	if (argc != 3)
	{
		fprintf(stderr, "usage: rankic LIBRARY FOLDER\n");
		return 2;
	}
	library = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
	if (library == NULL)
		FATAL(TOOL, "%s", dlerror());
	workspace_size = (WorkspaceSize) dlsym(library, "rankic_workspace_size");
	run = (Run) dlsym(library, "rankic_cuda_f32");
	if (workspace_size == NULL || run == NULL)
		FATAL(TOOL, "its library lacks rankic_cuda_f32");
	while (next_shape(&list, &rows, &n))
		measure(argv[2], rows, n);
	return 0;
}
