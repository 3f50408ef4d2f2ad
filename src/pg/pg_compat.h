/*
 * pg_compat.h - every difference between PostgreSQL versions, 15 to 19.
 *
 * Nothing else tests PG_VERSION_NUM (tools/check-layers).
 */
#ifndef SOFTSORT_PG_COMPAT_H
#define SOFTSORT_PG_COMPAT_H

/* 16 moved the varlena macros out of postgres.h. */
#if PG_VERSION_NUM >= 160000
#include "varatt.h"
#endif

/* 15 renamed the function that refuses settings which the module does not define. */
#if PG_VERSION_NUM >= 150000
#define sfs_reserve_guc_prefix(prefix) MarkGUCPrefixReserved(prefix)
#else
#define sfs_reserve_guc_prefix(prefix) EmitWarningsOnPlaceholders(prefix)
#endif

#endif /* SOFTSORT_PG_COMPAT_H */
