/*
 * stretch.h - putting the blocks of neighbouring stretches of a row together.
 *
 * A solver pools a short stretch at a time (kernels.h), and adds its blocks to a
 * stack: where two stretches meet, blocks may have to join.
 */
#ifndef SFS_STRETCH_H
#define SFS_STRETCH_H

#include "block.h"
#include "kernels.h"

/* A block [first, end) and the sum that its solver keeps of it; NaN: not known yet. */
typedef struct SfsPool
{
	size_t first;
	size_t end;
	double sum;
} SfsPool;

#define SFS_UNKNOWN __builtin_nan("")

/* Blocks that stay apart: first positions and sums. */
typedef struct SfsStack
{
	uint32_t *start;
	double *sum;
	size_t depth;
	SfsPoll *poll;
} SfsStack;

/*
 * Join y, which follows x, to it unless they stay apart.  Both learn their sums.
 * Returns 1: they stay apart, 0: x is both now, negative: the solver has to stop.
 */
typedef int (*SfsJoin)(void *solver, SfsPool *x, SfsPool *y);

/* Push a block. */
static inline void
sfs_stack_push(SfsStack *stack, const SfsPool *pool)
{
	stack->start[stack->depth] = (uint32_t) pool->first;
	stack->sum[stack->depth] = pool->sum;
	stack->depth++;
}

/* Push blocks that stay apart from each other and from the block below. */
static inline void
sfs_stack_push_settled(SfsStack *stack, size_t from, const uint32_t *start, size_t blocks)
{
	uint32_t *to = stack->start + stack->depth;
	double *sum = stack->sum + stack->depth;

	for (size_t k = 0; k < blocks; k++)
		to[k] = (uint32_t) from + start[k];
	for (size_t k = 0; k < blocks; k++)
		sum[k] = SFS_UNKNOWN;
	stack->depth += blocks;
}

/* Join x to the blocks below it as far as need be; 0: it has grown, 1: it has not. */
static inline __attribute__((always_inline)) int
sfs_stack_join_below(SfsStack *stack, SfsJoin join, void *solver, SfsPool *x)
{
	int answer = 1;

	while (stack->depth > 0)
	{
		size_t top = stack->depth - 1;
		SfsPool below = {stack->start[top], x->first, stack->sum[top]};
		int one = join(solver, &below, x);

		stack->sum[top] = below.sum;
		if (one < 0)
			return one;
		if (one > 0)
			break;
		*x = below;
		stack->depth = top;
		answer = 0;
		if (sfs_poll(stack->poll, 4))
			return -1;
	}
	return answer;
}

/*
 * Add the blocks of the next stretch, which begin at from + start[k] and end with
 * from + start[blocks].  settled: they stay apart from each other, so only the first
 * of them can join the blocks below; if it does, it may then have to take in those
 * that follow.  Returns 0, or what made the solver stop.
 */
static inline __attribute__((always_inline)) int
sfs_stack_add(SfsStack *stack, SfsJoin join, void *solver, size_t from, const uint32_t *start,
			  size_t blocks, bool settled)
{
	size_t k = 0;

	while (k < blocks && (k == 0 || !settled))
	{
		SfsPool x = {from + start[k], from + start[k + 1], SFS_UNKNOWN};
		bool grown = false;
		int answer;

		k++;
		do
		{
			answer = sfs_stack_join_below(stack, join, solver, &x);
			if (answer < 0)
				return answer;
			grown = grown || answer == 0;
			answer = 1;
			if (grown && settled && k < blocks)
			{
				SfsPool y = {from + start[k], from + start[k + 1], SFS_UNKNOWN};

				answer = join(solver, &x, &y);
				if (answer < 0)
					return answer;
				k += answer == 0;
			}
		} while (answer == 0);
		sfs_stack_push(stack, &x);
		if (sfs_poll(stack->poll, 4))
			return -1;
	}
	sfs_stack_push_settled(stack, from, start + k, blocks - k);
	return 0;
}

#endif /* SFS_STRETCH_H */
