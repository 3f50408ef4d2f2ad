/*
 * run.h - running a task inside a server process.
 */
#ifndef SOFTSORT_RUN_H
#define SOFTSORT_RUN_H

#include "postgres.h"

#include "engine.h"

/*
 * Run a task on the engines, interruptibly, in a workspace of the current memory
 * context that is gone afterwards.  Raises an error unless the result is there.
 */
extern void sfs_run(const SfsTask *task);

#endif /* SOFTSORT_RUN_H */
