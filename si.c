/*
 * solve_isotonic.c - blocks of isotonic regression.
 *
 * Violators may be pooled in any order.  So a short stretch of the row is pooled
 * first (isotonic_stretch.h); its blocks are then added to a stack of the blocks so far
 * (pool adjacent violators).  Decisions are made in double with a bound of the error,
 * exactly where the bound does not decide.
 */
#include "isotonic_stretch.h"

#include "elementary.h"
#include "pair.h"

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
	return sfs_falls_closely(fit, x->first, y->first, y->end);
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

/* Return block k of a stretch, with its sum of w y. */
static inline __attribute__((always_inline)) Pool
stretch_block(const SfsStretch *stretch, bool weighted, size_t k)
{
	size_t a = stretch->start[k];
	size_t b = stretch->start[k + 1];
	double mass = sfs_mass_between(stretch, weighted, a, b);
	Pool pool = {
		.first = stretch->from + a,
		.end = stretch->from + b,
		.sum = (stretch->sum[b] - stretch->sum[a]) + stretch->base * mass,
		.mass = mass,
		.sum_error = stretch->sum_error,
		.mass_error = stretch->mass_error,
	};

	return pool;
}

/* Return the block on top of the stack, which ends at `end`. */
static inline Pool
top_block(const SfsIsotonic *fit, bool weighted, size_t end)
{
	size_t top = fit->blocks - 1;
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
push(SfsIsotonic *fit, const Pool *pool, bool weighted)
{
	size_t k = fit->blocks++;

	fit->start[k] = (uint32_t) pool->first;
	fit->sum[k] = pool->sum;
	fit->sum_error[k] = pack(pool->sum_error);
	if (!weighted)
		return;
	fit->mass[k] = pool->mass;
	fit->mass_error[k] = pack(pool->mass_error);
}

/* Push the blocks of a stretch from block k on. */
static inline __attribute__((always_inline)) void
push_rest(SfsIsotonic *fit, const SfsStretch *stretch, bool weighted, size_t k)
{
	uint32_t sum_error = pack(stretch->sum_error);
	uint32_t mass_error = pack(stretch->mass_error);

	for (; k < stretch->blocks; k++)
	{
		Pool pool = stretch_block(stretch, weighted, k);
		size_t to = fit->blocks++;

		fit->start[to] = (uint32_t) pool.first;
		fit->sum[to] = pool.sum;
		fit->sum_error[to] = sum_error;
		if (weighted)
		{
			fit->mass[to] = pool.mass;
			fit->mass_error[to] = mass_error;
		}
	}
}

/*
 * Add the blocks of the next stretch.  They stay apart from each other, so only the
 * first can join the blocks below; if it does, it may have to take in those that
 * follow, and then again blocks below.  Returns true when stopped.
 */
static __attribute__((noinline)) bool
add_stretch(SfsIsotonic *fit, const SfsStretch *stretch, bool weighted)
{
	Pool x = stretch_block(stretch, weighted, 0);
	size_t next = 1;
	bool again = true;

	while (again)
	{
		int answer = 1;
		bool grown = next > 1;

		again = false;
		while (fit->blocks > 0)
		{
			Pool below = top_block(fit, weighted, x.first);

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
			Pool y = stretch_block(stretch, weighted, next);

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
	push(fit, &x, weighted);
	push_rest(fit, stretch, weighted, next);
	return false;
}

/* Solve a row, with or without weights. */
static inline __attribute__((always_inline)) SfsStatus
solve(SfsIsotonic *fit, bool weighted)
{
	SfsStretch stretch;

	for (size_t from = 0; from < fit->n; from += SFS_STRETCH)
	{
		stretch.from = from;
		stretch.n = fit->n - from < SFS_STRETCH ? fit->n - from : SFS_STRETCH;
		if (sfs_poll(fit->poll, stretch.n))
			return SFS_CANCELLED;
		if (sfs_pool_stretch(fit, &stretch) || add_stretch(fit, &stretch, weighted))
			return SFS_CANCELLED;
	}
	fit->start[fit->blocks] = (uint32_t) fit->n;
	return SFS_OK;
}

/* See isotonic.h. */
SfsStatus
sfs_isotonic_solve(SfsIsotonic *fit)
{
	fit->blocks = 0;
	fit->moderate = true;
	return fit->weight == NULL ? solve(fit, false) : solve(fit, true);
}
