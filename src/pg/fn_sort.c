/*
 * fn_sort.c - soft_sort and its derivatives.
 */
#include "postgres.h"

#include "call.h"
#include "window.h"

PG_FUNCTION_INFO_V1(softsort_sort);
PG_FUNCTION_INFO_V1(softsort_sort_window);
PG_FUNCTION_INFO_V1(softsort_sort_vjp);
PG_FUNCTION_INFO_V1(softsort_sort_jvp);
PG_FUNCTION_INFO_V1(softsort_sort_jacobian);

/* Compute softly sorted values. */
Datum
softsort_sort(PG_FUNCTION_ARGS)
{
	static const SfsFunction function = {
		.op = SFS_OP_SORT,
		.result = SFS_RESULT_POSITIONS,
		.arguments = {SFS_ARG_X, SFS_ARG_REGULARIZATION, SFS_ARG_STRENGTH, SFS_ARG_DIRECTION},
	};

	return sfs_call(fcinfo, &function);
}

/* Compute the softly sorted values of a partition, each at the row of its own rank. */
Datum
softsort_sort_window(PG_FUNCTION_ARGS)
{
	static const SfsFunction function = {
		.op = SFS_OP_SORT_ASSIGN,
		.result = SFS_RESULT_ELEMENTS,
		.arguments = {SFS_ARG_X, SFS_ARG_REGULARIZATION, SFS_ARG_STRENGTH, SFS_ARG_DIRECTION},
	};

	return sfs_window_call(fcinfo, &function);
}

/* Multiply a cotangent, by position, with the Jacobian of soft_sort. */
Datum
softsort_sort_vjp(PG_FUNCTION_ARGS)
{
	static const SfsFunction function = {
		.op = SFS_OP_SORT_VJP,
		.result = SFS_RESULT_ELEMENTS,
		.arguments = {SFS_ARG_X, SFS_ARG_G, SFS_ARG_REGULARIZATION, SFS_ARG_STRENGTH,
					  SFS_ARG_DIRECTION},
		.g_name = "cotangent",
		.g_pairing = SFS_BY_POSITION,
	};

	return sfs_call(fcinfo, &function);
}

/* Multiply the Jacobian of soft_sort with a tangent. */
Datum
softsort_sort_jvp(PG_FUNCTION_ARGS)
{
	static const SfsFunction function = {
		.op = SFS_OP_SORT_JVP,
		.result = SFS_RESULT_POSITIONS,
		.arguments = {SFS_ARG_X, SFS_ARG_G, SFS_ARG_REGULARIZATION, SFS_ARG_STRENGTH,
					  SFS_ARG_DIRECTION},
		.g_name = "tangent",
		.g_pairing = SFS_BY_ELEMENT,
	};

	return sfs_call(fcinfo, &function);
}

/* Compute the Jacobian of soft_sort. */
Datum
softsort_sort_jacobian(PG_FUNCTION_ARGS)
{
	static const SfsFunction function = {
		.op = SFS_OP_SORT_JACOBIAN,
		.result = SFS_RESULT_MATRIX,
		.arguments = {SFS_ARG_X, SFS_ARG_REGULARIZATION, SFS_ARG_STRENGTH, SFS_ARG_DIRECTION},
	};

	return sfs_call(fcinfo, &function);
}
