#!/bin/bash
# citus.sh: softsort on a Citus cluster, where Citus is installed for the private server: what runs
# on the workers (by EXPLAIN), and that the answers are those of a local table, to the last bit.
# Input: a server to ask whether it has Citus; the tests run on servers of their own.
# Output: TAP.  Exit status: 1 when a test failed.
# shellcheck disable=SC2016,SC2034  # conditions are expanded by ok
# shellcheck source=test/t/lib.sh
. "$(dirname "$0")/lib.sh"
cd "$(dirname "$0")/../.." || exit 1

if [ "${1:-}" != --on-citus ]; then
    version=$(sql -c "SELECT default_version FROM pg_available_extensions WHERE name = 'citus'")
    if [ -z "$version" ]; then
        skip citus "not installed for PostgreSQL $(sql -c 'SHOW server_version'); install it, then make clean, make test"
        finish
        exit
    fi
    echo "# Citus $version"
    rm -rf "$work"
    exec tools/with-citus test/t/citus.sh --on-citus
fi

# explain QUERY: set above and below to what EXPLAIN shows for the coordinator and for one task.
explain()
{
    local plan
    plan=$(sql -c "EXPLAIN (VERBOSE, COSTS OFF) $1" 2>&1)
    above=$(sed '/->  Task$/,$d' <<<"$plan")
    below=$(sed -n '/->  Task$/,$p' <<<"$plan")
}

# answers NAME QUERY [SETTING]: the answer for the distributed table t is that for the table here.
answers()
{
    want=$(sql -c "${2//@/here}" 2>&1) || want="failed: $want"
    got=$(sql ${3:+-c "SET $3"} -c "${2//@/t}" 2>&1)
    ok '[ "${want:-nothing}" = "$got" ]' "same: $1" "$(diff <(echo "$want") <(echo "$got") | head -20)"
}
strict="citus.coordinator_aggregation_strategy = 'disabled'"

export PGOPTIONS='-c client_min_messages=warning'
columns='g int, h int, id int, x float8, y float8, arr float8[], r float8[]'
sql >/dev/null <<SQL || { echo 'Bail out! setup'; exit 1; }
CREATE EXTENSION softsort;
CREATE TABLE here ($columns);
INSERT INTO here
SELECT CASE WHEN id % 3 > 0 THEN id % 23 ELSE 0 END, id % 5, id,
    CASE WHEN id % 17 <> 0 THEN sin(id) END, CASE WHEN id % 13 <> 0 THEN round((sin(id) + cos(id * id))::numeric, 1) END,
    ARRAY[sin(id), CASE WHEN id % 7 <> 0 THEN cos(id) END, sin(2 * id), 0.25, cos(3 * id), sin(id * id)]
FROM generate_series(1, 20000) AS id;
CREATE TABLE t ($columns);
SELECT create_distributed_table('t', 'g', shard_count => 4);
INSERT INTO t SELECT * FROM here;
CREATE TABLE copied (g int, id int, r float8[]);
SELECT create_distributed_table('copied', 'g', colocate_with => 't');
CREATE TABLE states (h int, s softsort_state);
SELECT create_distributed_table('states', 'h', shard_count => 4);
SQL
got=$(sql -c "SELECT count(*), bool_and(result = softsort_version())
    FROM run_command_on_workers('SELECT extversion FROM pg_extension WHERE extname = ''softsort''')")
ok '[ "$got" = "2|t" ]' 'CREATE EXTENSION on the coordinator reaches the workers' "$got"

# Partial aggregates: states are made on the workers.  Citus would otherwise fetch all rows, which
# the strict setting forbids.
while IFS='|' read -r name call query; do
    explain "${query//@/t}"
    ok '[[ $above == *coord_combine_agg* && $below == *"worker_partial_agg('"'public.$call("'"* ]]' \
        "on the workers, combined here: $name" "$above$below"
    answers "$name" "$query" "$strict"
done <<'CASES'
spearman|spearman|SELECT spearman(x, y) FROM @
soft_spearman|soft_spearman|SELECT soft_spearman(x, y) FROM @
soft_spearman with options|soft_spearman|SELECT soft_spearman(x, y, 'kl', 0.5), soft_spearman(x, y, 'l2', 0.1, true) FROM @
states|softsort_state_agg|SELECT softsort_state_agg(x, y) FROM @
expressions|spearman|SELECT spearman(x * y, abs(x)) + 1, soft_spearman(softsort_state_agg(y, x), 'kl', 0.5) FROM @
FILTER|spearman|SELECT spearman(x, y) FILTER (WHERE g < 7), soft_spearman(x, y) FILTER (WHERE x > 0) FROM @
GROUP BY another column|soft_spearman|SELECT h, soft_spearman(x, y, 'l2', 0.2), spearman(x, y) FROM @ GROUP BY h ORDER BY h
no rows|spearman|SELECT spearman(x, y), soft_spearman(x, y, 'kl') FROM @ WHERE id < 0
HAVING|spearman|SELECT h, count(*) FROM @ GROUP BY h HAVING spearman(x, y) > 0.6 ORDER BY h
CASES
explain 'SELECT spearman(x, y) FILTER (WHERE g < 7) FROM t'
ok '[[ $below == *"FILTER (WHERE (g"* ]]' 'on the workers: FILTER' "$above$below"

# All of it: nothing of softsort, no aggregate and no window is left to the coordinator.
while IFS='|' read -r name node query; do
    explain "${query//@/t}"
    ok '[[ ! $above =~ (soft_[a-z_]*|spearman|softsort_[a-z_]*|agg)\(|WindowAgg|Aggregate ]] && [[ $below == *"$node"* ]]' \
        "on the workers: $name" "$above$below"
    case $query in
        SELECT*) answers "$name" "$query" "$strict" ;;
    esac
done <<'CASES'
SELECT|public.soft_rank(arr|SELECT id, soft_rank(arr), soft_rank_vjp(arr, arr, 'kl') FROM @ ORDER BY id
WHERE|(soft_rank(|SELECT id FROM @ WHERE (soft_rank(arr, 'kl'))[1] > 3 ORDER BY id
ORDER BY LIMIT|(soft_rank(|SELECT id FROM @ ORDER BY (soft_rank(arr, 'kl'))[1], id LIMIT 5
UPDATE|SET r = public.soft_rank(arr|UPDATE @ SET r = soft_rank(arr, 'kl')
INSERT SELECT|public.soft_rank(|INSERT INTO copied SELECT g, id, soft_rank(arr, 'kl') FROM @
GROUP BY the distribution column|Aggregate|SELECT g, spearman(x, y), soft_spearman(x, y, 'kl', 0.5), softsort_state_agg(x, y) FROM @ GROUP BY g ORDER BY g
GROUP BY it and another|Aggregate|SELECT g, h, spearman(x, y) FROM @ GROUP BY g, h ORDER BY g, h
DISTINCT by the distribution column|Aggregate|SELECT g, spearman(DISTINCT x, y) FROM @ GROUP BY g ORDER BY g
soft_rank of array_agg|array_agg(|SELECT g, soft_rank(array_agg(x ORDER BY id)) FROM @ GROUP BY g ORDER BY g
window|WindowAgg|SELECT id, soft_rank(x) OVER (PARTITION BY g), soft_sort(x, 'kl') OVER (PARTITION BY g ORDER BY id) FROM @ ORDER BY id
window of the gradient|WindowAgg|SELECT id, soft_spearman_grad(x, y, 'l2', 0.1) OVER (PARTITION BY g ORDER BY id) FROM @ ORDER BY id
aggregate as a window|WindowAgg|SELECT id, soft_spearman(x, y) OVER (PARTITION BY g) FROM @ WHERE id < 5000 ORDER BY id
CASES
sql -c "UPDATE here SET r = soft_rank(arr, 'kl')" -c "UPDATE t SET r = soft_rank(arr, 'kl')" \
    -c "INSERT INTO copied SELECT g, id, soft_rank(arr, 'kl') FROM t"
answers 'UPDATE' 'SELECT id, r FROM @ ORDER BY id'
want=$(sql -c 'SELECT g, id, r FROM here ORDER BY id')
got=$(sql -c 'SELECT g, id, r FROM copied ORDER BY id')
ok '[ "$want" = "$got" ]' 'same: INSERT SELECT'

# What Citus computes from rows that it fetches has the same digits, of course.
while IFS='|' read -r name query; do
    answers "$name" "$query"
done <<'CASES'
window over another column|SELECT id, soft_rank(x) OVER (PARTITION BY h) FROM @ ORDER BY id
window over all|SELECT id, soft_rank(x, standardize => true) OVER () FROM @ ORDER BY id
DISTINCT|SELECT spearman(DISTINCT x, y) FROM @
ORDER BY in the call|SELECT soft_spearman(x, y ORDER BY id) FROM @
CASES
got=$(sql -c "SET $strict" -c 'SELECT spearman(x, y ORDER BY id) FROM t' 2>&1)
ok '[[ $got == *"unsupported aggregate"* ]]' 'the strict setting refuses what is not computed on the workers' "$got"

# States: stored in a distributed table, merged there and here.
sql -c 'INSERT INTO states SELECT h, softsort_state_agg(x, y) FROM t GROUP BY h, g'
explain 'SELECT spearman(softsort_merge(s)) FROM states'
ok '[[ $above == *coord_combine_agg* && $below == *worker_partial_agg* ]]' 'on the workers, combined here: softsort_merge' "$above$below"
want=$(sql -c 'SELECT spearman(x, y), softsort_state_agg(x, y) FROM here')
got=$(sql -c "SET $strict" -c 'SELECT spearman(softsort_merge(s)), softsort_merge(s) FROM states')
ok '[ "$want" = "$got" ]' 'same: softsort_merge'
want=$(sql -c "SELECT h, soft_spearman(x, y, 'kl', 0.5) FROM here GROUP BY h ORDER BY h")
got=$(sql -c "SET $strict" -c "SELECT h, soft_spearman(softsort_merge(s), 'kl', 0.5) FROM states GROUP BY h ORDER BY h")
ok '[ "$want" = "$got" ]' 'same: softsort_merge by the distribution column' "$got"

# Errors of the workers arrive as they are.
for bad in 'g' 'h'; do
    got=$(psql -XqAt -v VERBOSITY=verbose -c "SELECT $bad, spearman(x / 0.0::float8 * 0, y) FROM t GROUP BY $bad" 2>&1)
    ok '[[ $got == *22012* ]]' "division by zero by $bad" "$got"
    got=$(psql -XqAt -v VERBOSITY=verbose -c "SELECT $bad, spearman(CASE WHEN id = 77 THEN 'NaN' ELSE x END, y) FROM t GROUP BY $bad" 2>&1)
    ok '[[ $got == *"22023: values must not be NaN"* ]]' "NaN by $bad" "$got"
done

# Settings of a session stay on the coordinator; those of a role reach the workers.
window='SELECT count(r) FROM (SELECT soft_rank(x) OVER (PARTITION BY g ORDER BY id) FROM t) AS w (r)'
want=$(sql -c 'SELECT count(x) FROM here')
got=$(sql -c 'SET softsort.max_partition_memory = 64' -c "$window" 2>&1)
ok '[ "$got" = "$want" ]' 'SET does not reach the workers' "$got"
sql -c 'ALTER ROLE CURRENT_USER SET softsort.max_partition_memory = 64'
got=$(psql -XqAt -v VERBOSITY=verbose -c "$window" 2>&1)
ok '[[ $got == *53400:* && $got == *"64 kB"* ]]' 'ALTER ROLE SET reaches them' "$got"

finish
