/*
 * call.h - the path of every array function: arguments, task, run, result.
 */
#ifndef SOFTSORT_CALL_H
#define SOFTSORT_CALL_H

#include "postgres.h"

#include "fmgr.h"

#include "array_arg.h"
#include "options.h"
#include "sfs_core.h"

/*
 * How a cotangent or tangent goes with the list x.
 * BY_ELEMENT: it belongs to the elements of x.
 * BY_POSITION: a cotangent of soft_sort; nulls of x come last there.
 */
typedef enum SfsPairing
{
	SFS_BY_ELEMENT,
	SFS_BY_POSITION
} SfsPairing;

/* How the result lies. */
typedef enum SfsResult
{
	SFS_RESULT_ELEMENTS,  /* like x */
	SFS_RESULT_GRADIENT,  /* of a correlation: like x, one list; null where that is */
	SFS_RESULT_POSITIONS, /* like x, nulls last in each row */
	SFS_RESULT_MATRIX,	  /* n x n for a list of n */
	SFS_RESULT_SCALAR,	  /* one number, or null; x has one dimension */
	SFS_RESULT_RECORD,	  /* two numbers, or nulls; x has one dimension */
	SFS_RESULT_ROWS		  /* one number a row; x has at least two dimensions */
} SfsResult;

#define SFS_ARGUMENTS_MAX 7

/* A function over arrays or over the columns of a window. */
typedef struct SfsFunction
{
	SfsOp op;
	SfsResult result;
	SfsArgument arguments[SFS_ARGUMENTS_MAX];
	const char *y_name;			/* as messages call it */
	SfsRequirement requirement; /* of x and y; weights say theirs in y_requirement */
	SfsRequirement y_requirement;
	const char *g_name;
	SfsPairing g_pairing;
} SfsFunction;

/* Run a function on the arguments of a call. */
extern Datum sfs_call(FunctionCallInfo fcinfo, const SfsFunction *function);

#endif /* SOFTSORT_CALL_H */
