-- Derivatives of soft_rank and soft_sort: _vjp, _jvp, _jacobian.
SET extra_float_digits = 0;

-- The example of torchsort's README: the mean of nine values.
SELECT soft_sort_vjp(ARRAY[8,0,5,3,2,1,6,7,9], ARRAY[1,0,0,0,0,0,0,0,0]);

-- soft_rank: 0 for a value on its own; (1 - 1/m) / strength within a group of m for l2.
SELECT soft_rank_vjp(ARRAY[5,1,2], ARRAY[1,10,0], 'l2', 2);
SELECT soft_rank_jvp(ARRAY[5,1,2], ARRAY[1,10,0], 'l2', 2);
SELECT soft_rank_jacobian(ARRAY[5,1,2], 'l2', 2);
SELECT soft_rank_jacobian(ARRAY[5,1,2], 'l2', 2, 'desc');
SELECT soft_rank_jacobian(ARRAY[5,1,2], 'l2', 8);
SELECT soft_rank_jacobian(ARRAY[1,2,4], 'kl', 2);
SELECT soft_rank_vjp(ARRAY[1,2,4], ARRAY[1,10,100], 'kl', 8);
SELECT soft_rank_jvp(ARRAY[1,2,4], ARRAY[1,10,100], 'kl', 8);
SELECT soft_rank_vjp(ARRAY[1,2,4], ARRAY[1,10,100], 'kl', 8, 'desc');

-- Groups that touch are one.
SELECT soft_rank_jacobian(ARRAY[1,2,3]);
SELECT soft_rank_jacobian(ARRAY[2,2]);

-- With standardize the derivative includes that of the spread.
SELECT soft_rank_vjp(ARRAY[5,1,2], ARRAY[1,10,0], standardize => true);
SELECT soft_rank_jvp(ARRAY[5,1,2], ARRAY[1,10,0], standardize => true);
SELECT soft_rank_jacobian(ARRAY[5,1,2], standardize => true);
SELECT soft_rank_vjp(ARRAY[5,1,2], ARRAY[1,10,0], 'kl', 2, 'desc', true);
SELECT soft_rank_jvp(ARRAY[5,1,2], ARRAY[1,10,0], 'kl', 2, 'desc', true);
SELECT soft_rank_vjp(ARRAY[7,7,7], ARRAY[1,2,3], standardize => true);
SELECT soft_rank_jacobian('{42}'::int[], standardize => true);

-- soft_sort: a cotangent counts by sorted place, a tangent by the place in x.
SELECT soft_sort_vjp(ARRAY[5,1,2], ARRAY[1,0,0], 'l2', 0.1);
SELECT soft_sort_jvp(ARRAY[5,1,2], ARRAY[1,0,0], 'l2', 0.1);
SELECT soft_sort_jacobian(ARRAY[5,1,2], 'l2', 0.1);
SELECT soft_sort_jacobian(ARRAY[5,1,2], 'l2', 0.1, 'desc');
SELECT soft_sort_jacobian(ARRAY[5,1,2], 'l2', 0.75);
SELECT soft_sort_jacobian(ARRAY[5,1,2], 'kl', 0.75);
SELECT soft_sort_vjp(ARRAY[5,1,2], ARRAY[1,10,100], 'kl');
SELECT soft_sort_jvp(ARRAY[5,1,2], ARRAY[1,10,100], 'kl');
SELECT soft_sort_vjp(ARRAY[5,1,2], ARRAY[1,10,100], 'kl', direction => 'desc');

-- Equal values share a derivative evenly.
SELECT soft_sort_vjp(ARRAY[5,2,2], ARRAY[1,0,0], 'l2', 0.1);
SELECT soft_sort_jvp(ARRAY[5,2,2], ARRAY[0,1,0], 'l2', 0.1);

-- Strength 0 is the derivative of the limit: 0 for ranks, the permutation for sorted values.
SELECT soft_rank_vjp(ARRAY[5,1,2,2], ARRAY[1,2,3,4], 'l2', 0);
SELECT soft_rank_jvp(ARRAY[5,1,2,2], ARRAY[1,2,3,4], 'kl', 0);
SELECT soft_rank_jacobian(ARRAY[5,1,2], 'l2', 0);
SELECT soft_rank_vjp(ARRAY[5,1,2], ARRAY[1,2,3], 'l2', 0, 'asc', true);
SELECT soft_sort_vjp(ARRAY[5,1,2,2], ARRAY[1,2,3,4], 'l2', 0);
SELECT soft_sort_vjp(ARRAY[5,1,2,2], ARRAY[1,2,3,4], 'kl', 0, 'desc');
SELECT soft_sort_jvp(ARRAY[5,1,2,2], ARRAY[1,2,3,4], 'l2', 0);
SELECT soft_sort_jacobian(ARRAY[5,1,2,2], 'kl', 0);

-- NULL in x gives NULL there; what a cotangent holds there is not read.
SELECT soft_rank_vjp('{5,NULL,1,2}'::int[], '{1,NULL,10,0}'::int[], 'l2', 2);
SELECT soft_rank_jvp('{5,NULL,1,2}'::float8[], '{1,NaN,10,0}'::float8[], 'l2', 2);
SELECT soft_rank_jacobian('{5,NULL,1,2}'::int[], 'l2', 2);
SELECT soft_sort_vjp('{5,NULL,2,2}'::int[], '{1,0,0,NULL}'::int[], 'l2', 0.1);
SELECT soft_sort_vjp('{5,NULL,2,2}'::float8[], '{1,0,0,Infinity}'::float8[], 'l2', 0.1);
SELECT soft_sort_jvp('{5,NULL,2,2}'::int[], '{1,NULL,0,4}'::int[], 'l2', 0.1);
SELECT soft_sort_jacobian('{5,NULL,2}'::int[], 'l2', 0.1);
SELECT soft_rank_jacobian('{NULL,NULL}'::int[]);
SELECT soft_sort_jacobian('{NULL,NULL}'::int[]);
SELECT soft_rank_vjp('{NULL,NULL}'::int[], '{NULL,1}'::int[]);
SELECT soft_sort_vjp('{NULL,NULL}'::int[], '{NULL,NULL}'::int[]);

-- Batches, lower bounds, empty arrays.
SELECT soft_rank_vjp('{{5,1},{2,3}}'::int[], '{{1,0},{0,1}}'::int[], 'l2', 8);
SELECT soft_rank_jvp('[0:1][3:4]={{5,1},{2,3}}'::int[], '{{1,0},{0,1}}'::int[], 'l2', 8);
SELECT soft_sort_vjp('{{5,1,NULL},{2,NULL,NULL}}'::int[], '{{1,2,NULL},{3,NULL,NULL}}'::int[], 'l2', 0.1);
SELECT soft_sort_jvp('{{5,1,NULL},{NULL,NULL,2}}'::int[], '{{1,2,NULL},{NULL,9,3}}'::int[], 'l2', 0.1);
SELECT soft_sort_jacobian('[-1:0]={5,1}'::int[], 'l2', 0.1);
SELECT soft_rank_vjp('{}'::int[], '{}'::int[]);
SELECT soft_sort_jvp('{}'::real[], '{}'::real[]);
SELECT soft_rank_jacobian('{}'::int[]);
SELECT soft_sort_jacobian('{}'::real[]);

-- real[] of real[] and real[], else double precision[].
SELECT pg_typeof(soft_rank_vjp('{1}'::real[], '{1}'::real[])) AS real_real,
	pg_typeof(soft_rank_vjp('{1}'::real[], '{1}'::float8[])) AS real_float8,
	pg_typeof(soft_rank_vjp('{1}'::real[], '{1}'::int[])) AS real_int,
	pg_typeof(soft_rank_vjp('{1}'::int[], '{1}'::real[])) AS int_real,
	pg_typeof(soft_rank_jacobian('{1}'::real[])) AS jacobian;
SELECT soft_rank_vjp('{5,1,2}'::real[], '{1,10,0}'::real[], 'l2', 2);
SELECT soft_sort_jacobian('{5,1,2}'::real[], 'l2', 0.75);

-- A tiny strength is exact as long as the result is a number.
SELECT soft_rank_vjp('{1,1}'::float8[], '{2e-16,0}'::float8[], 'l2', 2e-308);
SELECT soft_rank_vjp('{5,1}'::float8[], '{1,0}'::float8[], 'l2', 1e-320);
SELECT soft_rank_jacobian('{1e308,-1e308}'::float8[], 'l2', 1.7e308, 'asc', true) = '{{0,0},{0,0}}' AS zero;
