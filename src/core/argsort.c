/*
 * argsort.c - packed radix sort with small networks.
 *
 * A value becomes an unsigned key whose order is the wanted order.  The 32
 * leading bits of the key (all of it for float) and the position share one
 * 64-bit word; words are unique, so sorting words is a stable argsort.  Rows
 * up to 64 go through a sorting network, longer ones through an LSD radix sort
 * that leaves out digits in which all keys agree; its second buffer is the place
 * of the sorted values.  Doubles whose leading key bits agree come out in the
 * order of their positions; such runs are put right afterwards by their full
 * values, so the worst case is two sorts.
 */
#include "argsort.h"

#include <string.h>

#include "elementary.h"

#define NETWORK_MAX 64
#define RUN_INSERTION_MAX 24

/* Map a double to bits that ascend with it. */
static inline uint64_t
ascending_key64(double x)
{
	uint64_t u = sfs_double_bits(x + 0.0); /* -0 becomes +0 */

	return u ^ ((uint64_t) ((int64_t) u >> 63) | (UINT64_C(1) << 63));
}

/* Map a float to bits that ascend with it. */
static inline uint32_t
ascending_key32(float x)
{
	uint32_t u;

	x += 0.0f;
	memcpy(&u, &x, sizeof(u));
	return u ^ ((uint32_t) ((int32_t) u >> 31) | (UINT32_C(1) << 31));
}

/* Put two words into ascending order without a branch. */
static inline void
exchange(uint64_t *a, uint64_t *b)
{
	uint64_t low = *a < *b ? *a : *b;
	uint64_t high = *a < *b ? *b : *a;

	*a = low;
	*b = high;
}

/* Sort n words, n a constant power of two, by a bitonic network. */
static inline __attribute__((always_inline)) void
network(uint64_t *word, const size_t n)
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
sort_small(uint64_t *word, size_t n)
{
	size_t padded = n <= 4 ? 4 : n <= 8 ? 8 : n <= 16 ? 16 : n <= 32 ? 32 : 64;

	for (size_t i = n; i < padded; i++)
		word[i] = UINT64_MAX;
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

/*
 * Sort n words by their upper halves, keeping the order of equal ones.  The
 * result is in word or in other; return where.  NULL means: stopped.
 */
static uint64_t *
sort_radix(uint64_t *word, uint64_t *other, size_t n, SfsPoll *poll)
{
	uint32_t count[4][256] = {{0}};

	for (size_t i = 0; i < n;)
	{
		size_t end = sfs_chunk_end(i, n);

		if (sfs_poll(poll, end - i))
			return NULL;
		for (; i < end; i++)
			for (int digit = 0; digit < 4; digit++)
				count[digit][word[i] >> (32 + 8 * digit) & 255]++;
	}
	for (int digit = 0; digit < 4; digit++)
	{
		int shift = 32 + 8 * digit;
		uint32_t *place = count[digit];
		uint32_t total = 0;
		uint64_t *swap;

		if (place[word[0] >> shift & 255] == n)
			continue;
		for (int value = 0; value < 256; value++)
		{
			uint32_t here = place[value];

			place[value] = total;
			total += here;
		}
		for (size_t i = 0; i < n;)
		{
			size_t end = sfs_chunk_end(i, n);

			if (sfs_poll(poll, end - i))
				return NULL;
			for (; i < end; i++)
				other[place[word[i] >> shift & 255]++] = word[i];
		}
		swap = word;
		word = other;
		other = swap;
	}
	return word;
}

/* Sort n words by either method; see sort_radix for the result. */
static uint64_t *
sort_words(uint64_t *word, uint64_t *other, size_t n, SfsPoll *poll)
{
	if (n > NETWORK_MAX)
		return sort_radix(word, other, n, poll);
	sort_small(word, n);
	return word;
}

/* Sort a run descending by value, in place, keeping the order of equal values. */
static void
insertion_run(double *sorted, uint32_t *perm, size_t n)
{
	for (size_t i = 1; i < n; i++)
	{
		double value = sorted[i];
		uint32_t position = perm[i];
		size_t j = i;

		for (; j > 0 && sorted[j - 1] < value; j--)
		{
			sorted[j] = sorted[j - 1];
			perm[j] = perm[j - 1];
		}
		sorted[j] = value;
		perm[j] = position;
	}
}

/* Map bits that ascend with a double to it. */
static inline double
key64_value(uint64_t key)
{
	return sfs_bits_double(key >> 63 ? key ^ (UINT64_C(1) << 63) : ~key);
}

/* Find the lowest of the keys of a run that is sorted descending; true when stopped. */
static bool
lowest_key(const double *sorted, size_t n, uint64_t *lowest, SfsPoll *poll)
{
	*lowest = UINT64_MAX;
	for (size_t i = 0; i < n;)
	{
		size_t end = sfs_chunk_end(i, n);

		if (sfs_poll(poll, end - i))
			return true;
		for (; i < end; i++)
		{
			uint64_t key = ~ascending_key64(sorted[i]);

			*lowest = key < *lowest ? key : *lowest;
		}
	}
	return false;
}

/*
 * Sort a long run whose leading key bits agree, by the 32 bits that follow:
 * with a common prefix of at least 32 bits these decide.  The words say the
 * values, so that the place of the values is scratch; word has max(n, 64) words.
 */
static SfsStatus
radix_run(double *sorted, uint32_t *perm, size_t n, uint64_t *word, SfsPoll *poll)
{
	uint64_t lowest;
	uint64_t *result;
	uint32_t *positions; /* in the half that is free */

	if (lowest_key(sorted, n, &lowest, poll))
		return SFS_CANCELLED;
	for (size_t i = 0; i < n;)
	{
		size_t end = sfs_chunk_end(i, n);

		if (sfs_poll(poll, end - i))
			return SFS_CANCELLED;
		for (; i < end; i++)
			word[i] = (~ascending_key64(sorted[i]) - lowest) << 32 | i;
	}
	result = sort_words(word, (uint64_t *) (void *) sorted, n, poll);
	if (result == NULL)
		return SFS_CANCELLED;
	positions = result == word ? (uint32_t *) (void *) sorted : (uint32_t *) word;
	memcpy(positions, perm, n * sizeof(uint32_t));
	for (size_t i = 0; i < n;)
	{
		size_t end = sfs_chunk_end(i, n);

		if (sfs_poll(poll, end - i))
			return SFS_CANCELLED;
		for (; i < end; i++)
			perm[i] = positions[(uint32_t) result[i]];
	}
	for (size_t i = 0; i < n;)
	{
		size_t end = sfs_chunk_end(i, n);

		if (sfs_poll(poll, end - i))
			return SFS_CANCELLED;
		for (; i < end; i++)
		{
			double value = key64_value(~(lowest + (result[i] >> 32)));

			memcpy(&sorted[i], &value, sizeof(value));
		}
	}
	return SFS_OK;
}

/*
 * Put runs of equal leading key bits into the order of their full values.
 * word holds the sorted words; the part of a run is scratch once it is read.
 */
static SfsStatus
repair_runs(uint64_t *word, size_t n, uint32_t *perm, double *sorted, SfsPoll *poll)
{
	for (size_t i = 0; i + 1 < n;)
	{
		uint32_t leading = (uint32_t) (word[i] >> 32);
		size_t end = i + 1;
		bool ordered = true;

		while (end < n && (uint32_t) (word[end] >> 32) == leading)
		{
			ordered = ordered && sorted[end - 1] >= sorted[end];
			end++;
		}
		if (sfs_poll(poll, end - i))
			return SFS_CANCELLED;
		if (!ordered && end - i <= RUN_INSERTION_MAX)
			insertion_run(&sorted[i], &perm[i], end - i);
		else if (!ordered)
		{
			/* a network pads: give it words of its own */
			uint64_t padded[NETWORK_MAX];
			SfsStatus status = radix_run(&sorted[i], &perm[i], end - i,
										 end - i <= NETWORK_MAX ? padded : &word[i], poll);

			if (status != SFS_OK)
				return status;
		}
		i = end;
	}
	return SFS_OK;
}

/* Fill word with the packed words of a float row. */
static void
pack_float(const float *x, bool negate, size_t first, size_t last, uint64_t *word)
{
	uint32_t flip = negate ? 0 : UINT32_MAX; /* descending unless negated */

	for (size_t i = first; i < last; i++)
		word[i] = (uint64_t) (ascending_key32(x[i]) ^ flip) << 32 | i;
}

/* Fill word with the packed words of a double row. */
static void
pack_double(const double *x, bool negate, size_t first, size_t last, uint64_t lowest, int shift,
			uint64_t *word)
{
	uint64_t flip = negate ? 0 : UINT64_MAX;

	for (size_t i = first; i < last; i++)
		word[i] = ((ascending_key64(x[i]) ^ flip) - lowest) >> shift << 32 | i;
}

/* See argsort.h. */
SfsStatus
sfs_argsort(const void *x, SfsType type, bool negate, size_t n, uint32_t *perm, double *sorted,
			uint64_t *scratch, SfsPoll *poll)
{
	uint64_t *word = scratch;
	uint64_t *result;
	uint64_t flip = negate ? 0 : UINT64_MAX;
	uint64_t lowest = UINT64_MAX;
	uint64_t highest = 0;
	int shift = 0; /* key bits that do not fit beside the position */

	if (type == SFS_FLOAT64)
	{
		for (size_t i = 0; i < n;)
		{
			size_t end = sfs_chunk_end(i, n);

			if (sfs_poll(poll, end - i))
				return SFS_CANCELLED;
			for (; i < end; i++)
			{
				uint64_t key = ascending_key64(((const double *) x)[i]) ^ flip;

				lowest = key < lowest ? key : lowest;
				highest = key > highest ? key : highest;
			}
		}
		if (n > 0 && (highest - lowest) >> 32 != 0)
			shift = 32 - __builtin_clzll(highest - lowest);
	}
	for (size_t i = 0; i < n;)
	{
		size_t end = sfs_chunk_end(i, n);

		if (sfs_poll(poll, end - i))
			return SFS_CANCELLED;
		if (type == SFS_FLOAT64)
			pack_double(x, negate, i, end, lowest, shift, word);
		else
			pack_float(x, negate, i, end, word);
		i = end;
	}
	if (n == 0)
		return SFS_OK;
	result = sort_words(word, (uint64_t *) (void *) sorted, n, poll);
	if (result == NULL)
		return SFS_CANCELLED;
	if (result != word)
		memcpy(word, result, n * sizeof(uint64_t));
	for (size_t i = 0; i < n;)
	{
		size_t end = sfs_chunk_end(i, n);
		double sign = negate ? -1.0 : 1.0;

		if (sfs_poll(poll, end - i))
			return SFS_CANCELLED;
		for (; i < end; i++)
		{
			uint32_t position = (uint32_t) word[i];
			double value = type == SFS_FLOAT64 ? ((const double *) x)[position]
											   : (double) ((const float *) x)[position];

			perm[i] = position;
			sorted[i] = value * sign + 0.0;
		}
	}
	if (shift == 0)
		return SFS_OK;
	return repair_runs(word, n, perm, sorted, poll);
}
