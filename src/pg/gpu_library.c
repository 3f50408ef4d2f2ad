/*
 * gpu_library.c - see gpu_library.h.
 */
#include "gpu_library.h"

#include <dlfcn.h>
#include <pthread.h>
#include <sys/stat.h>

#include "mb/pg_wchar.h"
#include "miscadmin.h"

#include "guc.h"

/* The library's name where softsort.cuda_library gives none. */
#define LIBRARY_NAME "softsort_cuda" DLSUFFIX

static const SfsDevice *library;
static SfsLibraryState state;
static char reason[sizeof(((SfsEngineError *) 0)->reason)];
static char path[MAXPGPATH];
static char tried[MAXPGPATH]; /* what state and reason are about */

/* See gpu_library.h. */
void
sfs_gpu_signals_block(sigset_t *before)
{
	sigset_t all;

	sigfillset(&all);
	/*
	 * Those that a thread raises by itself end the process, blocked or not.  Not so SIGFPE,
	 * which PostgreSQL makes an error: blocked, it ends the process, too.
	 */
	sigdelset(&all, SIGSEGV);
	sigdelset(&all, SIGBUS);
	sigdelset(&all, SIGILL);
	sigdelset(&all, SIGABRT);
	sigdelset(&all, SIGTRAP);
	sigdelset(&all, SIGSYS);
	pthread_sigmask(SIG_BLOCK, &all, before);
}

/* See gpu_library.h. */
void
sfs_gpu_signals_restore(const sigset_t *before)
{
	pthread_sigmask(SIG_SETMASK, before, NULL);
}

/* See gpu_library.h. */
void
sfs_gpu_clip(char *text)
{
	int length = (int) strlen(text);

	text[pg_mbcliplen(text, length, length)] = '\0';
}

/* Write the file's path: as it is set if that names a folder, else beside softsort.so. */
static void
find_path(void)
{
	const char *name = sfs_cuda_library[0] != '\0' ? sfs_cuda_library : LIBRARY_NAME;
	Dl_info here;
	const char *end;

	if (strchr(name, '/') != NULL)
	{
		strlcpy(path, name, MAXPGPATH);
		return;
	}
	if (dladdr(&state, &here) != 0 && (end = strrchr(here.dli_fname, '/')) != NULL)
		snprintf(path, MAXPGPATH, "%.*s/%s", (int) (end - here.dli_fname), here.dli_fname, name);
	else
		snprintf(path, MAXPGPATH, "%s/%s", pkglib_path, name);
}

/* Load the file; return NULL and the reason on failure. */
static const SfsDevice *
load(void)
{
	void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	SfsDeviceEntry entry = NULL;
	const SfsDevice *device = NULL;

	if (handle != NULL)
		entry = (SfsDeviceEntry) dlsym(handle, SFS_DEVICE_ENTRY);
	if (entry == NULL)
	{
		const char *message = dlerror();

		strlcpy(reason, message != NULL ? message : "unknown error", sizeof(reason));
		return NULL;
	}
	device = entry();
	if (device == NULL || device->abi_version != SFS_DEVICE_ABI ||
		device->struct_size != sizeof(SfsDevice) || device->task_size != sizeof(SfsTask) ||
		device->hooks_size != sizeof(SfsHooks) || strcmp(device->version, SOFTSORT_VERSION) != 0)
	{
		snprintf(reason, sizeof(reason), "\"%s\" was built for another version of softsort.", path);
		return NULL;
	}
	return device;
}

/* See gpu_library.h. */
const SfsDevice *
sfs_gpu_library_load(void)
{
	struct stat file;
	sigset_t before;

	if (library != NULL)
		return library;
	find_path();
	strlcpy(tried, path, MAXPGPATH);
	reason[0] = '\0';
	if (stat(path, &file) != 0)
	{
		snprintf(reason, sizeof(reason), "Could not find \"%s\": %s.", path, strerror(errno));
		state = SFS_LIBRARY_NOT_INSTALLED;
		return NULL;
	}
	sfs_gpu_signals_block(&before);
	library = load();
	sfs_gpu_signals_restore(&before);
	state = library != NULL ? SFS_LIBRARY_LOADED : SFS_LIBRARY_NOT_USABLE;
	return library;
}

/* See gpu_library.h. */
const SfsDevice *
sfs_gpu_library(void)
{
	return library;
}

/* See gpu_library.h. */
const char *
sfs_gpu_library_path(void)
{
	if (library == NULL)
		find_path();
	return path;
}

/* See gpu_library.h. */
SfsLibraryState
sfs_gpu_library_state(const char **why)
{
	*why = reason;
	if (strcmp(tried, sfs_gpu_library_path()) == 0)
		return state;
	*why = "";
	return SFS_LIBRARY_NOT_LOADED;
}
