-- train.sql: the training loop.  See docs/training.md.
CREATE PROCEDURE start() LANGUAGE sql AS $$
    DELETE FROM weight;
    INSERT INTO weight (fold, label, feature, value)
    SELECT f, label, feature, CASE feature WHEN 1 THEN avg(rank) ELSE 0 END
    FROM example AS e, generate_series(0, 4) AS f,
         unnest(ranks) WITH ORDINALITY AS r (rank, label), generate_series(1, cardinality(x)) AS feature
    WHERE e.fold <> f
    GROUP BY f, label, feature;
$$;

CREATE PROCEDURE train(steps int) LANGUAGE plpgsql AS $$
BEGIN
    FOR step IN 1 .. steps LOOP
        WITH pull AS (
            SELECT fold, label, x, soft_spearman_grad(score, rank) OVER (PARTITION BY fold, id) AS pull
            FROM score
            WHERE NOT held_out AND id % 4 = step % 4),
        slope AS (
            SELECT fold, label, feature, avg(pull * value) AS slope
            FROM pull, unnest(x) WITH ORDINALITY AS t (value, feature)
            GROUP BY fold, label, feature)
        UPDATE weight AS w
        SET sum_sq = sum_sq + slope ^ 2,
            value = value + 0.2 * slope / sqrt(sum_sq + slope ^ 2 + 1e-12)
        FROM slope AS s
        WHERE (w.fold, w.label, w.feature) = (s.fold, s.label, s.feature);
        COMMIT;
    END LOOP;
END $$;
