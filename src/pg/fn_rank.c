/*
 * fn_rank.c - soft_rank and what belongs to it.
 */
#include "postgres.h"

#include "call.h"
#include "window.h"

PG_FUNCTION_INFO_V1(softsort_rank);
PG_FUNCTION_INFO_V1(softsort_rank_window);
PG_FUNCTION_INFO_V1(softsort_rank_vjp);
PG_FUNCTION_INFO_V1(softsort_rank_vjp_window);
PG_FUNCTION_INFO_V1(softsort_rank_jvp);
PG_FUNCTION_INFO_V1(softsort_rank_jacobian);
PG_FUNCTION_INFO_V1(softsort_rank_strength_range);

/* soft_rank of a list, or of a column. */
static const SfsFunction rank = {
	.op = SFS_OP_RANK,
	.result = SFS_RESULT_ELEMENTS,
	.arguments = {SFS_ARG_X, SFS_ARG_REGULARIZATION, SFS_ARG_STRENGTH, SFS_ARG_DIRECTION,
				  SFS_ARG_STANDARDIZE},
};

/* Compute soft ranks. */
Datum
softsort_rank(PG_FUNCTION_ARGS)
{
	return sfs_call(fcinfo, &rank);
}

/* Compute the soft rank of each row of a partition. */
Datum
softsort_rank_window(PG_FUNCTION_ARGS)
{
	return sfs_window_call(fcinfo, &rank);
}

/* soft_rank_vjp of lists, or of columns. */
static const SfsFunction rank_vjp = {
	.op = SFS_OP_RANK_VJP,
	.result = SFS_RESULT_ELEMENTS,
	.arguments = {SFS_ARG_X, SFS_ARG_G, SFS_ARG_REGULARIZATION, SFS_ARG_STRENGTH, SFS_ARG_DIRECTION,
				  SFS_ARG_STANDARDIZE},
	.g_name = "cotangent",
	.g_pairing = SFS_BY_ELEMENT,
};

/* Multiply a cotangent with the Jacobian of soft_rank. */
Datum
softsort_rank_vjp(PG_FUNCTION_ARGS)
{
	return sfs_call(fcinfo, &rank_vjp);
}

/* Multiply a column of cotangents with the Jacobian of soft_rank. */
Datum
softsort_rank_vjp_window(PG_FUNCTION_ARGS)
{
	return sfs_window_call(fcinfo, &rank_vjp);
}

/* Multiply the Jacobian of soft_rank with a tangent. */
Datum
softsort_rank_jvp(PG_FUNCTION_ARGS)
{
	static const SfsFunction function = {
		.op = SFS_OP_RANK_JVP,
		.result = SFS_RESULT_ELEMENTS,
		.arguments = {SFS_ARG_X, SFS_ARG_G, SFS_ARG_REGULARIZATION, SFS_ARG_STRENGTH,
					  SFS_ARG_DIRECTION, SFS_ARG_STANDARDIZE},
		.g_name = "tangent",
		.g_pairing = SFS_BY_ELEMENT,
	};

	return sfs_call(fcinfo, &function);
}

/* Compute the Jacobian of soft_rank. */
Datum
softsort_rank_jacobian(PG_FUNCTION_ARGS)
{
	static const SfsFunction function = {
		.op = SFS_OP_RANK_JACOBIAN,
		.result = SFS_RESULT_MATRIX,
		.arguments = {SFS_ARG_X, SFS_ARG_REGULARIZATION, SFS_ARG_STRENGTH, SFS_ARG_DIRECTION,
					  SFS_ARG_STANDARDIZE},
	};

	return sfs_call(fcinfo, &function);
}

/* Compute the strengths between which soft_rank changes. */
Datum
softsort_rank_strength_range(PG_FUNCTION_ARGS)
{
	static const SfsFunction function = {
		.op = SFS_OP_STRENGTH_RANGE,
		.result = SFS_RESULT_RECORD,
		.arguments = {SFS_ARG_X, SFS_ARG_REGULARIZATION, SFS_ARG_STANDARDIZE},
	};

	return sfs_call(fcinfo, &function);
}
