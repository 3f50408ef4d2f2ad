/*
 * gpu_status.c - softsort_gpu_status().
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_authid.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "gpu_engine.h"
#include "gpu_library.h"
#include "gpu_session.h"
#include "gpu_shared.h"
#include "guc.h"

/* Columns of the result; sql/gpu.sql declares them in this order. */
#define COLUMNS 30

PG_FUNCTION_INFO_V1(softsort_gpu_status);

/* A row while it is put together. */
typedef struct Row
{
	Datum value[COLUMNS];
	bool null[COLUMNS];
	int columns;
} Row;

/* Append a value. */
static void
add(Row *row, Datum value)
{
	row->value[row->columns++] = value;
}

/* Append a null. */
static void
add_null(Row *row)
{
	row->null[row->columns++] = true;
}

/* Append a text, null for an empty one. */
static void
add_text(Row *row, const char *text)
{
	char *whole = pstrdup(text);

	sfs_gpu_clip(whole);
	if (whole[0] == '\0')
		add_null(row);
	else
		add(row, CStringGetTextDatum(whole));
}

/* Append a text that may name files of the server: for those who may read its settings. */
static void
add_private_text(Row *row, const char *text)
{
	add_text(row, has_privs_of_role(GetUserId(), ROLE_PG_READ_ALL_SETTINGS) ? text : "");
}

/* Append a number of elements, null for one that is not known. */
static void
add_break_even(Row *row, double elements)
{
	if (elements == 0.0)
		add_null(row);
	else
		add(row, Float8GetDatum(elements));
}

/* Append a version as CUDA numbers it, null for one that is not known. */
static void
add_version(Row *row, int version)
{
	add_text(row, version == 0 ? "" : psprintf("%d.%d", version / 1000, version % 1000 / 10));
}

/* Append what is known of the device. */
static void
add_device(Row *row)
{
	const SfsDeviceInfo *info = sfs_gpu_info();

	if (info == NULL)
	{
		for (int i = 0; i < 7; i++)
			add_null(row);
		return;
	}
	add(row, Int32GetDatum(info->device));
	add_text(row, info->name);
	add_text(row, psprintf("%d.%d", info->major, info->minor));
	add_version(row, info->driver);
	add_version(row, info->runtime);
	add(row, Int64GetDatum((int64) info->memory));
	add(row, BoolGetDatum(info->simulated));
}

/* Append counters. */
static void
add_counters(Row *row, int first, int count)
{
	for (int i = 0; i < count; i++)
		add(row, Int64GetDatum((int64) sfs_gpu_counter((SfsGpuCounter) (first + i))));
}

/* Append the last error and its time. */
static void
add_last_error(Row *row)
{
	char error[sizeof(((SfsEngineError *) 0)->reason)];
	TimestampTz at = sfs_gpu_error_last(error, sizeof(error));

	add_private_text(row, error);
	if (at == 0)
		add_null(row);
	else
		add(row, TimestampTzGetDatum(at));
}

/* Return one row about the device, as this session and this server have it. */
Datum
softsort_gpu_status(PG_FUNCTION_ARGS)
{
	Row row = {.columns = 0};
	TupleDesc descriptor;
	const char *state;
	const char *reason;

	if (get_call_result_type(fcinfo, NULL, &descriptor) != TYPEFUNC_COMPOSITE ||
		descriptor->natts != COLUMNS)
		elog(ERROR, "return type must be a row type of %d columns", COLUMNS);
	state = sfs_gpu_state(PG_GETARG_BOOL(0), &reason);
	sfs_gpu_counters_flush();
	add_text(&row, state);
	add_private_text(&row, reason);
	add_private_text(&row, sfs_gpu_library_path());
	add_device(&row);
	add_break_even(&row, sfs_gpu_offload.break_even[SFS_BATCH_ROWS]);
	add_break_even(&row, sfs_gpu_offload.break_even[SFS_BATCH_LIST]);
	add(&row, Int32GetDatum(sfs_gpu_slots_used()));
	add(&row, Int32GetDatum(sfs_gpu_slots_max()));
	add(&row, BoolGetDatum(sfs_gpu_shared()));
	add_text(&row, sfs_gpu_shared() ? "server" : "session");
	add_counters(&row, SFS_GPU_CALLS, SFS_GPU_FALLBACKS - SFS_GPU_CALLS);
	add_counters(&row, SFS_GPU_FALLBACKS + SFS_VERDICT_SMALL,
				 SFS_VERDICT_COUNT - SFS_VERDICT_SMALL);
	add(&row, Int64GetDatum((int64) sfs_gpu_losses().count));
	add_last_error(&row);
	Assert(row.columns == COLUMNS);
	PG_RETURN_DATUM(
		HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(descriptor), row.value, row.null)));
}
