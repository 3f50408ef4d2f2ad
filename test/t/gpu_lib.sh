# shellcheck shell=bash
# gpu_lib.sh: what test/t/gpu.sh and gpu_preload.sh share.  Sourced after lib.sh.
# Input: GPU_LIBRARY, the library to test: one with the contract of src/engine/device.h that takes
# faults.  Default: the kernels of cuda/ on the simulator, or, where there is no C++ compiler,
# test/gpu/fake_device.c; either is built here.
# Gives: $library (a copy that the server can read), and functions.

# The folder of the copy: $work (see lib.sh) belongs to this user alone.
# shellcheck disable=SC2154
chmod 755 "$work"
library=$work/softsort_device.so
if [ -z "${GPU_LIBRARY:-}" ] && command -v "${CXX:-g++}" >/dev/null; then
    env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL make -s -j2 -f test/gpu.mk build/gpu/softsort_sim.so >"$work/make.log" 2>&1 ||
        { cat "$work/make.log"; echo 'Bail out! the library does not compile for the simulator'; exit 1; }
    GPU_LIBRARY=build/gpu/softsort_sim.so
elif [ -z "${GPU_LIBRARY:-}" ]; then
    env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL make -s -f test/fake_device.mk >"$work/make.log" 2>&1 ||
        { cat "$work/make.log"; echo 'Bail out! the fake device does not compile'; exit 1; }
    GPU_LIBRARY=build/fake_device/fake_device.so
fi
install -m 755 "$GPU_LIBRARY" "$library" || { echo 'Bail out! no library'; exit 1; }

# same WANT GOT NAME: a test.
same()
{
    # shellcheck disable=SC2034  # used by the condition
    want=$1 got=$2
    # shellcheck disable=SC2016  # expanded by ok
    ok '[ "$want" = "$got" ]' "$3" "wanted $1, got $2"
}

# make_data: batches of equal lists, with and without ties, of ragged ones padded with NULL, and of
# lists of one; and a larger one.
make_data()
{
    sql <<'SQL'
CREATE EXTENSION softsort;
CREATE TABLE batch (name text PRIMARY KEY, x float8[], y float8[], w float8[], g float8[]);
CREATE FUNCTION value(i int, j int, k int) RETURNS float8 LANGUAGE sql IMMUTABLE AS
    $$ SELECT ((4e7 * sin(i * 12.9898 + j * 78.233 + k))::bigint % (10 ^ (k + 1))::bigint) / 10 ^ k $$;
INSERT INTO batch
SELECT name, array_agg(x ORDER BY i), array_agg(y ORDER BY i), array_agg(w ORDER BY i), array_agg(g ORDER BY i)
FROM (SELECT name, i,
             array_agg(CASE WHEN NOT ragged OR j <= 1 + i % cols THEN value(i, j, digits) END ORDER BY j),
             array_agg(value(j, i, digits) ORDER BY j),
             array_agg(abs(value(i, j, 3)) + 0.1 ORDER BY j),
             array_agg(value(i + 1, j, 3) ORDER BY j)
      FROM (VALUES ('equal', 60, 40, 5, false), ('ties', 60, 40, 0, false), ('ragged', 60, 40, 2, true),
                   ('single', 40, 1, 3, false)) AS b (name, count, cols, digits, ragged),
           generate_series(1, count) AS i, generate_series(1, cols) AS j
      GROUP BY name, i) AS r (name, i, x, y, w, g)
GROUP BY name;
CREATE TABLE large AS
SELECT array_agg(x) AS x FROM (SELECT array_agg(value(i, j, 5)) FROM generate_series(1, 1000) AS i, generate_series(1, 20) AS j GROUP BY i) AS r (x);
SQL
}

# start NAME [VARIABLE=VALUE...]: a session that stays, with that application_name.
declare -A to from
start()
{
    local name=$1 in out
    shift
    mkfifo "$work/$name.in" "$work/$name.out"
    (
        # a session that holds the pipes of another one would keep that alive
        for in in "${to[@]}" "${from[@]}"; do exec {in}>&-; done
        exec env PGAPPNAME="$name" "$@" psql -XqAt <"$work/$name.in" >"$work/$name.out" 2>&1
    ) &
    exec {in}>"$work/$name.in" {out}<"$work/$name.out"
    to[$name]=$in from[$name]=$out
    rm "$work/$name.in" "$work/$name.out"
}

# tell NAME SQL: have a session run that; answer NAME: print all that it has said since.
tell() { printf '%s\n\\echo the-end-of-it\n' "$2" >&"${to[$1]}"; }
answer()
{
    local line
    while IFS= read -r -t 60 line <&"${from[$1]}" && [ "$line" != the-end-of-it ]; do
        echo "$line"
    done
}
ask() { tell "$1" "$2"; answer "$1"; }

# stop NAME: end a session.
stop()
{
    local in=${to[$1]} out=${from[$1]}
    exec {in}>&- {out}<&-
    unset "to[$1]" "from[$1]"
}

# pid_of NAME: print the process of a session.
pid_of() { sql -c "SELECT pid FROM pg_stat_activity WHERE application_name = '$1'"; }

# until_true SECONDS COMMAND: wait until it succeeds.
until_true()
{
    local end=$((SECONDS + $1))
    until eval "$2"; do
        [ $SECONDS -lt $end ] || return 1
        sleep 0.05
    done
}

# shellcheck disable=SC2034  # both are used by the tests
use="SET softsort.cuda_library = '$library'; SET softsort.gpu_min_elements = 1000"
# shellcheck disable=SC2034
rank='SELECT md5(soft_rank(x)::text) FROM large'
