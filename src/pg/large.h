/*
 * large.h - memory for long lists.
 */
#ifndef SOFTSORT_LARGE_H
#define SOFTSORT_LARGE_H

#include "postgres.h"

/*
 * Allocate memory in a context, also beyond 1 GB; NULL when there is none.  Lists of
 * many megabytes are visited at random: the kernel is asked for large pages.
 */
extern void *sfs_large_try(MemoryContext context, Size bytes);

/* The same, but raise an error when there is none. */
extern void *sfs_large_alloc(MemoryContext context, Size bytes);

#endif /* SOFTSORT_LARGE_H */
