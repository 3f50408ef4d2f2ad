"""Times one peer of bench/gpu that is a library for PyTorch, on the GPU.

    python bench/gpu/peers.py PEER FOLDER [cpu]

PEER is torch.sort, torchsort or torchisotonic.  FOLDER has the inputs that the program inputs wrote; SHAPES is a list of
ROWSxN; BENCH_SECONDS limits the whole: what would take longer is named and left out.  Prints lines of JSON, as
bench/gpu/softsort.c does.  Times are between two events of the GPU, of inputs that rotate through more memory
than its L2 cache holds.  "cpu" tries the calls on a machine without a GPU; its times mean nothing.
"""

import importlib.metadata
import json
import os
import pathlib
import sys
import time
from typing import Any, Callable, Optional

import numpy
import torch

SETS_LEAST, SETS_MOST = 3, 64
RUNS_MOST = 50
START = time.monotonic()
SECONDS = float(os.environ.get("BENCH_SECONDS", "1e9"))

# (op, reg, strength label) and the function of a set; what comes first matters most.
Item = tuple[str, str, str, Callable[[int], torch.Tensor]]


def say(**fields: Any) -> None:
    print(json.dumps(fields), flush=True)


class Inputs:
    """The rows of one shape, as sets that rotate: those of fill_set in bench.h."""

    def __init__(self, folder: pathlib.Path, shape: str, device: str) -> None:
        self.rows, self.n = map(int, shape.split("x"))
        self.folder, self.shape, self.device = folder, shape, device
        total = self.rows * self.n
        cache = torch.cuda.get_device_properties(0).L2_cache_size if device == "cuda" else 0
        self.count = min(SETS_MOST, max(SETS_LEAST, 2 * cache // (8 * total) + 1))
        self.strengths: dict[tuple[str, str], float] = {}
        for line in (folder / f"{shape}.strengths").read_text().splitlines():
            reg, label, strength, _fraction = line.split()
            self.strengths[reg, label] = float(strength)

    def read(self, suffix: str) -> torch.Tensor:
        x = numpy.fromfile(self.folder / f"{self.shape}.{suffix}", dtype=numpy.float32)
        return torch.from_numpy(x).to(self.device)

    def sets(self, x: torch.Tensor, shift: int = 0) -> list[torch.Tensor]:
        """Return the sets of a flat tensor, as matrices."""
        moved = [(7919 * k * self.n + shift) % x.numel() for k in range(self.count)]
        return [torch.roll(x, -by).view(self.rows, self.n).clone() for by in moved]


# ---- The peers.  Each returns its items for a shape.


def torch_sort(inputs: Inputs) -> list[Item]:
    """Values and places, as argsort has to find them."""
    x = inputs.sets(inputs.read("x"))
    return [("sort", "", "", lambda k: torch.sort(x[k], dim=1)[0])]


def torchsort(inputs: Inputs) -> list[Item]:
    """Soft ranks; vjp is forward and backward."""
    from torchsort import soft_rank

    flat = inputs.read("x")
    x, g = inputs.sets(flat), inputs.sets(flat, flat.numel() // 2)
    leaves = [t.clone().requires_grad_(True) for t in x]

    def forward(reg: str, strength: float) -> Callable[[int], torch.Tensor]:
        return lambda k: soft_rank(x[k], reg, strength)

    def vjp(reg: str, strength: float) -> Callable[[int], torch.Tensor]:
        return lambda k: torch.autograd.grad(soft_rank(leaves[k], reg, strength), leaves[k], g[k])[0]

    items: list[Item] = []
    for label in ("half", "one", "single"):
        for op, call in (("soft_rank", forward), ("soft_rank_vjp", vjp)):
            for reg in ("l2", "kl"):
                items.append((op, reg, label, call(reg, inputs.strengths[reg, label])))
    return items


def torchisotonic(inputs: Inputs) -> list[Item]:
    """The isotonic step of a soft rank: the differences that the ranks of sorted rows have to fit."""
    from torchisotonic import isotonic

    ordered = inputs.read("sorted")
    w = torch.arange(inputs.n, 0, -1, dtype=torch.float32, device=inputs.device).repeat(inputs.rows)

    def step(strength: float) -> Callable[[int], torch.Tensor]:
        v = inputs.sets(w - ordered / strength)
        return lambda k: isotonic(v[k], exact=True)

    return [
        ("isotonic_regression", "", label, step(inputs.strengths["l2", label]))
        for label in ("half", "one", "single")
    ]


PEERS: dict[str, Callable[[Inputs], list[Item]]] = {
    "torch.sort": torch_sort,
    "torchsort": torchsort,
    "torchisotonic": torchisotonic,
}


# ---- Measuring.


def timed(call: Callable[[int], torch.Tensor], sets: int, first: int, runs: int, device: str) -> list[float]:
    """Return the milliseconds of each run; run i takes set first + i."""
    if device == "cpu":
        times = []
        for i in range(runs):
            start = time.perf_counter()
            call((first + i) % sets)
            times.append(1000 * (time.perf_counter() - start))
        return times
    events = [[torch.cuda.Event(enable_timing=True) for _ in range(2)] for _ in range(runs)]
    torch.cuda.synchronize()
    # The GPU waits while the runs are queued, so that it need not wait for Python in between.
    torch.cuda._sleep(20_000_000)
    for i, (before, after) in enumerate(events):
        before.record()
        call((first + i) % sets)
        after.record()
    torch.cuda.synchronize()
    return [before.elapsed_time(after) for before, after in events]


def measure(item: Item, inputs: Inputs, guess: Optional[float]) -> Optional[float]:
    """Time one item and print it; return its milliseconds, or nothing when it was left out."""
    op, reg, label, call = item
    what = {"tool": sys.argv[1], "op": op, "reg": reg, "strength": label}
    what |= {"rows": inputs.rows, "n": inputs.n}
    left = SECONDS - (time.monotonic() - START)
    if guess is not None and guess > 1000 * left or left <= 0:
        say(**what, skip=f"no time: it takes about {(guess or 0) / 1000:.1f} s")
        return guess
    try:
        start = time.monotonic()
        out = call(0)
        value = float(out.detach()[:, 0].double().mean())
        first = 1000 * (time.monotonic() - start)
        if first > 1000:  # a warm-up would double it
            say(**what, ms=[first], value=value, note="one run, by the clock of the host")
            return first
        ms = timed(call, inputs.count, 1, 1, inputs.device)
        runs = min(RUNS_MOST, max(3 if ms[0] > 100 else 5, int(50 / max(ms[0], 1e-3))))
        ms = timed(call, inputs.count, 2, runs, inputs.device)
        say(**what, ms=[round(t, 6) for t in ms], value=value)
        return sorted(ms)[len(ms) // 2]
    except Exception as e:
        say(**what, error=f"{type(e).__name__}: {e}".splitlines()[0][:200])
        return None


def warm_up(peer: str, device: str) -> None:
    """Call a peer once, so that it compiles and loads what it does when it is first used."""
    x = torch.randn(4, 16, device=device)
    torch.sort(x, dim=1)
    if peer == "torchsort":
        import torchsort

        leaf = x.requires_grad_(True)
        for reg in ("l2", "kl"):
            torch.autograd.grad(torchsort.soft_rank(leaf, reg, 0.1).sum(), leaf)
    elif peer == "torchisotonic":
        import torchisotonic

        torchisotonic.isotonic(x)


def main() -> int:
    peer, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    device = sys.argv[3] if len(sys.argv) > 3 else "cuda"
    if device == "cuda" and not torch.cuda.is_available():
        say(tool=peer, skip="torch finds no GPU")
        return 1
    package = peer.split(".")[0]
    try:
        warm_up(peer, device)
        versions = {package: importlib.metadata.version(package), "torch": torch.__version__}
    except Exception as e:
        say(tool=peer, skip=f"{type(e).__name__}: {e}".splitlines()[0][:200])
        return 1
    say(versions=versions | {"Python": ".".join(map(str, sys.version_info[:3])), "CUDA of torch": torch.version.cuda})
    # Milliseconds of each item in the shape before.
    seen: dict[tuple[str, str, str], float] = {}
    last_n = 0
    for shape in os.environ["SHAPES"].split():
        try:
            inputs = Inputs(folder, shape, device)
            items = PEERS[peer](inputs)
        except Exception as e:
            say(tool=peer, rows=inputs.rows, n=inputs.n, error=f"{type(e).__name__}: {e}".splitlines()[0][:200])
            continue
        for item in items:
            key = item[:3]
            # Where a row is the work of one thread, time goes with n, whatever the number of rows.
            guess = seen[key] * max(1.0, inputs.n / last_n) if key in seen else None
            ms = measure(item, inputs, guess)
            if ms is not None:
                seen[key] = ms
        last_n = inputs.n
        del items
        if device == "cuda":
            torch.cuda.empty_cache()
    return 0


if __name__ == "__main__":
    sys.exit(main())
