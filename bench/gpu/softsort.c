/*
 * softsort.c - times softsort's device library.
 *
 *     softsort LIBRARY FOLDER
 *
 * FOLDER has the inputs (inputs.c).  SHAPES and SPEARMAN_SHAPES are lists of ROWSxN; BENCH_SECONDS limits the whole.
 * Prints a line of JSON for the machine, and one for each measurement:
 *   tool "softsort"       inputs and outputs in the memory of the device, sets in rotation, events of the device
 *   tool "softsort, host" a whole call from memory of the host, wall clock: what an SQL function waits for
 *   tool "core"           the same rows on one core of the CPU
 * "value" is the mean of the first elements of set 0, to compare with other tools.
 */
#define _GNU_SOURCE
#define TOOL "softsort"
#include <dlfcn.h>

#include "bench.h"
#include "benchmark.h"

/* Sets of one shape, in the memory of the device. */
typedef struct Sets
{
	size_t rows;
	size_t n;
	size_t count;
	float *x[SETS_MOST];
	float *g[SETS_MOST];
	float *out[SETS_MOST];
} Sets;

typedef struct Label
{
	SfsRegularization reg;
	char name[16];
	double strength;
} Label;

#define LABELS_MOST 16

static const SfsDevice *device;
static SfsDeviceBenchmark benchmark;

/* Return a task on rows of floats, with outputs of floats. */
static SfsTask
task_of(SfsOp op, SfsRegularization reg, double strength, size_t rows, size_t n)
{
	SfsTask task;

	memset(&task, 0, sizeof task);
	task.op = op;
	task.regularization = reg;
	task.strength = strength;
	task.rows = rows;
	task.length = n;
	task.x.type = task.y.type = task.g.type = task.out.type = SFS_FLOAT32;
	return task;
}

/* Load the library and open the device; print what it is. */
static void
open_device(const char *path)
{
	void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	SfsDeviceEntry entry;
	SfsDeviceInfo info;
	SfsEngineError error = {""};

	if (library == NULL)
		FATAL(TOOL, "%s", dlerror());
	entry = (SfsDeviceEntry) dlsym(library, SFS_DEVICE_ENTRY);
	device = entry != NULL ? entry() : NULL;
	if (device == NULL || device->abi_version != SFS_DEVICE_ABI ||
		device->struct_size != sizeof(SfsDevice))
		FATAL(TOOL, "the library does not fit this program");
	benchmark = (SfsDeviceBenchmark) dlsym(library, SFS_DEVICE_BENCHMARK);
	if (device->open(0, 0, &info, &error) != SFS_OK)
		FATAL(TOOL, "%s", error.reason);
	printf("{\"machine\": {\"device\": \"%s\", \"capability\": \"%d.%d\", \"driver\": %d, "
		   "\"runtime\": %d, \"memory\": %llu, \"simulated\": %s, \"L2\": %zu}}\n",
		   info.name, info.major, info.minor, info.driver, info.runtime,
		   (unsigned long long) info.memory, info.simulated ? "true" : "false", cache_size());
	if (benchmark == NULL)
		FATAL(TOOL, "the library does not export " SFS_DEVICE_BENCHMARK);
}

/* Read the strengths of a shape; return how many. */
static size_t
read_labels(const char *folder, size_t rows, size_t n, Label *labels)
{
	char path[4096];
	char reg[16];
	size_t count = 0;
	FILE *f;

	snprintf(path, sizeof path, "%s/%zux%zu.strengths", folder, rows, n);
	f = fopen(path, "r");
	while (f != NULL && count < LABELS_MOST &&
		   fscanf(f, "%15s %15s %lf %*f", reg, labels[count].name, &labels[count].strength) == 3)
		labels[count++].reg = strcmp(reg, "kl") == 0 ? SFS_REG_KL : SFS_REG_L2;
	if (f != NULL)
		fclose(f);
	return count;
}

/* Make the sets of a shape. */
static Sets
make_sets(const float *x, size_t rows, size_t n)
{
	Sets s = {.rows = rows, .n = n};
	size_t total = rows * n;

	s.count = sets_for(2 * total * sizeof(float));
	for (size_t k = 0; k < s.count; k++)
	{
		s.x[k] = device_alloc(total * sizeof(float));
		s.g[k] = device_alloc(total * sizeof(float));
		s.out[k] = device_alloc(total * sizeof(double));
		fill_set(s.x[k], x, total, n, k, 0);
		fill_set(s.g[k], x, total, n, k, total / 2);
	}
	return s;
}

/* Give the sets back. */
static void
free_sets(Sets *s)
{
	for (size_t k = 0; k < s->count; k++)
	{
		device_free(s->x[k]);
		device_free(s->g[k]);
		device_free(s->out[k]);
	}
}

/* Return the mean of the first value of each row, of set 0. */
static double
first_mean(const Sets *s, const SfsTask *task)
{
	bool scalar = sfs_op_shape(task->op) == SFS_SHAPE_ROWS;
	size_t step = scalar ? 1 : s->n;
	size_t bytes = s->rows * step * (scalar ? sizeof(double) : sizeof(float));
	void *host = malloc(bytes);
	double sum = 0;

	to_host(host, s->out[0], bytes);
	for (size_t r = 0; r < s->rows; r++)
		sum += scalar ? ((double *) host)[r] : (double) ((float *) host)[r * step];
	free(host);
	return sum / (double) s->rows;
}

/* Time one operation on the sets, and print it. */
static void
measure(const Sets *s, SfsTask task, const char *op, const char *reg, const char *label)
{
	SfsTask tasks[SETS_MOST];
	double ms[RUNS_MOST];
	double value;
	char extra[256];
	size_t unsure = 0;
	size_t runs;
	SfsEngineError error = {""};
	SfsStatus status;

	if (time_is_up())
	{
		printf("{\"tool\": \"softsort\", \"op\": \"%s\", \"reg\": \"%s\", \"strength\": \"%s\", "
			   "\"rows\": %zu, \"n\": %zu, \"skip\": \"its time was up\"}\n",
			   op, reg, label, s->rows, s->n);
		return;
	}
	for (size_t k = 0; k < s->count; k++)
	{
		tasks[k] = task;
		tasks[k].x.data = s->x[k];
		if (task.op == SFS_OP_SPEARMAN)
			tasks[k].y.data = s->g[k];
		if (task.op == SFS_OP_RANK_VJP)
			tasks[k].g.data = s->g[k];
		tasks[k].out.data = s->out[k];
	}
	if (!device->supports(&task))
	{
		printf("{\"tool\": \"softsort\", \"op\": \"%s\", \"reg\": \"%s\", \"strength\": \"%s\", "
			   "\"rows\": %zu, \"n\": %zu, \"skip\": \"no kernel\"}\n",
			   op, reg, label, s->rows, s->n);
		return;
	}
	/* The first run loads and warms up, the second tells how many there may be. */
	status = benchmark(tasks, s->count, 1, ms, &unsure, &error);
	value = status == SFS_OK ? first_mean(s, &task) : 0;
	if (status == SFS_OK)
		status = benchmark(tasks, s->count, 1, ms, &unsure, &error);
#ifdef SIMULATED
	runs = 1;
#else
	runs = runs_for(ms[0]);
#endif
	if (status == SFS_OK)
		status = benchmark(tasks, s->count, runs, ms, &unsure, &error);
	if (status != SFS_OK)
	{
		printf("{\"tool\": \"softsort\", \"op\": \"%s\", \"reg\": \"%s\", \"strength\": \"%s\", "
			   "\"rows\": %zu, \"n\": %zu, \"error\": \"status %d: %s\"}\n",
			   op, reg, label, s->rows, s->n, (int) status, error.reason);
		return;
	}
	snprintf(extra, sizeof extra, "\"value\": %.9g, \"unsure\": %.6g", value,
			 (double) unsure / (double) (runs * s->rows));
	print_times("softsort", op, reg, label, s->rows, s->n, ms, runs, extra);
}

/* The host does not want to stop. */
static bool
go_on(void *arg)
{
	(void) arg;
	return false;
}

/* Time a whole call from the memory of the host, and one core of the CPU. */
static void
measure_host(const float *x, size_t rows, size_t n, const Label *label)
{
	SfsTask task = task_of(SFS_OP_RANK, label->reg, label->strength, rows, n);
	uint8_t *unsure = malloc(rows);
	float *out = malloc(rows * n * sizeof(float));
	void *workspace;
	SfsHooks hooks = {.poll = go_on};
	SfsDeviceReport report;
	SfsEngineError error = {""};
	double ms[5];
	double copy = 0;
	double compute = 0;
	char extra[256];

	task.x.data = x;
	task.out.data = out;
	for (int i = -1; i < 5; i++)
	{
		double start = seconds();

		if (device->run(&task, unsure, &hooks, &report, &error) != SFS_OK)
		{
			printf("{\"tool\": \"softsort, host\", \"op\": \"soft_rank\", \"rows\": %zu, "
				   "\"n\": %zu, \"error\": \"%s\"}\n",
				   rows, n, error.reason);
			free(unsure);
			free(out);
			return;
		}
		if (i < 0)
			continue;
		ms[i] = 1000 * (seconds() - start);
		copy += report.copy_ms / 5;
		compute += report.compute_ms / 5;
	}
	snprintf(extra, sizeof extra,
			 "\"copy_ms\": %.6g, \"compute_ms\": %.6g, \"slices\": %zu, \"unsure\": %.6g", copy,
			 compute, report.slices, (double) report.unsure / (double) rows);
	print_times("softsort, host", "soft_rank", sfs_regularization_name(label->reg), label->name,
				rows, n, ms, 5, extra);
	workspace = malloc(sfs_core_workspace(&task));
	for (int i = 0; i < 2; i++)
	{
		double start = seconds();

		if (sfs_core_run(&task, 0, rows, workspace, NULL) != SFS_OK)
			abort();
		ms[i] = 1000 * (seconds() - start);
	}
	print_times("core", "soft_rank", sfs_regularization_name(label->reg), label->name, rows, n, ms,
				2, "");
	free(workspace);
	free(unsure);
	free(out);
}

/* The isotonic step of a soft rank: on the differences that the ranks of sorted rows have to fit. */
static void
measure_isotonic(const char *folder, size_t rows, size_t n, const Label *labels, size_t count)
{
	float *sorted = read_floats(folder, rows, n, "sorted");
	float *v = malloc(rows * n * sizeof(float));

	for (size_t l = 0; sorted != NULL && l < count; l++)
	{
		Sets s;

		if (labels[l].reg != SFS_REG_L2)
			continue;
		for (size_t i = 0; i < rows * n; i++)
			v[i] = (float) (n - i % n) - sorted[i] / (float) labels[l].strength;
		s = make_sets(v, rows, n);
		measure(&s, task_of(SFS_OP_ISOTONIC, SFS_REG_L2, 0, rows, n), "isotonic_regression", "",
				labels[l].name);
		free_sets(&s);
	}
	free(sorted);
	free(v);
}

/* Time everything of a shape. */
static void
measure_shape(const char *folder, size_t rows, size_t n)
{
	Label labels[LABELS_MOST];
	size_t count = read_labels(folder, rows, n, labels);
	float *x = read_floats(folder, rows, n, "x");
	Sets s;

	if (x == NULL || count == 0)
	{
		printf("{\"tool\": \"softsort\", \"rows\": %zu, \"n\": %zu, \"skip\": \"no inputs\"}\n",
			   rows, n);
		return;
	}
	s = make_sets(x, rows, n);
	for (size_t l = 0; l < count; l++)
	{
		const char *reg = sfs_regularization_name(labels[l].reg);

		measure(&s, task_of(SFS_OP_RANK, labels[l].reg, labels[l].strength, rows, n), "soft_rank",
				reg, labels[l].name);
		measure(&s, task_of(SFS_OP_RANK_VJP, labels[l].reg, labels[l].strength, rows, n),
				"soft_rank_vjp", reg, labels[l].name);
	}
	free_sets(&s);
	measure_isotonic(folder, rows, n, labels, count);
	for (size_t l = 0; l < count; l++)
		if (labels[l].reg == SFS_REG_L2 && strcmp(labels[l].name, "half") == 0 && !time_is_up())
			measure_host(x, rows, n, &labels[l]);
	free(x);
}

int
main(int argc, char **argv)
{
	const char *list = getenv("SHAPES");
	size_t rows;
	size_t n;

	if (argc != 3)
	{
		fprintf(stderr, "usage: softsort LIBRARY FOLDER\n");
		return 2;
	}
	time_is_up();
	open_device(argv[1]);
	while (next_shape(&list, &rows, &n))
		measure_shape(argv[2], rows, n);
	list = getenv("SPEARMAN_SHAPES");
	while (next_shape(&list, &rows, &n))
	{
		SfsTask task = task_of(SFS_OP_SPEARMAN, SFS_REG_L2, 0, rows, n);
		float *x = read_floats(argv[2], rows, n, "x");
		Sets s;

		if (x == NULL)
			continue;
		task.out.type = SFS_FLOAT64;
		s = make_sets(x, rows, n);
		measure(&s, task, "spearman", "", "");
		free_sets(&s);
		free(x);
	}
	device->close();
	return 0;
}
