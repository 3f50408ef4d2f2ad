/*
 * isotonic_stretch.c - the blocks of a short stretch, and how they are decided.
 *
 * All neighbours that join do so at once, pass by pass and without branches.
 */
#include "isotonic_stretch.h"

#include "elementary.h"

#define LANES ((size_t) 4)

/* Up to which length blocks are summed again to decide. */
#define CLOSE_MAX (2 * SFS_STRETCH)

/* Work of an exact decision, in elements. */
#define EXACT_CHARGE 256

/* Decide [a, b) against [b, c): 1 = the mean falls, 0 = they join, -1 = stopped. */
static __attribute__((noinline)) int
falls_exactly(SfsIsotonic *fit, size_t a, size_t b, size_t c)
{
	const SfsExactSums *masses = fit->weight == NULL ? NULL : &fit->masses;

	if (sfs_poll(fit->poll, EXACT_CHARGE) || sfs_exact_prepare(&fit->sums, fit->poll) != SFS_OK ||
		(masses != NULL && sfs_exact_prepare(&fit->masses, fit->poll) != SFS_OK))
		return -1;
	return sfs_exact_weighted(&fit->sums, masses, a, b, c) > 0;
}

/* Add the terms first .. last - 1 up, their sizes and weights. */
static void
sum_terms(const SfsIsotonic *fit, size_t first, size_t last, double base, double *sum, double *size,
		  double *mass)
{
	*sum = 0.0;
	*size = 0.0;
	*mass = 0.0;
	for (size_t i = first; i < last; i++)
	{
		double weight = fit->weight == NULL ? 1.0 : fit->weight[i];
		double term = weight * (fit->y[i] - base);

		*sum += term;
		*size += __builtin_fabs(term);
		*mass += weight;
	}
}

/*
 * See isotonic_stretch.h: decide what other bounds do not, first by sums of these two blocks
 * alone.  A sum of m terms errs by (m + 2) u times the sizes, a mass by m u of itself,
 * and the decision by 3 u more.
 */
int
sfs_falls_closely(SfsIsotonic *fit, size_t a, size_t b, size_t c)
{
	if (fit->moderate && c - a <= CLOSE_MAX)
	{
		double base = fit->y[b];
		double s1;
		double s2;
		double size1;
		double size2;
		double q1;
		double q2;
		double difference;
		double bound;

		if (sfs_poll(fit->poll, c - a))
			return -1;
		sum_terms(fit, a, b, base, &s1, &size1, &q1);
		sum_terms(fit, b, c, base, &s2, &size2, &q2);
		difference = s1 * q2 - s2 * q1;
		bound = ((double) (c - a) + 16.0) * 0x1p-53 * (size1 * q2 + size2 * q1);
		if (__builtin_fabs(difference) > bound)
			return difference > 0.0;
		if (size1 == 0.0 && size2 == 0.0) /* all are equal */
			return 0;
	}
	return falls_exactly(fit, a, b, c);
}

/* What one pass over a stretch finds, in lanes. */
typedef struct Sizes
{
	double term[LANES];	  /* sums of |w (y - base)|, */
	double value[LANES];  /* |y|, */
	double weight[LANES]; /* and w */
	double tiny[LANES];	  /* how many numbers are below the moderate ones, zeros included */
} Sizes;

/* Note one element and return w (y - base). */
static inline __attribute__((always_inline)) double
note(Sizes *sizes, size_t lane, double base, const double *y, const double *weight)
{
	double term = *y - base;

	sizes->value[lane] += __builtin_fabs(*y);
	sizes->tiny[lane] += __builtin_fabs(*y) < SFS_MODERATE_MIN ? 1.0 : 0.0;
	if (weight != NULL)
	{
		term *= *weight;
		sizes->weight[lane] += *weight;
		sizes->tiny[lane] += *weight < SFS_MODERATE_MIN ? 1.0 : 0.0;
	}
	sizes->term[lane] += __builtin_fabs(term);
	return term;
}

/* Add the lanes up. */
static inline double
fold(const double *lane)
{
	return (lane[0] + lane[1]) + (lane[2] + lane[3]);
}

/* Is a number below the moderate ones, but not 0? */
static bool
has_tiny(const double *list, size_t n)
{
	bool tiny = false;

	for (size_t i = 0; i < n; i++)
		tiny |= __builtin_fabs(list[i]) < SFS_MODERATE_MIN && list[i] != 0.0;
	return tiny;
}

/* Are all numbers multiples of a power of two that their sum of sizes is below 2^(bits + 1) of? */
static bool
are_coarse(const double *list, size_t n, double size, int bits)
{
	/* adding it rounds to such a multiple */
	double magic = 1.5 * sfs_pow2((size == 0.0 ? 0 : sfs_exponent(size)) - bits + 52);
	bool coarse = true;

	for (size_t i = 0; i < n && coarse;)
	{
		size_t end = n - i > 16 ? i + 16 : n;

		for (; i < end; i++)
			coarse &= (list[i] + magic) - magic == list[i];
	}
	return coarse;
}

/*
 * Bound the errors of a stretch's sums and decisions.  Terms are w (y - base), since
 * a decision does not depend on the base and the smaller they are, the smaller is
 * the error.  With u = 2^-53, S the sum of all |terms| and W that of all weights, a
 * sum over the first terms passes at most n additions and two roundings in each term,
 * so it is within (n + 2) u S of the truth, to first order, and the difference of two
 * within (2 n + 5) u S; of two masses within (2 n + 1) u W.  A decision is the sign of
 * D = s1 q2 - s2 q1.  With errors s and q of sums and masses, and |s1|, |s2| <= S, D
 * errs by at most s (q1 + q2) + 2 S q, and by 3 u S (q1 + q2) in its last roundings.
 * (2 n + 32) u includes all terms of higher order, since n u is below 2^-44.  Outside
 * the stretch, a block has the sum s1 + base q1: two roundings, below u |base| W and
 * u (S + |base| W), and base times the error of q1.
 *
 * Nothing at all rounds, and the sign of D is the true one, even 0, where numbers have
 * so few bits: let the sums of |y| and w be below 2^a and 2^b units.  Then |y - base| is
 * below 2^(a + 1), all sums of terms below q 2^(a + 1), and the products in D, as
 * q1 q2 <= 2^(2 b - 2), below 2^(a + 2 b - 1).  Where numbers leave the safe range
 * nothing is certain.
 */
static void
bound_errors(SfsIsotonic *fit, SfsStretch *stretch, const Sizes *sizes)
{
	size_t n = stretch->n;
	const double *y = fit->y + stretch->from;
	const double *weight = fit->weight == NULL ? NULL : fit->weight + stretch->from;
	double size = fold(sizes->value);
	double mass = weight == NULL ? (double) n : fold(sizes->weight);
	double total = fold(sizes->term);
	double base = __builtin_fabs(stretch->base);
	double unit = (2.0 * (double) n + 32.0) * 0x1p-53;
	bool moderate = size <= SFS_MODERATE_MAX && mass <= SFS_MODERATE_MAX;

	if (fold(sizes->tiny) != 0.0)
		moderate = moderate && !has_tiny(y, n) && (weight == NULL || !has_tiny(weight, n));
	stretch->sum_error = 0.0;
	stretch->mass_error = 0.0;
	stretch->per_mass = 0.0;
	stretch->constant = -1.0;
	if (!moderate)
	{
		fit->moderate = false;
		stretch->sum_error = __builtin_inf();
		stretch->mass_error = __builtin_inf();
		stretch->constant = __builtin_inf();
		return;
	}
	/* 37 + 2 * 8 and 19 + 2 * 17 bits */
	if (weight == NULL ? are_coarse(y, n, size, 36)
					   : are_coarse(weight, n, mass, 16) && are_coarse(y, n, size, 18))
		return;
	stretch->per_mass = unit * total;
	stretch->constant = 0.0;
	if (weight != NULL)
	{
		stretch->mass_error = unit * mass;
		stretch->constant = 2.0 * total * stretch->mass_error;
	}
	stretch->sum_error = (unit + 0x1p-52) * total + base * (stretch->mass_error + 0x1p-51 * mass);
}

/* Sum up a stretch and find the runs of neighbours that do not fall: these join. */
static inline __attribute__((always_inline)) void
start_stretch(SfsIsotonic *fit, SfsStretch *stretch, bool weighted)
{
	size_t n = stretch->n;
	const double *y = fit->y + stretch->from;
	const double *weight = weighted ? fit->weight + stretch->from : NULL;
	Sizes sizes = {{0.0}, {0.0}, {0.0}, {0.0}};
	double base = y[0];
	double *term = stretch->sum + 1;
	double sum = 0.0;
	double mass = 0.0;
	size_t blocks = 1;
	size_t i = 0;

	for (; i + LANES <= n; i += LANES)
		for (size_t j = 0; j < LANES; j++)
			term[i + j] = note(&sizes, j, base, y + i + j, weighted ? weight + i + j : NULL);
	for (; i < n; i++)
		term[i] = note(&sizes, 0, base, y + i, weighted ? weight + i : NULL);
	stretch->sum[0] = 0.0;
	stretch->mass[0] = 0.0;
	stretch->start[0] = 0;
	for (i = 0; i < n; i++)
	{
		sum += term[i];
		term[i] = sum;
		if (weighted)
		{
			mass += weight[i];
			stretch->mass[i + 1] = mass;
		}
	}
	for (i = 1; i < n; i++)
	{
		stretch->start[blocks] = (uint32_t) i;
		blocks += y[i - 1] > y[i];
	}
	stretch->start[blocks] = (uint32_t) n;
	stretch->blocks = blocks;
	stretch->base = base;
	bound_errors(fit, stretch, &sizes);
}

/* Decide [a, b) with sum s1 and mass q1 against [b, c), as falls_exactly. */
static inline __attribute__((always_inline)) int
falls_inside(SfsIsotonic *fit, const SfsStretch *stretch, size_t a, size_t b, size_t c, double s1,
			 double q1, double s2, double q2)
{
	double difference = s1 * q2 - s2 * q1;
	double bound = (q1 + q2) * stretch->per_mass + stretch->constant;

	if (__builtin_expect(__builtin_fabs(difference) > bound, 1))
		return difference > 0.0;
	return sfs_falls_closely(fit, stretch->from + a, stretch->from + b, stretch->from + c);
}

/* Join all neighbours of a stretch whose means do not fall, as they are now; true when stopped. */
static inline __attribute__((always_inline)) bool
join_at_once(SfsIsotonic *fit, SfsStretch *stretch, bool weighted)
{
	uint32_t *start = stretch->start;
	size_t kept = 1;
	size_t a = 0;
	size_t b = start[1];
	double s1 = stretch->sum[b];
	double q1 = sfs_mass_between(stretch, weighted, 0, b);

	for (size_t k = 1; k < stretch->blocks; k++)
	{
		size_t c = start[k + 1];
		double s2 = stretch->sum[c] - stretch->sum[b];
		double q2 = sfs_mass_between(stretch, weighted, b, c);
		int answer = falls_inside(fit, stretch, a, b, c, s1, q1, s2, q2);

		if (answer < 0)
			return true;
		start[kept] = (uint32_t) b;
		kept += (size_t) answer;
		a = b;
		b = c;
		s1 = s2;
		q1 = q2;
	}
	start[kept] = (uint32_t) stretch->n;
	stretch->blocks = kept;
	return false;
}

/* Join neighbours of a stretch one by one until all means fall; true when stopped. */
static inline __attribute__((always_inline)) bool
join_in_turn(SfsIsotonic *fit, SfsStretch *stretch, bool weighted)
{
	uint32_t *start = stretch->start;
	size_t depth = 0;

	for (size_t k = 0; k < stretch->blocks; k++)
	{
		size_t b = start[k];
		size_t c = start[k + 1];

		while (depth > 0)
		{
			size_t a = start[depth - 1];
			int answer = falls_inside(fit, stretch, a, b, c, stretch->sum[b] - stretch->sum[a],
									  sfs_mass_between(stretch, weighted, a, b),
									  stretch->sum[c] - stretch->sum[b],
									  sfs_mass_between(stretch, weighted, b, c));

			if (answer < 0)
				return true;
			if (answer == 1)
				break;
			b = a;
			depth--;
		}
		start[depth++] = (uint32_t) b;
	}
	start[depth] = (uint32_t) stretch->n;
	stretch->blocks = depth;
	return false;
}

/* Find the blocks of a stretch alone; true when stopped. */
static inline __attribute__((always_inline)) bool
pool_stretch(SfsIsotonic *fit, SfsStretch *stretch, bool weighted)
{
	while (stretch->blocks > 1)
	{
		size_t before = stretch->blocks;

		if (join_at_once(fit, stretch, weighted))
			return true;
		if (stretch->blocks == before)
			break;
		/* a pass has to pay, or time would not be linear */
		if (stretch->blocks > before - before / 8)
			return join_in_turn(fit, stretch, weighted);
	}
	return false;
}

/* See isotonic_stretch.h. */
bool
sfs_pool_stretch(SfsIsotonic *fit, SfsStretch *stretch)
{
	if (fit->weight == NULL)
	{
		start_stretch(fit, stretch, false);
		return pool_stretch(fit, stretch, false);
	}
	start_stretch(fit, stretch, true);
	return pool_stretch(fit, stretch, true);
}
