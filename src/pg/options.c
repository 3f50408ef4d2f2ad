/*
 * options.c - see options.h.
 */
#include "options.h"

#include <math.h>

#include "fmgr.h"
#include "utils/builtins.h"

#include "errors.h"
#include "pg_compat.h"

/* Compare an argument with a word, in any case. */
static bool
is_word(const text *value, const char *word)
{
	Size length = VARSIZE_ANY_EXHDR(value);

	return length == strlen(word) && pg_strncasecmp(VARDATA_ANY(value), word, length) == 0;
}

/* Read the regularization. */
static void
set_regularization(SfsTask *task, text *value)
{
	for (int reg = 0; reg < SFS_REG_COUNT; reg++)
		if (is_word(value, sfs_regularization_name((SfsRegularization) reg)))
		{
			task->regularization = (SfsRegularization) reg;
			return;
		}
	sfs_error_option("regularization", text_to_cstring(value),
					 "Valid values are \"l2\" and \"kl\".");
}

/* Read the regularization strength. */
static void
set_strength(SfsTask *task, float8 value)
{
	if (!isfinite(value) || value < 0.0)
		sfs_error_strength(value);
	task->strength = value;
}

/* Read the direction. */
static void
set_direction(SfsTask *task, text *value)
{
	if (is_word(value, "asc") || is_word(value, "ascending"))
		task->direction = SFS_ASCENDING;
	else if (is_word(value, "desc") || is_word(value, "descending"))
		task->direction = SFS_DESCENDING;
	else
		sfs_error_option("direction", text_to_cstring(value),
						 "Valid values are \"asc\" and \"desc\".");
}

/* See options.h. */
const char *
sfs_option_name(SfsArgument option)
{
	switch (option)
	{
		case SFS_ARG_REGULARIZATION:
			return "regularization";
		case SFS_ARG_STRENGTH:
			return "regularization_strength";
		case SFS_ARG_DIRECTION:
			return "direction";
		default:
			return "standardize";
	}
}

/* See options.h. */
void
sfs_option_set(SfsTask *task, SfsArgument option, Datum value)
{
	switch (option)
	{
		case SFS_ARG_REGULARIZATION:
			set_regularization(task, DatumGetTextPP(value));
			break;
		case SFS_ARG_STRENGTH:
			set_strength(task, DatumGetFloat8(value));
			break;
		case SFS_ARG_DIRECTION:
			set_direction(task, DatumGetTextPP(value));
			break;
		default:
			task->standardize = DatumGetBool(value);
			break;
	}
}

/* See options.h. */
bool
sfs_options_equal(const SfsTask *a, const SfsTask *b)
{
	return a->regularization == b->regularization && a->strength == b->strength &&
		   a->direction == b->direction && a->standardize == b->standardize;
}
