/*
 * device.h - the contract of a library that computes on a device (a GPU).
 *
 * Such a library is loaded at run time and exports one function, SFS_DEVICE_ENTRY,
 * of type SfsDeviceEntry.  It knows tasks and nothing of PostgreSQL: it never throws,
 * prints or jumps, starts no thread that outlives a call, and touches the device in
 * open, close and run alone - so nothing happens in a process that only loads it.
 *
 * Digits are those of the core (N2).  A row for which a device cannot guarantee that
 * (a decision closer than its error bound, values that have to be scaled, a result
 * that is out of range) is not answered but marked, and the caller repeats it on the CPU.
 *
 * All signals are blocked while the library is loaded and in open, close and run, and so in
 * threads that these start; hooks restore the caller's mask while they run.
 */
#ifndef SFS_DEVICE_H
#define SFS_DEVICE_H

#include "engine.h"

#define SFS_DEVICE_ABI 1
#define SFS_DEVICE_ENTRY "softsort_device"

/* A fault that a device is asked to have, for tests; each acts as the real one does. */
typedef enum SfsDeviceFault
{
	SFS_FAULT_NONE = 0,
	SFS_FAULT_OOM,	  /* the next allocations fail, whatever their size */
	SFS_FAULT_STICKY, /* the next slice ends with an error that the process cannot recover from */
	SFS_FAULT_SLOW,	  /* a slice takes seconds of waiting */
	SFS_FAULT_ABSENT  /* there is no device */
} SfsDeviceFault;

typedef struct SfsDeviceInfo
{
	char name[128];
	int device;
	int major; /* compute capability */
	int minor;
	int driver; /* versions as CUDA numbers them: 13000 is 13.0; 0: unknown */
	int runtime;
	uint64_t memory; /* bytes of the whole device */
	bool simulated;	 /* kernels run on the CPU, for tests */
} SfsDeviceInfo;

/* What a run did; valid after every status. */
typedef struct SfsDeviceReport
{
	size_t slices;
	size_t unsure;	   /* rows that are marked */
	double copy_ms;	   /* to and from the device, by its clock */
	double compute_ms; /* overlaps with copy_ms */
	bool lost;		   /* the device must not be used by this process any more */
} SfsDeviceReport;

typedef struct SfsDevice
{
	uint32_t abi_version; /* SFS_DEVICE_ABI, checked first */
	uint32_t struct_size; /* sizes of SfsDevice, SfsTask and SfsHooks as compiled */
	uint32_t task_size;
	uint32_t hooks_size;
	const char *version; /* of softsort, whose digits these are */
	const char *name;	 /* cuda */

	/*
	 * Make a context on device number `device`, to use at most `memory` bytes of it
	 * (0: a quarter).  SFS_NOT_SUPPORTED: no driver, no such device, too old;
	 * SFS_NO_MEMORY, SFS_FAILED: what they say; the reason is in error.
	 */
	SfsStatus (*open)(int device, uint64_t memory, SfsDeviceInfo *info, SfsEngineError *error);

	/*
	 * End all work in flight and give everything back; open may follow.  Does nothing when closed.
	 * May be called by a hook inside of run, when the process exits: run is not returned to then.
	 * No function is called after a run that has lost the device.
	 */
	void (*close)(void);

	/*
	 * Is there a kernel for this operation with these options?  Of the sizes only the length of
	 * rows that are all equally long matters, where no kernel takes such rows.
	 */
	bool (*supports)(const SfsTask *task);

	/*
	 * Run a supported task, in slices of at most about 20 ms, between which hooks are
	 * asked.  unsure has a byte per row: 1 where the row is not answered.  Nothing of it
	 * that uses the caller's memory is in flight when this returns; after SFS_CANCELLED
	 * kernels may still be at work, which the next call waits for.  SFS_NO_MEMORY: not even a slice of the smallest size
	 * fits; SFS_FAILED: see report->lost and error.  hooks->poll and hooks->wait are there,
	 * hooks->alloc is not.
	 */
	SfsStatus (*run)(const SfsTask *task, uint8_t *unsure, const SfsHooks *hooks,
					 SfsDeviceReport *report, SfsEngineError *error);

	/* Have a fault until told otherwise; open or not. */
	void (*inject)(SfsDeviceFault fault);
} SfsDevice;

typedef const SfsDevice *(*SfsDeviceEntry)(void);

/*
 * Can a device have a kernel for a task?  The list of operations stands here alone; what a
 * device does not take beyond that, SfsDevice.supports says.
 */
static inline bool
sfs_device_may_support(const SfsTask *task)
{
	switch (task->op)
	{
		case SFS_OP_RANK:
		case SFS_OP_RANK_VJP:
		case SFS_OP_RANK_JVP:
		case SFS_OP_SORT:
		case SFS_OP_SORT_ASSIGN:
		case SFS_OP_SORT_VJP:
		case SFS_OP_SORT_JVP:
		case SFS_OP_SOFT_SPEARMAN:
		case SFS_OP_SOFT_SPEARMAN_GRAD:
			return task->strength > 0.0;
		case SFS_OP_SPEARMAN:
			return true;
		default:
			return false;
	}
}

#endif /* SFS_DEVICE_H */
