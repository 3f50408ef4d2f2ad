-- Aggregates over softsort_state: the bits of the array functions on the same rows, whatever plan collects
-- the rows and in whatever order they arrive; states as values; window functions; malformed input.
-- Every plan is forced by settings and proved by what EXPLAIN ANALYZE says about the very execution
-- that is compared.  No table is analyzed: the planner takes it for 200 groups, so it likes to hash
-- and to aggregate in two phases.
BEGIN;
SELECT * FROM no_plan();
SET LOCAL max_parallel_workers_per_gather = 0;
SET LOCAL work_mem = '64MB';

-- About 10^4 groups of pairs: 0 to 40 mostly, some of 300, two whose states are expanded.
CREATE TABLE pair (id int, g int, x float8, y float8, c float8);
SELECT setseed(0.25) AS ignored \gset
INSERT INTO pair
SELECT row_number() OVER (), g,
	CASE WHEN kind = 9 AND v < 0.2 OR kind = 10 THEN NULL ELSE x END,
	CASE WHEN kind = 9 AND u < 0.2 THEN NULL ELSE y END, v - 0.5
FROM (
	SELECT g, g % 11 AS kind, u, v, CASE g % 11
			WHEN 0 THEN u
			WHEN 1 THEN floor(5 * u)
			WHEN 2 THEN 7
			WHEN 3 THEN 1e100 * u
			WHEN 4 THEN 1e-100 * (u - 0.5)
			WHEN 5 THEN ('{-0,0,1}'::float8[])[1 + floor(3 * u)::int]
			WHEN 6 THEN (CASE WHEN v < 0.5 THEN -1 ELSE 1 END) * 10.0::float8 ^ floor(20 * u - 10)
			WHEN 7 THEN 1.7e15 + floor(100 * u)
			ELSE 10 * u
		END AS x, CASE g % 11
			WHEN 0 THEN u * u
			WHEN 1 THEN floor(3 * v) / 4
			WHEN 3 THEN 1e100 * floor(4 * v)
			WHEN 4 THEN 1e-100 * v
			WHEN 5 THEN ('{-0,0,-1}'::float8[])[1 + floor(3 * v)::int]
			WHEN 8 THEN floor(v + 0.05)
			ELSE v
		END AS y
	FROM (
		SELECT g, CASE WHEN g = 11 THEN 15000 WHEN g = 12 THEN 6000 WHEN g % 500 = 3 THEN 300 ELSE floor(41 * random())::int END AS n
		FROM generate_series(1, 10400) AS g) AS s,
		generate_series(1, n) AS i, LATERAL (SELECT random() + 0 * i, random()) AS r (u, v)
	ORDER BY random()) AS p;
SELECT cmp_ok(count(DISTINCT g), '>=', 10000::bigint, 'groups') FROM pair;
-- The same in parts none of which holds whole groups.
CREATE TABLE parted (LIKE pair) PARTITION BY HASH (id);
CREATE TABLE part0 PARTITION OF parted FOR VALUES WITH (MODULUS 3, REMAINDER 0);
CREATE TABLE part1 PARTITION OF parted FOR VALUES WITH (MODULUS 3, REMAINDER 1);
CREATE TABLE part2 PARTITION OF parted FOR VALUES WITH (MODULUS 3, REMAINDER 2);
INSERT INTO parted SELECT * FROM pair;

-- The calls, the same text over arrays and over columns.
CREATE FUNCTION pg_temp.calls() RETURNS text LANGUAGE sql IMMUTABLE AS $$
	SELECT 'ARRAY[spearman(x, y), soft_spearman(x, y), soft_spearman(x, y, ''kl''), soft_spearman(x, y, ''l2'', 0),
		soft_spearman(x, y, ''l2'', 0.05), soft_spearman(x, y, ''kl'', 3.5), soft_spearman(x, y, ''l2'', 0.3, true),
		soft_spearman(x, y, ''kl'', 0.1, true)]' $$;
SELECT format('CREATE TEMPORARY TABLE expected AS SELECT g, n, %s AS r FROM (
	SELECT g, count(x + y) AS n, array_agg(x) AS x, array_agg(y) AS y FROM pair GROUP BY g) AS a', pg_temp.calls()) \gexec
SELECT is(count(*) FILTER (WHERE v NOT BETWEEN -1 AND 1), 0::bigint, 'results lie in [-1, 1]') FROM expected, unnest(r) AS v;
SELECT is(count(*) FILTER (WHERE v IS NOT NULL), 0::bigint, 'one pair or a constant side gives NULL')
FROM expected, unnest(r) AS v WHERE n < 2 OR g % 11 = 2;
SELECT cmp_ok(count(v), '>', 40000::bigint, 'most results are not NULL') FROM expected, unnest(r) AS v;

-- Run a query with the calls under settings "name=value"; keep its result as a table, return its plan.
CREATE FUNCTION pg_temp.planned(result text, query text, settings text[]) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
	setting text;
	plan json;
BEGIN
	FOREACH setting IN ARRAY '{max_parallel_workers_per_gather=0,enable_hashagg=on,enable_sort=on,work_mem=256MB,hash_mem_multiplier=1,
		enable_partitionwise_aggregate=off,parallel_leader_participation=on,parallel_setup_cost=0,parallel_tuple_cost=0,
		min_parallel_table_scan_size=0}'::text[] || settings LOOP
		PERFORM set_config(trim(split_part(setting, '=', 1), E' \n\t'), split_part(setting, '=', 2), true);
	END LOOP;
	EXECUTE format('EXPLAIN (ANALYZE, TIMING OFF, FORMAT json) CREATE TABLE %I AS ', result) || replace(query, '$calls', pg_temp.calls())
		INTO plan;
	RETURN plan;
END $$;
-- Does the plan have a node that fits?  Conditions of a jsonpath filter.
CREATE FUNCTION pg_temp.has(plan jsonb, filter text) RETURNS boolean LANGUAGE sql AS $$
	SELECT jsonb_path_exists(plan, format('$.** ? (@.type() == "object") ? (%s)', filter)::jsonpath) $$;
-- How many groups differ, missing ones included.
CREATE FUNCTION pg_temp.differing(result text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	n bigint;
BEGIN
	EXECUTE format('SELECT count(*) FROM expected AS e FULL JOIN %I AS r USING (g) WHERE array_send(e.r) IS DISTINCT FROM array_send(r.r)',
		result) INTO n;
	RETURN n;
END $$;

CREATE TEMPORARY TABLE run (id serial, name text, parallel boolean, query text, settings text[], shape text[], plan jsonb);
INSERT INTO run (name, parallel, query, settings, shape)
SELECT name, 'max_parallel_workers_per_gather=2' = ANY (settings), query, settings::text[], shape::text[]
FROM (VALUES
	('serial HashAggregate', 'SELECT g, $calls AS r FROM pair GROUP BY g',
		ARRAY['enable_sort=off'],
		ARRAY['@."Node Type" == "Aggregate" && @."Strategy" == "Hashed" && @."HashAgg Batches" == 1 && @."Partial Mode" == "Simple"']),
	('serial GroupAggregate', 'SELECT g, $calls AS r FROM pair GROUP BY g',
		ARRAY['enable_hashagg=off'],
		ARRAY['@."Node Type" == "Aggregate" && @."Strategy" == "Sorted" && @."Partial Mode" == "Simple"']),
	('HashAggregate of shuffled rows', 'SELECT g, $calls AS r FROM (SELECT * FROM pair ORDER BY md5(id::text)) AS s GROUP BY g',
		ARRAY['enable_sort=off'],
		ARRAY['@."Node Type" == "Aggregate" && @."Strategy" == "Hashed"', '@."Node Type" == "Sort"']),
	('GroupAggregate of rows that rise', 'SELECT g, $calls AS r FROM (SELECT * FROM pair ORDER BY g, x, y) AS s GROUP BY g',
		ARRAY['enable_hashagg=off'],
		ARRAY['@."Node Type" == "Aggregate" && @."Strategy" == "Sorted"']),
	('spilled HashAggregate', 'SELECT g, $calls AS r FROM pair GROUP BY g',
		ARRAY['enable_sort=off', 'work_mem=64kB'],
		ARRAY['@."Node Type" == "Aggregate" && @."Strategy" == "Hashed" && @."HashAgg Batches" > 1 && @."Disk Usage" > 0']),
	('partial HashAggregates of one process', 'SELECT g, $calls AS r FROM parted GROUP BY g',
		ARRAY['enable_sort=off', 'enable_partitionwise_aggregate=on'],
		ARRAY['@."Partial Mode" == "Finalize" && @."Strategy" == "Hashed"', '@."Partial Mode" == "Partial" && @."Strategy" == "Hashed"',
			'@."Node Type" == "Append"']),
	('partial GroupAggregates of one process', 'SELECT g, $calls AS r FROM parted GROUP BY g',
		ARRAY['enable_hashagg=off', 'enable_partitionwise_aggregate=on'],
		ARRAY['@."Partial Mode" == "Finalize" && @."Strategy" == "Sorted"', '@."Partial Mode" == "Partial" && @."Strategy" == "Sorted"']),
	('parallel HashAggregate', 'SELECT g, $calls AS r FROM pair GROUP BY g',
		ARRAY['enable_sort=off', 'max_parallel_workers_per_gather=2'],
		ARRAY['@."Partial Mode" == "Finalize" && @."Strategy" == "Hashed"', '@."Partial Mode" == "Partial" && @."Strategy" == "Hashed"',
			'@."Node Type" == "Gather"']),
	('parallel GroupAggregate', 'SELECT g, $calls AS r FROM pair GROUP BY g',
		ARRAY['enable_hashagg=off', 'max_parallel_workers_per_gather=2', 'parallel_leader_participation=off'],
		ARRAY['@."Partial Mode" == "Finalize" && @."Strategy" == "Sorted"', '@."Partial Mode" == "Partial" && @."Strategy" == "Sorted"',
			'@."Node Type" == "Gather Merge"']),
	('parallel spilled HashAggregate', 'SELECT g, $calls AS r FROM pair GROUP BY g',
		ARRAY['enable_sort=off', 'max_parallel_workers_per_gather=2', 'parallel_leader_participation=off', 'work_mem=64kB'],
		ARRAY['@."Partial Mode" == "Finalize" && @."HashAgg Batches" > 1',
			'@."Partial Mode" == "Partial" && exists(@."Workers"[*] ? (@."HashAgg Batches" > 1))', '@."Node Type" == "Gather"'])
	) AS v (name, query, settings, shape);
UPDATE run SET plan = pg_temp.planned('result' || id, query, settings);
SELECT ok(bool_and(pg_temp.has(plan, filter)), name || ': it is the plan')
FROM run, unnest(shape) AS filter GROUP BY run.id, name ORDER BY run.id;
-- Workers that were launched, and that shared groups: more partial states than groups.
SELECT CASE
	WHEN parallel AND NOT pg_temp.has(plan, '@."Workers Launched" > 0') THEN skip(name || ': no worker was launched', 1)
	WHEN parallel AND NOT pg_temp.has(plan, format('(@."Node Type" starts with "Gather") && @."Actual Rows" > %s', groups))
		THEN skip(name || ': one process got all the rows', 1)
	ELSE is(pg_temp.differing('result' || run.id), 0::bigint, name || ': the bits of the array functions') END
FROM run, (SELECT count(*) FROM expected) AS e (groups) ORDER BY run.id;
SELECT pg_temp.planned('ignored', 'SELECT 1', '{work_mem=64MB}') AS ignored \gset

-- Parts of groups: FILTER, DISTINCT, ORDER BY, HAVING, grouping sets.
SELECT is(count(*), 0::bigint, 'FILTER')
FROM (SELECT g, spearman(x, y) FILTER (WHERE c > 0) AS a, soft_spearman(x, y, 'kl', 0.5) FILTER (WHERE c > 0) AS b FROM pair GROUP BY g) AS s
LEFT JOIN (SELECT g, array_agg(x) AS x, array_agg(y) AS y FROM pair WHERE c > 0 GROUP BY g) AS l USING (g)
WHERE float8send(a) IS DISTINCT FROM float8send(spearman(x, y)) OR float8send(b) IS DISTINCT FROM float8send(soft_spearman(x, y, 'kl', 0.5));
SELECT is(count(*), 0::bigint, 'DISTINCT')
FROM (SELECT g, spearman(DISTINCT x, y) AS a, soft_spearman(DISTINCT x, y) AS b FROM pair WHERE g % 11 IN (1, 2, 5) GROUP BY g) AS s
JOIN (SELECT g, array_agg(x) AS x, array_agg(y) AS y FROM (SELECT DISTINCT g, x, y FROM pair) AS d GROUP BY g) AS l USING (g)
WHERE float8send(a) IS DISTINCT FROM float8send(spearman(x, y)) OR float8send(b) IS DISTINCT FROM float8send(soft_spearman(x, y));
SELECT is(count(*), 0::bigint, 'ORDER BY in the call changes nothing')
FROM (SELECT g, ARRAY[spearman(x, y ORDER BY c), soft_spearman(x, y, 'l2', 0.05 ORDER BY x DESC, y)] AS a FROM pair GROUP BY g) AS s
JOIN expected USING (g) WHERE array_send(a) <> array_send(ARRAY[r[1], r[5]]);
SELECT is(count(*), (SELECT count(*) FROM expected WHERE r[1] > 0.5), 'HAVING')
FROM (SELECT g FROM pair GROUP BY g HAVING spearman(x, y) > 0.5) AS s;
CREATE TEMPORARY TABLE cubed AS
SELECT kind, half, array_agg(x) AS xs, array_agg(y) AS ys, ARRAY[spearman(x, y), soft_spearman(x, y, 'l2', 2)] AS a, GROUPING(kind, half) AS level,
	'cube' AS how
FROM (SELECT g % 11 AS kind, id % 2 AS half, x, y FROM pair WHERE g % 11 IN (0, 1, 5, 8, 9)) AS s GROUP BY CUBE (kind, half);
INSERT INTO cubed
SELECT kind, half, array_agg(x), array_agg(y), ARRAY[spearman(x, y), soft_spearman(x, y, 'l2', 2)], GROUPING(kind, half), 'rollup'
FROM (SELECT g % 11 AS kind, id % 2 AS half, x, y FROM pair WHERE g % 11 IN (1, 9)) AS s GROUP BY ROLLUP (kind, half);
INSERT INTO cubed
SELECT kind, half, array_agg(x), array_agg(y), ARRAY[spearman(x, y), soft_spearman(x, y, 'l2', 2)], GROUPING(kind, half), 'sets'
FROM (SELECT g % 11 AS kind, id % 2 AS half, x, y FROM pair WHERE g % 11 IN (1, 9)) AS s GROUP BY GROUPING SETS ((half), (kind), ());
SELECT ok(bool_and(array_send(a) = array_send(ARRAY[spearman(xs, ys), soft_spearman(xs, ys, 'l2', 2)]))
	AND count(DISTINCT level) = CASE how WHEN 'cube' THEN 4 ELSE 3 END, 'grouping sets: ' || how)
FROM cubed GROUP BY how ORDER BY how;
SELECT ok(spearman(x, y) IS NULL AND soft_spearman(x, y) IS NULL AND softsort_state_agg(x, y) IS NULL, 'no rows: NULL') FROM pair WHERE false;
SELECT ok(spearman(x, NULL) IS NULL AND soft_spearman(NULL, y) IS NULL AND softsort_state_agg(x, NULL) IS NULL, 'nothing but nulls: NULL')
FROM pair WHERE g = 1;

-- Aggregates over windows: the frame's rows.
CREATE FUNCTION pg_temp.framed(source text, frame text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	n bigint;
BEGIN
	EXECUTE format('SELECT count(*) FROM (SELECT ARRAY[spearman(x, y) OVER w, soft_spearman(x, y, ''kl'', 0.2) OVER w] AS a,
			ARRAY[spearman(array_agg(x) OVER w, array_agg(y) OVER w), soft_spearman(array_agg(x) OVER w, array_agg(y) OVER w, ''kl'', 0.2)] AS b
		FROM %s WINDOW w AS (PARTITION BY g %s)) AS s WHERE array_send(a) IS DISTINCT FROM array_send(b)', source, frame) INTO n;
	RETURN n;
END $$;
SELECT is(pg_temp.framed('pair WHERE ' || source, frame), 0::bigint, 'over a window: ' || source || ' ' || frame)
FROM (VALUES
	('g BETWEEN 100 AND 1000', ''),
	('g BETWEEN 100 AND 500', 'ORDER BY id'),
	('g BETWEEN 500 AND 1000', 'ORDER BY id ROWS BETWEEN 5 PRECEDING AND CURRENT ROW'),
	('g BETWEEN 500 AND 1000', 'ORDER BY id ROWS BETWEEN 3 PRECEDING AND 4 FOLLOWING EXCLUDE CURRENT ROW'),
	('g BETWEEN 100 AND 500', 'ORDER BY id ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING')) AS v (source, frame);
-- Expanded states that go on growing, or begin again, after a result has been taken from them.
CREATE TEMPORARY TABLE step AS SELECT id / 40000 AS k, x, y FROM pair WHERE g = 11;
SELECT ok(bool_and(array_send(a) = array_send(ARRAY[spearman(xs, ys), soft_spearman(xs, ys, 'kl', 0.2)])) AND count(*) BETWEEN 4 AND 9,
	'over a window, expanded: ' || frame)
FROM (
	SELECT DISTINCT 'from the beginning' AS frame, -1000000 AS below, 0 AS above, k,
		ARRAY[spearman(x, y) OVER w, soft_spearman(x, y, 'kl', 0.2) OVER w] AS a FROM step WINDOW w AS (ORDER BY k)
	UNION ALL SELECT DISTINCT 'sliding', -2, 0, k, ARRAY[spearman(x, y) OVER w, soft_spearman(x, y, 'kl', 0.2) OVER w]
	FROM step WINDOW w AS (ORDER BY k RANGE BETWEEN 2 PRECEDING AND CURRENT ROW)) AS r,
	LATERAL (SELECT array_agg(x) AS xs, array_agg(y) AS ys FROM step AS s WHERE s.k BETWEEN r.k + below AND r.k + above) AS f
GROUP BY frame ORDER BY frame;

-- States: bytes that depend on the pairs alone.
CREATE TABLE state AS SELECT g, id % 4 AS chunk, softsort_state_agg(x, y) AS s FROM pair GROUP BY 1, 2;
CREATE TABLE whole AS SELECT g, softsort_state_agg(x, y) AS s FROM pair GROUP BY g;
CREATE FUNCTION pg_temp.same(a softsort_state, b softsort_state) RETURNS boolean LANGUAGE sql AS $$
	SELECT softsort_state_send(a) IS NOT DISTINCT FROM softsort_state_send(b) $$;
SELECT ok(bool_or(pg_column_size(s) = 37) AND max(pg_column_size(s)) < 240000 + 100, 'some states have a short header') FROM whole;
SELECT cmp_ok(pg_relation_size(reltoastrelid), '>', 100000::bigint, 'some states are toasted') FROM pg_class WHERE oid = 'whole'::regclass;
CREATE TABLE merged AS SELECT g, softsort_merge(s) AS s FROM state GROUP BY g;
SELECT is(count(*) FILTER (WHERE NOT pg_temp.same(m.s, w.s)), 0::bigint, 'merged chunks are the whole state')
FROM merged AS m FULL JOIN whole AS w USING (g);
SELECT is(count(*) FILTER (WHERE NOT pg_temp.same(m.s, w.s)), 0::bigint, 'chunks merged in reverse order in two steps as well')
FROM (SELECT g, softsort_merge(s) AS s FROM (SELECT g, softsort_merge(s ORDER BY chunk DESC) AS s FROM state GROUP BY g, chunk % 2) AS h GROUP BY g) AS m
FULL JOIN whole AS w USING (g);
SELECT is(count(*) FILTER (WHERE NOT pg_temp.same(a, b)), 0::bigint, 'a state merged a second time gives the same bytes')
FROM (SELECT g, softsort_merge(s) AS a, softsort_merge(s ORDER BY chunk DESC) AS b FROM state GROUP BY g) AS m;
SELECT is(count(*) FILTER (WHERE NOT pg_temp.same(a, b) OR NOT pg_temp.same(s, t)), 0::bigint, 'merging does not change what is merged')
FROM (SELECT w.s, (SELECT softsort_merge(k) FROM (VALUES (w.s), (v.s), (w.s)) AS u (k)) AS a,
		(SELECT softsort_merge(k) FROM (VALUES (w.s), (w.s), (v.s)) AS u (k)) AS b,
		(SELECT softsort_state_agg(x, y) FROM pair AS p WHERE p.g = w.g) AS t
	FROM whole AS w JOIN whole AS v ON v.g = w.g + 1 WHERE w.g IN (5, 11, 12)) AS m;
SELECT is(count(*) FILTER (WHERE array_send(ARRAY[spearman(s), soft_spearman(s), soft_spearman(s, 'kl'), soft_spearman(s, 'l2', 0),
		soft_spearman(s, 'l2', 0.05), soft_spearman(s, 'kl', 3.5), soft_spearman(s, 'l2', 0.3, true), soft_spearman(s, 'kl', 0.1, true)])
		<> array_send(r)), 0::bigint, 'functions of a stored state')
FROM whole JOIN expected USING (g);
SELECT is(count(*) FILTER (WHERE NOT pg_temp.same(s, s::text::softsort_state) OR s::text <> encode(softsort_state_send(s), 'hex')),
	0::bigint, 'text and back')
FROM whole;
-- One transition state for several aggregates, each result as if it were alone.
SELECT is(count(*), 0::bigint, 'aggregates that share their state')
FROM (SELECT g, spearman(x, y) AS a, softsort_state_agg(x, y) AS s, soft_spearman(softsort_state_agg(x, y), 'kl') AS b FROM pair GROUP BY g) AS m
JOIN whole AS w USING (g) JOIN expected USING (g) WHERE NOT pg_temp.same(m.s, w.s) OR array_send(ARRAY[a, b]) <> array_send(ARRAY[r[1], r[3]]);
-- Binary and back, through a file of the server.
CREATE FUNCTION pg_temp.file() RETURNS text LANGUAGE sql AS $$ SELECT current_setting('data_directory') || '/softsort_states' $$;
SELECT format('COPY whole TO %L (FORMAT binary)', pg_temp.file()) \gexec
CREATE TABLE back (LIKE whole);
SELECT format('COPY back FROM %L (FORMAT binary)', pg_temp.file()) \gexec
SELECT is(count(*) FILTER (WHERE NOT pg_temp.same(b.s, w.s)), 0::bigint, 'binary and back') FROM back AS b FULL JOIN whole AS w USING (g);
SELECT is(softsort_merge(s)::text, NULL, 'null states merge to NULL') FROM whole WHERE s IS NULL;
SELECT ok(pg_temp.same(softsort_merge(s), (SELECT s FROM whole WHERE g = 11)), 'a state without pairs adds nothing')
FROM (SELECT s FROM whole WHERE g = 11 UNION ALL SELECT ('01000000' || repeat('00', 16))::softsort_state) AS u;

-- Laws.
SELECT is(spearman(x, y), -1 / 3.0::float8, 'ties do not flip the sign') FROM (VALUES (0, 1), (0, 0), (0, 0), (1, 0)) AS v (x, y);
SELECT is(count(*), 0::bigint, 'a factor of ' || f || ' changes nothing in spearman and with standardize')
FROM unnest('{1e100,1e-100}'::float8[]) AS f, LATERAL (
	SELECT g, ARRAY[spearman(x * f, y), spearman(x, y * f), soft_spearman(x * f, y * f, 'l2', 0.3, true)] AS a,
		abs(soft_spearman(x, y * f, 'kl', 0.1, true) - r[8]) AS d, r
	FROM pair JOIN expected USING (g) WHERE g > 100 AND g % 11 IN (0, 1, 5, 8, 9) GROUP BY g, r) AS s
WHERE a[1] IS DISTINCT FROM r[1] OR a[2] IS DISTINCT FROM r[1] OR abs(a[3] - r[7]) > 1e-11 OR d > 1e-9
	OR (a[3] IS NULL) <> (r[7] IS NULL) OR (d IS NULL) <> (r[8] IS NULL)
GROUP BY f;
SELECT is(spearman(x, y), 1::float8, 'infinities are values to spearman')
FROM (VALUES ('-Infinity'::float8, 1), (0, 2), ('Infinity', 3)) AS v (x, y);

-- Errors.
SELECT throws_ok(query, code::char(5), NULL, query) FROM (VALUES
	('SELECT spearman(x, y) FROM (VALUES (1.0, 2.0), (2, ''NaN''::float8)) AS v (x, y)', '22023'),
	('SELECT spearman(y, x) FROM (VALUES (1.0, 2.0), (2, ''NaN''::float8)) AS v (x, y)', '22023'),
	('SELECT soft_spearman(x, y) FROM (VALUES (1.0, 2.0), (2, ''NaN''::float8)) AS v (x, y)', '22023'),
	('SELECT soft_spearman(x, y) FROM (VALUES (1.0, 2.0), (2, ''Infinity''::float8)) AS v (x, y)', '22023'),
	('SELECT softsort_state_agg(x, ''NaN'') FROM (VALUES (1.0)) AS v (x)', '22023'),
	('SELECT soft_spearman(softsort_state_agg(x, ''-Infinity'')) FROM (VALUES (1.0), (2)) AS v (x)', '22023'),
	('SELECT soft_spearman(x, y, ''l1'') FROM pair', '22023'),
	('SELECT soft_spearman(x, y, ''l2'', -1) FROM pair', '22023'),
	('SELECT soft_spearman(x, y, ''l2'', ''NaN'') FROM pair', '22023'),
	('SELECT soft_spearman(x, y, NULL) FROM pair', '22004'),
	('SELECT soft_spearman(x, y, ''l2'', NULL) FROM pair', '22004'),
	('SELECT soft_spearman(x, y, ''l2'', 1, NULL) FROM pair', '22004'),
	('SELECT soft_spearman(x, y, CASE WHEN id % 2 = 0 THEN ''l2'' ELSE ''kl'' END) FROM pair', '22023'),
	('SELECT soft_spearman(x, y, ''l2'', id % 2) FROM pair', '22023'),
	('SELECT soft_spearman(x, y, ''l2'', 1, id % 2 = 0) FROM pair', '22023'),
	('SELECT softsort_state_append(NULL, 1, 2)', 'XX000'),
	('SELECT softsort_state_combine(s, s) FROM whole WHERE g = 11', 'XX000')) AS v (query, code);
-- Options that differ between the parts of a parallel plan, not within them.
SELECT ok(pg_temp.has(pg_temp.planned('alike', 'SELECT soft_spearman(x, y, ''l2'', 1 + 0 * tableoid::int) FROM parted',
	'{enable_partitionwise_aggregate=on}'), '@."Partial Mode" == "Finalize"'), 'a plan with partial states');
SELECT throws_ok('SELECT pg_temp.planned(''never'', ''SELECT soft_spearman(x, y, ''''l2'''', tableoid::int) FROM parted'',
	''{enable_partitionwise_aggregate=on}'')', '22023'::char(5), NULL, 'options that vary between partial states');
SELECT lives_ok('SELECT soft_spearman(x, y, ''l2'', 1 + 0 * id) FROM pair', 'options that are the same, though not constants');
SELECT throws_ok(format('SELECT softsort_merge(s::softsort_state) FROM (VALUES (%L), (%L)) AS v (s)', '01000000' || repeat('00', 16),
	'01010000' || repeat('00', 16)), '22023'::char(5), NULL, 'states with different options do not merge');

-- Malformed input is refused with an error of class 22, or is a state and comes back as it was.
CREATE TEMPORARY TABLE seed AS
SELECT decode(s, 'hex') AS b FROM (VALUES ('01000000' || repeat('00', 16)), ('01010101' || '3ff0000000000000' || repeat('00', 8))) AS v (s)
UNION ALL SELECT softsort_state_send(s) FROM (
	SELECT DISTINCT ON (octet_length(softsort_state_send(s))) s FROM whole
	WHERE octet_length(softsort_state_send(s)) IN (36, 68, 84) ORDER BY octet_length(softsort_state_send(s)), g) AS w
UNION ALL SELECT set_byte(set_byte(softsort_state_send(s), 1, 1), 2, 1) FROM (
	SELECT s FROM whole WHERE octet_length(softsort_state_send(s)) = 52 ORDER BY g LIMIT 1) AS w;
CREATE TEMPORARY TABLE mutant AS
SELECT set_byte(b, i, v) AS b FROM seed, generate_series(0, octet_length(b) - 1) AS i, unnest('{0,1,2,127,128,255}'::int[]) AS v
UNION SELECT substr(b, 1, n) FROM seed, generate_series(0, octet_length(b) - 1) AS n
UNION SELECT b || b FROM seed UNION SELECT b || '\x00' FROM seed UNION SELECT b || decode(repeat('00', 16), 'hex') FROM seed;
CREATE FUNCTION pg_temp.refused(mutants text[], OUT refused int, OUT taken int, OUT wrong text) LANGUAGE plpgsql AS $$
DECLARE
	digits text;
	s softsort_state;
	rho float8;
BEGIN
	refused := 0;
	taken := 0;
	FOREACH digits IN ARRAY mutants LOOP
		BEGIN
			s := digits::softsort_state;
			taken := taken + 1;
			IF s::text <> lower(digits) OR encode(softsort_state_send(s), 'hex') <> lower(digits) OR spearman(s) NOT BETWEEN -1 AND 1 THEN
				wrong := digits;
			END IF;
			rho := soft_spearman(s);
			IF rho NOT BETWEEN -1 AND 1 THEN
				wrong := digits;
			END IF;
		EXCEPTION WHEN OTHERS THEN
			refused := refused + 1;
			IF SQLSTATE NOT LIKE '22%' THEN
				wrong := digits || ': ' || SQLSTATE;
			END IF;
		END;
	END LOOP;
END $$;
SELECT ok(wrong IS NULL AND refused > 500 AND taken > 200, format('mutated text: %s refused, %s taken%s', refused, taken, ', wrong: ' || wrong))
FROM (SELECT array_agg(encode(b, 'hex')) AS m FROM mutant) AS a, pg_temp.refused(m);
SELECT ok(wrong IS NULL AND taken = 0, 'text that is no hexadecimal number: ' || format('%s refused%s', refused, ', wrong: ' || wrong))
FROM (SELECT array_agg(overlay(encode(b, 'hex') PLACING c FROM p FOR 1)) AS m
	FROM seed, unnest(ARRAY['g', ' ', E'\n', '-', 'é', '/', ':', '00']) AS c, unnest('{1,2,8,40}'::int[]) AS p) AS a, pg_temp.refused(m);
-- The same bytes in binary: a file of COPY with one row of one column.
CREATE FUNCTION pg_temp.received(mutants bytea[], OUT refused int, OUT taken int, OUT wrong text) LANGUAGE plpgsql AS $$
DECLARE
	file text := pg_temp.file();
	bytes bytea;
	lob oid;
	same boolean;
BEGIN
	CREATE TEMPORARY TABLE received (s softsort_state);
	refused := 0;
	taken := 0;
	FOREACH bytes IN ARRAY mutants LOOP
		lob := lo_from_bytea(0, '\x5047434f50590aff0d0a00' || int8send(0) || int2send(1::int2) || int4send(octet_length(bytes)) || bytes
			|| int2send((-1)::int2));
		PERFORM lo_export(lob, file), lo_unlink(lob);
		BEGIN
			DELETE FROM received;
			EXECUTE format('COPY received FROM %L (FORMAT binary)', file);
			taken := taken + 1;
			SELECT softsort_state_send(s) = bytes INTO same FROM received;
			IF same IS NOT TRUE THEN
				wrong := bytes;
			END IF;
		EXCEPTION WHEN OTHERS THEN
			refused := refused + 1;
			IF SQLSTATE NOT LIKE '22%' AND SQLSTATE <> '08P01' THEN
				wrong := bytes::text || ': ' || SQLSTATE;
			END IF;
		END;
	END LOOP;
END $$;
SELECT ok(wrong IS NULL AND refused > 100 AND taken > 50, format('mutated binary: %s refused, %s taken%s', refused, taken, ', wrong: ' || wrong))
FROM (SELECT array_agg(b) AS m FROM (SELECT b FROM mutant ORDER BY md5(b) LIMIT 400) AS s) AS a, pg_temp.received(m);

-- Window functions against the arrays of the same rows; partitions on disk.
SET LOCAL work_mem = '64kB';
CREATE TEMPORARY TABLE ordered AS
SELECT row_number() OVER (ORDER BY g, id) AS id, g, x, y, c FROM pair WHERE g % 4 = 0 OR g % 500 = 3 OR g = 11;
CREATE TEMPORARY TABLE list AS
SELECT g, array_agg(id ORDER BY id) AS ids, array_agg(x ORDER BY id) AS x, array_agg(y ORDER BY id) AS y, array_agg(c ORDER BY id) AS c
FROM ordered GROUP BY g;
CREATE FUNCTION pg_temp.window_differs(call text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	n bigint;
BEGIN
	EXECUTE format('SELECT count(*) FROM (SELECT id, %s OVER (PARTITION BY g) AS r FROM (SELECT * FROM ordered ORDER BY g, id) AS o) AS w
		FULL JOIN (SELECT u.id, u.r FROM (SELECT ids, %s AS r FROM list) AS l, unnest(ids, l.r) AS u (id, r)) AS a USING (id)
		WHERE float8send(w.r) IS DISTINCT FROM float8send(a.r)', call, call) INTO n;
	RETURN n;
END $$;
SELECT is(pg_temp.window_differs(call), 0::bigint, 'over partitions as over arrays: ' || call)
FROM unnest(ARRAY['soft_rank(x)', 'soft_rank(x, ''kl'', 0.4, ''desc'')', 'soft_rank(y, ''l2'', 0.2, ''desc'', true)',
	'soft_rank_vjp(x, c)', 'soft_rank_vjp(x, c, ''kl'', 2, ''desc'', true)', 'soft_spearman_grad(y, c, ''l2'', 0.05)',
	'soft_spearman_grad(x, y, ''kl'', 0.5, true)']) AS call;
CREATE FUNCTION pg_temp.sort_differs(call text, direction text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	n bigint;
BEGIN
	EXECUTE format('SELECT count(*) FROM (SELECT g, x, %1$s OVER (PARTITION BY g) AS r,
			row_number() OVER (PARTITION BY g ORDER BY x %2$s NULLS LAST, id) AS k FROM (SELECT * FROM ordered ORDER BY g, id) AS o) AS w
		FULL JOIN (SELECT g, u.r, u.k FROM (SELECT g, %1$s AS r FROM list) AS l, unnest(l.r) WITH ORDINALITY AS u (r, k)) AS a USING (g, k)
		WHERE float8send(w.r) IS DISTINCT FROM float8send(a.r)', call, direction) INTO n;
	RETURN n;
END $$;
SELECT is(pg_temp.sort_differs(format('soft_sort(x, %L, %s, %L)', reg, strength, direction), direction), 0::bigint,
	format('soft_sort over partitions, each row has the value of its stable rank: %s %s %s', reg, strength, direction))
FROM (VALUES ('l2', 1, 'asc'), ('kl', 0.3, 'desc'), ('l2', 0, 'desc')) AS v (reg, strength, direction);

SELECT * FROM finish();
ROLLBACK;
