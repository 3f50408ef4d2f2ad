/*
 * errors.c - see errors.h.  Messages follow PostgreSQL's style guide.
 */
#include "errors.h"

#include <math.h>

#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "guc.h"

/* See errors.h. */
void
sfs_error_option(const char *option, const char *value, const char *hint)
{
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("unrecognized %s: \"%s\"", option, value), errhint("%s", hint)));
}

/* See errors.h. */
void
sfs_error_strength(double strength)
{
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("regularization strength must be finite and not negative"),
					errdetail("The regularization strength is %g.", strength)));
}

/* Return how an error detail names a value. */
static const char *
value_name(double value)
{
	if (isnan(value))
		return "NaN";
	if (isinf(value))
		return value > 0 ? "Infinity" : "-Infinity";
	return psprintf("%.17g", value);
}

/* Return what can be done about a value that is not finite. */
static const char *
value_hint(double value)
{
	if (isnan(value))
		return "Replace it by null, for example with NULLIF(x, 'NaN'), or filter it out.";
	if (isinf(value))
		return "Replace it by null or by a finite value, or filter it out.";
	return NULL;
}

/* See errors.h. */
void
sfs_error_value(const char *requirement, int64 position, double value, bool nullable)
{
	const char *hint = nullable ? value_hint(value) : NULL;

	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("%s", requirement),
					errdetail("Element %lld is %s.", (long long) position, value_name(value)),
					hint != NULL ? errhint("%s", hint) : 0));
}

/* See errors.h. */
void
sfs_error_null(const char *list, int64 position)
{
	ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					errmsg("%s must not be null where the value is not null", list),
					errdetail("Element %lld is null.", (long long) position)));
}

/* See errors.h. */
void
sfs_error_type(Oid type)
{
	ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
					errmsg("array elements must be numbers, not %s", format_type_be(type))));
}

/* See errors.h. */
void
sfs_error_one_dimensional(int ndim)
{
	ereport(ERROR, (errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR), errmsg("array must be one-dimensional"),
					errdetail("The array has %d dimensions.", ndim)));
}

/* See errors.h. */
void
sfs_error_two_dimensional(int ndim)
{
	ereport(ERROR, (errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
					errmsg("array must have at least two dimensions"),
					errdetail("The array has %d.", ndim),
					errhint("Each row of the last dimension is one list.")));
}

/* See errors.h. */
void
sfs_error_length(int64 first, int64 second)
{
	ereport(ERROR,
			(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR), errmsg("arrays must have the same length"),
			 errdetail("The first array has %lld elements, the second has %lld.", (long long) first,
					   (long long) second)));
}

/* See errors.h. */
void
sfs_error_shape(const char *second, bool may_be_list)
{
	ereport(ERROR,
			(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR), errmsg("arrays must have the same dimensions"),
			 may_be_list ? errhint("%s can also be one list that serves every row.", second) : 0));
}

/* See errors.h. */
void
sfs_error_size(const char *hint)
{
	ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
					errmsg("array size exceeds the maximum allowed (%d)", (int) MaxArraySize),
					errdetail("The result does not fit into an array of at most 1 GB."),
					hint != NULL ? errhint("%s", hint) : 0));
}

/* See errors.h. */
void
sfs_error_null_option(const char *option)
{
	ereport(ERROR,
			(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("%s must not be null", option)));
}

/* See errors.h. */
void
sfs_error_varying_option(const char *option)
{
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("%s must be the same in all rows of a partition", option)));
}

/* See errors.h. */
void
sfs_error_partition_rows(int64 rows)
{
	ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
					errmsg("window partition of %lld rows is too large", (long long) rows),
					errdetail("A partition has at most %d rows.", PG_INT32_MAX)));
}

/* See errors.h. */
void
sfs_error_memory(bool window, int64 rows, Size bytes)
{
	ereport(ERROR,
			(errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
			 window ? errmsg("window partition of %lld rows is too large", (long long) rows)
					: errmsg("group of %lld pairs is too large", (long long) rows),
			 errdetail("It needs %zu kB of memory.", (bytes + 1023) / 1024),
			 errhint("Increase \"softsort.max_partition_memory\", currently %d kB, or use a finer "
					 "%s.",
					 sfs_max_partition_memory, window ? "PARTITION BY" : "GROUP BY")));
}

/* See errors.h. */
void
sfs_error_column_value(const char *requirement, double value)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("%s", requirement),
			 errdetail("A value is %s.", value_name(value)), errhint("%s", value_hint(value))));
}

/* See errors.h. */
void
sfs_error_state_options(void)
{
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("options must be the same in all rows and states of a group")));
}

/* See errors.h. */
void
sfs_error_state_size(int64 pairs, const char *hint)
{
	ereport(ERROR,
			(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
			 errmsg("softsort_state of %lld pairs is too large to be sent or stored",
					(long long) pairs),
			 errdetail("A value, and its text form, take at most 1 GB."), errhint("%s", hint)));
}

/* See errors.h. */
void
sfs_error_state_version(void)
{
	ereport(ERROR, (errcode(ERRCODE_DATA_CORRUPTED), errmsg("softsort_state has an unknown format"),
					errhint("It was written by another version of softsort, or is damaged.")));
}

/* See errors.h. */
void
sfs_error_state_input(int sqlstate, const char *detail)
{
	ereport(ERROR, (errcode(sqlstate), errmsg("invalid input for type %s", "softsort_state"),
					errdetail("%s", detail)));
}

/* See errors.h. */
void
sfs_error_not_aggregate(void)
{
	elog(ERROR, "aggregate function called in non-aggregate context");
}

/* See errors.h. */
void
sfs_warn_device_lost(const char *reason)
{
	ereport(
		WARNING,
		(errcode(ERRCODE_SYSTEM_ERROR), errmsg("softsort cannot use the GPU any more"),
		 reason[0] != '\0' ? errdetail_internal("%s", reason) : 0,
		 errhint(
			 "This session computes on the CPU from now on; a new one can try the GPU again.")));
}

/* See errors.h. */
void
sfs_error_status(SfsStatus status, const SfsEngineError *error, Size bytes)
{
	switch (status)
	{
		case SFS_OUT_OF_RANGE:
			ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
							errmsg("value out of range: overflow")));
			break;
		case SFS_NO_MEMORY:
			ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory"),
							errdetail("Failed on request of size %zu for a soft ranking workspace.",
									  bytes)));
			break;
		case SFS_REFUSED:
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("could not compute on the GPU, which \"softsort.gpu\" requires"),
					 error->reason[0] != '\0' ? errdetail_internal("%s", error->reason) : 0,
					 errhint(
						 "Set \"softsort.gpu\" to auto to compute on the CPU when the GPU cannot "
						 "be used.")));
			break;
		default:
			elog(ERROR, "soft ranking failed with status %d%s%s", (int) status,
				 error->reason[0] != '\0' ? ": " : "", error->reason);
	}
	pg_unreachable();
}
