/*
 * task.c - the table of operations; running the rows of a task.
 */
#include "row.h"

#include "kernels.h"

/* What the core knows of an operation. */
typedef struct Operation
{
	SfsStatus (*row)(SfsRow *row);
	size_t (*bytes)(const SfsTask *task, size_t n);
	SfsShape shape;
	size_t per_row; /* values per row of SFS_SHAPE_ROWS */
} Operation;

static const Operation operations[SFS_OP_COUNT] = {
	[SFS_OP_RANK] = {sfs_row_rank, sfs_rank_bytes, SFS_SHAPE_ELEMENTS, 0},
	[SFS_OP_RANK_VJP] = {sfs_row_rank_derivative, sfs_rank_bytes, SFS_SHAPE_ELEMENTS, 0},
	[SFS_OP_RANK_JVP] = {sfs_row_rank_derivative, sfs_rank_bytes, SFS_SHAPE_ELEMENTS, 0},
	[SFS_OP_RANK_JACOBIAN] = {sfs_row_rank_jacobian, sfs_rank_bytes, SFS_SHAPE_MATRIX, 0},
	[SFS_OP_SORT] = {sfs_row_sort, sfs_sort_bytes, SFS_SHAPE_ELEMENTS, 0},
	[SFS_OP_SORT_ASSIGN] = {sfs_row_sort, sfs_sort_bytes, SFS_SHAPE_ELEMENTS, 0},
	[SFS_OP_SORT_VJP] = {sfs_row_sort_derivative, sfs_sort_bytes, SFS_SHAPE_ELEMENTS, 0},
	[SFS_OP_SORT_JVP] = {sfs_row_sort_derivative, sfs_sort_bytes, SFS_SHAPE_ELEMENTS, 0},
	[SFS_OP_SORT_JACOBIAN] = {sfs_row_sort_jacobian, sfs_sort_bytes, SFS_SHAPE_MATRIX, 0},
	[SFS_OP_PROJECTION] = {sfs_row_projection, sfs_projection_bytes, SFS_SHAPE_ELEMENTS, 0},
	[SFS_OP_PROJECTION_VJP] = {sfs_row_projection_derivative, sfs_projection_bytes,
							   SFS_SHAPE_ELEMENTS, 0},
	[SFS_OP_PROJECTION_JVP] = {sfs_row_projection_derivative, sfs_projection_bytes,
							   SFS_SHAPE_ELEMENTS, 0},
	[SFS_OP_ISOTONIC] = {sfs_row_isotonic, sfs_isotonic_bytes, SFS_SHAPE_ELEMENTS, 0},
	[SFS_OP_ISOTONIC_VJP] = {sfs_row_isotonic, sfs_isotonic_bytes, SFS_SHAPE_ELEMENTS, 0},
	[SFS_OP_SPEARMAN] = {sfs_row_spearman, sfs_spearman_bytes, SFS_SHAPE_ROWS, 1},
	[SFS_OP_SOFT_SPEARMAN] = {sfs_row_soft_spearman, sfs_soft_spearman_bytes, SFS_SHAPE_ROWS, 1},
	[SFS_OP_SOFT_SPEARMAN_GRAD] = {sfs_row_soft_spearman, sfs_soft_spearman_bytes,
								   SFS_SHAPE_ELEMENTS, 0},
	[SFS_OP_STRENGTH_RANGE] = {sfs_row_strength_range, sfs_strength_range_bytes, SFS_SHAPE_ROWS, 2},
};

/* See sfs_core.h. */
SfsShape
sfs_op_shape(SfsOp op)
{
	return operations[op].shape;
}

/* Return the first element of a row. */
static size_t
row_start(const SfsTask *task, size_t row)
{
	return task->offsets == NULL ? row * task->length : (size_t) task->offsets[row];
}

/* Return the length of a row. */
static size_t
row_length(const SfsTask *task, size_t row)
{
	return row_start(task, row + 1) - row_start(task, row);
}

/* See sfs_core.h: workspace grows with the longest row. */
size_t
sfs_core_workspace(const SfsTask *task)
{
	size_t longest = 0;

	if (task->offsets == NULL)
		longest = task->rows > 0 ? task->length : 0;
	else
		for (size_t row = 0; row < task->rows; row++)
			longest = row_length(task, row) > longest ? row_length(task, row) : longest;
	return operations[task->op].bytes(task, longest);
}

/* Return the input of one row. */
static SfsInput
row_input(const SfsInput *input, size_t start)
{
	SfsInput result = *input;
	size_t size = input->type == SFS_FLOAT64 ? sizeof(double) : sizeof(float);

	if (input->data != NULL && !input->shared)
		result.data = (const char *) input->data + start * size;
	return result;
}

/* Return the output of one row. */
static SfsOutput
row_output(const SfsTask *task, size_t row, size_t start)
{
	SfsOutput result = task->out;
	const Operation *operation = &operations[task->op];
	size_t size = result.type == SFS_FLOAT64 ? sizeof(double) : sizeof(float);
	size_t offset = start;

	if (operation->shape == SFS_SHAPE_ROWS)
		offset = row * operation->per_row;
	else if (operation->shape == SFS_SHAPE_MATRIX)
		offset = row * task->length * task->length;
	result.data = (char *) result.data + offset * size;
	return result;
}

/* Run one row of a task. */
static SfsStatus
run_row(const SfsTask *task, size_t i, void *workspace, SfsPoll *poll)
{
	const Operation *operation = &operations[task->op];
	size_t start = row_start(task, i);
	SfsRow row = {
		.task = task,
		.n = row_length(task, i),
		.x = row_input(&task->x, start),
		.y = row_input(&task->y, start),
		.g = row_input(&task->g, start),
		.out = row_output(task, i, start),
		.arena = {workspace, (char *) workspace + operation->bytes(task, row_length(task, i))},
		.poll = poll,
	};

	return sfs_poll(poll, 16) ? SFS_CANCELLED : operation->row(&row);
}

/* A kernel that computes SFS_ROWS rows at once. */
typedef unsigned (*RowsKernel)(const SfsRows *rows);

/* After as many rows of SFS_ROWS were left, as many rows are run one after another. */
#define LEFT_MANY 6
#define ALONE 64

/* Return the kernel that computes several rows of a task at once, NULL when there is none. */
static RowsKernel
rows_kernel(const SfsTask *task)
{
	bool plain = task->regularization == SFS_REG_L2 && !task->standardize &&
				 task->strength > 0x1p-400 && task->strength < 0x1p400;

	if (task->offsets != NULL || task->length < 2 || task->length > SFS_ROWS_LENGTH)
		return NULL;
	if (task->op == SFS_OP_SPEARMAN)
		return sfs_kernels->spearman_rows;
	if (task->op == SFS_OP_RANK && plain)
		return sfs_kernels->l2_rank_rows;
	if ((task->op == SFS_OP_RANK_VJP || task->op == SFS_OP_RANK_JVP) && plain)
		return sfs_kernels->l2_product_rows;
	if (task->op == SFS_OP_SOFT_SPEARMAN && plain)
		return sfs_kernels->l2_spearman_rows;
	return NULL;
}

/*
 * Run the SFS_ROWS rows from `first` on, those that the kernel leaves one after another;
 * *left says how many these are.
 */
static SfsStatus
run_rows(RowsKernel kernel, const SfsTask *task, size_t first, void *workspace, SfsPoll *poll,
		 int *left)
{
	size_t start = row_start(task, first);
	bool derivative = task->op == SFS_OP_RANK_VJP || task->op == SFS_OP_RANK_JVP;
	const SfsInput *y = derivative ? &task->g : &task->y;
	SfsRows rows = {
		.x = row_input(&task->x, start).data,
		.y = row_input(y, start).data,
		.x_type = task->x.type,
		.y_type = y->type,
		.out_type = task->out.type,
		.n = task->length,
		.x_stride = task->x.shared ? 0 : task->length,
		.y_stride = y->shared ? 0 : task->length,
		.sign = task->direction == SFS_DESCENDING ? -1.0 : 1.0,
		.strength = task->strength,
		.out = row_output(task, first, start).data,
	};
	SfsStatus status = SFS_OK;
	unsigned bits;

	if (sfs_poll(poll, SFS_ROWS * task->length))
		return SFS_CANCELLED;
	bits = kernel(&rows);
	*left = __builtin_popcount(bits);
	for (; bits != 0 && status == SFS_OK; bits &= bits - 1)
		status = run_row(task, first + (size_t) __builtin_ctz(bits), workspace, poll);
	return status;
}

/* See sfs_core.h. */
SfsStatus
sfs_core_run(const SfsTask *task, size_t first, size_t last, void *workspace, const SfsHooks *hooks)
{
	SfsPoll poll = {hooks, SFS_POLL_CREDIT};
	RowsKernel kernel = last - first >= SFS_ROWS ? rows_kernel(task) : NULL;
	size_t alone = 0; /* rows before this one are run one after another */
	SfsStatus status = SFS_OK;

	for (size_t i = first; i < last && status == SFS_OK;)
	{
		/* the last ones with some before them again: nothing is read from the output */
		size_t from = last - i < SFS_ROWS ? last - SFS_ROWS : i;
		int left;

		if (kernel == NULL || i < alone)
		{
			status = run_row(task, i++, workspace, &poll);
			continue;
		}
		status = run_rows(kernel, task, from, workspace, &poll, &left);
		i = from + SFS_ROWS;
		alone = left >= LEFT_MANY ? i + ALONE : 0;
	}
	return status;
}
