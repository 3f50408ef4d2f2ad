#!/bin/bash
# columns.sh: large groups and partitions of the aggregates and window functions: they can be
# timed out, they take the memory that the reference says and give it back, they refuse
# what is beyond softsort.max_partition_memory, and they go beyond 1 GB.
# Input: PGHOST etc., PGDATABASE an empty database, a superuser; VERY_LARGE=1 also runs the tests
# beyond 1 GB (12 GB of memory, minutes).  Output: TAP.
# Exit status: 1 when a test failed.
# shellcheck source=test/t/lib.sh
. "$(dirname "$0")/lib.sh"

sql -c 'CREATE EXTENSION softsort' || { echo 'Bail out! no extension'; exit 1; }

# Numbered rows, in an order that is not theirs; a million of them and many.
million=$((1 << 20 | 1))
sql <<SQL
CREATE UNLOGGED TABLE million (i int, x float8, y float8);
INSERT INTO million SELECT i, random(), random() FROM generate_series(1, $million) AS i;
CREATE UNLOGGED TABLE many (i int, x float8, y float8);
INSERT INTO many SELECT i, x, y FROM million UNION ALL SELECT i + 2000000, y, x FROM million UNION ALL SELECT i + 4000000, 1 - x, y FROM million;
SQL

# A timeout in every part of a long call: while rows are read, in the core, while results are
# given.  Without a parallel plan, so that it is the session itself that has to end.
PGOPTIONS="${PGOPTIONS:-} -c max_parallel_workers_per_gather=0"
export PGOPTIONS
while IFS='|' read -r name query; do
    mapfile -t whole < <(timed_out 0 "$query")
    seconds=${whole[1]:-0}
    for part in 0.35 0.7; do
        # it may be faster the second time
        for _ in 1 2 3; do
            ms=$(awk -v t="$seconds" -v part="$part" 'BEGIN { print int(1000 * t * part) + 1 }')
            mapfile -t got < <(timed_out "$ms" "$query")
            [ "${got[0]:-}" = 00000 ] || break
            seconds=${got[1]:-0}
        done
        delay=$(awk -v t="${got[1]:-9}" -v ms="$ms" 'BEGIN { printf "%.3f", t - ms / 1000 }')
        ok "[ '${whole[0]:-}' = 00000 ] && [ '${got[0]:-}' = 57014 ] && below '$delay' 1 && [ '${got[2]:-}' = '{3,1,2}' ]" \
            "statement_timeout after $part of $name" "whole ${whole[*]}, timeout $ms ms, ${got[*]}"
        echo "# whole ${whole[1]:-} s, timeout after $ms ms, end $delay s later"
    done
done <<'CALLS'
a window function|SELECT sum(r) FROM (SELECT soft_rank(x, 'kl', 1e-7) OVER () AS r FROM many) AS w
spearman of a column|SELECT spearman(x, y) FROM many
soft_spearman of a column|SELECT soft_spearman(x, y, 'kl', 1e-7, true) FROM many
the output of a state|SELECT length(softsort_state_agg(x, y)::text) FROM many
the merging of states|SELECT length(softsort_state_send(softsort_merge(s))) FROM (SELECT softsort_state_agg(x, y) AS s FROM million GROUP BY i / 10000) AS m
CALLS

if [ -r /proc/self/status ]; then
    # One group, a pair beyond a power of two, against aggregates that keep nothing.
    per_row() { awk -v kb="$1" -v n="$million" 'BEGIN { print kb ~ /^[0-9]+$/ ? kb * 1024 / n : kb }'; }
    while IFS='|' read -r limit name query; do
        bytes=$(per_row "$(growth 'SELECT count(*), corr(x, y) FROM million' "$query")")
        ok "[ '${bytes#failed}' = '$bytes' ] && below '$bytes' $limit.001" "at most $limit bytes a row: $name" "$bytes"
        echo "# $name: $bytes bytes a row"
    done <<'CALLS'
48|spearman|SELECT spearman(x, y) FROM million
80|soft_spearman|SELECT soft_spearman(x, y, 'kl', 1e-7) FROM million
80|a state|SELECT octet_length(softsort_state_send(softsort_state_agg(x, y))) FROM million
CALLS

    # As many groups and partitions again do not raise the peak.
    while IFS='|' read -r name query; do
        kb=$(growth "${query//million/(SELECT * FROM million WHERE i <= 100000) AS few}" "$query")
        ok "below '$kb' 3000" "memory stays: $name" "$kb kB"
        echo "# $name: $kb kB"
    done <<'CALLS'
100000 groups after 10000|SELECT count(a), count(b) FROM (SELECT spearman(x, y) AS a, soft_spearman(x, y, 'kl') AS b FROM million GROUP BY i / 10) AS g
groups with expanded states|SELECT count(a), count(b) FROM (SELECT spearman(x, y) AS a, octet_length(softsort_state_send(softsort_state_agg(x, y))) AS b FROM million GROUP BY i / 5000) AS g
100000 partitions after 10000|SELECT sum(a), sum(b) FROM (SELECT soft_rank(x) OVER w AS a, soft_spearman_grad(x, y) OVER w AS b FROM million WINDOW w AS (PARTITION BY i / 10)) AS g
partitions of 5000 rows|SELECT sum(a), sum(b) FROM (SELECT soft_sort(x) OVER w AS a, soft_rank_vjp(x, y) OVER w AS b FROM million WINDOW w AS (PARTITION BY i / 5000)) AS g
aggregates over 300000 frames|SELECT sum(a) FROM (SELECT spearman(x, y) OVER (ORDER BY i ROWS 5 PRECEDING) AS a FROM million WHERE i <= 300000) AS g
CALLS

    # What the evaluation of a row's arguments leaves behind goes with the row.
    ranks='SELECT sum(r) FROM (SELECT soft_rank(@) OVER () AS r FROM million WHERE i <= 50000) AS w'
    kb=$(growth "${ranks/@/x}" "${ranks/@/"x + length(repeat(i::text, 1000))"}")
    ok "below '$kb' 3000" 'memory stays: arguments that allocate' "$kb kB"
    kb=$(growth "${ranks/@/x}" "${ranks/@/"x, CASE WHEN x > 0 THEN left(repeat('l2', 5000), 2) ELSE 'l2' END"}")
    ok "below '$kb' 3000" 'memory stays: options that allocate' "$kb kB"
else
    skip 'memory of groups and partitions' '/proc is not there'
fi

# state QUERY...: the SQLSTATE of the last of several statements.
state() { { printf '%s;\n' "$@"; printf '%s\n' '\echo :SQLSTATE'; } | psql -XqAt 2>/dev/null | tail -1; }
while IFS='|' read -r want limit query; do
    gave=$(state "SET softsort.max_partition_memory = '$limit'" "$query")
    ok "[ '$gave' = $want ]" "$limit: $query" "$gave"
done <<'CALLS'
53400|1MB|SELECT soft_rank(x) OVER () FROM million
53400|16MB|SELECT soft_spearman_grad(x, y) OVER () FROM million
00000|1MB|SELECT max(r) FROM (SELECT soft_rank(x) OVER (PARTITION BY i / 1000) AS r FROM million) AS s
53400|64kB|SELECT spearman(x, y) FROM million
53400|16MB|SELECT softsort_state_agg(x, y) FROM million
53400|20MB|SELECT spearman(x, y) FROM million
00000|50MB|SELECT spearman(x, y) FROM million
00000|64kB|SELECT count(r) FROM (SELECT spearman(x, y) AS r FROM million GROUP BY i / 1000) AS s
53400|1MB|SELECT softsort_merge(s) FROM (SELECT softsort_state_agg(x, y) AS s FROM million GROUP BY i / 10000) AS m
CALLS

# States beyond 64 kB go from worker to leader.
parallel="SET max_parallel_workers_per_gather = 2; SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0"
query="SELECT i % 2 AS g, float8send(spearman(x, y)) AS rho, float8send(soft_spearman(x, y, 'kl', 0.001)) AS soft,
    md5(softsort_state_send(softsort_state_agg(x, y))) AS state FROM million GROUP BY 1"
serial=$(sql -c "$query ORDER BY 1")
plan=$(sql -c "$parallel" -c "EXPLAIN (ANALYZE, VERBOSE, COSTS OFF, TIMING OFF) CREATE TABLE shared AS $query" | tr -s ' ' | tr '\n' ';')
shared=$(sql -c 'SELECT * FROM shared ORDER BY 1')
name='large states of a parallel plan give the bits of a serial one'
launched=$(echo "$plan" | sed -n 's/.*Workers Launched: \([0-9]*\).*/\1/p')
if [ "$launched" = 0 ]; then
    skip "$name" 'no worker was launched'
else
    ok "[ -n '$launched' ] && [[ \$plan == *'Finalize '*'Gather'*'Partial '* ]] && [ '$serial' = '$shared' ] && [ -n '$serial' ]" \
        "$name" "$serial / $shared / $plan"
fi

# Beyond 1 GB.
available=$(awk '/^MemAvailable/ { print int($2 / 1024 / 1024) }' /proc/meminfo 2>/dev/null)
large=('68000000 pairs in one group' 'their state is too large for a value' '30000000 rows in one partition')
if [ "${VERY_LARGE:-}" != 1 ]; then
    for name in "${large[@]}"; do skip "$name" 'VERY_LARGE=1 test/run tap runs it, in minutes'; done
elif [ "${available:-0}" -lt 12 ]; then
    for name in "${large[@]}"; do skip "$name" "needs 12 GB of memory, there are ${available:-0} available"; done
else
    # measured QUERY: print its SQLSTATE, its result or error, and a line "SECONDS s, peak KB kB".
    measured()
    {
        psql -XqAt 2>&1 <<SQL
SET softsort.max_partition_memory = '16GB';
SELECT pg_backend_pid() AS pid, clock_timestamp() AS t0 \gset
\setenv BACKEND :pid
\set VERBOSITY default
$1;
\echo :SQLSTATE
SELECT round(extract(epoch FROM clock_timestamp() - :'t0')::numeric, 1) || ' s';
\! awk '/^VmHWM/ { print "peak", \$2, \$3 }' /proc/\$BACKEND/status
SQL
    }
    # ProjectSet streams its rows, a function in FROM would store them
    rows() { echo "(SELECT i * 48271 % 2147483647 AS x FROM (SELECT generate_series(1, $1::bigint) AS i) AS s) AS r"; }
    mapfile -t got < <(measured "SELECT spearman(x, -x) FROM $(rows 68000000)")
    ok "[ '${got[0]:-}' = -1 ] && [ '${got[1]:-}' = 00000 ]" "${large[0]}" "${got[*]}"
    echo "# ${large[0]}: ${got[*]}"
    mapfile -t got < <(measured "SELECT softsort_state_agg(x, -x) FROM $(rows 68000000)")
    ok "[[ '${got[*]}' == *HINT:*'read the rows themselves'*' 54000 '* ]]" "${large[1]}" "${got[*]}"
    echo "# ${large[1]}: ${got[*]}"
    mapfile -t got < <(measured "SELECT sum(r) = 450000015000000 FROM (SELECT soft_rank(x) OVER () AS r FROM $(rows 30000000)) AS w")
    ok "[ '${got[0]:-}' = t ] && [ '${got[1]:-}' = 00000 ]" "${large[2]}" "${got[*]}"
    echo "# ${large[2]}: ${got[*]}"
fi

finish
