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

/* 18 puts the word before a declaration, and drops pg_attribute_noreturn. */
#if PG_VERSION_NUM < 180000
#define pg_noreturn __attribute__((noreturn))
#endif

/* 19 lets a call say IGNORE NULLS, and the function refuse it. */
#if PG_VERSION_NUM >= 190000
#define sfs_refuse_null_treatment(window, fcinfo) \
	WinCheckAndInitializeNullTreatment(window, false, fcinfo)
#else
#define sfs_refuse_null_treatment(window, fcinfo) ((void) 0)
#endif

/* 17 lets an extension name what it waits for; the caller keeps the number that it gets. */
#if PG_VERSION_NUM >= 170000
#define sfs_wait_event_new(name) WaitEventExtensionNew(name)
#else
#define sfs_wait_event_new(name) PG_WAIT_EXTENSION
#endif

#endif /* SOFTSORT_PG_COMPAT_H */
