-- soft_rank_strength_range: up to strength_min hard ranks, from strength_max one group.
SET extra_float_digits = 0;

-- l2: min is the smallest gap; max the largest (mean of the k largest - mean) / ((n - k) / 2).
SELECT soft_rank_strength_range(ARRAY[1,2,4]);
SELECT * FROM soft_rank_strength_range(ARRAY[39.1,39.5,40.3,36.7]);
SELECT (soft_rank_strength_range(ARRAY[5,1,2])).strength_max;
-- In units of the list's own spread.
SELECT * FROM soft_rank_strength_range(ARRAY[1,2,4], standardize => true);
SELECT * FROM soft_rank_strength_range(ARRAY[10,20,40], 'l2', true);

-- kl: min is the smallest gap / log of the ratio of its ranks, to ten digits: the last ones say on which side it is safe.
SET extra_float_digits = -5;
SELECT * FROM soft_rank_strength_range(ARRAY[1,2,4], 'kl');
SELECT * FROM soft_rank_strength_range(ARRAY[39.1,39.5,40.3,36.7], regularization => 'KL');
SELECT * FROM soft_rank_strength_range(ARRAY[1,2,4], 'kl', true);
SET extra_float_digits = 0;

-- Ties: groups of equal values against each other.
SELECT * FROM soft_rank_strength_range(ARRAY[1,1,2,4,4]);

-- One gap: hard ranks up to one group, then one group.
SELECT * FROM soft_rank_strength_range(ARRAY[1,2]);
SELECT * FROM soft_rank_strength_range(ARRAY[1,2,3]);

-- NULL elements take no part.
SELECT * FROM soft_rank_strength_range('{1,NULL,2,4,NULL}'::int[]);
SELECT * FROM soft_rank_strength_range('[7:9]={1,2,4}'::real[]);

-- Nothing to tell: fewer than two values, or all equal.
SELECT * FROM soft_rank_strength_range('{1}'::int[]);
SELECT * FROM soft_rank_strength_range('{}'::int[]);
SELECT * FROM soft_rank_strength_range('{3,NULL}'::int[], 'kl');
SELECT * FROM soft_rank_strength_range('{3,3,3}'::int[], 'l2', true);
SELECT * FROM soft_rank_strength_range('{NULL,NULL}'::int[]);
SELECT * FROM soft_rank_strength_range(NULL::int[]);
SELECT * FROM soft_rank_strength_range(ARRAY[1,2,4], NULL);

-- Large and tiny values.
SELECT * FROM soft_rank_strength_range('{5e307,-5e307,0}'::float8[]);
SELECT * FROM soft_rank_strength_range('{1e308,-1e308}'::float8[], 'l2', true);
SELECT * FROM soft_rank_strength_range('{5e-324,0}'::float8[]);

-- It says what soft_rank does: hard at min, not beyond; affine from max on, not before.
SELECT soft_rank(x, 'l2', strength_min) = soft_rank(x, 'l2', 0) AS hard_at_min,
	soft_rank(x, 'l2', strength_min * 1.001) = soft_rank(x, 'l2', 0) AS hard_beyond,
	soft_rank_jacobian(x, 'l2', strength_max) AS at_max,
	soft_rank_jacobian(x, 'l2', strength_max * 0.999) AS before
FROM (SELECT ARRAY[1,2,4]) AS t (x), soft_rank_strength_range(x);

SELECT x, soft_rank(x, 'kl', strength_min) = soft_rank(x, 'kl', 0) AS hard_at_min,
	(soft_rank_jacobian(x, 'kl', strength_max))[array_position(x, min_x)][array_position(x, max_x)] < 0 AS joined_at_max
FROM (VALUES ('{0,1,1}'::float8[], 0.0, 1.0), ('{1,2,4}', 1, 4), ('{0,0,0,1,1,1}', 0, 1), ('{0.1,0.2,0.4,0.3}', 0.1, 0.4)) AS t (x, min_x, max_x),
	soft_rank_strength_range(x, 'kl');

-- The columns of the result.
SELECT pg_get_function_arguments('soft_rank_strength_range(real[],text,boolean)'::regprocedure);
