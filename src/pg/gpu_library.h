/*
 * gpu_library.h - the library that knows the device, softsort_cuda.so.
 *
 * It is loaded on first use in a process, never linked and never unloaded.  Whatever is
 * wrong with it is a status with a reason, not an error.
 */
#ifndef SOFTSORT_GPU_LIBRARY_H
#define SOFTSORT_GPU_LIBRARY_H

#include "postgres.h"

#include <signal.h>

#include "device.h"

typedef enum SfsLibraryState
{
	SFS_LIBRARY_NOT_LOADED = 0,
	SFS_LIBRARY_NOT_INSTALLED, /* there is no such file */
	SFS_LIBRARY_NOT_USABLE,	   /* it cannot be loaded, or is another version's */
	SFS_LIBRARY_LOADED
} SfsLibraryState;

/* Load the library unless it is there; NULL: see sfs_gpu_library_state and the reason. */
extern const SfsDevice *sfs_gpu_library_load(void);

/* Return the library if it is loaded, else NULL. */
extern const SfsDevice *sfs_gpu_library(void);

/* Return how the last attempt to load ended, with which reason ("" if there is none). */
extern SfsLibraryState sfs_gpu_library_state(const char **reason);

/* Return the file that is loaded, or would be. */
extern const char *sfs_gpu_library_path(void);

/*
 * Block signals around a call of the library, and restore them after: threads that it
 * starts inherit the mask, and must never run the signal handlers of a backend.
 */
extern void sfs_gpu_signals_block(sigset_t *before);
extern void sfs_gpu_signals_restore(const sigset_t *before);

/* Remove what has been cut of a character from the end of a text. */
extern void sfs_gpu_clip(char *text);

#endif /* SOFTSORT_GPU_LIBRARY_H */
