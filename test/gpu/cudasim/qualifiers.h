/*
 * qualifiers.h - the words and the types that CUDA adds to C++.
 *
 * __shared__ makes a thread_local variable.  All threads of a block are fibers of one thread
 * of the operating system, so they share it; and since nothing else in a library of kernels is
 * thread_local, the library's thread-local segment is its static shared memory, which can be
 * poisoned as a whole (threads.cpp), inside templates too.
 */
#ifndef CUDASIM_QUALIFIERS_H
#define CUDASIM_QUALIFIERS_H

/* What the standard library says __noinline__ in has to come before that is a macro. */
#include <algorithm>
#include <cfloat>
#include <climits>
#include <cmath>
#include <cstdarg>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <new>
#include <set>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>
#include <math.h>

#define __global__
#define __device__
#define __host__
#define __constant__
#define __managed__
#define __shared__ static thread_local
#define __forceinline__ inline
#define __noinline__ __attribute__((noinline))
#define __launch_bounds__(...)
#define __align__(n) __attribute__((aligned(n)))

/* Vector types are aligned as in CUDA, so that -fsanitize=alignment sees a misaligned access. */
struct alignas(8) int2
{
	int x, y;
};
struct alignas(16) int4
{
	int x, y, z, w;
};
struct uint3
{
	unsigned x, y, z;
};
struct alignas(8) uint2
{
	unsigned x, y;
};
struct alignas(16) uint4
{
	unsigned x, y, z, w;
};
struct alignas(8) float2
{
	float x, y;
};
struct alignas(16) float4
{
	float x, y, z, w;
};
struct alignas(16) double2
{
	double x, y;
};
struct alignas(16) longlong2
{
	long long x, y;
};
struct alignas(16) ulonglong2
{
	unsigned long long x, y;
};

/* Sizes of a grid or a block. */
struct dim3
{
	unsigned x, y, z;

	/* Make sizes; those left out are 1. */
	constexpr dim3(unsigned vx = 1, unsigned vy = 1, unsigned vz = 1) : x(vx), y(vy), z(vz)
	{
	}
};

/* Make a vector of two ints. */
inline int2
make_int2(int x, int y)
{
	return int2{x, y};
}

/* Make a vector of four ints. */
inline int4
make_int4(int x, int y, int z, int w)
{
	return int4{x, y, z, w};
}

/* Make a vector of two unsigned ints. */
inline uint2
make_uint2(unsigned x, unsigned y)
{
	return uint2{x, y};
}

/* Make a vector of four unsigned ints. */
inline uint4
make_uint4(unsigned x, unsigned y, unsigned z, unsigned w)
{
	return uint4{x, y, z, w};
}

/* Make a vector of two floats. */
inline float2
make_float2(float x, float y)
{
	return float2{x, y};
}

/* Make a vector of four floats. */
inline float4
make_float4(float x, float y, float z, float w)
{
	return float4{x, y, z, w};
}

/* Make a vector of two doubles. */
inline double2
make_double2(double x, double y)
{
	return double2{x, y};
}

/* Make a vector of two long ints. */
inline ulonglong2
make_ulonglong2(unsigned long long x, unsigned long long y)
{
	return ulonglong2{x, y};
}

#endif /* CUDASIM_QUALIFIERS_H */
