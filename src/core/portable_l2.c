/*
 * portable_l2.c - quadratic blocks in plain C; see kernels.h for what the kernels do.
 */
#include "kernels.h"

/*
 * Find the runs of neighbouring values that join, which they do in any order.
 * Returns their number; 0 when some decision is too close.
 */
static size_t
find_runs(const SfsRamp *ramp, const double *v, size_t n, uint32_t *start)
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
	return certain == n - 1 ? blocks : 0;
}

/*
 * See kernels.h: pool.  With m1 and m2 values and sums s1 and s2 of v_i - v_0 + step i,
 * the means differ by (s1 m2 - s2 m1) / (m1 m2).  A sum is the difference of two sums
 * of up to n terms, and all terms together have at most the size `whole`, so its
 * error is below (2 n + 16) 2^-53 whole.
 */
size_t
sfs_portable_pool(const SfsRamp *ramp, const double *v, size_t n, uint32_t *start, bool *settled)
{
	size_t runs = find_runs(ramp, v, n, start);
	double whole = (double) n * ((v[0] - v[n - 1]) + (double) n * ramp->step);
	double error = (2.0 * (double) n + 32.0) * 0x1p-53 * whole;
	double sign = ramp->below ? -1.0 : 1.0;
	double sum[SFS_POOL_MAX + 1]; /* of all terms before each position */
	size_t blocks = 0;

	*settled = true;
	if (runs == 0 || runs == n)
		return runs;
	sum[0] = 0.0;
	for (size_t i = 0; i < n; i++)
		sum[i + 1] = sum[i] + ((v[i] - v[0]) + ramp->step * (double) i);
	for (size_t k = 0; k < runs; k++)
	{
		size_t b = start[k];
		size_t c = start[k + 1];

		while (blocks > 0)
		{
			size_t a = start[blocks - 1];
			double m1 = (double) (b - a);
			double m2 = (double) (c - b);
			double over = ((sum[b] - sum[a]) * m2 - (sum[c] - sum[b]) * m1) * sign;
			double bound = (m1 + m2) * error;

			if (over > bound)
				break;
			if (-over <= bound)
				return 0;
			b = a;
			blocks--;
		}
		start[blocks++] = (uint32_t) b;
	}
	start[blocks] = (uint32_t) n;
	return blocks;
}

/* See kernels.h: l2_ranks. */
size_t
sfs_portable_l2_ranks(const double *v, size_t n, const uint32_t *start, size_t blocks,
					  double strength, double offset, double *out, uint32_t *left)
{
	double top = (double) n * 0.5;
	size_t count = 0;

	for (size_t k = 0; k < blocks; k++)
	{
		size_t a = start[k];
		size_t m = start[k + 1] - a;
		double high = v[a];
		double range = high - v[a + m - 1];
		/* exact: (n - a - b) / 2 */
		double middle = top - ((double) a + (double) m * 0.5);
		double mean;

		if (m > SFS_SHORT_BLOCK || (range < SFS_PLAIN_RANGE && range > 0.0))
		{
			left[count++] = (uint32_t) k;
			continue;
		}
		if (m == 1)
		{
			out[a] = middle + offset;
			continue;
		}
		for (size_t i = 0; i < m; i++)
			out[a + i] = v[a + i] - high;
		mean = sfs_leaf_sum(out + a, m) / (double) m;
		for (size_t i = 0; i < m; i++)
			out[a + i] = ((out[a + i] - mean) / strength + middle) + offset;
	}
	return count;
}

/* See kernels.h: l2_products. */
size_t
sfs_portable_l2_products(const double *g, const uint32_t *start, size_t blocks, double strength,
						 double *out, uint32_t *left)
{
	size_t count = 0;

	for (size_t k = 0; k < blocks; k++)
	{
		size_t a = start[k];
		size_t m = start[k + 1] - a;
		double mean;

		if (m > SFS_SHORT_BLOCK)
		{
			left[count++] = (uint32_t) k;
			continue;
		}
		for (size_t i = 0; i < m; i++)
			out[a + i] = g[a + i] - g[a];
		if (m == 1)
			continue;
		mean = sfs_leaf_sum(out + a, m) / (double) m;
		for (size_t i = 0; i < m; i++)
			out[a + i] = (out[a + i] - mean) / strength;
	}
	return count;
}
