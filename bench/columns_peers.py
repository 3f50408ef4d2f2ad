"""Time the Spearman correlations of PyPI on pairs in memory, for bench/columns.

Reads commands from standard input and answers each with one line:

    peers        names of the peers that are installed here, and of those that use threads
    versions     what is installed
    load PATH    read the pairs of a file written by COPY (SELECT x, y ...) TO ... (FORMAT binary)
    time NAME    run a peer once: milliseconds, and the correlation

Converting the pairs to what a peer likes best happens in load, so that it is not timed.
"""

import importlib
import importlib.metadata
import os
import sys
import time

import numpy

# The name of each peer: the module, the package, does it use threads of its own.
# hyper-corr is compiled by numba without parallel=True: one thread, whatever the setting.
PEERS = {
    "hyper-corr": ("hyper_corr", "hyper-corr", False),
    "hyper-corr/no-ties": ("hyper_corr", "hyper-corr", False),
    "scipy": ("scipy.stats", "scipy", False),
    "pandas": ("pandas", "pandas", False),
    "polars": ("polars", "polars", True),
    "bottleneck": ("bottleneck", "Bottleneck", False),
}


def installed():
    """Return the modules that could be imported, by the name of the peer."""
    found = {}
    for name, (module, _, _) in PEERS.items():
        try:
            found[name] = importlib.import_module(module)
        except ImportError:
            pass
    return found


def read_pairs(path):
    """Return x and y of a binary COPY of two columns of float8 without nulls."""
    row = numpy.dtype([("fields", ">i2"), ("xl", ">i4"), ("x", ">f8"), ("yl", ">i4"), ("y", ">f8")])
    size = os.path.getsize(path)
    header, trailer = 19, 2
    rows = (size - header - trailer) // row.itemsize
    if header + rows * row.itemsize + trailer != size:
        raise ValueError("not pairs of float8")
    data = numpy.fromfile(path, dtype=row, offset=header, count=rows)
    if not ((data["fields"] == 2).all() and (data["xl"] == 8).all() and (data["yl"] == 8).all()):
        raise ValueError("not pairs of float8")
    return data["x"].astype(float), data["y"].astype(float)


def calls(modules, x, y):
    """Return, by the name of the peer, a function without arguments that correlates x and y."""
    made = {}
    for name, module in modules.items():
        if name == "hyper-corr":
            made[name] = lambda m=module: m.spearmanr(x, y, pvals=False).statistic
        elif name == "hyper-corr/no-ties":  # is told that there are none, and wrong if there are
            made[name] = lambda m=module: m.spearmanr(x, y, pvals=False, ties=False).statistic
        elif name == "scipy":
            made[name] = lambda m=module: m.spearmanr(x, y).statistic
        elif name == "pandas":
            a, b = module.Series(x), module.Series(y)
            made[name] = lambda a=a, b=b: a.corr(b, method="spearman")
        elif name == "polars":
            frame = module.DataFrame({"x": x, "y": y})
            query = module.corr("x", "y", method="spearman")
            made[name] = lambda f=frame, q=query: f.select(q).item()
        elif name == "bottleneck":  # has ranks, no correlation
            made[name] = lambda m=module: numpy.corrcoef(m.rankdata(x), m.rankdata(y))[0, 1]
    return made


def main():
    """Answer commands until the input ends."""
    modules = installed()
    ready = {}
    for line in sys.stdin:
        command, _, argument = line.strip().partition(" ")
        if command == "peers":
            threaded = [name for name in modules if PEERS[name][2]]
            answer = " ".join(modules) + "|" + " ".join(threaded)
        elif command == "versions":
            packages = sorted({PEERS[name][1] for name in modules} | {"numpy"}, key=str.lower)
            answer = ", ".join(p + " " + importlib.metadata.version(p) for p in packages)
        elif command == "load":
            ready = calls(modules, *read_pairs(argument))
            answer = "ok"
        elif command == "time":
            start = time.perf_counter()
            value = ready[argument]()
            elapsed = (time.perf_counter() - start) * 1000
            answer = f"{elapsed:.3f} {float(value)!r}"
        else:
            answer = "unknown command"
        print(answer, flush=True)


if __name__ == "__main__":
    main()
