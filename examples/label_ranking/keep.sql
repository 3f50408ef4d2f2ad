-- keep.sql: keep what the models of the table weight reach on the rows that they never saw.
-- Input: the variable method.
INSERT INTO result
SELECT :'method', id, coalesce(spearman(array_agg(score), array_agg(rank)), 0)
FROM score
WHERE held_out
GROUP BY id;
