/*
 * test_levels.c - every level of kernels (kernels.h) gives the bits and the status of
 * the portable one: random tasks of all operations and options on lists of all kinds
 * (data.h), few in the long rows, many in the short ones.
 *
 * Inputs, output and workspace touch pages that may not be accessed, so that a kernel
 * that reads or writes beyond them ends the program.  The workspace holds other dirt in
 * each run, so that what is not initialized shows.
 *
 * Levels that this processor lacks are skipped; where KERNELS names a level, that one
 * alone is compared.  test_levels CASE runs the case of that number alone.
 */
#define _DEFAULT_SOURCE

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "data.h"
#include "kernels.h"
#include "tap.h"

#define DENSE 600
#define HALF 280
#define LONGEST 300000
#define TOUCHING 6000000
#define ROWS_MAX 4
#define MANY_ROWS 40
#define MANY_LENGTH 52 /* beyond which no level takes several rows at once */
#define WORDS 2048	   /* of rows that kernels are given themselves */
#define MATRIX_MAX 24
#define LEVELS_MAX 8
#define SHOWN_MAX 10
#define PAGE ((size_t) 65536)
#define DIRT_MAX ((size_t) 65536)

/* A sanitizer slows the code down several times, and so it tries fewer tasks. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SHORT_CASES 30000
#define KERNEL_CASES 3000
#define MANY_CASES 20000
#define DATA_STEP 5
#else
#define SHORT_CASES 120000
#define KERNEL_CASES 10000
#define MANY_CASES 100000
#define DATA_STEP 1
#endif

/* A task and what it is made of. */
typedef struct Case
{
	long number;  /* that it is drawn from */
	size_t kind;  /* of data */
	size_t count; /* elements of an input that is not shared */
	size_t bytes; /* of the output */
	SfsTask task;
	size_t most; /* rows; more than ROWS_MAX: many rows of one length */
	int64_t offsets[ROWS_MAX + 1];
} Case;

/* A level that is compared with the portable one. */
typedef struct Level
{
	const char *name;
	bool usable;
	long wrong;
} Level;

/* Memory between two pages that may not be accessed. */
typedef struct Space
{
	char *memory;
	size_t size;
} Space;

static Level level[LEVELS_MAX];
static size_t levels;
static Space x_space, y_space, g_space, out_space, work_space;
static double list[LONGEST + ROWS_MAX];
static char *expected;
static long number;
static long only = -1; /* this case is run alone */
static bool itself;	   /* portable is compared with itself */
static int shown;

/* Map memory. */
static Space
map(size_t size)
{
	Space space = {NULL, (size + PAGE - 1) / PAGE * PAGE};
	char *all = mmap(NULL, space.size + 2 * PAGE, PROT_NONE,
					 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (all == MAP_FAILED || mprotect(all + PAGE, space.size, PROT_READ | PROT_WRITE) != 0)
	{
		perror("test_levels: mmap");
		exit(1);
	}
	space.memory = all + PAGE;
	return space;
}

/* Take bytes at one end of a space. */
static void *
take(const Space *space, size_t bytes)
{
	if (bytes > space->size)
	{
		fprintf(stderr, "test_levels: %zu bytes are too many\n", bytes);
		exit(1);
	}
	return uniform() < 0.2 ? space->memory : space->memory + (space->size - bytes);
}

/* Return the size of a type. */
static size_t
size_of(SfsType type)
{
	return type == SFS_FLOAT64 ? sizeof(double) : sizeof(float);
}

/* Return a random type. */
static SfsType
draw_type(void)
{
	return below(3) == 0 ? SFS_FLOAT32 : SFS_FLOAT64;
}

/* Put the list, as numbers of the input's type, where the input shall be. */
static void
put(const Space *space, SfsInput *input, size_t n)
{
	char *data = take(space, n * size_of(input->type));

	if (input->type == SFS_FLOAT64)
		memcpy(data, list, n * sizeof(double));
	else
		for (size_t i = 0; i < n; i++)
			((float *) (void *) data)[i] =
				isinf(list[i]) ? (float) list[i]
							   : (float) fmax(fmin(list[i], (double) FLT_MAX), (double) -FLT_MAX);
	input->data = data;
}

/* Draw a strength without regard to the data. */
static double
draw_strength(void)
{
	static const double some[] = {1.0,	1.0,  1.0,	 0.1,	 0.5,	  2.0,	  10.0,	   0.01,
								  0.3,	1e3,  1e-5,	 1e-300, 1e300,	  1e15,	  0x1p-30, 0.0,
								  1e-9, 1e-3, 100.0, 5e-324, DBL_MAX, 1e-308, 1e120,   1e-120};

	return some[below(sizeof(some) / sizeof(some[0]))];
}

/* Return a strength between hard ranks and one block for the list. */
static double
fit_strength(size_t n, double strength)
{
	double low = INFINITY;
	double high = -INFINITY;
	double fitted;

	for (size_t i = 0; i < n; i++)
	{
		low = fmin(low, list[i]);
		high = fmax(high, list[i]);
	}
	fitted = (high - low) * pow(10.0, (uniform() - 0.5) * (4.0 + log10((double) n + 1.0))) /
			 sqrt((double) n + 1.0);
	return fitted >= 0.0 && fitted <= DBL_MAX ? fitted : strength;
}

/* Is this an operation of isotonic regression, where y are weights? */
static bool
is_isotonic(SfsOp op)
{
	return op == SFS_OP_ISOTONIC || op == SFS_OP_ISOTONIC_VJP;
}

/* Draw which rows a case has, of n elements each or up to that. */
static void
draw_rows(Case *c, size_t n)
{
	SfsTask *task = &c->task;
	bool many = c->most > ROWS_MAX;

	task->rows = c->most == 1 || (!many && below(2) == 0) ? 1 : below(c->most) + 1;
	task->length = n;
	c->count = task->rows * n;
	if (many)
	{
		task->x.shared = below(8) == 0;
		task->y.shared = below(4) == 0;
		task->g.shared = below(4) == 0;
	}
	else if (below(3) == 0 && sfs_op_shape(task->op) != SFS_SHAPE_MATRIX)
	{
		c->offsets[0] = (int64_t) below(3);
		for (size_t r = 0; r < task->rows; r++)
			c->offsets[r + 1] = c->offsets[r] + (int64_t) (task->rows == 1 ? n : below(n + 1));
		task->offsets = c->offsets;
		c->count = (size_t) c->offsets[task->rows];
	}
	else if (task->rows > 1)
	{
		task->x.shared = below(4) == 0;
		task->y.shared = below(4) == 0;
		task->g.shared = below(4) == 0;
	}
}

/* Fill the rows of a case one by one, some of them with other data. */
static void
fill_rows(const Case *c, bool negate)
{
	bool mixed = below(2) == 0;

	for (size_t r = 0; r < c->task.rows; r++)
		data_fill(mixed && below(3) == 0 ? below(data_kinds()) : c->kind, c->task.strength, negate,
				  list + r * c->task.length, c->task.length);
}

/* Draw the first input, and the strength. */
static void
draw_x(Case *c)
{
	SfsTask *task = &c->task;
	size_t n = task->x.shared ? task->length : c->count;
	/* soft_sort and the projection sort the other way */
	bool negate = (task->direction == SFS_DESCENDING) != (task->op >= SFS_OP_SORT);

	task->strength = draw_strength();
	data_fill(c->kind, task->strength, negate, list, n);
	if (c->most > ROWS_MAX)
		fill_rows(c, negate);
	if (below(2) == 0)
		task->strength = fit_strength(c->most > ROWS_MAX ? task->length : n, task->strength);
	if (task->op == SFS_OP_SPEARMAN && n > 0 && below(4) == 0)
		for (int i = 0; i < 3; i++)
			list[below(n)] = below(2) == 0 ? (double) INFINITY : (double) -INFINITY;
	put(&x_space, &task->x, n);
}

/* Draw the other inputs. */
static void
draw_y_and_g(Case *c)
{
	SfsTask *task = &c->task;
	size_t n = task->y.shared ? task->length : c->count;
	double size = below(8) > 0 ? 1.0 : below(2) == 0 ? 1e300 : 1e-310;

	data_fill(below(2) == 0 ? c->kind : below(data_kinds()), 1.0, false, list, n);
	if (is_isotonic(task->op))
		for (size_t i = 0; i < n; i++)
			list[i] = list[i] == 0.0 ? 1.0 : fmax(fabs(list[i]), (double) FLT_MIN);
	if (!is_isotonic(task->op) || below(2) == 0)
		put(&y_space, &task->y, n);
	n = task->g.shared ? task->length : c->count;
	for (size_t i = 0; i < n; i++)
		list[i] = normal() * size;
	put(&g_space, &task->g, n);
}

/* Draw a case of n elements a row from its number. */
static void
draw(Case *c, SfsOp op, SfsRegularization reg, size_t n)
{
	SfsShape shape = sfs_op_shape(op);
	SfsTask *task = &c->task;

	memset(task, 0, sizeof(*task));
	task->op = op;
	task->regularization = reg;
	task->direction = below(2) == 0 ? SFS_ASCENDING : SFS_DESCENDING;
	task->standardize = below(3) == 0;
	task->x.type = draw_type();
	task->y.type = draw_type();
	task->g.type = draw_type();
	/* one value a row is always double */
	task->out.type = shape == SFS_SHAPE_ROWS ? SFS_FLOAT64 : draw_type();
	draw_rows(c, n);
	draw_x(c);
	draw_y_and_g(c);
	c->bytes = shape == SFS_SHAPE_ROWS	   ? 2 * task->rows
			   : shape == SFS_SHAPE_MATRIX ? task->rows * n * n
										   : c->count;
	c->bytes *= size_of(task->out.type);
	task->out.data = take(&out_space, c->bytes);
}

/* Say what a level does not do as the portable one does. */
static void
complain(const Case *c, const Level *by, SfsStatus status, SfsStatus want)
{
	const SfsTask *task = &c->task;
	size_t size = size_of(task->out.type);
	size_t i = 0;

	if (shown++ >= SHOWN_MAX)
		return;
	printf("# %s: case %ld: operation %d %s %s%s strength %a on %s, %zu rows of %zu, types %d %d "
		   "%d -> %d: ",
		   by->name, c->number, (int) task->op, sfs_regularization_name(task->regularization),
		   task->direction == SFS_ASCENDING ? "asc" : "desc", task->standardize ? " std" : "",
		   task->strength, data_name(c->kind), task->rows, task->length, (int) task->x.type,
		   (int) task->y.type, (int) task->g.type, (int) task->out.type);
	if (status != want)
	{
		printf("status %d instead of %d\n", (int) status, (int) want);
		return;
	}
	while (memcmp((char *) task->out.data + i * size, expected + i * size, size) == 0)
		i++;
	if (task->out.type == SFS_FLOAT64)
		printf("value %zu is %a instead of %a\n", i, ((double *) task->out.data)[i],
			   ((double *) (void *) expected)[i]);
	else
		printf("value %zu is %a instead of %a\n", i, (double) ((float *) task->out.data)[i],
			   (double) ((float *) (void *) expected)[i]);
}

/* Run a case by one level, in a workspace full of dirt. */
static SfsStatus
run(const Case *c, const char *name, int dirt)
{
	const SfsTask *task = &c->task;
	size_t bytes = (sfs_core_workspace(task) + 7) / 8 * 8;
	char *workspace = take(&work_space, bytes);

	memset(workspace, dirt, bytes < DIRT_MAX ? bytes : DIRT_MAX);
	memset(task->out.data, 0x5a, c->bytes);
	(void) sfs_kernels_force(name);
	return sfs_core_run(task, 0, task->rows, workspace, NULL);
}

/* Run a case by all levels and compare. */
static void
compare(const Case *c)
{
	SfsStatus want = run(c, "portable", 0xff);

	memcpy(expected, c->task.out.data, c->bytes);
	for (size_t l = 0; l < levels; l++)
	{
		SfsStatus status;

		if (!level[l].usable)
			continue;
		status = run(c, level[l].name, 0x11);
		/* outputs count only after success */
		if (status == want && (want != SFS_OK || memcmp(c->task.out.data, expected, c->bytes) == 0))
			continue;
		level[l].wrong++;
		complain(c, &level[l], status, want);
	}
}

/* Draw the next case, of up to `most` rows, and compare it. */
static void
try(SfsOp op, SfsRegularization reg, size_t kind, size_t n, size_t most)
{
	Case c = {.number = number++, .kind = kind, .most = most};

	if (only >= 0 && only != c.number)
		return;
	seed((uint64_t) c.number);
	draw(&c, op, reg, n);
	compare(&c);
}

/* Report what has been compared since the last report. */
static void
report(const char *what)
{
	static long before;

	for (size_t l = 0; l < levels; l++)
	{
		if (level[l].usable)
			ok(level[l].wrong == 0, "%s: %ld of %ld tasks differ: %s", level[l].name,
			   level[l].wrong, number - before, what);
		level[l].wrong = 0;
	}
	before = number;
}

/* A row that kernels are given themselves. */
typedef struct Words
{
	const void *x;
	SfsType type;
	size_t n;
	int bits;  /* of a position */
	int width; /* of a quantized value */
	SfsQuantizer quantizer;
} Words;

/* What the kernels that read and sort rows make of it. */
typedef struct Sorted
{
	uint32_t quantized[WORDS];
	uint32_t word[WORDS];
	uint32_t perm[WORDS];
	double sorted[WORDS];
	double range[2];
	bool finite;
	bool descends;
} Sorted;

/* Draw a row of n values and how it is quantized. */
static Words
draw_words(size_t n)
{
	Words words = {.n = n, .bits = n < 2 ? 1 : 64 - __builtin_clzll((uint64_t) n - 1)};
	SfsInput input = {NULL, draw_type(), false};
	double low = INFINITY;
	double high = -INFINITY;
	double range;

	words.quantizer.sign = below(2) == 0 ? 1.0 : -1.0;
	/* as all levels allow */
	words.width = words.bits + 8 > 32 - words.bits ? 32 - words.bits : words.bits + 8;
	data_fill(below(data_kinds()), 1.0, words.quantizer.sign < 0.0, list, n);
	put(&x_space, &input, n);
	words.x = input.data;
	words.type = input.type;
	for (size_t i = 0; i < n; i++)
	{
		double v = input.type == SFS_FLOAT64 ? ((const double *) input.data)[i]
											 : (double) ((const float *) input.data)[i];

		low = fmin(low, v * words.quantizer.sign);
		high = fmax(high, v * words.quantizer.sign);
	}
	range = high - low;
	words.quantizer.from = high;
	words.quantizer.scale =
		range > 0x1p-900 && range < 0x1p1000 ? (ldexp(1.0, words.width) - 1.0) / range : 0.0;
	return words;
}

/* Let the kernels in use read and sort a row. */
static void
sort_words(const Words *words, Sorted *result)
{
	static uint32_t other[WORDS];
	const SfsKernels *k = sfs_kernels;
	size_t n = words->n;

	memset(result, 0, sizeof(*result));
	k->range(words->x, words->type, n, &result->range[0], &result->range[1]);
	result->finite = k->all_finite(words->x, words->type, n);
	k->quantize(&words->quantizer, words->x, words->type, n, words->bits, result->quantized);
	memcpy(result->word, result->quantized, sizeof(result->word));
	k->sort_words(result->word, other, n, words->bits, words->width);
	/* what lies behind the words is free */
	memset(result->word + n, 0, sizeof(result->word) - n * sizeof(uint32_t));
	result->descends = k->take(result->word, n, (UINT32_C(1) << words->bits) - 1, words->x,
							   words->type, words->quantizer.sign, result->perm, result->sorted);
	/* a zero has any sign */
	result->range[0] += 0.0;
	result->range[1] += 0.0;
}

/* Compare the kernels that read and sort rows by themselves: a task puts right what they do. */
static void
test_kernels(void)
{
	static Sorted want;
	static Sorted result;

	for (size_t i = 0; i < KERNEL_CASES; i++)
	{
		Words words;

		seed((uint64_t) number++);
		words = draw_words(i < WORDS ? i + 1 : below(WORDS) + 1);
		(void) sfs_kernels_force("portable");
		sort_words(&words, &want);
		for (size_t l = 0; l < levels; l++)
			if (level[l].usable)
			{
				(void) sfs_kernels_force(level[l].name);
				sort_words(&words, &result);
				level[l].wrong += memcmp(&result, &want, sizeof(want)) != 0;
			}
	}
	report("kernels that read and sort");
}

/* Return the longest row that an operation gets in the short and dense tests. */
static size_t
limit(SfsOp op, size_t n)
{
	return sfs_op_shape(op) == SFS_SHAPE_MATRIX && n > MATRIX_MAX ? MATRIX_MAX : n;
}

/* Compare many small tasks of any kind. */
static void
test_short(void)
{
	for (size_t i = 0; i < SHORT_CASES; i++)
	{
		SfsOp op = (SfsOp) (i % SFS_OP_COUNT);

		seed((uint64_t) number);
		try(op, (SfsRegularization) below(SFS_REG_COUNT), below(data_kinds()),
			below(limit(op, below(10) == 0 ? 100 : 40)), ROWS_MAX);
	}
	report("short rows");
}

/* Compare many rows of one length, of which a level may take several at once. */
static void
test_many_rows(void)
{
	static const SfsOp ops[] = {SFS_OP_RANK,	 SFS_OP_RANK_VJP, SFS_OP_RANK_JVP,
								SFS_OP_SPEARMAN, SFS_OP_RANK,	  SFS_OP_SOFT_SPEARMAN};

	for (size_t i = 0; i < MANY_CASES; i++)
		try(ops[i % 6], (SfsRegularization) (i % 16 == 0), i / 6 % data_kinds(),
			i / 7 % MANY_LENGTH + 1, MANY_ROWS);
	report("many rows of one length");
}

/* Compare every length up to DENSE by all operations, and Jacobians of some lengths. */
static void
test_lengths(void)
{
	for (size_t n = 0; n <= DENSE; n++)
		for (int op = 0; op < SFS_OP_COUNT; op++)
			for (int reg = 0; reg < SFS_REG_COUNT; reg++)
				/* from HALF on by one regularization, in turn */
				if ((n % 97 == 7 || limit((SfsOp) op, n) == n) &&
					(n < HALF || (n + (size_t) op) % 2 == (size_t) reg))
					try((SfsOp) op, (SfsRegularization) reg, (n + (size_t) op) % data_kinds(), n,
						n % 8 > 0 ? 1 : ROWS_MAX);
	report("every length by every operation");
}

/* Compare every length up to DENSE by all data. */
static void
test_data(void)
{
	static const SfsOp ops[] = {SFS_OP_RANK, SFS_OP_SORT, SFS_OP_SPEARMAN, SFS_OP_RANK};

	for (size_t n = 0; n <= DENSE; n++)
		for (size_t kind = n % DATA_STEP; kind < data_kinds(); kind += DATA_STEP)
			for (int reg = 0; reg < SFS_REG_COUNT; reg++)
				if (n < HALF || (n / 4 + kind) % 2 == (size_t) reg)
					try(ops[(n + kind) % 4], (SfsRegularization) reg, kind, n, 1);
	report("every length by all data");
}

/* Compare rows of two thousand and more by all operations and all data. */
static void
test_medium(void)
{
	static const size_t lengths[] = {1000, 1023, 2048, 4096};

	for (size_t kind = 0; kind < data_kinds(); kind++)
		for (int op = (int) kind % DATA_STEP; op < SFS_OP_COUNT; op += DATA_STEP)
			for (int reg = 0; reg < SFS_REG_COUNT; reg++)
				if (sfs_op_shape((SfsOp) op) != SFS_SHAPE_MATRIX)
					try((SfsOp) op, (SfsRegularization) reg, kind,
						lengths[(kind + (size_t) op) % 4], 1);
	report("rows of thousands");
}

/* Compare long rows: where one word a value ends, and where there are many buckets. */
static void
test_long(void)
{
	static const size_t lengths[] = {32767, 32768, 32769, 100000, LONGEST};
	static const SfsOp ops[] = {SFS_OP_RANK,	 SFS_OP_SORT,		   SFS_OP_RANK_VJP,
								SFS_OP_SPEARMAN, SFS_OP_SOFT_SPEARMAN, SFS_OP_RANK};

	for (size_t l = 0; l < 5; l++)
		for (size_t kind = l % DATA_STEP; kind < data_kinds(); kind += DATA_STEP * (l < 3 ? 1 : 2))
			try(ops[(kind + 2 * l) % 6], (SfsRegularization) ((l + kind / 2) % SFS_REG_COUNT), kind,
				lengths[l], 1);
	report("long rows");
}

/*
 * Compare a row of millions in which one entropic pair is nearer to touching than the
 * solver can tell, and another so near that the bounds of levels may differ on it.
 */
static void
test_touching(void)
{
	const size_t n = TOUCHING;
	const size_t pair = 100;
	double *x = malloc(n * sizeof(double));
	double *out[2] = {malloc(n * sizeof(double)), malloc(n * sizeof(double))};
	double weight = (double) (n - pair);
	SfsTask task = one_row(SFS_OP_RANK, SFS_REG_KL, 1.0, x, n, out[0]);

	number++;
	for (size_t k = 0; k < n; k++)
		x[k] = 2.5 * log((double) (n - k) / weight);
	/* above log(weight / (weight - 1)) by 1 / 2 weight^2 */
	x[pair + 1] = x[pair] - 1.0 / (weight - 1.0) * (1.0 + 0x1p-45);
	x[n - 1] = x[n - 2] - (log(2.0) + 2e-13);
	(void) sfs_kernels_force("portable");
	(void) run_core(&task);
	task.out.data = out[1];
	for (size_t l = 0; l < levels; l++)
		if (level[l].usable)
		{
			(void) sfs_kernels_force(level[l].name);
			level[l].wrong +=
				run_core(&task) != SFS_OK || memcmp(out[0], out[1], n * sizeof(double)) != 0;
		}
	report("a row of millions that nearly touches");
	free(x);
	free(out[0]);
	free(out[1]);
}

/* Find the levels, or the one that the environment names; skip what is not here. */
static void
find_levels(void)
{
	const char *wanted = getenv("KERNELS");
	const char *name;

	/* portable is compared with itself on request: all that differs is the dirt */
	itself = wanted != NULL && strcmp(wanted, "portable") == 0;
	for (size_t i = 0; (name = sfs_kernels_name(i)) != NULL && levels < LEVELS_MAX; i++)
		if (wanted == NULL ? i > 0 : strcmp(wanted, name) == 0)
		{
			level[levels] = (Level){name, sfs_kernels_force(name), 0};
			if (!level[levels].usable)
				ok(true, "%s # SKIP this processor has no %s", name, name);
			levels++;
		}
	if (levels == 0)
		ok(true, "levels # SKIP there is none but portable");
}

int
main(int argc, char **argv)
{
	if (argc > 1)
		only = strtol(argv[1], NULL, 10);
	x_space = map(sizeof(list));
	y_space = map(sizeof(list));
	g_space = map(sizeof(list));
	out_space = map(ROWS_MAX * DENSE * DENSE * sizeof(double));
	work_space = map(LONGEST * 512);
	expected = malloc(out_space.size);
	find_levels();
	test_kernels();
	test_short();
	test_many_rows();
	if (!itself)
	{
		test_lengths();
		test_data();
		test_medium();
		test_long();
		if (only < 0)
			test_touching();
	}
	return done_testing();
}
