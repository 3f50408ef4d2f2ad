/*
 * short.h - rows that fit into shared memory: their classes, and how they are launched.
 */
#ifndef SFS_SHORT_H
#define SFS_SHORT_H

#include "batch.h"
#include "short_memory.h"

/* What a kernel computes; operations that differ by a flag share one. */
enum ShortProgram
{
	SHORT_RANK,
	SHORT_RANK_PRODUCT,
	SHORT_SORT,
	SHORT_SORT_PRODUCT,
	SHORT_SPEARMAN,
	SHORT_SOFT_SPEARMAN,
	SHORT_SOFT_SPEARMAN_GRAD
};

/* A class of rows: the tile that works on one, and how many tiles make a block. */
struct ShortClass
{
	int threads;
	int items; /* values a thread; odd, see tile.h */
	int tiles;
};

#define SHORT_CLASSES 5

/* From the shortest rows on; launch_program in short_kernel.h has the same. */
static constexpr ShortClass short_classes[SHORT_CLASSES] = {{32, 1, 4},
															{32, 5, 4},
															{128, 9, 1},
															{256, 9, 1},
															{512, 9, 1}};

/* Does an operation give one value per row? */
static inline __host__ __device__ bool
short_has_row_results(SfsOp op)
{
	return op == SFS_OP_SPEARMAN || op == SFS_OP_SOFT_SPEARMAN;
}

/* Return what the rows of an operation need room for. */
static inline __host__ __device__ ShortNeeds
short_needs(SfsOp op, SfsRegularization reg, bool standardize)
{
	bool entropic = reg == SFS_REG_KL;

	switch (op)
	{
		case SFS_OP_RANK_VJP:
		case SFS_OP_RANK_JVP:
			return {entropic, standardize ? 4 : 1};
		case SFS_OP_SORT_VJP:
		case SFS_OP_SORT_JVP:
			return {entropic, 1};
		case SFS_OP_SPEARMAN:
			return {false, 1};
		case SFS_OP_SOFT_SPEARMAN:
			return {entropic, 2};
		case SFS_OP_SOFT_SPEARMAN_GRAD:
			return {entropic, standardize ? 5 : 3};
		default:
			return {entropic, 0};
	}
}

/* Return the shared memory of a row up to n. */
static inline size_t
short_row_bytes(int short_class, SfsOp op, SfsRegularization reg, bool standardize, int n)
{
	ShortMemory memory;

	memory.lay_out(nullptr, n, short_classes[short_class].threads, short_classes[short_class].items,
				   short_needs(op, reg, standardize));
	return memory.bytes;
}

/* Return the class of rows of n values; SHORT_CLASSES: they are too long for any. */
static inline int
short_class_of(int n)
{
	int k = 0;

	while (k < SHORT_CLASSES && n > short_classes[k].threads * short_classes[k].items)
		k++;
	return k;
}

/* Launch the rows of a batch, which all belong to one class. */
extern cudaError_t launch_short(const Batch &batch, SfsRegularization reg, int short_class,
								cudaStream_t stream);

/* The same for one program; instantiated in short_*.cu, so that these compile side by side. */
template <int PROGRAM, int REG>
cudaError_t launch_program(const Batch &batch, int short_class, cudaStream_t stream);

#endif /* SFS_SHORT_H */
