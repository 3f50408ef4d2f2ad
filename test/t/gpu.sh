#!/bin/bash
# gpu.sh: computing on a device in a server that does not preload softsort: digits, faults, settings.
# Input: PGHOST etc., PGDATABASE an empty database, a superuser; GPU_LIBRARY (see gpu_lib.sh).
# Output: TAP.  Exit status: 1 when a test failed.
# shellcheck disable=SC2016,SC2034,SC2154  # conditions are expanded by ok
# shellcheck source=test/t/lib.sh
. "$(dirname "$0")/lib.sh"
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=test/t/gpu_lib.sh
. test/t/gpu_lib.sh
make_data || { echo 'Bail out! setup'; exit 1; }
want_rank=$(sql -c 'SET softsort.gpu = off' -c "$rank")

# Every function over batches: with the device and without, to the last bit.
while IFS='|' read -r name query; do
    digest="SELECT md5(string_agg(md5(r::text), '' ORDER BY name COLLATE \"C\")) FROM (SELECT name, $query FROM batch) AS r"
    said=$(sql -c "$use" -c 'SET softsort.gpu = off' -c "$digest" -c 'SET softsort.gpu = require' -c "$digest" \
        -c "SELECT calls >= 4, cpu_unsupported FROM softsort_gpu_status()" 2>&1)
    mapfile -t got <<<"$said"
    ok '[ "${#got[0]}" = 32 ] && [ "${got[0]}" = "${got[1]}" ] && [ "${got[2]}" != "f|0" ]' "same bits: $name" "$said"
    [[ "${got[2]}" == t* ]] || echo "# the device does not support it: $name"
done < <(
    for reg in l2 kl; do
        for type in float8 real; do
            options="'$reg', 0.7"
            cat <<CALLS
soft_rank of $type, $reg|soft_rank(x::${type}[], $options)
soft_rank of $type, $reg, desc, standardize|soft_rank(x::${type}[], $options, 'desc', true)
soft_rank_vjp of $type, $reg|soft_rank_vjp(x::${type}[], g::${type}[], $options)
soft_rank_jvp of $type, $reg|soft_rank_jvp(x::${type}[], g, $options, 'asc', true)
soft_sort of $type, $reg|soft_sort(x::${type}[], $options)
soft_sort_vjp of $type, $reg|soft_sort_vjp(x::${type}[], x::${type}[], $options, 'desc')
soft_sort_jvp of $type, $reg|soft_sort_jvp(x::${type}[], g::${type}[], $options)
permutahedron_projection of $type, $reg|permutahedron_projection(x::${type}[], w, '$reg')
permutahedron_projection_vjp of $type, $reg|permutahedron_projection_vjp(x::${type}[], w, w, '$reg')
permutahedron_projection_jvp of $type, $reg|permutahedron_projection_jvp(x::${type}[], w, w, '$reg')
soft_spearman_rows of $type, $reg|soft_spearman_rows(x::${type}[], y::${type}[], $options)
CALLS
        done
    done
    cat <<CALLS
isotonic_regression|isotonic_regression(x), isotonic_regression(x, w, 'desc')
isotonic_regression_vjp|isotonic_regression_vjp(x, g), isotonic_regression_vjp(x, g, w)
spearman_rows|spearman_rows(x, y)
three dimensions|soft_rank(ARRAY[x, y])
hard ranks|soft_rank(x, 'l2', 0), soft_sort(x, 'kl', 0)
CALLS
)
same "$(sql -c 'SET softsort.gpu = off' -c 'SELECT soft_rank_jacobian(ARRAY[3, 1, 2]), soft_rank_strength_range(ARRAY[3, 1, 2])')" \
    "$(sql -c "$use" -c 'SET softsort.gpu = require' -c 'SELECT soft_rank_jacobian(ARRAY[3, 1, 2]), soft_rank_strength_range(ARRAY[3, 1, 2])')" \
    'require: what has no kernel runs on the CPU'

# What is counted.
status()
{
    sql -c "$use" -c "$1" -c "SELECT '--', $2 FROM softsort_gpu_status()" 2>&1 | sed -n 's/^--|//p'
}
same 'ready|1|1000|20000|0|0|1|1|f|session' \
    "$(status "$rank" 'state, calls, rows, elements, cpu_small, cpu_unsupported, slots_used, slots_max, slots_enforced, counted_in')" \
    'a batch is counted'
same 'not loaded|0|60' "$(status "SELECT count(soft_rank(x)) FROM (SELECT ARRAY[1.5 * i, i] FROM generate_series(1, 60) AS i) AS r (x)" 'state, calls, cpu_small')" \
    'a list a row is no batch, and does not even load the library'
same 'not loaded|0|1' "$(status 'SET softsort.gpu_min_elements = 0; SELECT soft_rank(x) FROM large' 'state, calls, cpu_small')" \
    'a batch too small to make a context for loads nothing'
same 'ready|1|t' "$(status 'SET softsort.gpu_min_elements = 0; WITH w AS (SELECT array_agg(x) AS b FROM large, generate_series(1, 15)) SELECT cardinality(soft_rank(b)) FROM w' 'state, slots_used, break_even_rows > 0')" \
    'the break-even is measured'
same 'off|0|0' "$(status "SET softsort.gpu = off; $rank" 'state, calls, cpu_small')" 'off counts nothing'
same 'ready|f' "$(sql -c "$use" -c 'SELECT state, device_name IS NULL FROM softsort_gpu_status(true)')" 'a probe makes a context'
same 'not loaded' "$(sql -c "$use" -c 'SELECT state FROM softsort_gpu_status()')" 'the status alone makes none'

# Faults.
answers=$(sql -c "$use" -c "SET softsort.debug_gpu_fail = oom" -c "$rank" -c "$rank" \
    -c "SELECT state, cpu_no_memory, calls, last_error <> '' FROM softsort_gpu_status()" -c "SET softsort.debug_gpu_fail = none" \
    -c "$rank" -c 'SELECT state, cpu_no_memory, calls FROM softsort_gpu_status()' \
    -c 'SET softsort.debug_gpu_fail = oom' -c "$rank" 2>&1)
same "$want_rank $want_rank out of memory|2|0|t $want_rank ready|2|1 $want_rank" "$(paste -sd' ' <<<"$answers")" \
    'out of memory: the CPU'
answers=$(sql -c "$use" -c "$rank" -c "SET softsort.debug_gpu_fail = sticky" -c "$rank" -c "SET softsort.debug_gpu_fail = none" -c "$rank" \
    -c "SELECT state, cpu_lost, calls, slots_used, losses, last_error = reason FROM softsort_gpu_status()" \
    -c 'SELECT state FROM softsort_gpu_status(true)' -c 'SET softsort.gpu = require' -c "$rank" 2>&1)
same "$want_rank|$want_rank|$want_rank|lost/2/1/0/1/t|lost" "$(grep -vE '^(WARNING|DETAIL|HINT|ERROR)' <<<"$answers" | tr '|' / | paste -sd'|')" \
    'a sticky error: the CPU, for the rest of the session'
same 1 "$(grep -c '^WARNING: .*cannot use the GPU any more' <<<"$answers")" 'with one warning'
ok 'grep -q "^ERROR: .*could not compute on the GPU" <<<"$answers"' 'and require fails from then on' "$answers"
same "$want_rank" "$(sql -c "$use" -c "$rank")" 'a new session can use the device'
answers=$(sql -c "$use" -c "SET softsort.debug_gpu_fail = absent" -c "$rank" -c "SELECT state, reason <> '', cpu_no_device FROM softsort_gpu_status()" \
    -c "SET softsort.debug_gpu_fail = none" -c "$rank" -c 'SELECT state, calls FROM softsort_gpu_status()' 2>&1)
same "$want_rank no device|t|1 $want_rank ready|1" "$(paste -sd' ' <<<"$answers")" 'no device: the CPU'
same "$want_rank no device|t" "$(sql -c "$use" -c 'SET softsort.gpu_device = 1000' -c "$rank" -c "SELECT state, reason <> '' FROM softsort_gpu_status()" 2>&1 | paste -sd' ')" \
    'no such device: the CPU'
same "$want_rank ready no device $want_rank ready" "$(sql -c "$use" -c "$rank" -c 'SELECT state FROM softsort_gpu_status()' -c 'SET softsort.gpu_device = 1000' \
    -c 'SELECT state FROM softsort_gpu_status(true)' -c 'RESET softsort.gpu_device' -c "$rank" -c 'SELECT state FROM softsort_gpu_status()' 2>&1 | paste -sd' ')" \
    'another device while one is open, and back'

# A slow device is stopped, and stays usable.
start slow
ask slow "$use; SET softsort.debug_gpu_fail = slow; SET statement_timeout = 300;" >/dev/null
now() { date +%s.%N; }
since() { awk -v a="$1" -v b="$(now)" 'BEGIN { printf "%.3f", b - a }'; }
t0=$(now)
said=$(ask slow "$rank;")
took=$(since "$t0")
ok 'grep -q "statement timeout" <<<"$said" && below "$took" 1.3' 'statement_timeout stops a slow device' "$said after $took s"
ask slow 'SET statement_timeout = 0;' >/dev/null
tell slow "$rank;"
sleep 0.4
t0=$(now)
sql -c "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE application_name = 'slow'" >/dev/null
said=$(answer slow)
took=$(since "$t0")
ok 'grep -q "user request" <<<"$said" && below "$took" 1' 'pg_cancel_backend stops a slow device' "$said after $took s"
said=$(ask slow "BEGIN; SAVEPOINT s; SET LOCAL statement_timeout = 300; $rank; ROLLBACK TO s; SET softsort.debug_gpu_fail = none; $rank; COMMIT;
SELECT state, calls FROM softsort_gpu_status();")
ok '[ "$(tail -n +2 <<<"$said" | paste -sd" ")" = "$want_rank ready|1" ]' 'session and device are usable after a subtransaction that was stopped' "$said"
said=$(ask slow "SET softsort.debug_gpu_fail = slow; SET statement_timeout = 200;
DO \$\$ BEGIN BEGIN PERFORM soft_rank(x) FROM large; EXCEPTION WHEN query_canceled THEN RAISE WARNING 'stopped'; END; END \$\$;
SET statement_timeout = 0; SET softsort.debug_gpu_fail = none; $rank; DISCARD ALL; $use; $rank; SELECT calls FROM softsort_gpu_status();")
ok '[ "$(paste -sd" " <<<"$said")" = "WARNING:  stopped $want_rank $want_rank 3" ]' 'and after an exception, and DISCARD ALL' "$said"
said=$(ask slow "SET softsort.gpu_min_elements = 0; SET softsort.debug_gpu_fail = slow; SET statement_timeout = 300;
WITH w AS (SELECT array_agg(x) AS b FROM large, generate_series(1, 15)) SELECT cardinality(soft_rank(b)) FROM w;
SET statement_timeout = 0; SET softsort.debug_gpu_fail = none; SELECT state, break_even_rows IS NULL FROM softsort_gpu_status(); $use; $rank;")
ok '[ "$(tail -n +2 <<<"$said" | paste -sd" ")" = "ready|t $want_rank" ]' 'a measurement can be stopped' "$said"
ask slow 'SET softsort.debug_gpu_fail = slow;' >/dev/null
pid=$(pid_of slow)
tell slow "$rank;"
sleep 0.4
t0=$(now)
sql -c "SELECT pg_terminate_backend($pid)" >/dev/null
until_true 5 '[ -z "$(pid_of slow)" ]'
took=$(since "$t0")
ok 'below "$took" 1.5' 'pg_terminate_backend ends a session whose device is slow' "$took s"
said=$(answer slow)
ok 'grep -q "administrator command" <<<"$said"' 'in order' "$said"
stop slow

# Idle contexts.
start idle
said=$(ask idle "$use; SET softsort.gpu_idle_release = 300; $rank; SELECT state FROM softsort_gpu_status();")
sleep 1
said+=" $(ask idle 'SELECT state, slots_used FROM softsort_gpu_status();')"
said+=" $(ask idle "$rank; SELECT state FROM softsort_gpu_status();")"
same "$want_rank ready closed|0 $want_rank ready" "$(paste -sd' ' <<<"$said")" 'a context is given back while the session waits for its client, and made again'
said=$(ask idle "BEGIN; $rank;")
sleep 1
said+=" $(ask idle 'SELECT state FROM softsort_gpu_status(); COMMIT;')"
sleep 0.5
said+=" $(ask idle 'SELECT state FROM softsort_gpu_status();')"
same "$want_rank ready closed" "$(paste -sd' ' <<<"$said")" 'but not inside a transaction'
said=$(ask idle "$rank; SELECT 1 / 0;")
sleep 1
same "closed" "$(ask idle 'SELECT state FROM softsort_gpu_status();')" 'an error does not make it forget'
said=$(ask idle "BEGIN; $rank; SELECT 1 / 0; SELECT 1; ROLLBACK;")
sleep 1
same "closed" "$(ask idle 'SELECT state FROM softsort_gpu_status();')" 'nor does a block that has failed'
said=$(ask idle "BEGIN; $rank; SELECT 1 / 0;")
sleep 1
said=$(ask idle 'ROLLBACK;')
sleep 0.5
same "closed" "$(ask idle 'SELECT state FROM softsort_gpu_status();')" 'nor one that was idle for longer than that'
said=$(ask idle "BEGIN; SET LOCAL softsort.gpu_idle_release = 0; $rank; COMMIT;")
sleep 1
same "closed" "$(ask idle 'SELECT state FROM softsort_gpu_status();')" 'what counts is the setting after the transaction'
said=$(ask idle "$rank; BEGIN; SET LOCAL softsort.gpu = off; SELECT 1; COMMIT; SELECT state FROM softsort_gpu_status();")
same "ready" "$(tail -1 <<<"$said")" 'also of the device'
said=$(ask idle "SET softsort.gpu_idle_release = 0; $rank;")
sleep 1
said=$(ask idle 'SELECT state FROM softsort_gpu_status(); SET softsort.gpu = off; SELECT state FROM softsort_gpu_status();')
sleep 0.5
said+=" $(ask idle 'SET softsort.gpu = auto; SELECT state FROM softsort_gpu_status();')"
same "ready off closed" "$(paste -sd' ' <<<"$said")" \
    '0 keeps it, until the device is switched off'
stop idle

# require.
refused()
{
    sql -v VERBOSITY=verbose -c "$1" -c "SET softsort.gpu = require" -c 'SELECT soft_rank(ARRAY[3, 1, 2])' 2>&1 | grep -E '^(ERROR|DETAIL|HINT)' | tail -3 | sed 's/ "[^"]*\.so"//' | paste -sd'|'
}
message='ERROR:  55000: could not compute on the GPU, which "softsort.gpu" requires'
hint='HINT:  Set "softsort.gpu" to auto to compute on the CPU when the GPU cannot be used.'
same "$message|DETAIL:  Could not find: No such file or directory.|$hint" "$(refused "SET softsort.cuda_library = '/no/such/library.so'")" \
    'require: the error without a library'
ok '[[ "$(refused "$use; SET softsort.debug_gpu_fail = absent")" == "$message|DETAIL:  "*"|$hint" ]]' 'require: the error without a device'
ok '[[ "$(refused "$use; SET softsort.debug_gpu_fail = oom")" == "$message|DETAIL:  "*"|$hint" ]]' 'require: the error without memory'
ok '[[ "$(refused "$use; SET softsort.debug_gpu_fail = sticky")" == "$message|DETAIL:  "*"|$hint" ]]' 'require: the error when the device is lost'
same '{}' "$(sql -c "SET softsort.cuda_library = '/no/such/library.so'" -c 'SET softsort.gpu = require' -c "SELECT soft_rank('{}'::int[])")" 'require: nothing to compute, nothing required'

# Without a usable library, nothing is different.
said=$(sql -c "SET softsort.cuda_library = '/no/such/library.so'" -c 'SET softsort.gpu_min_elements = 1' -c "$rank" -c 'SELECT state, cpu_no_device FROM softsort_gpu_status()' -c "$rank" 2>&1)
same "$want_rank not installed|1 $want_rank" "$(paste -sd' ' <<<"$said")" 'no library: no word'
said=$(sql -c "SET softsort.cuda_library = 'plpgsql.so'" -c 'SET softsort.gpu_min_elements = 1' -c "$rank" -c "SELECT state, reason LIKE '%softsort_device%' FROM softsort_gpu_status()" -c "$use" -c "$rank" -c 'SELECT state FROM softsort_gpu_status()' 2>&1)
same "$want_rank not usable|t $want_rank ready" "$(paste -sd' ' <<<"$said")" 'a library that is another one, and then the right one'

# Parallel workers have no device here.
workers="SET parallel_leader_participation = off; SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0;
SET $(sql -c "SELECT name FROM pg_settings WHERE name IN ('force_parallel_mode', 'debug_parallel_query')") = on"
ok 'sql -c "$workers" -c "EXPLAIN $rank" | grep -q Gather' 'a plan with a parallel worker'
same "$want_rank" "$(sql -c "$use" -c "$workers" -c "$rank" 2>&1)" 'a parallel worker computes on the CPU'
said=$(sql -c "$use" -c "$workers" -c 'SET softsort.gpu = require' -c "$rank" 2>&1)
ok 'grep -q "DETAIL:  A parallel worker has no GPU context unless" <<<"$said"' 'or not at all' "$said"

# Who may set what.
sql -c 'DROP ROLE IF EXISTS softsort_user' -c 'CREATE ROLE softsort_user' 2>/dev/null
for setting in "cuda_library = '/tmp/x.so'" 'gpu_device = 1' 'gpu_memory_limit = 1' 'debug_gpu_fail = oom'; do
    said=$(sql -c "LOAD 'softsort'" -c 'SET ROLE softsort_user' -c "SET softsort.$setting" 2>&1)
    ok 'grep -q "permission denied to set parameter" <<<"$said"' "only a superuser sets softsort.${setting%% *}" "$said"
    # the library is not loaded yet when this is set
    said=$(sql -c 'SET SESSION AUTHORIZATION softsort_user' -c "SET softsort.$setting" -c 'SELECT soft_rank(ARRAY[3, 1, 2])' -c "SHOW softsort.${setting%% *}" 2>&1)
    ok 'grep -q "permission denied to set parameter" <<<"$said" && ! grep -qx "${setting##* }" <<<"${said//\/tmp\/x.so/?}"' "nor does it by being early: softsort.${setting%% *}" "$said"
done
said=$(sql -c "LOAD 'softsort'" -c 'SET ROLE softsort_user' -c 'SET softsort.gpu = require' -c 'SET softsort.gpu_min_elements = 5' -c 'SET softsort.gpu_idle_release = 7' \
    -c 'SHOW softsort.gpu' -c 'SHOW softsort.gpu_min_elements' -c 'SHOW softsort.gpu_idle_release' 2>&1)
same 'require 5 7ms' "$(paste -sd' ' <<<"$said")" 'anyone sets the others'
sql -c 'DROP ROLE softsort_user'

# The log of a run.
said=$(sql -c "$use" -c 'SET client_min_messages = debug1' -c "$rank" 2>&1)
ok 'grep -q "^DEBUG:  softsort: 1000 rows, 20000 elements on the GPU" <<<"$said"' 'a run is logged at DEBUG1' "$said"
finish
