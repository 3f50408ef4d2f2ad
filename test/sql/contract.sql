-- The numbers that must come out, to four decimals.

CREATE FUNCTION four(anyarray) RETURNS numeric[] LANGUAGE sql AS
	'SELECT array_agg(round(v::numeric, 4) ORDER BY i) FROM unnest($1) WITH ORDINALITY AS u (v, i)';
CREATE FUNCTION four(float8) RETURNS numeric LANGUAGE sql AS 'SELECT round($1::numeric, 4)';

-- torchsort's README.
SELECT four(soft_sort(ARRAY[8,0,5,3,2,1,6,7,9]));
SELECT four(soft_sort(ARRAY[8,0,5,3,2,1,6,7,9], 'l2', 0.1));
SELECT four(soft_rank(ARRAY[8,0,5,3,2,1,6,7,9]));
SELECT four(soft_sort_vjp(ARRAY[8,0,5,3,2,1,6,7,9], ARRAY[1,0,0,0,0,0,0,0,0]));
SELECT four(soft_spearman(ARRAY[1,2,3,4,5], ARRAY[5,6,7,8,7]));
SELECT four(soft_spearman_grad(ARRAY[1,2,3,4,5], ARRAY[5,6,7,8,7]));

SELECT four(soft_spearman(ARRAY[1,2,3,4,5], ARRAY[5,6,7,8,7], standardize => true));
SELECT four(soft_spearman_grad(ARRAY[1,2,3,4,5], ARRAY[5,6,7,8,7], standardize => true));
SELECT four(spearman(ARRAY[1,2,3,4,5], ARRAY[5,6,7,8,7]));

-- fast-soft-sort's README.
SELECT four(soft_rank(ARRAY[5,1,2], 'l2', 2.0));
SELECT four(soft_sort(ARRAY[5,1,2]));

-- Ties must not turn a sign.
SELECT four(spearman(ARRAY[0,0,0,1], ARRAY[1,0,0,0]));

-- Undefined correlations; a million pairs.
SELECT spearman(ARRAY[1], ARRAY[2]) AS one, spearman(ARRAY[1,2,3], ARRAY[7,7,7]) AS constant_y,
	spearman(ARRAY[7,7,7], ARRAY[1,2,3]) AS constant_x;
SELECT spearman(x, x) = 1 AS same, spearman(x, y) = -1 AS opposite, spearman(x, z) BETWEEN 0.99 AND 1 AS nearly
FROM (SELECT array_agg(i), array_agg(-i), array_agg(i + i % 3) FROM generate_series(1, 1000000) AS i) AS t (x, y, z);

DROP FUNCTION four(anyarray);
DROP FUNCTION four(float8);
