/*
 * win_functions.c - the window functions.
 */
#include "postgres.h"

#include "window.h"

PG_FUNCTION_INFO_V1(softsort_rank_window);
PG_FUNCTION_INFO_V1(softsort_sort_window);
PG_FUNCTION_INFO_V1(softsort_rank_vjp_window);
PG_FUNCTION_INFO_V1(softsort_soft_spearman_grad_window);

/* Compute the soft rank of each row of a partition. */
Datum
softsort_rank_window(PG_FUNCTION_ARGS)
{
	static const SfsFunction function = {
		.op = SFS_OP_RANK,
		.result = SFS_RESULT_ELEMENTS,
		.arguments = {SFS_ARG_X, SFS_ARG_REGULARIZATION, SFS_ARG_STRENGTH, SFS_ARG_DIRECTION,
					  SFS_ARG_STANDARDIZE},
	};

	return sfs_window_call(fcinfo, &function);
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

/* Multiply a column of cotangents with the Jacobian of soft_rank. */
Datum
softsort_rank_vjp_window(PG_FUNCTION_ARGS)
{
	static const SfsFunction function = {
		.op = SFS_OP_RANK_VJP,
		.result = SFS_RESULT_ELEMENTS,
		.arguments = {SFS_ARG_X, SFS_ARG_G, SFS_ARG_REGULARIZATION, SFS_ARG_STRENGTH,
					  SFS_ARG_DIRECTION, SFS_ARG_STANDARDIZE},
		.g_name = "cotangent",
	};

	return sfs_window_call(fcinfo, &function);
}

/* Compute the gradient of the correlation of soft ranks in each row. */
Datum
softsort_soft_spearman_grad_window(PG_FUNCTION_ARGS)
{
	static const SfsFunction function = {
		.op = SFS_OP_SOFT_SPEARMAN_GRAD,
		.result = SFS_RESULT_GRADIENT,
		.arguments = {SFS_ARG_X, SFS_ARG_Y, SFS_ARG_REGULARIZATION, SFS_ARG_STRENGTH,
					  SFS_ARG_STANDARDIZE},
	};

	return sfs_window_call(fcinfo, &function);
}
