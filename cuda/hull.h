/*
 * hull.h - finding the blocks of a row in parallel.
 *
 * Isotonic regression is the least concave majorant of prefix sums, and two majorants of
 * neighbouring parts of a row are joined by one bridge: of the blocks on the left those
 * before some position A stay, of those on the right those from some position B on, and
 * what is between becomes one block (or none, where the two parts stay apart).  Both
 * positions are found by bisection, since
 *   - seen from a start A, "the block [A, b) stays apart from the one that begins at b"
 *     is false for the starts b before the right one and true from there on, and
 *   - "the block before a stays apart from [a, B(a))" is true up to the right a and
 *     false after it.
 * Bisection starts at the seam and doubles its step, for most bridges are short.
 *
 * Deciders are in decide.h.  A decision that is not certain makes the whole row unsure.
 */
#ifndef SFS_HULL_H
#define SFS_HULL_H

#include "decide.h"

/* A bridge: everything between the starts A and B is one block; A = B where there is none. */
struct Bridge
{
	int a;
	int b;
};

/*
 * Pool up to 32 values [first, end) by one thread, pool adjacent violators with the stack
 * in a word of bits.  Returns the starts, bit i being position first + i.
 */
template <class Decider>
SFS_DEVICE uint32_t
pool_leaf(const Decider &decider, int first, int end, bool *unsure)
{
	uint32_t starts = 0;

	for (int i = first; i < end; i++)
	{
		int here = i - first;
		uint32_t below = starts;

		while (below != 0)
		{
			int top = 31 - __clz((int) below);
			int answer = decider.apart(first + top, first + here, i + 1);

			*unsure |= answer == UNSURE;
			if (answer != 0)
				break;
			here = top;
			below &= ~(1u << top);
		}
		starts = below | 1u << here;
	}
	return starts;
}

/* Find the first block of [middle, high) from whose start on blocks stay apart from [a, start). */
template <class Decider, class Starts>
SFS_DEVICE int
right_end(const Decider &decider, const Starts &starts, int a, int middle, int high, bool *unsure)
{
	int low = middle; /* blocks before low join */
	int end = high;	  /* from end on they stay apart */
	int step = 1;

	while (low < end)
	{
		int probe = step < end - low ? low + step - 1 : low + (end - low) / 2;
		int start = starts.last(probe);
		int next;
		int answer;

		next = starts.next(start + 1, high);
		answer = decider.apart(a, start, next);
		*unsure |= answer == UNSURE;
		if (answer == 0)
		{
			low = next;
			step = step < (1 << 28) ? step * 2 : step;
		}
		else
		{
			end = start;
			step = 1 << 30;
		}
	}
	return low;
}

/* Find the bridge between the blocks of [low, middle) and those of [middle, high). */
template <class Decider, class Starts>
SFS_DEVICE Bridge
find_bridge(const Decider &decider, const Starts &starts, int low, int middle, int high,
			bool *unsure)
{
	Bridge bridge = {middle, middle};
	int first = starts.last(middle - 1);
	int answer = decider.apart(first, middle, starts.next(middle + 1, high));
	int from = low;	  /* the right start is not before from */
	int end = middle; /* and before end */
	int step = 1;

	*unsure |= answer == UNSURE;
	if (answer != 0)
		return bridge;
	while (from < end)
	{
		int probe = step < end - from ? end - step : from + (end - from) / 2;
		int a = starts.last(probe);
		int b = right_end(decider, starts, a, middle, high, unsure);

		answer = a == low ? 1 : decider.apart(starts.last(a - 1), a, b);
		*unsure |= answer == UNSURE;
		if (answer == 0)
		{
			end = a;
			step = step < (1 << 28) ? step * 2 : step;
		}
		else
		{
			bridge = {a, b};
			from = starts.next(a + 1, middle);
			step = 1 << 30;
		}
	}
	return bridge;
}

/* Return the bits of word `word` that lie strictly between the ends of a bridge. */
SFS_DEVICE uint32_t
inside_bridge(Bridge bridge, int word)
{
	int first = bridge.a + 1 - word * 32;
	int end = bridge.b - word * 32;
	uint32_t mask;

	if (end <= 0 || first >= 32 || first >= end)
		return 0;
	mask = first > 0 ? 0xffffffffu << first : 0xffffffffu;
	return end < 32 ? mask & ~(0xffffffffu << end) : mask;
}

#endif /* SFS_HULL_H */
