/*
 * intrinsics.h - the functions of CUDA that kernels call.
 *
 * Types are as strict as nvcc's where a mistake would compile here and not there: atomics have
 * no overload for unsigned long, which uint64_t is.
 */
#ifndef CUDASIM_INTRINSICS_H
#define CUDASIM_INTRINSICS_H

#include "block.h"

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

/* Let others run before an atomic operation, by chance, when there is a seed. */
inline void
before_atomic()
{
	if (block.permuted)
		give_way(false);
}

/* Only what CUDA has: no long, which on Linux is what int64_t is. */
template <class T>
constexpr bool is_atomic = std::is_same<T, int>::value || std::is_same<T, unsigned>::value ||
						   std::is_same<T, unsigned long long>::value;
template <class T> constexpr bool is_ordered = is_atomic<T> || std::is_same<T, long long>::value;

/* The type itself, from which the compiler does not deduce. */
template <class T> struct Exactly
{
	using type = T;
};

} // namespace cudasim

/* Add to a variable; return what it was. */
template <class T>
inline T
atomicAdd(T *address, typename cudasim::Exactly<T>::type value)
{
	static_assert(cudasim::is_atomic<T> || std::is_floating_point<T>::value, "as CUDA has it");
	cudasim::before_atomic();
	T old = *address;
	/* integers wrap */
	if constexpr (std::is_same<T, int>::value)
		*address = static_cast<int>(static_cast<unsigned>(old) + static_cast<unsigned>(value));
	else
		*address = old + value;
	return old;
}

/* Subtract from a variable; return what it was. */
template <class T>
inline T
atomicSub(T *address, typename cudasim::Exactly<T>::type value)
{
	static_assert(std::is_same<T, int>::value || std::is_same<T, unsigned>::value,
				  "as CUDA has it");
	cudasim::before_atomic();
	T old = *address;
	*address = static_cast<T>(static_cast<unsigned>(old) - static_cast<unsigned>(value));
	return old;
}

/* Replace a variable by a larger value; return what it was. */
template <class T>
inline T
atomicMax(T *address, typename cudasim::Exactly<T>::type value)
{
	static_assert(cudasim::is_ordered<T>, "as CUDA has it");
	cudasim::before_atomic();
	T old = *address;
	*address = old < value ? value : old;
	return old;
}

/* Replace a variable by a smaller value; return what it was. */
template <class T>
inline T
atomicMin(T *address, typename cudasim::Exactly<T>::type value)
{
	static_assert(cudasim::is_ordered<T>, "as CUDA has it");
	cudasim::before_atomic();
	T old = *address;
	*address = value < old ? value : old;
	return old;
}

/* Set bits of a variable; return what it was. */
template <class T>
inline T
atomicOr(T *address, typename cudasim::Exactly<T>::type value)
{
	static_assert(cudasim::is_atomic<T>, "as CUDA has it");
	cudasim::before_atomic();
	T old = *address;
	*address = old | value;
	return old;
}

/* Keep only some bits of a variable; return what it was. */
template <class T>
inline T
atomicAnd(T *address, typename cudasim::Exactly<T>::type value)
{
	static_assert(cudasim::is_atomic<T>, "as CUDA has it");
	cudasim::before_atomic();
	T old = *address;
	*address = old & value;
	return old;
}

/* Flip bits of a variable; return what it was. */
template <class T>
inline T
atomicXor(T *address, typename cudasim::Exactly<T>::type value)
{
	static_assert(cudasim::is_atomic<T>, "as CUDA has it");
	cudasim::before_atomic();
	T old = *address;
	*address = old ^ value;
	return old;
}

/* Replace a variable; return what it was. */
template <class T>
inline T
atomicExch(T *address, typename cudasim::Exactly<T>::type value)
{
	static_assert(cudasim::is_atomic<T> || std::is_same<T, float>::value, "as CUDA has it");
	cudasim::before_atomic();
	T old = *address;
	*address = value;
	return old;
}

/* Replace a variable that has the expected value; return what it was. */
template <class T>
inline T
atomicCAS(T *address, typename cudasim::Exactly<T>::type expected,
		  typename cudasim::Exactly<T>::type value)
{
	static_assert(cudasim::is_atomic<T>, "as CUDA has it");
	cudasim::before_atomic();
	T old = *address;
	if (old == expected)
		*address = value;
	return old;
}

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

/* Read memory that the kernel does not write to. */
template <class T>
inline T
__ldg(const T *address)
{
	return *address;
}

/* Count the zeros before the highest bit. */
inline int
__clz(int x)
{
	return x == 0 ? 32 : __builtin_clz(static_cast<unsigned>(x));
}

/* See __clz. */
inline int
__clzll(long long x)
{
	return x == 0 ? 64 : __builtin_clzll(static_cast<unsigned long long>(x));
}

/* Return the position of the lowest bit, counted from 1; 0: there is none. */
inline int
__ffs(int x)
{
	return __builtin_ffs(x);
}

/* See __ffs. */
inline int
__ffsll(long long x)
{
	return __builtin_ffsll(x);
}

/* Count bits. */
inline int
__popc(unsigned x)
{
	return __builtin_popcount(x);
}

/* See __popc. */
inline int
__popcll(unsigned long long x)
{
	return __builtin_popcountll(x);
}

/* Reverse the order of bits. */
inline unsigned
__brev(unsigned x)
{
	x = (x >> 1 & 0x55555555u) | (x & 0x55555555u) << 1;
	x = (x >> 2 & 0x33333333u) | (x & 0x33333333u) << 2;
	x = (x >> 4 & 0x0f0f0f0fu) | (x & 0x0f0f0f0fu) << 4;
	return __builtin_bswap32(x);
}

/* See __brev. */
inline unsigned long long
__brevll(unsigned long long x)
{
	return static_cast<unsigned long long>(__brev(static_cast<unsigned>(x))) << 32 |
		   __brev(static_cast<unsigned>(x >> 32));
}

/* Return the upper half of a product. */
inline unsigned
__umulhi(unsigned x, unsigned y)
{
	return static_cast<unsigned>(static_cast<unsigned long long>(x) * y >> 32);
}

/* See __umulhi. */
inline unsigned long long
__umul64hi(unsigned long long x, unsigned long long y)
{
	return static_cast<unsigned long long>(static_cast<unsigned __int128>(x) * y >> 64);
}

/* Return the bits of a float. */
inline unsigned
__float_as_uint(float x)
{
	return cudasim::value_of<unsigned>(cudasim::bits_of(x));
}

/* See __float_as_uint. */
inline int
__float_as_int(float x)
{
	return cudasim::value_of<int>(cudasim::bits_of(x));
}

/* Return the float that has these bits. */
inline float
__uint_as_float(unsigned x)
{
	return cudasim::value_of<float>(x);
}

/* See __uint_as_float. */
inline float
__int_as_float(int x)
{
	return cudasim::value_of<float>(cudasim::bits_of(x));
}

/* Return the bits of a double. */
inline long long
__double_as_longlong(double x)
{
	return cudasim::value_of<long long>(cudasim::bits_of(x));
}

/* Return the double that has these bits. */
inline double
__longlong_as_double(long long x)
{
	return cudasim::value_of<double>(cudasim::bits_of(x));
}

/* Return the upper half of the bits of a double. */
inline int
__double2hiint(double x)
{
	return static_cast<int>(cudasim::bits_of(x) >> 32);
}

/* Return the lower half of the bits of a double. */
inline int
__double2loint(double x)
{
	return static_cast<int>(cudasim::bits_of(x));
}

/* Return the double whose bits have these halves. */
inline double
__hiloint2double(int high, int low)
{
	return cudasim::value_of<double>(cudasim::bits_of(high) << 32 | static_cast<unsigned>(low));
}

/* Add, rounding to nearest; such operations are never contracted. */
inline double
__dadd_rn(double x, double y)
{
	return x + y;
}

/* See __dadd_rn. */
inline double
__dsub_rn(double x, double y)
{
	return x - y;
}

/* See __dadd_rn. */
inline double
__dmul_rn(double x, double y)
{
	return x * y;
}

/* See __dadd_rn. */
inline double
__ddiv_rn(double x, double y)
{
	return x / y;
}

/* See __dadd_rn. */
inline double
__dsqrt_rn(double x)
{
	return std::sqrt(x);
}

/* Multiply and add with one rounding. */
inline double
__fma_rn(double x, double y, double z)
{
	return std::fma(x, y, z);
}

/* Return the smaller one; mixed types are compared as their common type, as in CUDA. */
template <class A, class B>
constexpr inline std::common_type_t<A, B>
min(A a, B b)
{
	using T = std::common_type_t<A, B>;
	static_assert(std::is_arithmetic<T>::value, "min of numbers");
	return static_cast<T>(b) < static_cast<T>(a) ? static_cast<T>(b) : static_cast<T>(a);
}

/* Return the larger one; see min. */
template <class A, class B>
constexpr inline std::common_type_t<A, B>
max(A a, B b)
{
	using T = std::common_type_t<A, B>;
	static_assert(std::is_arithmetic<T>::value, "max of numbers");
	return static_cast<T>(a) < static_cast<T>(b) ? static_cast<T>(b) : static_cast<T>(a);
}

#endif /* CUDASIM_INTRINSICS_H */
