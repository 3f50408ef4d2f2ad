/*
 * keysort.c - argsort by the bits of values: packed radix sort.
 *
 * What sfs_argsort turns to when values are spread so unevenly that equal steps do
 * not part them.  A value becomes an unsigned key whose order is the wanted order.
 * The 32 leading bits of the key (all of it for float) and the position share one
 * 64-bit word, so sorting words is a stable argsort: an LSD radix sort that leaves
 * out digits in which all keys agree; its second buffer is the place of the sorted
 * values.  Doubles whose leading key bits agree come out in the order of their
 * positions; such runs are put right afterwards by their full values, so the worst
 * case is two sorts.
 */
#include "argsort.h"

#include <string.h>

#include "elementary.h"

#define INSERTION_MAX 32
#define LARGE_DIGITS_MIN 8192

/* How many elements before its turn a value at a random place is asked for. */
#define PREFETCH 24

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
 * values, so that the place of the values is scratch; word has n words.
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
	result = sort_radix(word, (uint64_t *) (void *) sorted, n, poll);
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

/* Sort n values of a run descending, and perm along; word is scratch of n words. */
static SfsStatus
sort_run(double *sorted, uint32_t *perm, size_t n, uint64_t *word, SfsPoll *poll)
{
	bool ordered = true;

	for (size_t i = 1; i < n && ordered; i++)
	{
		if (sfs_poll(poll, 1))
			return SFS_CANCELLED;
		ordered = sorted[i - 1] >= sorted[i];
	}
	if (ordered)
		return SFS_OK;
	if (n > INSERTION_MAX)
		return radix_run(sorted, perm, n, word, poll);
	insertion_run(sorted, perm, n);
	return SFS_OK;
}

/* Return the end of the run of equal leading bits that begins at i; 0 when stopped. */
static inline size_t
run_end(const uint64_t *word, size_t i, size_t n, SfsPoll *poll)
{
	uint64_t leading = word[i] >> 32;

	for (i++; i < n && word[i] >> 32 == leading; i++)
		if (sfs_poll(poll, 1))
			return 0;
	return i;
}

/* Put the runs of equal leading key bits of a whole row into the order of their full values. */
static SfsStatus
repair_runs(uint64_t *word, size_t n, uint32_t *perm, double *sorted, SfsPoll *poll)
{
	for (size_t i = 0; i + 1 < n;)
	{
		size_t end = run_end(word, i, n, poll);
		SfsStatus status = SFS_OK;

		if (end == 0)
			return SFS_CANCELLED;
		if (end - i > 1)
			status = sort_run(&sorted[i], &perm[i], end - i, &word[i], poll);
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

/*
 * Sort words of 32 leading key bits over the position.  Returns where they are,
 * word or other, or NULL when stopped; exact: equal leading bits are equal values.
 */
static uint64_t *
sort_keys(const void *x, SfsType type, bool negate, size_t n, uint64_t *word, uint64_t *other,
		  bool *exact, SfsPoll *poll)
{
	/* three passes go from other to word, four from word to word */
	uint64_t *start = n < LARGE_DIGITS_MIN ? word : other;
	uint64_t lowest = 0;
	uint64_t dropped = 0;
	int shift = 0; /* key bits that do not fit beside the position */

	if (type == SFS_FLOAT64 && key_range(x, negate, n, &lowest, &shift, poll))
		return NULL;
	for (size_t i = 0; i < n;)
	{
		size_t end = sfs_chunk_end(i, n);

		if (sfs_poll(poll, end - i))
			return NULL;
		if (type == SFS_FLOAT64)
			dropped |= pack_double(x, negate, i, end, lowest, shift, start);
		else
			pack_float(x, negate, i, end, start);
		i = end;
	}
	*exact = dropped == 0;
	return sort_radix(start, start == word ? other : word, n, poll);
}

/* See argsort.h. */
SfsStatus
sfs_keysort(const void *x, SfsType type, bool negate, size_t n, uint32_t *perm, double *sorted,
			uint64_t *scratch, SfsPoll *poll)
{
	size_t size = type == SFS_FLOAT64 ? sizeof(double) : sizeof(float);
	bool exact;
	uint64_t *word;

	if (n <= INSERTION_MAX)
	{
		for (size_t i = 0; i < n; i++)
		{
			perm[i] = (uint32_t) i;
			sorted[i] = sfs_sort_value(x, type, negate, i);
		}
		insertion_run(sorted, perm, n);
		return SFS_OK;
	}
	word = sort_keys(x, type, negate, n, scratch, (uint64_t *) (void *) sorted, &exact, poll);
	if (word == NULL)
		return SFS_CANCELLED;
	for (size_t i = 0; i < n;)
	{
		size_t end = sfs_chunk_end(i, n);

		if (sfs_poll(poll, end - i))
			return SFS_CANCELLED;
		/* sorted takes the values, from the begin on: what is there moves ahead of that */
		if (word != scratch)
			memcpy(scratch + i, word + i, (end - i) * sizeof(uint64_t));
		for (; i < end; i++)
		{
			size_t ahead = i + PREFETCH < end ? i + PREFETCH : i;

			__builtin_prefetch((const char *) x + (uint32_t) scratch[ahead] * size);
			perm[i] = (uint32_t) scratch[i];
			sorted[i] = sfs_sort_value(x, type, negate, perm[i]);
		}
	}
	return exact ? SFS_OK : repair_runs(scratch, n, perm, sorted, poll);
}
