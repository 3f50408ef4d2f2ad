-- soft_rank over one list: options, strengths, ties, limits, range of the inputs.
SET extra_float_digits = 0;

-- The example of torchsort's README, and that of fast-soft-sort.
SELECT soft_rank(ARRAY[8,0,5,3,2,1,6,7,9]);
SELECT soft_rank(ARRAY[5,1,2], 'l2', 2.0);
SELECT soft_rank(ARRAY[5,1,2], 'kl', 1.0);
SELECT soft_rank(ARRAY[1,2,4], 'kl', 2.0);

-- From hard to soft.
SELECT soft_rank(ARRAY[1,2,4], 'l2', 0.5);
SELECT soft_rank(ARRAY[1,2,4], 'l2', 1);
SELECT soft_rank(ARRAY[1,2,4], 'l2', 2);
SELECT soft_rank(ARRAY[1,2,4], 'l2', 8);
SELECT soft_rank(ARRAY[1,2,4], 'kl', 0.5);
SELECT soft_rank(ARRAY[1,2,4], 'kl', 8);
SELECT soft_rank(ARRAY[1,2,4], 'l2', 1e300);
SELECT soft_rank(ARRAY[1,2,4], 'kl', 1e300);

-- Options: defaults, names, places, case.
SELECT soft_rank(ARRAY[1,2,4], regularization_strength => 2);
SELECT soft_rank(ARRAY[1,2,4], regularization => 'kl', regularization_strength => 2);
SELECT soft_rank(x => ARRAY[1,2,4], direction => 'desc', regularization_strength => 2);
SELECT soft_rank(ARRAY[1,2,4], 'L2', 2, 'DESC', false);
SELECT soft_rank(ARRAY[1,2,4], 'Kl', 2, 'Descending');
SELECT soft_rank(ARRAY[1,2,4], 'KL', 2, 'aScEnDiNg');
SELECT soft_rank(ARRAY[1,2,4], 'l2', 2, 'Asc', standardize => false);

-- Strength 0 is the limit: hard ranks, mid-ranks for ties, also at the smallest strengths.
SELECT soft_rank(ARRAY[30,10,20,20], 'l2', 0);
SELECT soft_rank(ARRAY[30,10,20,20], 'kl', 0);
SELECT soft_rank(ARRAY[30,10,20,20], 'l2', 0, 'desc');
SELECT soft_rank(ARRAY[30,10,20,20], 'l2', 1e-320);
SELECT soft_rank(ARRAY[30,10,20,20], 'kl', 1e-320);
SELECT soft_rank(ARRAY[7,7,7], 'l2', 0);
SELECT soft_rank(ARRAY[7,7,7], 'l2', 3);
SELECT soft_rank(ARRAY[7,7,7], 'kl', 3);

-- Zeros are equal, whatever their sign.
SELECT soft_rank('{0,-0,1}'::float8[], 'l2', 0);

-- Short lists.
SELECT soft_rank('{42}'::int[]);
SELECT soft_rank('{42}'::int[], 'kl', 0, 'desc', true);
SELECT soft_rank('{2,1}'::int[], 'l2', 4);

-- In units of the list's own spread.  The standard deviation of {2,4,4,4,5,5,7,9} is 2.
SELECT soft_rank(ARRAY[2,4,4,4,5,5,7,9], standardize => true);
SELECT soft_rank(ARRAY[2,4,4,4,5,5,7,9], 'l2', 0.1, 'asc', true);
SELECT soft_rank(ARRAY[2,4,4,4,5,5,7,9], 'kl', 1, 'desc', true);
SELECT soft_rank(ARRAY[2,4,4,4,5,5,7,9], 'l2', 0, 'asc', true);
SELECT soft_rank(ARRAY[7,7,7], standardize => true);
SELECT soft_rank(ARRAY[7,7,7], 'kl', 1, 'asc', true);
SELECT soft_rank('{42}'::int[], standardize => true);
SELECT soft_rank('{42,NULL}'::int[], standardize => true);

-- Differences that overflow do not matter, nor does a constant that is exact.
SELECT soft_rank('{1e308,-1e308}'::float8[]);
SELECT soft_rank('{1e308,-1e308}'::float8[], 'kl');
SELECT soft_rank('{1e308,-1e308,0}'::float8[], 'l2', 1.7e308);
SELECT soft_rank('{1e308,-1e308,0}'::float8[], 'kl', 1.7e308);
SELECT soft_rank('{1e308,-1e308,0}'::float8[], 'l2', 1, 'asc', true);
SELECT soft_rank('{1e308,-1e308,0}'::float8[], 'l2', 1e-320);
SELECT soft_rank('{1.7976931348623157e308,-1.7976931348623157e308}'::float8[], 'l2', 1.7976931348623157e308);
SELECT soft_rank('{5e-324,0,1e-323}'::float8[]);
SELECT soft_rank('{5e-324,0,1e-323}'::float8[], 'l2', 1e-323);
SELECT soft_rank('{5e-324,0,1e-323}'::float8[], 'l2', 1, 'asc', true);
SELECT soft_rank('{1000000000000000.25,1000000000000000,1000000000000000.5}'::float8[]);
SELECT soft_rank('{0.25,0,0.5}'::float8[]);

-- The type of the result.
SELECT pg_typeof(soft_rank('{1}'::real[])) AS real, pg_typeof(soft_rank('{1}'::float8[])) AS float8;
SELECT soft_rank('{0.5,0.25,2}'::real[], 'l2', 2);
SELECT soft_rank('{1,2,4}'::real[], 'kl', 2);

-- A bare literal has no type by which to choose.
\set VERBOSITY sqlstate
SELECT soft_rank('{1,2}');
