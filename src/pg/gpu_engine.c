/*
 * gpu_engine.c - see gpu_engine.h.
 *
 * What is decided by itself stands in src/engine/offload.c; here it meets the settings, the
 * clock and the device.  Nothing raises: what the user must know waits for sfs_gpu_tell.
 */
#include "gpu_engine.h"

#include <math.h>

#include "access/parallel.h"
#include "miscadmin.h"
#include "portability/instr_time.h"

#include "errors.h"
#include "gpu_library.h"
#include "gpu_measure.h"
#include "gpu_session.h"
#include "gpu_shared.h"
#include "guc.h"

/* What is to be told after a run. */
typedef struct News
{
	bool lost;
	bool offloaded;
	size_t rows;
	size_t elements;
	size_t repeated; /* by the CPU */
	double open_ms;
	double device_ms;
	double repeat_ms;
	SfsDeviceReport report;
} News;

static News news;

/* The fault that the library was asked for. */
static int injected = SFS_FAULT_NONE;

/* Return the milliseconds since a time, and make that now. */
static double
lap(instr_time *start)
{
	instr_time now;
	instr_time passed;

	INSTR_TIME_SET_CURRENT(now);
	passed = now;
	INSTR_TIME_SUBTRACT(passed, *start);
	*start = now;
	return INSTR_TIME_GET_MILLISEC(passed);
}

/* Return the library; asked for the fault that is set for tests. */
static const SfsDevice *
load_library(void)
{
	const SfsDevice *device = NULL;

	/* what the postmaster loads or opens its children cannot use */
	if (IsUnderPostmaster || !IsPostmasterEnvironment)
		device = sfs_gpu_library_load();
	if (device != NULL && injected != sfs_debug_gpu_fail)
	{
		device->inject((SfsDeviceFault) sfs_debug_gpu_fail);
		injected = sfs_debug_gpu_fail;
	}
	return device;
}

/* May and should a task go to the device, as far as can be told without one? */
static SfsVerdict
consider(const SfsTask *task)
{
	SfsOffloadMode mode = (SfsOffloadMode) sfs_gpu;
	SfsVerdict verdict;
	const SfsDevice *device;

	if (isinf(sfs_gpu_offload.break_even[sfs_offload_batch(task)]))
		sfs_offload_reconsider(&sfs_gpu_offload, sfs_gpu_now());
	verdict = sfs_offload_wanted(&sfs_gpu_offload, mode, (size_t) sfs_gpu_min_elements, task);
	if (verdict != SFS_VERDICT_YES)
		return verdict;
	if (!sfs_device_may_support(task) ||
		(sfs_gpu_library() != NULL && !sfs_gpu_library()->supports(task)))
		return SFS_VERDICT_UNSUPPORTED;
	if (sfs_gpu_slots_max() == 0)
		return SFS_VERDICT_NO_SLOT;
	verdict = sfs_offload_possible(&sfs_gpu_offload, mode, sfs_gpu_losses(), sfs_gpu_now());
	if (verdict != SFS_VERDICT_YES)
		return verdict;
	device = load_library();
	if (device == NULL)
	{
		const char *reason;

		/* a server without a GPU has no error */
		if (sfs_gpu_library_state(&reason) == SFS_LIBRARY_NOT_USABLE)
			sfs_gpu_error_note(reason);
		return sfs_offload_opened(&sfs_gpu_offload, SFS_NOT_SUPPORTED, sfs_gpu_losses(),
								  sfs_gpu_now());
	}
	return device->supports(task) ? SFS_VERDICT_YES : SFS_VERDICT_UNSUPPORTED;
}

/* Accept tasks that may go to the device, and those that must. */
static bool
supports(const SfsTask *task)
{
	SfsVerdict verdict = consider(task);

	if (sfs_gpu_timer_fired && verdict != SFS_VERDICT_YES)
		sfs_gpu_tick(true);
	if (verdict == SFS_VERDICT_UNWANTED)
		return false;
	if (verdict == SFS_VERDICT_YES ||
		sfs_offload_status((SfsOffloadMode) sfs_gpu, verdict) == SFS_REFUSED)
		return true;
	sfs_gpu_count_fallback(verdict);
	return false;
}

/* Return the bytes of the core's workspace, which end at a multiple of 8. */
static size_t
core_bytes(const SfsTask *task)
{
	return MAXALIGN(sfs_core_workspace(task));
}

/* Ask for what the core needs for the rows that it repeats, and a byte for each row. */
static size_t
workspace_bytes(const SfsTask *task)
{
	return core_bytes(task) + task->rows;
}

/* Return why there is no slot. */
static const char *
no_slot_reason(void)
{
	if (sfs_gpu_shared())
		return "As many sessions as \"softsort.gpu_max_backends\" allows have a GPU context.";
	return "A parallel worker has no GPU context unless softsort is in "
		   "\"shared_preload_libraries\".";
}

/* Give the reason why a task is refused, unless the device gave one. */
static void
explain(SfsVerdict verdict, SfsEngineError *error)
{
	const char *reason = "";

	if (error->reason[0] != '\0')
		return;
	if (verdict == SFS_VERDICT_NO_DEVICE)
		(void) sfs_gpu_library_state(&reason);
	else if (verdict == SFS_VERDICT_NO_SLOT)
		reason = no_slot_reason();
	else if (verdict == SFS_VERDICT_LOST)
		reason = sfs_gpu_trouble();
	strlcpy(error->reason, reason, sizeof(error->reason));
	sfs_gpu_clip(error->reason);
}

/* Make a context; measure where nobody says from how many elements it is worth while. */
static SfsStatus
prepare(const SfsTask *task, const SfsHooks *hooks, SfsVerdict *verdict, SfsEngineError *error)
{
	SfsOffloadMode mode = (SfsOffloadMode) sfs_gpu;
	SfsBatch batch = sfs_offload_batch(task);
	SfsStatus status = SFS_OK;

	*verdict = sfs_gpu_open(error);
	if (*verdict != SFS_VERDICT_YES || mode != SFS_OFFLOAD_AUTO || sfs_gpu_min_elements > 0 ||
		sfs_gpu_offload.break_even[batch] > 0.0)
		return SFS_OK;
	status = sfs_gpu_measure(batch, hooks, verdict, error);
	sfs_gpu_offload.measured_at = sfs_gpu_now();
	if (status == SFS_OK && *verdict == SFS_VERDICT_YES)
		*verdict = sfs_offload_wanted(&sfs_gpu_offload, mode, 0, task);
	return status;
}

/* Run the rows that the device was not sure of on the CPU. */
static SfsStatus
repeat_unsure(const SfsTask *task, const uint8_t *unsure, void *workspace, const SfsHooks *hooks)
{
	SfsStatus status = SFS_OK;
	size_t end;

	for (size_t row = 0; row < task->rows && status == SFS_OK; row = end)
	{
		end = row + 1;
		if (!unsure[row])
			continue;
		while (end < task->rows && unsure[end])
			end++;
		news.repeated += end - row;
		/* the core asks the host only after so many elements */
		if (hooks->poll != NULL && hooks->poll(hooks->arg))
			return SFS_CANCELLED;
		status = sfs_core_run(task, row, end, workspace, hooks);
	}
	return status;
}

/* Count a run that the device has finished. */
static void
count(const SfsTask *task)
{
	news.offloaded = true;
	news.rows = task->rows;
	news.elements = sfs_offload_elements(task);
	sfs_gpu_count(SFS_GPU_CALLS, 1);
	sfs_gpu_count(SFS_GPU_ROWS, news.rows);
	sfs_gpu_count(SFS_GPU_ELEMENTS, news.elements);
	sfs_gpu_count(SFS_GPU_UNSURE, news.repeated);
	sfs_gpu_counters_flush();
}

/* Run a task on the device; a verdict other than yes says why not. */
static SfsStatus
offload(const SfsTask *task, char *workspace, const SfsHooks *hooks, SfsVerdict *verdict,
		SfsEngineError *error)
{
	uint8_t *unsure = (uint8_t *) workspace + core_bytes(task);
	SfsStatus status;
	instr_time start;

	INSTR_TIME_SET_CURRENT(start);
	status = prepare(task, hooks, verdict, error);
	news.open_ms = lap(&start);
	if (status != SFS_OK || *verdict != SFS_VERDICT_YES)
		return status;
	memset(unsure, 0, task->rows);
	*verdict = sfs_gpu_run(task, unsure, hooks, &news.report, &status, error);
	news.device_ms = lap(&start);
	if (status != SFS_OK || *verdict != SFS_VERDICT_YES)
		return status;
	status = repeat_unsure(task, unsure, workspace, hooks);
	news.repeat_ms = lap(&start);
	if (status == SFS_OK)
		count(task);
	return status;
}

/* Run a task on the device, or say why not. */
static SfsStatus
run(const SfsTask *task, void *workspace, size_t bytes, const SfsHooks *hooks,
	SfsEngineError *error)
{
	SfsVerdict verdict = consider(task);
	SfsStatus status = SFS_OK;
	bool was_lost = sfs_gpu_offload.context == SFS_CONTEXT_LOST;

	(void) bytes;
	memset(&news, 0, sizeof(news));
	if (verdict == SFS_VERDICT_YES)
		status = offload(task, workspace, hooks, &verdict, error);
	news.lost = !was_lost && sfs_gpu_offload.context == SFS_CONTEXT_LOST;
	if (verdict == SFS_VERDICT_YES || status == SFS_CANCELLED || status == SFS_OUT_OF_RANGE)
		return status;
	status = sfs_offload_status((SfsOffloadMode) sfs_gpu, verdict);
	if (status != SFS_REFUSED)
		sfs_gpu_count_fallback(verdict);
	else
		explain(verdict, error);
	return status;
}

static const SfsEngine engine = {
	.abi_version = SFS_ENGINE_ABI,
	.struct_size = sizeof(SfsEngine),
	.name = "gpu",
	.supports = supports,
	.workspace = workspace_bytes,
	.run = run,
};

/* See gpu_engine.h. */
void
sfs_gpu_init(void)
{
	if (process_shared_preload_libraries_in_progress)
		sfs_gpu_shared_init();
	sfs_gpu_session_init();
	(void) sfs_engine_register(&engine);
}

/* See gpu_engine.h. */
void
sfs_gpu_tell(void)
{
	News told = news;

	if (!told.lost && !told.offloaded)
		return;
	news.lost = news.offloaded = false;
	if (told.lost)
		sfs_warn_device_lost(sfs_gpu_trouble());
	if (told.offloaded)
		ereport(DEBUG1,
				(errmsg_internal("softsort: %zu rows, %zu elements on the GPU in %zu slices, "
								 "%zu rows again on the CPU; ms: open %.1f, device %.1f "
								 "(copy %.1f, compute %.1f), again %.1f",
								 told.rows, told.elements, told.report.slices, told.repeated,
								 told.open_ms, told.device_ms, told.report.copy_ms,
								 told.report.compute_ms, told.repeat_ms)));
}

/* Load the library and make a context, as a task would that is large enough. */
static SfsVerdict
probe_device(void)
{
	SfsEngineError error = {""};

	if (sfs_gpu == SFS_OFFLOAD_NEVER)
		return SFS_VERDICT_UNWANTED;
	if (sfs_gpu_offload.context == SFS_CONTEXT_LOST)
		return SFS_VERDICT_LOST;
	return load_library() != NULL ? sfs_gpu_open(&error) : SFS_VERDICT_NO_DEVICE;
}

/* Return what a failure that is not over has left, and its reason; or NULL. */
static const char *
trouble_state(const char **reason)
{
	SfsVerdict verdict =
		sfs_offload_possible(&sfs_gpu_offload, SFS_OFFLOAD_AUTO, sfs_gpu_losses(), sfs_gpu_now());

	*reason = sfs_gpu_trouble();
	switch (verdict)
	{
		case SFS_VERDICT_NO_DEVICE:
			return "no device";
		case SFS_VERDICT_NO_MEMORY:
			return "out of memory";
		case SFS_VERDICT_FAILED:
			return "failed";
		case SFS_VERDICT_LOST:
			if (sfs_gpu_offload.context == SFS_CONTEXT_LOST)
				return "lost";
			*reason = "Another session has lost the GPU lately.";
			return "lost elsewhere";
		default:
			return NULL;
	}
}

/* See gpu_engine.h. */
const char *
sfs_gpu_state(bool probe, const char **reason)
{
	SfsVerdict probed = probe ? probe_device() : SFS_VERDICT_UNWANTED;
	SfsLibraryState library = sfs_gpu_library_state(reason);
	const char *library_reason = *reason;
	const char *trouble = trouble_state(reason);

	if (sfs_gpu_offload.context == SFS_CONTEXT_LOST)
		return trouble;
	if (sfs_gpu == SFS_OFFLOAD_NEVER)
	{
		*reason = "";
		return "off";
	}
	if (library == SFS_LIBRARY_NOT_INSTALLED || library == SFS_LIBRARY_NOT_USABLE)
	{
		*reason = library_reason;
		return library == SFS_LIBRARY_NOT_USABLE ? "not usable" : "not installed";
	}
	if (trouble != NULL)
		return trouble;
	*reason = "";
	if (probed == SFS_VERDICT_NO_SLOT)
	{
		*reason = no_slot_reason();
		return "no slot";
	}
	if (library == SFS_LIBRARY_NOT_LOADED)
		return "not loaded";
	return sfs_gpu_offload.context == SFS_CONTEXT_OPEN ? "ready" : "closed";
}
