/*
 * large.c - see large.h.
 */
#include "large.h"

#include <sys/mman.h>

#include "utils/memutils.h"

#define ADVISE_MIN (4 * 1024 * 1024)
#define PAGE 4096

/* Ask for large pages, where there are such; it is advice, so nothing can fail. */
static void
advise(void *memory, Size bytes)
{
#ifdef MADV_HUGEPAGE
	uintptr_t first = TYPEALIGN(PAGE, (uintptr_t) memory);
	uintptr_t last = TYPEALIGN_DOWN(PAGE, (uintptr_t) memory + bytes);

	if (bytes >= ADVISE_MIN)
		(void) madvise((void *) first, last - first, MADV_HUGEPAGE);
#else
	(void) memory;
	(void) bytes;
#endif
}

/* See large.h. */
void *
sfs_large_try(MemoryContext context, Size bytes)
{
	void *memory = NULL;

	if (AllocHugeSizeIsValid(bytes))
		memory = MemoryContextAllocExtended(context, bytes, MCXT_ALLOC_HUGE | MCXT_ALLOC_NO_OOM);
	if (memory != NULL)
		advise(memory, bytes);
	return memory;
}

/* See large.h. */
void *
sfs_large_alloc(MemoryContext context, Size bytes)
{
	void *memory = MemoryContextAllocHuge(context, bytes);

	advise(memory, bytes);
	return memory;
}
