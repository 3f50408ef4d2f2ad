/*
 * exact_blocks.c - the core's l2 results against exact rational arithmetic.
 *
 * exact_blocks [N [SEED]] draws N small lists, most of them on or next to a
 * decision, and runs on each soft_rank, soft_sort, a projection, and isotonic
 * regression with and without weights.  Blocks must be those of exact arithmetic
 * on the given doubles, and values within 1e-12 of the largest one (N1, N5), or
 * of the mean |data| of a block where means cancel.
 *
 * The core pools adjacent violators.  Here blocks are the edges of the least
 * concave majorant of the cumulative sums, found by gift wrapping from the left
 * in integers: another algorithm, other arithmetic, no shared code.
 *
 * Output: failures, the first few in full, and as the last line
 * "N cases, M failures".  Exit status: 0 when there is none.
 */
#include <float.h>
#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <gmp.h>

#include "row.h"

#define N_MAX 12
#define SHOWN_MAX 20

_Static_assert(LDBL_MAX_EXP > 4 * DBL_MAX_EXP && LDBL_MANT_DIG >= 64,
			   "needs a long double wider than double");
_Static_assert(sizeof(unsigned long) == 8, "needs 64-bit limbs");

typedef enum Kind
{
	INTEGERS,
	TENTHS,
	HUNDREDTHS,
	WIDE,
	NEAR_TIES,
	OFFSET,
	CHAIN,
	CHAIN_NUDGED,
	HALVES,
	SUBNORMAL,
	HUGE_RANGE,
	KIND_COUNT
} Kind;

static const char *const kind_names[KIND_COUNT] = {"integers",	"tenths",		"hundredths",
												   "wide",		"near_ties",	"offset",
												   "chain",		"chain_nudged", "halves",
												   "subnormal", "huge_range"};

/* One case: what all five problems share. */
typedef struct Case
{
	Kind kind;
	size_t n;
	double strength;
	SfsDirection direction;
	double x[N_MAX];
	double y[N_MAX];	  /* the projection's w */
	double weight[N_MAX]; /* of isotonic regression */
} Case;

/* What exact arithmetic says of one problem. */
typedef struct Answer
{
	size_t blocks;
	size_t start[N_MAX + 1];
	long double value[N_MAX]; /* in the order of the output */
	long double size[N_MAX];  /* values are right within 1e-12 of this */
} Answer;

static uint64_t state;
static long touching; /* problems in which two means were equal */
static int shown;

/* Return 64 pseudorandom bits (splitmix64). */
static uint64_t
bits(void)
{
	uint64_t z = state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

/* Return a pseudorandom integer in [low, high]. */
static int
between(int low, int high)
{
	return low + (int) (bits() % (uint64_t) (high - low + 1));
}

/* Return a pseudorandom number in [0, 1). */
static double
uniform(void)
{
	return (double) (bits() >> 11) * 0x1p-53;
}

/* Move a number by k units in the last place. */
static double
nudge(double v, int k)
{
	for (; k > 0; k--)
		v = nextafter(v, INFINITY);
	for (; k < 0; k++)
		v = nextafter(v, -INFINITY);
	return v;
}

/* Bring a list into random order. */
static void
shuffle(double *v, size_t n)
{
	for (size_t i = n; i > 1; i--)
	{
		size_t j = bits() % i;
		double swap = v[i - 1];

		v[i - 1] = v[j];
		v[j] = swap;
	}
}

/* Return a strength that suits a kind of data. */
static double
draw_strength(Kind kind)
{
	static const double decimals[] = {.1, .2, .5, 1.0, 2.0, 5.0, 10.0, .25, .3, .7};
	static const double tiny[] = {5e-324, 1e-323, 2e-323, 1e-320, 1e-300, 1.0, 1e300, 1e308};
	static const double huge[] = {1.0, 1e-300, 1e300, 1e307, 1e308, 1.7e308, 1e-308, 5e-324};
	int pick = between(0, 19);

	if (pick == 0)
		return 0.0;
	if (pick == 1)
		return pow(10.0, between(-320, 308));
	switch (kind)
	{
		case WIDE:
			return pick < 12 ? pow(10.0, uniform() * 600.0 - 300.0) : 1.0;
		case NEAR_TIES:
			return pick < 12 ? between(1, 8) * 0x1p-53 : decimals[between(0, 9)];
		case SUBNORMAL:
			return pick < 12 ? between(1, 8) * 5e-324 : tiny[between(0, 7)];
		case HUGE_RANGE:
			return huge[between(0, 7)];
		default:
			if (pick < 12)
				return decimals[between(0, 9)];
			if (pick < 16)
				return between(1, 300) / 10.0;
			return pick < 19 ? between(1, 300) / 100.0 : uniform() * 3.0;
	}
}

/* Fill a list with data of a kind. */
static void
draw_list(Kind kind, size_t n, double strength, double *v)
{
	static const double ends[] = {DBL_MAX, -DBL_MAX, 1.7e308, -1.7e308, 1.5e308, -1e308};
	int spread = (int) n;
	double base = between(-50, 50) / (between(0, 1) ? 10.0 : 4.0);
	/* a ramp touches in soft_rank when it rises by the strength, in soft_sort by 1 / strength */
	double step = between(0, 1) ? strength : 1.0 / strength;

	if (!(fabs(step) < 1e300))
		step = 1.0;
	for (size_t i = 0; i < n; i++)
		switch (kind)
		{
			case INTEGERS:
				v[i] = between(0, spread);
				break;
			case TENTHS:
				v[i] = between(-spread, 2 * spread) / 10.0;
				break;
			case HUNDREDTHS:
				v[i] = between(-5 * spread, 5 * spread) / 100.0;
				break;
			case WIDE:
				v[i] = pow(10.0, uniform() * 600.0 - 300.0) * (between(0, 1) ? 1.0 : -1.0);
				break;
			case NEAR_TIES:
				v[i] = nudge(between(1, 2), between(-4, 4));
				break;
			case OFFSET:
				v[i] = 1.7e15 + uniform() * 100.0;
				break;
			case CHAIN:
				v[i] = (double) i * step;
				break;
			case CHAIN_NUDGED:
				v[i] = nudge(base + (double) i * step, between(-1, 1));
				break;
			case HALVES:
				v[i] = between(-spread, spread) * 0.5;
				break;
			case SUBNORMAL:
				v[i] = between(-40, 40) * 5e-324 * (between(0, 9) ? 1.0 : 0x1p40);
				break;
			default:
				v[i] = between(0, 3) ? ends[between(0, 5)] : ends[between(0, 5)] * uniform();
				break;
		}
	if (kind == CHAIN || kind == CHAIN_NUDGED)
		shuffle(v, n);
}

/* Draw a case. */
static void
draw(Case *c)
{
	bool wide = between(0, 9) == 0;

	c->kind = (Kind) between(0, KIND_COUNT - 1);
	c->n = (size_t) between(1, N_MAX);
	c->strength = draw_strength(c->kind);
	c->direction = between(0, 1) ? SFS_ASCENDING : SFS_DESCENDING;
	draw_list(c->kind, c->n, c->strength, c->x);
	if (between(0, 7))
		draw_list(c->kind, c->n, c->strength, c->y);
	else /* touches in the projection: w is z moved by a constant, in another order */
		for (size_t i = 0; i < c->n; i++)
			c->y[c->n - 1 - i] = c->x[i] * 0.5;
	for (size_t i = 0; i < c->n; i++)
		if (wide)
			c->weight[i] = pow(10.0, uniform() * 600.0 - 300.0);
		else
			c->weight[i] = between(0, 1) ? between(1, 4) : between(1, 20) / 10.0;
}

/* Split a number into an odd integer and an exponent; 0 has none. */
static long
split(double v, int *exponent)
{
	long mantissa = (long) (frexp(v, exponent) * 0x1p53);

	*exponent -= 53;
	for (; mantissa != 0 && mantissa % 2 == 0; mantissa /= 2)
		++*exponent;
	return mantissa;
}

/* Lower a unit's exponent so that all numbers of a list are integers in it. */
static int
common_unit(const double *v, size_t n, int unit)
{
	for (size_t i = 0; i < n; i++)
	{
		int exponent;

		if (split(v[i], &exponent) != 0 && exponent < unit)
			unit = exponent;
	}
	return unit;
}

/* Set an integer to v / 2^unit, which is one. */
static void
set_integer(mpz_t z, double v, int unit)
{
	int exponent;
	long mantissa = split(v, &exponent);

	mpz_set_si(z, mantissa);
	if (mantissa != 0)
		mpz_mul_2exp(z, z, (mp_bitcnt_t) (exponent - unit));
}

/* Return num / den * 2^exponent to 63 bits or more; den > 0; both are changed. */
static long double
quotient(mpz_t num, mpz_t den, int exponent)
{
	long shift;

	if (mpz_sgn(num) == 0)
		return 0.0L;
	shift = 64 - (long) mpz_sizeinbase(num, 2) + (long) mpz_sizeinbase(den, 2);
	if (shift >= 0)
		mpz_mul_2exp(num, num, (mp_bitcnt_t) shift);
	else
		mpz_mul_2exp(den, den, (mp_bitcnt_t) -shift);
	mpz_tdiv_q(num, num, den);
	/* 64 or 65 bits: lose the last one */
	mpz_tdiv_q_2exp(den, num, 1);
	return ldexpl((long double) mpz_get_ui(den) * mpz_sgn(num), (int) (exponent - shift + 1));
}

/* Numbers of one problem; initialized once. */
static struct
{
	mpz_t v[N_MAX];			/* the sorted list */
	mpz_t strength;			/* in the unit of the problem */
	mpz_t y[N_MAX];			/* what is regressed, times its weight */
	mpz_t mass[N_MAX];		/* its weight */
	mpz_t sum[N_MAX + 1];	/* cumulative y */
	mpz_t total[N_MAX + 1]; /* cumulative weight */
	mpz_t rise, run, best_rise, best_run, left, right;
	mpz_t num, den, block;
} big;

/* Initialize all numbers. */
static void
big_init(void)
{
	mpz_t *single[] = {&big.strength, &big.rise,  &big.run, &big.best_rise, &big.best_run,
					   &big.left,	  &big.right, &big.num, &big.den,		&big.block};

	for (size_t i = 0; i < N_MAX; i++)
	{
		mpz_init(big.v[i]);
		mpz_init(big.y[i]);
		mpz_init(big.mass[i]);
	}
	for (size_t i = 0; i <= N_MAX; i++)
	{
		mpz_init(big.sum[i]);
		mpz_init(big.total[i]);
	}
	for (size_t i = 0; i < sizeof(single) / sizeof(single[0]); i++)
		mpz_init(*single[i]);
}

/*
 * Find the blocks of the falling regression of y / mass: corners of the least
 * concave majorant of (total, sum).  From a corner the next one is where the
 * slope is greatest, the last such point if there are several.
 */
static void
find_blocks(size_t n, bool weighted, Answer *answer)
{
	bool touch = false;

	mpz_set_ui(big.sum[0], 0);
	mpz_set_ui(big.total[0], 0);
	for (size_t i = 0; i < n; i++)
	{
		mpz_add(big.sum[i + 1], big.sum[i], big.y[i]);
		if (weighted)
			mpz_add(big.total[i + 1], big.total[i], big.mass[i]);
	}
	answer->blocks = 0;
	for (size_t corner = 0; corner < n;)
	{
		size_t best = corner + 1;

		answer->start[answer->blocks++] = corner;
		mpz_sub(big.best_rise, big.sum[best], big.sum[corner]);
		if (weighted)
			mpz_sub(big.best_run, big.total[best], big.total[corner]);
		for (size_t j = best + 1; j <= n; j++)
		{
			int order;

			mpz_sub(big.rise, big.sum[j], big.sum[corner]);
			if (weighted)
			{
				mpz_sub(big.run, big.total[j], big.total[corner]);
				mpz_mul(big.left, big.rise, big.best_run);
				mpz_mul(big.right, big.best_rise, big.run);
			}
			else
			{
				mpz_mul_ui(big.left, big.rise, best - corner);
				mpz_mul_ui(big.right, big.best_rise, j - corner);
			}
			order = mpz_cmp(big.left, big.right);
			if (order < 0)
				continue;
			touch = touch || order == 0;
			best = j;
			mpz_swap(big.best_rise, big.rise);
			mpz_swap(big.best_run, big.run);
		}
		corner = best;
	}
	answer->start[answer->blocks] = n;
	touching += touch;
}

/* Order doubles: the larger first. */
static int
larger_first(const void *a, const void *b)
{
	double x = *(const double *) a;
	double y = *(const double *) b;

	return x < y ? 1 : x > y ? -1 : 0;
}

/* Write a list, negated on request, sorted to descend. */
static void
sort_list(const double *v, size_t n, bool negate, double *sorted)
{
	for (size_t i = 0; i < n; i++)
		sorted[i] = negate ? -v[i] : v[i];
	qsort(sorted, n, sizeof(double), larger_first);
}

/* Return the largest mean of |v| over a block, v being in the order of the blocks. */
static long double
largest_mean(const Answer *answer, const double *v, const double *weight)
{
	long double largest = 0.0L;

	for (size_t block = 0; block < answer->blocks; block++)
	{
		long double sum = 0.0L;
		long double total = 0.0L;

		for (size_t k = answer->start[block]; k < answer->start[block + 1]; k++)
		{
			long double w = weight == NULL ? 1.0L : (long double) weight[k];

			sum += w * fabsl((long double) v[k]);
			total += w;
		}
		largest = fmaxl(largest, sum / total);
	}
	return largest;
}

/* Set the size of all values to the largest of them and of a number. */
static void
set_size(Answer *answer, size_t n, long double size)
{
	for (size_t i = 0; i < n; i++)
		size = fmaxl(size, fabsl(answer->value[i]));
	for (size_t i = 0; i < n; i++)
		answer->size[i] = size;
}

/* Solve soft_rank: v / s against n, n - 1, ..., 1, all times s. */
static void
solve_rank(const Case *c, Answer *answer)
{
	bool negate = c->direction == SFS_DESCENDING;
	double sorted[N_MAX];
	int unit = common_unit(&c->strength, 1, common_unit(c->x, c->n, 2000));

	sort_list(c->x, c->n, negate, sorted);
	set_integer(big.strength, c->strength, unit);
	for (size_t k = 0; k < c->n; k++)
	{
		set_integer(big.v[k], sorted[k], unit);
		mpz_set(big.y[k], big.v[k]);
		mpz_submul_ui(big.y[k], big.strength, c->n - k);
	}
	find_blocks(c->n, false, answer);
	for (size_t i = 0; i < c->n; i++)
	{
		double v = negate ? -c->x[i] : c->x[i];
		size_t block = 0;
		size_t k = 0;
		size_t m;

		while (sorted[k] != v)
			k++;
		while (answer->start[block + 1] <= k)
			block++;
		m = answer->start[block + 1] - answer->start[block];
		if (c->strength == 0.0)
		{
			/* the mean of n - start, ..., n - end + 1 */
			answer->value[i] =
				(long double) c->n - ((long double) answer->start[block] +
									  (long double) answer->start[block + 1] - 1.0L) /
										 2.0L;
			continue;
		}
		/* (v - mean y) / s */
		mpz_mul_ui(big.num, big.v[k], m);
		mpz_sub(big.num, big.num, big.sum[answer->start[block + 1]]);
		mpz_add(big.num, big.num, big.sum[answer->start[block]]);
		mpz_mul_ui(big.den, big.strength, m);
		answer->value[i] = quotient(big.num, big.den, 0);
	}
	set_size(answer, c->n, 0.0L);
}

/* Solve soft_sort: (n, n - 1, ..., 1) / s against v, all times s. */
static void
solve_sort(const Case *c, Answer *answer)
{
	double sign = c->direction == SFS_ASCENDING ? -1.0 : 1.0;
	double sorted[N_MAX];
	int strength_unit = common_unit(&c->strength, 1, 2000);
	int x_unit = common_unit(c->x, c->n, 2000);
	int unit = strength_unit + x_unit;

	sort_list(c->x, c->n, sign < 0.0, sorted);
	set_integer(big.strength, c->strength, strength_unit);
	if (unit > 0) /* 1 must be an integer as well */
	{
		x_unit -= unit;
		unit = 0;
	}
	for (size_t k = 0; k < c->n; k++)
	{
		set_integer(big.v[k], sorted[k], x_unit);
		mpz_set_ui(big.mass[k], c->n - k);
		mpz_mul_2exp(big.mass[k], big.mass[k], (mp_bitcnt_t) -unit);
		mpz_set(big.y[k], big.mass[k]);
		mpz_submul(big.y[k], big.v[k], big.strength);
	}
	find_blocks(c->n, false, answer);
	for (size_t block = 0; block < answer->blocks; block++)
		for (size_t k = answer->start[block]; k < answer->start[block + 1]; k++)
		{
			size_t m = answer->start[block + 1] - answer->start[block];

			if (m == 1)
			{
				answer->value[k] = (long double) (sign * sorted[k]);
				continue;
			}
			/* ((n - k) - mean y) / s */
			mpz_mul_ui(big.num, big.mass[k], m);
			mpz_sub(big.num, big.num, big.sum[answer->start[block + 1]]);
			mpz_add(big.num, big.num, big.sum[answer->start[block]]);
			mpz_mul_ui(big.den, big.strength, m);
			answer->value[k] =
				(long double) sign * quotient(big.num, big.den, unit - strength_unit);
		}
	set_size(answer, c->n, largest_mean(answer, sorted, NULL));
}

/* Solve the projection of x on the permutahedron of y. */
static void
solve_projection(const Case *c, Answer *answer)
{
	double z[N_MAX];
	double w[N_MAX];
	int unit = common_unit(c->y, c->n, common_unit(c->x, c->n, 2000));

	sort_list(c->x, c->n, false, z);
	sort_list(c->y, c->n, false, w);
	for (size_t k = 0; k < c->n; k++)
	{
		set_integer(big.v[k], z[k], unit);
		set_integer(big.y[k], w[k], unit);
		mpz_sub(big.y[k], big.v[k], big.y[k]);
	}
	find_blocks(c->n, false, answer);
	for (size_t i = 0; i < c->n; i++)
	{
		size_t block = 0;
		size_t k = 0;
		size_t m;

		while (z[k] != c->x[i])
			k++;
		while (answer->start[block + 1] <= k)
			block++;
		m = answer->start[block + 1] - answer->start[block];
		mpz_mul_ui(big.num, big.v[k], m);
		mpz_sub(big.num, big.num, big.sum[answer->start[block + 1]]);
		mpz_add(big.num, big.num, big.sum[answer->start[block]]);
		mpz_set_ui(big.den, m);
		answer->value[i] = quotient(big.num, big.den, unit);
	}
	set_size(answer, c->n, fmaxl(largest_mean(answer, z, NULL), largest_mean(answer, w, NULL)));
}

/*
 * Solve isotonic regression, and its derivative at g = 1, 2, 4, ..., which tells
 * the blocks.
 */
static void
solve_isotonic(const Case *c, bool weighted, Answer *answer, Answer *slope)
{
	double sign = c->direction == SFS_ASCENDING ? -1.0 : 1.0;
	int unit = common_unit(c->x, c->n, 2000);
	int weight_unit = common_unit(c->weight, c->n, 2000);

	for (size_t k = 0; k < c->n; k++)
	{
		set_integer(big.y[k], sign * c->x[k], unit);
		if (weighted)
		{
			set_integer(big.mass[k], c->weight[k], weight_unit);
			mpz_mul(big.y[k], big.y[k], big.mass[k]);
		}
		else
			mpz_set_ui(big.mass[k], 1);
	}
	find_blocks(c->n, weighted, answer);
	for (size_t block = 0; block < answer->blocks; block++)
	{
		size_t a = answer->start[block];
		size_t b = answer->start[block + 1];
		long double value;

		if (weighted)
			mpz_sub(big.block, big.total[b], big.total[a]);
		else
			mpz_set_ui(big.block, b - a);
		mpz_sub(big.num, big.sum[b], big.sum[a]);
		mpz_set(big.den, big.block);
		value = (long double) sign * quotient(big.num, big.den, unit);
		for (size_t k = a; k < b; k++)
		{
			answer->value[k] = value;
			mpz_mul_ui(big.num, big.mass[k], (1ul << b) - (1ul << a));
			mpz_set(big.den, big.block);
			slope->value[k] = quotient(big.num, big.den, 0);
			/* a small share of a block may underflow; a large one tells the block */
			slope->size[k] = fabsl(slope->value[k]) + 1e-100L;
		}
	}
	set_size(answer, c->n, largest_mean(answer, c->x, weighted ? c->weight : NULL));
}

/* Report a failure, the first few in full; return false. */
static bool __attribute__((format(printf, 3, 4)))
complain(const Case *c, const char *what, const char *format, ...)
{
	const double *lists[] = {c->x, c->y, c->weight};
	va_list args;

	if (shown++ >= SHOWN_MAX)
		return false;
	printf("# %s: %s: ", kind_names[c->kind], what);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf("\n#   %s strength %a", c->direction == SFS_ASCENDING ? "asc" : "desc", c->strength);
	for (size_t l = 0; l < 3; l++)
	{
		printf("\n#   %s:", l == 0 ? "x" : l == 1 ? "y" : "weight");
		for (size_t i = 0; i < c->n; i++)
			printf(" %a", lists[l][i]);
	}
	printf("\n");
	return false;
}

/* Make the task of a case. */
static SfsTask
make_task(const Case *c, SfsOp op, double *out)
{
	SfsTask task = {
		.op = op,
		.regularization = SFS_REG_L2,
		.direction = c->direction,
		.strength = c->strength,
		.rows = 1,
		.length = c->n,
		.x = {c->x, SFS_FLOAT64, false},
		.out = {out, SFS_FLOAT64},
	};

	return task;
}

/* Return a workspace for a task; it is kept and grows. */
static char *
workspace(const SfsTask *task, size_t *bytes)
{
	static char *space;
	static size_t size;

	*bytes = sfs_core_workspace(task);
	if (*bytes > size)
	{
		free(space);
		size = *bytes;
		space = malloc(size);
		if (space == NULL)
			abort();
	}
	return space;
}

/* Compare the blocks that a fit finds. */
static bool
check_blocks(const Case *c, const SfsTask *task, const char *what, const Answer *answer)
{
	size_t bytes;
	char *space = workspace(task, &bytes);
	SfsPoll poll = {NULL, SFS_POLL_CREDIT};
	SfsRow row = {.task = task,
				  .n = c->n,
				  .x = task->x,
				  .y = task->y,
				  .arena = {space, space + bytes},
				  .poll = &poll};
	const double *w;
	SfsFit fit;
	SfsStatus status;

	if (task->op == SFS_OP_RANK)
		status = sfs_fit_rank(&row, &row.x, &fit);
	else if (task->op == SFS_OP_SORT)
		status = sfs_fit_sort(&row, &fit);
	else
		status = sfs_fit_projection(&row, &fit, &w);
	if (status != SFS_OK)
		return complain(c, what, "the fit fails with %d", (int) status);
	if (fit.blocks != answer->blocks)
		return complain(c, what, "%zu blocks instead of %zu", fit.blocks, answer->blocks);
	for (size_t k = 0; k <= fit.blocks; k++)
		if (fit.start[k] != answer->start[k])
			return complain(c, what, "block %zu starts at %u instead of %zu", k, fit.start[k],
							answer->start[k]);
	return true;
}

/* Run a task and compare its values. */
static bool
check_values(const Case *c, const SfsTask *task, const char *what, const Answer *answer)
{
	const double *out = task->out.data;
	long double largest = 0.0L;
	size_t bytes;
	char *space = workspace(task, &bytes);
	SfsStatus status = sfs_core_run(task, 0, 1, space, NULL);

	for (size_t i = 0; i < c->n; i++)
		largest = fmaxl(largest, fabsl(answer->value[i]));
	/* next to the largest double either status is right */
	if (status == SFS_OUT_OF_RANGE && largest > (long double) DBL_MAX * (1.0L - 1e-12L))
		return true;
	if (status != SFS_OK || largest > (long double) DBL_MAX * (1.0L + 1e-12L))
		return complain(c, what, "status %d where the largest value is %Lg", (int) status, largest);
	for (size_t i = 0; i < c->n; i++)
	{
		long double want = answer->value[i];

		if (!(fabsl((long double) out[i] - want) <= 1e-12L * answer->size[i] + 0x1p-1074L))
			return complain(c, what, "value %zu is %.17g instead of %.20Lg", i, out[i], want);
	}
	return true;
}

/* Check isotonic regression: its values, and its blocks by what a derivative spreads. */
static bool
check_isotonic(const Case *c, bool weighted)
{
	static const double powers[N_MAX] = {1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048};
	const char *what = weighted ? "isotonic, weighted" : "isotonic";
	double out[N_MAX];
	SfsTask task = make_task(c, SFS_OP_ISOTONIC, out);
	Answer answer;
	Answer slope;

	if (weighted)
		task.y.data = c->weight;
	solve_isotonic(c, weighted, &answer, &slope);
	if (!check_values(c, &task, what, &answer))
		return false;
	for (size_t k = 0; k + 1 < c->n; k++)
		if (c->direction == SFS_ASCENDING ? out[k] > out[k + 1] : out[k] < out[k + 1])
			return complain(c, what, "values %zu and %zu are not in order", k, k + 1);
	task.op = SFS_OP_ISOTONIC_VJP;
	task.g.data = powers;
	return check_values(c, &task, weighted ? "isotonic vjp, weighted" : "isotonic vjp", &slope);
}

/* Run a case; return whether all is well. */
static bool
run(const Case *c)
{
	double out[N_MAX];
	SfsTask task = make_task(c, SFS_OP_RANK, out);
	Answer answer;
	bool passed;

	solve_rank(c, &answer);
	passed = check_blocks(c, &task, "soft_rank", &answer) &&
			 check_values(c, &task, "soft_rank", &answer);
	task.op = SFS_OP_SORT;
	solve_sort(c, &answer);
	passed = check_blocks(c, &task, "soft_sort", &answer) &&
			 check_values(c, &task, "soft_sort", &answer) && passed;
	task.op = SFS_OP_PROJECTION;
	task.y.data = c->y;
	solve_projection(c, &answer);
	passed = check_blocks(c, &task, "projection", &answer) &&
			 check_values(c, &task, "projection", &answer) && passed;
	passed = check_isotonic(c, false) && passed;
	return check_isotonic(c, true) && passed;
}

int
main(int argc, char **argv)
{
	long count = argc > 1 ? atol(argv[1]) : 1000000;
	long failures = 0;

	state = argc > 2 ? strtoull(argv[2], NULL, 0) : 1;
	if (count <= 0)
	{
		fprintf(stderr, "exact_blocks: bad number of cases: %s\n", argv[1]);
		return 2;
	}
	big_init();
	for (long i = 0; i < count; i++)
	{
		Case c;

		draw(&c);
		failures += !run(&c);
	}
	printf("# %ld problems, %ld with equal means\n", 5 * count, touching);
	printf("%ld cases, %ld failures\n", count, failures);
	return failures > 0;
}
