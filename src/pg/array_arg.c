/*
 * array_arg.c - see array_arg.h.
 */
#include "array_arg.h"

#include <math.h>

#include "access/tupmacs.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "errors.h"
#include "kernels.h"
#include "pg_compat.h"

/* Convert a numeric as its cast to double precision does. */
static double
numeric_value(const char *datum)
{
	return DatumGetFloat8(DirectFunctionCall1(numeric_float8, PointerGetDatum(datum)));
}

/* Convert the values of an integer or numeric array to a new list of doubles. */
static double *
convert(ArrayType *array, Oid type, int64 values)
{
	double *result =
		MemoryContextAllocHuge(CurrentMemoryContext, sizeof(double) * (Size) Max(values, 1));
	const char *data = sfs_array_data(array);

	for (int64 i = 0; i < values; i++)
	{
		if (i % SFS_INTERRUPT_STEP == 0)
			CHECK_FOR_INTERRUPTS();
		switch (type)
		{
			case INT2OID:
				result[i] = ((const int16 *) data)[i];
				break;
			case INT4OID:
				result[i] = ((const int32 *) data)[i];
				break;
			case INT8OID:
				result[i] = (double) ((const int64 *) data)[i];
				break;
			default:
				data = (const char *) att_align_pointer(data, TYPALIGN_INT, -1, data);
				result[i] = numeric_value(data);
				data = att_addlength_pointer(data, -1, data);
				break;
		}
	}
	return result;
}

/* See array_arg.h. */
void
sfs_array_open(SfsArray *list, Datum datum)
{
	ArrayType *array = DatumGetArrayTypeP(datum);
	Oid type = ARR_ELEMTYPE(array);
	int64 values;

	list->array = array;
	list->ndim = ARR_NDIM(array);
	list->count = ArrayGetNItems(list->ndim, ARR_DIMS(array));
	if (list->count == 0) /* an int2vector can be empty and have a dimension */
		list->ndim = 0;
	list->length = list->count > 0 ? ARR_DIMS(array)[list->ndim - 1] : 0;
	list->nulls = ARR_NULLBITMAP(array);
	values = list->count;
	if (list->nulls != NULL)
	{
		values = 0;
		for (int64 i = 0; i < list->count; i++)
		{
			if (i % SFS_INTERRUPT_STEP == 0)
				CHECK_FOR_INTERRUPTS();
			values += !sfs_array_is_null(list, i);
		}
		if (values == list->count)
			list->nulls = NULL;
	}
	list->type = SFS_FLOAT64;
	switch (type)
	{
		case FLOAT4OID:
			list->type = SFS_FLOAT32;
			list->values = sfs_array_data(array);
			break;
		case FLOAT8OID:
			list->values = sfs_array_data(array);
			break;
		case INT2OID:
		case INT4OID:
		case INT8OID:
		case NUMERICOID:
			list->values = convert(array, type, values);
			break;
		default:
			sfs_error_type(type);
	}
}

/* Is a value as required? */
static bool
is_acceptable(double value, SfsRequirement requirement)
{
	switch (requirement)
	{
		case SFS_NOT_NAN:
			return !isnan(value);
		case SFS_POSITIVE:
			return isfinite(value) && value > 0.0;
		default:
			return isfinite(value);
	}
}

/* See array_arg.h. */
int64
sfs_find_offender(const void *values, SfsType type, int64 n, SfsRequirement requirement)
{
	for (int64 first = 0; first < n; first += SFS_INTERRUPT_STEP)
	{
		int64 last = Min(n, first + SFS_INTERRUPT_STEP);

		CHECK_FOR_INTERRUPTS();
		if (requirement == SFS_FINITE &&
			sfs_kernels->all_finite((const char *) values + (Size) first * sfs_type_size(type),
									type, (size_t) (last - first)))
			continue;
		for (int64 i = first; i < last; i++)
			if (!is_acceptable(sfs_value(values, type, i), requirement))
				return i;
	}
	return -1;
}

/* See array_arg.h. */
bool
sfs_array_same_shape(const SfsArray *a, const SfsArray *b)
{
	return a->ndim == b->ndim &&
		   memcmp(ARR_DIMS(a->array), ARR_DIMS(b->array), sizeof(int) * (Size) a->ndim) == 0;
}

/* See array_arg.h. */
ArrayType *
sfs_array_make(int ndim, const int *dims, const int *lower, SfsType type, const bool *keep,
			   int64 count)
{
	int64 elements = ArrayGetNItems(ndim, dims);
	Size overhead =
		keep != NULL ? ARR_OVERHEAD_WITHNULLS(ndim, elements) : ARR_OVERHEAD_NONULLS(ndim);
	Size bytes = overhead + sfs_type_size(type) * (Size) count;
	ArrayType *result;

	if (elements == 0)
		return construct_empty_array(type == SFS_FLOAT64 ? FLOAT8OID : FLOAT4OID);
	if (!AllocSizeIsValid(bytes))
		sfs_error_size(NULL);
	result = palloc(bytes);
	memset(result, 0, overhead);
	SET_VARSIZE(result, bytes);
	result->ndim = ndim;
	result->dataoffset = keep != NULL ? (int32) overhead : 0;
	result->elemtype = type == SFS_FLOAT64 ? FLOAT8OID : FLOAT4OID;
	memcpy(ARR_DIMS(result), dims, sizeof(int) * (Size) ndim);
	memcpy(ARR_LBOUND(result), lower, sizeof(int) * (Size) ndim);
	for (int64 i = 0; keep != NULL && i < elements; i++)
	{
		if (i % SFS_INTERRUPT_STEP == 0)
			CHECK_FOR_INTERRUPTS();
		if (keep[i])
			ARR_NULLBITMAP(result)[i / 8] |= (bits8) (1 << (i % 8));
	}
	return result;
}
