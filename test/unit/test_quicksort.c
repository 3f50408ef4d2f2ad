/*
 * test_quicksort.c - the vectorized quicksort by itself, with limits of its depth that
 * random data never reach, so that the heap that then takes over is tested, too:
 * every length up to 700, several kinds of words, guard words on both sides.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels.h"
#include "tap.h"

/* The file itself, for its static functions; its one global name is in the library. */
#define sfs_avx512_sort_words sfs_avx512_sort_words_of_test
void sfs_avx512_sort_words_of_test(uint32_t *word, uint32_t *other, size_t n, int bits, int width);
#include "../../src/core/avx512_sort.c"

#define LONGEST 5000
#define GUARD 0x5a5aa5a5u

#ifdef SFS_AVX512

static uint32_t word[LONGEST + 2];
static uint32_t other[LONGEST + 2];
static uint32_t expected[LONGEST];

/* Compare for qsort. */
static int
compare(const void *a, const void *b)
{
	uint32_t p = *(const uint32_t *) a;
	uint32_t q = *(const uint32_t *) b;

	return p < q ? -1 : p > q;
}

/* Return a word of a kind. */
static uint32_t
make_word(int kind, size_t i, size_t n)
{
	switch (kind)
	{
		case 0:
			return (uint32_t) (uniform() * 0x1p32);
		case 1:
			return (uint32_t) i;
		case 2:
			return (uint32_t) (n - i);
		case 3:
			return (uint32_t) below(3);
		case 4:
			return UINT32_MAX - (uint32_t) below(2);
		default:
			return (uint32_t) (i % 17 << 20 | i);
	}
}

/* Sort n words of a kind with a limit of the depth; return whether all is right. */
static bool
is_sorted(int kind, size_t n, int depth)
{
	uint64_t seed = n;

	word[0] = word[n + 1] = other[0] = other[n + 1] = GUARD;
	for (size_t i = 0; i < n; i++)
		expected[i] = word[i + 1] = make_word(kind, i, n);
	qsort(expected, n, sizeof(uint32_t), compare);
	quicksort(word + 1, other + 1, n, false, depth, &seed);
	return memcmp(word + 1, expected, n * sizeof(uint32_t)) == 0 && word[0] == GUARD &&
		   word[n + 1] == GUARD && other[0] == GUARD && other[n + 1] == GUARD;
}

/* Test all kinds and lengths with one limit. */
static void
test_depth(int depth)
{
	long wrong = 0;

	for (int kind = 0; kind < 6; kind++)
	{
		for (size_t n = 0; n <= 700; n++)
			wrong += !is_sorted(kind, n, depth);
		wrong += !is_sorted(kind, LONGEST, depth);
	}
	ok(wrong == 0, "depth %d: %ld wrong", depth, wrong);
}

int
main(void)
{
	if (!sfs_kernels_force("avx512"))
	{
		printf("1..0 # SKIP this processor has no AVX-512\n");
		return 0;
	}
	for (int depth = 0; depth < 4; depth++)
		test_depth(depth);
	test_depth(40);
	return done_testing();
}

#else

int
main(void)
{
	printf("1..0 # SKIP this compiler has no AVX-512\n");
	return 0;
}

#endif
