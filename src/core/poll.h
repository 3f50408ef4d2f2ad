/*
 * poll.h - how long loops stay interruptible.
 *
 * A loop charges the elements it is about to visit; when the credit is spent
 * the host's poll hook is asked.  SFS_CHUNK elements of the slowest loop take
 * well under a millisecond.
 */
#ifndef SFS_POLL_H
#define SFS_POLL_H

#include "sfs_core.h"

#define SFS_CHUNK ((size_t) 4096)
#define SFS_POLL_CREDIT ((int64_t) 16384)

typedef struct SfsPoll
{
	const SfsHooks *hooks;
	int64_t credit;
} SfsPoll;

/* Charge n elements of work; return true when the work has to stop. */
static inline bool
sfs_poll(SfsPoll *poll, size_t n)
{
	poll->credit -= (int64_t) n;
	if (poll->credit > 0)
		return false;
	poll->credit = SFS_POLL_CREDIT;
	return poll->hooks != NULL && poll->hooks->poll != NULL && poll->hooks->poll(poll->hooks->arg);
}

/* Return the end of the chunk that starts at i, at most n. */
static inline size_t
sfs_chunk_end(size_t i, size_t n)
{
	return n - i > SFS_CHUNK ? i + SFS_CHUNK : n;
}

#endif /* SFS_POLL_H */
