"""One peer of bench/peers: a Python library that sorts, ranks or correlates rows in memory.

    python bench/peers_python.py PEER

Reads a command a line from standard input, in JSON, and answers each with a line of JSON:

    {"do": "hello"}    versions of what is imported, what it knows of the processor
    {"do": "load", "path": P, "rows": R, "n": N, "table": T}
                       read R rows of two columns of real[] from a file written by COPY (FORMAT binary)
    {"do": "time", "op": O, "reg": G, "strength": S}
                       run an operation once: milliseconds, and the mean of its first column

An answer with "error" says what went wrong.  Converting the rows to what the peer likes best
happens in load, so that it is not timed.  One thread; what the libraries print goes to standard error.
"""

import importlib.metadata
import json
import os
import sys
import time
from typing import Any, Callable

import numpy

HEADER, TRAILER = 19, 2  # of a binary COPY
FLOAT4 = 700  # the OID of real
ARRAY_HEADER = [("ndim", ">i4"), ("nulls", ">i4"), ("type", ">i4"), ("n", ">i4"), ("lower", ">i4")]

# op -> function of regularization and strength
Calls = dict[str, Callable[[str, float], Any]]


def copy_format(n: int, columns: int) -> numpy.dtype:
    """Return the layout of a row of COPY (FORMAT binary) of real[] columns with n elements each."""
    fields: list = [("fields", ">i2")]
    for c in range(columns):
        fields += [(f"bytes{c}", ">i4")] + [(f"{name}{c}", kind) for name, kind in ARRAY_HEADER]
        fields += [(f"elements{c}", [("length", ">i4"), ("value", ">f4")], (n,))]
    return numpy.dtype(fields)


def read_copy(data: bytes, n: int, columns: int) -> list[numpy.ndarray]:
    """Return the columns of a binary COPY as contiguous arrays of float32, rows x n."""
    layout = copy_format(n, columns)
    rows, rest = divmod(len(data) - HEADER - TRAILER, layout.itemsize)
    table = numpy.frombuffer(data, layout, rows, HEADER)
    if rest or not all(
        (table[f"n{c}"] == n).all() and (table[f"type{c}"] == FLOAT4).all() for c in range(columns)
    ):
        raise ValueError("not rows of real[] without nulls and of one length")
    return [table[f"elements{c}"]["value"].astype(numpy.float32) for c in range(columns)]


def write_copy(values: numpy.ndarray) -> bytes:
    """Return a matrix of float32 as a binary COPY of one column real[]."""
    rows, n = values.shape
    table = numpy.zeros(rows, copy_format(n, 1))
    table["fields"] = 1
    table["bytes0"] = 20 + 8 * n
    table["ndim0"] = 1
    table["type0"] = FLOAT4
    table["n0"] = n
    table["lower0"] = 1
    table["elements0"]["length"] = 4
    table["elements0"]["value"] = values
    return b"PGCOPY\n\xff\r\n\0" + bytes(8) + table.tobytes() + b"\xff\xff"


# ---- The peers.  Each is a function of the rows a, more rows b, and the name of the table, that
# returns its operations.  b is the second variable of a correlation, and the cotangent.


def torch_one_thread() -> Any:
    """Import torch, for one thread."""
    import torch

    torch.set_num_threads(1)
    return torch


def peer_numpy(a, b, _table) -> Calls:
    """NumPy's sorts, which on processors with AVX-512 are those of x86-simd-sort."""
    return {"sort": lambda _r, _s: numpy.sort(a, axis=1), "argsort": lambda _r, _s: numpy.argsort(a, axis=1)}


def peer_torch(a, b, _table) -> Calls:
    """torch.sort: values and indices."""
    torch = torch_one_thread()
    x = torch.from_numpy(a)
    return {"sort": lambda _r, _s: torch.sort(x, dim=1)[0]}


def soft(torch, soft_rank, soft_sort, a, b) -> Calls:
    """The operations of torchsort and torchpsort; vjp is forward and backward."""
    x, g = torch.from_numpy(a), torch.from_numpy(b)
    leaf = x.clone().requires_grad_(True)
    return {
        "soft_rank": lambda r, s: soft_rank(x, r, s),
        "soft_rank_vjp": lambda r, s: torch.autograd.grad(soft_rank(leaf, r, s), leaf, g)[0],
        "soft_sort": lambda r, s: soft_sort(x, r, s),
    }


def peer_torchsort(a, b, _table) -> Calls:
    """torchsort."""
    torch = torch_one_thread()
    import torchsort

    return soft(torch, torchsort.soft_rank, torchsort.soft_sort, a, b)


def peer_torchpsort(a, b, _table) -> Calls:
    """torchpsort, compiled by numba."""
    torch = torch_one_thread()
    import torchpsort

    def swap(f):
        return lambda x, r, s: f(x, s, r)

    return soft(torch, swap(torchpsort.soft_rank), swap(torchpsort.soft_sort), a, b)


def peer_torchisotonic(a, b, _table) -> Calls:
    """torchisotonic: its isotonic regression, and soft ranks made of that and torch.sort."""
    torch = torch_one_thread()
    import torchisotonic

    x = torch.from_numpy(a)
    w = torch.arange(x.shape[1], 0, -1, dtype=x.dtype)

    def soft_rank(_regularization, strength):
        z, order = torch.sort(x / strength, dim=1, descending=True)
        v = torchisotonic.isotonic(z - w, increasing=False)
        return torch.empty_like(z).scatter_(1, order, z - v)

    return {"soft_rank": soft_rank, "isotonic_regression": lambda _r, _s: torchisotonic.isotonic(x)}


def peer_hyper_corr(a, b, _table) -> Calls:
    """hyper-corr: a call for each pair of rows, without p-values; ties are looked for."""
    import hyper_corr

    x, y = a.astype(float), b.astype(float)

    def spearman(_regularization, _strength):
        return numpy.array([[hyper_corr.spearmanr(p, q, pvals=False).statistic] for p, q in zip(x, y)])

    return {"spearman": spearman}


def peer_scikit_learn(a, b, _table) -> Calls:
    """scikit-learn's isotonic regression: a call for each row."""
    from sklearn.isotonic import isotonic_regression

    return {"isotonic_regression": lambda _r, _s: numpy.stack([isotonic_regression(row) for row in a])}


def peer_copy(a, b, table) -> Calls:
    """A client of the server: COPY of the table into NumPy, torchsort, COPY of the ranks into a table."""
    torch = torch_one_thread()
    import psycopg
    import torchsort

    connection = psycopg.connect("")
    n, piece = a.shape[1], 1 << 20

    def soft_rank(regularization, strength):
        with connection.transaction(), connection.cursor() as cursor:
            with cursor.copy(f"COPY (SELECT a FROM {table}) TO STDOUT (FORMAT binary)") as copy:
                data = b"".join(copy)
            x = torch.from_numpy(read_copy(data, n, 1)[0])
            ranks = torchsort.soft_rank(x, regularization, strength).numpy()
            data = memoryview(write_copy(ranks))
            with cursor.copy("COPY result FROM STDIN (FORMAT binary)") as copy:
                for at in range(0, len(data), piece):
                    copy.write(data[at : at + piece])
        return ranks

    return {"soft_rank": soft_rank}


# The name of each peer: its function, and the packages whose versions count.
PEERS: dict[str, tuple[Callable, list[str]]] = {
    "numpy": (peer_numpy, ["numpy"]),
    "torch": (peer_torch, ["torch"]),
    "torchsort": (peer_torchsort, ["torchsort"]),
    "torchpsort": (peer_torchpsort, ["torchpsort", "numba"]),
    "torchisotonic": (peer_torchisotonic, ["torchisotonic"]),
    "hyper-corr": (peer_hyper_corr, ["hyper-corr"]),
    "scikit-learn": (peer_scikit_learn, ["scikit-learn"]),
    "copy": (peer_copy, ["psycopg"]),
}


def hello(name: str) -> dict:
    """Try all operations, so that a peer that cannot run says so at once; say what it runs on."""
    tiny = numpy.array([[3, 1, 2], [1, 2, 3]], dtype=numpy.float32)
    for op, call in PEERS[name][0](tiny, tiny, "none").items():
        if name != "copy":
            call("l2", 1.0)
    versions = {p: importlib.metadata.version(p) for p in PEERS[name][1]}
    versions["Python"] = ".".join(map(str, sys.version_info[:3]))
    features: list = []
    if name == "numpy" and hasattr(numpy, "_core"):
        features = [f for f, there in numpy._core._multiarray_umath.__cpu_features__.items() if there]
    elif name == "torch":
        features = [torch_one_thread().backends.cpu.get_cpu_capability()]
    return {"versions": versions, "features": features}


def timed(call: Callable[[str, float], Any], reg: str, strength: float) -> dict:
    """Run an operation once."""
    start = time.perf_counter()
    out = call(reg, strength)
    elapsed = (time.perf_counter() - start) * 1000
    return {"ms": elapsed, "value": float(out[:, 0].mean())}


def main() -> None:
    """Answer commands until the input ends."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    peer = sys.argv[1]
    calls: Calls = {}
    for line in sys.stdin:
        c = json.loads(line)
        try:
            if c["do"] == "hello":
                answer = hello(peer)
            elif c["do"] == "load":
                calls = {}
                with open(c["path"], "rb") as f:
                    a, b = (column[: c["rows"]] for column in read_copy(f.read(), c["n"], 2))
                calls = PEERS[peer][0](a, b, c["table"])
                answer = {"ops": list(calls)}
            else:
                answer = timed(calls[c["op"]], c["reg"], c["strength"])
        except Exception as e:
            answer = {"error": f"{type(e).__name__}: {e}".splitlines()[0][:200]}
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
