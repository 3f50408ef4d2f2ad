/*
 * portable_l2.c - quadratic blocks in plain C; see kernels.h for what the kernels do.
 */
#include "kernels.h"

/*
 * See kernels.h: pool.  Neighbouring values that join do so in any order, so runs of
 * them are blocks; what becomes of runs is left to the caller.
 */
size_t
sfs_portable_pool(const SfsRamp *ramp, const double *v, size_t n, uint32_t *start, bool *settled)
{
	double sign = ramp->below ? -1.0 : 1.0;
	size_t blocks = 1;
	size_t certain = 0;

	start[0] = 0;
	for (size_t i = 1; i < n; i++)
	{
		double gap = v[i - 1] - v[i];
		double over = (gap - ramp->step) * sign;
		double bound = 0x1p-48 * (gap + ramp->step);

		start[blocks] = (uint32_t) i;
		blocks += over > bound;
		certain += over > bound || -over > bound;
	}
	start[blocks] = (uint32_t) n;
	*settled = blocks == n;
	return certain == n - 1 ? blocks : 0;
}

/* See kernels.h: l2_ranks. */
void
sfs_portable_l2_ranks(const double *v, size_t n, const uint32_t *start, size_t blocks,
					  double strength, double offset, double *out)
{
	for (size_t k = 0; k < blocks; k++)
	{
		size_t a = start[k];
		size_t m = start[k + 1] - a;
		double middle = ((double) n - (double) a - (double) start[k + 1]) * 0.5;
		double d[SFS_SHORT_BLOCK] = {0};
		double mean;

		if (m == 1)
		{
			out[a] = middle + offset;
			continue;
		}
		if (m > SFS_SHORT_BLOCK)
			continue;
		/* the sum of one leaf (sums.h) */
		for (size_t i = 0; i < m; i++)
			d[i] = v[a + i] - v[a];
		mean = (((d[0] + d[4]) + (d[2] + d[6])) + ((d[1] + d[5]) + (d[3] + d[7]))) / (double) m;
		for (size_t i = 0; i < m; i++)
			out[a + i] = ((d[i] - mean) / strength + middle) + offset;
	}
}
