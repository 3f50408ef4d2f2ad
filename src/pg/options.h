/*
 * options.h - the options of the SQL functions, from text to a task.
 */
#ifndef SOFTSORT_OPTIONS_H
#define SOFTSORT_OPTIONS_H

#include "postgres.h"

#include "sfs_core.h"

/* Each reads one argument into the task, or raises an error. */
extern void sfs_option_regularization(SfsTask *task, text *value);
extern void sfs_option_strength(SfsTask *task, float8 value);
extern void sfs_option_direction(SfsTask *task, text *value);

#endif /* SOFTSORT_OPTIONS_H */
