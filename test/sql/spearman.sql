-- spearman, soft_spearman, their _rows forms, and soft_spearman_grad.
SET extra_float_digits = 0;

SELECT spearman(ARRAY[1,2,3,4,5], ARRAY[5,6,7,8,7]);
SELECT spearman(ARRAY[1,2,3], ARRAY[3,2,1]);
SELECT spearman(x => ARRAY[1,2,3], y => ARRAY[10,20,30]);
-- Ties must not turn a sign.
SELECT spearman(ARRAY[0,0,0,1], ARRAY[1,0,0,0]);
-- Undefined.
SELECT spearman(ARRAY[1], ARRAY[2]);
SELECT spearman(ARRAY[1,1,1], ARRAY[1,2,3]);
SELECT spearman(ARRAY[1,2,3], ARRAY[1,1,1]);
SELECT spearman('{}'::int[], '{}'::int[]);
-- A NULL on either side drops the pair.
SELECT spearman('{1,2,NULL,4}'::int[], '{2,3,1,NULL}'::int[]);
SELECT spearman('{1,NULL,3}'::int[], '{NULL,2,3}'::int[]);
SELECT spearman('{NULL,NULL}'::int[], '{1,2}'::int[]);
SELECT spearman('{NaN,1,2,3}'::float8[], '{NULL,1,3,2}'::float8[]);
-- Infinities have an order.
SELECT spearman('{1,2,Infinity}'::float8[], '{1,3,2}'::int[]);
SELECT spearman('{-Infinity,-1e308,1e308,Infinity}'::float8[], '{-Infinity,0,1,Infinity}'::real[]);
SELECT spearman('{-Infinity,-Infinity,Infinity}'::float8[], '{1,2,3}'::int[]);
SELECT spearman('{Infinity,Infinity}'::float8[], '{1,2}'::int[]);
SELECT spearman('{0,-0,1}'::float8[], '{1,2,3}'::float8[]);
-- A million pairs stay within [-1, 1].
SELECT spearman(x, x) AS same, spearman(x, y) AS reversed, abs(spearman(x, z)) < 0.01 AS unrelated
FROM (SELECT array_agg(i), array_agg(-i), array_agg(i::bigint * 7919 % 1000003) FROM generate_series(1, 1000000) AS i)
	AS t (x, y, z);

SELECT soft_spearman(ARRAY[1,2,3,4,5], ARRAY[5,6,7,8,7]);
SELECT soft_spearman(ARRAY[1,2,3,4,5], ARRAY[5,6,7,8,7], 'l2', 0.1);
SELECT soft_spearman(ARRAY[1,2,3,4,5], ARRAY[5,6,7,8,7], 'kl', 2);
SELECT soft_spearman(ARRAY[1,2,3,4,5], ARRAY[5,6,7,8,7], standardize => true);
SELECT soft_spearman(ARRAY[1,2,3,4,5], ARRAY[5,6,7,8,7], 'kl', 0.5, true);
-- At strength 0 it is spearman; at very large ones it does not drown in rounding.
SELECT soft_spearman(ARRAY[1,2,3,4,5], ARRAY[5,6,7,8,7], 'l2', 0);
SELECT soft_spearman(ARRAY[1,2,3,4,5], ARRAY[5,6,7,8,7], 'l2', 1e15);
SELECT soft_spearman(ARRAY[1,2,3,4,5], ARRAY[5,6,7,8,7], 'kl', 1e300);
SELECT soft_spearman('{1e308,-1e308,0,1}'::float8[], '{1,2,4,3}'::int[]);
SELECT soft_spearman(ARRAY[1,1,1], ARRAY[1,2,3]);
SELECT soft_spearman(ARRAY[1,2,3], ARRAY[1,1,1], standardize => true);
SELECT soft_spearman('{1}'::int[], '{1}'::int[]);
SELECT soft_spearman('{}'::int[], '{}'::int[]);
SELECT soft_spearman('{1,2,NULL,4,5}'::int[], '{5,6,7,8,7}'::int[]);
SELECT soft_spearman('{1,2,3,4,5}'::int[], '{5,6,NULL,8,7}'::int[]);

SELECT soft_spearman_grad(ARRAY[1,2,3,4,5], ARRAY[5,6,7,8,7]);
SELECT soft_spearman_grad(ARRAY[1,2,3,4,5], ARRAY[5,6,7,8,7], standardize => true);
SELECT soft_spearman_grad(ARRAY[1,2,4,4,5], ARRAY[5,6,7,8,7], 'kl', 2);
SELECT soft_spearman_grad('[0:4]={1,2,NULL,4,5}'::int[], '[0:4]={5,6,7,8,7}'::int[]);
SELECT soft_spearman_grad('{1,2,3,4,5}'::int[], '{5,6,NULL,8,7}'::int[], regularization_strength => 0);
SELECT soft_spearman_grad(ARRAY[1,1,1], ARRAY[1,2,3]);
SELECT soft_spearman_grad(ARRAY[1], ARRAY[1]);
SELECT soft_spearman_grad('{NULL,1}'::int[], '{1,NULL}'::int[]);
SELECT soft_spearman_grad('{}'::int[], '{}'::int[]);
SELECT pg_typeof(soft_spearman_grad('{1,2}'::real[], '{1,2}'::real[])) AS real_real,
	pg_typeof(soft_spearman_grad('{1,2}'::real[], '{1,2}'::float8[])) AS real_float8;

-- One correlation per row; y the same shape, or one list.
SELECT spearman_rows(ARRAY[[1,2,3,4,5],[5,4,3,2,1],[1,1,1,1,1]], ARRAY[5,6,7,8,7]);
SELECT spearman_rows('{{1,2,3},{3,2,Infinity}}'::float8[], '{{1,2,3},{1,2,3}}'::int[]);
SELECT spearman_rows('{{{1,2,3},{3,2,1}},{{1,3,2},{NULL,3,2}}}'::int[], '{1,2,3}'::int[]);
SELECT spearman_rows('[0:1][1:3]={{1,2,3},{3,2,1}}'::int[], '{1,2,NULL}'::int[]);
SELECT spearman_rows('{{1,2,3}}'::int[], '{{1,2,3}}'::int[]);
SELECT spearman_rows('{}'::int[], '{}'::int[]);
SELECT soft_spearman_rows(ARRAY[[1,2,3,4,5],[5,4,3,2,1],[1,1,1,1,1]], ARRAY[5,6,7,8,7]);
SELECT soft_spearman_rows(ARRAY[[1,2,3,4,5],[5,4,3,2,1]], ARRAY[5,6,7,8,7], 'l2', 1, true);
SELECT soft_spearman_rows('{{1,2,3,4,5},{1,2,NULL,4,5}}'::int[], '{{5,6,7,8,7},{5,6,7,8,7}}'::int[], regularization => 'kl', regularization_strength => 2);
SELECT soft_spearman_rows('{{NULL,NULL},{1,NULL}}'::int[], '{1,2}'::int[]);
SELECT pg_typeof(spearman_rows('{{1}}'::real[], '{{1}}'::real[])) AS rows,
	pg_typeof(spearman('{1}'::real[], '{1}'::real[])) AS scalar;
