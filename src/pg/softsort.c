/*
 * softsort.c - the module.
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/builtins.h"

#include "gpu_engine.h"
#include "guc.h"
#include "pg_compat.h"

PG_MODULE_MAGIC;

void _PG_init(void);

PG_FUNCTION_INFO_V1(softsort_version);

/* Initialize the parts of the module that need it. */
void
_PG_init(void)
{
	sfs_guc_init();
	sfs_gpu_init();
}

/* Return the version of the library, which may be newer than the extension's. */
Datum
softsort_version(PG_FUNCTION_ARGS)
{
	PG_RETURN_TEXT_P(cstring_to_text(SOFTSORT_VERSION));
}
