/*
 * data.c - see data.h.
 */
#include "data.h"

#include <float.h>
#include <math.h>
#include <stdint.h>

#include "tap.h"

typedef enum Kind
{
	DEVIATES,
	TIES,
	INTEGERS,
	DECIMALS,
	LOGNORMAL,
	OUTLIER,
	SUBNORMALS,
	ZEROS,
	OFFSET,
	GEOMETRIC,
	EXPONENTS,
	HUGE_VALUES,
	SAWTOOTH,
	ORGAN_PIPE,
	MEDIAN_KILLER,
	SAMPLE_KILLER,
	SORTED,
	REVERSED,
	NEARLY_SORTED,
	NEAR_TIES,
	LEADING_BITS,
	CROWD,
	CHAIN,
	CHAIN_NUDGED,
	CHAIN_LOOSE,
	LOG_CHAIN,
	LOG_CHAIN_LOOSE,
	AVALANCHE,
	LOG_AVALANCHE,
	CLUSTERS,
	KINDS
} Kind;

static const char *const names[KINDS] = {"deviates",
										 "ties",
										 "integers",
										 "decimals",
										 "lognormal",
										 "an outlier",
										 "subnormals",
										 "zeros",
										 "offset",
										 "geometric series",
										 "all exponents",
										 "huge",
										 "sawtooth",
										 "organ pipe",
										 "median killer",
										 "sample killer",
										 "sorted",
										 "reversed",
										 "nearly sorted",
										 "near ties",
										 "leading bits agree",
										 "crowd",
										 "chain",
										 "nudged chain",
										 "loose chain",
										 "log chain",
										 "loose log chain",
										 "avalanche",
										 "log avalanche",
										 "clusters"};

/* See data.h. */
void
shuffle(double *x, size_t n)
{
	for (size_t i = n; i > 1; i--)
	{
		size_t j = below(i);
		double swap = x[i - 1];

		x[i - 1] = x[j];
		x[j] = swap;
	}
}

/* Return a random sign. */
static double
sign(void)
{
	return uniform() < 0.5 ? -1.0 : 1.0;
}

/* Move a number by up to k units in the last place. */
static double
nudge(double v, size_t k)
{
	double toward = sign() * INFINITY;

	for (size_t i = below(k + 1); i > 0; i--)
		v = nextafter(v, toward);
	return v;
}

/* Return element i of n; neighbours in a chain are a step apart. */
static double
element(Kind kind, size_t i, size_t n, double step)
{
	double at = (double) i;

	switch (kind)
	{
		case TIES:
			return (double) below(10);
		case INTEGERS:
			return at;
		case DECIMALS:
			return (double) below(10 * n) / 10.0;
		case LOGNORMAL:
			return exp(5.0 * normal());
		case OUTLIER:
			return i == n / 2 ? 1e30 : normal();
		case SUBNORMALS:
			return sign() * (double) below(100) * 5e-324;
		case ZEROS:
			return sign() * (below(8) > 0 ? 0.0 : 5e-324);
		case OFFSET:
			return 1.7e9 + floor(uniform() * 1e9) / 1e6;
		case GEOMETRIC:
			return ldexp(1.0, (int) (2000 * i / n) - 1000);
		case EXPONENTS:
			return sign() * ldexp(1.0 + uniform(), (int) below(2040) - 1020);
		case HUGE_VALUES:
			return sign() * DBL_MAX * (below(3) == 0 ? 1.0 : uniform());
		case SAWTOOTH:
			return (double) (i % 7) + (double) (i / 49) * 0.125;
		case ORGAN_PIPE:
			return (double) (i < n / 2 ? i : n - i);
		case MEDIAN_KILLER: /* of the median of three */
			return (double) (i >= n / 2 ? 2 * (i - n / 2) : i % 2 == 0 ? i + 1 : n / 2 + i);
		case SORTED:
			return floor(at * 0.75);
		case REVERSED:
			return -at * 0.3;
		case NEARLY_SORTED:
			return below(50) == 0 ? uniform() * (double) n : at;
		case NEAR_TIES:
			return nudge((double) (1 + below(2)), 6);
		case LEADING_BITS:
			return i == 0 ? 1e300 : 1.0 + (double) below(1 << 20) * 0x1p-50;
		case CROWD: /* where equal steps part most values, some near 0 excepted */
			return below(60) > 0 ? uniform() : ldexp(uniform(), -(int) below(900));
		case CHAIN:
			return at * step;
		case CHAIN_NUDGED:
			return nudge(at * step, 3);
		case CHAIN_LOOSE: /* blocks of many lengths */
			return (at + 3.0 * normal()) * step;
		case LOG_CHAIN: /* touches in the entropic soft rank */
			return nudge(log(at + 1.0) * step, 2);
		case LOG_CHAIN_LOOSE:
			return log(at + 1.0) * step * (1.0 + 1e-13 * normal());
		case AVALANCHE: /* ties take in one after another of a chain that is apart */
			return (at < (double) n * 0.25 ? floor((double) n * 0.25) : at) * -1.01 * step;
		case LOG_AVALANCHE:
			return log((double) n - (at < (double) n * 0.25 ? floor((double) n * 0.25) : at)) *
				   1.01 * step;
		case CLUSTERS:
			return ((i % 2 == 0 ? 1e6 : -1e6) + normal()) * step;
		default:
			return normal();
	}
}

#define WORDS_MAX 32768
#define LEAF_MAX 256
#define LANES 16
#define UNSET UINT32_MAX

/* Deal ids into `to` as the partition of avx512_sort.c does; return how many are below. */
static size_t
deal(const uint32_t *from, uint32_t *to, size_t n, const uint32_t *rank, uint32_t pivot)
{
	size_t front = 0;
	size_t back = n;

	for (size_t i = 0; i < n; i += LANES)
	{
		size_t end = i + LANES <= n ? i + LANES : n;
		size_t high;

		for (size_t k = i; k < end; k++)
			back -= rank[from[k]] >= pivot;
		high = back;
		for (size_t k = i; k < end; k++)
			if (rank[from[k]] < pivot)
				to[front++] = from[k];
			else
				to[high++] = from[k];
	}
	return front;
}

/* Rank the sampled ids before all that come later; return the median's rank. */
static uint32_t
rank_sample(const uint32_t *id, size_t n, uint32_t *rank, uint32_t *next, uint64_t *state)
{
	uint32_t sample[LANES];

	for (size_t i = 0; i < LANES; i++)
	{
		uint32_t *one;

		*state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
		one = &rank[id[(*state >> 32) * n >> 32]];
		if (*one == UNSET)
			*one = (*next)++;
		sample[i] = *one;
		for (size_t k = i; k > 0 && sample[k - 1] > sample[k]; k--)
		{
			uint32_t swap = sample[k];

			sample[k] = sample[k - 1];
			sample[k - 1] = swap;
		}
	}
	return sample[LANES / 2];
}

/*
 * Fill a list with the worst case of avx512_sort.c: wherever it looks for a pivot, it
 * finds the smallest words, until it resorts to its heap.
 */
static void
fill_killer(double *x, size_t n, bool negate)
{
	static uint32_t place[2][WORDS_MAX];
	static uint32_t rank[WORDS_MAX];
	uint32_t *from = place[0];
	uint32_t *to = place[1];
	uint32_t next = 0;
	uint64_t state = n;
	size_t left = n;

	for (size_t i = 0; i < n; i++)
	{
		from[i] = (uint32_t) i;
		rank[i] = UNSET;
	}
	for (int round = 0; round < 60 && left > LEAF_MAX; round++)
	{
		uint32_t pivot = rank_sample(from, left, rank, &next, &state);
		size_t front = deal(from, to, left, rank, pivot);
		uint32_t *swap = from + front;

		from = to + front;
		to = swap;
		left -= front;
	}
	/* the smallest word is the largest value */
	for (size_t i = 0; i < n; i++)
		x[i] = (negate ? 1.0 : -1.0) * (double) (rank[i] == UNSET ? next++ : rank[i]);
}

/* See data.h. */
size_t
data_kinds(void)
{
	return KINDS;
}

/* See data.h. */
const char *
data_name(size_t kind)
{
	return names[kind];
}

/* See data.h. */
void
data_fill(size_t kind, double strength, bool negate, double *x, size_t n)
{
	/* a ramp touches in soft_rank when it rises by the strength, in soft_sort by 1 / strength */
	double step = uniform() < 0.6 ? strength : 1.0 / strength;
	bool in_order = kind == GEOMETRIC || kind == INTEGERS || kind >= LEADING_BITS;

	if (!(step > 1e-280 && step < 1e280))
		step = 1.0;
	if (kind == SAMPLE_KILLER && n <= WORDS_MAX)
		fill_killer(x, n, negate);
	else
		for (size_t i = 0; i < n; i++)
			x[i] = element((Kind) kind, i, n, step);
	if (in_order && uniform() < 0.7)
		shuffle(x, n);
}
