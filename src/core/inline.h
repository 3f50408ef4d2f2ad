/*
 * inline.h - functions that define digits, for every compiler that has to give them.
 *
 * What is SFS_INLINE is compiled by nvcc for the device as well, so that the same
 * text gives the same digits there (N2).
 */
#ifndef SFS_INLINE_H
#define SFS_INLINE_H

#include <stdint.h>

#ifdef __CUDACC__
#define SFS_INLINE static inline __host__ __device__
#else
#define SFS_INLINE static inline
#endif

/* Return the number of zero bits above the highest one of u > 0. */
SFS_INLINE int
sfs_leading_zeros(uint64_t u)
{
#ifdef __CUDA_ARCH__
	return __clzll((long long) u);
#else
	return __builtin_clzll(u);
#endif
}

#endif /* SFS_INLINE_H */
