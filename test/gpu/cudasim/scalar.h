/*
 * scalar.h - functions of CUDA on one thread's values: bits, conversions, rounding.
 */
#ifndef CUDASIM_SCALAR_H
#define CUDASIM_SCALAR_H

#include "intrinsics.h"

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

#endif /* CUDASIM_SCALAR_H */
