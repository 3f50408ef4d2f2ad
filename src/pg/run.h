/*
 * run.h - running the core inside a server process.
 */
#ifndef SOFTSORT_RUN_H
#define SOFTSORT_RUN_H

#include "postgres.h"

#include "engine.h"

/*
 * Run a task on the engines, interruptibly, in a workspace that is gone afterwards or,
 * if it is small, kept by the process for the next task.  Raises an error unless the
 * result is there.
 */
extern void sfs_run(const SfsTask *task);

/* Are n pairs in ascending order of (x, y)?  Interruptible. */
extern bool sfs_run_pairs_ordered(const double *x, const double *y, int64 n);

/* Sort n pairs ascending by (x, y), in place, interruptibly. */
extern void sfs_run_sort_pairs(double *x, double *y, int64 n);

#endif /* SOFTSORT_RUN_H */
