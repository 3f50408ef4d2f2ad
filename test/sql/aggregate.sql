-- Aggregates: what a person sees, options, errors, states.
SET extra_float_digits = 0;

CREATE TEMP TABLE day (g text, x float8, y float8);
INSERT INTO day VALUES ('a', 1, 5), ('a', 2, 6), ('a', 3, 7), ('a', 4, 8), ('a', 5, 7),
    ('b', 0, 1), ('b', 0, 0), ('b', 0, 0), ('b', 1, 0), ('b', NULL, 9), ('b', 7, NULL),
    ('one', 1, 2), ('constant', 1, 1), ('constant', 1, 2), ('nothing', NULL, NULL);

SELECT g, spearman(x, y), soft_spearman(x, y), soft_spearman(x, y, 'l2', 0.1), soft_spearman(x, y, 'l2', 1, true) AS standardized,
    soft_spearman(x, y, 'KL') AS kl
FROM day GROUP BY g ORDER BY g;
SELECT spearman(x, y) FROM day WHERE false;
-- a sign that ties must not flip, and infinities, which are ordered
SELECT spearman(x, y) FROM (VALUES (0, 1), (0, 0), (0, 0), (1, 0)) AS t (x, y);
SELECT spearman(x, y) FROM (VALUES ('-inf'::float8, 1), (0, 2), ('inf', 3)) AS t (x, y);
-- other types of numbers
SELECT spearman(i, -i) AS int, spearman(i::numeric, i::bigint) AS numeric, spearman(i::real, i::smallint) AS real,
    spearman(16777216 + i, i) AS beyond_real, soft_spearman(i, i * i, 'l2', 1::int) AS strength
FROM generate_series(1, 5) AS i;

-- every place where an aggregate can stand
SELECT spearman(x, y) FILTER (WHERE g = 'a') AS filter, spearman(DISTINCT x, y) AS distinct, spearman(x, y ORDER BY y DESC, x) AS ordered
FROM day WHERE g IN ('a', 'b');
SELECT g, spearman(x, y), count(*) FROM day GROUP BY ROLLUP (g) HAVING spearman(x, y) IS NOT NULL ORDER BY g;
SELECT x, spearman(x, y) OVER (ORDER BY x) AS running, spearman(x, y) OVER (ORDER BY x ROWS BETWEEN 2 PRECEDING AND CURRENT ROW) AS sliding,
    spearman(x, y) OVER () AS whole
FROM day WHERE g = 'a' ORDER BY x;

-- states: stored, rolled up, merged by hand
CREATE TEMP TABLE stored AS SELECT g, softsort_state_agg(x, y) AS state FROM day GROUP BY g;
SELECT g, state, spearman(state), soft_spearman(state), soft_spearman(state, 'kl', 0.5), soft_spearman(state, standardize => true) AS std
FROM stored ORDER BY g;
SELECT spearman(softsort_merge(state)) AS merged, soft_spearman(softsort_merge(state), 'l2', 0.2) AS soft FROM stored;
SELECT spearman(x, y) AS all_rows, soft_spearman(x, y, 'l2', 0.2) AS soft FROM day;
SELECT (SELECT softsort_merge(state)::text FROM stored) = (SELECT softsort_state_agg(x, y)::text FROM day) AS same_bytes;
SELECT spearman(softsort_merge(state)) IS NULL AS no_states FROM stored WHERE false;
-- the order of rows does not show, and nor does negative zero
SELECT (SELECT softsort_state_agg(x, y ORDER BY y, x)::text FROM day) = (SELECT softsort_state_agg(x, y ORDER BY x DESC, y)::text FROM day) AS same_bytes;
SELECT softsort_state_agg(x, y)::text = '010000000000000000000000000000000000000100000000000000003ff0000000000000' AS no_negative_zero
FROM (VALUES ('-0'::float8, 1)) AS t (x, y);
-- large states live in a form of their own, and are stored compressed
CREATE TEMP TABLE large AS SELECT softsort_state_agg(i % 1000, (i * 7919::bigint) % 10007) AS state FROM generate_series(1, 100000) AS i;
SELECT length(softsort_state_send(state)) AS bytes, pg_column_size(state) < 400000 AS compressed, spearman(state) FROM large;
SELECT spearman(i % 1000, (i * 7919::bigint) % 10007) FROM generate_series(1, 100000) AS i;
SELECT soft_spearman(softsort_merge(state), 'l2', 50) AS twice FROM (SELECT state FROM large UNION ALL SELECT state FROM large) AS s;
SELECT state::text::softsort_state::text = state::text AS text_round_trip FROM large;

-- errors
SELECT spearman(x, y) FROM (VALUES (1.0, 2.0), (2, 'NaN'::float8)) AS t (x, y);
SELECT soft_spearman(x, y) FROM (VALUES ('inf'::float8, 2.0)) AS t (x, y);
SELECT soft_spearman(softsort_state_agg(x, y)) FROM (VALUES ('-inf'::float8, 2.0), (1, 1)) AS t (x, y);
SELECT spearman(x, y) FROM (VALUES ('NaN'::float8, NULL::float8)) AS t (x, y);
SELECT soft_spearman(x, y, 'l1') FROM day;
SELECT soft_spearman(x, y, 'l2', -1) FROM day;
SELECT soft_spearman(x, y, NULL) FROM day;
SELECT soft_spearman(x, y, 'l2', NULL) FROM day;
SELECT soft_spearman(x, y, 'l2', 1, NULL) FROM day;
SELECT soft_spearman(x, y, 'l2', y) FROM day;
SELECT soft_spearman(x, y, 'l2', 0 * y + 2) FROM day WHERE g = 'a';
SELECT softsort_state_append(NULL, 1, 2);
SELECT softsort_state_combine(state, state) FROM stored;

-- text that is no state
SELECT ''::softsort_state;
SELECT '\x01'::softsort_state;
SELECT '010'::softsort_state;
SELECT '02000000000000000000000000000000000000000'::softsort_state;
SELECT '0200000000000000000000000000000000000000'::softsort_state;
SELECT '0102000000000000000000000000000000000000'::softsort_state;
SELECT '0101000200000000000000000000000000000000'::softsort_state;
SELECT '0100010000000000000000000000000000000000'::softsort_state;
SELECT '0101000000000000000000000000000000000000'::softsort_state;
SELECT '010100007ff00000000000000000000000000000'::softsort_state;
SELECT '01000000000000000000000000000000ffffffff'::softsort_state;
SELECT '0100000000000000000000000000000000000001'::softsort_state;
SELECT '010000000000000000000000000000000000000000'::softsort_state;
SELECT '01000000000000000000000000000000000000013ff00000000000007ff8000000000000'::softsort_state;
SELECT '01000000000000000000000000000000000000018000000000000000000000000000000000'::softsort_state;
SELECT '0100000000000000000000000000000000000001800000000000000000000000000000'::softsort_state;
SELECT '010000000000000000000000000000000000000180000000000000000000000000000000'::softsort_state;
SELECT '01000000000000000000000000000000000000023ff000000000000000000000000000003ff00000000000003ff0000000000000'::softsort_state;
SELECT spearman('0100000000000000000000000000000000000000'::softsort_state) IS NULL AS empty;

-- memory
SET softsort.max_partition_memory = '1MB';
SELECT spearman(i, i) FROM generate_series(1, 65537) AS i;
\set VERBOSITY sqlstate
SELECT spearman(i, i) FROM generate_series(1, 65000) AS i; -- the pairs fit, but not the work
SELECT softsort_state_agg(i, -i) FROM generate_series(1, 65000) AS i;
\set VERBOSITY default
SELECT spearman(i, i) FROM generate_series(1, 20000) AS i;
RESET softsort.max_partition_memory;
