-- Array functions in queries: indexes, generated columns, prepared statements, PL/pgSQL.
SET extra_float_digits = 0;
CREATE TABLE pairs (
	id int PRIMARY KEY,
	x int[],
	y float8[],
	ranks float8[] GENERATED ALWAYS AS (soft_rank(x, regularization_strength => 2)) STORED,
	CHECK (spearman(x, y) IS NULL OR spearman(x, y) > -0.9)
);
INSERT INTO pairs (id, x, y) VALUES
	(1, '{1,2,4}', '{1,2,3}'), (2, '{3,1,2}', '{1,2,3}'), (3, '{5,NULL,1,2}', '{2,9,1,0}'), (4, NULL, '{1}'), (5, '{}', '{}');

-- A generated column.
SELECT id, ranks FROM pairs ORDER BY id;
UPDATE pairs SET x = '{4,2,1}', y = '{3,2,1}' WHERE id = 1;
SELECT id, ranks FROM pairs WHERE id = 1;

-- A check.
\set VERBOSITY sqlstate
INSERT INTO pairs (id, x, y) VALUES (6, '{1,2,3}', '{3,2,1}');
\set VERBOSITY default

-- An index on an expression.
CREATE INDEX pairs_rho ON pairs (spearman(x, y));
SET enable_seqscan = off;
SET enable_bitmapscan = off;
EXPLAIN (COSTS OFF) SELECT id FROM pairs WHERE spearman(x, y) > 0.9;
SELECT id FROM pairs WHERE spearman(x, y) > 0.9;
SELECT id, round(spearman(x, y)::numeric, 4) AS rho FROM pairs ORDER BY spearman(x, y) DESC NULLS LAST, id;
RESET enable_seqscan;
RESET enable_bitmapscan;

-- Constant arguments are folded, as an immutable function's are.
EXPLAIN (COSTS OFF, VERBOSE) SELECT soft_rank(ARRAY[3,1,2]);

-- Prepared statements, with a generic plan.
SET plan_cache_mode = force_generic_plan;
PREPARE ranks (float8[], text, float8) AS SELECT soft_rank($1, $2, $3), soft_sort($1, regularization_strength => $3);
EXECUTE ranks ('{5,1,2}', 'l2', 2);
EXECUTE ranks ('{5,1,2,NULL}', 'l2', 0);
EXECUTE ranks ('{5,1,2}', NULL, 1);
DEALLOCATE ranks;
PREPARE over_columns (text) AS SELECT id, soft_rank(x, direction => $1) FROM pairs WHERE id < 4 ORDER BY id;
EXECUTE over_columns ('desc');
EXECUTE over_columns ('asc');
DEALLOCATE over_columns;
RESET plan_cache_mode;

-- PL/pgSQL: arrays in the making, slices, results that are changed; arguments stay as they are.
DO $$
DECLARE
	x float8[] := '{}';
	wide float8[];
	ranks float8[];
	total float8 := 0;
BEGIN
	FOR i IN 1 .. 5 LOOP
		x[i] := 7 * i % 5;
	END LOOP;
	ranks := soft_rank(x, 'l2', 2);
	RAISE NOTICE 'x = %, ranks = %', x, ranks;
	ranks[2] := NULL;
	RAISE NOTICE 'ranks of ranks = %', soft_rank(ranks);
	RAISE NOTICE 'slice = %', soft_rank(x[2:4]);
	x := x || NULL::float8 || 2.5;
	RAISE NOTICE 'longer = %', soft_rank(x, 'l2', 0);
	wide := ARRAY[x[1:3], x[3:5]];
	RAISE NOTICE 'rows = %', soft_rank(wide, 'l2', 0);
	RAISE NOTICE 'second row = %', soft_rank(wide[2:2][1:3], 'l2', 0);
	FOR i IN 1 .. 1000 LOOP
		total := total + (soft_rank(x, 'l2', i))[1];
		x := soft_sort(x, 'l2', 0);
	END LOOP;
	RAISE NOTICE 'sorted = %, total = %', x, round(total::numeric, 6);
	BEGIN
		x[3] := 'NaN';
		ranks := soft_rank(x);
	EXCEPTION WHEN invalid_parameter_value THEN
		RAISE NOTICE 'caught: %, ranks = %', SQLERRM, ranks;
	END;
END $$;

-- Slices and other expressions as arguments.
SELECT soft_rank(x[2:3]), soft_rank(x[2:]), soft_rank(x || 10), x FROM (SELECT ARRAY[30,10,20,40]) AS t (x);
SELECT soft_rank((ARRAY[[3,1,2],[10,30,20]])[2:2][2:3]), soft_rank(ARRAY(SELECT i % 3 FROM generate_series(1, 4) AS i));

-- One list from rows, and back.
SELECT i, rank FROM unnest(soft_rank(ARRAY[30,10,20])) WITH ORDINALITY AS u (rank, i) ORDER BY i;
SELECT (soft_rank_strength_range(x)).* FROM pairs WHERE id = 1;
SELECT id, strength_min FROM pairs, soft_rank_strength_range(x) WHERE id < 4 ORDER BY id;

-- The options may differ from row to row.
SELECT strength, direction, soft_rank(ARRAY[1,2,4], 'l2', strength, direction)
FROM (VALUES (0, 'asc'), (2, 'desc'), (8, 'asc'), (NULL, 'asc')) AS t (strength, direction);

-- Parallel workers give what one process gives, to the last bit.
SET max_parallel_workers_per_gather = 0;
CREATE TABLE lists AS
SELECT x, soft_rank(x, 'l2', 4) AS l2, soft_rank(x, 'kl', 3) AS kl
FROM (SELECT ARRAY[i * 7 % 13, i * 5 % 11, i * 3 % 17, i % 19] FROM generate_series(1, 2000) AS i) AS t (x);
SET max_parallel_workers_per_gather = 2;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
EXPLAIN (COSTS OFF)
SELECT count(*) FROM lists WHERE soft_rank(x, 'l2', 4) IS DISTINCT FROM l2 OR soft_rank(x, 'kl', 3) IS DISTINCT FROM kl;
SELECT count(*) FROM lists WHERE soft_rank(x, 'l2', 4) IS DISTINCT FROM l2 OR soft_rank(x, 'kl', 3) IS DISTINCT FROM kl;
RESET max_parallel_workers_per_gather;
RESET parallel_setup_cost;
RESET parallel_tuple_cost;
RESET min_parallel_table_scan_size;

DROP TABLE lists;
DROP TABLE pairs;
