/*
 * parity.c - does a device give the core's digits?
 *
 *   parity LIBRARY [--rows N] [--long LENGTH]... [--seed S] [--unsure PERCENT] [--golden DIR]
 *          [--longest LENGTH] [--op NAME] [--elements N] [--lengths LOW HIGH] [--device N]
 *          [--memory BYTES] [--task K]
 *
 * The golden set, N random rows and a few long ones are run on the device and on the core; each
 * row that the device answers must be the same to the last bit.  It fails, too, when memory
 * outside of outputs is written to, an input is changed, or more than PERCENT of the rows of
 * ordinary data are left unanswered, for any operation and regularization or any length.
 * --longest says from which length on rows may be left to the CPU (default: none may).
 * --lengths makes random rows of about so many elements, in place of a mix of lengths.
 * --task K runs one random task alone and shows the inputs of rows that differ or are not answered.
 * Prints TAP; the names of tests begin with "simulated" or the device's name.
 */
#include "parity.h"

#include <dlfcn.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tap.h"

#define LONG_MAX_COUNT 16
#define ORDINARY_MIN 50 /* fewer rows say nothing about a share */

/* What is to be done. */
typedef struct Options
{
	const char *file; /* the device library */
	size_t rows;
	size_t lengths[LONG_MAX_COUNT];
	int length_count;
	double unsure; /* percent */
	const char *golden;
	int device;
	uint64_t memory;
	bool one_task;
	uint64_t task;
} Options;

static const struct
{
	const char *name;
	bool y;
	bool g;
} ops[SFS_OP_COUNT] = {
	[SFS_OP_RANK] = {"rank", false, false},
	[SFS_OP_RANK_VJP] = {"rank_vjp", false, true},
	[SFS_OP_RANK_JVP] = {"rank_jvp", false, true},
	[SFS_OP_RANK_JACOBIAN] = {"rank_jacobian", false, false},
	[SFS_OP_SORT] = {"sort", false, false},
	[SFS_OP_SORT_ASSIGN] = {"sort_assign", false, false},
	[SFS_OP_SORT_VJP] = {"sort_vjp", false, true},
	[SFS_OP_SORT_JVP] = {"sort_jvp", false, true},
	[SFS_OP_SORT_JACOBIAN] = {"sort_jacobian", false, false},
	[SFS_OP_PROJECTION] = {"projection", true, false},
	[SFS_OP_PROJECTION_VJP] = {"projection_vjp", true, true},
	[SFS_OP_PROJECTION_JVP] = {"projection_jvp", true, true},
	[SFS_OP_ISOTONIC] = {"isotonic", true, false},
	[SFS_OP_ISOTONIC_VJP] = {"isotonic_vjp", true, true},
	[SFS_OP_SPEARMAN] = {"spearman", true, false},
	[SFS_OP_SOFT_SPEARMAN] = {"soft_spearman", true, false},
	[SFS_OP_SOFT_SPEARMAN_GRAD] = {"soft_spearman_grad", true, false},
	[SFS_OP_STRENGTH_RANGE] = {"strength_range", false, false},
};

/* The longest row of each class but the last. */
static const size_t class_ends[CLASSES - 1] = {3, 33, 65, 129, 257, 1025, 2049, 4097};
static const char *const class_names[CLASSES] = {"0-3",		  "4-33",	   "34-65",
												 "66-129",	  "130-257",   "258-1025",
												 "1026-2049", "2050-4097", "4098-"};

/* See parity.h. */
const char *
op_name(SfsOp op)
{
	return ops[op].name;
}

/* See parity.h. */
SfsOp
find_op(const char *name)
{
	int op = 0;

	while (op < SFS_OP_COUNT && strcmp(ops[op].name, name) != 0)
		op++;
	return (SfsOp) op;
}

/* See parity.h. */
bool
op_has_y(SfsOp op)
{
	return ops[op].y;
}

/* See parity.h. */
bool
op_has_g(SfsOp op)
{
	return ops[op].g;
}

/* See parity.h. */
size_t
length_class(size_t n)
{
	size_t class = 0;

	while (class < CLASSES - 1 && n > class_ends[class])
		class ++;
	return class;
}

/* See parity.h. */
const char *
class_name(size_t class)
{
	return class_names[class];
}

/* Return the sum of an operation's counts. */
static Count
count_op(const Parity *parity, int op)
{
	Count sum = {0, 0, 0};

	for (int class = 0; class < CLASSES; class ++)
	{
		sum.rows += parity->by_class[op][class].rows;
		sum.unsure += parity->by_class[op][class].unsure;
		sum.wrong += parity->by_class[op][class].wrong;
	}
	return sum;
}

/* Return the sum of all counts. */
static Count
count_all(const Parity *parity)
{
	Count sum = {0, 0, 0};

	for (int op = 0; op < SFS_OP_COUNT; op++)
	{
		Count one = count_op(parity, op);

		sum.rows += one.rows;
		sum.unsure += one.unsure;
		sum.wrong += one.wrong;
	}
	return sum;
}

/* Return a share in percent. */
static double
percent(size_t part, size_t whole)
{
	return whole > 0 ? 100.0 * (double) part / (double) whole : 0.0;
}

/* Print one line of a table. */
static void
print_count(const char *name, const char *more, const Count *count)
{
	if (count->rows > 0)
		printf("# %-20s %-12s %9zu %9zu %6.2f %% %9zu\n", name, more, count->rows, count->unsure,
			   percent(count->unsure, count->rows), count->wrong);
}

/* Print what was seen, by operation and length and by family. */
static void
print_tables(const Parity *parity)
{
	Count all = count_all(parity);

	printf("# %-20s %-12s %9s %9s %8s %9s\n", "operation", "length", "rows", "unsure", "", "wrong");
	for (int op = 0; op < SFS_OP_COUNT; op++)
		for (int class = 0; class < CLASSES; class ++)
			print_count(ops[op].name, class_name((size_t) class), &parity->by_class[op][class]);
	print_count("all", "", &all);
	for (size_t family = 0; family < families(); family++)
		print_count(family_name(family), "family", &parity->by_family[family]);
	print_count("golden", "", &parity->by_family[families()]);
	for (int class = 0; class < CLASSES; class ++)
		print_count(class_names[class], "ordinary", &parity->ordinary_by_class[class]);
	for (int op = 0; op < SFS_OP_COUNT; op++)
		for (int reg = 0; reg < SFS_REG_COUNT; reg++)
		{
			print_count(ops[op].name, reg == SFS_REG_L2 ? "l2, ordinary" : "kl, ordinary",
						&parity->ordinary[op][reg]);
			if (parity->example[op][reg][0] != '\0')
				printf("#   ordinary rows unsure, e.g. %s\n", parity->example[op][reg]);
			if (parity->refused[op][reg] > 0)
				printf("# %s %s: %zu tasks not supported\n", ops[op].name,
					   sfs_regularization_name((SfsRegularization) reg), parity->refused[op][reg]);
		}
}

/* Is the share of unsure rows small?  Few rows may have more, by chance. */
static bool
few_unsure(const Count *count, double limit, const char *name, const char *more)
{
	double expected = (double) count->rows * limit / 100.0;

	if (count->rows < ORDINARY_MIN ||
		(double) count->unsure <= expected + 3.0 * sqrt(expected) + 1.0)
		return true;
	printf("# %s %s: %zu of %zu rows of ordinary data are unsure\n", name, more, count->unsure,
		   count->rows);
	return false;
}

/* Test that few rows of ordinary data are unsure, for each kind of them. */
static void
check_unsure(const Parity *parity, double limit)
{
	bool few = true;

	for (int op = 0; op < SFS_OP_COUNT; op++)
		for (int reg = 0; reg < SFS_REG_COUNT; reg++)
		{
			const char *name = sfs_regularization_name((SfsRegularization) reg);

			few = few_unsure(&parity->ordinary[op][reg], limit, ops[op].name, name) && few;
		}
	for (int class = 0; class < CLASSES; class ++)
		few = few_unsure(&parity->ordinary_by_class[class], limit, "length", class_names[class]) &&
			  few;
	ok(few, "%s: at most %g %% of ordinary rows are unsure", parity->label, limit);
}

/* Read a number that follows an option. */
static double
number(int argc, char **argv, int *i)
{
	char *end;
	double value;

	if (++*i >= argc)
	{
		fprintf(stderr, "parity: %s needs a number\n", argv[*i - 1]);
		exit(2);
	}
	value = strtod(argv[*i], &end);
	if (*end != '\0' || end == argv[*i] || value < 0.0)
	{
		fprintf(stderr, "parity: not a number: %s\n", argv[*i]);
		exit(2);
	}
	return value;
}

/* Read the options. */
static Options
read_options(int argc, char **argv, Parity *parity)
{
	Options options = {.rows = 100000, .unsure = 2.0, .golden = "test/golden"};

	for (int i = 1; i < argc; i++)
	{
		const char *word = argv[i];

		if (strcmp(word, "--rows") == 0)
			options.rows = (size_t) number(argc, argv, &i);
		else if (strcmp(word, "--long") == 0 && options.length_count < LONG_MAX_COUNT)
			options.lengths[options.length_count++] = (size_t) number(argc, argv, &i);
		else if (strcmp(word, "--seed") == 0)
			parity->seed = (uint64_t) number(argc, argv, &i);
		else if (strcmp(word, "--unsure") == 0)
			options.unsure = number(argc, argv, &i);
		else if (strcmp(word, "--longest") == 0)
			parity->longest = (size_t) number(argc, argv, &i);
		else if (strcmp(word, "--elements") == 0)
			parity->batch_elements = (size_t) number(argc, argv, &i);
		else if (strcmp(word, "--lengths") == 0)
			for (int k = 0; k < 2; k++)
				parity->lengths[k] = (size_t) number(argc, argv, &i);
		else if (strcmp(word, "--device") == 0)
			options.device = (int) number(argc, argv, &i);
		else if (strcmp(word, "--memory") == 0)
			options.memory = (uint64_t) number(argc, argv, &i);
		else if (strcmp(word, "--task") == 0)
		{
			options.one_task = true;
			options.task = (uint64_t) number(argc, argv, &i);
		}
		else if (strcmp(word, "--op") == 0 && i + 1 < argc && find_op(argv[i + 1]) != SFS_OP_COUNT)
			parity->only = find_op(argv[++i]);
		else if (strcmp(word, "--golden") == 0 && i + 1 < argc)
			options.golden = argv[++i];
		else if (word[0] != '-' && options.file == NULL)
			options.file = word;
		else
		{
			fprintf(stderr, "parity: what is %s?\n", word);
			exit(2);
		}
	}
	if (options.file == NULL)
	{
		fprintf(stderr, "usage: parity LIBRARY [options]; see the head of parity.c\n");
		exit(2);
	}
	return options;
}

/* Load the library and open its device; *library is its handle. */
static bool
open_device(Parity *parity, const Options *options, void **library)
{
	SfsDeviceEntry entry = NULL;
	SfsEngineError error = {""};
	SfsStatus status;

	*library = dlopen(options->file, RTLD_NOW | RTLD_LOCAL);
	if (*library != NULL)
		*(void **) &entry = dlsym(*library, SFS_DEVICE_ENTRY);
	if (!ok(entry != NULL, "the library has an entry"))
	{
		printf("# %s\n", dlerror());
		return false;
	}
	parity->device = entry();
	if (!ok(parity->device != NULL && parity->device->abi_version == SFS_DEVICE_ABI &&
				parity->device->struct_size == sizeof(SfsDevice),
			"it is of this contract"))
		return false;
	status = parity->device->open(options->device, options->memory, &parity->info, &error);
	if (!ok(status == SFS_OK, "the device opens"))
	{
		printf("# status %d: %.200s\n", (int) status, error.reason);
		return false;
	}
	parity->label = parity->info.simulated ? "simulated" : parity->info.name;
	printf("# device: %s%s, capability %d.%d, driver %d, runtime %d, %.1f GB\n", parity->info.name,
		   parity->info.simulated ? " (simulated: no GPU)" : "", parity->info.major,
		   parity->info.minor, parity->info.driver, parity->info.runtime,
		   (double) parity->info.memory * 0x1p-30);
	return true;
}

/* Compare the golden set. */
static void
part_golden(Parity *parity, const char *folder)
{
	static const char *const files[] = {"l2.txt", "kl.txt", "other.txt"};
	size_t records = 0;
	size_t wrong = count_all(parity).wrong;
	char path[1000];

	for (int i = 0; i < 3; i++)
	{
		snprintf(path, sizeof(path), "%s/%s", folder, files[i]);
		records += run_golden(parity, path);
	}
	ok(records > 10000 && count_all(parity).wrong == wrong, "%s: %zu golden records", parity->label,
	   records);
}

/* Compare random rows. */
static void
part_random(Parity *parity, size_t rows)
{
	size_t done = 0;
	Count before = count_all(parity);
	Count after;

	for (uint64_t index = 0; done < rows; index++)
		done += run_random(parity, index);
	after = count_all(parity);
	ok(after.wrong == before.wrong && after.rows > before.rows,
	   "%s: seed %llu: %zu random rows, of which %zu were compared", parity->label,
	   (unsigned long long) parity->seed, done,
	   after.rows - before.rows - (after.unsure - before.unsure));
}

/* Test that a closed device has nothing left, where the simulator can tell. */
static void
check_leaks(void *library)
{
	size_t (*live)(void) = NULL;

	*(void **) &live = dlsym(library, "cudasim_live");
	if (live != NULL)
		ok(live() == 0, "nothing is left after close");
}

int
main(int argc, char **argv)
{
	static Parity parity = {.label = "",
							.only = SFS_OP_COUNT,
							.longest = SIZE_MAX,
							.seed = 1,
							.batch_elements = 6000};
	Options options = read_options(argc, argv, &parity);
	void *library;

	parity.by_family = need((families() + 1) * sizeof(*parity.by_family));
	memset(parity.by_family, 0, (families() + 1) * sizeof(*parity.by_family));
	if (!open_device(&parity, &options, &library))
		return done_testing();
	if (options.one_task)
	{
		parity.verbose = true;
		(void) run_random(&parity, options.task);
		ok(count_all(&parity).wrong == 0, "%s: task %llu", parity.label,
		   (unsigned long long) options.task);
	}
	else
	{
		if (strcmp(options.golden, "none") != 0)
			part_golden(&parity, options.golden);
		if (options.rows > 0)
			part_random(&parity, options.rows);
		for (int i = 0; i < options.length_count; i++)
		{
			size_t wrong = count_all(&parity).wrong;

			run_long(&parity, options.lengths[i]);
			ok(count_all(&parity).wrong == wrong, "%s: rows of length %zu", parity.label,
			   options.lengths[i]);
		}
		check_unsure(&parity, options.unsure);
	}
	ok(parity.tasks > 0 && parity.failed_runs == 0, "%s: %zu tasks run to their end, %zu do not",
	   parity.label, parity.tasks - parity.failed_runs, parity.failed_runs);
	ok(parity.touched == 0, "%s: nothing outside of outputs is written to", parity.label);
	ok(parity.changed == 0, "%s: no input is changed", parity.label);
	print_tables(&parity);
	parity.device->close();
	check_leaks(library);
	free(parity.by_family);
	return done_testing();
}
