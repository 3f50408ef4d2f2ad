/*
 * window.c - see window.h.
 *
 * A partition is read column by column into compact lists of the rows that take
 * part: x is not null, and neither is y.  Results come back in the same order
 * and are spread over the rows.  They live in the partition's memory; all else
 * is freed before the first row is returned.
 */
#include "window.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "windowapi.h"

#include "errors.h"
#include "guc.h"
#include "options.h"
#include "pg_compat.h"
#include "run.h"

#define INTERRUPT_STEP 4096

/* A partition whose results are known; zeroed when it begins. */
typedef struct Partition
{
	bool ready;
	double *result;	  /* of the rows that take part, in order */
	int32 *result_of; /* row -> index into result, or -1; NULL when every row takes part */
	bool undefined;	  /* the gradient of a correlation that is null */
} Partition;

/* A partition while it is computed. */
typedef struct Reading
{
	WindowObject window;
	const SfsFunction *function;
	SfsTask task;
	int64 rows;
	int64 kept;
	bool *keep;
} Reading;

/* Return the value of a column in a row. */
static inline double
column_value(const Reading *reading, int argument, int64 row, bool *isnull)
{
	bool isout;
	Datum datum = WinGetFuncArgInPartition(reading->window, argument, (int) row, WINDOW_SEEK_HEAD,
										   false, isnull, &isout);

	return *isnull ? 0.0 : DatumGetFloat8(datum);
}

/* Return the name of an option. */
static const char *
option_name(SfsArgument argument)
{
	switch (argument)
	{
		case SFS_ARG_REGULARIZATION:
			return "regularization";
		case SFS_ARG_STRENGTH:
			return "regularization_strength";
		case SFS_ARG_DIRECTION:
			return "direction";
		default:
			return "standardize";
	}
}

/* Read an option, the same in every row. */
static void
read_option(FunctionCallInfo fcinfo, Reading *reading, int argument)
{
	SfsArgument kind = reading->function->arguments[argument];
	Oid type = get_fn_expr_argtype(fcinfo->flinfo, argument);
	int16 length;
	bool by_value;
	bool isnull;
	bool isout;
	Datum first = WinGetFuncArgInPartition(reading->window, argument, 0, WINDOW_SEEK_HEAD, false,
										   &isnull, &isout);

	if (isnull)
		sfs_error_null_option(option_name(kind));
	get_typlenbyval(type, &length, &by_value);
	if (kind == SFS_ARG_STRENGTH)
		sfs_option_strength(&reading->task, DatumGetFloat8(first));
	else if (kind == SFS_ARG_STANDARDIZE)
		reading->task.standardize = DatumGetBool(first);
	else
	{
		text *value = DatumGetTextPCopy(first);

		first = PointerGetDatum(value);
		if (kind == SFS_ARG_REGULARIZATION)
			sfs_option_regularization(&reading->task, value);
		else
			sfs_option_direction(&reading->task, value);
	}
	if (get_fn_expr_arg_stable(fcinfo->flinfo, argument))
		return;
	for (int64 row = 1; row < reading->rows; row++)
	{
		Datum other = WinGetFuncArgInPartition(reading->window, argument, (int) row,
											   WINDOW_SEEK_HEAD, false, &isnull, &isout);

		if (row % INTERRUPT_STEP == 0)
			CHECK_FOR_INTERRUPTS();
		if (isnull)
			sfs_error_null_option(option_name(kind));
		if (!datum_image_eq(first, other, by_value, length))
			sfs_error_varying_option(option_name(kind));
	}
}

/* Find the column of a kind of argument; -1 when the function has none. */
static int
find_argument(const SfsFunction *function, SfsArgument kind)
{
	for (int i = 0; i < SFS_ARGUMENTS_MAX; i++)
		if (function->arguments[i] == kind)
			return i;
	return -1;
}

/* Check one value of a column. */
static void
check_value(const char *name, int64 row, double value, bool nullable)
{
	if (!isfinite(value))
		sfs_error_value(psprintf("%s must be finite", name), row + 1, value, nullable);
}

/*
 * Read all rows in one pass, since the partition may be on disk: mark those that
 * take part and fill the lists of their values.
 */
static void
read_rows(Reading *reading, int x, int y, int g, double *list[3])
{
	for (int64 row = 0; row < reading->rows; row++)
	{
		bool isnull;
		double x_value;
		double y_value = 0.0;

		if (row % INTERRUPT_STEP == 0)
			CHECK_FOR_INTERRUPTS();
		x_value = column_value(reading, x, row, &isnull);
		if (!isnull && y >= 0)
			y_value = column_value(reading, y, row, &isnull);
		reading->keep[row] = !isnull;
		if (isnull)
			continue;
		check_value("values", row, x_value, true);
		check_value("values", row, y_value, true);
		list[0][reading->kept] = x_value;
		if (y >= 0)
			list[1][reading->kept] = y_value;
		if (g >= 0)
		{
			double g_value = column_value(reading, g, row, &isnull);

			if (isnull)
				sfs_error_null(reading->function->g_name, row + 1);
			check_value(reading->function->g_name, row, g_value, false);
			list[2][reading->kept] = g_value;
		}
		reading->kept++;
	}
}

/* Raise an error when the partition would take more memory than is allowed. */
static void
check_memory(const Reading *reading, int columns)
{
	SfsTask task = reading->task;
	Size bytes;

	task.rows = 1;
	task.length = (size_t) reading->rows;
	bytes = (Size) reading->rows *
			(sizeof(bool) + sizeof(int32) + sizeof(double) * (Size) (columns + 1));
	bytes += sfs_core_workspace(&task);
	if (bytes > (Size) 1024 * sfs_max_partition_memory || reading->rows > PG_INT32_MAX)
		sfs_error_partition(reading->rows, bytes);
}

/* Compute a partition. */
static void
compute(FunctionCallInfo fcinfo, const SfsFunction *function, Partition *partition)
{
	MemoryContext lasting = GetMemoryChunkContext(partition);
	MemoryContext working =
		AllocSetContextCreate(CurrentMemoryContext, "softsort partition", ALLOCSET_DEFAULT_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(working);
	int x = find_argument(function, SFS_ARG_X);
	int y = find_argument(function, SFS_ARG_Y);
	int g = find_argument(function, SFS_ARG_G);
	double *list[3] = {NULL, NULL, NULL};
	Reading reading = {.window = PG_WINDOW_OBJECT(), .function = function};

	reading.rows = WinGetPartitionRowCount(reading.window);
	reading.task.op = function->op;
	reading.task.strength = 1.0;
	for (int i = 0; i < SFS_ARGUMENTS_MAX && function->arguments[i] != SFS_ARG_END; i++)
		if (i != x && i != y && i != g)
			read_option(fcinfo, &reading, i);
	check_memory(&reading, (y >= 0) + (g >= 0) + 1);
	reading.keep = MemoryContextAllocHuge(working, sizeof(bool) * (Size) reading.rows);
	for (int i = 0; i < 3; i++)
		if (i == 0 || (i == 1 ? y : g) >= 0)
			list[i] = MemoryContextAllocHuge(working, sizeof(double) * (Size) reading.rows);
	read_rows(&reading, x, y, g, list);
	/* nothing is read again: the rows may go */
	WinSetMarkPosition(reading.window, reading.rows - 1);
	reading.task.x.data = list[0];
	reading.task.y.data = list[1];
	reading.task.g.data = list[2];
	reading.task.rows = 1;
	reading.task.length = (size_t) reading.kept;
	partition->result =
		MemoryContextAllocHuge(lasting, sizeof(double) * (Size) Max(reading.kept, 1));
	reading.task.out.data = partition->result;
	sfs_run(&reading.task);
	partition->undefined = function->result == SFS_RESULT_GRADIENT &&
						   (reading.kept == 0 || isnan(partition->result[0]));
	if (reading.kept < reading.rows)
	{
		int32 next = 0;

		partition->result_of = MemoryContextAllocHuge(lasting, sizeof(int32) * (Size) reading.rows);
		for (int64 row = 0; row < reading.rows; row++)
			partition->result_of[row] = reading.keep[row] ? next++ : -1;
	}
	partition->ready = true;
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(working);
}

/* See window.h. */
Datum
sfs_window_call(FunctionCallInfo fcinfo, const SfsFunction *function)
{
	WindowObject window = PG_WINDOW_OBJECT();
	Partition *partition = WinGetPartitionLocalMemory(window, sizeof(Partition));
	int64 row = WinGetCurrentPosition(window);

	if (!partition->ready)
		compute(fcinfo, function, partition);
	if (partition->undefined || (partition->result_of != NULL && partition->result_of[row] < 0))
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(
		partition->result[partition->result_of != NULL ? partition->result_of[row] : row]);
}
