/*
 * row.h - one row of a task: its inputs, its output, its workspace, its fit.
 */
#ifndef SFS_ROW_H
#define SFS_ROW_H

#include "block.h"

/* Workspace that is handed out from the front. */
typedef struct SfsArena
{
	char *next;
	char *end;
} SfsArena;

typedef struct SfsRow
{
	const SfsTask *task;
	size_t n;
	SfsInput x; /* data points at the first element of this row */
	SfsInput y;
	SfsInput g;
	SfsOutput out;
	SfsArena arena;
	SfsPoll *poll;
} SfsRow;

/* What sfs_fit_* found out about one list. */
typedef struct SfsFit
{
	size_t n;
	const double *v;	  /* x or -x; descending, or as given when it is one block unsorted */
	const uint32_t *perm; /* v[k] belongs to element perm[k]; NULL: to element k */
	uint32_t *start;	  /* blocks + 1 positions */
	size_t blocks;
	double high;
	double low;
	SfsStrength strength; /* as used: standardized when that was asked for */
	const SfsRegularizer *reg;
	/* with standardize: x_i - mean = (v_i 2^shift - base - offset) / 2^shift */
	int shift;
	double base;
	double offset;
	double square_sum; /* of those, scaled; 0 without standardize or spread */
	double spread[2];  /* std / sqrt((n^2 - 1) / 12), scaled, in two parts */
	double *work[3];   /* three arrays of n, free for the caller */
} SfsFit;

/* Take bytes from an arena, rounded up to 16; NULL when it is exhausted. */
extern void *sfs_arena_take(SfsArena *arena, size_t bytes);

/* Return the bytes that a fit of n values takes, argsort and solver included. */
extern size_t sfs_fit_bytes(SfsRegularization reg, SfsProblemKind kind, size_t n);

/* Find the blocks of soft_rank of one input of the row, with its options. */
extern SfsStatus sfs_fit_rank(SfsRow *row, const SfsInput *input, SfsFit *fit);

/* The same where fit->low and fit->high are the smallest and the largest value already. */
extern SfsStatus sfs_fit_rank_between(SfsRow *row, const SfsInput *input, SfsFit *fit);

/*
 * Replace the strength of a fit by strength * std / sqrt((n^2 - 1) / 12) and
 * note what derivatives need of the spread (standardize.c).  The list is not
 * constant and high and low are known.  Return true when stopped.
 */
extern bool sfs_standardize(const SfsInput *input, bool negate, SfsFit *fit, SfsPoll *poll);

/* Return the standardized strength that a fit with standardize uses for `strength`. */
extern SfsStrength sfs_standardized(const SfsFit *fit, SfsStrength strength);

/* Find the blocks of soft_sort. */
extern SfsStatus sfs_fit_sort(SfsRow *row, SfsFit *fit);

/* Sort z and w and find the blocks of the projection; *w gets the sorted weights. */
extern SfsStatus sfs_fit_projection(SfsRow *row, SfsFit *fit, const double **w);

/* Describe block k of a fit. */
extern SfsBlock sfs_fit_block(const SfsFit *fit, size_t k, SfsPoll *poll);

/* Read `count` elements from `first` on, as doubles without -0; negated on request. */
extern void sfs_load(const SfsInput *input, size_t first, size_t count, bool negate, double *out);

/* Read all n elements into out, in the order of perm if it is given; true when stopped. */
extern bool sfs_gather(const SfsInput *input, const uint32_t *perm, size_t n, double *out,
					   SfsPoll *poll);

/*
 * Write value[k] * sign * 2^exponent to element perm[k] (or k) of the output,
 * from element `first` of the output on.
 */
extern SfsStatus sfs_store(const SfsOutput *out, size_t first, const double *value,
						   const uint32_t *perm, size_t n, double sign, int exponent,
						   SfsPoll *poll);

/*
 * Bring g into the safe range in place: g * 2^shift; true when stopped.  Derivatives
 * are linear in g, so the result is scaled back when it is stored.
 */
extern bool sfs_normalize(double *g, size_t n, int *shift, SfsPoll *poll);

/* Row functions, one an operation; see sfs_core.h for their inputs and outputs. */
extern SfsStatus sfs_row_rank(SfsRow *row);
extern SfsStatus sfs_row_rank_derivative(SfsRow *row);
extern SfsStatus sfs_row_rank_jacobian(SfsRow *row);
extern SfsStatus sfs_row_sort(SfsRow *row);
extern SfsStatus sfs_row_sort_derivative(SfsRow *row);
extern SfsStatus sfs_row_sort_jacobian(SfsRow *row);
extern SfsStatus sfs_row_projection(SfsRow *row);
extern SfsStatus sfs_row_projection_derivative(SfsRow *row);
extern SfsStatus sfs_row_isotonic(SfsRow *row);
extern SfsStatus sfs_row_spearman(SfsRow *row);
extern SfsStatus sfs_row_soft_spearman(SfsRow *row);
extern SfsStatus sfs_row_strength_range(SfsRow *row);

/* Workspace of the rows that need more than one fit. */
extern size_t sfs_rank_bytes(const SfsTask *task, size_t n);
extern size_t sfs_sort_bytes(const SfsTask *task, size_t n);
extern size_t sfs_projection_bytes(const SfsTask *task, size_t n);
extern size_t sfs_isotonic_bytes(const SfsTask *task, size_t n);
extern size_t sfs_spearman_bytes(const SfsTask *task, size_t n);
extern size_t sfs_soft_spearman_bytes(const SfsTask *task, size_t n);
extern size_t sfs_strength_range_bytes(const SfsTask *task, size_t n);

/*
 * Write the deviations of a soft_rank fit from (n + 1) / 2, plus an offset, in the
 * order of v (rank.c).  When unit is given, the offset is 0 and true deviations are
 * out / (unit->m 2^unit->e).
 */
extern bool sfs_rank_deviations(const SfsFit *fit, SfsStrength *unit, double offset, double *out,
								SfsPoll *poll);

/*
 * Write J g of a soft_rank fit, times 2^strength.e, in the order of v (rank.c).
 * transposed says which product; they differ under standardize.  out must not
 * be g or fit->work[2].
 */
extern bool sfs_rank_jacobian_product(const SfsFit *fit, const double *g, bool transposed,
									  double *out, SfsPoll *poll);

#endif /* SFS_ROW_H */
