/*
 * state.c - see state.h.
 */
#include "state.h"

#include "fmgr.h"
#include "port/pg_bitutils.h"
#include "utils/expandeddatum.h"

#include "errors.h"
#include "guc.h"
#include "pg_compat.h"
#include "run.h"

#define STATE_VERSION 1
#define FLAT_MAX 65536 /* a state that needs more bytes is expanded */
#define FLAT_FIRST 64  /* bytes of the first flat state */

/* The flat form: capacity x values, then capacity y values; capacity follows from the size. */
typedef struct FlatState
{
	int32 vl_len_;
	uint8 version;
	uint8 options_set;
	uint8 standardize;
	uint8 regularization;
	double strength;
	int64 count;
	double values[FLEXIBLE_ARRAY_MEMBER];
} FlatState;

/* The expanded form. */
typedef struct ExpandedState
{
	ExpandedObjectHeader header;
	SfsStateOptions options;
	int64 count;
	int64 capacity;
	double *x;
	double *y;
} ExpandedState;

/* A state of either form, to be written to. */
typedef struct Room
{
	SfsStateOptions options;
	int64 *count;
	int64 capacity;
	double *x;
	double *y;
} Room;

/* Return the size of a flat state. */
static inline Size
flat_bytes(int64 capacity)
{
	return offsetof(FlatState, values) + SFS_PAIR_BYTES * (Size) capacity;
}

/* Return how many pairs a flat state has room for. */
static inline int64
flat_capacity(const FlatState *flat)
{
	return (int64) ((VARSIZE(flat) - offsetof(FlatState, values)) / SFS_PAIR_BYTES);
}

/* Return the options of a flat state. */
static inline SfsStateOptions
flat_options(const FlatState *flat)
{
	return (SfsStateOptions){flat->options_set != 0, flat->standardize != 0,
							 (SfsRegularization) flat->regularization, flat->strength};
}

/* Return the state of an aggregate for writing. */
static inline Room
open_room(Datum datum)
{
	if (VARATT_IS_EXTERNAL_EXPANDED_RW(DatumGetPointer(datum)))
	{
		ExpandedState *state = (ExpandedState *) DatumGetEOHP(datum);

		return (Room){state->options, &state->count, state->capacity, state->x, state->y};
	}
	else
	{
		FlatState *flat = (FlatState *) DatumGetPointer(datum);
		int64 capacity;

		if (!VARATT_IS_4B_U(flat))
			elog(ERROR, "state of an aggregate is not in its own form");
		capacity = flat_capacity(flat);

		return (Room){flat_options(flat), &flat->count, capacity, flat->values,
					  flat->values + capacity};
	}
}

/* See state.h. */
SfsState
sfs_state_view(Datum datum)
{
	FlatState *flat;
	int64 capacity;

	if (VARATT_IS_EXTERNAL_EXPANDED(DatumGetPointer(datum)))
	{
		ExpandedState *state = (ExpandedState *) DatumGetEOHP(datum);

		return (SfsState){state->options, state->count, state->x, state->y};
	}
	flat = (FlatState *) PG_DETOAST_DATUM(datum);
	if (VARSIZE(flat) < offsetof(FlatState, values) || flat->version != STATE_VERSION)
		sfs_error_state_version();
	capacity = flat_capacity(flat);
	if (flat->count < 0 || flat->count > capacity || flat->regularization >= SFS_REG_COUNT)
		sfs_error_state_version();
	return (SfsState){flat_options(flat), flat->count, flat->values, flat->values + capacity};
}

/* Return the size that an expanded state has when it is flat. */
static Size
get_flat_size(ExpandedObjectHeader *header)
{
	ExpandedState *state = (ExpandedState *) header;

	if (state->count > SFS_STATE_MAX)
		sfs_error_state_size(state->count, "SET max_parallel_workers_per_gather = 0 keeps the "
										   "pairs of a group in one process.");
	return flat_bytes(state->count);
}

/* Fill in all of a flat state but the pairs. */
static void
flat_init(FlatState *flat, Size bytes, const SfsStateOptions *options, int64 count)
{
	memset(flat, 0, offsetof(FlatState, values));
	SET_VARSIZE(flat, bytes);
	flat->version = STATE_VERSION;
	flat->options_set = options->set;
	flat->standardize = options->standardize;
	flat->regularization = (uint8) options->regularization;
	flat->strength = options->strength;
	flat->count = count;
}

/* Copy the pairs of a state; that of no pairs may have no columns. */
static void
copy_pairs(const SfsState *state, double *x, double *y)
{
	if (state->count == 0)
		return;
	memcpy(x, state->x, sizeof(double) * (Size) state->count);
	memcpy(y, state->y, sizeof(double) * (Size) state->count);
}

/* Write an expanded state in the flat form, without spare room. */
static void
flatten_into(ExpandedObjectHeader *header, void *result, Size allocated_size)
{
	ExpandedState *state = (ExpandedState *) header;
	FlatState *flat = result;

	flat_init(flat, allocated_size, &state->options, state->count);
	copy_pairs(&(SfsState){state->options, state->count, state->x, state->y}, flat->values,
			   flat->values + state->count);
}

static const ExpandedObjectMethods methods = {get_flat_size, flatten_into};

/* Raise an error unless `count` pairs may be held; return how many may. */
static int64
check_limit(int64 count)
{
	int64 most = (int64) ((Size) sfs_max_partition_memory * 1024 / SFS_PAIR_BYTES);

	most = Min(most, (int64) SFS_MAX_LENGTH);
	if (count > most)
		sfs_error_memory(false, count, SFS_PAIR_BYTES * (Size) count);
	return most;
}

/* Copy a state to a larger flat one; the executor copies it again to where it stays. */
static Datum
grow_flat(const SfsState *old, int64 needed)
{
	Size bytes = Max(FLAT_FIRST, (Size) pg_nextpower2_64(flat_bytes(needed)));
	FlatState *flat = palloc0(bytes); /* spare room, too, can end up in a table */
	int64 capacity;

	flat_init(flat, bytes, &old->options, old->count);
	capacity = flat_capacity(flat);
	copy_pairs(old, flat->values, flat->values + capacity);
	return PointerGetDatum(flat);
}

/* Copy a state to an expanded one, which the executor adopts. */
static Datum
expand(const SfsState *old, int64 capacity, MemoryContext aggregate)
{
	MemoryContext own =
		AllocSetContextCreate(aggregate, "softsort_state", ALLOCSET_START_SMALL_SIZES);
	ExpandedState *state = MemoryContextAlloc(own, sizeof(ExpandedState));

	EOH_init_header(&state->header, &methods, own);
	state->options = old->options;
	state->count = old->count;
	state->capacity = capacity;
	state->x = MemoryContextAllocHuge(own, sizeof(double) * (Size) capacity);
	state->y = MemoryContextAllocHuge(own, sizeof(double) * (Size) capacity);
	copy_pairs(old, state->x, state->y);
	return EOHPGetRWDatum(&state->header);
}

/* Return a state with the pairs of the old one and room for `needed` in all. */
static Datum
grow(Datum datum, const SfsState *old, int64 needed, MemoryContext aggregate)
{
	int64 capacity = Min(check_limit(needed), Max(needed, 2 * old->count));
	ExpandedState *state;

	if (flat_bytes(needed) <= FLAT_MAX)
		return grow_flat(old, needed);
	if (datum == 0 || !VARATT_IS_EXTERNAL_EXPANDED_RW(DatumGetPointer(datum)))
		return expand(old, capacity, aggregate);
	state = (ExpandedState *) DatumGetEOHP(datum);
	state->x = repalloc_huge(state->x, sizeof(double) * (Size) capacity);
	state->y = repalloc_huge(state->y, sizeof(double) * (Size) capacity);
	state->capacity = capacity;
	return datum;
}

/* Are the options the same? */
static inline bool
same_options(const SfsStateOptions *a, const SfsStateOptions *b)
{
	return a->set == b->set && a->standardize == b->standardize &&
		   a->regularization == b->regularization && a->strength == b->strength;
}

/* See state.h. */
Datum
sfs_state_append(Datum state, MemoryContext aggregate, const SfsState *pairs)
{
	Room room;

	if (state == 0)
	{
		SfsState none = {.options = pairs->options};

		state = grow(0, &none, pairs->count, aggregate);
	}
	room = open_room(state);
	if (unlikely(!same_options(&room.options, &pairs->options)))
		sfs_error_state_options();
	if (unlikely(*room.count + pairs->count > room.capacity))
	{
		SfsState old = {room.options, *room.count, room.x, room.y};

		state = grow(state, &old, *room.count + pairs->count, aggregate);
		room = open_room(state);
	}
	/* a row at a time is the usual case, too little for a call */
	if (likely(pairs->count == 1))
	{
		room.x[*room.count] = *pairs->x;
		room.y[*room.count] = *pairs->y;
	}
	else
	{
		memcpy(room.x + *room.count, pairs->x, sizeof(double) * (Size) pairs->count);
		memcpy(room.y + *room.count, pairs->y, sizeof(double) * (Size) pairs->count);
	}
	*room.count += pairs->count;
	return state;
}

/* See state.h. */
Datum
sfs_state_make(const SfsStateOptions *options, int64 count, double **x, double **y)
{
	FlatState *flat;

	if (count > SFS_STATE_MAX)
		sfs_error_state_size(count, SFS_STATE_ROWS_HINT);
	flat = palloc(flat_bytes(count));
	flat_init(flat, flat_bytes(count), options, count);
	*x = flat->values;
	*y = flat->values + count;
	return PointerGetDatum(flat);
}

/* See state.h. */
Datum
sfs_state_canonical(const SfsState *state)
{
	double *x;
	double *y;
	Datum result = sfs_state_make(&state->options, state->count, &x, &y);

	copy_pairs(state, x, y);
	sfs_run_sort_pairs(x, y, state->count);
	return result;
}
