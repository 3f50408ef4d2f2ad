# shellcheck shell=bash
# lib.sh: what the scripts share.  Sourced, never run.
# Gives: $top (the root of the source tree, also the working directory from here on),
#        $server (the private server tree: SERVER_TREE, else build/server), $server_config (its
#        pg_config), and functions.

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$top" || exit 1
server=${SERVER_TREE:-$top/build/server}
# shellcheck disable=SC2034  # used by the scripts that source this file
server_config=$server/pg_config

# use_private_root: where tools/private-root unpacked packages rather than install them, use them.
use_private_root()
{
    local r=$top/build/root
    if [ -d "$r/deplib" ] && [[ :$PATH: != *:$r/bin:* ]]; then
        export LD_LIBRARY_PATH=$r/deplib PATH=$PATH:$r/bin:$r/usr/bin
    fi
}
use_private_root

say() { echo "softsort: $*" >&2; }
die() { say "$@"; exit 1; }

# as_root CMD...: run CMD as root, by sudo where needed.
as_root()
{
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        die "this needs root or sudo: $*"
    fi
}

# plain_make ARGS...: make without the flags of the make that may be running us.
plain_make() { env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL make "$@"; }

# usable_server PG_CONFIG: is it a PostgreSQL of version 15 or later, with server and client?
usable_server()
{
    local bin major
    bin=$("$1" --bindir 2>/dev/null) || return 1
    major=$("$1" --version | sed 's/[^0-9]*\([0-9]*\).*/\1/')
    [ "${major:-0}" -ge 15 ] && [ -x "$bin/postgres" ] && [ -x "$bin/initdb" ] && [ -x "$bin/psql" ]
}

# find_server: print the pg_config of the system's server: PG_CONFIG if that is set, else the
# newest that has its headers, else the newest.  Fails if there is none.
find_server()
{
    local c first=''
    if [ -n "${PG_CONFIG:-}" ]; then
        usable_server "$PG_CONFIG" || die "PG_CONFIG=$PG_CONFIG names no PostgreSQL 15 or later"
        echo "$PG_CONFIG"
        return
    fi
    # shellcheck disable=SC2046  # lists of paths without blanks
    for c in $(command -v pg_config) \
        $(printf '%s\n' /usr/lib/postgresql/*/bin/pg_config /usr/pgsql-*/bin/pg_config | sort -rV) \
        "$top"/build/root/usr/lib/postgresql/*/bin/pg_config; do
        # not the private copy, which is in PATH below with-cluster
        case $c in "$server"/*) continue ;; esac
        usable_server "$c" || continue
        first=${first:-$c}
        if [ -f "$("$c" --includedir-server)/postgres.h" ]; then
            echo "$c"
            return
        fi
    done
    [ -n "$first" ] && echo "$first"
}

# can_compile: is there a C compiler with the headers of libc?
can_compile()
{
    echo 'int main(void) { return !sqrt(4.0); }' |
        "${CC:-gcc}" -include math.h -include stdio.h -xc - -o /dev/null -lm 2>/dev/null
}

# apt_opts: options for every call of apt-get.
export DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1
apt_opts=(-q -o DPkg::Lock::Timeout=300 -o APT::Sandbox::User=root)

# apt_update: refresh the lists of packages, once per run of a script.
apt_update()
{
    [ -z "${apt_updated:-}" ] || return 0
    apt_updated=1
    as_root apt-get "${apt_opts[@]}" update >/dev/null 2>&1 ||
        say "warning: 'apt-get update' reported errors; going on with the lists that are there"
}

# simulate PACKAGE...: print what apt would do, "Inst name [old version] (new version ...".
simulate()
{
    apt-get "${apt_opts[@]}" -s install --no-install-recommends "$@" 2>/dev/null | grep '^Inst ' || true
}
