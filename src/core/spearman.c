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
	return SFS_ARGSORT_SCRATCH(n) + n * (sizeof(double) + 2 * sizeof(uint32_t)) + 16 * 4;
}

/* How many elements before its turn a rank at a random place is asked for. */
#define PREFETCH 24

/*
 * Visit a group of ties: on the first side store its doubled centered mid-rank by
 * element, on the second multiply it with those of the first.  Returns the square of
 * the rank, once a member.
 */
static inline Wide
visit_group(const uint32_t *perm, size_t first, size_t end, size_t n, int32_t *first_ranks,
			Wide *products)
{
	/* positions first + 1 .. end have mean (first + 1 + end) / 2, less (n + 1) / 2 */
	int64_t rank = (int64_t) first + (int64_t) end - (int64_t) n;
	int64_t sum = 0;

	if (products == NULL)
		for (size_t i = first; i < end; i++)
			first_ranks[perm[i]] = (int32_t) rank;
	else
	{
		for (size_t i = first; i < end; i++)
			sum += first_ranks[perm[i]];
		*products += (Wide) rank * sum;
	}
	return (Wide) (rank * rank) * (Wide) (end - first);
}

/* Sort one side and visit its groups; products is NULL for the first side. */
static SfsStatus
visit_side(SfsRow *row, const SfsInput *input, SfsArena arena, int32_t *first_ranks, Wide *squares,
		   Wide *products)
{
	size_t n = row->n;
	uint64_t *scratch = sfs_arena_take(&arena, SFS_ARGSORT_SCRATCH(n));
	double *sorted = sfs_arena_take(&arena, n * sizeof(double));
	uint32_t *perm = sfs_arena_take(&arena, n * sizeof(uint32_t));
	double low;
	double high;
	SfsStatus status;

	if (perm == NULL)
		return SFS_FAILED;
	if (sfs_range(input->data, input->type, true, n, &low, &high, row->poll))
		return SFS_CANCELLED;
	status =
		sfs_argsort(input->data, input->type, true, n, low, high, perm, sorted, scratch, row->poll);
	for (size_t i = 0; i < n && status == SFS_OK;)
	{
		/* ranks are visited at random: ask for them early */
		size_t ahead = i + PREFETCH < n ? i + PREFETCH : i;
		size_t end = i + 1;

		__builtin_prefetch(&first_ranks[perm[ahead]]);
		while (end < n && sorted[end] == sorted[i])
			end++;
		if (sfs_poll(row->poll, end - i))
			return SFS_CANCELLED;
		*squares += visit_group(perm, i, end, n, first_ranks, products);
		i = end;
	}
	return status;
}

/* See sfs_core.h: SFS_OP_SPEARMAN. */
SfsStatus
sfs_row_spearman(SfsRow *row)
{
	int32_t *ranks = sfs_arena_take(&row->arena, row->n * sizeof(int32_t));
	Wide x_squares = 0;
	Wide y_squares = 0;
	Wide products = 0;
	double rho;
	SfsStatus status;

	if (ranks == NULL)
		return SFS_FAILED;
	status = visit_side(row, &row->x, row->arena, ranks, &x_squares, NULL);
	if (status == SFS_OK)
		status = visit_side(row, &row->y, row->arena, ranks, &y_squares, &products);
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
