-- tables.sql: the tables of the example, and its model as two views.  See docs/training.md.

-- The lines of a CSV file; the first one names the columns A1, ..., Ad (features), L1, ..., Lk (ranks).
CREATE TABLE line (n int GENERATED ALWAYS AS IDENTITY, fields text);

CREATE TABLE example (
    id int PRIMARY KEY,
    fold int,           -- 0 to 4: the model of that fold does not train on this row
    x float8[],         -- the constant 1, then the features
    ranks float8[]);    -- of each label; 1 is first

CREATE TABLE weight (
    fold int,           -- the model that never sees this fold
    label int,
    feature int,        -- position in x
    value float8,
    sum_sq float8 DEFAULT 0,
    PRIMARY KEY (fold, label, feature));

CREATE VIEW model AS
SELECT fold, label, array_agg(value ORDER BY feature) AS w
FROM weight
GROUP BY fold, label;

CREATE VIEW score AS
SELECT m.fold, e.id, e.fold = m.fold AS held_out, m.label, e.x, e.ranks[m.label] AS rank,
       (SELECT sum(w * x) FROM unnest(m.w, e.x) AS t (w, x)) AS score
FROM example AS e, model AS m;

-- The held-out Spearman correlation of each row, by method.
CREATE TABLE result (method text, id int, rho float8);
