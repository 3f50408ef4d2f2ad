/*
 * bench.h - what the programs of bench/gpu share: inputs, memory of the device, sets that
 * rotate, and a line of JSON for each measurement.  Every function is static: a program is one file.
 *
 * With SIMULATED there is no CUDA: memory of the device is that of the host.
 */
#ifndef BENCH_H
#define BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#ifndef SIMULATED
#include <cuda_runtime_api.h>
#endif

#define SETS_LEAST 3
#define SETS_MOST 64
#define RUNS_MOST 50
#define UNUSED __attribute__((unused))

/* Say what went wrong, as a line of JSON that costs the rest of this program, and end it. */
#define FATAL(tool, ...) \
	do \
	{ \
		printf("{\"tool\": \"%s\", \"skip\": \"", tool); \
		printf(__VA_ARGS__); \
		printf("\"}\n"); \
		exit(1); \
	} while (0)

#ifdef SIMULATED

static void *
device_alloc(size_t bytes)
{
	return malloc(bytes > 0 ? bytes : 1);
}

static void
device_free(void *p)
{
	free(p);
}

UNUSED static void
to_device(void *to, const void *from, size_t bytes)
{
	memcpy(to, from, bytes);
}

UNUSED static void
to_host(void *to, const void *from, size_t bytes)
{
	memcpy(to, from, bytes);
}

/* Return the bytes of the L2 cache. */
static size_t
cache_size(void)
{
	return 0;
}

#else

#define CUDA(call) \
	do \
	{ \
		cudaError_t e_ = (call); \
		if (e_ != cudaSuccess) \
			FATAL(TOOL, "%s: %s", #call, cudaGetErrorString(e_)); \
	} while (0)

static void *
device_alloc(size_t bytes)
{
	void *p = NULL;

	CUDA(cudaMalloc(&p, bytes > 0 ? bytes : 1));
	return p;
}

static void
device_free(void *p)
{
	CUDA(cudaFree(p));
}

UNUSED static void
to_device(void *to, const void *from, size_t bytes)
{
	CUDA(cudaMemcpy(to, from, bytes, cudaMemcpyHostToDevice));
}

UNUSED static void
to_host(void *to, const void *from, size_t bytes)
{
	CUDA(cudaMemcpy(to, from, bytes, cudaMemcpyDeviceToHost));
}

/* Return the bytes of the L2 cache. */
static size_t
cache_size(void)
{
	struct cudaDeviceProp prop;

	CUDA(cudaGetDeviceProperties(&prop, 0));
	return (size_t) prop.l2CacheSize;
}

#endif

/* Return the seconds of a clock that only goes forward. */
UNUSED static double
seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double) t.tv_sec + 1e-9 * (double) t.tv_nsec;
}

/* Is the time up that BENCH_SECONDS gives this program? */
UNUSED static bool
time_is_up(void)
{
	static double end;
	const char *limit = getenv("BENCH_SECONDS");

	if (end == 0)
		end = seconds() + (limit != NULL ? atof(limit) : 1e9);
	return seconds() > end;
}

/* Read count floats that the program inputs wrote; NULL when they are not there. */
static float *
read_floats(const char *folder, size_t rows, size_t n, const char *suffix)
{
	char path[4096];
	FILE *f;
	float *x = (float *) malloc(rows * n * sizeof(float));
	size_t got;

	snprintf(path, sizeof path, "%s/%zux%zu.%s", folder, rows, n, suffix);
	f = fopen(path, "rb");
	if (f == NULL || x == NULL)
		return NULL;
	got = fread(x, sizeof(float), rows * n, f);
	fclose(f);
	return got == rows * n ? x : NULL;
}

/* How many sets of so many bytes are more than twice what the cache holds? */
static size_t
sets_for(size_t bytes)
{
	size_t sets = 2 * cache_size() / bytes + 1;

	return sets < SETS_LEAST ? SETS_LEAST : sets > SETS_MOST ? SETS_MOST : sets;
}

/*
 * Set k of an input: its elements moved around by 7919 k and a shift of rows.  bench/gpu/peers.py
 * makes the same ones.  Frees nothing.
 */
static void
fill_set(void *to, const float *x, size_t count, size_t n, size_t k, size_t shift)
{
	size_t by = (7919 * k * n + shift) % count;

	to_device(to, x + by, (count - by) * sizeof(float));
	if (by > 0)
		to_device((float *) to + (count - by), x, by * sizeof(float));
}

/* The runs that fit into about 50 ms. */
UNUSED static size_t
runs_for(double ms)
{
	double runs = ms > 0 ? 50 / ms : RUNS_MOST;

	return runs < 5 ? 5 : runs > RUNS_MOST ? RUNS_MOST : (size_t) runs;
}

/* Print a measurement.  reg and strength may be empty; extra is more members of the object, or empty. */
static void
print_times(const char *tool, const char *op, const char *reg, const char *strength, size_t rows,
			size_t n, const double *ms, size_t runs, const char *extra)
{
	printf("{\"tool\": \"%s\", \"op\": \"%s\", \"reg\": \"%s\", \"strength\": \"%s\", "
		   "\"rows\": %zu, \"n\": %zu, \"ms\": [",
		   tool, op, reg, strength, rows, n);
	for (size_t i = 0; i < runs; i++)
		printf("%s%.6g", i > 0 ? ", " : "", ms[i]);
	printf("]%s%s}\n", extra[0] != '\0' ? ", " : "", extra);
	fflush(stdout);
}

/* Take the next ROWSxN off a list of shapes; false at its end. */
static bool
next_shape(const char **list, size_t *rows, size_t *n)
{
	int used = 0;

	if (*list == NULL || sscanf(*list, " %zux%zu%n", rows, n, &used) != 2 || *rows == 0 || *n == 0)
		return false;
	*list += used;
	return true;
}

#endif /* BENCH_H */
