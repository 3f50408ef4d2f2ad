/*
 * gpu_engine.h - the device as an engine: softsort.gpu decides what goes there.
 */
#ifndef SOFTSORT_GPU_ENGINE_H
#define SOFTSORT_GPU_ENGINE_H

#include "postgres.h"

#include "engine.h"

/* Register the engine; touches no device and may run in the postmaster. */
extern void sfs_gpu_init(void);

/* Say what a user should know of the run that has just ended.  May raise; no engine is running. */
extern void sfs_gpu_tell(void);

/*
 * Return what the device can be used for now, in a word, and the reason ("" if there is none).
 * probe: load the library and make a context first, as a task would that is large enough.
 */
extern const char *sfs_gpu_state(bool probe, const char **reason);

#endif /* SOFTSORT_GPU_ENGINE_H */
