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

/* Report that an option's text is none of the accepted ones. */
extern void sfs_error_option(const char *option, const char *value, const char *hint)
	pg_attribute_noreturn();

/* Report a strength that is negative, NaN or infinite. */
extern void sfs_error_strength(double strength) pg_attribute_noreturn();

/* Report element `position` (from 1) of a list as not acceptable; may null stand there? */
extern void sfs_error_value(const char *requirement, int64 position, double value, bool nullable)
	pg_attribute_noreturn();

/* Report a null in a cotangent or tangent at an element whose value is not null. */
extern void sfs_error_null(const char *list, int64 position) pg_attribute_noreturn();

/* Report an element type that is not numeric. */
extern void sfs_error_type(Oid type) pg_attribute_noreturn();

/* Report an array that is not one-dimensional, or has fewer than two dimensions. */
extern void sfs_error_one_dimensional(int ndim) pg_attribute_noreturn();
extern void sfs_error_two_dimensional(int ndim) pg_attribute_noreturn();

/* Report two arrays that do not fit together. */
extern void sfs_error_length(int64 first, int64 second) pg_attribute_noreturn();
extern void sfs_error_shape(const char *second, bool may_be_list) pg_attribute_noreturn();

/* Report a result that no array can hold. */
extern void sfs_error_size(const char *hint) pg_attribute_noreturn();

/* Report a null option of a window function or aggregate, which may not drop rows in silence. */
extern void sfs_error_null_option(const char *option) pg_attribute_noreturn();

/* Report an option that is not the same in all rows of a partition. */
extern void sfs_error_varying_option(const char *option) pg_attribute_noreturn();

/* Report a window partition, or else a group of an aggregate, that needs more memory than is allowed. */
extern void sfs_error_memory(bool window, int64 rows, Size bytes) pg_attribute_noreturn();

/* Report a window partition of more rows than can be numbered. */
extern void sfs_error_partition_rows(int64 rows) pg_attribute_noreturn();

/* Report a value of a column as not acceptable. */
extern void sfs_error_column_value(const char *requirement, double value) pg_attribute_noreturn();

/* Report options that are not the same in all that an aggregate is to bring together. */
extern void sfs_error_state_options(void) pg_attribute_noreturn();

/* Report a state that is beyond what one datum can be. */
extern void sfs_error_state_size(int64 pairs, const char *hint) pg_attribute_noreturn();

/* Report a stored state that this version cannot read. */
extern void sfs_error_state_version(void) pg_attribute_noreturn();

/* Report bytes or text that are no state. */
extern void sfs_error_state_input(int sqlstate, const char *detail) pg_attribute_noreturn();

/* Report an aggregate's function called by hand. */
extern void sfs_error_not_aggregate(void) pg_attribute_noreturn();

/* Warn that the device is lost to this session. */
extern void sfs_warn_device_lost(const char *reason);

/* Report the status of a run that is not SFS_OK. */
extern void sfs_error_status(SfsStatus status, const SfsEngineError *error, Size bytes)
	pg_attribute_noreturn();

#endif /* SOFTSORT_ERRORS_H */
