/*
 * softsort.c - the module.
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/builtins.h"

#include "pg_compat.h"

PG_MODULE_MAGIC;

PG_FUNCTION_INFO_V1(softsort_version);

/* Return the version of the library, which may be newer than the extension's. */
Datum
softsort_version(PG_FUNCTION_ARGS)
{
	PG_RETURN_TEXT_P(cstring_to_text(SOFTSORT_VERSION));
}
