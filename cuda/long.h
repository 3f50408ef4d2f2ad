/*
 * long.h - rows that are too long for a block's shared memory: many of them, or a very long
 * one, in global memory.
 *
 * The rows of a batch lie in one space of positions; each begins at a multiple of 32 and has
 * room for one position more than it has values, so that words of bits are not shared and
 * sums before positions have an end.  Rows are cut into chunks, a block of threads each.
 */
#ifndef SFS_LONG_H
#define SFS_LONG_H

#include "batch.h"
#include "bitmap.h"
#include "hull.h"
#include "tile.h"

#include "pair.h"

/* The threads that work on a chunk, and its positions: a multiple of 32. */
#define LONG_THREADS 512
#define LONG_ITEMS 9
#define LONG_CHUNK (LONG_THREADS * LONG_ITEMS)
typedef Tile<LONG_THREADS, LONG_ITEMS> LongTile;

/* Words of bits of a chunk. */
#define LONG_WORDS (LONG_CHUNK / 32)

/* Positions of a batch, so that their numbers and a bridge's length are ints. */
#define LONG_POSITIONS ((size_t) 1 << 30)

/* Leaves of a block of values that one thread joins. */
#define LONG_GROUP 64

/* Ties are averaged in order by one thread; longer groups are left to the CPU. */
#define LONG_TIES 4096

/* A row. */
struct LongRow
{
	int begin; /* position */
	int n;
	int chunk; /* the first of its chunks */
	int chunks;
	size_t first;	 /* of its elements among those of the batch */
	size_t task_row; /* for the host */
	double high;
	double low;
	double strength; /* as used */
	double total;	 /* sum of v - high, where it is not sorted */
	/* with standardize, as in SfsFit */
	double base;
	double offset;
	double square_sum;
	int shift;
	int unit;				   /* all values are multiples of 2^unit */
	unsigned long long differ; /* bits in which keys do */
	int source;				   /* where its sorted keys are: see long_settle */
	bool sorted;			   /* else it is one block, in the order of its elements */
	bool skip;				   /* it is for the CPU: nothing of it matters */
	/* soft_spearman: deviations are to be multiplied by 2^-exponent; see SoftSide */
	int exponent;
	double unit_x;
	double x_square;
	double y_square;
	double x_norm;
	double y_norm;
	double rho;
};

/* A chunk. */
struct LongChunk
{
	int row;
	int index; /* in its row */
	int first; /* positions [first, end) */
	int end;
};

/* What a block found out about a chunk, for the host to combine. */
union LongResult
{
	double value[6];
	long long count[6];
	unsigned long long bits[6];
};

/* A block of values whose sum takes a whole block of threads. */
struct LongBlock
{
	int a;
	int b;
};

/* A batch of rows, and its device memory.  Arrays have an entry per position if not said else. */
struct LongBatch
{
	const LongRow *row;
	const LongChunk *chunk;
	int rows;
	int chunks;
	int positions;
	bool negate;	   /* v is -x */
	bool out_is_float; /* type of out */
	bool gradient;	   /* products are those of the soft correlation */
	double strength;
	uint64_t *key; /* of the elements in order, and where they come from in their row */
	uint32_t *from;
	double *value; /* v, in order where the row is sorted */
	uint32_t *position;
	SfsPair *before; /* sum of v before; lies over key and from */
	double *sum;	 /* sums over blocks; lies over the first half of before */
	double *ordered; /* a cotangent in the order of v; lies over the second half */
	double *column[4];
	Bitmap starts; /* of blocks */
	Bitmap row_starts;
	Bridge *bridge;		/* per chunk */
	SfsPair *chunk_sum; /* per chunk */
	LongResult *result; /* per chunk */
	int *unsure;		/* per row */
	LongBlock *big;
	int *big_count;
	DeviceInput x; /* the input in work, packed like the elements of the batch */
	DeviceInput g;
	void *out; /* packed, too */
};

/*
 * Launch the kernels of one step.  Errors are those of cudaGetLastError.
 */

/* long_load.cu: read x; result: low, high, lowest bit, bits in which keys differ. */
extern void long_load(const LongBatch &batch, cudaStream_t stream);
/* Result: three folds of deviations and of squares, see standardize.c. */
extern void long_standardize(const LongBatch &batch, cudaStream_t stream);
/* Result: two folds of v - high, for the rows that are not sorted. */
extern void long_free(const LongBatch &batch, cudaStream_t stream);
/* Write value and position of every row. */
extern void long_settle(const LongBatch &batch, cudaStream_t stream);

/* long_blocks.cu: find the blocks of soft_rank, or soft_sort; up to `chunks` chunks a row. */
extern void long_blocks(const LongBatch &batch, bool sort, int chunks, cudaStream_t stream);
/* Make groups of equal values the blocks. */
extern void long_ties(const LongBatch &batch, cudaStream_t stream);
/* Set row_starts. */
extern void long_row_starts(const LongBatch &batch, cudaStream_t stream);

/* long_sort.cu: the only file that knows how sorting is done. */
#define LONG_ALONE (1 << 18) /* longer rows are sorted one by one */

/* Return the scratch for sorting a row alone, and for sorting many. */
extern size_t long_sort_scratch(int longest, int positions, int rows);

/*
 * Sort n keys by their bits [low, high) and positions along with them, keeping the order of
 * equal ones; the other arrays are used, too, and *source tells which have the result (1: the
 * others).
 */
extern cudaError_t long_sort_row(void *scratch, size_t bytes, uint64_t *key, uint64_t *other_key,
								 uint32_t *position, uint32_t *other_position, int n, int low,
								 int high, cudaStream_t stream, int *source);

/* Sort the rows [begin[i], end[i]) of all positions, in the same way. */
extern cudaError_t long_sort_rows(void *scratch, size_t bytes, uint64_t *key, uint64_t *other_key,
								  uint32_t *position, uint32_t *other_position, int positions,
								  const int *begin, const int *end, int rows, cudaStream_t stream,
								  int *source);

/* long_rank.cu: write soft ranks. */
extern void long_rank_values(const LongBatch &batch, cudaStream_t stream);
/* Write deviations by element; result: the largest size, is the row one block? */
extern void long_rank_deviations(const LongBatch &batch, double *deviation, cudaStream_t stream);

/* long_products.cu: read the cotangent into `ordered`; result: the largest size. */
extern void long_gather(const LongBatch &batch, bool by_position, cudaStream_t stream);
/* Write to `ordered` what the gradient multiplies with, from deviations in columns 0 and 1. */
extern void long_gradient(const LongBatch &batch, cudaStream_t stream);
/* Write the product of the Jacobian of soft_rank and `ordered`; columns are overwritten. */
extern void long_rank_product(const LongBatch &batch, bool standardize, bool transposed,
							  cudaStream_t stream);

/* long_sorted.cu: write soft sorted values. */
extern void long_sorted_values(const LongBatch &batch, bool assign, cudaStream_t stream);
/* Write the product of the Jacobian of soft_sort and `ordered`. */
extern void long_sort_product(const LongBatch &batch, bool transposed, cudaStream_t stream);

/* long_spearman.cu: result: squares and (second) products of mid-ranks; column 0 has the first's. */
extern void long_mid_ranks(const LongBatch &batch, bool second, cudaStream_t stream);
/* Scale deviations; result: folds of squares, and of products with the other's if given. */
extern void long_scale_deviations(const LongBatch &batch, double *deviation, const double *other,
								  cudaStream_t stream);

#endif /* SFS_LONG_H */
