-- Every combination of element types: it resolves, gives the right type, and the digits of the
-- call with double precision[]; integers and numerics never pass through real.
BEGIN;
SELECT * FROM no_plan();

CREATE TEMPORARY TABLE element (type text, real boolean, wide boolean); -- wide: holds 16777217
INSERT INTO element VALUES ('real', true, false), ('double precision', false, true), ('smallint', false, false),
	('integer', false, true), ('bigint', false, true), ('numeric', false, true);

-- One call as text, and what it gives as bits.
CREATE FUNCTION pg_temp.call(name text, arrays text[], types text[], options text) RETURNS text LANGUAGE sql AS $$
	SELECT format('%s(%s%s)', name, string_agg(format('%L::%s[]', a, t), ', ' ORDER BY i), options)
	FROM unnest(arrays, types) WITH ORDINALITY AS u (a, t, i) $$;
CREATE FUNCTION pg_temp.type_of(call text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	result text;
BEGIN
	EXECUTE 'SELECT pg_typeof(' || call || ')' INTO result;
	RETURN result;
EXCEPTION WHEN OTHERS THEN
	RETURN SQLERRM;
END $$;
CREATE FUNCTION pg_temp.bits(call text, type text) RETURNS bytea LANGUAGE plpgsql AS $$
DECLARE
	result bytea;
BEGIN
	EXECUTE format('SELECT %s((%s)::%s)', CASE WHEN type LIKE '%[]' THEN 'array_send' ELSE 'float8send' END, call, type)
		INTO result;
	RETURN result;
EXCEPTION WHEN OTHERS THEN
	RETURN convert_to(SQLERRM, 'UTF8');
END $$;

-- Functions of one array.
CREATE TEMPORARY TABLE one (name text, options text);
INSERT INTO one VALUES
	('soft_rank', $$, 'kl', 3$$), ('soft_rank_jacobian', $$, 'l2', 3$$), ('soft_sort', $$, 'l2', 0.5$$),
	('soft_sort_jacobian', $$, 'l2', 0.5$$), ('isotonic_regression', $$, 'desc'$$);
WITH calls AS (
	SELECT name, type, CASE WHEN real THEN 'real[]' ELSE 'double precision[]' END AS wanted,
		pg_temp.call(name, '{"{3,1,2,8,5,NULL,5}"}', ARRAY[type], options) AS call,
		pg_temp.call(name, '{"{3,1,2,8,5,NULL,5}"}', ARRAY[type], '') AS plain,
		pg_temp.call(name, '{"{3,1,2,8,5,NULL,5}"}', ARRAY['double precision'], options) AS reference
	FROM one, element)
SELECT ok(pg_temp.type_of(call) = wanted AND pg_temp.type_of(plain) = wanted
		AND pg_temp.bits(call, wanted) = pg_temp.bits(reference, wanted), name || ' of ' || type || '[]')
FROM calls ORDER BY name, type;
SELECT is(r::text, '(1,2.1)', 'soft_rank_strength_range of ' || type)
FROM (SELECT set_config('extra_float_digits', '0', true)) AS s,
	LATERAL (VALUES ('real', soft_rank_strength_range('{3,1,2,8,5}'::real[])), ('float8', soft_rank_strength_range('{3,1,2,8,5}'::float8[])),
		('smallint', soft_rank_strength_range('{3,1,2,8,5}'::smallint[])), ('integer', soft_rank_strength_range('{3,1,2,8,5}'::integer[])),
		('bigint', soft_rank_strength_range('{3,1,2,8,5}'::bigint[])), ('numeric', soft_rank_strength_range('{3,1,2,8,5}'::numeric[]))) AS v (type, r);

-- Functions of two arrays.  probe_x and probe_y hold 16777217, where rounding it to real changes
-- the result; other_y and other_x are what goes with them.
CREATE TEMPORARY TABLE two (name text, result text, x text, y text, options text,
	probe_x text, other_y text, options_x text, other_x text, probe_y text, options_y text);
INSERT INTO two VALUES
	('soft_rank_vjp', 'array', '{3,1,2,8,5}', '{2,7,1,8,4}', $$, 'l2', 2$$,
		'{16777216,16777217,5}', '{1,2,4}', $$, 'l2', 0.5$$, '{1,2,4}', '{16777217,1,2}', $$, 'l2', 4$$),
	('soft_rank_jvp', 'array', '{3,1,2,8,5}', '{2,7,1,8,4}', $$, 'kl', 3, 'desc', true$$,
		'{16777216,16777217,5}', '{1,2,4}', $$, 'l2', 0.5$$, '{1,2,4}', '{16777217,1,2}', $$, 'l2', 4$$),
	('soft_sort_vjp', 'array', '{3,1,2,8,5}', '{2,7,1,8,4}', $$, 'l2', 0.5$$,
		'{16777216,16777217,16777218}', '{1,2,4}', $$, 'l2', 0.25$$, '{1,2,4}', '{16777217,1,2}', $$, 'l2', 2$$),
	('soft_sort_jvp', 'array', '{3,1,2,8,5}', '{2,7,1,8,4}', $$, 'kl', 0.5, 'desc'$$,
		'{16777216,16777217,16777218}', '{1,2,4}', $$, 'l2', 0.25$$, '{1,2,4}', '{16777217,1,2}', $$, 'l2', 2$$),
	('permutahedron_projection', 'array', '{3,1,2,8,5}', '{2,7,1,8,4}', $$, 'kl'$$,
		'{16777216,16777217,5}', '{1,2,3}', '', '{10,20,30}', '{16777217,1,2}', ''),
	('isotonic_regression', 'array', '{3,1,2,8,5}', '{2,7,1,8,4}', $$, 'desc'$$,
		'{16777217,16777217,5}', '{1,2,3}', '', '{3,1,1}', '{16777217,1,2}', ''),
	('isotonic_regression_vjp', 'array', '{3,1,2,8,5}', '{2,7,1,8,4}', $$, 'desc'$$,
		'{16777216,16777217,16777219}', '{1,2,4}', '', '{1,2,4}', '{16777217,1,2}', ''),
	('spearman', 'scalar', '{3,1,2,8,5}', '{2,7,1,8,4}', '',
		'{16777216,16777217,5}', '{1,2,4}', '', '{1,2,4}', '{16777216,16777217,5}', ''),
	('spearman_rows', 'rows', '{{3,1,2},{8,5,6}}', '{{2,7,1},{8,4,9}}', '',
		'{{16777216,16777217,5}}', '{{1,2,4}}', '', '{{1,2,4},{4,2,1}}', '{16777216,16777217,5}', ''),
	('soft_spearman', 'scalar', '{3,1,2,8,5}', '{2,7,1,8,4}', $$, 'kl', 2$$,
		'{16777216,16777217,5}', '{1,2,4}', $$, 'l2', 0.5$$, '{1,2,4}', '{16777216,16777217,5}', $$, 'l2', 0.5$$),
	('soft_spearman_grad', 'array', '{3,1,2,8,5}', '{2,7,1,8,4}', $$, 'l2', 2, true$$,
		'{16777216,16777217,5}', '{1,2,4}', $$, 'l2', 0.5$$, '{1,2,4}', '{16777216,16777217,5}', $$, 'l2', 8$$),
	('soft_spearman_rows', 'rows', '{{3,1,2},{8,5,6}}', '{{2,7,1},{8,4,9}}', $$, 'l2', 2$$,
		'{{16777216,16777217,5}}', '{{1,2,4}}', $$, 'l2', 0.5$$, '{{1,2,4},{4,2,1}}', '{16777216,16777217,5}', $$, 'l2', 0.5$$);
WITH calls AS (
	SELECT name, a.type AS a, b.type AS b,
		CASE WHEN result = 'scalar' THEN 'double precision'
			WHEN result = 'array' AND a.real AND b.real THEN 'real[]' ELSE 'double precision[]' END AS wanted,
		pg_temp.call(name, ARRAY[x, y], ARRAY[a.type, b.type], options) AS call,
		pg_temp.call(name, ARRAY[x, y], ARRAY[a.type, b.type], '') AS plain,
		pg_temp.call(name, ARRAY[x, y], ARRAY['double precision', 'double precision'], options) AS reference
	FROM two, element AS a, element AS b)
SELECT ok(pg_temp.type_of(call) = wanted AND pg_temp.type_of(plain) = wanted
		AND pg_temp.bits(call, wanted) = pg_temp.bits(reference, wanted), name || ' of ' || a || '[], ' || b || '[]')
FROM calls ORDER BY name, a, b;

WITH probes AS (
	SELECT name, result, 'first' AS side, ARRAY[probe_x, other_y] AS arrays, options_x AS options, true AS first FROM two
	UNION ALL
	SELECT name, result, 'second', ARRAY[other_x, probe_y], options_y, false FROM two),
calls AS (
	SELECT name, side, a.type AS a, b.type AS b,
		CASE WHEN result = 'scalar' THEN 'double precision' ELSE 'double precision[]' END AS wanted,
		pg_temp.call(name, arrays, ARRAY[a.type, b.type], options) AS call,
		pg_temp.call(name, arrays, ARRAY['double precision', 'double precision'], options) AS reference,
		-- what it would be if the probe were rounded: then the probe would prove nothing
		pg_temp.call(name, ARRAY[replace(arrays[1], '16777217', '16777216'), replace(arrays[2], '16777217', '16777216')],
			ARRAY['double precision', 'double precision'], options) AS rounded
	FROM probes, element AS a, element AS b
	WHERE CASE WHEN first THEN a.wide ELSE b.wide END)
SELECT ok(pg_temp.bits(call, wanted) = pg_temp.bits(reference, wanted)
		AND pg_temp.bits(reference, wanted) <> pg_temp.bits(rounded, wanted)
		AND pg_temp.type_of(call) = wanted, name || ' of ' || a || '[], ' || b || '[]: 16777217 as the ' || side)
FROM calls ORDER BY name, side, a, b;

-- Functions of three arrays: all triples.
CREATE TEMPORARY TABLE three (name text, options text);
INSERT INTO three VALUES ('permutahedron_projection_vjp', $$, 'l2'$$), ('permutahedron_projection_jvp', $$, 'kl'$$),
	('isotonic_regression_vjp', $$, 'desc'$$);
WITH calls AS (
	SELECT name, a.type AS a, b.type AS b, c.type AS c,
		CASE WHEN a.real THEN 'real[]' ELSE 'double precision[]' END AS wanted,
		pg_temp.call(name, '{"{3,1,2}","{2,7,1}","{5,9,6}"}', ARRAY[a.type, b.type, c.type], options) AS call,
		pg_temp.call(name, '{"{3,1,2}","{2,7,1}","{5,9,6}"}', ARRAY[a.type, b.type, c.type], '') AS plain,
		pg_temp.call(name, '{"{3,1,2}","{2,7,1}","{5,9,6}"}', array_fill('double precision'::text, ARRAY[3]), options) AS reference
	FROM three, element AS a, element AS b, element AS c)
SELECT is(string_agg(concat_ws(', ', a, b, c), '; ' ORDER BY a, b, c)
		FILTER (WHERE pg_temp.type_of(call) <> wanted OR pg_temp.type_of(plain) <> wanted
			OR pg_temp.bits(call, wanted) <> pg_temp.bits(reference, wanted)),
	NULL, name || ': all ' || count(*) || ' triples')
FROM calls GROUP BY name ORDER BY name;
-- The second and third keep integers that real cannot hold.
SELECT is(permutahedron_projection_vjp('{0,0}'::integer[], '{0,0}'::real[], '{16777217,0}'::integer[]),
	'{8388608.5,-8388608.5}'::float8[], 'an integer cotangent beside real[] w')
UNION ALL
SELECT is(permutahedron_projection_jvp('{0,0}'::numeric[], '{0,0}'::real[], '{16777217,0}'::numeric[]),
	'{8388608.5,-8388608.5}'::float8[], 'a numeric tangent beside real[] w')
UNION ALL
SELECT is(isotonic_regression_vjp('{2,1}'::bigint[], '{16777217,0}'::bigint[], '{1,1}'::real[]),
	'{8388608.5,8388608.5}'::float8[], 'a bigint cotangent beside real[] weights');

SELECT * FROM finish();
ROLLBACK;
