/*
 * integer.h - schoolbook arithmetic on integers of thousands of bits, written
 * to be obvious rather than fast: what test_exact compares exact.c with.
 */
#ifndef INTEGER_H
#define INTEGER_H

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define INTEGER_DIGITS 520

/* A signed integer: sum of digit[i] 2^(32 i). */
typedef struct Integer
{
	uint32_t digit[INTEGER_DIGITS];
	int count;
	bool negative;
} Integer;

/* Drop leading zeros. */
static inline void
integer_trim(Integer *x)
{
	while (x->count > 0 && x->digit[x->count - 1] == 0)
		x->count--;
}

/* Set x to |value| < 2^64, shifted left. */
static inline void
integer_set_shifted(Integer *x, uint64_t value, int shift)
{
	memset(x, 0, sizeof(*x));
	x->count = shift / 32 + 3;
	for (int bit = 0; bit < 64; bit++)
		if (value >> bit & 1)
			x->digit[(bit + shift) / 32] |= UINT32_C(1) << ((bit + shift) % 32);
	integer_trim(x);
}

/* Set x to a double times 2^1074, an integer. */
static inline void
integer_set_double(Integer *x, double value)
{
	int exponent;
	double mantissa = frexp(fabs(value), &exponent);

	/* mantissa 2^53 is an integer; its low bits are zero where the exponent is low */
	exponent += 1074 - 53;
	if (exponent < 0)
		integer_set_shifted(x, (uint64_t) ldexp(mantissa, 53 + exponent), 0);
	else
		integer_set_shifted(x, (uint64_t) ldexp(mantissa, 53), exponent);
	x->negative = value < 0.0;
}

/* Compare magnitudes. */
static inline int
integer_compare_magnitude(const Integer *x, const Integer *y)
{
	if (x->count != y->count)
		return x->count < y->count ? -1 : 1;
	for (int i = x->count - 1; i >= 0; i--)
		if (x->digit[i] != y->digit[i])
			return x->digit[i] < y->digit[i] ? -1 : 1;
	return 0;
}

/* Add y, or -y, to x. */
static inline void
integer_add(Integer *x, const Integer *y, bool negate)
{
	bool subtract = x->negative != (y->negative != negate);
	bool swap = subtract && integer_compare_magnitude(x, y) < 0;
	const Integer large = swap ? *y : *x;
	const Integer *small = swap ? x : y;
	int count = large.count > small->count ? large.count : small->count;
	Integer result = {.negative = swap ? y->negative != negate : x->negative};
	int64_t carry = 0;

	for (int i = 0; i <= count; i++)
	{
		int64_t u = i < large.count ? large.digit[i] : 0;
		int64_t v = i < small->count ? small->digit[i] : 0;
		int64_t t = (subtract ? u - v : u + v) + carry;

		result.digit[i] = (uint32_t) t;
		carry = t >> 32;
	}
	result.count = count + 1;
	integer_trim(&result);
	*x = result;
}

/* Return x * y. */
static inline Integer
integer_multiply(const Integer *x, const Integer *y)
{
	Integer result = {.negative = x->negative != y->negative};

	for (int i = 0; i < x->count; i++)
	{
		uint64_t carry = 0;

		for (int j = 0; j < y->count; j++)
		{
			uint64_t t = (uint64_t) x->digit[i] * y->digit[j] + result.digit[i + j] + carry;

			result.digit[i + j] = (uint32_t) t;
			carry = t >> 32;
		}
		result.digit[i + y->count] = (uint32_t) carry;
	}
	result.count = x->count + y->count;
	integer_trim(&result);
	return result;
}

/* Return the sign of x - y. */
static inline int
integer_compare(const Integer *x, const Integer *y)
{
	Integer difference = *x;

	integer_add(&difference, y, true);
	return difference.count == 0 ? 0 : difference.negative ? -1 : 1;
}

/* Return n as an integer. */
static inline Integer
integer_whole(size_t n)
{
	Integer result;

	integer_set_shifted(&result, n, 0);
	return result;
}

#endif /* INTEGER_H */
