-- The extension as an object: attributes of its functions, schemas, owners, dropping.

-- Every function over arrays is immutable, strict, parallel safe, not leakproof, and has a cost and a comment.
CREATE TEMPORARY VIEW member AS
SELECT p.*
FROM pg_proc AS p
JOIN pg_depend AS d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
JOIN pg_extension AS e ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid
WHERE e.extname = 'softsort';

SELECT proname, string_agg(DISTINCT provolatile::text, '') AS volatile, string_agg(DISTINCT proparallel::text, '') AS parallel,
	bool_and(proisstrict) AS strict, bool_or(proleakproof) AS leakproof, bool_or(prosecdef) AS definer,
	bool_and(procost > 1) AS cost
FROM member
WHERE prokind = 'f' AND proargtypes[0]::regtype::text LIKE '%[]'
GROUP BY proname
ORDER BY proname;

SELECT oid::regprocedure AS without_comment FROM member WHERE coalesce(obj_description(oid, 'pg_proc'), '') = '';

-- Aggregates: parallel safe, with a combine function, a final function that changes nothing, and a type of their own.
SELECT DISTINCT proname, proparallel, aggtranstype::regtype, aggcombinefn <> 0 AS combine, aggfinalmodify, aggserialfn = 0 AS no_serial
FROM member JOIN pg_aggregate ON aggfnoid = oid ORDER BY proname;
SELECT typlen, typalign, typstorage, typsend <> 0 AS send, typreceive <> 0 AS receive FROM pg_type WHERE typname = 'softsort_state';

-- Names and defaults of the options are the same everywhere.
SELECT DISTINCT name, format_type(type, NULL) AS type
FROM member, unnest(proargnames, coalesce(proallargtypes, proargtypes::oid[])) AS u (name, type)
WHERE proname NOT LIKE 'softsort%' AND format_type(type, NULL) NOT LIKE '%[]'
ORDER BY name;
SELECT DISTINCT trim(arg) COLLATE "C" AS argument
FROM member, unnest(string_to_array(pg_get_function_arguments(oid), ',')) AS arg
WHERE prokind = 'f' AND proname NOT LIKE 'softsort%' AND arg LIKE '%DEFAULT%'
ORDER BY argument;

SELECT pg_get_function_arguments('soft_rank(real[],text,double precision,text,boolean)'::regprocedure);

-- The version of the library is that of the extension.
SELECT softsort_version() = extversion AS same_version, extrelocatable FROM pg_extension WHERE extname = 'softsort';

-- It can be moved, whatever depends on it.
CREATE TABLE dependent (x int[], ranks float8[] GENERATED ALWAYS AS (soft_rank(x)) STORED);
CREATE SCHEMA "Another schema";
ALTER EXTENSION softsort SET SCHEMA "Another schema";
SELECT "Another schema".soft_rank(ARRAY[3,1,2]);
INSERT INTO dependent VALUES ('{3,1,2}') RETURNING ranks;
\set VERBOSITY sqlstate
SELECT soft_rank(ARRAY[3,1,2]);
SET search_path = "Another schema";
SELECT soft_rank(ARRAY[3,1,2]), strength_max FROM soft_rank_strength_range(ARRAY[1,2]);
RESET search_path;
ALTER EXTENSION softsort SET SCHEMA public;
SELECT soft_rank(ARRAY[3,1,2]);

-- It cannot be dropped while something depends on it, and leaves nothing behind.
DROP EXTENSION softsort;
DROP TABLE dependent;
DROP EXTENSION softsort;
SELECT count(*) FROM pg_proc WHERE probin LIKE '%softsort%' OR prosrc LIKE 'softsort%';
SELECT count(*) FROM pg_type WHERE typname LIKE '%softsort%';
SELECT soft_rank(ARRAY[3,1,2]);

-- It can be created in any schema, twice in no database.
CREATE EXTENSION softsort SCHEMA "Another schema";
SELECT "Another schema".soft_sort(ARRAY[3,1,2], 'l2', 0);
CREATE EXTENSION softsort;
SELECT DISTINCT pronamespace::regnamespace FROM pg_proc WHERE probin LIKE '%softsort%';
DROP EXTENSION softsort;

-- It is trusted: whoever may create objects in the database may create it.
CREATE ROLE regress_softsort;
DO $$ BEGIN EXECUTE format('GRANT CREATE ON DATABASE %I TO regress_softsort', current_database()); END $$;
CREATE SCHEMA regress_softsort AUTHORIZATION regress_softsort;
SET ROLE regress_softsort;
CREATE EXTENSION softsort SCHEMA regress_softsort;
SELECT regress_softsort.soft_rank(ARRAY[3,1,2]);
DROP EXTENSION softsort;
RESET ROLE;
DROP OWNED BY regress_softsort;
DROP ROLE regress_softsort;

DROP SCHEMA "Another schema";
CREATE EXTENSION softsort;
SELECT soft_rank(ARRAY[3,1,2]);
