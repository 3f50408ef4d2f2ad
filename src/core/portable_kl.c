/*
 * portable_kl.c - entropic blocks in plain C; see kernels.h for what the kernels do.
 */
#include "kernels.h"
#include "solve.h"

/*
 * Find runs of neighbours that join for certain, without exponentials: log(w / (w - 1))
 * lies between 1 / w and 1 / (w - 1).  *apart: all others stay apart for certain, and
 * by more than what counts as touching.
 */
static size_t
find_runs(const double *v, size_t n, double strength, double top, uint32_t *start, bool *apart)
{
	const double slack = 0x1p-48;
	size_t blocks = 1;
	size_t certain = 0;

	start[0] = 0;
	for (size_t i = 1; i < n; i++)
	{
		double gap = v[i - 1] - v[i];
		double w = top - (double) (i - 1);

		start[blocks] = (uint32_t) i;
		blocks += !(gap * w < strength * (1.0 - slack));
		certain += gap * (w - 1.0) > strength * (1.0 + slack + 8.0 * SFS_KL_TOUCH * w);
	}
	start[blocks] = (uint32_t) n;
	*apart = certain == blocks - 1;
	return blocks;
}

/*
 * See kernels.h: pool_kl.  The sum of the exponentials of a block is the difference of
 * two sums from the small end; the larger is at most n + 1 times the difference, so
 * the relative error of that is below 2 (n + 8) (n + 1) 2^-53, and an exponential's
 * below 2 (ratio + 2) 2^-53.
 */
size_t
sfs_portable_pool_kl(const double *v, size_t n, double strength, double top, uint32_t *start,
					 bool *settled)
{
	double ratio = (v[0] - v[n - 1]) / strength;
	double count = (double) n + 8.0;
	double error = (4.0 * count * count + 8.0 * ratio + 128.0) * 0x1p-53 + 4.0 * SFS_KL_TOUCH;
	double sum[SFS_POOL_MAX + 1]; /* of the exponentials from each position on */
	size_t blocks = 0;
	size_t runs;

	runs = find_runs(v, n, strength, top, start, settled);
	if (runs == n && *settled)
		return n;
	if (!(ratio < SFS_KL_RATIO_MAX))
		return 0;
	for (size_t i = 0; i < n; i++)
		sum[i] = sfs_exp((v[i] - v[0]) / strength);
	sum[n] = 0.0;
	for (size_t i = n; i-- > 0;)
		sum[i] += sum[i + 1];
	for (size_t k = 0; k < runs; k++)
	{
		size_t b = start[k];
		size_t c = start[k + 1];

		while (blocks > 0)
		{
			size_t a = start[blocks - 1];
			/* twice the sums of the weights */
			double w1 = (double) (b - a) * (2.0 * top + 1.0 - (double) (a + b));
			double w2 = (double) (c - b) * (2.0 * top + 1.0 - (double) (b + c));
			double left = (sum[a] - sum[b]) * w2;
			double right = (sum[b] - sum[c]) * w1;

			if (left - right > right * error)
				break;
			if (right - left <= right * error)
				return 0;
			b = a;
			blocks--;
		}
		start[blocks++] = (uint32_t) b;
	}
	start[blocks] = (uint32_t) n;
	*settled = true;
	return blocks;
}

/* See kernels.h: kl_ranks. */
size_t
sfs_portable_kl_ranks(const double *v, size_t n, const uint32_t *start, size_t blocks,
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
		double ratio = range / strength;
		/* exact: (n - a - b) / 2 */
		double middle = top - ((double) a + (double) m * 0.5);
		double weight = sfs_ramp_sum(n, a, a + m);
		double terms;
		double sum;

		if (m == 1)
		{
			out[a] = middle + offset;
			continue;
		}
		if (m > SFS_SHORT_BLOCK || range < SFS_PLAIN_RANGE || ratio < SFS_KL_RATIO_MIN)
		{
			left[count++] = (uint32_t) k;
			continue;
		}
		for (size_t i = 0; i < m; i++)
			out[a + i] = (v[a + i] - high) / strength;
		if (ratio <= SFS_KL_NEAR_ONE)
			for (size_t i = 0; i < m; i++)
				out[a + i] = sfs_expm1(out[a + i]);
		else
			for (size_t i = 0; i < m; i++)
				out[a + i] = sfs_exp(out[a + i]);
		terms = sfs_leaf_sum(out + a, m);
		sum = ratio <= SFS_KL_NEAR_ONE ? (double) m + terms : terms;
		for (size_t i = 0; i < m; i++)
			out[a + i] = ((out[a + i] - terms / (double) m) / sum * weight + middle) + offset;
	}
	return count;
}

/* See kernels.h: kl_products. */
size_t
sfs_portable_kl_products(const double *v, const double *g, size_t n, const uint32_t *start,
						 size_t blocks, double strength, double *out, uint32_t *left)
{
	size_t count = 0;

	for (size_t k = 0; k < blocks; k++)
	{
		size_t a = start[k];
		size_t m = start[k + 1] - a;
		double range = v[a] - v[a + m - 1];
		double weight = sfs_ramp_sum(n, a, a + m);
		double weighted[SFS_SHORT_BLOCK];
		double total;
		double mean;

		if (m == 1)
		{
			out[a] = 0.0;
			continue;
		}
		if (m > SFS_SHORT_BLOCK || (range < SFS_PLAIN_RANGE && range > 0.0))
		{
			left[count++] = (uint32_t) k;
			continue;
		}
		for (size_t i = 0; i < m; i++)
			out[a + i] = sfs_exp((v[a + i] - v[a]) / strength);
		for (size_t i = 0; i < m; i++)
			weighted[i] = out[a + i] * (g[a + i] - g[a]);
		total = sfs_leaf_sum(out + a, m);
		mean = sfs_leaf_sum(weighted, m) / total;
		for (size_t i = 0; i < m; i++)
			out[a + i] = weight * (out[a + i] / total) * ((g[a + i] - g[a]) - mean) / strength;
	}
	return count;
}
