/*
 * options.h - the options of the SQL functions, from text to a task.
 */
#ifndef SOFTSORT_OPTIONS_H
#define SOFTSORT_OPTIONS_H

#include "postgres.h"

#include "sfs_core.h"

/* Kinds of arguments, in the order of the SQL function. */
typedef enum SfsArgument
{
	SFS_ARG_END = 0,
	SFS_ARG_X,
	SFS_ARG_Y,
	SFS_ARG_G,
	SFS_ARG_REGULARIZATION,
	SFS_ARG_STRENGTH,
	SFS_ARG_DIRECTION,
	SFS_ARG_STANDARDIZE
} SfsArgument;

/* Return the SQL name of an option. */
extern const char *sfs_option_name(SfsArgument option);

/* Read an option into the task, or raise an error. */
extern void sfs_option_set(SfsTask *task, SfsArgument option, Datum value);

/* Do two tasks have the same options? */
extern bool sfs_options_equal(const SfsTask *a, const SfsTask *b);

#endif /* SOFTSORT_OPTIONS_H */
