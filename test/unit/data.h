/*
 * data.h - lists of numbers that are hard on sorting, on the solvers, or on doubles.
 */
#ifndef DATA_H
#define DATA_H

#include <stdbool.h>
#include <stddef.h>

/* Return how many kinds of data there are. */
extern size_t data_kinds(void);

/* Return the name of a kind. */
extern const char *data_name(size_t kind);

/*
 * Fill a list with data of a kind.  The strength is that of the task: some kinds touch
 * at it.  negate: the task sorts -x, to which a killer sequence has to be fitted.
 */
extern void data_fill(size_t kind, double strength, bool negate, double *x, size_t n);

/* Bring a list into random order. */
extern void shuffle(double *x, size_t n);

#endif /* DATA_H */
