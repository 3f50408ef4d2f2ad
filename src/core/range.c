/*
 * range.c - the strengths between which soft_rank changes.
 *
 * Up to strength_min groups of equal values stay apart and ranks are hard; from
 * strength_max on the row is one block (N14).  Both are found in double and,
 * for l2, settled by the exact comparison.
 */
#include "row.h"

#include <math.h>

#include "argsort.h"
#include "exact.h"

typedef struct Range
{
	size_t n;
	const double *v; /* descending, scaled where differences could overflow or are subnormal */
	int exponent;	 /* true values are v * 2^exponent */
	SfsRegularization option;
	const SfsRegularizer *reg;
	SfsExactSums exact;
	uint32_t *start; /* for the solver */
	void *scratch;
	SfsPoll *poll;
} Range;

/* See row.h. */
size_t
sfs_strength_range_bytes(const SfsTask *task, size_t n)
{
	return sfs_fit_bytes(task->regularization, SFS_PROBLEM_RANK, n) +
		   sfs_exact_words(n, false) * sizeof(uint64_t) + 16;
}

/*
 * Return the largest double, within a relative `bound` of `near`, at which the
 * split [a, b), [b, c) has D >= strength * ramp (below true), or the smallest at
 * which D <= strength * ramp.
 */
static double
settle(const Range *range, double near, double bound, bool below, size_t a, size_t b, size_t c)
{
	/* positive doubles are ordered like their bits */
	uint64_t low = sfs_double_bits(near * (1.0 - bound));
	uint64_t high = sfs_double_bits(near * (1.0 + bound)) + 1;

	/* invariant: at low the sign is >= 0 (for !below: > 0), at high it is not */
	low = low > 0 ? low - 1 : 0;
	while (high - low > 1)
	{
		uint64_t middle = low + (high - low) / 2;
		int sign = sfs_exact_against_ramp(&range->exact, 1.0, sfs_bits_double(middle), 0, a, b, c);

		if (below ? sign >= 0 : sign > 0)
			low = middle;
		else
			high = middle;
	}
	return sfs_bits_double(below ? low : high);
}

/* Find the strength up to which no two groups of ties touch. */
static SfsStatus
find_min(Range *range, double *result)
{
	double best = INFINITY;
	size_t previous = 0;

	for (size_t first = 0; first < range->n;)
	{
		size_t end = first + 1;
		double touch;

		while (end < range->n && range->v[end] == range->v[first])
			end++;
		if (sfs_poll(range->poll, end - first))
			return SFS_CANCELLED;
		if (first > 0)
		{
			touch = range->reg->rank_touch(range->v[previous] - range->v[first], previous,
										   first - previous, end - first, range->n);
			if (touch * (1.0 - 0x1p-48) < best && range->option == SFS_REG_L2)
			{
				if (sfs_exact_prepare(&range->exact, range->poll) != SFS_OK)
					return SFS_CANCELLED;
				touch = settle(range, touch, 0x1p-50, true, previous, first, end);
			}
			best = touch < best ? touch : best;
		}
		previous = first;
		first = end;
	}
	*result = best;
	return SFS_OK;
}

/* Find the l2 strength from which every split joins. */
static SfsStatus
find_max_l2(Range *range, double *result)
{
	double n = (double) range->n;
	double bound = (n + 16.0) * 0x1p-50;
	double unit = range->exponent > 0 ? 0x1p-40 : 1.0; /* sums must not overflow either */
	double total = 0.0;
	double best = 0.0;

	if (sfs_exact_prepare(&range->exact, range->poll) != SFS_OK)
		return SFS_CANCELLED;
	if (sfs_poll(range->poll, range->n))
		return SFS_CANCELLED;
	for (size_t i = 0; i < range->n; i++)
		total += (range->v[i] - range->v[0]) * unit;
	for (int pass = 0; pass < 2; pass++)
	{
		double sum = 0.0;
		double settled = 0.0;

		for (size_t k = 1; k < range->n; k++)
		{
			double m = (double) k;
			double join;

			if (sfs_poll(range->poll, 1))
				return SFS_CANCELLED;
			sum += (range->v[k - 1] - range->v[0]) * unit;
			join = (sum / m - (total - sum) / (n - m)) / (n * 0.5) / unit;
			if (pass == 0)
				best = join > best ? join : best;
			/* ties of the maximum to rounding are settled one by one */
			else if (join >= best * (1.0 - 2.0 * bound))
			{
				join = settle(range, join, 2.0 * bound, false, 0, k, range->n);
				settled = join > settled ? join : settled;
			}
		}
		if (pass == 1)
			best = settled;
	}
	*result = best;
	return SFS_OK;
}

/* Find the strength from which the solver finds one block, by bisection. */
static SfsStatus
find_max_by_solver(Range *range, double *result)
{
	double high = range->reg->rank_joined(range->v[0] - range->v[range->n - 1]);
	/* no block of a row falls by more than 2 log n (N7) */
	double low = high / (4.0 * sfs_log((double) range->n + 1.0) + 4.0);

	while (high - low > high * 0x1p-50 && low < high)
	{
		double middle = low + (high - low) * 0.5;
		SfsProblem problem = {
			.kind = SFS_PROBLEM_RANK,
			.n = range->n,
			.v = range->v,
			.strength = sfs_strength(middle, 0),
			.start = range->start,
			.scratch = range->scratch,
			.poll = range->poll,
		};
		SfsStatus status;

		if (middle <= low || middle >= high)
			break;
		status = range->reg->solve(&problem);
		if (status != SFS_OK)
			return status;
		if (problem.blocks == 1)
			high = middle;
		else
			low = middle;
	}
	*result = high;
	return SFS_OK;
}

/* Compare two strengths; return -1, 0 or 1. */
static int
compare(SfsStrength a, SfsStrength b)
{
	int exponent = sfs_exponent(a.m);
	int difference = exponent + a.e - sfs_exponent(b.m) - b.e;
	double left = sfs_scale(a.m, -exponent);
	double right = sfs_scale(b.m, -sfs_exponent(b.m));

	if (difference != 0)
		return difference < 0 ? -1 : 1;
	return (left > right) - (left < right);
}

/*
 * Return the user's strength for which soft_rank uses `used`, or next to it on the
 * side that `below` says; fit is the standardized one, or NULL.
 */
static double
users_strength(SfsStrength used, const SfsFit *fit, bool below)
{
	double strength = fit == NULL ? sfs_scale(used.m, used.e)
								  : sfs_scale(used.m / fit->spread[0], used.e + fit->shift);

	/* rounding must not leave the side */
	for (int i = 0; i < 8 && strength > 0.0 && strength <= 0x1.fffffffffffffp1023; i++)
	{
		SfsStrength plain = sfs_strength(strength, 0);
		int side = compare(fit == NULL ? plain : sfs_standardized(fit, plain), used);

		if (below ? side <= 0 : side >= 0)
			break;
		strength = sfs_bits_double(sfs_double_bits(strength) + (below ? UINT64_MAX : 1));
	}
	return strength;
}

/* See sfs_core.h: SFS_OP_STRENGTH_RANGE. */
SfsStatus
sfs_row_strength_range(SfsRow *row)
{
	double *out = row->out.data;
	SfsTask task = *row->task;
	SfsRow inner = *row;
	double *v;
	uint64_t *space;
	SfsFit standardized;
	SfsFit fit;
	Range range;
	double used[2];
	SfsStatus status;

	out[0] = out[1] = (double) NAN;
	task.strength = 1.0;
	task.direction = SFS_ASCENDING;
	inner.task = &task;
	space = sfs_arena_take(&inner.arena, sfs_exact_words(row->n, false) * sizeof(uint64_t));
	if (space == NULL)
		return SFS_FAILED;
	row->arena = inner.arena;
	if (task.standardize)
	{
		status = sfs_fit_rank(&inner, &row->x, &standardized);
		if (status != SFS_OK)
			return status;
		inner.arena = row->arena;
	}
	/* strength 0: sorted, whatever the values */
	task.strength = 0.0;
	task.standardize = false;
	status = sfs_fit_rank(&inner, &row->x, &fit);
	if (status != SFS_OK)
		return status;
	if (row->n < 2 || fit.high == fit.low)
		return SFS_OK;
	v = (double *) fit.v;
	if (fit.high > 0x1p1000 || fit.low < -0x1p1000)
		range.exponent = 2;
	else
		range.exponent = fit.high < 0x1p-500 && fit.low > -0x1p-500 ? -600 : 0;
	for (size_t i = 0; i < row->n; i++)
		v[i] = sfs_scale(v[i], -range.exponent);
	range.n = row->n;
	range.v = v;
	range.option = task.regularization;
	range.reg = sfs_regularizer(task.regularization, sfs_strength(1.0, 0));
	range.start = fit.start;
	range.scratch = fit.work[0];
	range.poll = row->poll;
	sfs_exact_init(&range.exact, v, NULL, row->n, space);
	status = find_min(&range, &used[0]);
	if (status == SFS_OK)
		status = task.regularization == SFS_REG_L2 ? find_max_l2(&range, &used[1])
												   : find_max_by_solver(&range, &used[1]);
	if (status != SFS_OK)
		return status;
	for (int k = 0; k < 2; k++)
	{
		out[k] = users_strength(sfs_strength(used[k], range.exponent),
								row->task->standardize ? &standardized : NULL, k == 0);
		if (isinf(out[k]))
			return SFS_OUT_OF_RANGE;
	}
	return SFS_OK;
}
