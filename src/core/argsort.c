/*
 * argsort.c - argsort by equal steps of value.
 *
 * Values are mapped to integers by equal steps over their range: a monotone map,
 * so that only values that fall into one step can come out in a wrong order.  A
 * step and a position share one 32-bit word, and sorting such words is what the
 * kernels do best.  Long rows are first dealt into buckets by value, which are
 * short enough for that.  Where many values share steps (a few far outliers are
 * enough), the row is sorted by the bits of its values instead (keysort.c).  Rows
 * that are in order, or in reverse order, are not sorted.
 */
#include "argsort.h"

#include <string.h>

#include "elementary.h"
#include "kernels.h"

/* Average length of a bucket, and the largest number of buckets. */
#define BUCKET_LENGTH 1024
#define BUCKETS_MAX 8192

/* How many values are read at a time while they are dealt. */
#define DEAL 256
#define DEAL_BITS 8

/* Shorter rows are sorted as fast as their order is found. */
#define ORDER_MIN 64

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
			double value = sfs_sort_value(x, type, negate, i);

			if ((last >= value) != descending)
				return UNORDERED;
			last = value;
		}
	}
	return descending ? DESCENDING : ASCENDING;
}

/* Write the result of a row that is in order. */
static SfsStatus
copy_ordered(const void *x, SfsType type, bool negate, size_t n, bool ascending, uint32_t *perm,
			 double *sorted, SfsPoll *poll)
{
	for (size_t i = 0; i < n;)
	{
		size_t end = sfs_chunk_end(i, n);

		if (sfs_poll(poll, end - i))
			return SFS_CANCELLED;
		for (; i < end; i++)
		{
			perm[i] = (uint32_t) (ascending ? n - 1 - i : i);
			sorted[i] = sfs_sort_value(x, type, negate, perm[i]);
		}
	}
	return SFS_OK;
}

/* Return how many bits a position below n has. */
static inline int
position_bits(size_t n)
{
	return n < 2 ? 1 : 64 - __builtin_clzll((uint64_t) n - 1);
}

/* Can equal steps part the values of a range? */
static inline bool
has_steps(double low, double high)
{
	double range = high - low;

	return range > 0x1p-900 && range < 0x1p1000;
}

/*
 * Put values that fell into one step into order.  False: there are too many of
 * them for that; the values and their positions are as they were, but for order.
 */
static bool
repair(double *sorted, uint32_t *perm, size_t n)
{
	size_t moves = 2 * n + 16;

	for (size_t k = 1; k < n; k++)
	{
		double value = sorted[k];
		uint32_t position = perm[k];
		size_t j = k;

		for (; j > 0 && sorted[j - 1] < value; j--)
		{
			if (moves-- == 0)
				return false;
			sorted[j] = sorted[j - 1];
			perm[j] = perm[j - 1];
		}
		sorted[j] = value;
		perm[j] = position;
	}
	return true;
}

/*
 * Sort n <= SFS_WORDS_MAX values by one word each; false: equal steps do not part
 * them well enough.  word and other have max(n, 64) words.
 */
static bool
sort_by_words(const void *x, SfsType type, double sign, size_t n, double low, double high,
			  uint32_t *word, uint32_t *other, uint32_t *perm, double *sorted)
{
	int bits = position_bits(n);
	int width = bits + sfs_kernels->spare_bits;
	SfsQuantizer quantizer = {sign, high, 0.0};

	width = width > 32 - bits ? 32 - bits : width;
	/* a step less, so that rounding cannot reach the next power of two */
	quantizer.scale = (sfs_pow2(width) - 1.0) / (high - low);
	sfs_kernels->quantize(&quantizer, x, type, n, bits, word);
	sfs_kernels->sort_words(word, other, n, bits, width);
	return sfs_kernels->take(word, n, (UINT32_C(1) << bits) - 1, x, type, sign, perm, sorted) ||
		   repair(sorted, perm, n);
}

/* A long row that is dealt into buckets of neighbouring values. */
typedef struct Deal
{
	const void *x;
	SfsType type;
	double sign;
	size_t n;
	SfsQuantizer quantizer;
	size_t buckets;
	uint32_t *place;  /* of the next value of each bucket; one more */
	uint16_t *bucket; /* of each value */
} Deal;

/* Find and count the buckets of all values; return the largest count, 0 when stopped. */
static size_t
count_buckets(Deal *deal, SfsPoll *poll)
{
	size_t size = deal->type == SFS_FLOAT64 ? sizeof(double) : sizeof(float);
	uint32_t word[DEAL];
	size_t longest = 0;
	uint32_t total = 0;

	memset(deal->place, 0, (deal->buckets + 1) * sizeof(uint32_t));
	for (size_t i = 0; i < deal->n; i += DEAL)
	{
		size_t count = deal->n - i < DEAL ? deal->n - i : DEAL;

		if (sfs_poll(poll, count))
			return 0;
		sfs_kernels->quantize(&deal->quantizer, (const char *) deal->x + i * size, deal->type,
							  count, DEAL_BITS, word);
		for (size_t k = 0; k < count; k++)
		{
			deal->bucket[i + k] = (uint16_t) (word[k] >> DEAL_BITS);
			deal->place[word[k] >> DEAL_BITS]++;
		}
	}
	for (size_t k = 0; k <= deal->buckets; k++)
	{
		uint32_t here = deal->place[k];

		longest = here > longest ? here : longest;
		deal->place[k] = total;
		total += here;
	}
	return longest;
}

/* Deal values and their positions out; place becomes the end of each bucket. */
static inline __attribute__((always_inline)) bool
deal_out_type(Deal *deal, SfsType type, uint32_t *perm, double *sorted, SfsPoll *poll)
{
	bool negate = deal->sign < 0.0;

	for (size_t i = 0; i < deal->n;)
	{
		size_t end = sfs_chunk_end(i, deal->n);

		if (sfs_poll(poll, 2 * (end - i)))
			return true;
		for (; i < end; i++)
		{
			uint32_t to = deal->place[deal->bucket[i]]++;

			sorted[to] = sfs_sort_value(deal->x, type, negate, i);
			perm[to] = (uint32_t) i;
		}
	}
	return false;
}

/* Do that for either type. */
static bool
deal_out(Deal *deal, uint32_t *perm, double *sorted, SfsPoll *poll)
{
	return deal->type == SFS_FLOAT64 ? deal_out_type(deal, SFS_FLOAT64, perm, sorted, poll)
									 : deal_out_type(deal, SFS_FLOAT32, perm, sorted, poll);
}

/* Sort a bucket of m values, dealt out in the order of their positions. */
static SfsStatus
sort_bucket(uint32_t *perm, double *sorted, size_t m, uint64_t *scratch, SfsPoll *poll)
{
	size_t room = m > 64 ? (m + 1) & ~(size_t) 1 : 64;
	double *value = (double *) (void *) scratch;
	uint32_t *word = (uint32_t *) (scratch + room);
	uint32_t *other = word + room;
	uint32_t *position = other + room;
	uint32_t *local = position + room;
	double low;
	double high;

	if (sfs_poll(poll, 4 * m))
		return SFS_CANCELLED;
	memcpy(value, sorted, m * sizeof(double));
	sfs_kernels->range(value, SFS_FLOAT64, m, &low, &high);
	if (low == high)
		return SFS_OK;
	memcpy(position, perm, m * sizeof(uint32_t));
	if (!has_steps(low, high) ||
		!sort_by_words(value, SFS_FLOAT64, 1.0, m, low, high, word, other, local, sorted))
	{
		SfsStatus status = sfs_keysort(value, SFS_FLOAT64, false, m, local, sorted,
									   (uint64_t *) (void *) word, poll);

		if (status != SFS_OK)
			return status;
	}
	for (size_t k = 0; k < m; k++)
		perm[k] = position[local[k]];
	return SFS_OK;
}

/* Sort a long row by buckets; *done is false where equal steps do not part the values. */
static SfsStatus
sort_by_buckets(const void *x, SfsType type, double sign, size_t n, double low, double high,
				uint32_t *perm, double *sorted, uint64_t *scratch, SfsPoll *poll, bool *done)
{
	uint32_t place[BUCKETS_MAX + 1];
	Deal deal = {x, type, sign, n, {sign, high, 0.0}, 64, place, (uint16_t *) (void *) scratch};
	size_t longest;
	size_t first = 0;

	while (deal.buckets < BUCKETS_MAX && deal.buckets * BUCKET_LENGTH < n)
		deal.buckets *= 2;
	/* the largest value is in the last bucket or, rounded, in the one after it */
	deal.quantizer.scale = (double) deal.buckets / (high - low);
	longest = count_buckets(&deal, poll);
	if (longest == 0)
		return SFS_CANCELLED;
	*done = longest <= SFS_WORDS_MAX && longest <= n / 4;
	if (!*done)
		return SFS_OK;
	if (deal_out(&deal, perm, sorted, poll))
		return SFS_CANCELLED;
	for (size_t k = 0; k <= deal.buckets; k++)
	{
		size_t m = place[k] - first;
		SfsStatus status = SFS_OK;

		if (m > 1)
			status = sort_bucket(perm + first, sorted + first, m, scratch, poll);
		if (status != SFS_OK)
			return status;
		first = place[k];
	}
	return SFS_OK;
}

/* See argsort.h. */
SfsStatus
sfs_argsort(const void *x, SfsType type, bool negate, size_t n, double low, double high,
			uint32_t *perm, double *sorted, uint64_t *scratch, SfsPoll *poll)
{
	double sign = negate ? -1.0 : 1.0;
	Order order = low == high || n < 2 ? DESCENDING
				  : n > ORDER_MIN	   ? find_order(x, type, negate, n, poll)
									   : UNORDERED;
	bool done = false;

	if (order != UNORDERED)
		return copy_ordered(x, type, negate, n, order == ASCENDING, perm, sorted, poll);
	if (has_steps(low, high) && n <= SFS_WORDS_MAX)
	{
		uint32_t *word = (uint32_t *) scratch;

		if (sfs_poll(poll, 4 * n))
			return SFS_CANCELLED;
		done = sort_by_words(x, type, sign, n, low, high, word,
							 n > 64 ? (uint32_t *) (void *) sorted : word + 64, perm, sorted);
	}
	else if (has_steps(low, high))
	{
		SfsStatus status =
			sort_by_buckets(x, type, sign, n, low, high, perm, sorted, scratch, poll, &done);

		if (status != SFS_OK)
			return status;
	}
	return done ? SFS_OK : sfs_keysort(x, type, negate, n, perm, sorted, scratch, poll);
}

/* See argsort.h. */
SfsStatus
sfs_sort_values(const void *x, SfsType type, bool negate, size_t n, double low, double high,
				uint32_t *perm, double *sorted, uint64_t *scratch, SfsPoll *poll)
{
	uint32_t *word = (uint32_t *) scratch;

	if (type != SFS_FLOAT32 || n == 0 || n > SFS_WORDS_MAX || sfs_kernels->sort_floats == NULL)
		return sfs_argsort(x, type, negate, n, low, high, perm, sorted, scratch, poll);
	if (sfs_poll(poll, 4 * n))
		return SFS_CANCELLED;
	sfs_kernels->sort_floats(x, n, negate ? -1.0 : 1.0, word, word + (n > 64 ? n : 64), sorted);
	return SFS_OK;
}

/* See argsort.h. */
bool
sfs_range(const void *x, SfsType type, bool negate, size_t n, double *low, double *high,
		  SfsPoll *poll)
{
	size_t size = type == SFS_FLOAT64 ? sizeof(double) : sizeof(float);
	double least = 0.0;
	double most = 0.0;

	for (size_t i = 0; i < n;)
	{
		size_t end = sfs_chunk_end(i, n);
		double chunk_least;
		double chunk_most;

		if (sfs_poll(poll, end - i))
			return true;
		sfs_kernels->range((const char *) x + i * size, type, end - i, &chunk_least, &chunk_most);
		least = i == 0 || chunk_least < least ? chunk_least : least;
		most = i == 0 || chunk_most > most ? chunk_most : most;
		i = end;
	}
	/* never -0 */
	*low = (negate ? -most : least) + 0.0;
	*high = (negate ? -least : most) + 0.0;
	return false;
}
