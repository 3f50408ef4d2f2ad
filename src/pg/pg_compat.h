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

#endif /* SOFTSORT_PG_COMPAT_H */
