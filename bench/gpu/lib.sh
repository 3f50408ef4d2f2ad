# shellcheck shell=bash disable=SC2034,SC2154  # variables shared with the script that sources this file
# lib.sh: what bench/gpu/run and its stages share: where things are, and tables.  Sourced, never run.
# shellcheck source=tools/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../../tools/lib.sh"
here=$top/bench/gpu
export LC_ALL=C
OUT=$(realpath -m "${OUT:-build/bench/gpu}")
work=$top/build/bench/gpu-work
: "${PYTHON:=python3}" "${JOBS:=$(nproc)}" "${SIMULATED:=}"
[ "$SIMULATED" != 0 ] || SIMULATED=
# The simulator takes its time.
: "${BUDGET:=$([ -n "$SIMULATED" ] && echo 1800 || echo 540)}"
export OUT BUDGET PYTHON JOBS SIMULATED

# What a bare machine lacks comes with the bundle.
for t in make diff; do
    if ! command -v $t >/dev/null && [ -x "build/tools/$t" ]; then
        mkdir -p "$work/tools"
        ln -sf "$top/build/tools/$t" "$work/tools/$t"
        [[ :$PATH: == *:$work/tools:* ]] || PATH=$PATH:$work/tools
    fi
done
for d in "${CUDA_HOME:-/usr/local/cuda}/bin" /usr/local/cuda/bin; do
    if ! command -v nvcc >/dev/null && [ -x "$d/nvcc" ]; then PATH=$PATH:$d; fi
done
export PATH
nvcc=$(command -v nvcc || true)
cuda=${nvcc:+$(dirname "$(dirname "$(realpath "$nvcc")")")}

if [ -n "$SIMULATED" ]; then
    library=$top/build/gpu/softsort_sim.so
    : "${SHAPES:=100x10 20x100 2x1000 1x5000}" "${SPEARMAN_SHAPES:=10x300}"
else
    library=$top/softsort_cuda.so
    : "${SHAPES:=100000x10 100000x100 10000x1000 1000x10000 10x100000 1x1000000 1x10000000}"
    : "${SPEARMAN_SHAPES:=1000x3000 100000x300}"
fi
export SHAPES SPEARMAN_SHAPES
inputs=$work/inputs
numeric=(-std=gnu11 -O3 -ffp-contract=off -fno-math-errno -fno-trapping-math -Isrc/core -Isrc/engine -Ibench/gpu)

# table HEAD...: begin a table of Markdown.  cells CELL...: a row of it.
cells() { printf '|'; printf ' %s |' "${@//|/\\|}"; echo; }
table() { cells "$@"; cells "${@/*/---}"; }

# row CELL...: a row of the table of this stage.
row() { cells "$@" >>"$OUT/$stage.md"; }

# begin TITLE HEAD...: begin the page of this stage.
begin()
{
    { printf '## %s\n\n' "$1"; table "${@:2}"; } >"$OUT/$stage.md"
}

# skip REASON: end this stage, which cannot run.
skip()
{
    echo "SKIPPED: $*"
    printf '\nSKIPPED: %s\n' "$*" >>"$OUT/$stage.md"
    exit 77
}

# seconds_left: of the whole run.
seconds_left() { echo $((DEADLINE - $(date +%s))); }

# last FILE: its last line that says something, short, for a table.
last() { grep -vE '^[[:space:]]*$' "$1" | tail -1 | cut -c1-200; }

# arch: the compute capability to compile for, as nvcc numbers it.
arch()
{
    local a=${CUDA_ARCH:-}
    [ -n "$a" ] || a=$(nvidia-smi --query-gpu=compute_cap --format=csv,noheader 2>/dev/null | head -1 | tr -d .)
    [[ $a =~ ^[0-9]+[a-f]?$ ]] || a=90
    echo "$a"
}

# finds_torch: does PYTHON have torch?
finds_torch() { "$PYTHON" -c 'import importlib.util, sys; sys.exit(importlib.util.find_spec("torch") is None)' 2>/dev/null; }
