/*
 * window.h - the path of every window function: partition, task, run, rows.
 */
#ifndef SOFTSORT_WINDOW_H
#define SOFTSORT_WINDOW_H

#include "call.h"

/*
 * Return the current row's result of a function over its whole partition; the
 * frame and the order of the window do not matter.  The first call of a partition
 * computes all rows.  Of the function's description, the operation, the
 * arguments (columns in place of lists) and g_name count.
 */
extern Datum sfs_window_call(FunctionCallInfo fcinfo, const SfsFunction *function);

#endif /* SOFTSORT_WINDOW_H */
