/*
 * pairs.c - sorting pairs by both of their values.
 *
 * A stable argsort by y, then one by x.
 */
#include "sfs_core.h"

#include <math.h>
#include <string.h>

#include "argsort.h"

/* The parts of the workspace. */
typedef struct Scratch
{
	double *moved;	/* x in the order of y */
	double *sorted; /* as argsort leaves it: negated */
	uint64_t *words;
	uint32_t *perm;
} Scratch;

/* See sfs_core.h. */
size_t
sfs_core_sort_pairs_workspace(size_t n)
{
	return 2 * n * sizeof(double) + SFS_ARGSORT_SCRATCH(n) + n * sizeof(uint32_t);
}

/* See sfs_core.h. */
SfsStatus
sfs_core_pairs_ordered(const double *x, const double *y, size_t n, bool *ordered,
					   const SfsHooks *hooks)
{
	SfsPoll poll = {hooks, SFS_POLL_CREDIT};

	*ordered = true;
	for (size_t i = 0; i < n && *ordered;)
	{
		size_t end = sfs_chunk_end(i, n);

		if (sfs_poll(&poll, end - i))
			return SFS_CANCELLED;
		for (; i < end; i++)
			*ordered = *ordered && !(x[i] == 0.0 && signbit(x[i])) &&
					   !(y[i] == 0.0 && signbit(y[i])) &&
					   (i == 0 || x[i - 1] < x[i] || (x[i - 1] == x[i] && y[i - 1] <= y[i]));
	}
	return SFS_OK;
}

/* Sort one column ascending. */
static SfsStatus
sort(const Scratch *scratch, const double *value, size_t n, SfsPoll *poll)
{
	double low;
	double high;

	if (sfs_range(value, SFS_FLOAT64, true, n, &low, &high, poll))
		return SFS_CANCELLED;
	return sfs_argsort(value, SFS_FLOAT64, true, n, low, high, scratch->perm, scratch->sorted,
					   scratch->words, poll);
}

/* Write from[perm[i]], and what argsort sorted; true when stopped. */
static bool
move(const Scratch *scratch, const double *from, double *to, double *values, size_t n,
	 SfsPoll *poll)
{
	for (size_t i = 0; i < n;)
	{
		size_t end = sfs_chunk_end(i, n);

		if (sfs_poll(poll, end - i))
			return true;
		for (; i < end; i++)
		{
			to[i] = from[scratch->perm[i]];
			values[i] = 0.0 - scratch->sorted[i];
		}
	}
	return false;
}

/* See sfs_core.h. */
SfsStatus
sfs_core_sort_pairs(double *x, double *y, size_t n, void *workspace, const SfsHooks *hooks)
{
	SfsPoll poll = {hooks, SFS_POLL_CREDIT};
	Scratch scratch;
	SfsStatus status;

	scratch.moved = workspace;
	scratch.sorted = scratch.moved + n;
	scratch.words = (uint64_t *) (void *) (scratch.sorted + n);
	scratch.perm = (uint32_t *) (scratch.words + SFS_ARGSORT_SCRATCH(n) / sizeof(uint64_t));
	status = sort(&scratch, y, n, &poll);
	if (status != SFS_OK)
		return status;
	if (move(&scratch, x, scratch.moved, y, n, &poll))
		return SFS_CANCELLED;
	status = sort(&scratch, scratch.moved, n, &poll);
	if (status != SFS_OK)
		return status;
	memcpy(scratch.moved, y, n * sizeof(double));
	return move(&scratch, scratch.moved, y, x, n, &poll) ? SFS_CANCELLED : SFS_OK;
}
