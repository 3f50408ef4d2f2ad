/*
 * threads.h - the threads of a block: who runs, barriers, operations of a warp.
 *
 * A thread runs until it has to wait for others.  The last one to come to a rendezvous works
 * out the results of all, so nobody is asked whether he can go on: threads that can are on
 * a list.  Without a seed the list is a stack, which makes threads run forwards and backwards
 * in turn from one barrier to the next; with one, the next thread is drawn.
 */
#ifndef CUDASIM_THREADS_H
#define CUDASIM_THREADS_H

#include "fiber.h"
#include "qualifiers.h"

namespace cudasim
{

constexpr unsigned warp_size = 32;
constexpr unsigned threads_max = 1024; /* of a block */
constexpr unsigned full_mask = 0xffffffffu;

/* A simulated CUDA thread. */
struct Thread
{
	uint3 index;		   /* threadIdx */
	unsigned number;	   /* in the block */
	const char *waits;	   /* the file and line of the rendezvous it waits at, or null */
	const char *waits_for; /* its name */
	bool ended;
	std::uint64_t result; /* of a warp operation */
	Context context;
};

/* What all threads of a block see. */
struct Block
{
	dim3 grid;
	dim3 size;
	uint3 index;
	char *dynamic; /* shared memory whose size is an argument of the launch */
	bool permuted; /* is there a seed? */
};

/* The thread that runs, and its block. */
extern Thread *current __attribute__((visibility("hidden")));
extern Block block __attribute__((visibility("hidden")));

/* What a barrier of the block gives. */
enum class Vote
{
	none,
	any,
	all,
	count
};

/* What a warp operation gives to each lane. */
enum class WarpOperation
{
	sync,
	shuffle, /* the value of lane `source` */
	ballot,	 /* the lanes whose value is not 0 */
	any,
	all,
	match_any, /* the lanes with the same value */
	add,
	min_signed,
	min_unsigned,
	max_signed,
	max_unsigned,
	bit_and,
	bit_or,
	bit_xor
};

/* Where a rendezvous is in the source; name is that of the operation. */
struct Place
{
	const char *position;
	const char *name;
};

/* End the process with a message about the running thread. */
[[noreturn]] void die(const Place &place, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Wait for all threads of the block; return what all of them vote. */
int block_barrier(const Place &place, Vote vote, bool predicate);

/* Wait for the lanes of a mask; return this lane's result. */
std::uint64_t warp_rendezvous(const Place &place, WarpOperation operation, unsigned mask,
							  std::uint64_t value, unsigned source);

/* Let another thread run, by chance or at any rate. */
void give_way(bool always);

/* Return the next pseudorandom number of the simulator. */
std::uint64_t random_number();

/* Is there a seed, so that what may be in any order is in a random one? */
bool is_permuted();

/* Run all blocks of a launch, now. */
void run_grid(const char *kernel, dim3 grid, dim3 size, std::size_t shared,
			  const std::function<void()> &body);

} // namespace cudasim

const int warpSize = cudasim::warp_size;

#define threadIdx (cudasim::current->index)
#define blockIdx (cudasim::block.index)
#define blockDim (cudasim::block.size)
#define gridDim (cudasim::block.grid)

/* The dynamic shared memory of the block as a pointer to T, aligned to 16 bytes. */
#define SFS_DYNAMIC_SHARED(T, name) T *name = reinterpret_cast<T *>(cudasim::block.dynamic)

#endif /* CUDASIM_THREADS_H */
