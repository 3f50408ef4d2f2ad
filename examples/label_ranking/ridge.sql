-- ridge.sql: ridge regression on the ranks, for comparison.  Each fold has a lambda of its own, the
-- one with the best Spearman correlation in a cross-validation over the other four folds.

-- Solve (A + lambda I) W = B for the p x (p + k) array m = (A B), by elimination.  A is symmetric
-- and positive definite with lambda, so that no pivoting is needed.  The intercept, place 1, has no penalty.
CREATE FUNCTION ridge_solve(m float8[], lambda float8, OUT label int, OUT w float8[])
RETURNS SETOF record LANGUAGE plpgsql AS $$
DECLARE
    p int := array_length(m, 1);
    n int := array_length(m, 2);
    factor float8;
BEGIN
    FOR i IN 2 .. p LOOP
        m[i][i] := m[i][i] + lambda;
    END LOOP;
    FOR i IN 1 .. p LOOP
        FOR r IN 1 .. p LOOP
            CONTINUE WHEN r = i;
            factor := m[r][i] / m[i][i];
            FOR j IN i .. n LOOP
                m[r][j] := m[r][j] - factor * m[i][j];
            END LOOP;
        END LOOP;
    END LOOP;
    FOR j IN p + 1 .. n LOOP
        label := j - p;
        w := ARRAY(SELECT m[i][j] / m[i][i] FROM generate_series(1, p) AS i ORDER BY i);
        RETURN NEXT;
    END LOOP;
END $$;

-- Sums of products of each fold; those of any set of folds are sums of these.
CREATE TABLE moment AS
SELECT fold, i, j, sum(x[i] * z[j]) AS s
FROM (SELECT fold, x, x || ranks AS z FROM example) AS e,
     generate_series(1, cardinality(x)) AS i, generate_series(1, cardinality(z)) AS j
GROUP BY fold, i, j;

-- Fits without fold f and without fold g, to be judged on g; with g = f, those for use.
CREATE TABLE fit AS
SELECT f, g, lambda, label, w
FROM generate_series(0, 4) AS f, generate_series(0, 4) AS g,
     LATERAL (SELECT array_agg(s ORDER BY i) AS m
              FROM (SELECT i, array_agg(s ORDER BY j) AS s
                    FROM (SELECT i, j, sum(s) AS s FROM moment WHERE fold NOT IN (f, g) GROUP BY i, j) AS c
                    GROUP BY i) AS r) AS r,
     unnest(ARRAY[0.01, 0.1, 1, 10, 100]::float8[]) AS lambda, ridge_solve(m, lambda);
ANALYZE fit;

CREATE TABLE choice AS
SELECT DISTINCT ON (f) f, lambda
FROM (SELECT f, lambda,
             spearman(array_agg((SELECT sum(w * x) FROM unnest(fit.w, e.x) AS t (w, x)) ORDER BY label), ranks) AS rho
      FROM fit JOIN example AS e ON e.fold = g
      WHERE f <> g
      GROUP BY f, lambda, id) AS r
GROUP BY f, lambda
ORDER BY f, avg(rho) DESC, lambda;

DELETE FROM weight;
INSERT INTO weight (fold, label, feature, value)
SELECT f, label, feature, value
FROM fit JOIN choice USING (f, lambda), unnest(w) WITH ORDINALITY AS t (value, feature)
WHERE g = f;
