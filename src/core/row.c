/*
 * row.c - moving the elements of one row in and out.
 */
#include "row.h"

#include <string.h>

#include "argsort.h"
#include "kernels.h"

/* See row.h. */
void *
sfs_arena_take(SfsArena *arena, size_t bytes)
{
	char *taken = arena->next;

	bytes = (bytes + 15) & ~(size_t) 15;
	if ((size_t) (arena->end - taken) < bytes)
		return NULL;
	arena->next = taken + bytes;
	return taken;
}

/* See row.h. */
void
sfs_load(const SfsInput *input, size_t first, size_t count, bool negate, double *out)
{
	double sign = negate ? -1.0 : 1.0;

	if (input->type == SFS_FLOAT64)
	{
		const double *x = (const double *) input->data + first;

		for (size_t i = 0; i < count; i++)
			out[i] = x[i] * sign + 0.0;
	}
	else
	{
		const float *x = (const float *) input->data + first;

		for (size_t i = 0; i < count; i++)
			out[i] = (double) x[i] * sign + 0.0;
	}
}

/* See row.h. */
bool
sfs_gather(const SfsInput *input, const uint32_t *perm, size_t n, double *out, SfsPoll *poll)
{
	for (size_t i = 0; i < n;)
	{
		size_t end = sfs_chunk_end(i, n);

		if (sfs_poll(poll, end - i))
			return true;
		if (perm == NULL)
			sfs_load(input, i, end - i, false, out + i);
		else if (input->type == SFS_FLOAT64)
			for (size_t k = i; k < end; k++)
				out[k] = ((const double *) input->data)[perm[k]];
		else
			for (size_t k = i; k < end; k++)
				out[k] = ((const float *) input->data)[perm[k]];
		i = end;
	}
	return false;
}

/* Write one chunk as doubles; return whether all are finite. */
static bool
store_double(double *out, const double *value, const uint32_t *perm, size_t count, double sign)
{
	double check = 0.0;

	for (size_t k = 0; k < count; k++)
	{
		double result = value[k] * sign + 0.0;

		check += result * 0.0;
		out[perm == NULL ? k : perm[k]] = result;
	}
	return check == 0.0;
}

/* Write one chunk as floats; return whether all are finite. */
static bool
store_float(float *out, const double *value, const uint32_t *perm, size_t count, double sign)
{
	float rounded[SFS_LEAF];

	for (size_t k = 0; k < count; k++)
		rounded[k] = (float) (value[k] * sign + 0.0);
	if (perm == NULL)
		memcpy(out, rounded, count * sizeof(float));
	else
		for (size_t k = 0; k < count; k++)
			out[perm[k]] = rounded[k];
	return sfs_kernels->all_finite(rounded, SFS_FLOAT32, count);
}

/* See row.h. */
SfsStatus
sfs_store(const SfsOutput *out, size_t first, const double *value, const uint32_t *perm, size_t n,
		  double sign, int exponent, SfsPoll *poll)
{
	double buffer[SFS_LEAF];
	bool finite = true;

	for (size_t i = 0; i < n; i += SFS_LEAF)
	{
		size_t count = sfs_leaf(i, n);
		size_t offset = first + (perm == NULL ? i : 0);
		const uint32_t *places = perm == NULL ? NULL : perm + i;
		const double *from = value + i;

		if (sfs_poll(poll, count))
			return SFS_CANCELLED;
		if (exponent != 0)
		{
			for (size_t k = 0; k < count; k++)
				buffer[k] = sfs_scale(from[k], exponent);
			from = buffer;
		}
		if (out->type == SFS_FLOAT64)
			finite &= store_double((double *) out->data + offset, from, places, count, sign);
		else
			finite &= store_float((float *) out->data + offset, from, places, count, sign);
	}
	return finite ? SFS_OK : SFS_OUT_OF_RANGE;
}

/* See row.h. */
bool
sfs_normalize(double *g, size_t n, int *shift, SfsPoll *poll)
{
	double low;
	double high;

	*shift = 0;
	if (sfs_range(g, SFS_FLOAT64, false, n, &low, &high, poll))
		return true;
	if (low == 0.0 && high == 0.0)
		return false;
	*shift = -sfs_exponent(__builtin_fmax(-low, high));
	if (*shift >= -SFS_SAFE_EXPONENT && *shift <= SFS_SAFE_EXPONENT)
	{
		*shift = 0;
		return false;
	}
	for (size_t i = 0; i < n;)
	{
		size_t end = sfs_chunk_end(i, n);

		if (sfs_poll(poll, end - i))
			return true;
		for (; i < end; i++)
			g[i] = sfs_scale(g[i], *shift);
	}
	return false;
}
