/*
 * fn_state.c - the functions behind the aggregates, and those over states.
 */
#include "postgres.h"

#include <math.h>

#include "fmgr.h"

#include "array_arg.h"
#include "errors.h"
#include "guc.h"
#include "options.h"
#include "pg_compat.h"
#include "run.h"
#include "state.h"

PG_FUNCTION_INFO_V1(softsort_state_append);
PG_FUNCTION_INFO_V1(softsort_state_append_soft);
PG_FUNCTION_INFO_V1(softsort_state_combine);
PG_FUNCTION_INFO_V1(softsort_state_finish);
PG_FUNCTION_INFO_V1(softsort_state_finish_soft);
PG_FUNCTION_INFO_V1(softsort_state_spearman);
PG_FUNCTION_INFO_V1(softsort_state_soft_spearman);

/* Return the memory context of the aggregate that calls. */
static MemoryContext
aggregate_context(FunctionCallInfo fcinfo)
{
	MemoryContext context;

	if (!AggCheckCallContext(fcinfo, &context))
		sfs_error_not_aggregate();
	return context;
}

/* Return a value as a state holds it; raise an error if it cannot. */
static inline double
collect(double value, bool must_be_finite)
{
	if (unlikely(must_be_finite ? !isfinite(value) : isnan(value)))
		sfs_error_column_value(must_be_finite ? "values must be finite" : "values must not be NaN",
							   value);
	return value + 0.0; /* -0 becomes +0 */
}

/* Add the pair of arguments 1 and 2 to the state of argument 0; a null in either drops it. */
static Datum
append_pair(FunctionCallInfo fcinfo, const SfsStateOptions *options)
{
	MemoryContext aggregate = aggregate_context(fcinfo);
	double x;
	double y;
	SfsState pair = {*options, 1, &x, &y};

	if (PG_ARGISNULL(1) || PG_ARGISNULL(2))
	{
		if (PG_ARGISNULL(0))
			PG_RETURN_NULL();
		PG_RETURN_DATUM(PG_GETARG_DATUM(0));
	}
	x = collect(PG_GETARG_FLOAT8(1), options->set);
	y = collect(PG_GETARG_FLOAT8(2), options->set);
	PG_RETURN_DATUM(
		sfs_state_append(PG_ARGISNULL(0) ? (Datum) 0 : PG_GETARG_DATUM(0), aggregate, &pair));
}

/* Collect a pair, for whatever comes later. */
Datum
softsort_state_append(PG_FUNCTION_ARGS)
{
	static const SfsStateOptions unset = {.set = false};

	return append_pair(fcinfo, &unset);
}

/* Read the options among the arguments, from argument `first` on. */
static SfsStateOptions
read_options(FunctionCallInfo fcinfo, int first)
{
	static const SfsArgument kinds[] = {SFS_ARG_REGULARIZATION, SFS_ARG_STRENGTH,
										SFS_ARG_STANDARDIZE};
	SfsTask task = {.strength = 1.0};

	for (int i = first; i < PG_NARGS(); i++)
	{
		if (PG_ARGISNULL(i))
			sfs_error_null_option(sfs_option_name(kinds[i - first]));
		sfs_option_set(&task, kinds[i - first], PG_GETARG_DATUM(i));
	}
	/* -0 becomes +0 */
	return (SfsStateOptions){true, task.standardize, task.regularization, task.strength + 0.0};
}

/* Collect a pair for soft_spearman. */
Datum
softsort_state_append_soft(PG_FUNCTION_ARGS)
{
	SfsStateOptions options = read_options(fcinfo, 3);

	return append_pair(fcinfo, &options);
}

/* Add the pairs of one state to another. */
Datum
softsort_state_combine(PG_FUNCTION_ARGS)
{
	MemoryContext aggregate = aggregate_context(fcinfo);
	SfsState second;

	if (PG_ARGISNULL(1))
	{
		if (PG_ARGISNULL(0))
			PG_RETURN_NULL();
		PG_RETURN_DATUM(PG_GETARG_DATUM(0));
	}
	second = sfs_state_view(PG_GETARG_DATUM(1));
	PG_RETURN_DATUM(
		sfs_state_append(PG_ARGISNULL(0) ? (Datum) 0 : PG_GETARG_DATUM(0), aggregate, &second));
}

/* Raise an error unless the setting allows that many bytes for a state. */
static void
check_memory(const SfsState *state, Size bytes)
{
	if (bytes > (Size) 1024 * sfs_max_partition_memory)
		sfs_error_memory(false, state->count, bytes);
}

/* Return a state as a value to keep. */
Datum
softsort_state_finish(PG_FUNCTION_ARGS)
{
	SfsState state = sfs_state_view(PG_GETARG_DATUM(0));

	/* what could be stored but not dumped as text would be lost one day */
	if (state.count > SFS_STATE_TEXT_MAX)
		sfs_error_state_size(state.count, SFS_STATE_ROWS_HINT);
	check_memory(&state, 2 * SFS_PAIR_BYTES * (Size) state.count +
							 sfs_core_sort_pairs_workspace((size_t) state.count));
	PG_RETURN_DATUM(sfs_state_canonical(&state));
}

/* Return the correlation of a state, or null. */
static Datum
correlate(FunctionCallInfo fcinfo, const SfsState *state, SfsOp op, const SfsStateOptions *options)
{
	double value;
	SfsTask task = {
		.op = op,
		.regularization = options->regularization,
		.standardize = options->standardize,
		.strength = options->strength,
		.rows = 1,
		.length = (size_t) state->count,
		.x.data = state->x,
		.y.data = state->y,
		.out.data = &value,
	};

	if (state->count < 2)
		PG_RETURN_NULL();
	check_memory(state, SFS_PAIR_BYTES * (Size) state->count + sfs_core_workspace(&task));
	sfs_run(&task);
	if (isnan(value))
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(value);
}

/* Compute Spearman's rho of a state. */
Datum
softsort_state_spearman(PG_FUNCTION_ARGS)
{
	SfsState state = sfs_state_view(PG_GETARG_DATUM(0));

	return correlate(fcinfo, &state, SFS_OP_SPEARMAN, &state.options);
}

/* Raise an error unless all values of a column are finite. */
static void
check_finite(const double *value, int64 count)
{
	int64 offender = sfs_find_offender(value, SFS_FLOAT64, count, SFS_FINITE);

	if (offender >= 0)
		sfs_error_column_value("values must be finite", value[offender]);
}

/* Compute the correlation of soft ranks of a state. */
Datum
softsort_state_soft_spearman(PG_FUNCTION_ARGS)
{
	SfsState state = sfs_state_view(PG_GETARG_DATUM(0));
	SfsStateOptions options = read_options(fcinfo, 1);

	check_finite(state.x, state.count);
	check_finite(state.y, state.count);
	return correlate(fcinfo, &state, SFS_OP_SOFT_SPEARMAN, &options);
}

/* Compute the correlation of soft ranks of a state that was collected for it. */
Datum
softsort_state_finish_soft(PG_FUNCTION_ARGS)
{
	SfsState state = sfs_state_view(PG_GETARG_DATUM(0));

	check_finite(state.x, state.count);
	check_finite(state.y, state.count);
	return correlate(fcinfo, &state, SFS_OP_SOFT_SPEARMAN, &state.options);
}
