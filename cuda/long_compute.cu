/*
 * long_compute.cu - long rows: the steps of each operation, and what the host computes of rows.
 */
#include <math.h>

#include "long_run.h"

#include "solve.h"

namespace
{

/* Return an exact sum of integers, in two parts, over the chunks of a row. */
__int128
integer_of(const LongWork *work, const LongRow &row, int k)
{
	__int128 sum = 0;

	for (int i = row.chunk; i < row.chunk + row.chunks; i++)
		sum += ((__int128) work->result[i].count[k] * 0x100000000) + work->result[i].count[k + 1];
	return sum;
}

/* Return a sum free of order over the chunks of a row. */
double
free_total_of(const LongWork *work, const LongRow &row, int k)
{
	SfsFreeSum sum;

	sfs_free_init(&sum, 2, (size_t) row.n);
	for (int fold = 0; fold < SFS_FREE_FOLDS; fold++)
		for (int i = row.chunk; i < row.chunk + row.chunks; i++)
			sum.fold[fold] += work->result[i].value[k + fold];
	return sfs_free_total(&sum);
}

/* Return the largest of the values that the chunks of a row have. */
double
most_of(const LongWork *work, const LongRow &row, int k)
{
	double most = 0.0;

	for (int i = row.chunk; i < row.chunk + row.chunks; i++)
		most = work->result[i].value[k] > most ? work->result[i].value[k] : most;
	return most;
}

/* Return a correlation from its sums, NaN where it is undefined. */
double
correlation(double product, double x_square, double y_square)
{
	double rho;

	if (x_square == 0.0 || y_square == 0.0)
		return NAN;
	rho = product / sqrt(x_square * y_square);
	return rho > 1.0 ? 1.0 : rho < -1.0 ? -1.0 : rho;
}

/* Bring the cotangent in, in the order that is asked for; rows out of the safe range are left. */
bool
gather(LongWork *work, bool by_position)
{
	const SfsInput *g = &work->task->g;

	work->batch.g = {work->g, g->type == SFS_FLOAT32, g->shared};
	if (!long_bring_in(work, g, work->g))
		return false;
	long_gather(work->batch, by_position, work->stream);
	if (!long_fetch(work))
		return false;
	for (int r = 0; r < work->batch.rows; r++)
	{
		LongRow *row = &work->row[r];
		int exponent = sfs_exponent(most_of(work, *row, 0));

		if (exponent != -1075 && (exponent < -SFS_SAFE_EXPONENT || exponent > SFS_SAFE_EXPONENT))
			row->skip = true;
	}
	return true;
}

/* Compute both sides' mid-ranks and the correlation. */
bool
spearman(LongWork *work)
{
	if (!long_fit_ties(work, &work->task->x))
		return false;
	long_mid_ranks(work->batch, false, work->stream);
	if (!long_fetch(work))
		return false;
	for (int r = 0; r < work->batch.rows; r++)
		work->row[r].x_square = (double) integer_of(work, work->row[r], 0);
	if (!long_fit_ties(work, &work->task->y))
		return false;
	long_mid_ranks(work->batch, true, work->stream);
	if (!long_fetch(work))
		return false;
	for (int r = 0; r < work->batch.rows; r++)
	{
		LongRow *row = &work->row[r];

		row->rho = correlation((double) integer_of(work, *row, 2), row->x_square,
							   (double) integer_of(work, *row, 0));
	}
	return true;
}

/* Compute the deviations of one side, scaled; results: their squares, products with other's. */
bool
soft_side(LongWork *work, const SfsInput *input, double *deviation, const double *other)
{
	if (!long_fit_rank(work, input))
		return false;
	long_rank_deviations(work->batch, deviation, work->stream);
	if (!long_fetch(work))
		return false;
	for (int r = 0; r < work->batch.rows; r++)
	{
		LongRow *row = &work->row[r];
		double most = most_of(work, *row, 0);
		bool single = work->result[row->chunk].value[1] != 0.0;

		row->unit_x = single && row->high != row->low ? row->strength : 1.0;
		row->exponent = most == 0.0 ? 0 : sfs_exponent(most);
		row->skip = row->skip || row->exponent < -900 || row->exponent > 900;
		if (row->skip)
			row->exponent = 0;
	}
	if (!long_send_rows(work))
		return false;
	long_scale_deviations(work->batch, deviation, other, work->stream);
	return long_fetch(work);
}

/* Compute the correlation of soft ranks, and its gradient. */
bool
soft_spearman(LongWork *work, bool gradient)
{
	const SfsTask *task = work->task;
	double *x = work->batch.column[0];
	double *y = work->batch.column[1];

	if (!soft_side(work, &task->y, y, nullptr))
		return false;
	for (int r = 0; r < work->batch.rows; r++)
		work->row[r].y_square = free_total_of(work, work->row[r], 0);
	if (!soft_side(work, &task->x, x, y))
		return false;
	for (int r = 0; r < work->batch.rows; r++)
	{
		LongRow *row = &work->row[r];

		row->x_square = free_total_of(work, *row, 0);
		row->x_norm = sqrt(row->x_square);
		row->y_norm = sqrt(row->y_square);
		row->rho =
			correlation(free_total_of(work, *row, SFS_FREE_FOLDS), row->x_square, row->y_square);
	}
	if (!gradient)
		return true;
	if (!long_send_rows(work))
		return false;
	work->batch.gradient = true;
	long_gradient(work->batch, work->stream);
	long_rank_product(work->batch, task->standardize, true, work->stream);
	return true;
}

} // namespace

/* See long_run.h. */
bool
long_supports(const SfsTask *task)
{
	/* decisions of kl are closer than its tolerance (N6) at such lengths */
	return task->regularization == SFS_REG_L2 || task->op == SFS_OP_SPEARMAN;
}

/* See long_run.h. */
int
long_columns(const SfsTask *task)
{
	switch (task->op)
	{
		case SFS_OP_RANK_VJP:
		case SFS_OP_RANK_JVP:
			return task->standardize ? 3 : 0;
		case SFS_OP_SPEARMAN:
			return 1;
		case SFS_OP_SOFT_SPEARMAN:
			return 2;
		case SFS_OP_SOFT_SPEARMAN_GRAD:
			return task->standardize ? 3 : 2;
		default:
			return 0;
	}
}

/* See long_run.h. */
bool
long_compute(LongWork *work)
{
	const SfsTask *task = work->task;
	const LongBatch &batch = work->batch;
	bool transposed = task->op == SFS_OP_RANK_VJP || task->op == SFS_OP_SORT_VJP;

	switch (task->op)
	{
		case SFS_OP_RANK:
			if (!long_fit_rank(work, &task->x))
				return false;
			long_rank_values(batch, work->stream);
			return true;
		case SFS_OP_RANK_VJP:
		case SFS_OP_RANK_JVP:
			if (!long_fit_rank(work, &task->x) || !gather(work, false))
				return false;
			long_rank_product(batch, task->standardize, transposed, work->stream);
			return true;
		case SFS_OP_SORT:
		case SFS_OP_SORT_ASSIGN:
			if (!long_fit_sort(work))
				return false;
			long_sorted_values(batch, task->op == SFS_OP_SORT_ASSIGN, work->stream);
			return true;
		case SFS_OP_SORT_VJP:
		case SFS_OP_SORT_JVP:
			if (!long_fit_sort(work) || !gather(work, transposed))
				return false;
			long_sort_product(batch, transposed, work->stream);
			return true;
		case SFS_OP_SPEARMAN:
			return spearman(work);
		default:
			return soft_spearman(work, task->op == SFS_OP_SOFT_SPEARMAN_GRAD);
	}
}
