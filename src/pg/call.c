/*
 * call.c - see call.h.
 */
#include "call.h"

#include <math.h>

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "nodes/primnodes.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "errors.h"
#include "pg_compat.h"
#include "run.h"

/* What the calls of one expression in one query share. */
typedef struct Site
{
	SfsType result_type; /* of an array's elements */
	bool options_known;	 /* options holds those of every call */
	SfsTask options;
} Site;

/* A call while its task is put together. */
typedef struct Call
{
	const SfsFunction *function;
	SfsTask task;
	SfsArray x;
	SfsArray y;
	SfsArray g;
	bool has_y;
	bool has_g;
	bool y_is_list; /* one list for every row of x */
	bool *keep;		/* which elements take part; NULL: all */
	int64 kept;
} Call;

/* Is an argument an option, and not an array? */
static bool
is_option(SfsArgument argument)
{
	return argument != SFS_ARG_X && argument != SFS_ARG_Y && argument != SFS_ARG_G;
}

/*
 * Is an argument a constant?  A parameter is not: PL/pgSQL evaluates one expression
 * with many values.
 */
static bool
is_constant(FmgrInfo *info, int argument)
{
	Node *call = info->fn_expr;

	return call != NULL && IsA(call, FuncExpr) &&
		   argument < list_length(((FuncExpr *) call)->args) &&
		   IsA(list_nth(((FuncExpr *) call)->args, argument), Const);
}

/* Return what the calls of this expression share; options that are constant are read here. */
static Site *
find_site(FunctionCallInfo fcinfo, const SfsFunction *function)
{
	FmgrInfo *info = fcinfo->flinfo;
	Site *site = info->fn_extra;
	Site found = {0};

	if (site != NULL)
		return site;
	found.result_type =
		get_func_rettype(info->fn_oid) == FLOAT4ARRAYOID ? SFS_FLOAT32 : SFS_FLOAT64;
	found.options_known = true;
	found.options.op = function->op;
	found.options.strength = 1.0;
	for (int i = 0; i < SFS_ARGUMENTS_MAX && function->arguments[i] != SFS_ARG_END; i++)
		if (is_option(function->arguments[i]))
		{
			if (is_constant(info, i))
				sfs_option_set(&found.options, function->arguments[i], PG_GETARG_DATUM(i));
			else
				found.options_known = false;
		}
	site = MemoryContextAlloc(info->fn_mcxt, sizeof(Site));
	*site = found;
	info->fn_extra = site;
	return site;
}

/* Read the arguments. */
static void
read_arguments(FunctionCallInfo fcinfo, const Site *site, Call *call)
{
	for (int i = 0; i < SFS_ARGUMENTS_MAX; i++)
		switch (call->function->arguments[i])
		{
			case SFS_ARG_END:
				return;
			case SFS_ARG_X:
				sfs_array_open(&call->x, PG_GETARG_DATUM(i));
				break;
			case SFS_ARG_Y:
				sfs_array_open(&call->y, PG_GETARG_DATUM(i));
				call->has_y = true;
				break;
			case SFS_ARG_G:
				sfs_array_open(&call->g, PG_GETARG_DATUM(i));
				call->has_g = true;
				break;
			default:
				if (!site->options_known)
					sfs_option_set(&call->task, call->function->arguments[i], PG_GETARG_DATUM(i));
				break;
		}
}

/* Does a function take one list alone, and not rows of them? */
static bool
takes_one_list(SfsResult result)
{
	return result == SFS_RESULT_MATRIX || result == SFS_RESULT_GRADIENT ||
		   result == SFS_RESULT_SCALAR || result == SFS_RESULT_RECORD;
}

/* Check that the shapes fit the function and each other. */
static void
check_shapes(Call *call)
{
	const SfsArray *x = &call->x;
	SfsResult result = call->function->result;
	bool one_list = takes_one_list(result);

	if (one_list && x->ndim > 1)
		sfs_error_one_dimensional(x->ndim);
	if (result == SFS_RESULT_ROWS && x->ndim == 1)
		sfs_error_two_dimensional(x->ndim);
	if (call->has_y && !sfs_array_same_shape(x, &call->y))
	{
		bool list = x->ndim > 1 && call->y.ndim == 1;

		if (one_list && call->y.ndim > 1)
			sfs_error_one_dimensional(call->y.ndim);
		if (list && call->y.length != x->length)
			sfs_error_length(x->length, call->y.length);
		if (!list && x->ndim <= 1 && call->y.ndim <= 1)
			sfs_error_length(x->count, call->y.count);
		if (!list)
			sfs_error_shape(call->function->y_name, x->ndim > 1);
		call->y_is_list = true;
	}
	if (call->has_g && !sfs_array_same_shape(x, &call->g))
	{
		if (x->ndim <= 1 && call->g.ndim <= 1)
			sfs_error_length(x->count, call->g.count);
		sfs_error_shape(call->function->g_name, false);
	}
}

/* Return the element of y that goes with element i of x. */
static inline int64
pair_of(const Call *call, int64 i)
{
	return call->y_is_list ? i % call->x.length : i;
}

/* Find the elements that take part, and the rows they make. */
static void
find_rows(Call *call)
{
	const SfsArray *x = &call->x;
	SfsTask *task = &call->task;
	int64 *offsets;

	task->length = (size_t) x->length;
	task->rows = x->length > 0 ? (size_t) (x->count / x->length) : 0;
	/* one list, even an empty one, is one row */
	if (takes_one_list(call->function->result))
		task->rows = 1;
	call->kept = x->count;
	if (x->nulls == NULL && !(call->has_y && call->y.nulls != NULL))
		return;
	call->keep = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(bool) * (Size) x->count);
	offsets = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(int64) * (task->rows + 1));
	call->kept = 0;
	for (int64 i = 0; i < x->count; i++)
	{
		if (i % SFS_INTERRUPT_STEP == 0)
			CHECK_FOR_INTERRUPTS();
		if (i % x->length == 0)
			offsets[i / x->length] = call->kept;
		call->keep[i] = !sfs_array_is_null(x, i) &&
						!(call->has_y && sfs_array_is_null(&call->y, pair_of(call, i)));
		call->kept += call->keep[i];
	}
	offsets[task->rows] = call->kept;
	task->offsets = offsets;
}

/* Copy the value of one element, given where its non-null values have been read to. */
static inline void
copy_value(char *to, const SfsArray *from, int64 value, Size size)
{
	memcpy(to, (const char *) from->values + (Size) value * size, size);
}

/* Compact a list to the elements that take part; in place when it is so already. */
static SfsInput
compact(const Call *call, const SfsArray *list, bool is_y)
{
	bool shared = is_y && call->y_is_list && call->keep == NULL;
	SfsInput input = {list->values, list->type, shared};
	Size size = sfs_type_size(list->type);
	char *to;
	int64 *rank = NULL; /* of a list's elements among those that are not null */
	int64 value = 0;
	bool complete = call->keep == NULL;

	/* x alone: what takes part is what is not null */
	if (complete || (!is_y && !call->has_y && list == &call->x))
		return input;
	to = MemoryContextAllocHuge(CurrentMemoryContext, size * (Size) Max(call->kept, 1));
	input.data = to;
	if (is_y && call->y_is_list)
	{
		rank = palloc(sizeof(int64) * (Size) list->count);
		for (int64 i = 0; i < list->count; i++)
		{
			rank[i] = value;
			value += !sfs_array_is_null(list, i);
		}
	}
	for (int64 i = 0; i < call->x.count; i++)
	{
		if (i % SFS_INTERRUPT_STEP == 0)
			CHECK_FOR_INTERRUPTS();
		if (call->keep[i])
		{
			copy_value(to, list, rank != NULL ? rank[i % call->x.length] : value, size);
			to += size;
		}
		if (rank == NULL)
			value += !sfs_array_is_null(list, i);
	}
	return input;
}

/* Compact a cotangent or tangent; a null in it must stand where it does not matter. */
static SfsInput
compact_g(const Call *call)
{
	const SfsArray *g = &call->g;
	SfsInput input = {g->values, g->type, false};
	Size size = sfs_type_size(g->type);
	char *to;
	int64 value = 0;
	int64 row_end = 0; /* of the cotangent's positions that matter */
	bool by_position = call->function->g_pairing == SFS_BY_POSITION;

	if (call->keep == NULL && g->nulls == NULL)
		return input;
	to = MemoryContextAllocHuge(CurrentMemoryContext, size * (Size) Max(call->kept, 1));
	input.data = to;
	for (int64 i = 0; i < g->count; i++)
	{
		bool is_null = sfs_array_is_null(g, i);
		bool matters = call->keep == NULL || call->keep[i];

		if (i % SFS_INTERRUPT_STEP == 0)
			CHECK_FOR_INTERRUPTS();
		if (by_position && call->keep != NULL)
		{
			int64 row = i / call->x.length;

			if (i % call->x.length == 0)
				row_end = i + call->task.offsets[row + 1] - call->task.offsets[row];
			matters = i < row_end;
		}
		if (matters && is_null)
			sfs_error_null(call->function->g_name, i + 1);
		if (matters)
		{
			copy_value(to, g, value, size);
			to += size;
		}
		value += !is_null;
	}
	return input;
}

/* Return the words for a value that is not acceptable. */
static const char *
requirement_words(const char *list, SfsRequirement requirement)
{
	switch (requirement)
	{
		case SFS_NOT_NAN:
			return psprintf("%s must not be NaN", list);
		case SFS_POSITIVE:
			return psprintf("%s must be finite and greater than zero", list);
		default:
			return psprintf("%s must be finite", list);
	}
}

/* Return the position, from 1 and nulls included, of the k-th element that takes part. */
static int64
position_of(const Call *call, int64 k, bool by_position)
{
	int64 i = 0;

	if (call->keep == NULL)
		return k + 1;
	if (by_position)
	{
		while (call->task.offsets[i + 1] <= k)
			i++;
		return i * call->x.length + (k - call->task.offsets[i]) + 1;
	}
	for (;; i++)
		if (call->keep[i] && k-- == 0)
			return i + 1;
}

/* Check the values of one input. */
static void
check_values(const Call *call, const SfsInput *input, const char *name, SfsRequirement requirement,
			 bool by_position)
{
	int64 n = input->shared ? call->x.length : call->kept;
	int64 k = sfs_find_offender(input->data, input->type, n, requirement);
	int64 position;

	if (k < 0)
		return;
	position = input->shared ? k + 1 : position_of(call, k, by_position);
	if (input == &call->task.y && call->y_is_list)
		position = (position - 1) % call->x.length + 1;
	sfs_error_value(requirement_words(name, requirement), position,
					sfs_value(input->data, input->type, k), input != &call->task.g);
}

/* Fill the inputs of the task. */
static void
fill_inputs(Call *call)
{
	const SfsFunction *function = call->function;
	SfsTask *task = &call->task;
	bool by_position = function->g_pairing == SFS_BY_POSITION;

	task->x = compact(call, &call->x, false);
	check_values(call, &task->x, "values", function->requirement, false);
	if (call->has_y)
	{
		task->y = compact(call, &call->y, true);
		check_values(call, &task->y,
					 function->y_requirement == SFS_POSITIVE ? function->y_name : "values",
					 function->y_requirement, false);
	}
	if (call->has_g)
	{
		task->g = compact_g(call);
		check_values(call, &task->g, function->g_name, SFS_FINITE, by_position);
	}
}

/* Put the elements that are kept before those that are not, in each row. */
static void
nulls_last(Call *call)
{
	for (int64 row = 0; call->keep != NULL && row < (int64) call->task.rows; row++)
	{
		int64 kept = call->task.offsets[row + 1] - call->task.offsets[row];

		for (int64 i = 0; i < call->x.length; i++)
			call->keep[row * call->x.length + i] = i < kept;
	}
}

/* Make the result array of a function with one value per element, and run. */
static Datum
run_elements(FunctionCallInfo fcinfo, Call *call, SfsType type)
{
	ArrayType *result;

	if (call->function->result == SFS_RESULT_POSITIONS)
		nulls_last(call);
	result = sfs_array_make(call->x.ndim, ARR_DIMS(call->x.array), ARR_LBOUND(call->x.array), type,
							call->keep, call->kept);
	call->task.out.data = sfs_array_data(result);
	call->task.out.type = type;
	sfs_run(&call->task);
	if (call->function->result == SFS_RESULT_GRADIENT &&
		(call->kept == 0 || isnan(sfs_value(call->task.out.data, type, 0))))
		PG_RETURN_NULL();
	PG_RETURN_ARRAYTYPE_P(result);
}

/* Make an n x n result, and run. */
static Datum
run_matrix(Call *call, SfsType type)
{
	int64 n = call->x.count;
	int64 kept = call->kept;
	int dims[2] = {(int) n, (int) n};
	int lower[2] = {1, 1};
	bool *keep = NULL;
	ArrayType *result;

	if (n == 0)
		return PointerGetDatum(construct_empty_array(type == SFS_FLOAT64 ? FLOAT8OID : FLOAT4OID));
	if (n > (int64) (MaxAllocSize / sfs_type_size(type)) / n || n * n > (int64) MaxArraySize)
		sfs_error_size(
			"Use the _vjp or _jvp function: a product with the Jacobian needs no matrix.");
	lower[0] = lower[1] = ARR_LBOUND(call->x.array)[0];
	if (call->keep != NULL)
	{
		keep = MemoryContextAllocHuge(CurrentMemoryContext, (Size) (n * n));
		for (int64 i = 0; i < n; i++)
		{
			CHECK_FOR_INTERRUPTS();
			for (int64 j = 0; j < n; j++)
				keep[i * n + j] = call->function->op == SFS_OP_SORT_JACOBIAN
									  ? i < kept && call->keep[j]
									  : call->keep[i] && call->keep[j];
		}
	}
	result = sfs_array_make(2, dims, lower, type, keep, kept * kept);
	call->task.out.data = sfs_array_data(result);
	call->task.out.type = type;
	/* one row of the elements that take part */
	call->task.offsets = NULL;
	call->task.length = (size_t) kept;
	sfs_run(&call->task);
	return PointerGetDatum(result);
}

/* Run a function with one number per row. */
static Datum
run_rows(Call *call)
{
	int ndim = call->x.ndim - 1;
	int64 rows = (int64) call->task.rows;
	double *values;
	bool *keep;
	int64 count = 0;
	ArrayType *result;

	if (call->x.count == 0)
		return PointerGetDatum(construct_empty_array(FLOAT8OID));
	values = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(double) * (Size) rows);
	keep = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(bool) * (Size) rows);
	call->task.out.data = values;
	sfs_run(&call->task);
	for (int64 i = 0; i < rows; i++)
	{
		keep[i] = !isnan(values[i]);
		values[count] = values[i];
		count += keep[i];
	}
	result = sfs_array_make(ndim, ARR_DIMS(call->x.array), ARR_LBOUND(call->x.array), SFS_FLOAT64,
							count < rows ? keep : NULL, count);
	memcpy(sfs_array_data(result), values, sizeof(double) * (Size) count);
	return PointerGetDatum(result);
}

/* Run a function with one number as its result. */
static Datum
run_scalar(FunctionCallInfo fcinfo, Call *call)
{
	double value;

	call->task.out.data = &value;
	sfs_run(&call->task);
	if (isnan(value))
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(value);
}

/* Run a function with two numbers as its result. */
static Datum
run_record(FunctionCallInfo fcinfo, Call *call)
{
	double value[2];
	Datum datum[2];
	bool null[2];
	TupleDesc descriptor;

	if (get_call_result_type(fcinfo, NULL, &descriptor) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	call->task.out.data = value;
	sfs_run(&call->task);
	for (int i = 0; i < 2; i++)
	{
		null[i] = isnan(value[i]);
		datum[i] = Float8GetDatum(value[i]);
	}
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(descriptor), datum, null)));
}

/* See call.h. */
Datum
sfs_call(FunctionCallInfo fcinfo, const SfsFunction *function)
{
	Site *site = find_site(fcinfo, function);
	Call call; /* large: what is not set here is set before it is read */

	call.function = function;
	call.task = site->options;
	call.has_y = false;
	call.has_g = false;
	call.y_is_list = false;
	call.keep = NULL;
	read_arguments(fcinfo, site, &call);
	check_shapes(&call);
	find_rows(&call);
	fill_inputs(&call);
	switch (function->result)
	{
		case SFS_RESULT_SCALAR:
			return run_scalar(fcinfo, &call);
		case SFS_RESULT_RECORD:
			return run_record(fcinfo, &call);
		case SFS_RESULT_ROWS:
			return run_rows(&call);
		case SFS_RESULT_MATRIX:
			return run_matrix(&call, site->result_type);
		default:
			return run_elements(fcinfo, &call, site->result_type);
	}
}
