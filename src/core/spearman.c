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

/* One side of the correlation while its groups of ties are visited. */
typedef struct Side
{
	const uint32_t *perm;
	size_t n;
	int32_t *first_ranks; /* doubled centered mid-ranks of the first side, by element */
	Wide *products;		  /* NULL on the first side */
	Wide *squares;
	SfsPoll *poll;
} Side;

/*
 * Visit a group of ties: on the first side store its doubled centered mid-rank by
 * element, on the second multiply it with those of the first.  True when stopped.
 */
static inline bool
visit_group(const Side *side, size_t first, size_t end)
{
	/* positions first + 1 .. end have mean (first + 1 + end) / 2, less (n + 1) / 2 */
	int64_t rank = (int64_t) first + (int64_t) end - (int64_t) side->n;
	int64_t sum = 0;

	for (size_t i = first; i < end;)
	{
		size_t stop = sfs_chunk_end(i, end);

		if (sfs_poll(side->poll, stop - i))
			return true;
		if (side->products == NULL)
			for (; i < stop; i++)
				side->first_ranks[side->perm[i]] = (int32_t) rank;
		else
			for (; i < stop; i++)
				sum += side->first_ranks[side->perm[i]];
	}
	if (side->products != NULL)
		*side->products += (Wide) rank * sum;
	*side->squares += (Wide) (rank * rank) * (Wide) (end - first);
	return false;
}

/* Return the end of the group of ties that begins at i; 0 when stopped. */
static inline size_t
group_end(const double *sorted, size_t i, size_t n, SfsPoll *poll)
{
	double value = sorted[i];

	for (i++; i < n && sorted[i] == value; i++)
		if (sfs_poll(poll, 1))
			return 0;
	return i;
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
	Side side = {perm, n, first_ranks, products, squares, row->poll};
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
		size_t end = group_end(sorted, i, n, row->poll);

		__builtin_prefetch(&first_ranks[perm[ahead]]);
		if (end == 0 || visit_group(&side, i, end))
			return SFS_CANCELLED;
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
