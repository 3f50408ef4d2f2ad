# shellcheck shell=bash
# lib.sh: what the programs of test/t share.  Sourced, never run: not executable, so no test.
# Gives: $work (a folder, gone at the end), $tests and $failed (counts), and functions.
set -uo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
tests=0 failed=0

# ok CONDITION NAME [DIAGNOSTIC]: a test; CONDITION is a command.
ok()
{
    tests=$((tests + 1))
    if eval "$1"; then
        echo "ok $tests - $2"
    else
        failed=$((failed + 1))
        echo "not ok $tests - $2"
        echo "# $1${3:+: $3}" | tr '\n' ' '
        echo
    fi
}
skip() { tests=$((tests + 1)); echo "ok $tests - $1 # SKIP $2"; }
sql() { psql -XqAt -v ON_ERROR_STOP=1 "$@"; }
below() { awk -v a="$1" -v b="$2" 'BEGIN { exit !(a != "" && a + 0 < b + 0) }'; }

# timed_out MS QUERY: run it with that timeout; print the SQLSTATE, the seconds it took, and what
# the same session answers next.  No query prints a long value: PostgreSQL does not interrupt that.
timed_out()
{
    psql -XqAt 2>/dev/null <<SQL
SET statement_timeout = $1;
SELECT clock_timestamp() AS t0 \gset
$2 \g /dev/null
\echo :SQLSTATE
SET statement_timeout = 0;
SELECT round(extract(epoch FROM clock_timestamp() - :'t0')::numeric, 3);
SELECT soft_rank(ARRAY[3, 1, 2]);
SQL
}

# growth BEFORE QUERY: print by how many kB QUERY raises the peak of a fresh backend's memory
# after the statements BEFORE, which read the same tables.
growth()
{
    psql -XqAt -v ON_ERROR_STOP=1 2>&1 <<SQL | awk '{ v[NR] = $0 } END { if (NR == 2) print v[2] - v[1]; else print "failed:", v[NR] }'
SET max_parallel_workers_per_gather = 0;
SET work_mem = '1MB';
SET softsort.gpu = off;
SELECT pg_backend_pid() AS pid, soft_rank(ARRAY[1]) AS ignored \gset
\o /dev/null
$1;
\o
\setenv BACKEND :pid
\! awk '/^VmHWM/ { print \$2 }' /proc/\$BACKEND/status
$2 \g /dev/null
\! awk '/^VmHWM/ { print \$2 }' /proc/\$BACKEND/status
SQL
}

# finish: print the plan; the status of the program.
finish() { echo "1..$tests"; [ "$failed" = 0 ]; }
