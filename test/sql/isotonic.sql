-- isotonic_regression and its derivative.
SET extra_float_digits = 0;

SELECT isotonic_regression(ARRAY[1,3,2,4]);
SELECT isotonic_regression(ARRAY[5,4,3,2,1]);
SELECT isotonic_regression(ARRAY[4,5,1,3], direction => 'DESC');
SELECT isotonic_regression(ARRAY[4,5,1,3], 'descending');
SELECT isotonic_regression(y => ARRAY[1,3,2,4], direction => 'asc');

-- Weights.
SELECT isotonic_regression(ARRAY[1,3,2,4], ARRAY[1,3,1,1]);
SELECT isotonic_regression(ARRAY[1,3,2,4], weights => ARRAY[1,1,3,1]);
SELECT isotonic_regression(ARRAY[4,5,1,3], ARRAY[1,3,1,1], 'desc');
SELECT isotonic_regression(ARRAY[1,3,2,4], ARRAY[0.5,0.5,0.5,0.5]::float8[]);
SELECT isotonic_regression('{2,1}'::float8[], '{1e308,1e308}'::float8[]);
SELECT isotonic_regression('{2,1}'::float8[], '{1e-320,3e-320}'::float8[]);

-- Derivatives; blocks of equal means are one.
SELECT isotonic_regression_vjp(ARRAY[1,3,2,4], ARRAY[1,10,0,5]);
SELECT isotonic_regression_vjp(ARRAY[1,3,2,4], ARRAY[1,10,0,5], ARRAY[1,3,1,1]);
SELECT isotonic_regression_vjp(ARRAY[4,5,1,3], ARRAY[1,10,0,5], 'desc');
SELECT isotonic_regression_vjp(ARRAY[4,5,1,3], ARRAY[1,10,0,5], ARRAY[1,3,1,1], 'desc');
SELECT isotonic_regression_vjp(ARRAY[2,2,2], ARRAY[1,0,2]);
SELECT isotonic_regression_vjp(y => ARRAY[1,3,2,4], weights => ARRAY[1,3,1,1], cotangent => ARRAY[1,10,0,5]);

-- Batches; one list of weights for every row.
SELECT isotonic_regression('{{3,1},{1,3}}'::int[]);
SELECT isotonic_regression('{{3,1},{1,3}}'::int[], '{3,1}'::int[]);
SELECT isotonic_regression('{{3,1},{1,3}}'::int[], '{{3,1},{1,1}}'::int[], 'desc');
SELECT isotonic_regression_vjp('{{3,1},{1,3}}'::int[], '{{4,8},{1,2}}'::int[], '{3,1}'::int[]);

-- NULL keeps its place; a NULL weight drops its value.
SELECT isotonic_regression('{3,NULL,1,NULL,5}'::int[]);
SELECT isotonic_regression('[0:4]={3,NULL,1,2,5}'::int[], '{1,1,1,NULL,1}'::int[]);
SELECT isotonic_regression_vjp('{3,NULL,1,5}'::int[], '{1,NULL,0,7}'::int[]);
SELECT isotonic_regression_vjp('{3,NULL,1,5}'::int[], '{1,NULL,0,NULL}'::int[], '{1,1,1,NULL}'::int[]);
SELECT isotonic_regression('{}'::int[]);
SELECT isotonic_regression('{}'::int[], '{}'::int[]);
SELECT isotonic_regression('{7}'::int[]);

SELECT isotonic_regression('{1.7e308,1.6e308,-1.7e308}'::float8[]);
SELECT isotonic_regression('{0.5,0.25}'::real[]);
SELECT pg_typeof(isotonic_regression('{1}'::real[])) AS real,
	pg_typeof(isotonic_regression('{1}'::real[], '{1}'::real[])) AS real_real,
	pg_typeof(isotonic_regression('{1}'::real[], '{1}'::int[])) AS real_int,
	pg_typeof(isotonic_regression_vjp('{1}'::real[], '{1}'::real[], '{1}'::real[])) AS real_3;
