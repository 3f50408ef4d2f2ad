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

/* The same of soft_sort, where values join if they are further apart than a step. */
static size_t
find_sort_runs(const double *v, size_t n, double step, uint32_t *start, bool *apart)
{
	size_t blocks = 1;
	size_t certain = 0;

	start[0] = 0;
	for (size_t i = 1; i < n; i++)
	{
		double gap = v[i - 1] - v[i];
		double over = step - gap;
		double bound = 0x1p-48 * (gap + step) + 8.0 * SFS_KL_TOUCH;

		start[blocks] = (uint32_t) i;
		blocks += !(-over > bound);
		certain += over > bound;
	}
	start[blocks] = (uint32_t) n;
	*apart = certain == blocks - 1;
	return blocks;
}

/* Write the sums of e^((v - v_0) / strength) from each position on. */
static void
sum_exponentials(const double *v, size_t n, double strength, double *sum)
{
	for (size_t i = 0; i < n; i++)
		sum[i] = sfs_exp((v[i] - v[0]) / strength);
	sum[n] = 0.0;
	for (size_t i = n; i-- > 0;)
		sum[i] += sum[i + 1];
}

/* Join blocks, which begin as runs, of soft_sort where there is a ramp; see pool_kl. */
static inline __attribute__((always_inline)) size_t
join_blocks(double top, const SfsGeometric *ramp, double error, const double *sum, size_t n,
			size_t runs, uint32_t *start)
{
	size_t blocks = 0;

	for (size_t k = 0; k < runs; k++)
	{
		size_t b = start[k];
		size_t c = start[k + 1];

		while (blocks > 0)
		{
			size_t a = start[blocks - 1];
			double left;
			double right;

			if (ramp == NULL) /* against twice the sums of the weights */
			{
				left =
					(sum[a] - sum[b]) * ((double) (c - b) * (2.0 * top + 1.0 - (double) (b + c)));
				right =
					(sum[b] - sum[c]) * ((double) (b - a) * (2.0 * top + 1.0 - (double) (a + b)));
			}
			else
			{
				left = (sum[b] - sum[c]) * ramp->rise[b - a];
				right = (sum[a] - sum[b]) * ramp->fall[c - b];
			}
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
	return blocks;
}

/* Return the bound of the error of a sum of exponentials that is the difference of two. */
static double
sum_error(size_t n)
{
	double count = (double) n + 8.0;

	return 4.0 * count * count;
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
	double error = (sum_error(n) + 8.0 * ratio + 128.0) * 0x1p-53 + 4.0 * SFS_KL_TOUCH;
	double sum[SFS_POOL_MAX + 1];
	size_t runs = find_runs(v, n, strength, top, start, settled);

	if (runs == n && *settled)
		return n;
	if (!(ratio < SFS_KL_RATIO_MAX))
		return 0;
	sum_exponentials(v, n, strength, sum);
	*settled = true;
	return join_blocks(top, NULL, error, sum, n, runs, start);
}

/* See kernels.h. */
void
sfs_geometric_extend(SfsGeometric *ramp, size_t n)
{
	size_t count = n + 1 > ramp->known ? n + 1 - ramp->known : 0;
	double *rise = ramp->rise + ramp->known;
	double *fall = ramp->fall + ramp->known;

	for (size_t i = 0; i < count; i++)
		rise[i] = fall[i] = -(double) (ramp->known + i) * ramp->step;
	sfs_kernels->exponentials(rise, count, false);
	sfs_kernels->exponentials(fall, count, true);
	for (size_t i = 0; i < count; i++)
	{
		fall[i] = -fall[i];
		rise[i] = fall[i] / rise[i];
	}
	ramp->known += count;
}

/*
 * See kernels.h: pool_kl_sort.  As for pool_kl; an argument m step is off by 2 depth 2^-53.
 * The solver takes for touching what is nearer than SFS_KL_TOUCH and 2^-51 of how far
 * anchors are apart, which is less than ratio and depth and twice SFS_KL_SPAN.
 */
size_t
sfs_portable_pool_kl_sort(SfsGeometric *ramp, const double *v, size_t n, uint32_t *start,
						  bool *settled)
{
	double ratio = v[0] - v[n - 1];
	double depth = (double) n * ramp->step;
	double error = (sum_error(n) + 32.0 * (ratio + depth) + 2048.0) * 0x1p-53 + 4.0 * SFS_KL_TOUCH;
	double sum[SFS_POOL_MAX + 1];
	size_t runs = find_sort_runs(v, n, ramp->step, start, settled);

	if (runs == n && *settled)
		return n;
	*settled = true;
	if (runs == 1)
		return 1;
	if (!(ratio < SFS_KL_RATIO_MAX) || !(depth < SFS_KL_DEPTH_MAX))
		return 0;
	sfs_geometric_extend(ramp, n);
	sum_exponentials(v, n, 1.0, sum);
	return join_blocks(0.0, ramp, error, sum, n, runs, start);
}

/* See kernels.h: exponentials. */
void
sfs_portable_exponentials(double *x, size_t n, bool less_1)
{
	if (less_1)
		for (size_t i = 0; i < n; i++)
			x[i] = sfs_expm1(x[i]);
	else
		for (size_t i = 0; i < n; i++)
			x[i] = sfs_exp(x[i]);
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
		sfs_portable_exponentials(out + a, m, ratio <= SFS_KL_NEAR_ONE);
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
