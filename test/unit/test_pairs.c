/*
 * test_pairs.c - sfs_core_sort_pairs against qsort: lengths up to 300 and a long
 * one, ties in one and in both values, signed zeros, infinities, sorted input.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "elementary.h"
#include "tap.h"

#define LONGEST 200000

typedef struct Pair
{
	double x;
	double y;
} Pair;

static double x[LONGEST];
static double y[LONGEST];
static Pair pair[LONGEST];

/* Compare for qsort: by x, then by y. */
static int
compare(const void *a, const void *b)
{
	const Pair *p = a;
	const Pair *q = b;

	if (p->x != q->x)
		return p->x < q->x ? -1 : 1;
	return p->y < q->y ? -1 : p->y > q->y;
}

/* Sort the first n pairs and compare; return whether all is right. */
static bool
check(size_t n, const SfsHooks *hooks)
{
	size_t bytes = sfs_core_sort_pairs_workspace(n);
	void *workspace = malloc(bytes);
	bool ordered;
	bool right;

	for (size_t i = 0; i < n; i++)
		pair[i] = (Pair){x[i] + 0.0, y[i] + 0.0};
	qsort(pair, n, sizeof(Pair), compare);
	right = sfs_core_pairs_ordered(x, y, n, &ordered, hooks) == SFS_OK;
	for (size_t i = 0; i < n; i++)
		right = right && (!ordered || (sfs_double_bits(x[i]) == sfs_double_bits(pair[i].x) &&
									   sfs_double_bits(y[i]) == sfs_double_bits(pair[i].y)));
	right = right && sfs_core_sort_pairs(x, y, n, workspace, hooks) == SFS_OK;
	right = right && sfs_core_pairs_ordered(x, y, n, &ordered, hooks) == SFS_OK && ordered;
	free(workspace);
	for (size_t i = 0; i < n; i++)
		right = right && sfs_double_bits(x[i]) == sfs_double_bits(pair[i].x) &&
				sfs_double_bits(y[i]) == sfs_double_bits(pair[i].y);
	return right;
}

/* Draw a value of one of several kinds. */
static double
draw(int kind)
{
	switch (kind)
	{
		case 0:
			return normal();
		case 1:
			return (double) below(4);
		case 2:
			return below(2) ? 0.0 : -0.0;
		case 3:
			return below(3) == 0 ? (double) INFINITY : below(2) ? -(double) INFINITY : uniform();
		default:
			return 1.0 + (double) below(9) * 0x1p-52;
	}
}

/* Stop at the second look. */
static bool
stop(void *arg)
{
	return ++*(int *) arg == 2;
}

/* Run the tests. */
int
main(void)
{
	bool right = true;
	int looks = 0;
	SfsHooks hooks = {.poll = stop, .arg = &looks};
	void *workspace = malloc(sfs_core_sort_pairs_workspace(LONGEST));

	for (int kind = 0; kind < 25; kind++)
		for (size_t n = 0; n <= 300; n += n < 70 ? 1 : 23)
		{
			for (size_t i = 0; i < n; i++)
			{
				x[i] = draw(kind / 5);
				y[i] = draw(kind % 5);
			}
			right = right && check(n, NULL);
		}
	ok(right, "short lists of every kind are sorted by x, then by y");
	for (size_t i = 0; i < LONGEST; i++)
	{
		x[i] = draw(i % 3 == 0 ? 4 : 1);
		y[i] = draw((int) below(5));
	}
	ok(check(LONGEST, NULL), "a long list");
	ok(check(LONGEST, NULL), "a list that is sorted already");
	x[LONGEST / 2] = -0.0;
	ok(check(LONGEST, NULL), "and one that is not quite");
	for (size_t i = 0; i < LONGEST; i++)
		x[i] = uniform();
	ok(sfs_core_sort_pairs(x, y, LONGEST, workspace, &hooks) == SFS_CANCELLED && looks == 2,
	   "the host can stop it");
	free(workspace);
	return done_testing();
}
