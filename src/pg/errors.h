/*
 * errors.h - what a user is told when something is wrong.
 *
 * Each function raises one kind of error, so that a condition has the same words
 * wherever it is met.
 */
#ifndef SOFTSORT_ERRORS_H
#define SOFTSORT_ERRORS_H

#include "postgres.h"

#include "engine.h"
#include "pg_compat.h"

/* Report that an option's text is none of the accepted ones. */
pg_noreturn extern void sfs_error_option(const char *option, const char *value, const char *hint);

/* Report a strength that is negative, NaN or infinite. */
pg_noreturn extern void sfs_error_strength(double strength);

/* Report element `position` (from 1) of a list as not acceptable; may null stand there? */
pg_noreturn extern void sfs_error_value(const char *requirement, int64 position, double value,
										bool nullable);

/* Report a null in a cotangent or tangent at an element whose value is not null. */
pg_noreturn extern void sfs_error_null(const char *list, int64 position);

/* Report an element type that is not numeric. */
pg_noreturn extern void sfs_error_type(Oid type);

/* Report an array that is not one-dimensional, or has fewer than two dimensions. */
pg_noreturn extern void sfs_error_one_dimensional(int ndim);
pg_noreturn extern void sfs_error_two_dimensional(int ndim);

/* Report two arrays that do not fit together. */
pg_noreturn extern void sfs_error_length(int64 first, int64 second);
pg_noreturn extern void sfs_error_shape(const char *second, bool may_be_list);

/* Report a result that no array can hold. */
pg_noreturn extern void sfs_error_size(const char *hint);

/* Report a null option of a window function or aggregate, which may not drop rows in silence. */
pg_noreturn extern void sfs_error_null_option(const char *option);

/* Report an option that is not the same in all rows of a partition. */
pg_noreturn extern void sfs_error_varying_option(const char *option);

/* Report a window partition, or else a group of an aggregate, that needs more memory than is allowed. */
pg_noreturn extern void sfs_error_memory(bool window, int64 rows, Size bytes);

/* Report a window partition of more rows than can be numbered. */
pg_noreturn extern void sfs_error_partition_rows(int64 rows);

/* Report a value of a column as not acceptable. */
pg_noreturn extern void sfs_error_column_value(const char *requirement, double value);

/* Report options that are not the same in all that an aggregate is to bring together. */
pg_noreturn extern void sfs_error_state_options(void);

/* Report a state that is beyond what one datum can be. */
pg_noreturn extern void sfs_error_state_size(int64 pairs, const char *hint);

/* Report a stored state that this version cannot read. */
pg_noreturn extern void sfs_error_state_version(void);

/* Report bytes or text that are no state. */
pg_noreturn extern void sfs_error_state_input(int sqlstate, const char *detail);

/* Report an aggregate's function called by hand. */
pg_noreturn extern void sfs_error_not_aggregate(void);

/* Warn that the device is lost to this session. */
extern void sfs_warn_device_lost(const char *reason);

/* Report the status of a run that is not SFS_OK. */
pg_noreturn extern void sfs_error_status(SfsStatus status, const SfsEngineError *error, Size bytes);

#endif /* SOFTSORT_ERRORS_H */
