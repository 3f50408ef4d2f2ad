/*
 * intrinsics.h - barriers, and the operations of a warp.
 */
#ifndef CUDASIM_INTRINSICS_H
#define CUDASIM_INTRINSICS_H

#include "threads.h"

#define CUDASIM_TEXT_OF(x) #x
#define CUDASIM_TEXT(x) CUDASIM_TEXT_OF(x)
#define CUDASIM_PLACE(name) (cudasim::Place{__FILE__ ":" CUDASIM_TEXT(__LINE__), name})

#define __syncthreads() \
	((void) cudasim::block_barrier(CUDASIM_PLACE("__syncthreads"), cudasim::Vote::none, false))
#define __syncthreads_or(p) \
	cudasim::block_barrier(CUDASIM_PLACE("__syncthreads_or"), cudasim::Vote::any, (p) != 0)
#define __syncthreads_and(p) \
	cudasim::block_barrier(CUDASIM_PLACE("__syncthreads_and"), cudasim::Vote::all, (p) != 0)
#define __syncthreads_count(p) \
	cudasim::block_barrier(CUDASIM_PLACE("__syncthreads_count"), cudasim::Vote::count, (p) != 0)
#define __syncwarp (cudasim::WarpSync{CUDASIM_PLACE("__syncwarp")})
#define __shfl_sync(...) cudasim::shuffle(CUDASIM_PLACE("__shfl_sync"), __VA_ARGS__)
#define __shfl_up_sync(...) cudasim::shuffle_up(CUDASIM_PLACE("__shfl_up_sync"), __VA_ARGS__)
#define __shfl_down_sync(...) cudasim::shuffle_down(CUDASIM_PLACE("__shfl_down_sync"), __VA_ARGS__)
#define __shfl_xor_sync(...) cudasim::shuffle_xor(CUDASIM_PLACE("__shfl_xor_sync"), __VA_ARGS__)
#define __ballot_sync(m, p) \
	static_cast<unsigned>(cudasim::vote(CUDASIM_PLACE("__ballot_sync"), \
										cudasim::WarpOperation::ballot, m, (p) != 0))
#define __any_sync(m, p) \
	static_cast<int>( \
		cudasim::vote(CUDASIM_PLACE("__any_sync"), cudasim::WarpOperation::any, m, (p) != 0))
#define __all_sync(m, p) \
	static_cast<int>( \
		cudasim::vote(CUDASIM_PLACE("__all_sync"), cudasim::WarpOperation::all, m, (p) != 0))
#define __match_any_sync(m, v) cudasim::match_any(CUDASIM_PLACE("__match_any_sync"), m, v)
#define __reduce_add_sync(m, v) \
	cudasim::reduce(CUDASIM_PLACE("__reduce_add_sync"), cudasim::WarpOperation::add, \
					cudasim::WarpOperation::add, m, v)
#define __reduce_min_sync(m, v) \
	cudasim::reduce(CUDASIM_PLACE("__reduce_min_sync"), cudasim::WarpOperation::min_signed, \
					cudasim::WarpOperation::min_unsigned, m, v)
#define __reduce_max_sync(m, v) \
	cudasim::reduce(CUDASIM_PLACE("__reduce_max_sync"), cudasim::WarpOperation::max_signed, \
					cudasim::WarpOperation::max_unsigned, m, v)
#define __reduce_and_sync(m, v) \
	cudasim::reduce_bits(CUDASIM_PLACE("__reduce_and_sync"), cudasim::WarpOperation::bit_and, m, v)
#define __reduce_or_sync(m, v) \
	cudasim::reduce_bits(CUDASIM_PLACE("__reduce_or_sync"), cudasim::WarpOperation::bit_or, m, v)
#define __reduce_xor_sync(m, v) \
	cudasim::reduce_bits(CUDASIM_PLACE("__reduce_xor_sync"), cudasim::WarpOperation::bit_xor, m, v)

namespace cudasim
{

/* Return the bits of a value of up to 8 bytes. */
template <class T>
inline std::uint64_t
bits_of(T value)
{
	static_assert(std::is_arithmetic<T>::value && sizeof(T) <= 8, "not a type for this operation");
	std::uint64_t bits = 0;

	std::memcpy(&bits, &value, sizeof(value));
	return bits;
}

/* Return the value that has these bits. */
template <class T>
inline T
value_of(std::uint64_t bits)
{
	T value;

	std::memcpy(&value, &bits, sizeof(value));
	return value;
}

/* __syncwarp at a place: its argument may be left out. */
struct WarpSync
{
	Place place;

	/* Wait for the lanes of a mask. */
	void operator()(unsigned mask = full_mask) const
	{
		(void) warp_rendezvous(place, WarpOperation::sync, mask, 0, 0);
	}
};

/* Return the lane of the running thread, after a look at the width of a shuffle. */
inline unsigned
shuffling_lane(const Place &place, int width)
{
	if (width < 1 || width > 32 || (width & (width - 1)) != 0)
		die(place, "the width %d is not a power of two up to 32", width);
	return current->number % warp_size;
}

/* Return what lane `source` has. */
template <class T>
inline T
exchange(const Place &place, unsigned mask, T value, unsigned source)
{
	return value_of<T>(
		warp_rendezvous(place, WarpOperation::shuffle, mask, bits_of(value), source));
}

/* Return the value of lane `source` of the group of `width` lanes. */
template <class T>
inline T
shuffle(const Place &place, unsigned mask, T value, int source, int width = 32)
{
	unsigned lane = shuffling_lane(place, width);
	unsigned inside = static_cast<unsigned>(width) - 1;

	return exchange(place, mask, value,
					(lane & ~inside) | (static_cast<unsigned>(source) & inside));
}

/* Return the value of the lane that is `delta` below, of the lane itself where the group begins. */
template <class T>
inline T
shuffle_up(const Place &place, unsigned mask, T value, unsigned delta, int width = 32)
{
	unsigned lane = shuffling_lane(place, width);
	unsigned inside = static_cast<unsigned>(width) - 1;

	return exchange(place, mask, value, (lane & inside) >= delta ? lane - delta : lane);
}

/* Return the value of the lane that is `delta` above, of the lane itself where the group ends. */
template <class T>
inline T
shuffle_down(const Place &place, unsigned mask, T value, unsigned delta, int width = 32)
{
	unsigned lane = shuffling_lane(place, width);
	unsigned inside = static_cast<unsigned>(width) - 1;

	return exchange(place, mask, value, delta <= inside - (lane & inside) ? lane + delta : lane);
}

/* Return the value of lane ^ other, of the lane itself if that is beyond the group. */
template <class T>
inline T
shuffle_xor(const Place &place, unsigned mask, T value, int other, int width = 32)
{
	unsigned lane = shuffling_lane(place, width);
	unsigned last = lane | (static_cast<unsigned>(width) - 1);
	unsigned source = lane ^ static_cast<unsigned>(other);

	return exchange(place, mask, value, source <= last ? source : lane);
}

/* Return what the lanes of a mask vote. */
inline std::uint64_t
vote(const Place &place, WarpOperation operation, unsigned mask, bool predicate)
{
	return warp_rendezvous(place, operation, mask, predicate, 0);
}

/* Return the lanes of a mask that have the same value. */
template <class T>
inline unsigned
match_any(const Place &place, unsigned mask, T value)
{
	return static_cast<unsigned>(
		warp_rendezvous(place, WarpOperation::match_any, mask, bits_of(value), 0));
}

/* Return the sum, minimum or maximum of the values of the lanes of a mask. */
template <class T>
inline T
reduce(const Place &place, WarpOperation of_signed, WarpOperation of_unsigned, unsigned mask,
	   T value)
{
	static_assert(std::is_same<T, int>::value || std::is_same<T, unsigned>::value,
				  "int or unsigned");
	return static_cast<T>(
		warp_rendezvous(place, std::is_same<T, int>::value ? of_signed : of_unsigned, mask,
						static_cast<std::uint64_t>(
							static_cast<std::conditional_t<std::is_same<T, int>::value,
														   std::int64_t, std::uint64_t>>(value)),
						0));
}

/* Return the bits of the lanes of a mask, combined. */
inline unsigned
reduce_bits(const Place &place, WarpOperation operation, unsigned mask, unsigned value)
{
	return static_cast<unsigned>(warp_rendezvous(place, operation, mask, value, 0));
}

} // namespace cudasim

/* Order memory accesses: here they are in order. */
inline void
__threadfence()
{
	asm volatile("" ::: "memory");
}

/* See __threadfence. */
inline void
__threadfence_block()
{
	asm volatile("" ::: "memory");
}

/* Let the other threads run. */
inline void
__nanosleep(unsigned)
{
	cudasim::give_way(true);
}

#endif /* CUDASIM_INTRINSICS_H */
