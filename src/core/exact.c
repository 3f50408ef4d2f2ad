/*
 * exact.c - wide integers for block decisions; see exact.h.
 */
#include "exact.h"

#include <string.h>

#include "elementary.h"

typedef unsigned __int128 Wide;

/* 2 * (1023 + 1074) bits of exponent, two mantissas, counts: products of doubles fit. */
#define SUM_WORDS_MAX 68
#define BIG_WORDS_MAX (SUM_WORDS_MAX * 2)

/* A signed integer, |value| = sum of word[i] 2^(64 i), times 2^exponent. */
typedef struct Big
{
	uint64_t word[BIG_WORDS_MAX];
	int words; /* no leading zero word; 0 for zero */
	bool negative;
	int exponent;
} Big;

/* Drop leading zero words. */
static void
big_trim(Big *x)
{
	while (x->words > 0 && x->word[x->words - 1] == 0)
		x->words--;
}

/* Set x to a 128-bit unsigned number. */
static void
big_set(Big *x, Wide value, int exponent)
{
	x->word[0] = (uint64_t) value;
	x->word[1] = (uint64_t) (value >> 64);
	x->words = 2;
	x->negative = false;
	x->exponent = exponent;
	big_trim(x);
}

/* Split |x|, finite, into an integer and a power of two. */
static uint64_t
split(double x, int *exponent)
{
	uint64_t bits = sfs_double_bits(x) & INT64_MAX;
	int field = (int) (bits >> 52);
	uint64_t mantissa = bits & ((UINT64_C(1) << 52) - 1);

	*exponent = (field > 0 ? field : 1) - 1075;
	return field > 0 ? mantissa | UINT64_C(1) << 52 : mantissa;
}

/* Set x to |value|, a finite double. */
static void
big_set_double(Big *x, double value)
{
	int exponent;
	uint64_t mantissa = split(value, &exponent);

	big_set(x, mantissa, exponent);
}

/* Compute product = x * y; exponents add. */
static void
big_multiply(const Big *x, const Big *y, Big *product)
{
	memset(product->word, 0, sizeof(uint64_t) * (size_t) (x->words + y->words));
	for (int i = 0; i < x->words; i++)
	{
		uint64_t carry = 0;

		for (int j = 0; j < y->words; j++)
		{
			Wide t = (Wide) x->word[i] * y->word[j] + product->word[i + j] + carry;

			product->word[i + j] = (uint64_t) t;
			carry = (uint64_t) (t >> 64);
		}
		product->word[i + y->words] = carry;
	}
	product->words = x->words + y->words;
	product->negative = x->negative != y->negative;
	product->exponent = x->exponent + y->exponent;
	big_trim(product);
}

/* Return the bits of |x|. */
static int
big_bits(const Big *x)
{
	return x->words == 0 ? 0 : 64 * x->words - __builtin_clzll(x->word[x->words - 1]);
}

/* Return word i of |x| shifted left by `shift` bits. */
static uint64_t
shifted_word(const Big *x, int i, int shift)
{
	int from = i - shift / 64;
	int bits = shift % 64;
	uint64_t high = from >= 0 && from < x->words ? x->word[from] : 0;
	uint64_t low = from >= 1 && from - 1 < x->words ? x->word[from - 1] : 0;

	return bits == 0 ? high : high << bits | low >> (64 - bits);
}

/* Compare |x| with |y| as scaled numbers; return -1, 0 or 1. */
static int
big_compare_magnitude(const Big *x, const Big *y)
{
	int top_x = big_bits(x) + x->exponent;
	int top_y = big_bits(y) + y->exponent;
	int shift_x;
	int shift_y;
	int words;

	if (x->words == 0 || y->words == 0)
		return (x->words != 0) - (y->words != 0);
	if (top_x != top_y)
		return top_x < top_y ? -1 : 1;
	/* equal top bits: bring both to the smaller exponent */
	shift_x = x->exponent > y->exponent ? x->exponent - y->exponent : 0;
	shift_y = y->exponent > x->exponent ? y->exponent - x->exponent : 0;
	words = (big_bits(x) + shift_x + 63) / 64;
	for (int i = words - 1; i >= 0; i--)
	{
		uint64_t u = shifted_word(x, i, shift_x);
		uint64_t v = shifted_word(y, i, shift_y);

		if (u != v)
			return u < v ? -1 : 1;
	}
	return 0;
}

/* Compare two signed scaled numbers. */
static int
big_compare(const Big *x, const Big *y)
{
	int sign_x = x->words == 0 ? 0 : x->negative ? -1 : 1;
	int sign_y = y->words == 0 ? 0 : y->negative ? -1 : 1;

	if (sign_x != sign_y)
		return sign_x < sign_y ? -1 : 1;
	return sign_x < 0 ? -big_compare_magnitude(x, y) : big_compare_magnitude(x, y);
}

/* Add one unsigned number of two words, shifted, to a two's complement sum. */
static void
add_shifted(uint64_t *sum, int words, Wide value, int shift, bool negative)
{
	int i = shift / 64;
	int bits = shift % 64;
	uint64_t part[3];
	uint64_t carry = negative ? 1 : 0;

	part[0] = (uint64_t) value << bits;
	part[1] = bits == 0 ? (uint64_t) (value >> 64) : (uint64_t) (value >> (64 - bits));
	part[2] = bits == 0 ? 0 : (uint64_t) (value >> 64) >> (64 - bits);
	/* a negative term adds its complement, all the way up */
	for (int k = 0; i < words; i++, k++)
	{
		uint64_t term = k < 3 ? part[k] : 0;
		Wide t = (Wide) sum[i] + (negative ? ~term : term) + carry;

		sum[i] = (uint64_t) t;
		carry = (uint64_t) (t >> 64);
		if (k >= 2 && carry == (negative ? 1 : 0))
			break; /* the words above would not change */
	}
}

/* Return term i as magnitude, exponent and sign. */
static inline Wide
term(const SfsExactSums *sums, size_t i, int *exponent, bool *negative)
{
	Wide value = split(sums->a[i], exponent);

	*negative = sums->a[i] < 0.0;
	if (sums->b != NULL)
	{
		int other;

		value *= split(sums->b[i], &other);
		*exponent += other;
		*negative = *negative != (sums->b[i] < 0.0);
	}
	return value;
}

/* Count the trailing zero bits of a number that is not zero. */
static int
trailing_zeros(Wide value)
{
	uint64_t low = (uint64_t) value;

	return low != 0 ? __builtin_ctzll(low) : 64 + __builtin_ctzll((uint64_t) (value >> 64));
}

/* Count the bits of a number that is not zero. */
static int
bit_length(Wide value)
{
	uint64_t high = (uint64_t) (value >> 64);

	return high != 0 ? 128 - __builtin_clzll(high) : 64 - __builtin_clzll((uint64_t) value);
}

/* Add term i to a sum. */
static void
add_term(const SfsExactSums *sums, size_t i, uint64_t *sum)
{
	int exponent;
	bool negative;
	Wide value = term(sums, i, &exponent, &negative);

	if (value == 0)
		return;
	if (exponent < sums->unit) /* the bits below the unit are zero */
		value >>= sums->unit - exponent;
	add_shifted(sum, sums->words, value, exponent > sums->unit ? exponent - sums->unit : 0,
				negative);
}

/* See exact.h. */
size_t
sfs_exact_words(size_t n, bool products)
{
	return 2 * n + (size_t) (products ? 2 : 1) * SUM_WORDS_MAX + 2;
}

/* See exact.h. */
void
sfs_exact_init(SfsExactSums *sums, const double *a, const double *b, size_t n, uint64_t *space)
{
	sums->a = a;
	sums->b = b;
	sums->n = n;
	sums->prefix = space;
	sums->ready = false;
}

/* See exact.h. */
SfsStatus
sfs_exact_prepare(SfsExactSums *sums, SfsPoll *poll)
{
	int lowest = 8192;
	int highest = -8192;
	uint64_t running[SUM_WORDS_MAX] = {0};
	uint64_t *next = sums->prefix;

	if (sums->ready)
		return SFS_OK;
	for (size_t i = 0; i < sums->n;)
	{
		size_t end = sfs_chunk_end(i, sums->n);

		if (sfs_poll(poll, end - i))
			return SFS_CANCELLED;
		for (; i < end; i++)
		{
			int exponent;
			bool negative;
			Wide value = term(sums, i, &exponent, &negative);

			if (value == 0)
				continue;
			if (exponent + trailing_zeros(value) < lowest)
				lowest = exponent + trailing_zeros(value);
			if (exponent + bit_length(value) > highest)
				highest = exponent + bit_length(value);
		}
	}
	sums->unit = lowest <= highest ? lowest : 0;
	/* 32 bits for the number of terms, one for the sign */
	sums->words = lowest <= highest ? (highest - lowest + 32 + 1 + 63) / 64 : 1;
	sums->stride = sums->words <= 2 ? 1 : ((size_t) sums->words + 1) / 2;
	for (size_t i = 0; i < sums->n;)
	{
		size_t end = sfs_chunk_end(i, sums->n);

		if (sfs_poll(poll, (2 + (size_t) sums->words / 8) * (end - i)))
			return SFS_CANCELLED;
		for (; i < end; i++)
		{
			if (i % sums->stride == 0)
			{
				memcpy(next, running, sizeof(uint64_t) * (size_t) sums->words);
				next += sums->words;
			}
			add_term(sums, i, running);
		}
	}
	if (sums->n % sums->stride == 0)
		memcpy(next, running, sizeof(uint64_t) * (size_t) sums->words);
	sums->ready = true;
	return SFS_OK;
}

/* Write the two's complement sum of the terms before position i. */
static void
prefix_sum(const SfsExactSums *sums, size_t i, uint64_t *sum)
{
	size_t from = i / sums->stride;

	memcpy(sum, &sums->prefix[from * (size_t) sums->words],
		   sizeof(uint64_t) * (size_t) sums->words);
	for (size_t k = from * sums->stride; k < i; k++)
		add_term(sums, k, sum);
}

/* Set x to the sum of the terms first .. last - 1. */
static void
range_sum(const SfsExactSums *sums, size_t first, size_t last, Big *x)
{
	uint64_t below[SUM_WORDS_MAX];
	uint64_t borrow = 0;

	prefix_sum(sums, last, x->word);
	prefix_sum(sums, first, below);
	for (int i = 0; i < sums->words; i++)
	{
		Wide t = (Wide) x->word[i] - below[i] - borrow;

		x->word[i] = (uint64_t) t;
		borrow = (uint64_t) (t >> 64) & 1;
	}
	x->words = sums->words;
	x->exponent = sums->unit;
	x->negative = (x->word[x->words - 1] >> 63) != 0;
	if (x->negative)
	{
		uint64_t carry = 1;

		for (int i = 0; i < x->words; i++)
		{
			Wide t = (Wide) ~x->word[i] + carry;

			x->word[i] = (uint64_t) t;
			carry = (uint64_t) (t >> 64);
		}
	}
	big_trim(x);
}

/* Set difference = x - y for numbers with one exponent. */
static void
big_subtract(const Big *x, const Big *y, Big *difference)
{
	bool add = x->negative != y->negative;
	bool swap = !add && big_compare_magnitude(x, y) < 0;
	const Big *large = swap || (add && x->words < y->words) ? y : x;
	const Big *small = large == x ? y : x;
	uint64_t carry = 0;

	for (int i = 0; i < large->words; i++)
	{
		uint64_t other = i < small->words ? small->word[i] : 0;
		Wide t =
			add ? (Wide) large->word[i] + other + carry : (Wide) large->word[i] - other - carry;

		difference->word[i] = (uint64_t) t;
		carry = (uint64_t) (t >> 64) & 1;
	}
	difference->words = large->words;
	if (add && carry != 0)
		difference->word[difference->words++] = carry;
	difference->negative = swap ? !x->negative : x->negative;
	difference->exponent = x->exponent;
	big_trim(difference);
}

/* Compute D(s) = m2 * sum s[a, b) - m1 * sum s[b, c). */
static void
mean_difference(const SfsExactSums *sums, size_t a, size_t b, size_t c, Big *result)
{
	Big sum;
	Big count;
	Big left;
	Big right;

	range_sum(sums, a, b, &sum);
	big_set(&count, c - b, 0);
	big_multiply(&sum, &count, &left);
	range_sum(sums, b, c, &sum);
	big_set(&count, b - a, 0);
	big_multiply(&sum, &count, &right);
	big_subtract(&left, &right, result);
}

/* See exact.h. */
int
sfs_exact_against_ramp(const SfsExactSums *x, double factor, double slope, int slope_exponent,
					   size_t a, size_t b, size_t c)
{
	Big difference;
	Big multiplier;
	Big counts;
	Big left;
	Big right;

	mean_difference(x, a, b, c, &difference);
	big_set_double(&multiplier, factor);
	big_multiply(&difference, &multiplier, &left);
	/* m1 m2 (m1 + m2) has at most 97 bits */
	big_set(&counts, (Wide) (b - a) * (c - b) * (c - a), -1);
	big_set_double(&multiplier, slope);
	multiplier.exponent += slope_exponent;
	big_multiply(&multiplier, &counts, &right);
	return big_compare(&left, &right);
}

/* See exact.h. */
int
sfs_exact_against_sums(const SfsExactSums *z, const SfsExactSums *w, size_t a, size_t b, size_t c)
{
	Big left;
	Big right;

	mean_difference(z, a, b, c, &left);
	mean_difference(w, a, b, c, &right);
	return big_compare(&left, &right);
}

/* See exact.h. */
int
sfs_exact_weighted(const SfsExactSums *p, const SfsExactSums *q, size_t a, size_t b, size_t c)
{
	Big value;
	Big weight;
	Big left;
	Big right;

	range_sum(p, a, b, &value);
	if (q != NULL)
		range_sum(q, b, c, &weight);
	else
		big_set(&weight, c - b, 0);
	big_multiply(&value, &weight, &left);
	range_sum(p, b, c, &value);
	if (q != NULL)
		range_sum(q, a, b, &weight);
	else
		big_set(&weight, b - a, 0);
	big_multiply(&value, &weight, &right);
	return big_compare(&left, &right);
}

/* Return the 64 leading bits of |x| as a double and set the exponent that goes with them. */
static double
big_leading(const Big *x, int *exponent)
{
	int shift = (64 - big_bits(x) % 64) % 64;

	*exponent = x->exponent + big_bits(x) - 64;
	return (double) shifted_word(x, x->words - 1, shift);
}

/* See exact.h. */
double
sfs_exact_mean(const SfsExactSums *p, const SfsExactSums *q, size_t a, size_t b)
{
	Big value;
	Big weight;
	double numerator;
	double denominator;
	int up;
	int down;

	range_sum(p, a, b, &value);
	if (value.words == 0)
		return 0.0;
	if (q != NULL)
		range_sum(q, a, b, &weight);
	else
		big_set(&weight, b - a, 0);
	numerator = big_leading(&value, &up);
	denominator = big_leading(&weight, &down);
	return sfs_scale(value.negative ? -numerator / denominator : numerator / denominator,
					 up - down);
}
