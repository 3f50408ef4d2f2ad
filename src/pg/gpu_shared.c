/*
 * gpu_shared.c - see gpu_shared.h.
 *
 * After a crash the postmaster makes shared memory anew, so that a process that was killed
 * cannot keep its slot.
 */
#include "gpu_shared.h"

#include "access/parallel.h"
#include "miscadmin.h"
#include "port/atomics.h"
#include "storage/ipc.h"
#include "storage/lwlock.h"
#include "storage/shmem.h"
#include "storage/spin.h"
#include "utils/timestamp.h"

#include "guc.h"

/* Fallbacks for being small that are counted before other processes see them. */
#define FLUSH_EVERY 1024

typedef struct Shared
{
	pg_atomic_uint32 slots;
	pg_atomic_uint64 losses;
	pg_atomic_uint64 lost_at;
	pg_atomic_uint64 counters[SFS_GPU_COUNTERS];
	slock_t mutex; /* of what follows */
	TimestampTz error_at;
	char error[sizeof(((SfsEngineError *) 0)->reason)];
} Shared;

static Shared *server; /* NULL: not preloaded */
static Shared own;
static bool own_ready;
static uint64 counted[SFS_GPU_COUNTERS];

static shmem_request_hook_type next_request;
static shmem_startup_hook_type next_startup;

/* Make everything zero. */
static void
initialize(Shared *shared)
{
	memset(shared, 0, sizeof(*shared));
	pg_atomic_init_u32(&shared->slots, 0);
	pg_atomic_init_u64(&shared->losses, 0);
	pg_atomic_init_u64(&shared->lost_at, 0);
	for (int i = 0; i < SFS_GPU_COUNTERS; i++)
		pg_atomic_init_u64(&shared->counters[i], 0);
	SpinLockInit(&shared->mutex);
}

/* Return what is shared, if only with itself. */
static Shared *
shared(void)
{
	if (server != NULL)
		return server;
	if (!own_ready)
		initialize(&own);
	own_ready = true;
	return &own;
}

/* Ask for shared memory. */
static void
request(void)
{
	if (next_request != NULL)
		next_request();
	RequestAddinShmemSpace(MAXALIGN(sizeof(Shared)));
}

/* Find or make the shared memory. */
static void
startup(void)
{
	bool found;

	if (next_startup != NULL)
		next_startup();
	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	server = ShmemInitStruct("softsort GPU", sizeof(Shared), &found);
	if (!found)
		initialize(server);
	LWLockRelease(AddinShmemInitLock);
}

/* See gpu_shared.h. */
void
sfs_gpu_shared_init(void)
{
	next_request = shmem_request_hook;
	shmem_request_hook = request;
	next_startup = shmem_startup_hook;
	shmem_startup_hook = startup;
}

/* See gpu_shared.h. */
bool
sfs_gpu_shared(void)
{
	return server != NULL;
}

/* See gpu_shared.h. */
int
sfs_gpu_slots_max(void)
{
	if (server != NULL)
		return sfs_gpu_max_backends;
	return IsParallelWorker() ? 0 : 1;
}

/* See gpu_shared.h. */
int
sfs_gpu_slots_used(void)
{
	return (int) pg_atomic_read_u32(&shared()->slots);
}

/* See gpu_shared.h. */
bool
sfs_gpu_slot_take(void)
{
	pg_atomic_uint32 *slots = &shared()->slots;
	uint32 used = pg_atomic_read_u32(slots);

	while (used < (uint32) sfs_gpu_slots_max())
		if (pg_atomic_compare_exchange_u32(slots, &used, used + 1))
			return true;
	return false;
}

/* See gpu_shared.h. */
void
sfs_gpu_slot_release(void)
{
	pg_atomic_fetch_sub_u32(&shared()->slots, 1);
}

/* See gpu_shared.h. */
SfsLosses
sfs_gpu_losses(void)
{
	SfsLosses losses = {pg_atomic_read_u64(&shared()->losses),
						(int64) pg_atomic_read_u64(&shared()->lost_at)};

	return losses;
}

/* See gpu_shared.h. */
void
sfs_gpu_losses_add(int64 now)
{
	pg_atomic_write_u64(&shared()->lost_at, (uint64) now);
	pg_atomic_fetch_add_u64(&shared()->losses, 1);
}

/* See gpu_shared.h. */
void
sfs_gpu_count(SfsGpuCounter counter, uint64 n)
{
	counted[counter] += n;
}

/* See gpu_shared.h. */
void
sfs_gpu_count_fallback(SfsVerdict verdict)
{
	uint64 *n = &counted[SFS_GPU_FALLBACKS + verdict];

	/* small calls may come by the million, in many processes at once */
	if (++*n == FLUSH_EVERY || verdict != SFS_VERDICT_SMALL)
		sfs_gpu_counters_flush();
}

/* See gpu_shared.h. */
void
sfs_gpu_counters_flush(void)
{
	for (int i = 0; i < SFS_GPU_COUNTERS; i++)
	{
		if (counted[i] > 0)
			pg_atomic_fetch_add_u64(&shared()->counters[i], (int64) counted[i]);
		counted[i] = 0;
	}
}

/* See gpu_shared.h. */
uint64
sfs_gpu_counter(SfsGpuCounter counter)
{
	return pg_atomic_read_u64(&shared()->counters[counter]);
}

/* See gpu_shared.h. */
void
sfs_gpu_error_note(const char *error)
{
	Shared *to = shared();
	TimestampTz now = GetCurrentTimestamp();

	SpinLockAcquire(&to->mutex);
	to->error_at = now;
	strlcpy(to->error, error, sizeof(to->error));
	SpinLockRelease(&to->mutex);
}

/* See gpu_shared.h. */
TimestampTz
sfs_gpu_error_last(char *error, Size size)
{
	Shared *from = shared();
	TimestampTz at;

	SpinLockAcquire(&from->mutex);
	at = from->error_at;
	strlcpy(error, from->error, size);
	SpinLockRelease(&from->mutex);
	return at;
}
