-- Every error that an array function can raise: SQLSTATE, message, detail, hint.

CREATE FUNCTION failure(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	message text;
	detail text;
	hint text;
BEGIN
	EXECUTE query;
	RETURN 'no error';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
	RETURN concat_ws(E'\n', SQLSTATE || ': ' || message, NULLIF(detail, ''), NULLIF(hint, ''));
END $$;
\pset format unaligned
\pset tuples_only on

-- As psql shows it.
\set VERBOSITY default
SELECT soft_rank('{1,2,NaN}'::float8[]);
\set VERBOSITY sqlstate
SELECT soft_rank('{1,2,NaN}'::float8[]);

-- NaN and infinity: the first one, its place counted with NULLs.
SELECT failure($$SELECT soft_rank('{1,Infinity,NaN}'::float8[])$$);
SELECT failure($$SELECT soft_rank('{NULL,1,-Infinity}'::real[])$$);
SELECT failure($$SELECT soft_rank('{NULL,1,NaN}'::numeric[])$$);
SELECT failure($$SELECT soft_sort('{{NULL,1,2},{NULL,NULL,NaN}}'::float8[])$$);
SELECT failure($$SELECT soft_rank_jacobian('{1,NULL,Infinity}'::float8[])$$);
SELECT failure($$SELECT soft_rank_strength_range('{1,NULL,NaN}'::float8[])$$);
SELECT failure($$SELECT isotonic_regression('{1,NULL,Infinity}'::float8[], 'desc')$$);
SELECT failure($$SELECT permutahedron_projection('{1,NULL,Infinity}'::float8[], '{1,2,3}'::float8[])$$);
SELECT failure($$SELECT permutahedron_projection('{1,NULL,3}'::float8[], '{1,2,NaN}'::float8[])$$);
SELECT failure($$SELECT permutahedron_projection('{{1,2},{3,4}}'::float8[], '{1,Infinity}'::float8[])$$);
SELECT failure($$SELECT permutahedron_projection('{{1,NULL},{3,4}}'::float8[], '{1,Infinity}'::float8[])$$);
SELECT failure($$SELECT permutahedron_projection_vjp('{1,NULL,3}'::float8[], '{1,2,3}'::float8[], '{1,2,NaN}'::float8[])$$);
SELECT failure($$SELECT permutahedron_projection_jvp('{1,NULL,3}'::float8[], '{1,2,3}'::float8[], '{1,2,-Infinity}'::float8[])$$);
SELECT failure($$SELECT soft_rank_vjp('{1,NULL,3}'::float8[], '{1,2,NaN}'::float8[])$$);
SELECT failure($$SELECT soft_rank_vjp('{1,NULL,NaN}'::float8[], '{1,2,NaN}'::float8[])$$);
SELECT failure($$SELECT soft_rank_jvp('{1,NULL,3}'::float8[], '{Infinity,2,3}'::float8[])$$);
SELECT failure($$SELECT soft_sort_vjp('{{NULL,2},{2,3}}'::float8[], '{{1,NaN},{3,Infinity}}'::float8[])$$);
SELECT failure($$SELECT soft_sort_vjp('{{NULL,2},{NULL,3}}'::float8[], '{{1,NaN},{-Infinity,NULL}}'::float8[])$$);
SELECT failure($$SELECT soft_sort_jvp('{NULL,2,3}'::float8[], '{NULL,NULL,NaN}'::float8[])$$);
SELECT failure($$SELECT soft_sort_jvp('{NULL,2,3}'::float8[], '{NULL,4,NaN}'::float8[])$$);
SELECT failure($$SELECT isotonic_regression_vjp('{NULL,2,3}'::float8[], '{NULL,4,NaN}'::float8[])$$);
-- Exact spearman refuses NaN alone.
SELECT failure($$SELECT spearman('{Infinity,NULL,NaN}'::float8[], '{1,2,3}'::float8[])$$);
SELECT failure($$SELECT spearman('{1,NULL,2}'::float8[], '{1,NaN,NaN}'::float8[])$$);
SELECT failure($$SELECT spearman('{1,2}'::int[], '{1,NaN}'::numeric[])$$);
SELECT failure($$SELECT spearman_rows('{{1,2},{3,NaN}}'::float8[], '{1,2}'::float8[])$$);
SELECT failure($$SELECT spearman_rows('{{1,2},{3,4}}'::float8[], '{1,NaN}'::float8[])$$);
SELECT failure($$SELECT soft_spearman('{1,2}'::float8[], '{1,Infinity}'::float8[])$$);
SELECT failure($$SELECT soft_spearman_grad('{1,NULL,-Infinity}'::float8[], '{1,2,3}'::float8[])$$);
SELECT failure($$SELECT soft_spearman_rows('{{1,2},{3,NaN}}'::float8[], '{1,2}'::float8[])$$);
-- Beyond the first thousands of elements.
SELECT failure($$SELECT soft_rank(array_agg(CASE i WHEN 200000 THEN 'NaN'::float8 ELSE i END)) FROM generate_series(1, 200001) AS i$$);
SELECT failure($$SELECT soft_rank(array_agg(CASE i WHEN 200000 THEN 'Infinity'::real WHEN 7 THEN NULL ELSE i END)) FROM generate_series(1, 200001) AS i$$);

-- Weights.
SELECT failure($$SELECT isotonic_regression(ARRAY[1,2,3], ARRAY[1,0,1])$$);
SELECT failure($$SELECT isotonic_regression(ARRAY[1,2,3]::float8[], ARRAY[1,1,-0.25]::float8[])$$);
SELECT failure($$SELECT isotonic_regression('{1,NULL,2}'::float8[], '{1,1,NaN}'::float8[])$$);
SELECT failure($$SELECT isotonic_regression('{1,NULL,2}'::float8[], '{Infinity,1,1}'::float8[])$$);
SELECT failure($$SELECT isotonic_regression_vjp('{1,2}'::float8[], '{1,1}'::float8[], '{1,-1}'::float8[])$$);
SELECT failure($$SELECT isotonic_regression('{{1,2},{3,4}}'::float8[], '{1,-Infinity}'::float8[])$$);

-- Options.
SELECT failure($$SELECT soft_rank(ARRAY[1,2], 'l1')$$);
SELECT failure($$SELECT soft_sort(ARRAY[1,2], '')$$);
SELECT failure($$SELECT soft_rank_strength_range(ARRAY[1,2], 'l22')$$);
SELECT failure($$SELECT permutahedron_projection(ARRAY[1,2], ARRAY[1,2], 'l')$$);
SELECT failure($$SELECT soft_rank(ARRAY[1,2], direction => 'up')$$);
SELECT failure($$SELECT soft_sort(ARRAY[1,2], direction => ' asc')$$);
SELECT failure($$SELECT isotonic_regression(ARRAY[1,2], direction => 'l2')$$);
SELECT failure($$SELECT isotonic_regression(ARRAY[1,2], 'descendin')$$);
SELECT failure($$SELECT soft_rank(ARRAY[1,2], 'l2', -1)$$);
SELECT failure($$SELECT soft_sort(ARRAY[1,2], 'l2', -1e-320)$$);
SELECT failure($$SELECT soft_rank(ARRAY[1,2], 'kl', 'NaN')$$);
SELECT failure($$SELECT soft_spearman(ARRAY[1,2], ARRAY[1,2], 'l2', 'Infinity')$$);
SELECT failure($$SELECT soft_rank_vjp(ARRAY[1,2], ARRAY[1,2], 'l2', '-Infinity')$$);
SELECT failure($$SELECT soft_rank(ARRAY[1,2], 'l2', -0.0)$$);
-- Also when there is nothing to rank.
SELECT failure($$SELECT soft_rank('{}'::int[], 'l2', -1)$$);
SELECT failure($$SELECT soft_rank('{NULL}'::int[], 'l3')$$);

-- A NULL where the value is not NULL.
SELECT failure($$SELECT soft_rank_vjp(ARRAY[5,1,2], ARRAY[1,NULL,0])$$);
SELECT failure($$SELECT soft_rank_jvp('{5,NULL,2}'::int[], '{1,NULL,NULL}'::int[])$$);
SELECT failure($$SELECT soft_sort_vjp('{5,NULL,2}'::int[], '{1,NULL,0}'::int[])$$);
SELECT failure($$SELECT soft_sort_jvp('{{5,NULL},{1,2}}'::int[], '{{1,NULL},{NULL,0}}'::int[])$$);
SELECT failure($$SELECT permutahedron_projection_vjp('{1,2}'::int[], '{1,2}'::int[], '{NULL,0}'::int[])$$);
SELECT failure($$SELECT permutahedron_projection_jvp('{1,2}'::int[], '{1,2}'::int[], '{0,NULL}'::int[])$$);
SELECT failure($$SELECT isotonic_regression_vjp('{1,2}'::int[], '{0,NULL}'::int[])$$);

-- Lengths and shapes.
SELECT failure($$SELECT spearman(ARRAY[1,2,3], ARRAY[1,2])$$);
SELECT failure($$SELECT spearman(ARRAY[1,2,3], '{}'::int[])$$);
SELECT failure($$SELECT soft_rank_vjp(ARRAY[1,2,3], ARRAY[1,2])$$);
SELECT failure($$SELECT soft_sort_jvp('{}'::int[], ARRAY[1,2])$$);
SELECT failure($$SELECT soft_rank_vjp('{{1,2},{3,4}}'::int[], '{1,2}'::int[])$$);
SELECT failure($$SELECT soft_sort_vjp('{{1,2},{3,4}}'::int[], '{{1,2}}'::int[])$$);
SELECT failure($$SELECT soft_rank_jvp('{1,2}'::int[], '{{1,2}}'::int[])$$);
SELECT failure($$SELECT permutahedron_projection(ARRAY[1,2,3], ARRAY[1,2])$$);
SELECT failure($$SELECT permutahedron_projection('{{1,2,3},{4,5,6}}'::int[], '{1,2}'::int[])$$);
SELECT failure($$SELECT permutahedron_projection('{{1,2},{3,4}}'::int[], '{{1,2},{3,4},{5,6}}'::int[])$$);
SELECT failure($$SELECT permutahedron_projection('{1,2}'::int[], '{{1,2},{3,4}}'::int[])$$);
SELECT failure($$SELECT permutahedron_projection('{{1,2},{3,4}}'::int[], '{}'::int[])$$);
SELECT failure($$SELECT permutahedron_projection_vjp('{1,2}'::int[], '{1,2}'::int[], '{1,2,3}'::int[])$$);
SELECT failure($$SELECT isotonic_regression('{{1,2},{3,4}}'::int[], '{{{1,2},{3,4}}}'::int[])$$);
SELECT failure($$SELECT isotonic_regression(ARRAY[1,2,3], ARRAY[1,2])$$);
SELECT failure($$SELECT isotonic_regression_vjp(ARRAY[1,2,3], ARRAY[1,2])$$);
SELECT failure($$SELECT isotonic_regression_vjp(ARRAY[1,2], ARRAY[1,2], ARRAY[1,2,3])$$);
SELECT failure($$SELECT spearman_rows('{{1,2},{3,4}}'::int[], '{{1,2},{3,4},{5,6}}'::int[])$$);
SELECT failure($$SELECT spearman_rows('{{1,2},{3,4}}'::int[], '{1,2,3}'::int[])$$);
-- One list alone, or rows of lists.
SELECT failure($$SELECT spearman('{{1,2},{3,4}}'::int[], '{{1,2},{3,4}}'::int[])$$);
SELECT failure($$SELECT spearman('{1,2}'::int[], '{{1,2},{3,4}}'::int[])$$);
SELECT failure($$SELECT soft_spearman('{{{1,2}}}'::int[], '{{{1,2}}}'::int[])$$);
SELECT failure($$SELECT soft_spearman_grad('{{1,2}}'::int[], '{{1,2}}'::int[])$$);
SELECT failure($$SELECT soft_rank_jacobian('{{1,2},{3,4}}'::int[])$$);
SELECT failure($$SELECT soft_sort_jacobian('{{1,2},{3,4}}'::int[])$$);
SELECT failure($$SELECT soft_rank_strength_range('{{1,2},{3,4}}'::int[])$$);
SELECT failure($$SELECT spearman_rows('{1,2}'::int[], '{1,2}'::int[])$$);
SELECT failure($$SELECT soft_spearman_rows('{1,2}'::int[], '{1,2}'::int[])$$);

-- True results beyond their type.
SELECT failure($$SELECT soft_rank_vjp('{1,1}'::float8[], '{1,0}'::float8[], 'l2', 1e-320)$$);
SELECT failure($$SELECT soft_rank_jvp('{1,1}'::float8[], '{1,0}'::float8[], 'kl', 1e-320)$$);
SELECT failure($$SELECT soft_rank_jacobian('{1,1}'::float8[], 'l2', 1e-320)$$);
SELECT failure($$SELECT soft_rank_vjp('{1,1}'::real[], '{1,0}'::real[], 'l2', 1e-40)$$);
SELECT failure($$SELECT soft_rank_jacobian('{1,1}'::real[], 'l2', 1e-40)$$);
SELECT failure($$SELECT permutahedron_projection_vjp('{1,1}'::real[], '{1,1}'::real[], '{1e300,0}'::float8[])$$);
SELECT failure($$SELECT soft_rank_strength_range('{1.7e308,-1.7e308}'::float8[])$$);
-- The same within double precision is no error.
SELECT failure($$SELECT soft_rank_vjp('{1,1}'::real[], '{1,0}'::float8[], 'l2', 1e-40)$$);

-- A Jacobian that no array can hold is refused before any work.
SELECT failure($$SELECT soft_rank_jacobian(array_agg(i)) FROM generate_series(1, 12000) AS i$$);
SELECT failure($$SELECT soft_sort_jacobian(array_agg(i::real)) FROM generate_series(1, 17000) AS i$$);

-- Elements that are no numbers, which takes a declaration of one's own.
CREATE FUNCTION soft_rank_of(text[], text, float8, text, boolean) RETURNS float8[]
	AS '$libdir/softsort', 'softsort_rank' LANGUAGE C STRICT;
SELECT failure($$SELECT soft_rank_of('{a,b}', 'l2', 1, 'asc', false)$$);
SELECT failure($$SELECT soft_rank_of('{}', 'l2', 1, 'asc', false)$$);
DROP FUNCTION soft_rank_of(text[], text, float8, text, boolean);

-- An error leaves nothing behind.
SELECT soft_rank(ARRAY[3,1,2]);
DROP FUNCTION failure(text);
