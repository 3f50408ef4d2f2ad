# shellcheck shell=bash disable=SC2034,SC2154  # variables shared with the script that sources this file
# lib.sh: sessions, races and the table of bench/columns.  Sourced, never run.
# Input: $rounds; $kind, of the data, for the table.  Gives: median and value, by "SESSION:NAME"; missed, the list of what was missed;
# $work, a directory that is gone in the end; and functions.

work=$(mktemp -d)
declare -A to from query median value
pids=() missed=()
# Only processes started here; a session also ends by itself when its input does.
trap 'for p in "${pids[@]}"; do kill "$p" 2>/dev/null || true; done; rm -rf "$work"' EXIT

die() { echo "bench: $*" >&2; exit 1; }

# ---- Sessions: programs that stay, take commands and answer them, so that no start is timed.

# start NAME CMD...: open a session.
start()
{
    local fd name=$1
    mkfifo "$work/$name.in" "$work/$name.out"
    "${@:2}" <"$work/$name.in" >"$work/$name.out" 2>&1 &
    pids+=($!)
    exec {fd}>"$work/$name.in"
    to[$name]=$fd
    exec {fd}<"$work/$name.out"
    from[$name]=$fd
}

# stop NAME: end a session.
stop()
{
    local fd=${to[$1]}
    exec {fd}>&-
    fd=${from[$1]}
    exec {fd}<&-
    rm "$work/$1.in" "$work/$1.out"
}

# start_sql NAME SETTINGS: open a session of psql.
start_sql()
{
    start "$1" psql -XqAt
    sql "$1" "SET client_min_messages = warning; $2"
    send "$1" '\timing on'
    receive "$1"
}

# send SESSION SQL: statements to psql, without waiting.
send() { printf '%s\n;\\echo =end\n' "$2" >&"${to[$1]}"; }

# receive SESSION: wait for psql.  Sets output, answer (its last line), ms (of the last statement)
# and error (the first).
receive()
{
    local line
    output='' answer='' ms='' error=''
    while IFS= read -r line <&"${from[$1]}"; do
        case $line in
            =end) return 0 ;;
            Time:*) ms=${line#Time: } ms=${ms%% *} ;;
            *ERROR:* | *FATAL:*) error=${error:-${line#*ERROR:  }} ;;
            *) output+=$line$'\n' answer=$line ;;
        esac
    done
    die "the session $1 ended"
}

# sql SESSION SQL: send statements and wait; an error ends the benchmark.
sql()
{
    send "$1" "$2"
    receive "$1"
    [ -z "$error" ] || die "$error: $2"
}

# peer SESSION COMMAND: ask bench/columns_peers.py.  Sets answer.
peer()
{
    printf '%s\n' "$2" >&"${to[$1]}"
    IFS= read -r answer <&"${from[$1]}" || die "the session $1 ended"
    case $answer in Traceback*) die "$2: $(cat <&"${from[$1]}")" ;; esac
}

# ---- Measuring.

# race SESSION:NAME...: run each in turn, once to warm up and then $rounds times.  NAME is a key of
# query, or in a session py* a peer.  What has no query (see drop_missing) is left out.
race()
{
    local round item name items=()
    local -A samples=()
    for item in "$@"; do
        [[ $item != py* && -z ${query[${item#*:}]:-} ]] || items+=("$item")
        unset "median[$item]" "value[$item]"
    done
    for round in $(seq 0 "$rounds"); do
        for item in "${items[@]}"; do
            name=${item#*:}
            if [[ $item == py* ]]; then
                peer "${item%%:*}" "time $name"
                ms=${answer% *} answer=${answer#* }
            else
                sql "${item%%:*}" "${query[$name]}"
            fi
            [ "$round" = 0 ] || samples[$item]+="$ms "
            value[$item]=$answer
        done
    done
    for item in "${items[@]}"; do
        # shellcheck disable=SC2086  # a list of numbers
        median[$item]=$(printf '%s\n' ${samples[$item]} | sort -g |
            awk '{ a[NR] = $1 } END { print (a[int((NR + 1) / 2)] + a[int(NR / 2) + 1]) / 2 }')
    done
}

# fastest ITEM...: print the one with the smallest median.
fastest()
{
    local item
    for item in "$@"; do
        [ -z "${median[$item]:-}" ] || echo "${median[$item]} $item"
    done | sort -g | head -1 | cut -d ' ' -f 2-
}

# drop_missing SESSION: remove the queries that need a function which is not there, loudly.
drop_missing()
{
    local name errors=''
    for name in "${!query[@]}"; do
        send "$1" "PREPARE q AS ${query[$name]}; DEALLOCATE q"
        receive "$1"
        case $error in
            '') ;;
            *'does not exist'*)
                unset "query[$name]"
                errors+=$error$'\n'
                ;;
            *) die "$name: $error" ;;
        esac
    done
    [ -z "$errors" ] || printf '%s' "$errors" | sort -u | sed 's/^/MISSING: /'
}

# read_status: memory of the backend $pid, in kB: VmHWM, VmRSS, RssAnon.
read_status()
{
    local key n _
    while read -r key n _; do
        case $key in VmHWM:) hwm=$n ;; VmRSS:) rss=$n ;; RssAnon:) anon=$n ;; esac
    done <"/proc/$pid/status"
}

# growth SESSION QUERY: by how much the backend $pid of the session grew while it ran, in kB: by samples of its anonymous memory,
# and by its own high-water mark, which includes shared pages.  Sets grown and marked.
growth()
{
    local anon_before rss_before peak
    # Without the right to do this the mark is that of the whole session, which began small.
    echo 5 2>/dev/null >"/proc/$pid/clear_refs" || true
    read_status
    anon_before=$anon rss_before=$rss peak=$anon
    send "$1" "${query[$2]}"
    while ! read -r -t 0 -u "${from[$1]}"; do
        read_status
        ((anon <= peak)) || peak=$anon
    done
    receive "$1"
    [ -z "$error" ] || die "$error"
    read_status
    grown=$((peak - anon_before)) marked=$((hwm - rss_before))
}

# ---- The table.

holds() { awk "BEGIN { exit !($1) }"; }
row() { printf '%-36s %-9s %10s  %-38s %10s %8s %9s %s\n' "$@"; }

# miss WHAT: a target was missed, or could not be tried.
miss() { missed+=("$*"); }

# judge WHAT OURS OTHER-NAME OTHER [LIMIT [free]]: a line of the table, of numbers of which one may be
# missing.  OURS / OTHER may be at most LIMIT; with "free" the limit is shown in parentheses and does
# not count.  Sets met: yes, NO, or nothing without a limit.
judge()
{
    local ratio=- limit=${5:-}
    met=
    [ -z "$limit" ] || met=NO
    if [ -n "$2" ] && [ -n "$4" ]; then
        ratio=$(awk "BEGIN { printf \"%.3f\", ($2) / ($4) }")
        if [ -n "$limit" ] && holds "$2 <= ($limit) * ($4)"; then met=yes; fi
    fi
    if [ -n "$limit" ]; then
        limit=$(awk "BEGIN { printf \"%.3f\", $limit }")
        if [ "${6:-}" = free ]; then
            limit="($limit)"
        elif [ "$met" = NO ]; then
            miss "$1, $kind: $ratio of $3, target $limit"
        fi
    fi
    row "$1" "$kind" "${2:-missing}" "$3" "${4:-missing}" "$ratio" "$limit" \
        "$([ "${6:-}" = free ] && echo "${met,,}" || echo "$met")"
}

# compare WHAT OURS OTHER-NAME OTHER [LIMIT [free]]: judge, for two items of a race.
compare()
{
    local a=${median[$2]:-} b=${median[$4]:-}
    judge "$1" "${a:+$(printf %.1f "$a")}" "$3" "${b:+$(printf %.1f "$b")}" "${@:5}"
}

# agree ITEM ITEM: both gave the same number, but for 1e-12.  What was not run is not compared.
agree()
{
    local a b
    [ -n "${value[$1]+run}" ] && [ -n "${value[$2]+run}" ] || return 0
    a=${value[$1]:-null} b=${value[$2]:-null}
    if [[ $a$b == *null* ]] || ! holds "($a) - ($b) <= 1e-12 && ($b) - ($a) <= 1e-12"; then
        echo "WRONG: $kind: $1 gives $a, $2 gives $b"
        miss "$1 and $2 do not agree, $kind: $a, $b"
    fi
}
