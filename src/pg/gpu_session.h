/*
 * gpu_session.h - the device as this process has it: its context, slot and idle time.
 */
#ifndef SOFTSORT_GPU_SESSION_H
#define SOFTSORT_GPU_SESSION_H

#include "postgres.h"

#include <signal.h>

#include "device.h"
#include "offload.h"

/* What this process knows of its device. */
extern SfsOffload sfs_gpu_offload;

/* Has the time of an idle context run out, perhaps? */
extern volatile sig_atomic_t sfs_gpu_timer_fired;

/* Prepare; touches no device and may run in the postmaster. */
extern void sfs_gpu_session_init(void);

/* Return the time in milliseconds, of the clock of all processes. */
extern int64 sfs_gpu_now(void);

/* Make a context of the device that the settings name, unless there is one; the library is loaded. */
extern SfsVerdict sfs_gpu_open(SfsEngineError *error);

/* Run a task on the open device; *status is what the device said, which may be SFS_CANCELLED. */
extern SfsVerdict sfs_gpu_run(const SfsTask *task, uint8_t *unsure, const SfsHooks *hooks,
							  SfsDeviceReport *report, SfsStatus *status, SfsEngineError *error);

/* Give an idle context back, if that may be now, or see to it that it will be. */
extern void sfs_gpu_tick(bool may_close);

/* Look after the context soon, since a setting that it depends on has another value. */
extern void sfs_gpu_settings_changed(void);

/* Return what is known of the device, NULL before the first context; and why the last failure was. */
extern const SfsDeviceInfo *sfs_gpu_info(void);
extern const char *sfs_gpu_trouble(void);

/* Forget failures and what was measured, since a setting has changed. */
extern void sfs_gpu_retry(void);

#endif /* SOFTSORT_GPU_SESSION_H */
