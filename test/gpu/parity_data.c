/*
 * parity_data.c - families of data and strengths; see parity.h.
 *
 * The first ones are here, those that are hard on sorting and on the solvers come from
 * test/unit/data.c.
 */
#include "parity.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

#include "data.h"
#include "tap.h"

typedef enum Family
{
	NORMAL,
	UNIFORM,
	TIES,
	ALL_EQUAL,
	SORTED,
	REVERSED,
	WIDE,
	ULPS,
	TOUCHING,
	TOUCHING_NUDGED,
	HALF_IN_BLOCKS,
	SINGLETONS,
	ONE_BLOCK,
	SIGNED_ZEROS,
	SUBNORMAL_STEPS,
	OWN_FAMILIES
} Family;

static const char *const names[OWN_FAMILIES] =
	{"normal",			"uniform",		   "integers with ties", "all equal",
	 "sorted normal",	"reversed",		   "wide exponents",	 "one unit apart",
	 "touching blocks", "nearly touching", "half in blocks",	 "singletons",
	 "one block",		"signed zeros",	   "subnormal steps"};

/* See parity.h. */
size_t
families(void)
{
	return OWN_FAMILIES + data_kinds();
}

/* See parity.h. */
const char *
family_name(size_t family)
{
	return family < OWN_FAMILIES ? names[family] : data_name(family - OWN_FAMILIES);
}

/* See parity.h. */
bool
family_is_ordinary(size_t family)
{
	return family == NORMAL || family == UNIFORM || family == TIES;
}

/* See parity.h. */
size_t
family_singletons(void)
{
	return SINGLETONS;
}

/* Return a step that does not vanish and does not overflow n times. */
static double
step_of(double strength, size_t n)
{
	double largest = DBL_MAX / 16.0 / (double) (n + 1);

	return strength == 0.0 ? 1.0 : strength > largest ? largest : strength;
}

/* Order two doubles, for qsort. */
static int
ascending(const void *a, const void *b)
{
	double x = *(const double *) a;
	double y = *(const double *) b;

	return (x > y) - (x < y);
}

/* Return element i of n. */
static double
element(Family family, size_t i, size_t n, double step, double magnitude)
{
	double at = (double) i;

	switch (family)
	{
		case UNIFORM:
			return uniform();
		case TIES:
			return (double) below(n / 3 + 2);
		case ALL_EQUAL:
			return magnitude;
		case REVERSED:
			return -at * 0.7;
		case WIDE:
			return (uniform() < 0.5 ? -1.0 : 1.0) * ldexp(1.0 + uniform(), (int) below(600) - 300);
		case ULPS:
			return magnitude * (1.0 + (double) below(n + 1) * DBL_EPSILON);
		case TOUCHING:
			return at * step;
		case TOUCHING_NUDGED:
			return at * step * (1.0 + ((double) below(5) - 2.0) * DBL_EPSILON);
		case HALF_IN_BLOCKS:
			return i % 2 == 0 ? at * step * 3.0 : (double) n * step * (-4.0 - 0.1 * uniform());
		case SINGLETONS:
			return at * step * 4.0 + step * uniform();
		case ONE_BLOCK:
			return magnitude + step * uniform() * 0.25;
		case SIGNED_ZEROS:
			return below(3) == 0 ? (double) below(3) - 1.0 : below(2) == 0 ? 0.0 : -0.0;
		case SUBNORMAL_STEPS:
			return at * 5e-324 * (double) (1 + below(3));
		default:
			return normal();
	}
}

/* See parity.h. */
void
family_fill(size_t family, double strength, bool negate, double *x, size_t n)
{
	double step = step_of(strength, n);
	double magnitude = normal();

	if (family >= OWN_FAMILIES)
	{
		data_fill(family - OWN_FAMILIES, strength, negate, x, n);
		return;
	}
	for (size_t i = 0; i < n; i++)
		x[i] = element((Family) family, i, n, step, magnitude);
	if (family == SORTED)
		qsort(x, n, sizeof(*x), ascending);
	else if (family != REVERSED)
		shuffle(x, n);
}

/* See parity.h. */
double
random_strength(bool *ordinary)
{
	static const double special[] = {0.0, 1.0, 0.5, 0.1, 1e-3, 2.0, 5e-324, DBL_MIN, DBL_MAX, 1e15};

	*ordinary = false;
	switch (below(8))
	{
		case 0:
			return special[below(sizeof(special) / sizeof(special[0]))];
		case 1:
			return pow(10.0, -310.0 * uniform());
		case 2:
			return pow(10.0, 300.0 * uniform());
		default:
			*ordinary = true;
			return pow(10.0, -2.0 + 3.5 * uniform());
	}
}
