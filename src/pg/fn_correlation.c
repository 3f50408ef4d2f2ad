/*
 * fn_correlation.c - Spearman correlation of arrays, exact and soft.
 */
#include "postgres.h"

#include "call.h"
#include "window.h"

PG_FUNCTION_INFO_V1(softsort_spearman);
PG_FUNCTION_INFO_V1(softsort_spearman_rows);
PG_FUNCTION_INFO_V1(softsort_soft_spearman);
PG_FUNCTION_INFO_V1(softsort_soft_spearman_rows);
PG_FUNCTION_INFO_V1(softsort_soft_spearman_grad);
PG_FUNCTION_INFO_V1(softsort_soft_spearman_grad_window);

/* Compute Spearman's rho of two lists. */
Datum
softsort_spearman(PG_FUNCTION_ARGS)
{
	static const SfsFunction function = {
		.op = SFS_OP_SPEARMAN,
		.result = SFS_RESULT_SCALAR,
		.arguments = {SFS_ARG_X, SFS_ARG_Y},
		.y_name = "y",
		.requirement = SFS_NOT_NAN,
		.y_requirement = SFS_NOT_NAN,
	};

	return sfs_call(fcinfo, &function);
}

/* Compute Spearman's rho row by row. */
Datum
softsort_spearman_rows(PG_FUNCTION_ARGS)
{
	static const SfsFunction function = {
		.op = SFS_OP_SPEARMAN,
		.result = SFS_RESULT_ROWS,
		.arguments = {SFS_ARG_X, SFS_ARG_Y},
		.y_name = "y",
		.requirement = SFS_NOT_NAN,
		.y_requirement = SFS_NOT_NAN,
	};

	return sfs_call(fcinfo, &function);
}

/* Compute the correlation of soft ranks. */
Datum
softsort_soft_spearman(PG_FUNCTION_ARGS)
{
	static const SfsFunction function = {
		.op = SFS_OP_SOFT_SPEARMAN,
		.result = SFS_RESULT_SCALAR,
		.arguments = {SFS_ARG_X, SFS_ARG_Y, SFS_ARG_REGULARIZATION, SFS_ARG_STRENGTH,
					  SFS_ARG_STANDARDIZE},
		.y_name = "y",
	};

	return sfs_call(fcinfo, &function);
}

/* Compute the correlation of soft ranks row by row. */
Datum
softsort_soft_spearman_rows(PG_FUNCTION_ARGS)
{
	static const SfsFunction function = {
		.op = SFS_OP_SOFT_SPEARMAN,
		.result = SFS_RESULT_ROWS,
		.arguments = {SFS_ARG_X, SFS_ARG_Y, SFS_ARG_REGULARIZATION, SFS_ARG_STRENGTH,
					  SFS_ARG_STANDARDIZE},
		.y_name = "y",
	};

	return sfs_call(fcinfo, &function);
}

/* soft_spearman_grad of lists, or of columns. */
static const SfsFunction soft_spearman_grad = {
	.op = SFS_OP_SOFT_SPEARMAN_GRAD,
	.result = SFS_RESULT_GRADIENT,
	.arguments = {SFS_ARG_X, SFS_ARG_Y, SFS_ARG_REGULARIZATION, SFS_ARG_STRENGTH,
				  SFS_ARG_STANDARDIZE},
	.y_name = "y",
};

/* Compute the gradient of the correlation of soft ranks in the first list. */
Datum
softsort_soft_spearman_grad(PG_FUNCTION_ARGS)
{
	return sfs_call(fcinfo, &soft_spearman_grad);
}

/* Compute the gradient of the correlation of soft ranks in each row of a partition. */
Datum
softsort_soft_spearman_grad_window(PG_FUNCTION_ARGS)
{
	return sfs_window_call(fcinfo, &soft_spearman_grad);
}
