#!/bin/bash
# gpu_preload.sh: computing on a device in a server that preloads softsort: slots, losses and
# counters of all processes, parallel workers, and a postmaster that keeps away from the device.
# Input: GPU_LIBRARY (see gpu_lib.sh); the tests run on a server of their own, which may crash.
# Output: TAP.  Exit status: 1 when a test failed.
# shellcheck disable=SC2016,SC2034,SC2154  # conditions are expanded by ok
# shellcheck source=test/t/lib.sh
. "$(dirname "$0")/lib.sh"
cd "$(dirname "$0")/../.." || exit 1
if [ "${1:-}" != --preloaded ]; then
    rm -rf "$work"
    SERVER_CONF="
shared_preload_libraries = 'softsort'
softsort.gpu_max_backends = 2
restart_after_crash = on" exec tools/with-cluster test/t/gpu_preload.sh --preloaded
fi
# shellcheck source=test/t/gpu_lib.sh
. test/t/gpu_lib.sh
make_data || { echo 'Bail out! setup'; exit 1; }
sql -c "ALTER SYSTEM SET softsort.cuda_library = '$library'" -c 'ALTER SYSTEM SET softsort.gpu_min_elements = 1000' \
    -c 'SELECT pg_reload_conf()' >/dev/null
until_true 5 '[ "$(sql -c "SHOW softsort.gpu_min_elements")" = 1000 ]'
want_rank=$(sql -c 'SET softsort.gpu = off' -c "$rank")
status() { sql -c "SELECT $1 FROM softsort_gpu_status()"; }

# Settings.
same 2 "$(sql -c 'SHOW softsort.gpu_max_backends')" 'the number of slots is that of the start'
said=$(sql -c 'SET softsort.gpu_max_backends = 9' 2>&1)
ok 'grep -q "cannot be changed without restarting the server" <<<"$said"' 'and stays' "$said"
same '0|2|t|server' "$(status 'slots_used, slots_max, slots_enforced, counted_in')" 'the status says so'

# The postmaster keeps away.
start one
same "$want_rank ready" "$(ask one "$rank; SELECT state FROM softsort_gpu_status();" | paste -sd' ')" 'a backend uses the device'
postmaster=$(sql -c "SELECT split_part(pg_read_file('postmaster.pid'), E'\n', 1)")
if [ -r "/proc/$postmaster/maps" ] && [ -r "/proc/$(pid_of one)/maps" ]; then
    ok 'grep -q softsort.so "/proc/$postmaster/maps" && ! grep -q softsort_device "/proc/$postmaster/maps"' 'the postmaster has not loaded the library of the device'
    ok 'grep -q softsort_device "/proc/$(pid_of one)/maps"' 'the backend has'
    idle=$(sql -c "SELECT pid FROM pg_stat_activity WHERE backend_type = 'checkpointer'")
    ok '! grep -q softsort_device "/proc/$idle/maps"' 'and no other process'
else
    for name in 'the postmaster has not loaded the library of the device' 'the backend has' 'and no other process'; do
        skip "$name" '/proc is not there or not readable'
    done
fi

# Slots.
start two
start three
same "$want_rank|$want_rank" "$(ask two "$rank;")|$(ask three "$rank;")" 'more sessions than slots: the same answers'
same '2|1|2|2000|40000' "$(status 'slots_used, cpu_no_slot, calls, rows, elements')" 'one of them by the CPU; all are counted together'
same 'no slot|t' "$(ask three "SELECT state, reason <> '' FROM softsort_gpu_status(true);")" 'a probe says so'
said=$(ask three "\\set VERBOSITY verbose
SET softsort.gpu = require; $rank; RESET softsort.gpu;")
ok 'grep -q "ERROR:  55000" <<<"$said" && grep -q "DETAIL:  As many sessions as" <<<"$said"' 'require fails without a slot' "$said"
stop two
ok "until_true 5 '[ \"\$(status slots_used)\" = 1 ]'" 'a session that ends gives its slot back'
same "$want_rank 2" "$(ask three "$rank; SELECT slots_used FROM softsort_gpu_status();" | paste -sd' ')" 'another one takes it'
said=$(ask one 'SET softsort.gpu_idle_release = 200; SELECT 1;')
ok "until_true 5 '[ \"\$(status slots_used)\" = 1 ]'" 'a session that waits for its client gives its slot back, too'
ok '[ "$(sql -c "SELECT state FROM pg_stat_activity WHERE application_name = '"'one'"'")" = idle ]' 'and still waits'
stop three
until_true 5 '[ "$(status slots_used)" = 0 ]'

# A context that could not be made.
same "$want_rank out of memory|0|1" "$(sql -c 'SET softsort.debug_gpu_fail = oom' -c "$rank" -c 'SELECT state, slots_used, cpu_no_memory FROM softsort_gpu_status()' | paste -sd' ')" \
    'without memory for a context no slot is kept'

# A session that is terminated at work.
start slow
ask slow 'SET softsort.debug_gpu_fail = slow;' >/dev/null
tell slow "$rank;"
until_true 5 '[ "$(status slots_used)" = 1 ]'
sleep 0.3
waits=$(sql -c "SELECT wait_event_type || coalesce(wait_event, '') FROM pg_stat_activity WHERE application_name = 'slow'")
ok '[[ "$waits" == Extension* ]]' 'a session that waits for the device says so' "$waits"
sql -c "SELECT pg_terminate_backend($(pid_of slow))" >/dev/null
ok "until_true 3 '[ \"\$(status slots_used)\" = 0 ]'" 'a session that is terminated at work gives its slot back'
said=$(answer slow)
ok 'grep -q "administrator command" <<<"$said"' 'and ends in order' "$said"
stop slow

# Parallel workers may have a slot.
workers="SET parallel_leader_participation = off; SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0;
SET $(sql -c "SELECT name FROM pg_settings WHERE name IN ('force_parallel_mode', 'debug_parallel_query')") = on"
calls=$(status calls)
same "$want_rank" "$(sql -c "$workers" -c 'SET softsort.gpu = require' -c "$rank" 2>&1)" 'a parallel worker uses the device when a slot is free'
same "$((calls + 1))|0" "$(status 'calls, slots_used')" 'is counted, and gives its slot back'
start two
start three
ask two "$rank;" >/dev/null
ask three "$rank;" >/dev/null
same "$want_rank" "$(sql -c "$workers" -c "$rank" 2>&1)" 'and does without when none is'
said=$(sql -c "$workers" -c 'SET softsort.gpu = require' -c "$rank" 2>&1)
ok 'grep -q "DETAIL:  As many sessions as" <<<"$said"' 'or fails when it must not' "$said"

# Many sessions at once never have more slots than there are.
sql -c "CREATE TABLE seen (slots int)"
for i in $(seq 1 6); do
    for _ in $(seq 1 5); do
        sql -c "$rank" -c 'INSERT INTO seen SELECT slots_used FROM softsort_gpu_status()'
    done >"$work/many$i" 2>&1 &
    many[i]=$!
done
wait "${many[@]}"
same "30|t" "$(sql -c 'SELECT count(*), max(slots) <= 2 FROM seen')" 'six sessions on two slots never take more'
same "$want_rank" "$(sort -u "$work"/many*)" 'and all answer the same'

# A device that is lost in one session: others make their context anew, new ones wait.
said=$(ask two "SET softsort.debug_gpu_fail = sticky; $rank; $rank;")
same "1 $want_rank $want_rank" "$(grep -c '^WARNING' <<<"$said") $(grep -vE '^(WARNING|DETAIL|HINT)' <<<"$said" | paste -sd' ')" 'a device that is lost: the CPU and one warning'
same 'lost' "$(ask two 'SELECT state FROM softsort_gpu_status(true);')" 'for this session'
same "1|1" "$(status 'slots_used, losses')" 'its slot is free'
same "$want_rank ready" "$(ask three "$rank; SELECT state FROM softsort_gpu_status();" | paste -sd' ')" 'a session with a context makes it anew'
same "$want_rank lost elsewhere" "$(sql -c "$rank" -c 'SELECT state FROM softsort_gpu_status()' | paste -sd' ')" 'a new one waits'
same "$want_rank ready" "$(sql -c 'SET softsort.gpu = require' -c "$rank" -c 'SELECT state FROM softsort_gpu_status()' | paste -sd' ')" 'unless the device is required'
stop two
stop three

# A session that is killed: the server starts its memory anew.
start killed
ask killed 'SET softsort.gpu = require; SET softsort.debug_gpu_fail = slow;' >/dev/null
tell killed "$rank;"
until_true 5 '[ "$(status slots_used)" = 1 ]'
kill -KILL "$(pid_of killed)"
stop killed
until_true 10 '[ -n "$(status slots_used 2>/dev/null)" ]'
stop one
same '0|2|0' "$(status 'slots_used, slots_max, calls')" 'after a crash all slots are free'
same "$want_rank 1" "$(sql -c "$rank" -c 'SELECT slots_used FROM softsort_gpu_status()' | paste -sd' ')" 'and can be used'

# One that is told to stop at once.
start quit
ask quit 'SET softsort.debug_gpu_fail = slow;' >/dev/null
tell quit "$rank;"
until_true 5 '[ "$(status slots_used)" = 1 ]'
sleep 0.2
kill -TERM "$postmaster" # a smart shutdown waits for sessions
sleep 0.2
kill -INT "$postmaster"  # a fast one ends them
ok "until_true 5 '! kill -0 $postmaster 2>/dev/null'" 'the server stops while a device is slow'
stop quit
finish
