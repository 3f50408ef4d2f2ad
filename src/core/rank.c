/*
 * rank.c - soft_rank: forward, derivatives, Jacobian.
 *
 * The primary result is the deviation of a rank from the middle, (n + 1) / 2,
 * from which ranks and correlations derive: at large strengths ranks themselves
 * round to the middle (N9).
 */
#include "row.h"

#include "argsort.h"
#include "kernels.h"

/* See row.h. */
size_t
sfs_rank_bytes(const SfsTask *task, size_t n)
{
	size_t bytes = sfs_fit_bytes(task->regularization, SFS_PROBLEM_RANK, n);

	/* a cotangent in the order of the fit, where the work arrays are all needed */
	return task->standardize ? bytes + n * sizeof(double) + 16 : bytes;
}

/* Write (value + first) + second, where a value of NULL is 0; true when stopped. */
static bool
add_to_all(const double *value, double first, double second, size_t n, double *out, SfsPoll *poll)
{
	for (size_t i = 0; i < n;)
	{
		size_t end = sfs_chunk_end(i, n);

		if (sfs_poll(poll, end - i))
			return true;
		for (; i < end; i++)
			out[i] = value == NULL ? first + second : (value[i] + first) + second;
	}
	return false;
}

/* Write the deviations, plus an offset, of block k; true when stopped. */
static bool
block_deviations(const SfsFit *fit, size_t k, SfsStrength *unit, double offset, double *out,
				 SfsPoll *poll)
{
	SfsBlock block = sfs_fit_block(fit, k, poll);
	/* of the block's mean rank: positions count from the largest value; exact */
	double middle = (double) fit->n * 0.5 - ((double) block.first + (double) block.m * 0.5);

	if (sfs_poll(poll, 2))
		return true;
	out += block.first;
	if (block.m == 1 || block.high == block.low) /* one value, or ties */
		return add_to_all(NULL, middle, offset, block.m, out, poll);
	/* only a row that is one block as a whole may be scaled */
	if (fit->reg->rank(&block, fit->blocks == 1 ? unit : NULL, out))
		return true;
	if (fit->blocks > 1)
		return add_to_all(out, middle, offset, block.m, out, poll);
	return offset != 0.0 && add_to_all(out, offset, 0.0, block.m, out, poll);
}

/* May the kernel for short blocks be used?  It computes without scaling. */
static bool
has_short_blocks(const SfsFit *fit)
{
	return fit->blocks > 1 && fit->strength.e == 0 && fit->strength.m > 0x1p-400 &&
		   fit->strength.m < 0x1p400 && fit->high - fit->low < 0x1p400;
}

/* See row.h. */
bool
sfs_rank_deviations(const SfsFit *fit, SfsStrength *unit, double offset, double *out, SfsPoll *poll)
{
	bool short_blocks = has_short_blocks(fit);
	size_t (*ranks)(const double *, size_t, const uint32_t *, size_t, double, double, double *,
					uint32_t *) =
		fit->reg == &sfs_reg_kl ? sfs_kernels->kl_ranks : sfs_kernels->l2_ranks;

	if (unit != NULL)
		*unit = sfs_strength(1.0, 0);
	for (size_t k = 0; k < fit->blocks; k += SFS_CHUNK)
	{
		uint32_t left[SFS_CHUNK];
		size_t here = sfs_chunk_end(k, fit->blocks) - k;
		size_t count = here;

		if (sfs_poll(poll, here))
			return true;
		if (short_blocks)
			count = ranks(fit->v, fit->n, fit->start + k, here, fit->strength.m, offset, out, left);
		for (size_t i = 0; i < count; i++)
			if (block_deviations(fit, k + (short_blocks ? left[i] : i), unit, offset, out, poll))
				return true;
	}
	return false;
}

/*
 * Compute the ranks of a row that is one block of the quadratic regularization, from its
 * input to its output; *done is false where it is not, or where values have to be scaled.
 */
static SfsStatus
rank_one_block(SfsRow *row, double low, double high, bool *done)
{
	const SfsTask *task = row->task;
	size_t n = row->n;
	size_t size = row->x.type == SFS_FLOAT64 ? sizeof(double) : sizeof(float);
	size_t out_size = row->out.type == SFS_FLOAT64 ? sizeof(double) : sizeof(float);
	double strength = task->strength;
	double range = high - low;
	SfsAffine affine = {task->direction == SFS_DESCENDING ? -1.0 : 1.0, high, 0.0, strength,
						((double) n + 1.0) * 0.5};
	SfsFreeSum sum;
	bool finite = true;

	*done = task->regularization == SFS_REG_L2 && !task->standardize && strength > 0x1p-400 &&
			strength < 0x1p400 && range < 0x1p400 && (range > SFS_PLAIN_RANGE || range == 0.0) &&
			sfs_reg_l2.rank_is_one_block(range / strength, n);
	if (!*done)
		return SFS_OK;
	sfs_free_init(&sum, (range == 0.0 ? 0 : sfs_exponent(range)) + 1, n);
	for (size_t i = 0; i < n;)
	{
		size_t end = sfs_chunk_end(i, n);

		if (sfs_poll(row->poll, end - i))
			return SFS_CANCELLED;
		sfs_kernels->sum_differences((const char *) row->x.data + i * size, row->x.type, end - i,
									 affine.sign, affine.base, &sum);
		i = end;
	}
	affine.mean = sfs_free_total(&sum) / (double) n;
	for (size_t i = 0; i < n;)
	{
		size_t end = sfs_chunk_end(i, n);

		if (sfs_poll(row->poll, end - i))
			return SFS_CANCELLED;
		finite &=
			sfs_kernels->affine(&affine, (const char *) row->x.data + i * size, row->x.type,
								end - i, (char *) row->out.data + i * out_size, row->out.type);
		i = end;
	}
	return finite ? SFS_OK : SFS_OUT_OF_RANGE;
}

/* See sfs_core.h: SFS_OP_RANK. */
SfsStatus
sfs_row_rank(SfsRow *row)
{
	SfsFit fit;
	bool done;
	SfsStatus status;

	if (sfs_range(row->x.data, row->x.type, row->task->direction == SFS_DESCENDING, row->n,
				  &fit.low, &fit.high, row->poll))
		return SFS_CANCELLED;
	status = rank_one_block(row, fit.low, fit.high, &done);
	if (status != SFS_OK || done)
		return status;
	status = sfs_fit_rank_between(row, &row->x, &fit);
	if (status != SFS_OK)
		return status;
	if (sfs_rank_deviations(&fit, NULL, ((double) row->n + 1.0) * 0.5, fit.work[0], row->poll))
		return SFS_CANCELLED;
	return sfs_store(&row->out, 0, fit.work[0], fit.perm, row->n, 1.0, 0, row->poll);
}

/* Apply block k of the Jacobian at fixed strength, times 2^strength.e; true when stopped. */
static bool
one_product(const SfsFit *fit, size_t k, const double *g, double *out, SfsPoll *poll)
{
	SfsBlock block = sfs_fit_block(fit, k, poll);

	if (sfs_poll(poll, 2))
		return true;
	/* the limit at strength 0 is a constant */
	if (block.m > 1 && fit->strength.m != 0.0)
		return fit->reg->rank_derivative(&block, g + block.first, out + block.first);
	return add_to_all(NULL, 0.0, 0.0, block.m, out + block.first, poll);
}

/* Apply the block-diagonal Jacobian at fixed strength, times 2^strength.e. */
static bool
block_product(const SfsFit *fit, const double *g, double *out, SfsPoll *poll)
{
	bool short_blocks = has_short_blocks(fit);

	for (size_t k = 0; k < fit->blocks; k += SFS_CHUNK)
	{
		uint32_t left[SFS_CHUNK];
		size_t here = sfs_chunk_end(k, fit->blocks) - k;
		size_t count = here;

		if (sfs_poll(poll, here))
			return true;
		if (short_blocks && fit->reg == &sfs_reg_kl)
			count = sfs_kernels->kl_products(fit->v, g, fit->n, fit->start + k, here,
											 fit->strength.m, out, left);
		else if (short_blocks)
			count = sfs_kernels->l2_products(g, fit->start + k, here, fit->strength.m, out, left);
		for (size_t i = 0; i < count; i++)
			if (one_product(fit, k + (short_blocks ? left[i] : i), g, out, poll))
				return true;
	}
	return false;
}

/* Compute sum a_i b_i in index order over the fixed tree; true when stopped. */
static bool
dot(const double *a, const double *b, size_t n, double *result, SfsPoll *poll)
{
	double term[SFS_LEAF];
	SfsTreeSum sum;

	sfs_tree_init(&sum);
	for (size_t i = 0; i < n; i += SFS_LEAF)
	{
		size_t count = sfs_leaf(i, n);

		if (sfs_poll(poll, count))
			return true;
		for (size_t k = 0; k < count; k++)
			term[k] = a[i + k] * b[i + k];
		sfs_tree_add(&sum, term, count);
	}
	*result = sfs_tree_total(&sum);
	return false;
}

/* Return room for a cotangent in the order of a fit; see sfs_rank_bytes. */
static double *
take_cotangent(SfsRow *row, const SfsFit *fit)
{
	if (row->task->standardize)
		return sfs_arena_take(&row->arena, row->n * sizeof(double));
	return fit->work[1];
}

/*
 * See row.h.  With standardize the strength s depends on x:
 *   ds/dx = s (x - mean) / sum (x - mean)^2, and by homogeneity dr/ds = -J x / s,
 * so the Jacobian is J - (J x) (x - mean)^T / sum (x - mean)^2 (N11).
 */
bool
sfs_rank_jacobian_product(const SfsFit *fit, const double *g, bool transposed, double *out,
						  SfsPoll *poll)
{
	size_t n = fit->n;
	double *centered = fit->work[2];
	double *moved = fit->work[1];
	double factor;

	if (block_product(fit, g, out, poll))
		return true;
	if (fit->square_sum == 0.0)
		return false;
	for (size_t i = 0; i < n;)
	{
		size_t end = sfs_chunk_end(i, n);

		if (sfs_poll(poll, 2 * (end - i)))
			return true;
		for (; i < end; i++)
			centered[i] = (sfs_scale(fit->v[i], fit->shift) - fit->base) - fit->offset;
	}
	if (block_product(fit, centered, moved, poll) ||
		dot(transposed ? moved : centered, g, n, &factor, poll))
		return true;
	factor /= fit->square_sum;
	for (size_t i = 0; i < n;)
	{
		size_t end = sfs_chunk_end(i, n);

		if (sfs_poll(poll, end - i))
			return true;
		for (; i < end; i++)
			out[i] -= (transposed ? centered : moved)[i] * factor;
	}
	return false;
}

/* See sfs_core.h: SFS_OP_RANK_VJP and SFS_OP_RANK_JVP. */
SfsStatus
sfs_row_rank_derivative(SfsRow *row)
{
	size_t n = row->n;
	bool transposed = row->task->op == SFS_OP_RANK_VJP;
	bool negate = row->task->direction == SFS_DESCENDING;
	SfsFit fit;
	SfsStatus status = sfs_fit_rank(row, &row->x, &fit);
	double *g;
	int shift;

	if (status != SFS_OK)
		return status;
	g = take_cotangent(row, &fit);
	if (g == NULL)
		return SFS_FAILED;
	if (sfs_gather(&row->g, fit.perm, n, g, row->poll))
		return SFS_CANCELLED;
	if (sfs_normalize(g, n, &shift, row->poll))
		return SFS_CANCELLED;
	if (sfs_rank_jacobian_product(&fit, g, transposed, fit.work[0], row->poll))
		return SFS_CANCELLED;
	return sfs_store(&row->out, 0, fit.work[0], fit.perm, n, negate ? -1.0 : 1.0,
					 -shift - fit.strength.e, row->poll);
}

/*
 * See sfs_core.h: SFS_OP_RANK_JACOBIAN.  Rows of J are products with unit
 * vectors; each costs O(n), as much as writing it.
 */
SfsStatus
sfs_row_rank_jacobian(SfsRow *row)
{
	size_t n = row->n;
	bool negate = row->task->direction == SFS_DESCENDING;
	SfsFit fit;
	SfsStatus status = sfs_fit_rank(row, &row->x, &fit);
	double *g;

	if (status != SFS_OK)
		return status;
	g = take_cotangent(row, &fit);
	if (g == NULL)
		return SFS_FAILED;
	for (size_t i = 0; i < n && status == SFS_OK; i++)
	{
		size_t output = fit.perm == NULL ? i : fit.perm[i];

		for (size_t k = 0; k < n; k++)
			g[k] = k == i ? 1.0 : 0.0;
		if (sfs_rank_jacobian_product(&fit, g, true, fit.work[0], row->poll))
			return SFS_CANCELLED;
		status = sfs_store(&row->out, output * n, fit.work[0], fit.perm, n, negate ? -1.0 : 1.0,
						   -fit.strength.e, row->poll);
	}
	return status;
}
