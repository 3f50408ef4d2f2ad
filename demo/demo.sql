-- demo.sql: a tour of softsort on real data.  Run by demo/run from the root of the source tree.
\set QUIET on
\pset footer off
\pset null '-'
\pset linestyle ascii
SET extra_float_digits = -11;
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS softsort;

CREATE TEMPORARY TABLE penguin (
    species text, island text, bill_length float8, bill_depth float8, flipper float8, mass float8,
    sex text, year int, id int GENERATED ALWAYS AS IDENTITY);
\copy penguin (species, island, bill_length, bill_depth, flipper, mass, sex, year) FROM 'demo/penguins.csv' WITH (FORMAT csv, HEADER, NULL 'NA')

\echo 'softsort: 344 penguins of Palmer Station, Antarctica'
\echo
\echo '1. spearman(x, y): do long bills go with deep bills, and heavy birds with long flippers?'
\echo '   Over all penguins a longer bill is less deep.  Within each species it is the other way round.'
\echo
SELECT coalesce(species, '(all)') AS species,
       count(bill_length) AS measured,
       round(spearman(array_agg(bill_length), array_agg(bill_depth))::numeric, 3) AS "bill length, depth",
       round(spearman(array_agg(flipper), array_agg(mass))::numeric, 3) AS "flipper, mass"
FROM penguin
GROUP BY ROLLUP (species)
ORDER BY grouping(species), species;

\echo '2. soft_rank(x): six penguins ranked by their bills, ever more softly.'
\echo '   Strength 0 gives hard ranks, 0.1 is nearly hard, at 1 bills of nearly the same length nearly'
\echo '   share a rank.  The penguin without a measurement keeps its place and takes no part.'
\echo
WITH few AS (
    SELECT array_agg(id ORDER BY id) AS ids, array_agg(bill_length ORDER BY id) AS x
    FROM penguin
    WHERE id <= 6)
SELECT unnest(ids) AS penguin,
       unnest(x) AS "bill length (mm)",
       unnest(soft_rank(x, regularization_strength => 0, standardize => true)) AS "strength 0",
       unnest(soft_rank(x, regularization_strength => 0.1, standardize => true)) AS "0.1",
       unnest(soft_rank(x, regularization_strength => 0.3, standardize => true)) AS "0.3",
       unnest(soft_rank(x, regularization_strength => 1, standardize => true)) AS "1"
FROM few
ORDER BY 2;

\echo '3. soft_rank_strength_range(x): which strengths do anything?'
\echo '   Up to min ranks are hard; from max on they are a straight line of the values.  Raw strengths'
\echo '   depend on the unit.  Those with standardize => true do not: here 0.4 to 1.2 is of use.'
\echo
WITH list (measurement, x) AS (
    SELECT 'flipper (mm)', array_agg(flipper) FROM penguin
    UNION ALL
    SELECT 'mass (g)', array_agg(mass) FROM penguin
    UNION ALL
    SELECT 'mass (kg)', array_agg(mass / 1000) FROM penguin)
SELECT measurement, raw.strength_min AS "raw min", raw.strength_max AS "raw max",
       std.strength_min AS "standardized min", std.strength_max AS "standardized max"
FROM list, soft_rank_strength_range(x) AS raw, soft_rank_strength_range(x, standardize => true) AS std;

\echo '4. soft_spearman_grad(x, y): learning an order.'
\echo '   The score a * bill length + b * bill depth (both in standard units) shall order the penguins'
\echo '   by mass.  Each line is a step up the gradient of soft_spearman(score, mass, ...).'
\echo
WITH RECURSIVE data AS (
    SELECT array_agg((bill_length - l_mean) / l_std) AS ls, array_agg((bill_depth - d_mean) / d_std) AS ds,
           array_agg(mass) AS mass
    FROM penguin,
         (SELECT avg(bill_length) AS l_mean, stddev(bill_length) AS l_std,
                 avg(bill_depth) AS d_mean, stddev(bill_depth) AS d_std
          FROM penguin) AS unit
    WHERE mass IS NOT NULL),
step AS (
    SELECT 0 AS n, 0.2::float8 AS a, 1.0::float8 AS b
    UNION ALL
    SELECT n + 1, a + slope_a, b + slope_b
    FROM step, data,
         LATERAL (SELECT array_agg(a * l + b * d ORDER BY i) AS score
                  FROM unnest(ls, ds) WITH ORDINALITY AS u (l, d, i)) AS model,
         LATERAL (SELECT sum(g * l) AS slope_a, sum(g * d) AS slope_b
                  FROM unnest(soft_spearman_grad(score, mass, standardize => true), ls, ds)
                       AS u (g, l, d)) AS gradient
    WHERE n < 6)
SELECT n AS step, a, b,
       soft_spearman(score, mass, standardize => true) AS "soft Spearman",
       spearman(score, mass) AS "Spearman"
FROM step, data,
     LATERAL (SELECT array_agg(a * l + b * d ORDER BY i) AS score
              FROM unnest(ls, ds) WITH ORDINALITY AS u (l, d, i)) AS model
ORDER BY n;

\echo 'More: README.md and docs/reference.md.'
