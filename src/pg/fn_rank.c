/*
 * fn_rank.c - soft_rank and what belongs to it.
 */
#include "postgres.h"

#include "call.h"

PG_FUNCTION_INFO_V1(softsort_rank);
PG_FUNCTION_INFO_V1(softsort_rank_vjp);
PG_FUNCTION_INFO_V1(softsort_rank_jvp);
PG_FUNCTION_INFO_V1(softsort_rank_jacobian);
PG_FUNCTION_INFO_V1(softsort_rank_strength_range);

/* Compute soft ranks. */
Datum
softsort_rank(PG_FUNCTION_ARGS)
{
	static const SfsFunction function = {
		.op = SFS_OP_RANK,
		.result = SFS_RESULT_ELEMENTS,
		.arguments = {SFS_ARG_X, SFS_ARG_REGULARIZATION, SFS_ARG_STRENGTH, SFS_ARG_DIRECTION,
					  SFS_ARG_STANDARDIZE},
	};

	return sfs_call(fcinfo, &function);
}

/* Multiply a cotangent with the Jacobian of soft_rank. */
Datum
softsort_rank_vjp(PG_FUNCTION_ARGS)
{
	static const SfsFunction function = {
		.op = SFS_OP_RANK_VJP,
		.result = SFS_RESULT_ELEMENTS,
		.arguments = {SFS_ARG_X, SFS_ARG_G, SFS_ARG_REGULARIZATION, SFS_ARG_STRENGTH,
					  SFS_ARG_DIRECTION, SFS_ARG_STANDARDIZE},
		.g_name = "cotangent",
		.g_pairing = SFS_BY_ELEMENT,
	};

	return sfs_call(fcinfo, &function);
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
