#!/bin/bash
# fdw.sh: what postgres_fdw sends to the other server when that server is declared to have softsort
# (option extensions), and that the answers are those of local tables, to the last bit.
# The other servers are two databases of the same one: a table in two foreign partitions.
# Input: PGHOST etc., PGDATABASE an empty database, a superuser.  Output: TAP.
# Exit status: 1 when a test failed.
# shellcheck source=test/t/lib.sh
. "$(dirname "$0")/lib.sh"
shards=(softsort_shard_1 softsort_shard_2)

# same WANT GOT NAME: a test.
same()
{
    # shellcheck disable=SC2034  # used by the condition
    want=$1 got=$2
    # shellcheck disable=SC2016  # expanded by ok
    ok '[ "$want" = "$got" ]' "$3" "$(diff <(echo "$1") <(echo "$2") | head -20)"
}

# sent QUERY: print the statements that it sends, each once.  Whether they sort is a matter of costs.
sent()
{
    sql -c 'SET enable_partitionwise_aggregate = on' -c "EXPLAIN (VERBOSE, COSTS OFF) $1" |
        sed -n 's/ ORDER BY .*//; s/^ *Remote SQL: //p' | LC_ALL=C sort -u
}

# answers NAME QUERY: the answer for the foreign table t is not empty and is that for the table here.
answers()
{
    local here there
    here=$(sql -c "${2//@/here}" 2>&1) || here="failed: $here"
    there=$(sql -c 'SET enable_partitionwise_aggregate = on' -c "${2//@/t}" 2>&1)
    same "${here:-nothing}" "$there" "$1"
}

drop_shards()
{
    for shard in "${shards[@]}"; do
        PGOPTIONS='-c client_min_messages=warning' sql -d postgres -c "DROP DATABASE IF EXISTS $shard"
    done
}
drop_shards
trap 'rm -rf "$work"; drop_shards' EXIT

if [ -z "$(sql -c "SELECT name FROM pg_available_extensions WHERE name = 'postgres_fdw'")" ]; then
    skip postgres_fdw 'not installed for this server (package postgresql-contrib or alike)'
    finish
    exit
fi
columns='g int, h int, id int, x float8, y float8, arr float8[], r float8[], reg text'
sql -c 'CREATE EXTENSION softsort' -c 'CREATE EXTENSION postgres_fdw' -c "
CREATE TABLE here ($columns);
INSERT INTO here
SELECT id % 6, id % 5, id,
    CASE WHEN id % 17 <> 0 THEN sin(id) END, CASE WHEN id % 13 <> 0 THEN round((sin(id) + cos(id * id))::numeric, 1) END,
    ARRAY[sin(id), CASE WHEN id % 7 <> 0 THEN cos(id) END, sin(2 * id), 0.25, cos(3 * id), sin(id * id)],
    NULL, CASE WHEN id % 6 < 3 THEN 'kl' ELSE 'l2' END
FROM generate_series(1, 2000) AS id;
CREATE TABLE t ($columns) PARTITION BY RANGE (g)" || { echo 'Bail out! setup'; exit 1; }
from=0
for shard in "${shards[@]}"; do
    sql -d postgres -c "CREATE DATABASE $shard"
    sql -d "$shard" -c 'CREATE EXTENSION softsort' -c "CREATE TABLE part ($columns)"
    sql -v host="${PGHOST:-}" -v db="$shard" <<SQL || { echo 'Bail out! setup'; exit 1; }
SELECT coalesce(nullif(:'host', ''), split_part(current_setting('unix_socket_directories'), ', ', 1)) AS host,
    current_setting('port') AS port, current_user AS role \gset
CREATE SERVER $shard FOREIGN DATA WRAPPER postgres_fdw
    OPTIONS (host :'host', port :'port', dbname :'db', extensions 'softsort');
CREATE USER MAPPING FOR CURRENT_USER SERVER $shard OPTIONS (user :'role');
CREATE FOREIGN TABLE $shard PARTITION OF t FOR VALUES FROM ($from) TO ($((from + 3)))
    SERVER $shard OPTIONS (table_name 'part');
SQL
    from=$((from + 3))
done
sql -c 'INSERT INTO t SELECT * FROM here' -c 'ANALYZE here' -c 'ANALYZE t'
same "$(sql -c 'SELECT count(*) FROM here WHERE g >= 3')" "$(sql -d "${shards[1]}" -c 'SELECT count(*) FROM part')" 'half of the rows are in the other database'

# Sent: conditions, updates, aggregates of whole groups.
options="'l2'::text, 1::double precision, 'asc'::text, false"
while IFS='|' read -r name query remote; do
    same "$remote" "$(sent "${query//@/t}")" "sent: $name"
    answers "same: $name" "$query"
done <<CASES
WHERE|SELECT id FROM @ WHERE (soft_rank(arr))[1] > 3 ORDER BY id|SELECT id FROM public.part WHERE ((((public.soft_rank(arr, $options))[1]) > 3::double precision))
WHERE, with a strength|SELECT id FROM @ WHERE (soft_rank(arr, regularization_strength => 0.3))[1] > 3 ORDER BY id|SELECT id FROM public.part WHERE ((((public.soft_rank(arr, ${options/1/0.3}))[1]) > 3::double precision))
WHERE, with a column as option|SELECT id FROM @ WHERE (soft_rank(arr, reg))[1] > 3 ORDER BY id|SELECT id FROM public.part WHERE ((((public.soft_rank(arr, reg, ${options#*, }))[1]) > 3::double precision))
spearman by partition key|SELECT g, spearman(x, y) FROM @ GROUP BY g ORDER BY g|SELECT g, public.spearman(x, y) FROM public.part GROUP BY 1
soft_spearman by partition key|SELECT g, soft_spearman(x, y) FROM @ GROUP BY g ORDER BY g|SELECT g, public.soft_spearman(x, y) FROM public.part GROUP BY 1
FILTER|SELECT g, spearman(x, y) FILTER (WHERE h < 3) FROM @ GROUP BY g ORDER BY g|SELECT g, public.spearman(x, y) FILTER (WHERE (h < 3)) FROM public.part GROUP BY 1
states by partition key|SELECT g, softsort_state_agg(x, y) FROM @ GROUP BY g ORDER BY g|SELECT g, public.softsort_state_agg(x, y) FROM public.part GROUP BY 1
CASES
same "UPDATE public.part SET r = public.soft_rank(arr, $options)" "$(sent 'UPDATE t SET r = soft_rank(arr)')" 'sent: UPDATE'
for table in here t; do sql -c "UPDATE $table SET r = soft_rank(arr)"; done
answers 'same: UPDATE' 'SELECT id, r FROM @ ORDER BY id'

# What is computed here from rows that are fetched has the same digits, of course.
while IFS='|' read -r name query; do
    answers "same: $name" "$query"
done <<'CASES'
an option as a literal|SELECT id FROM @ WHERE (soft_rank(arr, 'kl'))[1] > 3 ORDER BY id
aggregate with options|SELECT g, soft_spearman(x, y, 'kl', 0.5), soft_spearman(x, y, 'l2', 0.1, true) FROM @ GROUP BY g ORDER BY g
SELECT|SELECT id, soft_rank(arr), soft_rank_vjp(arr, arr, 'kl') FROM @ ORDER BY id
aggregate over all|SELECT spearman(x, y), soft_spearman(x, y, 'kl', 0.5) FROM @
aggregate by another column|SELECT h, spearman(x, y), soft_spearman(x, y) FROM @ GROUP BY h ORDER BY h
states, merged|SELECT spearman(s), soft_spearman(s, 'kl', 0.5), s FROM (SELECT softsort_merge(s) FROM (SELECT softsort_state_agg(x, y) FROM @ GROUP BY g) AS a (s)) AS m (s)
window|SELECT id, soft_rank(x) OVER (PARTITION BY g), soft_spearman_grad(x, y) OVER (PARTITION BY h ORDER BY id) FROM @ ORDER BY id
CASES

# A way to have everything computed there: views of the other database.
sql -d "${shards[0]}" -c "
CREATE VIEW ranked AS SELECT id, soft_rank(arr, 'kl') AS ranks, soft_rank(x, 'kl', 0.5) OVER (PARTITION BY g) AS rank FROM part;
CREATE VIEW collected AS SELECT softsort_state_agg(x, y) AS s FROM part;
CREATE TABLE states (g int, s softsort_state)"
sql -d "${shards[1]}" -c 'CREATE VIEW collected AS SELECT softsort_state_agg(x, y) AS s FROM part'
sql -c "
CREATE FOREIGN TABLE ranked (id int, ranks float8[], rank float8) SERVER ${shards[0]};
CREATE FOREIGN TABLE collected_1 (s softsort_state) SERVER ${shards[0]} OPTIONS (table_name 'collected');
CREATE FOREIGN TABLE collected_2 (s softsort_state) SERVER ${shards[1]} OPTIONS (table_name 'collected');
CREATE FOREIGN TABLE states (g int, s softsort_state) SERVER ${shards[0]}"
same "$(sql -c "SELECT id, soft_rank(arr, 'kl'), soft_rank(x, 'kl', 0.5) OVER (PARTITION BY g) FROM here WHERE g < 3 ORDER BY id")" \
    "$(sql -c 'SELECT * FROM ranked ORDER BY id')" 'same: a view of the other database with a window'
same "$(sql -c 'SELECT spearman(x, y), softsort_state_agg(x, y) FROM here')" \
    "$(sql -c 'SELECT spearman(softsort_merge(s)), softsort_merge(s) FROM (TABLE collected_1 UNION ALL TABLE collected_2) AS c')" \
    'same: views of the other databases with states, merged here'
sql -c 'INSERT INTO states SELECT g, softsort_state_agg(x, y) FROM t GROUP BY g'
same "$(sql -c 'SELECT softsort_state_agg(x, y) FROM here')" "$(sql -c 'SELECT softsort_merge(s) FROM states')" \
    'states are stored in the other database and come back'

finish
