/*
 * large.c - are the results of a device those of the core on one large task, to the last bit?
 *
 *     large LIBRARY ROWS N
 *
 * Soft ranks, their derivatives, soft sorts and isotonic regressions of N(0,1), of float and of double: the device takes them
 * one after another while each has a thread of the CPU.  What parity (test/gpu) does not do for its size.
 * Prints TAP.  Exit status: 1 when a test failed.
 */
#include <dlfcn.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "device.h"

typedef struct Case
{
	const char *name;
	SfsTask task;
	void *core; /* its output */
	SfsStatus status;
	pthread_t thread;
} Case;

static uint64_t state = 88172645463325252;

/* Return a pseudorandom number in (0, 1). */
static double
uniform(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return ((double) (state >> 11) + 0.5) / 9007199254740992.0;
}

/* The device's host does not want to stop. */
static bool
go_on(void *arg)
{
	(void) arg;
	return false;
}

/* Allocate, or end the program. */
static void *
need(size_t bytes)
{
	void *p = malloc(bytes);

	if (p == NULL)
	{
		printf("Bail out! no memory\n");
		exit(1);
	}
	return p;
}

/* Run a case on the core. */
static void *
run_core(void *arg)
{
	Case *c = arg;
	SfsTask task = c->task;
	void *workspace = need(sfs_core_workspace(&task));

	task.out.data = c->core;
	c->status = sfs_core_run(&task, 0, task.rows, workspace, NULL);
	free(workspace);
	return NULL;
}

/* Run a case on the device, compare, and print the test. */
static bool
compare(int number, Case *c, const SfsDevice *device)
{
	size_t bytes = c->task.length * (c->task.out.type == SFS_FLOAT64 ? 8 : 4);
	uint8_t *unsure = need(c->task.rows);
	char *out = need(bytes * c->task.rows);
	SfsHooks hooks = {.poll = go_on};
	SfsDeviceReport report = {0};
	SfsEngineError error = {""};
	SfsStatus status = SFS_NOT_SUPPORTED;
	size_t wrong = 0;
	size_t left = 0;
	bool passed;

	c->task.out.data = out;
	if (device->supports(&c->task))
		status = device->run(&c->task, unsure, &hooks, &report, &error);
	pthread_join(c->thread, NULL);
	if (status == SFS_NOT_SUPPORTED)
	{
		printf("ok %d - %s # SKIP no kernel\n", number, c->name);
		free(unsure);
		free(out);
		return true;
	}
	for (size_t r = 0; status == SFS_OK && r < c->task.rows; r++)
	{
		if (unsure[r] != 0)
			left++;
		else if (memcmp(out + r * bytes, (char *) c->core + r * bytes, bytes) != 0)
			wrong++;
	}
	passed = status == SFS_OK && c->status == SFS_OK && wrong == 0;
	printf("%sok %d - %s: %zu x %zu, %zu rows unsure%s\n", passed ? "" : "not ", number, c->name,
		   c->task.rows, c->task.length, left,
		   passed && left == c->task.rows ? " # SKIP all rows are left to the CPU" : "");
	if (!passed)
		printf("# device: status %d %s; core: status %d; %zu rows are wrong\n", (int) status,
			   error.reason, (int) c->status, wrong);
	fflush(stdout);
	free(unsure);
	free(out);
	return passed;
}

int
main(int argc, char **argv)
{
	static const struct
	{
		const char *name;
		SfsOp op;
		SfsRegularization reg;
		SfsType type;
	} kinds[] = {
		{"soft_rank l2 of float", SFS_OP_RANK, SFS_REG_L2, SFS_FLOAT32},
		{"soft_rank l2 of double", SFS_OP_RANK, SFS_REG_L2, SFS_FLOAT64},
		{"soft_rank_vjp l2 of float", SFS_OP_RANK_VJP, SFS_REG_L2, SFS_FLOAT32},
		{"soft_rank kl of float", SFS_OP_RANK, SFS_REG_KL, SFS_FLOAT32},
		{"soft_rank_vjp kl of double", SFS_OP_RANK_VJP, SFS_REG_KL, SFS_FLOAT64},
		{"soft_sort l2 of float", SFS_OP_SORT, SFS_REG_L2, SFS_FLOAT32},
		{"isotonic_regression of double", SFS_OP_ISOTONIC, SFS_REG_L2, SFS_FLOAT64},
	};
	enum
	{
		COUNT = sizeof(kinds) / sizeof(kinds[0])
	};
	Case cases[COUNT];
	size_t rows = argc == 4 ? strtoul(argv[2], NULL, 10) : 0;
	size_t n = argc == 4 ? strtoul(argv[3], NULL, 10) : 0;
	void *library = argc == 4 ? dlopen(argv[1], RTLD_NOW | RTLD_LOCAL) : NULL;
	SfsDeviceEntry entry =
		library != NULL ? (SfsDeviceEntry) dlsym(library, SFS_DEVICE_ENTRY) : NULL;
	const SfsDevice *device = entry != NULL ? entry() : NULL;
	SfsDeviceInfo info;
	SfsEngineError error = {""};
	double *x;
	float *x_float;
	bool passed = true;

	if (device == NULL || rows == 0 || n == 0 || device->open(0, 0, &info, &error) != SFS_OK)
	{
		printf("Bail out! %s\n",
			   error.reason[0] != '\0' ? error.reason : "usage: large LIBRARY ROWS N");
		return 1;
	}
	x = need(rows * n * sizeof(double));
	x_float = need(rows * n * sizeof(float));
	for (size_t i = 0; i < rows * n; i++)
		x_float[i] =
			(float) (x[i] = sqrt(-2 * log(uniform())) * cos(6.283185307179586 * uniform()));
	for (int i = 0; i < COUNT; i++)
	{
		SfsTask task = {.op = kinds[i].op,
						.regularization = kinds[i].reg,
						.rows = rows,
						.length = n};
		const void *data = kinds[i].type == SFS_FLOAT64 ? (const void *) x : (const void *) x_float;

		/* About half of the elements share a block. */
		task.strength = kinds[i].op == SFS_OP_SORT	 ? 0.16 * (double) n
						: kinds[i].reg == SFS_REG_L2 ? 1.2 / (double) n
													 : 0.41;
		task.x = (SfsInput){.data = data, .type = kinds[i].type};
		if (task.op == SFS_OP_RANK_VJP)
			task.g = (SfsInput){.data = data, .type = kinds[i].type};
		task.out.type = kinds[i].type;
		cases[i] = (Case){.name = kinds[i].name, .task = task};
		cases[i].core = need(rows * n * (kinds[i].type == SFS_FLOAT64 ? 8 : 4));
		if (pthread_create(&cases[i].thread, NULL, run_core, &cases[i]) != 0)
			return 1;
	}
	for (int i = 0; i < COUNT; i++)
		passed &= compare(i + 1, &cases[i], device);
	device->close();
	printf("1..%d\n", COUNT);
	return passed ? 0 : 1;
}
