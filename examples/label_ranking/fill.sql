-- fill.sql: fill the table example from the lines of a CSV file.
INSERT INTO example
SELECT n - 1, row_number() OVER (ORDER BY md5(n::text) COLLATE "C") % 5, 1::float8 || f[:d], f[d + 1:]
FROM line, string_to_array(fields, ',') AS c, CAST(c AS float8[]) AS f,
     (SELECT regexp_count(fields, 'A') FROM line WHERE n = 1) AS header (d)
WHERE n > 1;
