/*
 * tap.h - the few words of TAP that the unit tests speak, and running a task.
 */
#ifndef TAP_H
#define TAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sfs_core.h"

/* Report one test; the name is formatted like printf. */
extern bool ok(bool passed, const char *name, ...) __attribute__((format(printf, 2, 3)));

/* Print the plan; return the exit status. */
extern int done_testing(void);

/*
 * Run a task on the core in a workspace of exactly the size it asks for, from
 * malloc, so that a sanitizer sees any overrun.
 */
extern SfsStatus run_core(const SfsTask *task);

/* Make a task of one row of n doubles. */
extern SfsTask one_row(SfsOp op, SfsRegularization reg, double strength, const double *x, size_t n,
					   double *out);

/* Begin the pseudorandom numbers anew; number is below 2^64 - 1. */
extern void seed(uint64_t number);

/* Return a pseudorandom number in [0, 1); deterministic. */
extern double uniform(void);

/* Return a pseudorandom normal deviate. */
extern double normal(void);

/* Return a pseudorandom integer in [0, n). */
extern size_t below(size_t n);

#endif /* TAP_H */
