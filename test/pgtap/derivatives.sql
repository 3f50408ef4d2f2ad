-- Derivatives agree with each other and with differences of the functions.
-- The data are pseudo-random, but the same everywhere.
BEGIN;
SELECT * FROM no_plan();

CREATE FUNCTION pg_temp.noise(i bigint, s bigint) RETURNS float8 LANGUAGE sql IMMUTABLE AS $$
	SELECT (((i * i % 99991 * 7919 + i * (s * 31 + 17) + s * 104729) % 2147483647) * 48271 % 2147483647 * 69621 % 2147483647)::float8
		/ 2147483647 $$;
CREATE FUNCTION pg_temp.dot(x float8[], y float8[]) RETURNS float8 LANGUAGE sql IMMUTABLE AS $$
	SELECT sum(v * w) FROM unnest(x, y) AS u (v, w) $$;
-- x + h * t
CREATE FUNCTION pg_temp.along(x float8[], t float8[], h float8) RETURNS float8[] LANGUAGE sql IMMUTABLE AS $$
	SELECT array_agg(v + h * w ORDER BY i) FROM unnest(x, t) WITH ORDINALITY AS u (v, w, i) $$;
CREATE FUNCTION pg_temp.row_times(g float8[], j float8[]) RETURNS float8[] LANGUAGE sql IMMUTABLE AS $$
	SELECT array_agg(v ORDER BY c)
	FROM (SELECT c, sum(g[r] * j[r][c]) AS v FROM generate_subscripts(j, 1) AS r, generate_subscripts(j, 2) AS c GROUP BY c) AS s $$;
CREATE FUNCTION pg_temp.times_column(j float8[], t float8[]) RETURNS float8[] LANGUAGE sql IMMUTABLE AS $$
	SELECT array_agg(v ORDER BY r)
	FROM (SELECT r, sum(j[r][c] * t[c]) AS v FROM generate_subscripts(j, 1) AS r, generate_subscripts(j, 2) AS c GROUP BY r) AS s $$;
-- The largest difference, relative to the largest value of y where that is above 1.
CREATE FUNCTION pg_temp.error(x float8[], y float8[]) RETURNS float8 LANGUAGE sql IMMUTABLE AS $$
	SELECT coalesce(max(abs(v - w)), 'Infinity') / greatest(max(abs(w)), 1) FROM unnest(x, y) AS u (v, w) $$;

-- Lists x and y, a cotangent g and a tangent t.  Those of size 60 are too long for Jacobians in SQL.
CREATE TEMPORARY TABLE list AS
SELECT s, n, array_agg(CASE WHEN s % 3 = 0 THEN floor(3 * n * pg_temp.noise(i, s)) / 4 ELSE n * pg_temp.noise(i, s) END ORDER BY i) AS x,
	array_agg(n * pg_temp.noise(i, s + 100) ORDER BY i) AS y, array_agg(2 * pg_temp.noise(i, s + 200) - 1 ORDER BY i) AS g,
	array_agg(2 * pg_temp.noise(i, s + 300) - 1 ORDER BY i) AS t
FROM generate_series(1, 12) AS s, LATERAL (VALUES (CASE WHEN s > 10 THEN 60 ELSE 1 + s * s % 11 END)) AS v (n), generate_series(1, n) AS i
GROUP BY s, n;
SELECT ok(bool_or(n > 8) AND bool_or(n = 2), 'lists of several sizes') FROM list;
CREATE TEMPORARY TABLE option AS
SELECT reg, strength, direction, std
FROM unnest('{l2,kl}'::text[]) AS reg, unnest('{0,0.01,0.4,1,3,50,1e5}'::float8[]) AS strength,
	unnest('{asc,desc}'::text[]) AS direction, unnest('{f,t}'::boolean[]) AS std;

-- _vjp is g J, _jvp is J t.
SELECT cmp_ok(max(pg_temp.error(soft_rank_vjp(x, g, reg, strength, direction, std), pg_temp.row_times(g, j))), '<=', 1e-13::float8,
	'soft_rank_vjp is g J: ' || reg || CASE WHEN std THEN ', standardized' ELSE '' END)
FROM list, option, LATERAL (SELECT soft_rank_jacobian(x, reg, strength, direction, std)) AS k (j)
WHERE n < 20 GROUP BY reg, std ORDER BY reg, std;
SELECT cmp_ok(max(pg_temp.error(soft_rank_jvp(x, t, reg, strength, direction, std), pg_temp.times_column(j, t))), '<=', 1e-13::float8,
	'soft_rank_jvp is J t: ' || reg || CASE WHEN std THEN ', standardized' ELSE '' END)
FROM list, option, LATERAL (SELECT soft_rank_jacobian(x, reg, strength, direction, std)) AS k (j)
WHERE n < 20 GROUP BY reg, std ORDER BY reg, std;
SELECT cmp_ok(max(pg_temp.error(soft_sort_vjp(x, g, reg, strength, direction), pg_temp.row_times(g, j))), '<=', 1e-13::float8,
	'soft_sort_vjp is g J: ' || reg)
FROM list, option, LATERAL (SELECT soft_sort_jacobian(x, reg, strength, direction)) AS k (j)
WHERE n < 20 AND NOT std GROUP BY reg ORDER BY reg;
SELECT cmp_ok(max(pg_temp.error(soft_sort_jvp(x, t, reg, strength, direction), pg_temp.times_column(j, t))), '<=', 1e-13::float8,
	'soft_sort_jvp is J t: ' || reg)
FROM list, option, LATERAL (SELECT soft_sort_jacobian(x, reg, strength, direction)) AS k (j)
WHERE n < 20 AND NOT std GROUP BY reg ORDER BY reg;

-- _vjp and _jvp are transposed to each other.
SELECT cmp_ok(max(abs(pg_temp.dot(g, soft_rank_jvp(x, t, reg, strength, direction, std))
		- pg_temp.dot(soft_rank_vjp(x, g, reg, strength, direction, std), t)) * least(strength, 1) / n), '<=', 1e-13::float8,
	'soft_rank: g (J t) is (g J) t, ' || reg)
FROM list, option GROUP BY reg ORDER BY reg;
SELECT cmp_ok(max(abs(pg_temp.dot(g, soft_sort_jvp(x, t, reg, strength, direction))
		- pg_temp.dot(soft_sort_vjp(x, g, reg, strength, direction), t)) / n), '<=', 1e-13::float8, 'soft_sort: g (J t) is (g J) t, ' || reg)
FROM list, option GROUP BY reg ORDER BY reg;
SELECT cmp_ok(max(abs(pg_temp.dot(g, permutahedron_projection_jvp(x, y, t, reg))
		- pg_temp.dot(permutahedron_projection_vjp(x, y, g, reg), t)) / n), '<=', 1e-13::float8,
	'permutahedron_projection: g (J t) is (g J) t, ' || reg)
FROM list, unnest('{l2,kl}'::text[]) AS reg GROUP BY reg ORDER BY reg;

-- A derivative adds up to what a common shift does: nothing to ranks, itself to sorted values.
SELECT cmp_ok(max(abs(total) * least(strength, 1)), '<=', 1e-12::float8, 'soft_rank_vjp adds up to 0: ' || reg)
FROM list, option, LATERAL (SELECT sum(v) FROM unnest(soft_rank_vjp(x, g, reg, strength, direction, std)) AS v) AS s (total)
GROUP BY reg ORDER BY reg;
SELECT cmp_ok(max(abs(total - wanted)), '<=', 1e-12::float8, 'soft_sort_vjp adds up to the sum of the cotangent: ' || reg)
FROM list, option, LATERAL (SELECT sum(v), sum(w) FROM unnest(soft_sort_vjp(x, g, reg, strength, direction), g) AS u (v, w)) AS s (total, wanted)
GROUP BY reg ORDER BY reg;

-- Differences.  Lists with ties have kinks there, the others are far enough from theirs.
SELECT cmp_ok(max(pg_temp.error(soft_rank_jvp(x, t, reg, strength, direction, std), (
		SELECT array_agg((a - b) / 2e-6 ORDER BY i)
		FROM unnest(soft_rank(pg_temp.along(x, t, 1e-6), reg, strength, direction, std),
			soft_rank(pg_temp.along(x, t, -1e-6), reg, strength, direction, std)) WITH ORDINALITY AS u (a, b, i)))), '<=', 1e-6::float8,
	'soft_rank_jvp by differences: ' || reg || CASE WHEN std THEN ', standardized' ELSE '' END)
FROM list, option WHERE s % 3 > 0 AND strength > 0.1 GROUP BY reg, std ORDER BY reg, std;
SELECT cmp_ok(max(abs(pg_temp.dot(soft_rank_vjp(x, g, reg, strength, direction, std), t)
		- (pg_temp.dot(g, soft_rank(pg_temp.along(x, t, 1e-6), reg, strength, direction, std))
			- pg_temp.dot(g, soft_rank(pg_temp.along(x, t, -1e-6), reg, strength, direction, std))) / 2e-6) / n), '<=', 1e-6::float8,
	'soft_rank_vjp by differences: ' || reg || CASE WHEN std THEN ', standardized' ELSE '' END)
FROM list, option WHERE s % 3 > 0 AND strength > 0.1 GROUP BY reg, std ORDER BY reg, std;
SELECT cmp_ok(max(abs(pg_temp.dot(soft_sort_vjp(x, g, reg, strength, direction), t)
		- (pg_temp.dot(g, soft_sort(pg_temp.along(x, t, 1e-6), reg, strength, direction))
			- pg_temp.dot(g, soft_sort(pg_temp.along(x, t, -1e-6), reg, strength, direction))) / 2e-6) / n), '<=', 1e-6::float8,
	'soft_sort_vjp by differences: ' || reg)
FROM list, option WHERE s % 3 > 0 AND strength > 0.1 AND NOT std GROUP BY reg ORDER BY reg;
SELECT cmp_ok(max(abs(pg_temp.dot(permutahedron_projection_vjp(x, y, g, reg), t)
		- (pg_temp.dot(g, permutahedron_projection(pg_temp.along(x, t, 1e-6), y, reg))
			- pg_temp.dot(g, permutahedron_projection(pg_temp.along(x, t, -1e-6), y, reg))) / 2e-6) / n), '<=', 1e-6::float8,
	'permutahedron_projection_vjp by differences: ' || reg)
FROM list, unnest('{l2,kl}'::text[]) AS reg WHERE s % 3 > 0 GROUP BY reg ORDER BY reg;
SELECT cmp_ok(max(abs(pg_temp.dot(isotonic_regression_vjp(x, g, d), t)
		- (pg_temp.dot(g, isotonic_regression(pg_temp.along(x, t, 1e-6), d))
			- pg_temp.dot(g, isotonic_regression(pg_temp.along(x, t, -1e-6), d))) / 2e-6) / n), '<=', 1e-6::float8,
	'isotonic_regression_vjp by differences: ' || d)
FROM list, unnest('{asc,desc}'::text[]) AS d WHERE s % 3 > 0 GROUP BY d ORDER BY d;
SELECT cmp_ok(max(abs(pg_temp.dot(isotonic_regression_vjp(x, g, y, d), t)
		- (pg_temp.dot(g, isotonic_regression(pg_temp.along(x, t, 1e-6), y, d))
			- pg_temp.dot(g, isotonic_regression(pg_temp.along(x, t, -1e-6), y, d))) / 2e-6) / n), '<=', 1e-6::float8,
	'isotonic_regression_vjp with weights by differences: ' || d)
FROM list, unnest('{asc,desc}'::text[]) AS d WHERE s % 3 > 0 GROUP BY d ORDER BY d;
SELECT cmp_ok(max(abs(pg_temp.dot(soft_spearman_grad(x, y, reg, strength, std), t)
		- (soft_spearman(pg_temp.along(x, t, 1e-6), y, reg, strength, std)
			- soft_spearman(pg_temp.along(x, t, -1e-6), y, reg, strength, std)) / 2e-6)), '<=', 1e-6::float8,
	'soft_spearman_grad by differences: ' || reg || CASE WHEN std THEN ', standardized' ELSE '' END)
FROM list, option WHERE s % 3 > 0 AND n > 1 AND strength > 0.1 AND direction = 'asc' GROUP BY reg, std ORDER BY reg, std;

-- Descending.
SELECT cmp_ok(max(pg_temp.error(soft_rank_vjp(x, g, reg, strength, 'desc', std), soft_rank_vjp(pg_temp.along(x, x, -2),
		pg_temp.along(g, g, -2), reg, strength, 'asc', std))), '<=', 1e-14::float8, 'desc is asc of the negated values: ' || reg)
FROM list, option WHERE direction = 'asc' GROUP BY reg ORDER BY reg;

SELECT * FROM finish();
ROLLBACK;
