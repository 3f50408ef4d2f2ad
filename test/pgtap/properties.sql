-- Properties that hold for any data: order of the elements, sums, ties, directions, limits, shapes.
-- The data are pseudo-random, but the same everywhere.
BEGIN;
SELECT * FROM no_plan();

-- Number i of stream s, in [0, 1).
CREATE FUNCTION pg_temp.noise(i bigint, s bigint) RETURNS float8 LANGUAGE sql IMMUTABLE AS $$
	SELECT (((i * i % 99991 * 7919 + i * (s * 31 + 17) + s * 104729) % 2147483647) * 48271 % 2147483647 * 69621 % 2147483647)::float8
		/ 2147483647 $$;
CREATE FUNCTION pg_temp.permute(x float8[], p int[]) RETURNS float8[] LANGUAGE sql IMMUTABLE AS $$
	SELECT array_agg(x[i] ORDER BY k) FROM unnest(p) WITH ORDINALITY AS u (i, k) $$;
CREATE FUNCTION pg_temp.negate(x float8[]) RETURNS float8[] LANGUAGE sql IMMUTABLE AS $$
	SELECT array_agg(-v ORDER BY k) FROM unnest(x) WITH ORDINALITY AS u (v, k) $$;
CREATE FUNCTION pg_temp.affine(x float8[], a float8, b float8) RETURNS float8[] LANGUAGE sql IMMUTABLE AS $$
	SELECT array_agg(a * v + b ORDER BY k) FROM unnest(x) WITH ORDINALITY AS u (v, k) $$;
-- The largest difference of two lists.
CREATE FUNCTION pg_temp.distance(x float8[], y float8[]) RETURNS float8 LANGUAGE sql IMMUTABLE AS $$
	SELECT coalesce(max(abs(v - w)), 'Infinity') FROM unnest(x, y) AS u (v, w) $$;

-- Lists of several sizes and kinds, with a permutation and a second list each.
CREATE TEMPORARY TABLE list AS
SELECT kind, n, x, y, p, pg_temp.permute(x, p) AS xp, pg_temp.permute(y, p) AS yp
FROM (
	SELECT kind, n,
		array_agg(CASE kind
			WHEN 'uniform' THEN u
			WHEN 'ties' THEN floor(5 * u)
			WHEN 'integers' THEN floor(1000 * u)
			WHEN 'decimals' THEN round((10 * u)::numeric, 1)::float8
			WHEN 'wide' THEN (CASE WHEN v < 0.5 THEN -1 ELSE 1 END) * 10.0::float8 ^ floor(20 * u - 10)
			WHEN 'microseconds' THEN 1.7e15 + floor(100 * u)
		END ORDER BY i) AS x,
		array_agg(floor(20 * v) / 4 ORDER BY i) AS y,
		array_agg(i ORDER BY pg_temp.noise(i, 1000 + n), i) AS p
	FROM unnest('{uniform,ties,integers,decimals,wide,microseconds}'::text[]) WITH ORDINALITY AS k (kind, s),
		unnest('{1,2,3,10,47,300}'::int[]) AS n,
		generate_series(1, n) AS i,
		LATERAL (SELECT pg_temp.noise(i, s * 7 + n), pg_temp.noise(i, s * 11 + n + 500)) AS r (u, v)
	GROUP BY kind, n) AS l;

CREATE TEMPORARY TABLE option AS
SELECT reg, strength, direction, std
FROM unnest('{l2,kl}'::text[]) AS reg, unnest('{0,1e-300,0.001,0.1,1,10,1000,1e6,1e300}'::float8[]) AS strength,
	unnest('{asc,desc}'::text[]) AS direction, unnest('{f,t}'::boolean[]) AS std;

CREATE TEMPORARY TABLE ranked AS
SELECT l.*, o.*, soft_rank(x, reg, strength, direction, std) AS r FROM list AS l, option AS o;
SELECT cmp_ok(count(*), '=', 2592::bigint, 'lists times options') FROM ranked;

-- The order of the elements does not matter, to the last bit.
SELECT is(count(*) FILTER (WHERE array_send(soft_rank(xp, reg, strength, direction, std)) <> array_send(pg_temp.permute(r, p))),
	0::bigint, 'soft_rank of permuted values is permuted: ' || reg)
FROM ranked GROUP BY reg ORDER BY reg;
SELECT is(count(*) FILTER (WHERE array_send(soft_sort(xp, reg, strength, direction)) <> array_send(soft_sort(x, reg, strength, direction))),
	0::bigint, 'soft_sort does not depend on order: ' || reg)
FROM list, option WHERE NOT std GROUP BY reg ORDER BY reg;
SELECT is(count(*) FILTER (WHERE float8send(spearman(x, y)) IS DISTINCT FROM float8send(spearman(xp, yp))),
	0::bigint, 'spearman does not depend on the order of pairs')
FROM list;
SELECT is(count(*) FILTER (WHERE float8send(soft_spearman(x, y, reg, strength, std)) IS DISTINCT FROM
		float8send(soft_spearman(xp, yp, reg, strength, std))),
	0::bigint, 'soft_spearman does not depend on the order of pairs: ' || reg)
FROM list, option WHERE direction = 'asc' GROUP BY reg ORDER BY reg;
SELECT is(count(*) FILTER (WHERE soft_rank_strength_range(x, reg, std)::text <> soft_rank_strength_range(xp, reg, std)::text),
	0::bigint, 'soft_rank_strength_range does not depend on order: ' || reg)
FROM list, option WHERE direction = 'asc' AND strength = 0 GROUP BY reg ORDER BY reg;
SELECT is(count(*) FILTER (WHERE pg_temp.distance(soft_rank_vjp(xp, yp, reg, strength, direction, std),
		pg_temp.permute(soft_rank_vjp(x, y, reg, strength, direction, std), p)) > 1e-12 * n / strength),
	0::bigint, 'soft_rank_vjp of permuted values is permuted but for rounding: ' || reg)
FROM list, option WHERE strength BETWEEN 0.001 AND 1e6 AND NOT std GROUP BY reg ORDER BY reg;

-- Repeated calls give the same bits.
SELECT is(count(*) FILTER (WHERE array_send(soft_rank(x, reg, strength, direction, std)) <> array_send(r)), 0::bigint, 'the same again: ' || reg)
FROM ranked GROUP BY reg ORDER BY reg;

-- The sum of the ranks.
SELECT cmp_ok(max(abs(total - n * (n + 1) / 2.0) / (n * n)), '<=', 1e-14::float8, 'ranks add up to n (n + 1) / 2: ' || reg)
FROM ranked, LATERAL (SELECT sum(v) FROM unnest(r) AS v) AS s (total) GROUP BY reg ORDER BY reg;
SELECT ok(bool_and(v BETWEEN 1 AND n), 'ranks lie between 1 and n: ' || reg)
FROM ranked, unnest(r) AS v GROUP BY reg ORDER BY reg;

-- Ranks follow the values, equal values have equal ranks.
CREATE TEMPORARY TABLE step AS
SELECT reg, v AS value, CASE direction WHEN 'asc' THEN q ELSE -q END AS r,
	lag(v) OVER w AS previous, lag(CASE direction WHEN 'asc' THEN q ELSE -q END) OVER w AS previous_r
FROM (SELECT row_number() OVER () AS id, ranked.* FROM ranked) AS k, unnest(k.x, k.r) AS u (v, q)
WINDOW w AS (PARTITION BY id ORDER BY v);
SELECT is(count(*) FILTER (WHERE value > previous AND r < previous_r), 0::bigint, 'larger values have no smaller ranks: ' || reg)
FROM step GROUP BY reg ORDER BY reg;
SELECT is(count(*) FILTER (WHERE value = previous AND r <> previous_r), 0::bigint, 'equal values have equal ranks: ' || reg)
FROM step GROUP BY reg ORDER BY reg;
SELECT is(count(*) FILTER (WHERE v < previous - 1e-15 * scale), 0::bigint, 'soft_sort never falls but for rounding: ' || reg)
FROM (
	SELECT reg, v, lag(v) OVER (PARTITION BY kind, n, reg, strength ORDER BY i) AS previous, scale
	FROM list, option, LATERAL (SELECT max(abs(v)) FROM unnest(x) AS v) AS m (scale),
		unnest(soft_sort(x, reg, strength)) WITH ORDINALITY AS u (v, i)
	WHERE direction = 'asc' AND NOT std) AS s
GROUP BY reg ORDER BY reg;

-- Descending is ascending of the negated values.
SELECT is(count(*) FILTER (WHERE soft_rank(pg_temp.negate(x), reg, strength, 'asc', std) <> r), 0::bigint,
	'desc is asc of the negated values: soft_rank ' || reg)
FROM ranked WHERE direction = 'desc' GROUP BY reg ORDER BY reg;
SELECT is(count(*) FILTER (WHERE soft_sort(x, reg, strength, 'desc') <> pg_temp.negate(soft_sort(pg_temp.negate(x), reg, strength, 'asc'))),
	0::bigint, 'desc is asc of the negated values: soft_sort ' || reg)
FROM list, option WHERE direction = 'asc' AND NOT std GROUP BY reg ORDER BY reg;

-- Limits.
CREATE TEMPORARY TABLE hard AS
SELECT kind, n, array_agg(r ORDER BY i) AS r
FROM (
	SELECT kind, n, i, rank() OVER (PARTITION BY kind, n ORDER BY v) + (count(*) OVER (PARTITION BY kind, n, v) - 1) / 2.0::float8 AS r
	FROM list, unnest(x) WITH ORDINALITY AS u (v, i)) AS m
GROUP BY kind, n;
SELECT is(count(*) FILTER (WHERE k.r <> h.r), 0::bigint, 'strength 0 gives mid-ranks: ' || reg)
FROM ranked AS k JOIN hard AS h USING (kind, n) WHERE strength = 0 AND direction = 'asc' GROUP BY reg ORDER BY reg;
SELECT is(count(*) FILTER (WHERE soft_rank(x, reg, strength_min, 'asc', std) <> h.r), 0::bigint, 'and so does strength_min: ' || reg)
FROM option, list JOIN hard AS h USING (kind, n), soft_rank_strength_range(x, reg, std)
WHERE strength = 0 AND direction = 'asc' AND strength_min IS NOT NULL GROUP BY reg ORDER BY reg;
SELECT cmp_ok(max(pg_temp.distance(soft_rank(x, 'l2', s), (
		SELECT array_agg((n + 1) / 2.0::float8 + (v - x[1] - m) / s ORDER BY i) FROM unnest(x) WITH ORDINALITY AS u (v, i))) / n), '<=',
	1e-12::float8, 'from strength_max on l2 ranks are affine')
FROM list, soft_rank_strength_range(x), LATERAL (SELECT 1.25 * strength_max, (SELECT avg(v - x[1]) FROM unnest(x) AS v)) AS t (s, m)
WHERE strength_max IS NOT NULL;
SELECT cmp_ok(max(pg_temp.distance(r, array_fill((n + 1) / 2.0::float8, ARRAY[n])) / n), '<=', 1e-14::float8,
	'a huge strength gives the middle: ' || reg)
FROM ranked WHERE strength = 1e300 GROUP BY reg ORDER BY reg;
SELECT is(count(*) FILTER (WHERE soft_sort(x, reg, 0) <> (SELECT array_agg(v ORDER BY v) FROM unnest(x) AS v)), 0::bigint,
	'strength 0 sorts: ' || reg)
FROM list, unnest('{l2,kl}'::text[]) AS reg GROUP BY reg ORDER BY reg;
SELECT cmp_ok(max(pg_temp.distance(soft_sort(pg_temp.affine(x, 1, -x[1]), 'l2', 1e300), array_fill(m, ARRAY[n])) / greatest(abs(m), 1)), '<=',
	1e-12::float8, 'a huge strength sorts into the mean')
FROM list, LATERAL (SELECT avg(v - x[1]) FROM unnest(x) AS v) AS t (m);

-- A constant that is exact changes nothing; nor does a power of two with standardize.
SELECT is(count(*) FILTER (WHERE soft_rank(pg_temp.affine(x, 1, 1099511627776), reg, strength, direction, std) <> r), 0::bigint,
	'an exact constant changes nothing: ' || reg)
FROM ranked WHERE kind IN ('ties', 'integers') GROUP BY reg ORDER BY reg;
SELECT is(count(*) FILTER (WHERE soft_rank(pg_temp.affine(x, 1024, 0), reg, strength, direction, std) <> r), 0::bigint,
	'standardize: a power of two changes nothing: ' || reg)
FROM ranked WHERE std GROUP BY reg ORDER BY reg;
SELECT cmp_ok(max(pg_temp.distance(soft_rank(pg_temp.affine(x, 3.7, 11), reg, strength, direction, std), r) / n), '<=', 1e-12::float8,
	'standardize: a x + b changes nothing but rounding: ' || reg)
FROM ranked WHERE std AND strength BETWEEN 0.1 AND 1000 AND kind IN ('uniform', 'ties', 'integers', 'decimals') GROUP BY reg ORDER BY reg;

-- The law of soft_spearman.
SELECT cmp_ok(max(abs(soft_spearman(x, y, reg, strength, std) - rho)), '<=', 1e-12::float8, 'soft_spearman is corr of soft ranks: ' || reg)
FROM list, option, LATERAL (
	SELECT corr(a, b) FROM unnest(soft_rank(x, reg, strength, 'asc', std), soft_rank(y, reg, strength, 'asc', std)) AS u (a, b)) AS c (rho)
WHERE strength BETWEEN 0.1 AND 10 AND direction = 'asc' AND kind <> 'wide' GROUP BY reg ORDER BY reg;
SELECT is(count(*) FILTER (WHERE soft_spearman(x, y, reg, strength, std) IS NULL), count(*) FILTER (WHERE n = 1),
	'soft_spearman is null for one pair alone: ' || reg)
FROM list, option WHERE direction = 'asc' AND kind <> 'ties' AND n NOT IN (2, 3) GROUP BY reg ORDER BY reg;
SELECT cmp_ok(max(abs(spearman(x, y) - rho)), '<=', 1e-13::float8, 'spearman is corr of mid-ranks')
FROM list JOIN hard AS h USING (kind, n), LATERAL (SELECT corr(a, b) FROM unnest(h.r, soft_rank(y, 'l2', 0)) AS u (a, b)) AS c (rho);
SELECT cmp_ok(max(abs(spearman(x, y) - soft_spearman(x, y, reg, 0))), '<=', 1e-15::float8, 'strength 0 is spearman: ' || reg)
FROM list, unnest('{l2,kl}'::text[]) AS reg GROUP BY reg ORDER BY reg;
SELECT ok(bool_and(abs(soft_spearman(x, y, reg, strength, std)) <= 1 AND abs(soft_spearman(x, x, reg, strength, std) - 1) <= 4e-16),
	'soft_spearman lies in [-1, 1] and is 1 with itself: ' || reg)
FROM list, option WHERE direction = 'asc' GROUP BY reg ORDER BY reg;

-- soft_rank by the projection; isotonic regression.
SELECT cmp_ok(max(pg_temp.distance(soft_rank(x, 'l2', strength),
		permutahedron_projection(pg_temp.affine(x, 1 / strength, 0), (SELECT array_agg(i) FROM generate_series(1, n) AS i))) / n), '<=',
	1e-12::float8, 'soft_rank is a projection: l2')
FROM list, option WHERE strength BETWEEN 0.1 AND 1000 AND direction = 'asc' AND NOT std AND kind NOT IN ('wide', 'microseconds');
SELECT cmp_ok(max(pg_temp.distance(soft_rank(x, 'kl', strength), (
		SELECT array_agg(exp(v) ORDER BY i) FROM unnest(permutahedron_projection(pg_temp.affine(x, 1 / strength, 0),
			(SELECT array_agg(ln(i::float8)) FROM generate_series(1, n) AS i), 'kl')) WITH ORDINALITY AS u (v, i))) / n), '<=',
	1e-12::float8, 'soft_rank is a projection: kl')
FROM list, option WHERE strength BETWEEN 0.1 AND 1000 AND direction = 'asc' AND NOT std AND kind NOT IN ('wide', 'microseconds');
SELECT is(count(*) FILTER (WHERE v < previous), 0::bigint, 'isotonic_regression never falls')
FROM (
	SELECT v, lag(v) OVER (PARTITION BY kind, n ORDER BY i) AS previous
	FROM list, unnest(isotonic_regression(x)) WITH ORDINALITY AS u (v, i)) AS s;
SELECT is(count(*) FILTER (WHERE isotonic_regression(isotonic_regression(x)) <> isotonic_regression(x)), 0::bigint,
	'isotonic_regression of its result is its result')
FROM list;
SELECT cmp_ok(max(abs(a - b) / greatest(abs(c), 1)), '<=', 1e-12::float8, 'isotonic_regression keeps the weighted sum')
FROM list, LATERAL (SELECT sum(v * (w + 1)), sum(i * (w + 1)), sum(abs(v) * (w + 1))
	FROM unnest(x, y, isotonic_regression(x, pg_temp.affine(y, 1, 1))) AS u (v, w, i)) AS s (a, b, c);
SELECT cmp_ok(max(pg_temp.distance(isotonic_regression(x, d), isotonic_regression(x, pg_temp.affine(x, 0, 1), d)) / s), '<=',
	1e-15::float8, 'equal weights are no weights: ' || d)
FROM list, unnest('{asc,desc}'::text[]) AS d, LATERAL (SELECT greatest(max(abs(v)), 1) FROM unnest(x) AS v) AS m (s) GROUP BY d ORDER BY d;

-- Several dimensions: each row as it is alone, to the last bit.
CREATE TEMPORARY TABLE batch AS
SELECT n, array_agg(x ORDER BY kind) AS x, array_agg(y ORDER BY kind) AS y, array_agg(xp ORDER BY kind) AS z FROM list GROUP BY n;
CREATE TEMPORARY TABLE unary (call text);
INSERT INTO unary
SELECT format('%s(%%s, %L, %s, %L%s)', f, reg, strength, direction, CASE WHEN f = 'soft_rank' THEN format(', %L', std) END)
FROM option, unnest('{soft_rank,soft_sort}'::text[]) AS f WHERE strength IN (0, 0.1, 1, 1000) AND (f = 'soft_rank' OR NOT std);
INSERT INTO unary VALUES ('isotonic_regression(%s, ''desc'')'), ('isotonic_regression(%s)');
CREATE TEMPORARY TABLE pairwise (call text);
INSERT INTO pairwise
SELECT format('%s(%%s, %%s, %L, %s, %L%s)', f, reg, strength, direction, CASE WHEN f LIKE 'soft_rank%' THEN format(', %L', std) END)
FROM option, unnest('{soft_rank_vjp,soft_rank_jvp,soft_sort_vjp,soft_sort_jvp}'::text[]) AS f
WHERE strength IN (0, 0.1, 1, 1000) AND (f LIKE 'soft_rank%' OR NOT std);
INSERT INTO pairwise VALUES ('permutahedron_projection(%s, %s)'), ('permutahedron_projection(%s, %s, ''kl'')'),
	('isotonic_regression_vjp(%s, %s)');
CREATE FUNCTION pg_temp.count_of(query text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	result bigint;
BEGIN
	EXECUTE query INTO result;
	RETURN result;
END $$;
SELECT is(sum(pg_temp.count_of(format(
		'SELECT count(*) FROM batch JOIN (SELECT n, array_agg(%s ORDER BY kind) AS r FROM list GROUP BY n) AS l USING (n) WHERE array_send(%s) <> array_send(r)',
		format(call, 'x'), format(call, 'x')))), 0::numeric, 'rows as lists: ' || split_part(call, '(', 1))
FROM unary GROUP BY split_part(call, '(', 1) ORDER BY split_part(call, '(', 1);
SELECT is(sum(pg_temp.count_of(format(
		'SELECT count(*) FROM batch JOIN (SELECT n, array_agg(%s ORDER BY kind) AS r FROM list GROUP BY n) AS l USING (n) WHERE array_send(%s) <> array_send(r)',
		format(call, 'x', 'y'), format(call, 'x', 'y')))), 0::numeric, 'rows as lists: ' || split_part(call, '(', 1))
FROM pairwise GROUP BY split_part(call, '(', 1) ORDER BY split_part(call, '(', 1);
SELECT is(count(*) FILTER (WHERE array_send(permutahedron_projection_vjp(b.x, b.z, b.y, reg)) <> array_send(vjp)
		OR array_send(permutahedron_projection_jvp(b.x, b.z, b.y, reg)) <> array_send(jvp)
		OR array_send(isotonic_regression(b.x, b.w)) <> array_send(iso)
		OR array_send(isotonic_regression_vjp(b.x, b.y, b.w)) <> array_send(iso_vjp)), 0::bigint, 'rows as lists: three arrays, ' || reg)
FROM unnest('{l2,kl}'::text[]) AS reg, LATERAL (
	SELECT n, array_agg(x ORDER BY kind) AS x, array_agg(y ORDER BY kind) AS y, array_agg(xp ORDER BY kind) AS z,
		array_agg(pg_temp.affine(y, 1, 1) ORDER BY kind) AS w,
		array_agg(permutahedron_projection_vjp(x, xp, y, reg) ORDER BY kind) AS vjp,
		array_agg(permutahedron_projection_jvp(x, xp, y, reg) ORDER BY kind) AS jvp,
		array_agg(isotonic_regression(x, pg_temp.affine(y, 1, 1)) ORDER BY kind) AS iso,
		array_agg(isotonic_regression_vjp(x, y, pg_temp.affine(y, 1, 1)) ORDER BY kind) AS iso_vjp
	FROM list GROUP BY n) AS b
GROUP BY reg ORDER BY reg;
SELECT is(count(*) FILTER (WHERE array_send(soft_spearman_rows(b.x, b.y, reg, strength, std)) <> array_send(rho)
		OR array_send(spearman_rows(b.x, b.y)) <> array_send(hard)), 0::bigint, 'rows as lists: correlations, ' || reg)
FROM option, LATERAL (
	SELECT array_agg(x ORDER BY kind) AS x, array_agg(y ORDER BY kind) AS y,
		array_agg(soft_spearman(x, y, reg, strength, std) ORDER BY kind) AS rho, array_agg(spearman(x, y) ORDER BY kind) AS hard
	FROM list GROUP BY n) AS b
WHERE direction = 'asc' GROUP BY reg ORDER BY reg;
-- One list that serves every row.
SELECT is(count(*) FILTER (WHERE array_send(permutahedron_projection(b.x, w, reg)) <> array_send(permutahedron_projection(b.x, same, reg))
		OR array_send(isotonic_regression(b.x, weights)) <> array_send(isotonic_regression(b.x, same_weights))
		OR array_send(soft_spearman_rows(b.x, w, reg)) <> array_send(soft_spearman_rows(b.x, same, reg))
		OR array_send(spearman_rows(b.x, w)) <> array_send(spearman_rows(b.x, same))), 0::bigint, 'one list for every row: ' || reg)
FROM unnest('{l2,kl}'::text[]) AS reg, LATERAL (
	SELECT array_agg(l.x ORDER BY l.kind) AS x, min(u.y) AS w, array_agg(u.y ORDER BY l.kind) AS same,
		min(pg_temp.affine(u.y, 1, 1)) AS weights, array_agg(pg_temp.affine(u.y, 1, 1) ORDER BY l.kind) AS same_weights
	FROM list AS l JOIN list AS u USING (n) WHERE u.kind = 'uniform' GROUP BY n) AS b
GROUP BY reg ORDER BY reg;

-- Rows padded with NULL are lists of different lengths, to the last bit.
CREATE FUNCTION pg_temp.pad(x float8[]) RETURNS float8[] LANGUAGE sql IMMUTABLE AS $$
	SELECT x || array_fill(NULL::float8, ARRAY[300 - cardinality(x)]) $$;
CREATE TEMPORARY TABLE ragged AS
SELECT array_agg(pg_temp.pad(x) ORDER BY kind, n) AS x, array_agg(pg_temp.pad(y) ORDER BY kind, n) AS y FROM list;
SELECT is(sum(pg_temp.count_of(format(
		'SELECT count(*) FROM ragged, (SELECT array_agg(pg_temp.pad(%s) ORDER BY kind, n) AS r FROM list) AS l WHERE array_send(%s) <> array_send(r)',
		format(call, 'x'), format(call, 'x')))), 0::numeric, 'padded rows as lists: ' || split_part(call, '(', 1))
FROM unary GROUP BY split_part(call, '(', 1) ORDER BY split_part(call, '(', 1);
SELECT is(sum(pg_temp.count_of(format(
		'SELECT count(*) FROM ragged, (SELECT array_agg(pg_temp.pad(%s) ORDER BY kind, n) AS r FROM list) AS l WHERE array_send(%s) <> array_send(r)',
		format(call, 'x', 'y'), format(call, 'x', 'y')))), 0::numeric, 'padded rows as lists: ' || split_part(call, '(', 1))
FROM pairwise GROUP BY split_part(call, '(', 1) ORDER BY split_part(call, '(', 1);
SELECT is(count(*) FILTER (WHERE array_send(soft_spearman_rows(r.x, r.y, reg, strength, std)) <> array_send(rho)), 0::bigint,
	'padded rows as lists: soft_spearman_rows, ' || reg)
FROM option, ragged AS r, LATERAL (SELECT array_agg(soft_spearman(x, y, reg, strength, std) ORDER BY kind, n) AS rho FROM list) AS l
WHERE direction = 'asc' GROUP BY reg ORDER BY reg;

-- NULLs anywhere: the others as if they were alone, to the last bit.
CREATE TEMPORARY TABLE holes AS
SELECT kind, n, x AS dense, (SELECT array_agg(CASE WHEN pg_temp.noise(i, 77) > 0.3 THEN v END ORDER BY i) FROM unnest(x) WITH ORDINALITY AS u (v, i)) AS x
FROM list;
SELECT is(count(*) FILTER (WHERE array_send(array_remove(soft_rank(x, reg, strength, direction, std), NULL)) <>
			array_send(soft_rank(array_remove(x, NULL), reg, strength, direction, std))
		OR EXISTS (SELECT FROM unnest(x, soft_rank(x, reg, strength, direction, std)) AS u (v, r) WHERE (v IS NULL) <> (r IS NULL))),
	0::bigint, 'NULL keeps its place and takes no part: ' || reg)
FROM holes, option GROUP BY reg ORDER BY reg;
SELECT is(count(*) FILTER (WHERE spearman(x, dense) IS DISTINCT FROM spearman(array_remove(x, NULL), array_remove(x, NULL))
		OR spearman(dense, x) IS DISTINCT FROM spearman(array_remove(x, NULL), array_remove(x, NULL))), 0::bigint, 'NULL drops the pair')
FROM holes;

SELECT * FROM finish();
ROLLBACK;
