/*
 * portable_sort.c - sorting 32-bit words in plain C: a network for short rows, else a
 * radix sort of two digits.
 */
#include <string.h>

#include "kernels.h"

#define NETWORK_MAX 64
#define DIGIT_MAX 11

/* Put two words into ascending order without a branch. */
static inline void
exchange(uint32_t *a, uint32_t *b)
{
	uint32_t low = *a < *b ? *a : *b;
	uint32_t high = *a < *b ? *b : *a;

	*a = low;
	*b = high;
}

/* Sort n words, n a constant power of two, by a bitonic network. */
static inline __attribute__((always_inline)) void
network(uint32_t *word, const size_t n)
{
	for (size_t size = 2; size <= n; size *= 2)
	{
		for (size_t base = 0; base < n; base += size)
			for (size_t i = 0; i < size / 2; i++)
				exchange(&word[base + i], &word[base + size - 1 - i]);
		for (size_t stride = size / 4; stride > 0; stride /= 2)
			for (size_t base = 0; base < n; base += 2 * stride)
				for (size_t i = 0; i < stride; i++)
					exchange(&word[base + i], &word[base + stride + i]);
	}
}

/* Sort n <= NETWORK_MAX words; word has room for NETWORK_MAX. */
static void
sort_small(uint32_t *word, size_t n)
{
	size_t padded = n <= 4 ? 4 : n <= 8 ? 8 : n <= 16 ? 16 : n <= 32 ? 32 : 64;

	for (size_t i = n; i < padded; i++)
		word[i] = UINT32_MAX;
	switch (padded)
	{
		case 4:
			network(word, 4);
			break;
		case 8:
			network(word, 8);
			break;
		case 16:
			network(word, 16);
			break;
		case 32:
			network(word, 32);
			break;
		default:
			network(word, 64);
			break;
	}
}

/* Move the words from `from` to `to` by one digit, keeping the order of equal ones. */
static inline void
move_by_digit(const uint32_t *from, uint32_t *to, size_t n, int shift, uint32_t mask,
			  uint32_t *place)
{
	uint32_t total = 0;

	for (size_t value = 0; value <= mask; value++)
	{
		uint32_t here = place[value];

		place[value] = total;
		total += here;
	}
	for (size_t i = 0; i < n; i++)
		to[place[from[i] >> shift & mask]++] = from[i];
}

/* See kernels.h: sort_words.  Two digits always suffice. */
void
sfs_portable_sort_words(uint32_t *word, uint32_t *other, size_t n, int bits, int width)
{
	int digit = (width + 1) / 2;
	uint32_t mask = (UINT32_C(1) << digit) - 1;
	uint32_t count[2][1 << DIGIT_MAX];

	if (n <= NETWORK_MAX)
	{
		sort_small(word, n);
		return;
	}
	memset(count[0], 0, (mask + 1) * sizeof(uint32_t));
	memset(count[1], 0, (mask + 1) * sizeof(uint32_t));
	for (size_t i = 0; i < n; i++)
	{
		count[0][word[i] >> bits & mask]++;
		count[1][word[i] >> (bits + digit) & mask]++;
	}
	move_by_digit(word, other, n, bits, mask, count[0]);
	move_by_digit(other, word, n, bits + digit, mask, count[1]);
}
