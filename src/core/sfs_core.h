/*
 * sfs_core.h - the mathematics of softsort: what a caller of the core needs.
 *
 * The core is C11 and libm's sqrt.  It knows nothing of PostgreSQL, allocates
 * nothing, never prints and never jumps: it takes a task and a workspace and
 * answers with a status code.  Inputs are never written to; outputs count only
 * when the status is SFS_OK, so that a failed run can be repeated elsewhere.
 *
 * The numbers (N1, N2, ...) in comments are statements of docs/numerics.md.
 */
#ifndef SFS_CORE_H
#define SFS_CORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum SfsStatus
{
	SFS_OK = 0,
	SFS_CANCELLED,	   /* the poll hook asked to stop */
	SFS_OUT_OF_RANGE,  /* a true result is beyond its type */
	SFS_NOT_SUPPORTED, /* this engine does not do this task */
	SFS_NO_MEMORY,	   /* the workspace could not be had */
	SFS_FAILED,		   /* the engine broke; another one may repeat the task */
	SFS_REFUSED		   /* the engine could not, and no other one may repeat the task */
} SfsStatus;

/*
 * Operations.  Shapes: n is the length of one row.
 * To add one: here, the table in task.c, and a file with its row function.
 */
typedef enum SfsOp
{
	SFS_OP_RANK = 0,		   /* x -> n ranks */
	SFS_OP_RANK_VJP,		   /* x, g -> n */
	SFS_OP_RANK_JVP,		   /* x, g -> n */
	SFS_OP_RANK_JACOBIAN,	   /* x -> n * n, row i = output i */
	SFS_OP_SORT,			   /* x -> n sorted values */
	SFS_OP_SORT_ASSIGN,		   /* x -> n, each element the sorted value at its stable rank */
	SFS_OP_SORT_VJP,		   /* x, g -> n */
	SFS_OP_SORT_JVP,		   /* x, g -> n */
	SFS_OP_SORT_JACOBIAN,	   /* x -> n * n */
	SFS_OP_PROJECTION,		   /* x = z, y = w -> n */
	SFS_OP_PROJECTION_VJP,	   /* x = z, y = w, g -> n, derivative in z */
	SFS_OP_PROJECTION_JVP,	   /* x = z, y = w, g -> n, derivative in z */
	SFS_OP_ISOTONIC,		   /* x = values, y = weights (optional) -> n */
	SFS_OP_ISOTONIC_VJP,	   /* x = values, y = weights (optional), g -> n */
	SFS_OP_SPEARMAN,		   /* x, y -> 1, NaN where undefined */
	SFS_OP_SOFT_SPEARMAN,	   /* x, y -> 1, NaN where undefined */
	SFS_OP_SOFT_SPEARMAN_GRAD, /* x, y -> n, all NaN where undefined */
	SFS_OP_STRENGTH_RANGE,	   /* x -> 2, NaN where undefined */
	SFS_OP_COUNT
} SfsOp;

typedef enum SfsRegularization
{
	SFS_REG_L2 = 0,
	SFS_REG_KL,
	SFS_REG_COUNT
} SfsRegularization;

typedef enum SfsDirection
{
	SFS_ASCENDING = 0,
	SFS_DESCENDING
} SfsDirection;

typedef enum SfsType
{
	SFS_FLOAT64 = 0,
	SFS_FLOAT32
} SfsType;

/* One input: finite values (infinities are allowed in SFS_OP_SPEARMAN alone). */
typedef struct SfsInput
{
	const void *data; /* NULL: this input is absent */
	SfsType type;
	bool shared; /* one list of n values serves every row */
} SfsInput;

typedef struct SfsOutput
{
	void *data;
	SfsType type;
} SfsOutput;

/*
 * A task: many rows with one set of options.  Row r holds the elements
 * offsets[r] .. offsets[r + 1] - 1 of every input that is not shared, or
 * r * length .. (r + 1) * length - 1 when offsets is NULL.  Outputs that have
 * one value per element lie like the inputs; those with k values per row are
 * doubles and lie at r * k; Jacobians need equal lengths and lie at r * length * length.
 */
typedef struct SfsTask
{
	SfsOp op;
	SfsRegularization regularization;
	SfsDirection direction;
	bool standardize;
	double strength; /* finite, >= 0 */
	size_t rows;
	size_t length;			/* of every row; unused with offsets */
	const int64_t *offsets; /* rows + 1 ascending positions, or NULL */
	SfsInput x;
	SfsInput y; /* second variable, w, or weights */
	SfsInput g; /* cotangent or tangent */
	SfsOutput out;
} SfsTask;

/*
 * Services of the host.  poll returns true to stop the work; wait does, too, after having
 * slept for about the given microseconds, or less.  Each may be NULL.
 */
typedef struct SfsHooks
{
	bool (*poll)(void *arg);
	void *(*alloc)(void *arg, size_t bytes); /* NULL on failure; the host frees */
	void *arg;
	bool (*wait)(void *arg, long microseconds);
} SfsHooks;

/* Longest row that the core accepts: positions and centered ranks are 32 bits wide. */
#define SFS_MAX_LENGTH ((size_t) INT32_MAX)

/* Shape of an operation's output. */
typedef enum SfsShape
{
	SFS_SHAPE_ELEMENTS, /* one value per element */
	SFS_SHAPE_ROWS,		/* a fixed number of values per row */
	SFS_SHAPE_MATRIX	/* length * length values per row */
} SfsShape;

extern SfsShape sfs_op_shape(SfsOp op);
extern const char *sfs_regularization_name(SfsRegularization reg);

/* Return the bytes of scratch that sfs_core_run needs for this task. */
extern size_t sfs_core_workspace(const SfsTask *task);

/*
 * Run rows first .. last - 1 of a task.  The workspace is aligned to 8 bytes
 * and at least sfs_core_workspace(task) long; it is left dirty.
 */
extern SfsStatus sfs_core_run(const SfsTask *task, size_t first, size_t last, void *workspace,
							  const SfsHooks *hooks);

/* Are n pairs in ascending order of (x, y), without -0? */
extern SfsStatus sfs_core_pairs_ordered(const double *x, const double *y, size_t n, bool *ordered,
										const SfsHooks *hooks);

/* Return the bytes of scratch that sfs_core_sort_pairs needs. */
extern size_t sfs_core_sort_pairs_workspace(size_t n);

/*
 * Sort n pairs ascending by (x, y), in place; -0 becomes +0, there must be no
 * NaN.  When it is stopped, the pairs are lost.
 */
extern SfsStatus sfs_core_sort_pairs(double *x, double *y, size_t n, void *workspace,
									 const SfsHooks *hooks);

#endif /* SFS_CORE_H */
