/*
 * copy_array.c - the least that a function from array to array costs: its argument, detoasted, is
 * copied and returned.  The floor of the comparisons of bench/peers, which builds this with PGXS.
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/array.h"

PG_MODULE_MAGIC;

PG_FUNCTION_INFO_V1(copy_array);

/* Return a copy of an array. */
Datum
copy_array(PG_FUNCTION_ARGS)
{
	ArrayType *in = PG_GETARG_ARRAYTYPE_P(0);
	ArrayType *out = palloc(VARSIZE(in));

	memcpy(out, in, VARSIZE(in));
	PG_FREE_IF_COPY(in, 0);
	PG_RETURN_ARRAYTYPE_P(out);
}
