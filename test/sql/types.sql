-- Element types, shapes, lower bounds, NULLs.
SET extra_float_digits = 0;

-- Every accepted type.
SELECT soft_rank('{3,1,2}'::smallint[]), soft_rank('{3,1,2}'::integer[]), soft_rank('{3,1,2}'::bigint[]),
	soft_rank('{3,1,2}'::numeric[]), soft_rank('{3,1,2}'::real[]), soft_rank('{3,1,2}'::double precision[]);
SELECT pg_typeof(soft_rank('{3,1,2}'::smallint[])) AS smallint, pg_typeof(soft_rank('{3,1,2}'::integer[])) AS integer,
	pg_typeof(soft_rank('{3,1,2}'::bigint[])) AS bigint, pg_typeof(soft_rank('{3,1,2}'::numeric[])) AS numeric,
	pg_typeof(soft_rank('{3,1,2}'::real[])) AS real, pg_typeof(soft_rank('{3,1,2}'::float8[])) AS float8;
SELECT soft_rank(ARRAY[8,0,5]), soft_rank(ARRAY[0.5,1.5]);
SELECT soft_rank('{-32768,32767,NULL,0}'::smallint[], 'l2', 1e5);
SELECT soft_rank('{-2147483648,2147483647,NULL,0}'::integer[], 'l2', 1e10);
SELECT soft_rank('{-9223372036854775808,9223372036854775807,NULL,0}'::bigint[], 'l2', 0);
SELECT soft_rank('{1.5,NULL,-12345678901234567890.123456789,1e-30,0}'::numeric[], 'l2', 0);
SELECT soft_rank('{0.1,0.2,0.30000}'::numeric[], 'l2', 0.5);
-- numeric values of every length within one array.
SELECT soft_rank(array_agg(repeat('1', i)::numeric)) = array_agg(i::float8) AS ordered FROM generate_series(1, 120) AS i;

-- Integers are converted to double precision: beyond 2^53 neighbours tie.
SELECT soft_rank('{9007199254740993,9007199254740992,9007199254740991}'::bigint[], 'l2', 0);
SELECT soft_rank('{9007199254740993,9007199254740992,9007199254740991}'::numeric[], 'l2', 0);
SELECT spearman('{9007199254740993,9007199254740992}'::bigint[], '{1,2}'::int[]);

-- 16777217 is no real: it stays what it is unless its own array is real[].
SELECT soft_rank('{16777216,16777217}'::integer[], 'l2', 0), soft_rank('{16777216,16777217}'::real[], 'l2', 0);
SELECT spearman('{16777216,16777217}'::integer[], '{1,2}'::real[]),
	spearman('{1,2}'::real[], '{16777216,16777217}'::integer[]),
	spearman('{16777216,16777217}'::numeric[], '{1,2}'::real[]),
	spearman('{16777216,16777217}'::real[], '{1,2}'::integer[]);
SELECT isotonic_regression('{16777217}'::integer[], '{1}'::real[]), isotonic_regression('{16777217}'::real[], '{1}'::integer[]);
SELECT permutahedron_projection_vjp('{0,0}'::real[], '{0,0}'::real[], '{16777217,16777216}'::integer[]) AS wide_cotangent,
	permutahedron_projection_vjp('{0,0}'::integer[], '{0,0}'::real[], '{16777217,16777216}'::real[]) AS real_cotangent,
	permutahedron_projection_vjp('{16777217,16777216}'::integer[], '{1,0.5}'::real[], '{1,2}'::real[]) AS wide_z,
	permutahedron_projection_vjp('{16777217,16777216}'::real[], '{1,0.5}'::real[], '{1,2}'::real[]) AS real_z;

-- Domains are their base types; of other types there is no function.
CREATE DOMAIN score AS float8 CHECK (VALUE >= 0);
SELECT soft_rank('{3,1,2}'::score[]);
DROP DOMAIN score;
\set VERBOSITY sqlstate
SELECT soft_rank('{a,b}'::text[]);
SELECT soft_rank(1.5);
\set VERBOSITY default

-- Lower bounds are kept.
SELECT soft_rank('[5:7]={1,2,3}'::int[]);
SELECT soft_sort('[-1:1]={3,1,2}'::int[], 'l2', 0);
SELECT soft_rank('[0:1][5:7]={{3,1,2},{10,30,20}}'::int[]);
SELECT soft_rank_jacobian('[5:6]={1,1}'::int[]);
SELECT soft_rank_vjp('[5:6]={1,1}'::int[], '[0:1]={1,3}'::int[]);
SELECT isotonic_regression('[5:6]={2,1}'::int[], '{3,1}'::int[]);
SELECT spearman_rows('[3:4][0:2]={{3,1,2},{10,30,20}}'::int[], '{1,2,3}'::int[]);

-- Every row of the last dimension is one list.
SELECT soft_rank(ARRAY[[3,1,2],[10,30,20]]);
SELECT soft_rank(ARRAY[[3],[1],[2]]);
SELECT soft_rank('{{{3,1},{10,30}},{{5,5},{7,6}}}'::int[]);
SELECT soft_sort('{{{3,1},{10,30}},{{5,5},{7,6}}}'::int[], 'l2', 0.1, 'desc');
SELECT soft_rank('{{{{{{2,1}}}}}}'::int[]);
SELECT isotonic_regression('{{{3,1},{10,30}},{{5,5},{7,6}}}'::int[]);
SELECT soft_rank('{{3,1,2},{10,30,20}}'::int[], 'l2', 5, 'asc', true);

-- '{}' gives '{}'.
SELECT soft_rank('{}'::int[]), soft_rank('{}'::real[]), soft_rank('{}'::numeric[], 'kl', 0, 'desc', true);
SELECT soft_sort('{}'::int[]), soft_rank_vjp('{}'::int[], '{}'::real[]), soft_rank_jacobian('{}'::int[]),
	permutahedron_projection('{}'::int[], '{}'::int[]), isotonic_regression('{}'::int[]), spearman_rows('{}'::int[], '{}'::int[]);

-- NULL elements keep their place; rows padded with NULL are lists of different lengths.
SELECT soft_rank('{30,NULL,10,20,NULL}'::int[]);
SELECT soft_rank('{NULL,NULL,7}'::real[]);
SELECT soft_rank('{{30,NULL,10},{5,7,NULL}}'::int[]);
SELECT soft_sort('{{30,NULL,10},{NULL,7,5}}'::int[], 'l2', 0);
SELECT soft_rank('{{NULL,NULL,NULL},{3,NULL,NULL},{3,1,2}}'::int[], 'l2', 4);
SELECT soft_sort('{{NULL,NULL,NULL},{3,NULL,NULL},{3,1,2}}'::int[], 'l2', 4);
SELECT soft_rank('{{NULL,NULL,NULL},{3,NULL,NULL},{3,1,2}}'::int[], 'kl', 1, 'asc', true);
SELECT soft_rank('{{NULL,NULL},{NULL,NULL}}'::int[]);
SELECT soft_rank('{NULL}'::numeric[]), soft_sort('{NULL,NULL}'::real[]), isotonic_regression('{NULL}'::int[]);
SELECT soft_rank_vjp('{{1,NULL},{NULL,NULL},{1,1}}'::int[], '{{1,NULL},{NULL,NULL},{1,3}}'::int[]);
-- A bitmap without a NULL.
SELECT soft_rank((ARRAY[3,1,NULL,2])[1:2]), soft_rank(array_remove(ARRAY[3,1,NULL,2], NULL));
-- More elements than a byte of the bitmap has bits.
SELECT soft_rank('{9,NULL,8,7,6,5,NULL,4,3,2,1,NULL}'::int[]);

-- A NULL array or option gives NULL.
SELECT soft_rank(NULL::int[]) IS NULL AS x, soft_rank(ARRAY[1,2], NULL) IS NULL AS regularization,
	soft_rank(ARRAY[1,2], 'l2', NULL) IS NULL AS strength, soft_rank(ARRAY[1,2], 'l2', 1, NULL) IS NULL AS direction,
	soft_rank(ARRAY[1,2], standardize => NULL) IS NULL AS standardize;
SELECT soft_rank_vjp(ARRAY[1,2], NULL::int[]) IS NULL AS cotangent, soft_sort(ARRAY[1,2], direction => NULL) IS NULL AS sort,
	spearman(ARRAY[1,2], NULL::int[]) IS NULL AS y, permutahedron_projection(ARRAY[1,2], ARRAY[1,2], NULL) IS NULL AS projection,
	isotonic_regression(ARRAY[1,2], NULL::int[]) IS NULL AS weights, soft_spearman(ARRAY[1,2], ARRAY[1,2], standardize => NULL) IS NULL AS soft;
-- Even when the others are wrong.
SELECT soft_rank('{NaN}'::float8[], NULL);

-- Arguments that are stored out of line or compressed, or short.
CREATE TEMPORARY TABLE stored (id int, x float8[], y smallint[]);
ALTER TABLE stored ALTER x SET STORAGE EXTERNAL, ALTER y SET STORAGE EXTENDED;
INSERT INTO stored SELECT 1, array_agg(i * 7 % 1009), array_agg(i * 7 % 1009) FROM generate_series(0, 1008) AS i;
INSERT INTO stored SELECT 2, array_agg(0.5), array_agg(1) FROM generate_series(1, 5000) AS i;
INSERT INTO stored VALUES (3, '{2,1}', '{2,1}');
SELECT id, soft_rank(x) = soft_rank(x || '{}'::float8[]) AS x, soft_rank(x) = soft_rank(y) AS y,
	(soft_rank(x))[2] AS second, spearman(x, y), array_length(soft_sort(y), 1)
FROM stored ORDER BY id;
