/*
 * fit.c - from a list and its options to blocks.
 *
 * A soft_rank row that is one block for certain is not sorted at all (N8).
 */
#include "row.h"

#include "argsort.h"

/* Return the larger of two sizes. */
static inline size_t
larger(size_t a, size_t b)
{
	return a > b ? a : b;
}

/* Return the bytes of scratch of a fit: sorting, solving, then three work arrays. */
static size_t
scratch_bytes(SfsRegularization reg, SfsProblemKind kind, size_t n)
{
	size_t bytes = larger(SFS_ARGSORT_SCRATCH(n), 3 * n * sizeof(double));

	/* strength 0 is solved by l2 whatever the regularization */
	bytes = larger(bytes, sfs_reg_l2.scratch(kind, n));
	if (reg == SFS_REG_KL)
		bytes = larger(bytes, sfs_reg_kl.scratch(kind, n));
	return bytes;
}

/* See row.h. */
size_t
sfs_fit_bytes(SfsRegularization reg, SfsProblemKind kind, size_t n)
{
	size_t lists = kind == SFS_PROBLEM_PROJECTION ? 2 : 1;

	return lists * n * (sizeof(uint32_t) + sizeof(double)) + (n + 1) * sizeof(uint32_t) +
		   scratch_bytes(reg, kind, n) + 16 * 8;
}

/* Take the arrays of a fit from the arena. */
static bool
take_arrays(SfsRow *row, SfsProblemKind kind, SfsFit *fit, uint32_t **perm, double **sorted,
			void **scratch)
{
	size_t n = fit->n;

	*perm = sfs_arena_take(&row->arena, n * sizeof(uint32_t));
	*sorted = sfs_arena_take(&row->arena, n * sizeof(double));
	fit->start = sfs_arena_take(&row->arena, (n + 1) * sizeof(uint32_t));
	*scratch = sfs_arena_take(&row->arena, scratch_bytes(row->task->regularization, kind, n));
	if (*scratch == NULL)
		return false;
	for (size_t k = 0; k < 3; k++)
		fit->work[k] = (double *) *scratch + k * n;
	return true;
}

/* Run the solver of a fit's regularization. */
static SfsStatus
solve(SfsFit *fit, SfsProblemKind kind, const double *w, void *scratch, SfsPoll *poll)
{
	SfsProblem problem = {
		.kind = kind,
		.n = fit->n,
		.v = fit->v,
		.w = w,
		.strength = fit->strength,
		.start = fit->start,
		.scratch = scratch,
		.poll = poll,
	};
	SfsStatus status = fit->reg->solve(&problem);

	fit->blocks = problem.blocks;
	return status;
}

/* Make the whole row one block, or none when it is empty. */
static void
set_one_block(SfsFit *fit)
{
	fit->blocks = fit->n > 0 ? 1 : 0;
	fit->start[0] = 0;
	fit->start[fit->blocks] = (uint32_t) fit->n;
}

/* Sort an input of which nothing is known, for its values alone or its positions, too. */
static SfsStatus
sort_input(SfsRow *row, const SfsInput *input, bool negate, bool positions, uint32_t *perm,
		   double *sorted, void *scratch)
{
	double low;
	double high;

	if (sfs_range(input->data, input->type, negate, row->n, &low, &high, row->poll))
		return SFS_CANCELLED;
	return (positions ? sfs_argsort : sfs_sort_values)(input->data, input->type, negate, row->n,
													   low, high, perm, sorted, scratch, row->poll);
}

/* See row.h. */
SfsStatus
sfs_fit_rank(SfsRow *row, const SfsInput *input, SfsFit *fit)
{
	if (sfs_range(input->data, input->type, row->task->direction == SFS_DESCENDING, row->n,
				  &fit->low, &fit->high, row->poll))
		return SFS_CANCELLED;
	return sfs_fit_rank_between(row, input, fit);
}

/* See row.h. */
SfsStatus
sfs_fit_rank_between(SfsRow *row, const SfsInput *input, SfsFit *fit)
{
	const SfsTask *task = row->task;
	bool negate = task->direction == SFS_DESCENDING;
	uint32_t *perm;
	double *values;
	void *scratch;
	SfsStatus status;

	fit->n = row->n;
	fit->strength = sfs_strength(task->strength, 0);
	fit->shift = 0;
	fit->base = 0.0;
	fit->offset = 0.0;
	fit->square_sum = 0.0;
	fit->perm = NULL;
	if (!take_arrays(row, SFS_PROBLEM_RANK, fit, &perm, &values, &scratch))
		return SFS_FAILED;
	fit->v = values;
	if (task->standardize && fit->high == fit->low)
		fit->strength = sfs_strength(0.0, 0);
	else if (task->standardize && fit->strength.m != 0.0 &&
			 sfs_standardize(input, negate, fit, row->poll))
		return SFS_CANCELLED;
	fit->reg = sfs_regularizer(task->regularization, fit->strength);
	if (row->n < 2 || fit->high == fit->low ||
		(fit->strength.m != 0.0 &&
		 fit->reg->rank_is_one_block(sfs_range_ratio(fit->high, fit->low, fit->strength), row->n)))
	{
		if (input->type == SFS_FLOAT64 && !negate)
			fit->v = input->data;
		else
			for (size_t i = 0; i < row->n; i += SFS_LEAF)
			{
				if (sfs_poll(row->poll, SFS_LEAF))
					return SFS_CANCELLED;
				sfs_load(input, i, sfs_leaf(i, row->n), negate, values + i);
			}
		set_one_block(fit);
		return SFS_OK;
	}
	status = sfs_argsort(input->data, input->type, negate, row->n, fit->low, fit->high, perm,
						 values, scratch, row->poll);
	if (status != SFS_OK)
		return status;
	fit->perm = perm;
	return solve(fit, SFS_PROBLEM_RANK, NULL, scratch, row->poll);
}

/* See row.h. */
SfsStatus
sfs_fit_sort(SfsRow *row, SfsFit *fit)
{
	const SfsTask *task = row->task;
	uint32_t *perm;
	double *values;
	void *scratch;
	SfsStatus status;

	fit->n = row->n;
	fit->strength = sfs_strength(task->strength, 0);
	fit->reg = sfs_regularizer(task->regularization, fit->strength);
	if (!take_arrays(row, SFS_PROBLEM_SORT, fit, &perm, &values, &scratch))
		return SFS_FAILED;
	fit->v = values;
	fit->perm = perm;
	/* ascending is minus the descending sort of -x */
	status = sort_input(row, &row->x, task->direction == SFS_ASCENDING, task->op != SFS_OP_SORT,
						perm, values, scratch);
	if (status != SFS_OK)
		return status;
	if (row->n < 2)
	{
		set_one_block(fit);
		return SFS_OK;
	}
	return solve(fit, SFS_PROBLEM_SORT, NULL, scratch, row->poll);
}

/* See row.h. */
SfsStatus
sfs_fit_projection(SfsRow *row, SfsFit *fit, const double **w)
{
	const SfsTask *task = row->task;
	uint32_t *perm;
	double *values;
	double *weights = sfs_arena_take(&row->arena, row->n * sizeof(double));
	void *scratch;
	SfsStatus status;

	fit->n = row->n;
	fit->strength = sfs_strength(1.0, 0);
	fit->reg = sfs_regularizer(task->regularization, fit->strength);
	if (weights == NULL || !take_arrays(row, SFS_PROBLEM_PROJECTION, fit, &perm, &values, &scratch))
		return SFS_FAILED;
	fit->v = values;
	fit->perm = perm;
	*w = weights;
	/* the order of w does not matter: its permutation is overwritten by that of z */
	status = sort_input(row, &row->y, false, false, perm, weights, scratch);
	if (status == SFS_OK)
		status = sort_input(row, &row->x, false, true, perm, values, scratch);
	if (status != SFS_OK)
		return status;
	if (row->n < 2)
	{
		set_one_block(fit);
		return SFS_OK;
	}
	return solve(fit, SFS_PROBLEM_PROJECTION, weights, scratch, row->poll);
}

/* See row.h. */
SfsBlock
sfs_fit_block(const SfsFit *fit, size_t k, SfsPoll *poll)
{
	SfsBlock block;

	block.first = fit->start[k];
	block.m = fit->start[k + 1] - fit->start[k];
	block.v = fit->v + block.first;
	block.w = NULL;
	block.sorted = fit->perm != NULL;
	block.high = block.sorted ? block.v[0] : fit->high;
	block.low = block.sorted ? block.v[block.m - 1] : fit->low;
	block.n = fit->n;
	block.strength = fit->strength;
	block.poll = poll;
	return block;
}
