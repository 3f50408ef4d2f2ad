/*
 * soft_spearman.c - correlation of soft ranks, and its gradient.
 *
 * With deviations a, b of the two soft ranks from their mean,
 *   rho = a.b / (|a| |b|),   d rho / da = (b / |b| - rho a / |a|) / |a|,
 * and the gradient in x is the vjp of soft_rank at that (N13).  Dot products are
 * free of order, so rho does not depend on the order of the pairs.
 */
#include "row.h"

#include <math.h>

#include "kernels.h"

/* See row.h: deviations of both sides, one fit, a cotangent. */
size_t
sfs_soft_spearman_bytes(const SfsTask *task, size_t n)
{
	return sfs_fit_bytes(task->regularization, SFS_PROBLEM_RANK, n) + 3 * (n * sizeof(double) + 16);
}

/* Compute a . b, each with elements below 2^(exponent + 1); true when stopped. */
static bool
free_dot(const double *a, const double *b, int bound, size_t n, double *result, SfsPoll *poll)
{
	SfsFreeSum sum;

	sfs_free_init(&sum, bound, n);
	for (size_t i = 0; i < n;)
	{
		size_t end = sfs_chunk_end(i, n);

		if (sfs_poll(poll, 2 * (end - i)))
			return true;
		sfs_kernels->sum_products(a + i, b + i, end - i, &sum);
		i = end;
	}
	*result = sfs_free_total(&sum);
	return false;
}

/* One side of the correlation. */
typedef struct Side
{
	SfsFit fit;
	SfsStrength unit;  /* true deviations are deviation / (unit.m 2^unit.e) */
	double *deviation; /* by element, largest magnitude in [1, 2) */
	double square;	   /* deviation . deviation; 0 for a constant side */
	double norm;	   /* its square root */
} Side;

/* Bring values from the order of a fit into that of its elements, times 2^exponent. */
static bool
unsort(const SfsFit *fit, double *value, int exponent, double *out, SfsPoll *poll)
{
	bool plain = exponent >= -1000 && exponent <= 1000;
	double factor = plain ? sfs_pow2(exponent) : 1.0;

	for (size_t i = 0; i < fit->n;)
	{
		size_t end = sfs_chunk_end(i, fit->n);

		if (sfs_poll(poll, 2 * (end - i)))
			return true;
		for (size_t k = i; k < end && !plain; k++)
			value[k] = sfs_scale(value[k], exponent);
		if (fit->perm == NULL)
			for (; i < end; i++)
				out[i] = value[i] * factor;
		else
			for (; i < end; i++)
				out[fit->perm[i]] = value[i] * factor;
	}
	return false;
}

/* Compute the deviations of one side from the middle rank. */
static SfsStatus
compute_side(SfsRow *row, const SfsInput *input, Side *side)
{
	size_t n = row->n;
	double *work;
	double low;
	double high;
	int exponent;
	SfsStatus status = sfs_fit_rank(row, input, &side->fit);

	if (status != SFS_OK)
		return status;
	work = side->fit.work[0];
	if (sfs_rank_deviations(&side->fit, &side->unit, 0.0, work, row->poll))
		return SFS_CANCELLED;
	if (sfs_poll(row->poll, n))
		return SFS_CANCELLED;
	side->square = 0.0;
	if (n == 0)
		return SFS_OK;
	sfs_kernels->range(work, SFS_FLOAT64, n, &low, &high);
	if (low == 0.0 && high == 0.0)
		return SFS_OK;
	exponent = sfs_exponent(-low > high ? -low : high);
	if (unsort(&side->fit, work, -exponent, side->deviation, row->poll))
		return SFS_CANCELLED;
	side->unit.e -= exponent;
	if (free_dot(side->deviation, side->deviation, 2, n, &side->square, row->poll))
		return SFS_CANCELLED;
	side->norm = sqrt(side->square);
	return SFS_OK;
}

/* Write an undefined result. */
static SfsStatus
store_undefined(SfsRow *row, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (row->out.type == SFS_FLOAT64)
			((double *) row->out.data)[i] = (double) NAN;
		else
			((float *) row->out.data)[i] = NAN;
	return SFS_OK;
}

/* Write the gradient in x, given both sides and rho. */
static SfsStatus
store_gradient(SfsRow *row, const Side *x, const Side *y, double rho, double *g)
{
	size_t n = row->n;
	double *out = x->fit.work[0];

	for (size_t k = 0; k < n;)
	{
		size_t end = sfs_chunk_end(k, n);

		if (sfs_poll(row->poll, 4 * (end - k)))
			return SFS_CANCELLED;
		for (; k < end; k++)
		{
			size_t i = x->fit.perm == NULL ? k : x->fit.perm[k];

			g[k] = y->deviation[i] / y->norm - rho * (x->deviation[i] / x->norm);
		}
	}
	if (sfs_rank_jacobian_product(&x->fit, g, true, out, row->poll) || sfs_poll(row->poll, n))
		return SFS_CANCELLED;
	/* over the true norm, norm / (unit.m 2^unit.e) */
	for (size_t k = 0; k < n; k++)
		out[k] = out[k] / x->norm * x->unit.m;
	return sfs_store(&row->out, 0, out, x->fit.perm, n, 1.0, x->unit.e - x->fit.strength.e,
					 row->poll);
}

/* See sfs_core.h: SFS_OP_SOFT_SPEARMAN and SFS_OP_SOFT_SPEARMAN_GRAD. */
SfsStatus
sfs_row_soft_spearman(SfsRow *row)
{
	size_t n = row->n;
	bool gradient = row->task->op == SFS_OP_SOFT_SPEARMAN_GRAD;
	SfsArena arena;
	Side x;
	Side y;
	double *g;
	double rho;
	SfsStatus status;

	x.deviation = sfs_arena_take(&row->arena, n * sizeof(double));
	y.deviation = sfs_arena_take(&row->arena, n * sizeof(double));
	g = sfs_arena_take(&row->arena, n * sizeof(double));
	if (g == NULL)
		return SFS_FAILED;
	arena = row->arena;
	status = compute_side(row, &row->y, &y);
	if (status != SFS_OK)
		return status;
	row->arena = arena; /* only the deviations of y are needed from here on */
	status = compute_side(row, &row->x, &x);
	if (status != SFS_OK)
		return status;
	if (x.square == 0.0 || y.square == 0.0)
		return store_undefined(row, gradient ? n : 1);
	if (free_dot(x.deviation, y.deviation, 2, n, &rho, row->poll))
		return SFS_CANCELLED;
	rho = rho / sqrt(x.square * y.square); /* exactly 1 for equal sides */
	rho = rho > 1.0 ? 1.0 : rho < -1.0 ? -1.0 : rho;
	if (gradient)
		return store_gradient(row, &x, &y, rho, g);
	*(double *) row->out.data = rho;
	return SFS_OK;
}
