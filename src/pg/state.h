/*
 * state.h - softsort_state: the pairs that an aggregate has collected.
 *
 * A datum of the type has one of two forms.  Flat, below about 64 kB: a varlena
 * with spare room for pairs to come; one allocation, so that a HashAgg of many
 * groups stays cheap.  Expanded, above: an object of its own memory context
 * whose two columns grow in place, also beyond 1 GB.  Every function takes both.
 */
#ifndef SOFTSORT_STATE_H
#define SOFTSORT_STATE_H

#include "postgres.h"

#include "utils/memutils.h"

#include "sfs_core.h"

#define SFS_PAIR_BYTES (2 * sizeof(double))

/* Most pairs of a datum, and of one that has a text form; 64 kB of 1 GB are for what goes around it. */
#define SFS_STATE_MAX ((int64) ((MaxAllocSize - 65536) / SFS_PAIR_BYTES))
#define SFS_STATE_TEXT_MAX (SFS_STATE_MAX / 2)

#define SFS_STATE_ROWS_HINT "Let spearman or soft_spearman read the rows themselves."

/* Options of soft_spearman that a state was collected for. */
typedef struct SfsStateOptions
{
	bool set;
	bool standardize;
	SfsRegularization regularization;
	double strength;
} SfsStateOptions;

/* What a state holds: pairs without NaN and -0, in the order of their arrival. */
typedef struct SfsState
{
	SfsStateOptions options;
	int64 count;
	const double *x;
	const double *y;
} SfsState;

/* Look into a datum of either form, without changing it. */
extern SfsState sfs_state_view(Datum datum);

/*
 * Add pairs to a state of an aggregate, or to a new one when state is 0.  Returns
 * the state: the same datum as long as there is room for the pairs, else one that
 * the executor takes over.  aggregate is the memory context of the aggregate.
 */
extern Datum sfs_state_append(Datum state, MemoryContext aggregate, const SfsState *pairs);

/* Make a flat copy without spare room, the pairs sorted by (x, y). */
extern Datum sfs_state_canonical(const SfsState *state);

/* Make a flat state with room for exactly `count` pairs, which the caller fills. */
extern Datum sfs_state_make(const SfsStateOptions *options, int64 count, double **x, double **y);

#endif /* SOFTSORT_STATE_H */
