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

/* One side while its groups of ties are visited. */
typedef struct Side
{
	const SfsInput *input;
	uint64_t *word;
	double *sorted;
	uint32_t *perm;
	Wide squares;
} Side;

/*
 * Put a run of equal leading bits into the order of its full values; its words
 * are left with their positions alone.
 */
static SfsStatus
order_run(Side *side, size_t first, size_t end, SfsPoll *poll)
{
	SfsStatus status;

	for (size_t i = first; i < end; i++)
	{
		side->perm[i] = (uint32_t) side->word[i];
		side->sorted[i] = sfs_sort_value(side->input->data, side->input->type, true, side->perm[i]);
	}
	status = sfs_sort_run(&side->sorted[first], &side->perm[first], end - first, &side->word[first],
						  poll);
	for (size_t i = first; i < end; i++)
		side->word[i] = side->perm[i];
	return status;
}

/*
 * Visit a group of ties: on the first side store its doubled centered mid-rank by
 * element, on the second multiply it with those of the first.
 */
static inline void
visit_group(Side *side, size_t first, size_t end, size_t n, int32_t *first_ranks, Wide *products)
{
	/* positions first + 1 .. end have mean (first + 1 + end) / 2, less (n + 1) / 2 */
	int64_t rank = (int64_t) first + (int64_t) end - (int64_t) n;
	int64_t sum = 0;

	side->squares += (Wide) (rank * rank) * (Wide) (end - first);
	if (products == NULL)
		for (size_t i = first; i < end; i++)
			first_ranks[(uint32_t) side->word[i]] = (int32_t) rank;
	else
	{
		for (size_t i = first; i < end; i++)
			sum += first_ranks[(uint32_t) side->word[i]];
		*products += (Wide) rank * sum;
	}
}

/* Sort one side and visit its groups; products is NULL for the first side. */
static SfsStatus
visit_side(SfsRow *row, const SfsInput *input, SfsArena arena, int32_t *first_ranks, Wide *squares,
		   Wide *products)
{
	size_t n = row->n;
	Side side = {input, NULL, NULL, NULL, 0};
	bool exact;
	SfsStatus status;

	side.word = sfs_arena_take(&arena, SFS_ARGSORT_SCRATCH(n));
	side.sorted = sfs_arena_take(&arena, n * sizeof(double));
	side.perm = sfs_arena_take(&arena, n * sizeof(uint32_t));
	if (side.perm == NULL)
		return SFS_FAILED;
	status = sfs_sort_words(input->data, input->type, true, n, side.word,
							(uint64_t *) (void *) side.sorted, &exact, row->poll);
	for (size_t i = 0; i < n && status == SFS_OK;)
	{
		/* ranks are visited at random: ask for them early */
		size_t ahead = i + SFS_PREFETCH < n ? i + SFS_PREFETCH : i;
		size_t run_end = sfs_run_end(side.word, i, n);
		bool whole = exact || run_end - i == 1;

		__builtin_prefetch(&first_ranks[(uint32_t) side.word[ahead]]);
		if (sfs_poll(row->poll, run_end - i))
			return SFS_CANCELLED;
		if (!whole)
			status = order_run(&side, i, run_end, row->poll);
		while (i < run_end)
		{
			size_t end = i + 1;

			while (!whole && end < run_end && side.sorted[end] == side.sorted[i])
				end++;
			end = whole ? run_end : end;
			visit_group(&side, i, end, n, first_ranks, products);
			i = end;
		}
	}
	*squares = side.squares;
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
