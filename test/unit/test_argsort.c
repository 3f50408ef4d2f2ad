/*
 * test_argsort.c - sfs_argsort against qsort by value, then position: every
 * length up to 300 and some long ones, double and float, both directions, and
 * data that is hard on a radix sort, above all doubles whose leading 32 key
 * bits agree in runs.  Guard words stand around everything that is written.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "argsort.h"
#include "elementary.h"
#include "tap.h"

#define LONGEST 1000000
#define GUARD UINT64_C(0xa5c3f00d12345678)

/* A value and where it stood. */
typedef struct Item
{
	double value;
	uint32_t position;
} Item;

static double x[LONGEST];
static float narrow[LONGEST];
static Item item[LONGEST];
static long wrong;

/* Compare for qsort: descending by value, then by position. */
static int
compare(const void *a, const void *b)
{
	const Item *p = a;
	const Item *q = b;

	if (p->value != q->value)
		return p->value > q->value ? -1 : 1;
	return p->position < q->position ? -1 : p->position > q->position;
}

/* Put guard words around an array of bytes; return the array. */
static void *
guarded(size_t bytes)
{
	char *memory = malloc(bytes + 16);
	uint64_t guard = GUARD;

	memset(memory, 0x5a, bytes + 16);
	memcpy(memory, &guard, 8);
	memcpy(memory + 8 + bytes, &guard, 8);
	return memory + 8;
}

/* Check the guard words of an array and free it. */
static bool
release(void *array, size_t bytes)
{
	char *memory = (char *) array - 8;
	uint64_t guard = GUARD;
	bool intact = memcmp(memory, &guard, 8) == 0 && memcmp(memory + 8 + bytes, &guard, 8) == 0;

	free(memory);
	return intact;
}

/* Sort the first n of x or narrow by one of the two ways and compare with item. */
static bool
is_sorted_by(bool by_keys, SfsType type, bool negate, size_t n)
{
	uint32_t *perm = guarded(n * sizeof(uint32_t));
	double *sorted = guarded(n * sizeof(double));
	uint64_t *scratch = guarded(SFS_ARGSORT_SCRATCH(n));
	SfsPoll poll = {NULL, SFS_POLL_CREDIT};
	const void *data = type == SFS_FLOAT64 ? (const void *) x : (const void *) narrow;
	double low;
	double high;
	bool right = !sfs_range(data, type, negate, n, &low, &high, &poll);

	if (by_keys)
		right = right && sfs_keysort(data, type, negate, n, perm, sorted, scratch, &poll) == SFS_OK;
	else
		right = right && sfs_argsort(data, type, negate, n, low, high, perm, sorted, scratch,
									 &poll) == SFS_OK;
	for (size_t i = 0; i < n; i++)
		right = right && perm[i] == item[i].position &&
				sfs_double_bits(sorted[i]) == sfs_double_bits(item[i].value);
	right = n == 0 || (right && low == item[n - 1].value && high == item[0].value);
	right = release(perm, n * sizeof(uint32_t)) && right;
	right = release(sorted, n * sizeof(double)) && right;
	right = release(scratch, SFS_ARGSORT_SCRATCH(n)) && right;
	return right;
}

/* Sort by qsort, and check both ways against it. */
static void
check(SfsType type, bool negate, size_t n)
{
	for (size_t i = 0; i < n; i++)
	{
		double value = type == SFS_FLOAT64 ? x[i] : (double) narrow[i];

		item[i].value = (negate ? -value : value) + 0.0; /* never -0 */
		item[i].position = (uint32_t) i;
	}
	qsort(item, n, sizeof(Item), compare);
	wrong += !is_sorted_by(false, type, negate, n);
	wrong += !is_sorted_by(true, type, negate, n);
}

/* Check both types and directions; narrow is x, rounded. */
static void
check_all(size_t n)
{
	for (size_t i = 0; i < n; i++)
		narrow[i] = (float) x[i];
	for (int negate = 0; negate < 2; negate++)
	{
		check(SFS_FLOAT64, negate, n);
		check(SFS_FLOAT32, negate, n);
	}
}

/* The kinds of data. */
static const char *const kinds[] = {
	"normal deviates",
	"all equal",
	"two values",
	"sawtooth",
	"sorted",
	"reversed",
	"signed zeros",
	"subnormals",
	"infinities and zeros",
	"any bit pattern",
	"few distinct values",
	"near one value",
	"integers",
	"sorted with ties",
	"reversed with ties",
	"sorted but for the last",
	"reversed but for the last",
	"two magnitudes",
	"one far outlier",
	"a geometric series",
	"lognormal, wide",
	"organ pipe",
	"median of three killer",
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

/* Return one element of a kind of data. */
static double
element(size_t kind, size_t i, size_t n)
{
	double any;

	switch (kind)
	{
		case 0:
			return normal();
		case 1:
			return -3.25;
		case 2:
			return below(2) ? 1.0 : nextafter(1.0, 2.0);
		case 3:
			return (double) (i % 7) - (i % 2 ? 0.5 : 0.0);
		case 4:
			return (double) i * 0.1 - 5.0;
		case 5:
			return (double) (n - i) * 0.1 - 5.0;
		case 6:
			return below(2) ? 0.0 : -0.0;
		case 7:
			return (below(2) ? 1.0 : -1.0) * (double) below(below(2) ? 10 : 1000000) * 0x1p-1074;
		case 8:
			return below(3) == 0 ? INFINITY : below(2) ? -INFINITY : below(2) ? 0.0 : -0.0;
		case 9:
			any = sfs_bits_double((uint64_t) (uniform() * 0x1p53) << 11 | below(2048));
			return isnan(any) ? 1.0 : any;
		case 10:
			return exp2((double) below(20)) * (below(2) ? 1.0 : -1.0);
		case 11:
			return sfs_bits_double(sfs_double_bits(1.0) - 1000 + (uint64_t) below(2000));
		case 12:
			return (double) below(2 * n + 1) - (double) n;
		case 13:
			return (double) (i / 3);
		case 14:
			return -(double) (i / 3);
		case 15:
			return i + 1 == n ? -0.5 : (double) i * 0.1;
		case 16:
			return i + 1 == n ? 0.5 : -(double) i * 0.1;
		case 17:
			return below(2) ? normal() * 1e300 : normal() * 1e-300;
		case 18:
			return i == n / 2 ? 1e30 : normal();
		case 19:
			return ldexp(1.0 + uniform(), (int) (i * 2000 / (n + 1)) - 1000);
		case 20:
			return exp(20.0 * normal());
		case 21:
			return (double) (i < n / 2 ? i : n - i);
		default: /* Musser's sequence, against pivots at the ends and the middle */
			if (i < n / 2)
				return (double) (i % 2 ? n / 2 + i : i + 1);
			return 2.0 * (double) (i - n / 2 + 1);
	}
}

/* Test every kind at short lengths, and at some longer ones. */
static void
test_kinds(void)
{
	for (size_t kind = 0; kind < KINDS; kind++)
	{
		wrong = 0;
		for (size_t n = 0; n <= 300; n++)
		{
			for (size_t i = 0; i < n; i++)
				x[i] = element(kind, i, n);
			check_all(n);
		}
		for (size_t i = 0; i < 20000; i++)
			x[i] = element(kind, i, 20000);
		check_all(20000);
		ok(wrong == 0, "%s: lengths 0 to 300 and 20000, %ld wrong", kinds[kind], wrong);
	}
}

/*
 * Fill x with runs: within a run only the low `bits` key bits differ, and runs
 * are so far apart that 32 bits between the extremes are cut off.
 */
static size_t
fill_runs(size_t run, size_t runs, int bits, bool shuffled)
{
	size_t n = 0;

	x[n++] = 1e300;
	x[n++] = -1e300;
	for (size_t r = 0; r < runs; r++)
	{
		double value = ldexp(1.0 + (double) r, r % 2 ? 40 : -40) * (r % 3 ? 1.0 : -1.0);

		for (size_t i = 0; i < run; i++)
			x[n++] = sfs_bits_double(sfs_double_bits(value) + (uint64_t) below((size_t) 1 << bits));
	}
	for (size_t i = n; shuffled && i > 1; i--)
	{
		size_t j = below(i);
		double swap = x[i - 1];

		x[i - 1] = x[j];
		x[j] = swap;
	}
	return n;
}

/* Test runs of equal leading key bits of many lengths. */
static void
test_runs(void)
{
	static const size_t lengths[] = {2, 3, 23, 24, 25, 26, 63, 64, 65, 66, 127, 128, 1000, 100000};

	for (size_t l = 0; l < sizeof(lengths) / sizeof(lengths[0]); l++)
	{
		size_t run = lengths[l];
		size_t runs = run > 5000 ? 1 : 5000 / run;

		wrong = 0;
		for (int bits = 1; bits <= 31; bits += run > 5000 ? 15 : 3)
			for (int shuffled = 0; shuffled < 2; shuffled++)
			{
				size_t n = fill_runs(run, runs, bits, shuffled);

				check(SFS_FLOAT64, false, n);
				check(SFS_FLOAT64, true, n);
				/* few runs, so that the whole row may be short */
				n = fill_runs(run, runs < 2 ? 1 : 2, bits, shuffled);
				check(SFS_FLOAT64, false, n);
				check(SFS_FLOAT64, true, n);
			}
		ok(wrong == 0, "runs of %zu with equal leading key bits, %ld wrong", run, wrong);
	}
	wrong = 0;
	for (size_t run = 1; run <= 300; run++)
	{
		size_t n = fill_runs(run, 1, 20, true);

		check(SFS_FLOAT64, run % 2, n);
	}
	ok(wrong == 0, "one run of any length up to 300 between extremes, %ld wrong", wrong);
}

/* Test long rows: random, runs at the end of a row, ties. */
static void
test_long(void)
{
	static const size_t lengths[] = {100000, LONGEST};

	for (size_t l = 0; l < 2; l++)
	{
		size_t n = lengths[l];

		wrong = 0;
		for (size_t i = 0; i < n; i++)
			x[i] = l == 0 ? element(9, i, n) : normal();
		for (size_t i = 0; i < n; i++)
			narrow[i] = (float) x[i];
		check(SFS_FLOAT64, false, n);
		check(SFS_FLOAT32, true, n);
		for (size_t i = 0; i < n; i++)
			x[i] = i % 2 ? (double) below(1000) : 1e9 + uniform() * 1e-3;
		check(SFS_FLOAT64, true, n);
		ok(wrong == 0, "rows of %zu, %ld wrong", n, wrong);
	}
}

int
main(void)
{
	test_kinds();
	test_runs();
	test_long();
	return done_testing();
}
