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

#include "miscadmin.h"
#include "utils/memutils.h"
#include "windowapi.h"

#include "errors.h"
#include "guc.h"
#include "large.h"
#include "pg_compat.h"
#include "run.h"

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
	MemoryContext row_context;		/* for what the evaluation of a row's arguments leaves behind */
	bool varies[SFS_ARGUMENTS_MAX]; /* options that are to be looked at in every row */
	bool any_varies;
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

/* Is an argument a column of values, and no option? */
static bool
is_column(SfsArgument argument)
{
	return argument == SFS_ARG_X || argument == SFS_ARG_Y || argument == SFS_ARG_G;
}

/* Read an option of a row into a task. */
static void
read_option(const Reading *reading, SfsTask *task, int argument, int64 row)
{
	SfsArgument option = reading->function->arguments[argument];
	bool isnull;
	bool isout;
	Datum value = WinGetFuncArgInPartition(reading->window, argument, (int) row, WINDOW_SEEK_HEAD,
										   false, &isnull, &isout);

	if (isnull)
		sfs_error_null_option(sfs_option_name(option));
	sfs_option_set(task, option, value);
}

/* Read the options of the first row, and note which may be others in other rows. */
static void
read_first_options(FunctionCallInfo fcinfo, Reading *reading)
{
	const SfsArgument *arguments = reading->function->arguments;

	for (int i = 0; i < SFS_ARGUMENTS_MAX && arguments[i] != SFS_ARG_END; i++)
	{
		if (is_column(arguments[i]))
			continue;
		read_option(reading, &reading->task, i, 0);
		reading->varies[i] = !get_fn_expr_arg_stable(fcinfo->flinfo, i);
		reading->any_varies = reading->any_varies || reading->varies[i];
	}
}

/* Raise an error unless a row has the options of the first one. */
static void
check_options(const Reading *reading, int64 row)
{
	for (int i = 0; i < SFS_ARGUMENTS_MAX; i++)
	{
		SfsTask task = reading->task;

		if (!reading->varies[i])
			continue;
		read_option(reading, &task, i, row);
		if (!sfs_options_equal(&task, &reading->task))
			sfs_error_varying_option(sfs_option_name(reading->function->arguments[i]));
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
 * Read a row: mark whether it takes part, and if it does, add its values to the
 * lists.  x, y and g are arguments, -1 for none.
 */
static void
read_row(Reading *reading, int64 row, int x, int y, int g, double *list[3])
{
	bool isnull;
	double x_value = column_value(reading, x, row, &isnull);
	double y_value = 0.0;

	if (!isnull && y >= 0)
		y_value = column_value(reading, y, row, &isnull);
	reading->keep[row] = !isnull;
	if (isnull)
		return;
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

/* Read all rows in one pass, since the partition may be on disk. */
static void
read_rows(Reading *reading, int x, int y, int g, double *list[3])
{
	MemoryContext caller = MemoryContextSwitchTo(reading->row_context);

	for (int64 row = 0; row < reading->rows; row++)
	{
		CHECK_FOR_INTERRUPTS();
		MemoryContextReset(reading->row_context);
		if (reading->any_varies)
			check_options(reading, row);
		read_row(reading, row, x, y, g, list);
	}
	MemoryContextSwitchTo(caller);
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
	if (bytes > (Size) 1024 * sfs_max_partition_memory)
		sfs_error_memory(true, reading->rows, bytes);
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

	sfs_refuse_null_treatment(reading.window, fcinfo);
	reading.row_context = AllocSetContextCreate(working, "softsort row", ALLOCSET_DEFAULT_SIZES);
	reading.rows = WinGetPartitionRowCount(reading.window);
	if (reading.rows > PG_INT32_MAX)
		sfs_error_partition_rows(reading.rows);
	reading.task.op = function->op;
	reading.task.strength = 1.0;
	read_first_options(fcinfo, &reading);
	check_memory(&reading, (y >= 0) + (g >= 0) + 1);
	reading.keep = sfs_large_alloc(working, sizeof(bool) * (Size) reading.rows);
	for (int i = 0; i < 3; i++)
		if (i == 0 || (i == 1 ? y : g) >= 0)
			list[i] = sfs_large_alloc(working, sizeof(double) * (Size) reading.rows);
	read_rows(&reading, x, y, g, list);
	/* nothing is read again: the rows may go */
	WinSetMarkPosition(reading.window, reading.rows - 1);
	reading.task.x.data = list[0];
	reading.task.y.data = list[1];
	reading.task.g.data = list[2];
	reading.task.rows = 1;
	reading.task.length = (size_t) reading.kept;
	partition->result = sfs_large_alloc(lasting, sizeof(double) * (Size) Max(reading.kept, 1));
	reading.task.out.data = partition->result;
	sfs_run(&reading.task);
	partition->undefined = function->result == SFS_RESULT_GRADIENT &&
						   (reading.kept == 0 || isnan(partition->result[0]));
	if (reading.kept < reading.rows)
	{
		int32 next = 0;

		partition->result_of = sfs_large_alloc(lasting, sizeof(int32) * (Size) reading.rows);
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
