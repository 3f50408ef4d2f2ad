/*
 * avx512_exp.h - exponentials with AVX-512, the bits of those in elementary.h.
 */
#ifndef SFS_AVX512_EXP_H
#define SFS_AVX512_EXP_H

#include "avx512.h"

#ifdef SFS_AVX512

#include "elementary.h"

SFS_AVX512_BEGIN

/* What e^x and e^x - 1 have in common: e^x = (1 + q) scale. */
typedef struct SfsExp
{
	__m512d q;
	__m512d scale;
	__m512d k; /* scale is 2^k where that is a normal number */
} SfsExp;

/* Return a + b * x. */
static inline __attribute__((always_inline)) __m512d
sfs_linear(__m512d a, __m512d b, __m512d x)
{
	return _mm512_add_pd(a, _mm512_mul_pd(b, x));
}

/* Compute as sfs_exp and sfs_expm1 do, for -700 <= x <= 0. */
static inline __attribute__((always_inline)) SfsExp
sfs_exp_parts(__m512d x)
{
	static const double c[] = SFS_EXP_TAIL;
	const __m512d magic = _mm512_set1_pd(0x1.8p52);
	__m512d shifted = _mm512_add_pd(_mm512_mul_pd(x, _mm512_set1_pd(SFS_LOG2_E)), magic);
	__m512i k = _mm512_sub_epi64(_mm512_castpd_si512(shifted), _mm512_castpd_si512(magic));
	__m512d whole = _mm512_sub_pd(shifted, magic);
	__m512d r = _mm512_sub_pd(_mm512_sub_pd(x, _mm512_mul_pd(whole, _mm512_set1_pd(SFS_LN2_HI))),
							  _mm512_mul_pd(whole, _mm512_set1_pd(SFS_LN2_LO)));
	__m512d r2 = _mm512_mul_pd(r, r);
	__m512d r4 = _mm512_mul_pd(r2, r2);
	__m512d part[6]; /* c_2j + c_2j+1 r */
	__m512d low;
	__m512d high;
	SfsExp e;

	e.k = whole;
	for (int j = 0; j < 6; j++)
		part[j] = sfs_linear(_mm512_set1_pd(c[2 * j]), _mm512_set1_pd(c[2 * j + 1]), r);
	low = sfs_linear(sfs_linear(part[0], part[1], r2), sfs_linear(part[2], part[3], r2), r4);
	high = sfs_linear(sfs_linear(part[4], part[5], r2), _mm512_set1_pd(c[12]), r4);
	e.q = sfs_linear(r, sfs_linear(low, high, _mm512_mul_pd(r4, r4)), r2);
	e.scale =
		_mm512_castsi512_pd(_mm512_slli_epi64(_mm512_add_epi64(k, _mm512_set1_epi64(1023)), 52));
	return e;
}

/* Return e^x. */
static inline __attribute__((always_inline)) __m512d
sfs_exp_of(SfsExp e)
{
	return _mm512_mul_pd(_mm512_add_pd(_mm512_set1_pd(1.0), e.q), e.scale);
}

/* Return e^x for -745 <= x <= 0. */
static inline __attribute__((always_inline)) __m512d
sfs_exp_far(__m512d x)
{
	SfsExp e = sfs_exp_parts(x);

	return _mm512_scalef_pd(_mm512_add_pd(_mm512_set1_pd(1.0), e.q), e.k);
}

/* Return e^x - 1. */
static inline __attribute__((always_inline)) __m512d
sfs_expm1_of(SfsExp e)
{
	return _mm512_add_pd(_mm512_mul_pd(e.scale, e.q), _mm512_sub_pd(e.scale, _mm512_set1_pd(1.0)));
}

SFS_AVX512_END

#endif
#endif /* SFS_AVX512_EXP_H */
