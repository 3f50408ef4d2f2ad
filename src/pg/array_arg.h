/*
 * array_arg.h - array arguments as lists of doubles or floats.
 *
 * The values of an array without its nulls lie one after another in the datum;
 * real[] and double precision[] are used where they lie, other types are
 * converted as a cast to double precision does.
 */
#ifndef SOFTSORT_ARRAY_ARG_H
#define SOFTSORT_ARRAY_ARG_H

#include "postgres.h"

#include "utils/array.h"

#include "sfs_core.h"

/* Elements that a loop may visit between two looks at interrupts. */
#define SFS_INTERRUPT_STEP 65536

typedef struct SfsArray
{
	ArrayType *array;
	int ndim;
	int64 count;		/* elements, nulls included */
	int64 length;		/* of the last dimension; 0 if the array is empty */
	const bits8 *nulls; /* bitmap with 0 for a null; NULL when there is none */
	const void *values; /* the values that are not null */
	SfsType type;
} SfsArray;

/* Return where an array's values lie; ARR_DATA_PTR with a cast that -Wextra wants. */
static inline char *
sfs_array_data(ArrayType *array)
{
	Size offset =
		ARR_HASNULL(array) ? (Size) array->dataoffset : ARR_OVERHEAD_NONULLS(ARR_NDIM(array));

	return (char *) array + offset;
}

/* Open an array argument; raises an error unless its elements are numbers. */
extern void sfs_array_open(SfsArray *list, Datum datum);

/* Is element i null? */
static inline bool
sfs_array_is_null(const SfsArray *list, int64 i)
{
	return list->nulls != NULL && (list->nulls[i / 8] & (1 << (i % 8))) == 0;
}

/* Return the bytes of one value. */
static inline Size
sfs_type_size(SfsType type)
{
	return type == SFS_FLOAT64 ? sizeof(double) : sizeof(float);
}

/* Return value i of a list of values. */
static inline double
sfs_value(const void *values, SfsType type, int64 i)
{
	return type == SFS_FLOAT64 ? ((const double *) values)[i] : ((const float *) values)[i];
}

/* What the values of a list must be. */
typedef enum SfsRequirement
{
	SFS_FINITE,
	SFS_NOT_NAN, /* infinities are ordered: exact Spearman */
	SFS_POSITIVE /* weights */
} SfsRequirement;

/* Return the first of n values that is not what is required, or -1. */
extern int64 sfs_find_offender(const void *values, SfsType type, int64 n,
							   SfsRequirement requirement);

/* Do two arrays have the same dimensions? */
extern bool sfs_array_same_shape(const SfsArray *a, const SfsArray *b);

/*
 * Make an array of the given shape whose data area the caller fills with `count`
 * values.  keep[i] false makes element i null; NULL keeps all.
 */
extern ArrayType *sfs_array_make(int ndim, const int *dims, const int *lower, SfsType type,
								 const bool *keep, int64 count);

#endif /* SOFTSORT_ARRAY_ARG_H */
