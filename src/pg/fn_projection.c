/*
 * fn_projection.c - the projection onto the permutahedron, and isotonic regression.
 */
#include "postgres.h"

#include "call.h"

PG_FUNCTION_INFO_V1(softsort_projection);
PG_FUNCTION_INFO_V1(softsort_projection_vjp);
PG_FUNCTION_INFO_V1(softsort_projection_jvp);
PG_FUNCTION_INFO_V1(softsort_isotonic);
PG_FUNCTION_INFO_V1(softsort_isotonic_weighted);
PG_FUNCTION_INFO_V1(softsort_isotonic_vjp);
PG_FUNCTION_INFO_V1(softsort_isotonic_weighted_vjp);

/* Project z onto the permutahedron of w. */
Datum
softsort_projection(PG_FUNCTION_ARGS)
{
	static const SfsFunction function = {
		.op = SFS_OP_PROJECTION,
		.result = SFS_RESULT_ELEMENTS,
		.arguments = {SFS_ARG_X, SFS_ARG_Y, SFS_ARG_REGULARIZATION},
		.y_name = "w",
	};

	return sfs_call(fcinfo, &function);
}

/* Multiply a cotangent with the Jacobian of the projection in z. */
Datum
softsort_projection_vjp(PG_FUNCTION_ARGS)
{
	static const SfsFunction function = {
		.op = SFS_OP_PROJECTION_VJP,
		.result = SFS_RESULT_ELEMENTS,
		.arguments = {SFS_ARG_X, SFS_ARG_Y, SFS_ARG_G, SFS_ARG_REGULARIZATION},
		.y_name = "w",
		.g_name = "cotangent",
		.g_pairing = SFS_BY_ELEMENT,
	};

	return sfs_call(fcinfo, &function);
}

/* Multiply the Jacobian of the projection in z with a tangent. */
Datum
softsort_projection_jvp(PG_FUNCTION_ARGS)
{
	static const SfsFunction function = {
		.op = SFS_OP_PROJECTION_JVP,
		.result = SFS_RESULT_ELEMENTS,
		.arguments = {SFS_ARG_X, SFS_ARG_Y, SFS_ARG_G, SFS_ARG_REGULARIZATION},
		.y_name = "w",
		.g_name = "tangent",
		.g_pairing = SFS_BY_ELEMENT,
	};

	return sfs_call(fcinfo, &function);
}

/* Fit a monotone list. */
Datum
softsort_isotonic(PG_FUNCTION_ARGS)
{
	static const SfsFunction function = {
		.op = SFS_OP_ISOTONIC,
		.result = SFS_RESULT_ELEMENTS,
		.arguments = {SFS_ARG_X, SFS_ARG_DIRECTION},
	};

	return sfs_call(fcinfo, &function);
}

/* Fit a monotone list with weights. */
Datum
softsort_isotonic_weighted(PG_FUNCTION_ARGS)
{
	static const SfsFunction function = {
		.op = SFS_OP_ISOTONIC,
		.result = SFS_RESULT_ELEMENTS,
		.arguments = {SFS_ARG_X, SFS_ARG_Y, SFS_ARG_DIRECTION},
		.y_name = "weights",
		.y_requirement = SFS_POSITIVE,
	};

	return sfs_call(fcinfo, &function);
}

/* Multiply a cotangent with the Jacobian of isotonic regression. */
Datum
softsort_isotonic_vjp(PG_FUNCTION_ARGS)
{
	static const SfsFunction function = {
		.op = SFS_OP_ISOTONIC_VJP,
		.result = SFS_RESULT_ELEMENTS,
		.arguments = {SFS_ARG_X, SFS_ARG_G, SFS_ARG_DIRECTION},
		.g_name = "cotangent",
		.g_pairing = SFS_BY_ELEMENT,
	};

	return sfs_call(fcinfo, &function);
}

/* Multiply a cotangent with the Jacobian of weighted isotonic regression. */
Datum
softsort_isotonic_weighted_vjp(PG_FUNCTION_ARGS)
{
	static const SfsFunction function = {
		.op = SFS_OP_ISOTONIC_VJP,
		.result = SFS_RESULT_ELEMENTS,
		.arguments = {SFS_ARG_X, SFS_ARG_G, SFS_ARG_Y, SFS_ARG_DIRECTION},
		.y_name = "weights",
		.y_requirement = SFS_POSITIVE,
		.g_name = "cotangent",
		.g_pairing = SFS_BY_ELEMENT,
	};

	return sfs_call(fcinfo, &function);
}
