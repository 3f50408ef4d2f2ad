-- soft_sort over one list: options, strengths, ties, limits, range of the inputs.
SET extra_float_digits = 0;

-- The examples of torchsort's README and of fast-soft-sort.
SELECT soft_sort(ARRAY[8,0,5,3,2,1,6,7,9]);
SELECT soft_sort(ARRAY[8,0,5,3,2,1,6,7,9], 'l2', 0.1);
SELECT soft_sort(ARRAY[5,1,2]);
SELECT soft_sort(ARRAY[5,1,2], 'kl');

-- From hard to soft; the mean is the limit of l2.
SELECT soft_sort(ARRAY[5,1,2], 'l2', 0.25);
SELECT soft_sort(ARRAY[5,1,2], 'l2', 0.5);
SELECT soft_sort(ARRAY[5,1,2], 'l2', 1000);
SELECT soft_sort(ARRAY[5,1,2], 'l2', 1e300);
SELECT soft_sort(ARRAY[5,1,2], 'kl', 0.25);
SELECT soft_sort(ARRAY[5,1,2], 'kl', 0.5);
SELECT soft_sort(ARRAY[5,1,2], 'kl', 1000);

-- Options: defaults, names, places, case.
SELECT soft_sort(ARRAY[5,1,2], direction => 'desc');
SELECT soft_sort(ARRAY[5,1,2], 'KL', 1, 'DESCENDING');
SELECT soft_sort(x => ARRAY[5,1,2], direction => 'Ascending', regularization_strength => 0.5);

-- Strength 0 sorts, also at the smallest strengths.
SELECT soft_sort(ARRAY[5,1,2,2], 'l2', 0);
SELECT soft_sort(ARRAY[5,1,2,2], 'kl', 0);
SELECT soft_sort(ARRAY[5,1,2,2], 'l2', 0, 'desc');
SELECT soft_sort(ARRAY[5,1,2,2], 'l2', 1e-320);
SELECT soft_sort(ARRAY[5,1,2,2], 'kl', 1e-320);

-- Short lists.
SELECT soft_sort('{42}'::int[]);
SELECT soft_sort('{42}'::int[], 'kl', 3);

-- NULLs come last, in both directions.
SELECT soft_sort('{5,NULL,1,2}'::int[]);
SELECT soft_sort('{NULL,5,NULL,1,2}'::int[], direction => 'desc');

-- Differences and sums that overflow do not matter.
SELECT soft_sort('{1e308,-1e308,0}'::float8[]);
SELECT soft_sort('{1e308,-1e308,0}'::float8[], 'kl');
SELECT soft_sort('{1.7e308,1.6e308,1.5e308,1.4e308}'::float8[], 'l2', 1e-308);
SELECT soft_sort('{-1e308,1e308,1e308}'::float8[], 'l2', 0);

-- real[] in, real[] out.
SELECT pg_typeof(soft_sort('{1}'::real[])) AS real, pg_typeof(soft_sort('{1}'::numeric[])) AS numeric;
SELECT soft_sort('{0.5,0.25,2}'::real[], 'l2', 2);
SELECT soft_sort('{3e38,-3e38}'::real[]);

-- A constant that is exact changes nothing else.
SET extra_float_digits = 1;
SELECT soft_sort('{1e15,1000000000000001,1000000000000000.5}'::float8[], 'l2', 2);
SELECT soft_sort('{0,1,0.5}'::float8[], 'l2', 2);
