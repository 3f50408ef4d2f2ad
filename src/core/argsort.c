/*
 * argsort.c - packed radix sort with small networks.
 *
 * A value becomes an unsigned key whose order is the wanted order.  The 32
 * leading bits of the key (all of it for float) and the position share one
 * 64-bit word; words are unique, so sorting words is a stable argsort.  Rows
 * up to 64 go through a sorting network, longer ones through an LSD radix sort
 * that leaves out digits in which all keys agree; its second buffer is the place
 * of the sorted values.  Rows that are in order, or in reverse order, are not
 * sorted again.  Doubles whose leading key bits agree come out in the
 * order of their positions; such runs are put right afterwards by their full
 * values, so the worst case is two sorts.
 */
#include "argsort.h"

#include <string.h>

#include "elementary.h"

#define NETWORK_MAX 64
#define RUN_INSERTION_MAX 24
#define LARGE_DIGITS_MIN 8192

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
 * Sort n words by their upper halves, `bits` bits at a time, keeping the order of
 * equal ones.  The result is in word or in other; return where.  NULL means:
 * stopped.  bits and digits are constants.
 */
static inline __attribute__((always_inline)) uint64_t *
sort_digits(uint64_t *word, uint64_t *other, size_t n, const int bits, const int digits,
			uint32_t *count, SfsPoll *poll)
{
	const uint32_t values = UINT32_C(1) << bits;

	memset(count, 0, (size_t) digits * values * sizeof(uint32_t));
	for (size_t i = 0; i < n;)
	{
		size_t end = sfs_chunk_end(i, n);

		if (sfs_poll(poll, end - i))
			return NULL;
		for (; i < end; i++)
			for (int digit = 0; digit < digits; digit++)
				count[(uint32_t) digit * values +
					  (word[i] >> (32 + bits * digit) & (values - 1))]++;
	}
	for (int digit = 0; digit < digits; digit++)
	{
		int shift = 32 + bits * digit;
		uint32_t *place = count + (uint32_t) digit * values;
		uint32_t total = 0;
		uint64_t *swap;

		if (place[word[0] >> shift & (values - 1)] == n)
			continue;
		for (uint32_t value = 0; value < values; value++)
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
				other[place[word[i] >> shift & (values - 1)]++] = word[i];
		}
		swap = word;
		word = other;
		other = swap;
	}
	return word;
}

/* Sort n words by their upper halves; long rows pay for large tables with fewer passes. */
static uint64_t *
sort_radix(uint64_t *word, uint64_t *other, size_t n, SfsPoll *poll)
{
	uint32_t count[3 * 2048];

	if (n < LARGE_DIGITS_MIN)
		return sort_digits(word, other, n, 8, 4, count, poll);
	return sort_digits(word, other, n, 11, 3, count, poll);
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

/* See argsort.h. */
SfsStatus
sfs_sort_run(double *sorted, uint32_t *perm, size_t n, uint64_t *word, SfsPoll *poll)
{
	uint64_t padded[NETWORK_MAX]; /* a network pads: it has words of its own */
	bool ordered = true;

	if (sfs_poll(poll, n))
		return SFS_CANCELLED;
	for (size_t i = 1; i < n && ordered; i++)
		ordered = sorted[i - 1] >= sorted[i];
	if (ordered)
		return SFS_OK;
	if (n > RUN_INSERTION_MAX)
		return radix_run(sorted, perm, n, n <= NETWORK_MAX ? padded : word, poll);
	insertion_run(sorted, perm, n);
	return SFS_OK;
}

/* Put the runs of equal leading key bits of a whole row into the order of their full values. */
static SfsStatus
repair_runs(uint64_t *word, size_t n, uint32_t *perm, double *sorted, SfsPoll *poll)
{
	for (size_t i = 0; i + 1 < n;)
	{
		size_t end = sfs_run_end(word, i, n);
		SfsStatus status = SFS_OK;

		if (end - i > 1)
			status = sfs_sort_run(&sorted[i], &perm[i], end - i, &word[i], poll);
		if (status != SFS_OK)
			return status;
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

/* Fill word with the packed words of a double row; return the key bits that were dropped. */
static uint64_t
pack_double(const double *x, bool negate, size_t first, size_t last, uint64_t lowest, int shift,
			uint64_t *word)
{
	uint64_t flip = negate ? 0 : UINT64_MAX;
	uint64_t dropped = 0;

	for (size_t i = first; i < last; i++)
	{
		uint64_t key = (ascending_key64(x[i]) ^ flip) - lowest;

		dropped |= key;
		word[i] = key >> shift << 32 | i;
	}
	return dropped & ((UINT64_C(1) << shift) - 1);
}

/* Find the lowest key of a double row and how many bits more than 32 its range has. */
static bool
key_range(const double *x, bool negate, size_t n, uint64_t *lowest, int *shift, SfsPoll *poll)
{
	uint64_t flip = negate ? 0 : UINT64_MAX;
	uint64_t highest = 0;

	*lowest = UINT64_MAX;
	*shift = 0;
	for (size_t i = 0; i < n;)
	{
		size_t end = sfs_chunk_end(i, n);

		if (sfs_poll(poll, end - i))
			return true;
		for (; i < end; i++)
		{
			uint64_t key = ascending_key64(x[i]) ^ flip;

			*lowest = key < *lowest ? key : *lowest;
			highest = key > highest ? key : highest;
		}
	}
	if (n > 0 && (highest - *lowest) >> 32 != 0)
		*shift = 32 - __builtin_clzll(highest - *lowest);
	return false;
}

/* How a row lies before it is sorted. */
typedef enum Order
{
	UNORDERED,
	DESCENDING, /* as it shall be */
	ASCENDING	/* without ties, so that it can be turned around */
} Order;

/* Find the order of a row of at least two values; ends at the first that is out of it. */
static Order
find_order(const void *x, SfsType type, bool negate, size_t n, SfsPoll *poll)
{
	double last = sfs_sort_value(x, type, negate, 0);
	bool descending = last >= sfs_sort_value(x, type, negate, 1);

	for (size_t i = 1; i < n;)
	{
		size_t end = sfs_chunk_end(i, n);

		/* to be stopped is left to the sort */
		if (sfs_poll(poll, end - i))
			return UNORDERED;
		for (; i < end; i++)
		{
			double value = sfs_sort_value(x, type, negate, (uint32_t) i);

			if ((last >= value) != descending)
				return UNORDERED;
			last = value;
		}
	}
	return descending ? DESCENDING : ASCENDING;
}

/* Reverse n words in place; true when stopped. */
static bool
reverse(uint64_t *word, size_t n, SfsPoll *poll)
{
	for (size_t i = 0; i < n / 2;)
	{
		size_t end = sfs_chunk_end(i, n / 2);

		if (sfs_poll(poll, end - i))
			return true;
		for (; i < end; i++)
		{
			uint64_t swap = word[i];

			word[i] = word[n - 1 - i];
			word[n - 1 - i] = swap;
		}
	}
	return false;
}

/* See argsort.h. */
SfsStatus
sfs_sort_words(const void *x, SfsType type, bool negate, size_t n, uint64_t *word, uint64_t *other,
			   bool *exact, SfsPoll *poll)
{
	Order order = n > NETWORK_MAX ? find_order(x, type, negate, n, poll) : UNORDERED;
	/* three passes go from other to word, four from word to word */
	uint64_t *start = order != UNORDERED || n < LARGE_DIGITS_MIN ? word : other;
	uint64_t *result;
	uint64_t lowest = 0;
	uint64_t dropped = 0;
	int shift = 0; /* key bits that do not fit beside the position */

	if (type == SFS_FLOAT64 && key_range(x, negate, n, &lowest, &shift, poll))
		return SFS_CANCELLED;
	for (size_t i = 0; i < n;)
	{
		size_t end = sfs_chunk_end(i, n);

		if (sfs_poll(poll, end - i))
			return SFS_CANCELLED;
		if (type == SFS_FLOAT64)
			dropped |= pack_double(x, negate, i, end, lowest, shift, start);
		else
			pack_float(x, negate, i, end, start);
		i = end;
	}
	*exact = dropped == 0;
	if (n == 0 || order == DESCENDING)
		return SFS_OK;
	if (order == ASCENDING)
		return reverse(word, n, poll) ? SFS_CANCELLED : SFS_OK;
	result = sort_words(start, start == word ? other : word, n, poll);
	if (result == NULL)
		return SFS_CANCELLED;
	if (result != word)
		memcpy(word, result, n * sizeof(uint64_t));
	return SFS_OK;
}

/* See argsort.h. */
SfsStatus
sfs_argsort(const void *x, SfsType type, bool negate, size_t n, uint32_t *perm, double *sorted,
			uint64_t *scratch, SfsPoll *poll)
{
	size_t size = type == SFS_FLOAT64 ? sizeof(double) : sizeof(float);
	bool exact;
	SfsStatus status =
		sfs_sort_words(x, type, negate, n, scratch, (uint64_t *) (void *) sorted, &exact, poll);

	for (size_t i = 0; i < n && status == SFS_OK;)
	{
		size_t end = sfs_chunk_end(i, n);

		if (sfs_poll(poll, end - i))
			return SFS_CANCELLED;
		for (; i < end; i++)
		{
			size_t ahead = i + SFS_PREFETCH < n ? i + SFS_PREFETCH : i;

			__builtin_prefetch((const char *) x + (uint32_t) scratch[ahead] * size);
			perm[i] = (uint32_t) scratch[i];
			sorted[i] = sfs_sort_value(x, type, negate, perm[i]);
		}
	}
	if (status != SFS_OK || exact)
		return status;
	return repair_runs(scratch, n, perm, sorted, poll);
}
