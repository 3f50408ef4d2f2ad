/*
 * avx512.h - where instructions of AVX-512 may be used: between SFS_AVX512_BEGIN
 * and SFS_AVX512_END, on x86-64 with GCC or clang.
 *
 * No compiler flag is needed, and a binary that holds such code runs on every
 * x86-64: kernels.c asks the processor first.  Only files named avx512_*.c do this;
 * each is a drop-in for portable code and gives the same bits.
 */
#ifndef SFS_AVX512_H
#define SFS_AVX512_H

#if defined(__x86_64__) && defined(__GNUC__)

#include <immintrin.h>
#include <stddef.h>

#include "sfs_core.h"

#define SFS_AVX512

/* clang-format off */
#ifdef __clang__
#define SFS_AVX512_BEGIN \
	_Pragma("clang attribute push(__attribute__((target(\"avx512f,avx512bw,avx512dq,avx512vl,bmi2,popcnt\"))), apply_to = function)")
#define SFS_AVX512_END _Pragma("clang attribute pop")
#else
#define SFS_AVX512_BEGIN \
	_Pragma("GCC push_options") \
	_Pragma("GCC target(\"avx512f,avx512bw,avx512dq,avx512vl,bmi2,popcnt\")")
#define SFS_AVX512_END _Pragma("GCC pop_options")
#endif
/* clang-format on */

SFS_AVX512_BEGIN

/* Return the mask of the first n of 8 lanes, all of them from 8 on. */
static inline __mmask8
sfs_first8(size_t n)
{
	return n >= 8 ? 0xff : (__mmask8) ((1u << n) - 1);
}

/* Load up to 8 values as doubles. */
static inline __m512d
sfs_load8(const void *x, SfsType type, size_t i, __mmask8 mask)
{
	return type == SFS_FLOAT64
			   ? _mm512_maskz_loadu_pd(mask, (const double *) x + i)
			   : _mm512_cvtps_pd(_mm256_maskz_loadu_ps(mask, (const float *) x + i));
}

SFS_AVX512_END

#endif
#endif /* SFS_AVX512_H */
