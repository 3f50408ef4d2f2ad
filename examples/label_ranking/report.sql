-- report.sql: print a line of the table.  Input: the variable set.
SELECT format('| %s | %s | %s | %s | %s | %s | %s ± %s |', :'set', n, d, k, round(avg(ridge)::numeric, 4),
              round(avg(soft)::numeric, 4), to_char(avg(soft - ridge), 'SG0.0000'),
              round((stddev(soft - ridge) / sqrt(count(*)))::numeric, 4))
       || coalesce(' ' || round(avg(from_ridge)::numeric, 4) || ' |', '')
FROM (SELECT max(rho) FILTER (WHERE method = 'ridge') AS ridge,
             max(rho) FILTER (WHERE method = 'soft') AS soft,
             max(rho) FILTER (WHERE method = 'from_ridge') AS from_ridge
      FROM result
      GROUP BY id) AS r,
     (SELECT count(*), max(cardinality(x)) - 1, max(cardinality(ranks)) FROM example) AS size (n, d, k)
GROUP BY n, d, k;
