#!/bin/bash
# cancel.sh: long calls can be cancelled, timed out, terminated and asked for their memory
# contexts; many calls in one statement do not grow the backend.
# Input: PGHOST etc., PGDATABASE an empty database, a superuser.  Output: TAP.
# Exit status: 1 when a test failed.
# shellcheck source=test/t/lib.sh
. "$(dirname "$0")/lib.sh"

sql -c 'CREATE EXTENSION softsort' || { echo 'Bail out! no extension'; exit 1; }
postgres=$(sql -c 'SHOW server_version_num')

# Calls that take seconds: the size is measured, 6 s for the bisection of strength_range.
sql <<'SQL'
CREATE UNLOGGED TABLE big (id text PRIMARY KEY, x float8[]);
ALTER TABLE big ALTER x SET STORAGE EXTERNAL;
INSERT INTO big SELECT 'sample', array_agg(random()) FROM generate_series(1, 200000);
INSERT INTO big SELECT 'list', array_agg(random()) FROM generate_series(1, 2500000);
SQL
seconds=$(sql <<'SQL'
SELECT clock_timestamp() AS t0 \gset
SELECT soft_rank_strength_range(x, 'kl') AS ignored FROM big WHERE id = 'sample' \gset
SELECT extract(epoch FROM clock_timestamp() - :'t0');
SQL
)
n=$(awk -v s="$seconds" 'BEGIN { n = int(6 / s * 200000); print (n < 200000 ? 200000 : (n > 10000000 ? 10000000 : n)) }')
sql <<SQL
INSERT INTO big SELECT 'range', (x || x || x || x)[1:$n] FROM big WHERE id = 'list';
INSERT INTO big SELECT 'long', x || x || x || x FROM big WHERE id = 'list';
INSERT INTO big SELECT 'rows', array_agg(x) FROM (SELECT array_agg(random()) FROM generate_series(1, 1000)) AS r (x), generate_series(1, 10000);
SQL
echo "# $n elements for a call of about 6 s"

# A session that must survive all that follows.
mkfifo "$work/ask" "$work/answer"
psql -XqAt <"$work/ask" >"$work/answer" 2>&1 &
exec 3>"$work/ask" 4<"$work/answer"

while IFS='|' read -r ms name query; do
    mapfile -t got < <(timed_out "$ms" "$query")
    ok "[ '${got[0]:-}' = 57014 ] && below '${got[1]:-}' 1.3 && [ '${got[2]:-}' = '{3,1,2}' ]" \
        "statement_timeout ends $name" "${got[*]}"
done <<'CALLS'
300|soft_rank_strength_range, kl|SELECT soft_rank_strength_range(x, 'kl') FROM big WHERE id = 'range'
100|soft_rank of one list|SELECT cardinality(soft_rank(x, 'l2', 1e-9)) FROM big WHERE id = 'long'
100|soft_rank of one list, kl|SELECT cardinality(soft_rank(x, 'kl', 0.001, 'desc', true)) FROM big WHERE id = 'long'
100|soft_rank of many rows|SELECT cardinality(soft_rank(x, 'kl')) FROM big WHERE id = 'rows'
100|soft_sort_vjp of many rows|SELECT cardinality(soft_sort_vjp(x, x)) FROM big WHERE id = 'rows'
100|spearman|SELECT spearman(x, x) FROM big WHERE id = 'long'
100|soft_spearman_grad|SELECT cardinality(soft_spearman_grad(x, x, 'l2', 1e-9)) FROM big WHERE id = 'long'
CALLS

# start NAME: run the long call in a session of that name, output to $work/NAME; wait until it runs.
start()
{
    PGAPPNAME=$1 psql -XqAt >"$work/$1" 2>&1 <<'SQL' &
\set VERBOSITY sqlstate
SELECT soft_rank_strength_range(x, 'kl') FROM big WHERE id = 'range';
SELECT 'alive';
SQL
    job=$!
    backend=
    for _ in $(seq 1 100); do
        backend=$(sql -c "SELECT pid FROM pg_stat_activity WHERE application_name = '$1' AND state = 'active' AND query LIKE '%range%'")
        [ -z "$backend" ] || break
        sleep 0.05
    done
    sleep 0.4
}
now() { date +%s.%N; }
since() { awk -v a="$1" -v b="$(now)" 'BEGIN { printf "%.3f", b - a }'; }

# Cancelled by another session.
start cancelled
t0=$(now)
sql -c "SELECT pg_cancel_backend($backend)" >/dev/null
wait "$job"
took=$(since "$t0")
ok "[ \"\$(cat $work/cancelled)\" = \$'ERROR:  57014\\nalive' ] && below $took 1" 'pg_cancel_backend ends a call' \
    "$(cat "$work/cancelled") after $took s"

# Terminated by another session.
start terminated
t0=$(now)
sql -c "SELECT pg_terminate_backend($backend)" >/dev/null
wait "$job"
rc=$?
took=$(since "$t0")
ok "[ $rc = 2 ] && grep -q '57P01' $work/terminated && ! grep -q alive $work/terminated && below $took 1" \
    'pg_terminate_backend ends the session' "status $rc, $(cat "$work/terminated"), $took s"
ok "[ -z \"\$(sql -c 'SELECT pid FROM pg_stat_activity WHERE pid = $backend')\" ]" 'its process is gone'

# Requests to log memory contexts are served on the way and change nothing.
if [ "$postgres" -ge 140000 ]; then
    start quiet
    wait "$job"
    start asked
    requests=$(sql <<SQL
SET client_min_messages = warning;
CREATE TEMPORARY TABLE served (n int);
DO \$\$
DECLARE
    n int := 0;
BEGIN
    WHILE EXISTS (SELECT FROM pg_stat_activity WHERE pid = $backend AND state = 'active' AND query LIKE '%range%') LOOP
        PERFORM pg_log_backend_memory_contexts($backend);
        n := n + 1;
        PERFORM pg_sleep(0.05);
        PERFORM pg_stat_clear_snapshot();
    END LOOP;
    INSERT INTO served VALUES (n);
END \$\$;
SELECT n FROM served;
SQL
)
    wait "$job"
    ok "[ \"\$(sed -n 2p $work/quiet)\" = alive ] && cmp -s $work/quiet $work/asked" \
        'pg_log_backend_memory_contexts changes neither result nor outcome' "$(cat "$work/quiet" "$work/asked")"
    ok "[ $requests -ge 20 ]" 'it was asked many times' "$requests requests"
    if [ -r "${CLUSTER_LOG:-}" ]; then
        logged=$(grep -c "logging memory contexts of PID $backend" "$CLUSTER_LOG")
        ok "[ $logged -ge $((requests / 2)) ]" 'and answered during the call' "$logged of $requests"
    else
        skip 'and answered during the call' 'the log of the server is not readable'
    fi
else
    for name in 'pg_log_backend_memory_contexts changes neither result nor outcome' 'it was asked many times' \
        'and answered during the call'; do
        skip "$name" 'PostgreSQL 14 brought pg_log_backend_memory_contexts'
    done
fi

# Many calls in one statement: the peak of a fresh backend's memory, after a scan of the table.
sql <<'SQL'
CREATE UNLOGGED TABLE short AS
SELECT i, array_agg(random()) AS x, array_agg(random()) AS g, array_agg((random() * 100)::int) AS k,
    array_agg((random() * 100)::numeric(8, 3)) AS d, array_agg(CASE WHEN random() > 0.2 THEN random() END) AS h
FROM generate_series(1, 100000) AS i, generate_series(1, 8) AS j GROUP BY i;
CREATE UNLOGGED TABLE medium AS
SELECT i, array_agg(random()) AS x, array_agg(random()) AS g, array_agg((random() * 100)::numeric(8, 3)) AS d
FROM generate_series(1, 2000) AS i, generate_series(1, 500) AS j GROUP BY i;
SQL
if [ -r /proc/self/status ]; then
    while IFS='|' read -r name query; do
        kb=$(growth 'SELECT count(short.*) FROM short; SELECT count(medium.*) FROM medium' "$query")
        ok "below '$kb' 20000" "memory stays: $name" "$kb kB"
    done <<'CALLS'
100000 calls of soft_rank_vjp|SELECT sum((soft_rank_vjp(x, g))[1]) FROM short
100000 calls of soft_rank of integer[] and numeric[]|SELECT sum((soft_rank(k))[1] + (soft_rank(d, 'kl'))[1]) FROM short
100000 calls of spearman and soft_spearman with NULLs|SELECT sum(spearman(x, h) + soft_spearman(h, g)) FROM short
100000 calls of soft_rank_strength_range|SELECT sum((soft_rank_strength_range(x)).strength_max) FROM short
100000 calls of soft_sort_jacobian and isotonic_regression|SELECT sum((soft_sort_jacobian(x))[1][1] + (isotonic_regression(h, g))[1]) FROM short
2000 calls of soft_rank_vjp of 500 values|SELECT sum((soft_rank_vjp(x, d, 'kl', 0.1, 'desc', true))[1]) FROM medium
2000 calls inside of PL/pgSQL|DO $$ DECLARE r float8[]; v float8[]; BEGIN SELECT x INTO v FROM medium LIMIT 1; FOR i IN 1 .. 2000 LOOP r := soft_rank(v, 'l2', i); v[1] := r[1]; END LOOP; END $$
2000 errors|DO $$ DECLARE v float8[]; BEGIN SELECT x || 'NaN'::float8 INTO v FROM medium LIMIT 1; FOR i IN 1 .. 2000 LOOP BEGIN PERFORM soft_rank(v); EXCEPTION WHEN invalid_parameter_value THEN NULL; END; END LOOP; END $$
CALLS
else
    skip 'memory stays' '/proc is not there'
fi

# Nothing has brought the server down: the session that was there all the time answers.
echo "SELECT 'still here';" >&3
answer=
read -r -t 5 answer <&4
exec 3>&- 4<&-
ok "[ '$answer' = 'still here' ]" 'the server stayed up' "$answer"

finish
