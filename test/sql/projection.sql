-- permutahedron_projection and its derivatives in z.
SET extra_float_digits = 0;

-- soft_rank(ARRAY[5,1,2], 'l2', 2) is this; w in any order.
SELECT permutahedron_projection(ARRAY[2.5,0.5,1.0], ARRAY[1,2,3]::float8[]);
SELECT permutahedron_projection(ARRAY[2.5,0.5,1.0], ARRAY[3,1,2]::float8[]);
SELECT permutahedron_projection(ARRAY[5,1,2], ARRAY[0,0,10]);
SELECT permutahedron_projection(ARRAY[5,1,2], ARRAY[0,0,10], 'l2');
SELECT permutahedron_projection(z => ARRAY[0,0,0], w => ARRAY[1,2,9]);

-- kl takes and returns logarithms.
SELECT permutahedron_projection(ARRAY[5,1,2]::float8[], ARRAY[0,0.5,1]::float8[], 'kl');
SELECT permutahedron_projection(ARRAY[0.25,0.5,0]::float8[], ARRAY[0,1,2]::float8[], 'KL');
SELECT permutahedron_projection(w => ARRAY[0,0,0], z => ARRAY[3,1,2], regularization => 'kl');

-- Derivatives.
SELECT permutahedron_projection_vjp(ARRAY[2.5,0.5,1.0], ARRAY[1,2,3], ARRAY[1,10,0]);
SELECT permutahedron_projection_jvp(ARRAY[2.5,0.5,1.0], ARRAY[1,2,3], ARRAY[1,10,0]);
SELECT permutahedron_projection_vjp(ARRAY[0.25,0.5,0]::float8[], ARRAY[0,1,2], ARRAY[1,10,100], 'kl');
SELECT permutahedron_projection_jvp(ARRAY[0.25,0.5,0]::float8[], ARRAY[0,1,2], ARRAY[1,10,100], 'kl');
SELECT permutahedron_projection_vjp(z => ARRAY[0.25,0.5,0]::float8[], cotangent => ARRAY[1,10,100], w => ARRAY[0,1,2]);

-- One w for every row, or one w a row.
SELECT permutahedron_projection('{{1,2},{20,10}}'::int[], '{5,6}'::int[]);
SELECT permutahedron_projection('{{1,2},{20,10}}'::int[], '{{5,6},{7,9}}'::int[]);
SELECT permutahedron_projection_vjp('{{1,2},{10,10}}'::int[], '{5,9}'::int[], '{{1,2},{3,9}}'::int[]);
SELECT permutahedron_projection_jvp('{{1,2},{10,10}}'::int[], '{5,9}'::int[], '{{1,2},{3,9}}'::int[]);
SELECT permutahedron_projection('[2:3][0:1]={{1,2},{20,10}}'::int[], '{5,6}'::int[]);

-- A NULL on either side drops the pair.
SELECT permutahedron_projection('{9,NULL,1,5}'::int[], '{1,2,3,NULL}'::int[]);
SELECT permutahedron_projection('{{9,NULL,5},{1,2,3}}'::int[], '{1,2,NULL}'::int[]);
SELECT permutahedron_projection_vjp('{1,NULL,1,5}'::int[], '{1,2,3,NULL}'::int[], '{1,NULL,0,NULL}'::int[]);
SELECT permutahedron_projection_jvp('{{1,2,9},{1,1,9}}'::int[], '{1,2,NULL}'::int[], '{{1,0,NULL},{1,0,NULL}}'::int[]);
SELECT permutahedron_projection('{1,2}'::int[], '{NULL,NULL}'::int[]);
-- A value that takes no part may be anything.
SELECT permutahedron_projection('{9,NaN,1}'::float8[], '{1,NULL,3}'::float8[]);
SELECT permutahedron_projection('{9,NULL,1}'::float8[], '{1,Infinity,3}'::float8[]);

SELECT permutahedron_projection('{}'::int[], '{}'::int[]);
SELECT permutahedron_projection_vjp('{}'::int[], '{}'::int[], '{}'::int[]);

-- Sums that overflow do not matter.
SELECT permutahedron_projection('{1e308,-1e308,1e308}'::float8[], '{1.5e308,1.6e308,1.7e308}'::float8[]);
SELECT permutahedron_projection('{1e308,-1e308,1e308}'::float8[], '{-1.7e308,1.7e308,1.6e308}'::float8[], 'kl');

-- Types of the results: of two arrays both decide, of three the first.
SELECT pg_typeof(permutahedron_projection('{1}'::real[], '{1}'::real[])) AS real_real,
	pg_typeof(permutahedron_projection('{1}'::real[], '{1}'::int[])) AS real_int,
	pg_typeof(permutahedron_projection_vjp('{1}'::real[], '{1}'::int[], '{1}'::float8[])) AS real_3,
	pg_typeof(permutahedron_projection_jvp('{1}'::int[], '{1}'::real[], '{1}'::real[])) AS int_3;
