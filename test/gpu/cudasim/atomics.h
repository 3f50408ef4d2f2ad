/*
 * atomics.h - atomic operations.
 *
 * Types are those that CUDA has, so that a mistake does not compile here either: there is no
 * overload for unsigned long, which uint64_t is.
 */
#ifndef CUDASIM_ATOMICS_H
#define CUDASIM_ATOMICS_H

#include "threads.h"

namespace cudasim
{

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

#endif /* CUDASIM_ATOMICS_H */
