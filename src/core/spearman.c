/*
 * spearman.c - exact Spearman correlation.
 *
 * Doubled mid-ranks are integers, so are the three sums of Pearson's formula:
 * only the final division and square root round (N12).
 */
#include "row.h"

#include <math.h>

#include "argsort.h"

typedef __int128 Wide;

/* See row.h. */
size_t
sfs_spearman_bytes(const SfsTask *task, size_t n)
{
	(void) task;
	return SFS_ARGSORT_SCRATCH(n) + n * (sizeof(uint32_t) + sizeof(double) + sizeof(int64_t)) +
		   16 * 4;
}

/*
 * Sort one side and visit its groups of ties.  The first side stores its doubled
 * centered mid-ranks by element; the second multiplies them with its own.
 */
static SfsStatus
visit(SfsRow *row, const SfsInput *input, SfsArena arena, int64_t *first_ranks, bool second,
	  Wide *squares, Wide *products)
{
	size_t n = row->n;
	uint32_t *perm = sfs_arena_take(&arena, n * sizeof(uint32_t));
	double *sorted = sfs_arena_take(&arena, n * sizeof(double));
	uint64_t *scratch = sfs_arena_take(&arena, SFS_ARGSORT_SCRATCH(n));
	SfsStatus status;

	if (scratch == NULL)
		return SFS_FAILED;
	status = sfs_argsort(input->data, input->type, true, n, perm, sorted, scratch, row->poll);
	for (size_t i = 0; i < n && status == SFS_OK;)
	{
		size_t end = i + 1;
		int64_t rank;

		while (end < n && sorted[end] == sorted[i])
			end++;
		if (sfs_poll(row->poll, end - i))
			return SFS_CANCELLED;
		/* positions i + 1 .. end have mean (i + 1 + end) / 2, less (n + 1) / 2 */
		rank = (int64_t) i + (int64_t) end - (int64_t) n;
		for (; i < end; i++)
		{
			*squares += (Wide) rank * rank;
			if (second)
				*products += (Wide) rank * first_ranks[perm[i]];
			else
				first_ranks[perm[i]] = rank;
		}
	}
	return status;
}

/* See sfs_core.h: SFS_OP_SPEARMAN. */
SfsStatus
sfs_row_spearman(SfsRow *row)
{
	int64_t *ranks = sfs_arena_take(&row->arena, row->n * sizeof(int64_t));
	Wide x_squares = 0;
	Wide y_squares = 0;
	Wide products = 0;
	double rho;
	SfsStatus status;

	if (ranks == NULL)
		return SFS_FAILED;
	status = visit(row, &row->x, row->arena, ranks, false, &x_squares, &products);
	if (status == SFS_OK)
		status = visit(row, &row->y, row->arena, ranks, true, &y_squares, &products);
	if (status != SFS_OK)
		return status;
	if (x_squares == 0 || y_squares == 0)
		rho = (double) NAN;
	else
	{
		rho = (double) products / sqrt((double) x_squares * (double) y_squares);
		rho = rho > 1.0 ? 1.0 : rho < -1.0 ? -1.0 : rho;
	}
	*(double *) row->out.data = rho;
	return SFS_OK;
}
