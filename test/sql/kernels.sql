-- softsort.kernels: every level of instructions gives the same bits.  Which levels there are
-- depends on the machine, so that the output names none but portable.
\c -
CREATE VIEW pg_temp.setting AS
SELECT setting = ANY (enumvals) AS valid, setting = 'auto' AS auto, boot_val, reset_val, source, context
FROM pg_settings WHERE name = 'softsort.kernels';
-- before the library is loaded a value is only noted
SET softsort.kernels = 'PORTABLE';
SELECT soft_rank(ARRAY[8,0,5,3]);
SHOW softsort.kernels;
RESET softsort.kernels;
SELECT * FROM setting;
-- what is in use
SELECT current_setting('softsort.kernels_status') = ANY (enumvals) AS known FROM pg_settings WHERE name = 'softsort.kernels';
SET softsort.kernels_status = 'portable';

-- what is not a level (the hint would name those of the machine)
\set VERBOSITY terse
SET softsort.kernels = 'abacus';
SET softsort.kernels = '';
SET softsort.kernels = '1';
\c -
SET softsort.kernels = 'abacus';
SELECT soft_rank(ARRAY[8,0,5,3]);
SELECT reset_val, source FROM pg_settings WHERE name = 'softsort.kernels';
\set VERBOSITY default
BEGIN;
SET LOCAL softsort.kernels = 'portable';
SHOW softsort.kernels;
ROLLBACK;
SELECT enumvals[1:2], boot_val, reset_val, source, context FROM pg_settings WHERE name = 'softsort.kernels';

-- lists of several lengths and kinds, each as double precision[] and as real[]
CREATE TEMP TABLE list AS
SELECT n, kind, x, y, x::real[] AS xr, y::real[] AS yr
FROM (
	SELECT n, kind,
		array_agg(CASE kind
			WHEN 'integers' THEN (i * 7919) % 101
			WHEN 'permutation' THEN (i * 7919) % (n + 1)
			WHEN 'decimals' THEN ((i * i * 31 + i * 7919) % 1000) / 100.0
			WHEN 'seconds' THEN 1.7e9 + (i * 104729) % 100003 / 1024.0
			WHEN 'wide' THEN ((i % 2) * 2 - 1) * 10.0 ^ ((i * 7919) % 61 - 30)
			WHEN 'sorted' THEN i / 3.0
		END::float8 ORDER BY i) AS x,
		array_agg(((i * 104729) % 997) / 8.0::float8 ORDER BY i) AS y
	FROM unnest('{1,2,3,7,8,9,31,64,100,257,1000,4096,33000}'::int[]) AS n, generate_series(1::bigint, n) AS i,
		unnest('{integers,permutation,decimals,seconds,wide,sorted}'::text[]) AS kind
	WHERE n < 10000 OR kind = 'decimals'
	GROUP BY n, kind) AS l;

-- all results by the level in use
CREATE FUNCTION digest(OUT what text, OUT md5 text) RETURNS SETOF record LANGUAGE sql AS $$
	SELECT f, md5(string_agg(md5(r), '' ORDER BY n, kind, reg, strength))
	FROM list,
		(VALUES ('l2', 1::float8, 'asc'), ('l2', 0.1, 'desc'), ('l2', 1000, 'asc'),
			('kl', 1, 'desc'), ('kl', 0.1, 'asc'), ('kl', 1000, 'desc')) AS o (reg, strength, direction),
		LATERAL (VALUES
			('soft_rank', array_send(soft_rank(x, reg, strength, direction))),
			('soft_rank, real', array_send(soft_rank(xr, reg, strength, direction))),
			('soft_rank, standardize', array_send(soft_rank(x, reg, strength, direction, true))),
			('soft_rank_vjp', array_send(soft_rank_vjp(x, y, reg, strength, direction))),
			('soft_rank_vjp, real', array_send(soft_rank_vjp(xr, yr, reg, strength, direction))),
			('soft_rank_vjp, standardize', array_send(soft_rank_vjp(x, y, reg, strength, direction, true))),
			('soft_sort', array_send(soft_sort(x, reg, strength, direction))),
			('soft_sort, real', array_send(soft_sort(xr, reg, strength, direction))),
			('soft_sort_vjp', array_send(soft_sort_vjp(x, y, reg, strength, direction))),
			('soft_spearman', float8send(soft_spearman(x, y, reg, strength))),
			('soft_spearman_grad', array_send(soft_spearman_grad(x, y, reg, strength))),
			('spearman', float8send(spearman(x, y))),
			('spearman, real', float8send(spearman(xr, yr))),
			('isotonic_regression', array_send(isotonic_regression(x, direction))),
			('permutahedron_projection', array_send(permutahedron_projection(x, y, reg)))) AS v (f, r)
	GROUP BY f $$;

CREATE TEMP TABLE result (level text, what text, md5 text);
DO $$
DECLARE
	level text;
BEGIN
	FOREACH level IN ARRAY (SELECT enumvals FROM pg_settings WHERE name = 'softsort.kernels') LOOP
		PERFORM set_config('softsort.kernels', level, false);
		IF level <> 'auto' AND current_setting('softsort.kernels_status') <> level THEN
			RAISE 'kernels are not %', level;
		END IF;
		INSERT INTO result SELECT level, * FROM digest();
	END LOOP;
END $$;
SELECT count(DISTINCT level) = (SELECT cardinality(enumvals) FROM pg_settings WHERE name = 'softsort.kernels') AS all_levels
FROM result;
SELECT what, count(DISTINCT md5) AS digests, array_agg(level) FILTER (WHERE md5 <> portable) AS different
FROM result JOIN (SELECT what, md5 AS portable FROM result WHERE level = 'portable') AS p USING (what)
GROUP BY what ORDER BY what;

-- window functions
SELECT set_config('softsort.kernels', 'portable', false);
CREATE TEMP TABLE w AS
SELECT i, soft_rank(v) OVER () AS r, soft_sort(v) OVER (PARTITION BY i % 3) AS s
FROM generate_series(1, 20000) AS i, LATERAL (SELECT ((i * 7919) % 10007) / 64.0::float8) AS t (v);
RESET softsort.kernels;
SELECT count(*) FROM (
	SELECT i, soft_rank(v) OVER () AS r, soft_sort(v) OVER (PARTITION BY i % 3) AS s
	FROM generate_series(1, 20000) AS i, LATERAL (SELECT ((i * 7919) % 10007) / 64.0::float8) AS t (v)) AS n
JOIN w USING (i) WHERE float8send(n.r) <> float8send(w.r) OR float8send(n.s) <> float8send(w.s);
DROP FUNCTION digest();
