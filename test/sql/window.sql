-- Window functions: the array functions over a whole partition.
SET extra_float_digits = 0;
CREATE TEMP TABLE w AS
SELECT i, i % 7 AS g,
       CASE WHEN i % 11 <> 0 THEN ((i * 7919) % 101) / 8.0 END::float8 AS x,
       CASE WHEN i % 13 <> 0 THEN ((i * 104729::bigint) % 97) / 4.0 END::float8 AS y,
       ((i * 15485863::bigint) % 89 - 44) / 16.0::float8 AS c
FROM generate_series(1, 700) AS i;

-- what a person sees
SELECT x, soft_rank(x) OVER v, soft_rank(x, 'kl', 0.5) OVER v AS kl, soft_sort(x, 'l2', 0.1) OVER v,
       soft_rank(x, 'l2', 0, 'desc') OVER v AS down
FROM (VALUES (3.0), (1), (NULL), (2), (2)) AS t (x) WINDOW v AS ();

-- the same bits as the array functions on the same rows, whatever their order
CREATE FUNCTION pg_temp.differing(call text, arrays text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    result bigint;
BEGIN
    EXECUTE format(
        'WITH one AS (SELECT g, i, %s OVER (PARTITION BY g) AS r FROM w),
              many AS (SELECT g, u.i, u.r FROM (SELECT g, array_agg(i ORDER BY i) AS i, %s AS r FROM w GROUP BY g) AS a,
                              unnest(a.i, a.r) AS u (i, r))
         SELECT count(*) FROM one JOIN many USING (g, i) WHERE float8send(one.r) IS DISTINCT FROM float8send(many.r)',
        call, arrays) INTO result;
    RETURN result;
END $$;
SELECT pg_temp.differing('soft_rank(x)', 'soft_rank(array_agg(x ORDER BY i))') AS rank,
       pg_temp.differing('soft_rank(x, ''kl'', 0.3, ''desc'', true)',
                         'soft_rank(array_agg(x ORDER BY i), ''kl'', 0.3, ''desc'', true)') AS kl,
       pg_temp.differing('soft_rank_vjp(x, c, ''l2'', 0.05)',
                         'soft_rank_vjp(array_agg(x ORDER BY i), array_agg(c ORDER BY i), ''l2'', 0.05)') AS vjp,
       pg_temp.differing('soft_spearman_grad(x, y, standardize => true)',
                         'soft_spearman_grad(array_agg(x ORDER BY i), array_agg(y ORDER BY i), standardize => true)') AS grad;
-- soft_sort: each row gets the value of its own stable rank
WITH one AS (SELECT g, x, soft_sort(x, 'l2', 2) OVER (PARTITION BY g) AS r,
                    row_number() OVER (PARTITION BY g ORDER BY x, i) AS k FROM (SELECT * FROM w ORDER BY g, i) AS w),
     many AS (SELECT g, soft_sort(array_agg(x), 'l2', 2) AS r FROM w GROUP BY g)
SELECT count(*) AS differing FROM one JOIN many USING (g)
WHERE float8send(one.r) IS DISTINCT FROM float8send(many.r[one.k]);
-- the order of the window and its frame do not matter
SELECT count(*) AS differing
FROM (SELECT soft_rank(x) OVER (PARTITION BY g) AS a,
             soft_rank(x) OVER (PARTITION BY g ORDER BY y ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) AS b FROM w) AS s
WHERE float8send(a) IS DISTINCT FROM float8send(b);

-- partitions on disk, one large partition
SET work_mem = '64kB';
SELECT round(sum(r)::numeric, 4) AS sum, min(r), max(r)
FROM (SELECT soft_rank(((i * 7919) % 100003)::float8, 'l2', 0.25) OVER () AS r FROM generate_series(1, 100000) AS i) AS s;
RESET work_mem;

-- partitions of one row, of nulls, of a constant; no rows
SELECT g, soft_rank(x) OVER v, soft_sort(x) OVER v, soft_rank_vjp(x, 1) OVER v, soft_spearman_grad(x, x) OVER v AS grad
FROM (VALUES (1, 5.0), (2, NULL), (2, NULL), (3, 4), (3, 4)) AS t (g, x) WINDOW v AS (PARTITION BY g);
SELECT soft_rank(x) OVER () FROM (SELECT 1.0 AS x WHERE false) AS t;
-- integers and real columns
SELECT soft_rank(i) OVER () AS int, soft_rank(i::real) OVER () AS real, soft_rank(i::numeric) OVER () AS numeric
FROM generate_series(1, 3) AS i;

-- errors
\set VERBOSITY default
SELECT soft_rank(x, NULL) OVER () FROM w;
SELECT soft_rank(x, 'l2', NULL) OVER () FROM w;
SELECT soft_rank(x, 'l2', i) OVER () FROM w;
SELECT soft_rank(x, CASE WHEN i < 5 THEN 'l2' ELSE 'kl' END) OVER () FROM w;
SELECT soft_rank(x, 'l1') OVER () FROM w;
SELECT soft_rank(x, 'l2', -1) OVER () FROM w;
SELECT soft_rank(x) OVER () FROM (VALUES (1.0), ('NaN'::float8)) AS t (x);
SELECT soft_rank_vjp(x, x) OVER () FROM (VALUES (1.0, 2.0), (2, 'Infinity'::float8)) AS t (a, x);
SELECT soft_rank_vjp(a, x) OVER () FROM (VALUES (1.0, 2.0), (2, NULL)) AS t (a, x);
SELECT soft_rank(x) FROM w;
-- an option that is the same in every row, though not a constant, and not spelled the same
SELECT count(*) FROM (SELECT soft_rank(i, CASE i WHEN 2 THEN 'l2' ELSE 'L2' END, CASE i WHEN 2 THEN 0.0 ELSE '-0'::float8 END) OVER () FROM generate_series(1, 3) AS i) AS s;
SELECT sum(r) FROM (SELECT soft_rank(i, 'l2', 1 + 0 * i) OVER () AS r FROM generate_series(1, 3) AS i) AS s;

-- memory
SHOW softsort.max_partition_memory;
SET softsort.max_partition_memory = '1MB';
\set VERBOSITY terse
SELECT soft_rank(i) OVER () FROM generate_series(1, 100000) AS i;
\set VERBOSITY default
SELECT count(*) FROM (SELECT soft_rank(i) OVER (PARTITION BY i % 100) FROM generate_series(1, 100000) AS i) AS s;
RESET softsort.max_partition_memory;

