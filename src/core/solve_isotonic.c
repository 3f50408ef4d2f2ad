/*
 * solve_isotonic.c - blocks of isotonic regression.
 *
 * Violators may be pooled in any order.  So a short stretch of the row is pooled
 * first, all neighbours that join at once, pass by pass and without branches; its
 * blocks are then added to a stack of the blocks so far (pool adjacent violators).
 * Decisions are made in double with a bound of the error, exactly where the bound
 * does not decide.
 */
#include "isotonic.h"

#include "elementary.h"
#include "pair.h"

/* Longest stretch. */
#define STRETCH ((size_t) 256)

/* Work of an exact decision, in elements. */
#define EXACT_CHARGE 256

/* A stretch that begins at position `from`. */
typedef struct Stretch
{
	size_t from;
	size_t n;
	double sum[STRETCH + 1];  /* of w y before each position */
	double mass[STRETCH + 1]; /* of w before each position; with weights */
	double sum_error;		  /* bounds of the error of a difference of two sums, */
	double mass_error;		  /* and of two masses */
	double per_mass;		  /* a decision between masses q1 and q2 is certain when it is beyond */
	double constant;		  /* (q1 + q2) * per_mass + constant; negative: always */
	uint32_t start[STRETCH + 1];
	size_t blocks;
} Stretch;

/* A block [first, end) of the stack with its sums and the bounds of their errors. */
typedef struct Pool
{
	size_t first;
	size_t end;
	double sum;
	double mass;
	double sum_error;
	double mass_error;
} Pool;

/* Round a bound up to 32 bits: the upper half of a double. */
static inline uint32_t
pack(double bound)
{
	if (bound == 0.0)
		return 0;
	return bound < __builtin_inf() ? (uint32_t) (sfs_double_bits(bound) >> 32) + 1 : 0x7ff00000u;
}

/* Return a bound that was packed. */
static inline double
unpack(uint32_t bound)
{
	return sfs_bits_double((uint64_t) bound << 32);
}

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

/* What is known of the sizes of a list's numbers. */
typedef struct Sizes
{
	double largest;
	bool moderate;
} Sizes;

/* Find the sizes of n numbers. */
static Sizes
find_sizes(const double *list, size_t n)
{
	double largest[4] = {0.0, 0.0, 0.0, 0.0};
	double smallest[4] = {1.0, 1.0, 1.0, 1.0}; /* that is not 0 */
	Sizes sizes = {0.0, true};
	size_t i = 0;

	for (; i + 4 <= n; i += 4)
		for (size_t j = 0; j < 4; j++)
		{
			double size = __builtin_fabs(list[i + j]);
			double positive = size == 0.0 ? 1.0 : size;

			largest[j] = size > largest[j] ? size : largest[j];
			smallest[j] = positive < smallest[j] ? positive : smallest[j];
		}
	for (; i < n; i++)
	{
		double size = __builtin_fabs(list[i]);

		largest[0] = size > largest[0] ? size : largest[0];
		smallest[0] = size < smallest[0] && size > 0.0 ? size : smallest[0];
	}
	for (size_t j = 0; j < 4; j++)
	{
		sizes.largest = largest[j] > sizes.largest ? largest[j] : sizes.largest;
		sizes.moderate = sizes.moderate && smallest[j] >= SFS_MODERATE_MIN;
	}
	sizes.moderate = sizes.moderate && sizes.largest <= SFS_MODERATE_MAX;
	return sizes;
}

/* Are all numbers, of moderate sizes, multiples of 2^-bits of the largest one's power of two? */
static bool
are_coarse(const double *list, size_t n, double largest, int bits)
{
	/* adding it rounds to such a multiple */
	double magic = 1.5 * sfs_pow2((largest == 0.0 ? 0 : sfs_exponent(largest)) - bits + 52);
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
 * Bound the errors of a stretch's sums and decisions.  With u = 2^-53, Y = max |y|
 * and W the sum of all weights, a sum over the first terms passes at most n additions
 * and a product for each term, so it is within (n + 1) u Y W of the truth, to first
 * order, and the difference of two within 2 (n + 2) u Y W; masses likewise without Y.
 * A decision is the sign of D = s1 q2 - s2 q1.  With errors s and q of sums and masses
 * and |s1| <= Y (q1 + q) for the true s1, computing D from rounded q1, q2 errs by at most
 * (s + q Y) (q1 + q2) + 2 Y q^2, and by 5 u Y W (q1 + q2) in the last three roundings.
 * (2 n + 32) u and twice that include all terms of higher order: n u is below 2^-44.
 *
 * Where numbers have so few bits that nothing rounds (products below 2^25 and masses
 * below 2^20 units, or sums of m terms below m 2^37, and m1 m2 <= 2^14) the
 * sign of D is the true one, even 0.  Where numbers leave the safe range nothing is
 * certain.
 */
static void
bound_errors(SfsIsotonic *fit, Stretch *stretch)
{
	size_t n = stretch->n;
	const double *y = fit->y + stretch->from;
	const double *weight = fit->weight == NULL ? NULL : fit->weight + stretch->from;
	Sizes values = find_sizes(y, n);
	Sizes weights = weight == NULL ? (Sizes){1.0, true} : find_sizes(weight, n);
	double count = (double) n;

	stretch->sum_error = 0.0;
	stretch->mass_error = 0.0;
	stretch->per_mass = 0.0;
	stretch->constant = -1.0;
	if (!values.moderate || !weights.moderate)
	{
		fit->moderate = false;
		stretch->sum_error = __builtin_inf();
		stretch->mass_error = __builtin_inf();
		stretch->constant = __builtin_inf();
	}
	else if (weight == NULL && !are_coarse(y, n, values.largest, 36))
	{
		stretch->sum_error = (2.0 * count + 32.0) * 0x1p-53 * (values.largest * count);
		stretch->per_mass = stretch->sum_error;
		stretch->constant = 0.0;
	}
	else if (weight != NULL &&
			 !(are_coarse(y, n, values.largest, 12) && are_coarse(weight, n, weights.largest, 11)))
	{
		stretch->mass_error = (2.0 * count + 32.0) * 0x1p-53 * stretch->mass[n];
		stretch->sum_error = stretch->mass_error * values.largest;
		stretch->per_mass = 2.0 * stretch->sum_error;
		stretch->constant = 2.0 * stretch->sum_error * stretch->mass_error;
	}
}

/* Sum up a stretch and find the runs of neighbours that do not fall: these join. */
static void
find_runs(SfsIsotonic *fit, Stretch *stretch)
{
	size_t n = stretch->n;
	const double *y = fit->y + stretch->from;
	const double *weight = fit->weight == NULL ? NULL : fit->weight + stretch->from;
	double sum = 0.0;
	double mass = 0.0;
	size_t blocks = 1;

	stretch->sum[0] = 0.0;
	stretch->mass[0] = 0.0;
	for (size_t i = 0; i < n; i++)
	{
		if (weight == NULL)
			sum += y[i];
		else
		{
			sum += weight[i] * y[i];
			mass += weight[i];
			stretch->mass[i + 1] = mass;
		}
		stretch->sum[i + 1] = sum;
	}
	stretch->start[0] = 0;
	for (size_t i = 1; i < n; i++)
	{
		stretch->start[blocks] = (uint32_t) i;
		blocks += y[i - 1] > y[i];
	}
	stretch->start[blocks] = (uint32_t) n;
	stretch->blocks = blocks;
}

/* Return the mass of positions a .. b - 1 of a stretch. */
static inline __attribute__((always_inline)) double
mass_between(const Stretch *stretch, bool weighted, size_t a, size_t b)
{
	return weighted ? stretch->mass[b] - stretch->mass[a] : (double) (int32_t) (b - a);
}

/* Decide [a, b) with sum s1 and mass q1 against [b, c), as falls_exactly. */
static inline __attribute__((always_inline)) int
falls_inside(SfsIsotonic *fit, const Stretch *stretch, size_t a, size_t b, size_t c, double s1,
			 double q1, double s2, double q2)
{
	double difference = s1 * q2 - s2 * q1;
	double bound = (q1 + q2) * stretch->per_mass + stretch->constant;

	if (__builtin_expect(__builtin_fabs(difference) > bound, 1))
		return difference > 0.0;
	return falls_exactly(fit, stretch->from + a, stretch->from + b, stretch->from + c);
}

/* Join all neighbours of a stretch whose means do not fall, as they are now; true when stopped. */
static inline __attribute__((always_inline)) bool
join_at_once(SfsIsotonic *fit, Stretch *stretch, bool weighted)
{
	uint32_t *start = stretch->start;
	size_t kept = 1;
	size_t a = 0;
	size_t b = start[1];
	double s1 = stretch->sum[b];
	double q1 = mass_between(stretch, weighted, 0, b);

	for (size_t k = 1; k < stretch->blocks; k++)
	{
		size_t c = start[k + 1];
		double s2 = stretch->sum[c] - stretch->sum[b];
		double q2 = mass_between(stretch, weighted, b, c);
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
join_in_turn(SfsIsotonic *fit, Stretch *stretch, bool weighted)
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
									  mass_between(stretch, weighted, a, b),
									  stretch->sum[c] - stretch->sum[b],
									  mass_between(stretch, weighted, b, c));

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
pool_stretch(SfsIsotonic *fit, Stretch *stretch, bool weighted)
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

/*
 * Decide x against y, its neighbour, as falls_exactly.  The sums err by at most the
 * errors they carry: s1 q2 by s q2 + (|s1| + s) q with errors s of s1 and q of q2; the
 * last three roundings take 2^-52 (|s1 q2| + |s2 q1|), to first order.
 */
static int
falls(SfsIsotonic *fit, const Pool *x, const Pool *y)
{
	double left = x->sum * y->mass;
	double right = y->sum * x->mass;
	double error = x->sum_error * y->mass + y->sum_error * x->mass +
				   (__builtin_fabs(x->sum) + x->sum_error) * y->mass_error +
				   (__builtin_fabs(y->sum) + y->sum_error) * x->mass_error;
	double bound = error * 1.0001 + 0x1p-51 * (__builtin_fabs(left) + __builtin_fabs(right));

	if (left - right > bound)
		return 1;
	if (right - left > bound)
		return 0;
	if (error == 0.0)
	{
		SfsPair p = sfs_pair_product(x->sum, y->mass);
		SfsPair q = sfs_pair_product(y->sum, x->mass);

		return p.high > q.high || (p.high == q.high && p.low > q.low);
	}
	return falls_exactly(fit, x->first, y->first, y->end);
}

/* Add y to its neighbour x. */
static void
join(Pool *x, const Pool *y)
{
	SfsPair sum = sfs_pair_sum(x->sum, y->sum);
	SfsPair mass = sfs_pair_sum(x->mass, y->mass);

	/* what these sums themselves lose, and the factor what their own roundings may */
	x->sum_error = (x->sum_error + y->sum_error + __builtin_fabs(sum.low)) * (1.0 + 0x1p-50);
	x->mass_error = (x->mass_error + y->mass_error + __builtin_fabs(mass.low)) * (1.0 + 0x1p-50);
	x->sum = sum.high;
	x->mass = mass.high;
	x->end = y->end;
}

/* Return block k of a stretch. */
static inline Pool
stretch_block(const SfsIsotonic *fit, const Stretch *stretch, size_t k)
{
	size_t a = stretch->start[k];
	size_t b = stretch->start[k + 1];
	Pool pool = {
		.first = stretch->from + a,
		.end = stretch->from + b,
		.sum = stretch->sum[b] - stretch->sum[a],
		.mass = mass_between(stretch, fit->weight != NULL, a, b),
		.sum_error = stretch->sum_error,
		.mass_error = stretch->mass_error,
	};

	return pool;
}

/* Return the block on top of the stack, which ends at `end`. */
static inline Pool
top_block(const SfsIsotonic *fit, size_t end)
{
	size_t top = fit->blocks - 1;
	bool weighted = fit->weight != NULL;
	Pool pool = {
		.first = fit->start[top],
		.end = end,
		.sum = fit->sum[top],
		.mass = weighted ? fit->mass[top] : (double) (end - fit->start[top]),
		.sum_error = unpack(fit->sum_error[top]),
		.mass_error = weighted ? unpack(fit->mass_error[top]) : 0.0,
	};

	return pool;
}

/* Push a block. */
static inline void
push(SfsIsotonic *fit, const Pool *pool)
{
	size_t k = fit->blocks++;

	fit->start[k] = (uint32_t) pool->first;
	fit->sum[k] = pool->sum;
	fit->sum_error[k] = pack(pool->sum_error);
	if (fit->weight == NULL)
		return;
	fit->mass[k] = pool->mass;
	fit->mass_error[k] = pack(pool->mass_error);
}

/*
 * Add the blocks of the next stretch.  They stay apart from each other, so only the
 * first can join the blocks below; if it does, it may have to take in those that
 * follow, and then again blocks below.  Returns true when stopped.
 */
static bool
add_stretch(SfsIsotonic *fit, const Stretch *stretch)
{
	Pool x = stretch_block(fit, stretch, 0);
	size_t next = 1;
	bool again = true;

	while (again)
	{
		int answer = 1;
		bool grown = next > 1;

		again = false;
		while (fit->blocks > 0)
		{
			Pool below = top_block(fit, x.first);

			answer = falls(fit, &below, &x);
			if (answer != 0)
				break;
			join(&below, &x);
			x = below;
			fit->blocks--;
			grown = true;
			if (sfs_poll(fit->poll, 4))
				return true;
		}
		if (answer < 0)
			return true;
		if (grown && next < stretch->blocks)
		{
			Pool y = stretch_block(fit, stretch, next);

			answer = falls(fit, &x, &y);
			if (answer < 0 || sfs_poll(fit->poll, 4))
				return true;
			if (answer == 0)
			{
				join(&x, &y);
				next++;
				again = true;
			}
		}
	}
	push(fit, &x);
	for (; next < stretch->blocks; next++)
	{
		Pool y = stretch_block(fit, stretch, next);

		push(fit, &y);
	}
	return false;
}

/* See isotonic.h. */
SfsStatus
sfs_isotonic_solve(SfsIsotonic *fit)
{
	Stretch stretch;

	fit->blocks = 0;
	fit->moderate = true;
	for (size_t from = 0; from < fit->n; from += STRETCH)
	{
		bool stop;

		stretch.from = from;
		stretch.n = fit->n - from < STRETCH ? fit->n - from : STRETCH;
		if (sfs_poll(fit->poll, stretch.n))
			return SFS_CANCELLED;
		find_runs(fit, &stretch);
		bound_errors(fit, &stretch);
		if (fit->weight == NULL)
			stop = pool_stretch(fit, &stretch, false);
		else
			stop = pool_stretch(fit, &stretch, true);
		if (stop || add_stretch(fit, &stretch))
			return SFS_CANCELLED;
	}
	fit->start[fit->blocks] = (uint32_t) fit->n;
	return SFS_OK;
}
