/*
 * long_fit.cu - long rows: from lists and options to blocks, as fit.c and standardize.c do.
 *
 * Kernels reduce chunks; the host combines them and computes what belongs to a row.
 */
#include "long_run.h"

namespace
{

/* Return whether a ratio of range to strength makes a row one block (N8); see reg_l2.c. */
bool
rank_is_one_block(double ratio, int n)
{
	return ratio <= (double) n * 0.5 * (1.0 - 0x1p-48);
}

/* Return the sum of three folds in twice the working precision; see standardize.c. */
SfsPair
pair_total(const double *fold)
{
	SfsPair result = {0.0, 0.0};

	for (int k = SFS_FREE_FOLDS - 1; k >= 0; k--)
	{
		SfsPair step = sfs_pair_sum(fold[k], result.high);

		result = sfs_pair_sum(step.high, step.low + result.low);
	}
	return result;
}

/* Add up one of the values that the chunks of a row have; the sum is exact. */
double
total_of(const LongWork *work, const LongRow &row, int k)
{
	double sum = 0.0;

	for (int i = row.chunk; i < row.chunk + row.chunks; i++)
		sum += work->result[i].value[k];
	return sum;
}

/* Read an input as v, or -v, and find the ranges of rows; *differ: bits of keys that do. */
bool
load(LongWork *work, const SfsInput *input, bool negate)
{
	work->batch.negate = negate;
	work->batch.x = {work->io, input->type == SFS_FLOAT32, input->shared};
	if (!long_bring_in(work, input, work->io) || !long_send_rows(work))
		return false;
	long_load(work->batch, work->stream);
	if (!long_fetch(work))
		return false;
	for (int r = 0; r < work->batch.rows; r++)
	{
		LongRow &row = work->row[r];

		row.low = INFINITY;
		row.high = -INFINITY;
		row.unit = 4000;
		row.differ = 0;
		for (int i = row.chunk; i < row.chunk + row.chunks; i++)
		{
			const LongResult &result = work->result[i];

			row.low = result.value[0] < row.low ? result.value[0] : row.low;
			row.high = result.value[1] > row.high ? result.value[1] : row.high;
			row.unit = result.count[2] < row.unit ? (int) result.count[2] : row.unit;
			row.differ |= result.bits[3];
		}
		row.strength = work->task->strength;
		row.total = 0.0;
		row.shift = 0;
		row.base = 0.0;
		row.offset = 0.0;
		row.square_sum = 0.0;
		row.source = 0;
		row.sorted = false;
	}
	return true;
}

/* Leave rows to the CPU whose values would have to be scaled. */
void
skip_extremes(LongWork *work)
{
	for (int r = 0; r < work->batch.rows; r++)
	{
		LongRow &row = work->row[r];

		row.skip = row.skip || !(-row.low < PLAIN_MAX && row.high < PLAIN_MAX);
	}
}

/* Sort the rows that are to be. */
bool
sort(LongWork *work)
{
	const LongBatch &batch = work->batch;
	uint64_t *other_key = (uint64_t *) batch.value;
	int *begin = work->segment;
	int *end = work->segment + batch.rows;
	int source = 0;
	int many = 0;

	for (int r = 0; r < batch.rows; r++)
	{
		LongRow &row = work->row[r];
		unsigned long long differ = row.differ;
		int low = differ == 0 ? 0 : __builtin_ctzll(differ);
		int high = differ == 0 ? 1 : 64 - __builtin_clzll(differ);
		int at = row.begin;

		if (!row.sorted)
			continue;
		if (row.n <= LONG_ALONE)
		{
			begin[many] = row.begin;
			end[many++] = row.begin + row.n;
		}
		else if (!check(long_sort_row(work->scratch, work->scratch_bytes, batch.key + at,
									  other_key + at, batch.from + at, batch.position + at, row.n,
									  low, high, work->stream, &row.source),
						"sort a row"))
			return false;
	}
	if (many == 0)
		return true;
	if (!check(cudaMemcpyAsync(work->device_segment, work->segment,
							   2 * (size_t) batch.rows * sizeof(int), cudaMemcpyHostToDevice,
							   work->stream),
			   "copy to the device") ||
		!check(long_sort_rows(work->scratch, work->scratch_bytes, batch.key, other_key, batch.from,
							  batch.position, batch.positions, work->device_segment,
							  work->device_segment + batch.rows, many, work->stream, &source),
			   "sort rows"))
		return false;
	for (int r = 0; r < batch.rows; r++)
		if (work->row[r].sorted && work->row[r].n <= LONG_ALONE)
			work->row[r].source = source;
	return true;
}

/* Sort, bring the table of rows up to date, and write values and positions. */
bool
settle(LongWork *work)
{
	if (!sort(work) || !long_send_rows(work))
		return false;
	long_settle(work->batch, work->stream);
	return check(cudaGetLastError(), "launch a kernel");
}

/* Prepare the scale of deviations of a row that is not constant; see standardize.c. */
void
set_scale(LongRow *row)
{
	row->shift = -1 - sfs_exponent(row->high * 0.5 - row->low * 0.5);
	row->base = sfs_scale(row->low, row->shift) * 0.5 + sfs_scale(row->high, row->shift) * 0.5;
}

/* Compute the strength of a row from sums of deviations and squares; see standardize.c. */
void
set_strength(const LongWork *work, LongRow *row)
{
	double fold[2 * SFS_FREE_FOLDS];
	double n = (double) row->n;
	__int128 integer = (__int128) row->n * ((__int128) row->n * (__int128) row->n - 1);
	SfsPair cube = {(double) integer, 0.0};
	SfsPair sum;
	SfsPair ratio;

	cube.low = (double) (integer - (__int128) cube.high);
	for (int k = 0; k < 2 * SFS_FREE_FOLDS; k++)
		fold[k] = total_of(work, *row, k);
	sum = pair_total(fold);
	row->offset = sum.high / n;
	ratio = sfs_pair_subtract(pair_total(fold + SFS_FREE_FOLDS),
							  sfs_pair_divide(sfs_pair_multiply(sum, sum), {n, 0.0}));
	row->square_sum = ratio.high;
	ratio = sfs_pair_square_root(sfs_pair_divide(sfs_pair_multiply(ratio, {12.0, 0.0}), cube));
	row->strength = sfs_scale(sfs_pair_multiply(ratio, {row->strength, 0.0}).high, -row->shift);
}

/* Replace strengths as standardize asks for. */
bool
standardize(LongWork *work)
{
	for (int r = 0; r < work->batch.rows; r++)
	{
		LongRow *row = &work->row[r];

		if (row->high == row->low)
			row->strength = 0.0;
		else if (!row->skip)
			set_scale(row);
	}
	if (!long_send_rows(work))
		return false;
	long_standardize(work->batch, work->stream);
	if (!long_fetch(work))
		return false;
	for (int r = 0; r < work->batch.rows; r++)
	{
		LongRow *row = &work->row[r];

		if (row->skip || row->high == row->low)
			continue;
		set_strength(work, row);
		row->skip = !(row->strength > PLAIN_MIN && row->strength < PLAIN_MAX);
	}
	return true;
}

/* Sum v - high of the rows that are one block and not sorted (N8). */
bool
sum_free(LongWork *work)
{
	if (!long_send_rows(work))
		return false;
	long_free(work->batch, work->stream);
	if (!long_fetch(work))
		return false;
	for (int r = 0; r < work->batch.rows; r++)
	{
		LongRow *row = &work->row[r];
		SfsFreeSum sum;

		if (row->skip || row->sorted || row->high == row->low)
			continue;
		sfs_free_init(&sum, sfs_exponent(row->high - row->low) + 1, (size_t) row->n);
		for (int k = 0; k < 2; k++)
			sum.fold[k] = total_of(work, *row, k);
		row->total = sfs_free_total(&sum);
	}
	return true;
}

} // namespace

/* See long_run.h. */
bool
long_fit_rank(LongWork *work, const SfsInput *input)
{
	const SfsTask *task = work->task;
	bool free_sums = false;

	if (!load(work, input, task->direction == SFS_DESCENDING))
		return false;
	skip_extremes(work);
	for (int r = 0; r < work->batch.rows; r++)
	{
		double range = work->row[r].high - work->row[r].low;

		work->row[r].skip = work->row[r].skip || (range != 0.0 && range < PLAIN_MIN);
	}
	if (task->standardize && !standardize(work))
		return false;
	for (int r = 0; r < work->batch.rows; r++)
	{
		LongRow &row = work->row[r];
		double range = row.high - row.low;

		row.sorted = !row.skip && range != 0.0 && !rank_is_one_block(range / row.strength, row.n);
		free_sums = free_sums || (!row.skip && !row.sorted && range != 0.0);
	}
	if ((free_sums && !sum_free(work)) || !settle(work))
		return false;
	long_blocks(work->batch, false, work->most_chunks, work->stream);
	return true;
}

/* See long_run.h. */
bool
long_fit_sort(LongWork *work)
{
	if (!load(work, &work->task->x, work->task->direction != SFS_DESCENDING))
		return false;
	skip_extremes(work);
	for (int r = 0; r < work->batch.rows; r++)
		work->row[r].sorted = !work->row[r].skip;
	if (!settle(work))
		return false;
	long_blocks(work->batch, true, work->most_chunks, work->stream);
	return true;
}

/* See long_run.h. */
bool
long_fit_ties(LongWork *work, const SfsInput *input)
{
	if (!load(work, input, true))
		return false;
	for (int r = 0; r < work->batch.rows; r++)
		work->row[r].sorted = true;
	if (!settle(work))
		return false;
	long_ties(work->batch, work->stream);
	return true;
}
