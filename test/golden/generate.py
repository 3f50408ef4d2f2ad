#!/usr/bin/env python3
"""Write the golden vectors of softsort (l2.txt, kl.txt, other.txt).

    python3 generate.py            write the files beside this script
    python3 generate.py --check    self-tests of the reference

Needs mpmath; run by hand, the vectors are committed.  README.md has the
format.
"""

import itertools
import math
import os
import random
import sys
from fractions import Fraction

from mpmath import mp

import reference as R

HERE = os.path.dirname(os.path.abspath(__file__))
STRENGTHS = [0.0, 1e-300, 1e-100, 1e-20, 1e-5, .01, .1, .2, .5, 1.0, 2.0, 10.0,
             1e3, 1e10, 1e100, 1e300]
MAIN = [0.0, 1e-5, .1, .5, 1.0, 10.0, 1e10]
ULP = 2.0 ** -52


# ------------------------------------------------------------- the writer

class Writer:
    def __init__(self, name):
        self.name = name
        self.lines = ["# %s: golden vectors, written by generate.py; "
                      "the format is in README.md" % name]
        self.cases = self.dos = self.dropped = 0
        self.has_y = False
        self.names = set()

    def case(self, name, x, y=None, g=None):
        assert name not in self.names, name
        x, y, g = [v if v is None else [float(i) for i in v] for v in (x, y, g)]
        self.names.add(name)
        self.cases += 1
        self.lines.append("case " + name)
        self.x, self.y, self.g = x, y, g
        self.put("x", x)
        if y is not None:
            self.put("y", y)
        elif self.has_y:
            self.lines.append("y none")
        self.has_y = y is not None
        if g is not None:
            self.put("g", g)

    def put(self, tag, v):
        self.lines.append(" ".join([tag, str(len(v))] + [f.hex() for f in v]))

    def set_g(self, g):
        self.g = g
        self.put("g", g)

    def do(self, op, reg="l2", direction="asc", std=0, strength=1.0):
        head = "do %s %s %s %d %s" % (op, reg, direction, std, strength.hex())
        if op == "spearman" and any(map(math.isinf, self.x + (self.y or []))):
            fr = lambda v: [Fraction(i) for i in R.hard_ranks(v)]
            res = R.evaluate(op, "l2", direction, bool(std), Fraction(strength),
                             fr(self.x), fr(self.y))
        else:
            fr = lambda v: None if v is None else [Fraction(i) for i in v]
            try:
                res = R.evaluate(op, reg, direction, bool(std),
                                 Fraction(strength),
                                 fr(self.x), fr(self.y), fr(self.g))
            except R.Ambiguous:
                self.dropped += 1
                return
            except R.Unconverged:
                print("unconverged:", self.name, op, reg, strength, self.x[:4])
                self.dropped += 1
                return
        self.dos += 1
        if res is None:
            self.lines.append(head + " undefined")
        elif op.startswith("blocks"):
            self.lines.append(" ".join([head, str(len(res))] + list(map(str, res))))
        else:
            try:
                out = [R.to_double(v).hex() for v in res]
                self.lines.append(" ".join([head, str(len(out))] + out))
            except OverflowError:
                self.lines.append(head + " overflow")

    def close(self):
        path = os.path.join(HERE, self.name)
        with open(path, "w") as f:
            f.write("\n".join(self.lines) + "\n")
        print("%s: %d bytes, %d cases, %d do lines, %d dropped as ambiguous"
              % (self.name, os.path.getsize(path), self.cases, self.dos,
                 self.dropped))


# --------------------------------------------------------------- the data

def nudge(v, k):
    for _ in range(abs(k)):
        v = math.nextafter(v, math.inf if k > 0 else -math.inf)
    return v


def shuffled(rng, v):
    v = list(v)
    rng.shuffle(v)
    return v


def data(kind, n):
    rng = random.Random("%s %d" % (kind, n))
    if kind == "normal":
        return [rng.gauss(0, 1) for _ in range(n)]
    if kind == "ties":
        return [float(rng.randint(0, max(2, n // 3))) for _ in range(n)]
    if kind == "equal":
        return [0.1] * n
    if kind == "ascending":
        return sorted(rng.gauss(0, 2) for _ in range(n))
    if kind == "descending":
        return sorted((rng.gauss(0, 2) for _ in range(n)), reverse=True)
    if kind == "iota":
        return [float(i + 1) for i in range(n)]
    if kind == "iota_shuffled":
        return shuffled(rng, data("iota", n))
    if kind == "iota_nudged":       # a chain that all but touches at strength 1
        return shuffled(rng, [nudge(float(i + 1), rng.randint(-1, 1))
                              for i in range(n)])
    if kind == "iota_far":          # the chain with an exact large offset
        return shuffled(rng, [2.0 ** 52 + i for i in range(n)])
    if kind == "integers":
        return [float(rng.randint(-2 * n, 2 * n)) for _ in range(n)]
    if kind == "wide":
        return [rng.choice([-1, 1]) * 10.0 ** rng.uniform(-300, 300)
                for _ in range(n)]
    if kind == "wide_positive":
        return [10.0 ** rng.uniform(-20, 20) for _ in range(n)]
    if kind == "near_ties":
        b = [rng.gauss(0, 3) for _ in range(max(1, n // 3))]
        return [nudge(rng.choice(b), rng.randint(-3, 3)) for _ in range(n)]
    if kind == "near_equal":
        return [nudge(1.5, rng.randint(0, 3)) for _ in range(n)]
    if kind == "offset":
        return [1.7e15 + rng.uniform(0, 100) for _ in range(n)]
    if kind == "clusters":
        return [rng.choice([0.0, 1e15]) + rng.gauss(0, 1) for _ in range(n)]
    if kind == "tenths":
        return [rng.randint(-n, 2 * n) / 10 for _ in range(n)]
    if kind == "tenths_chain":      # .1 .2 .3 ...: touches or not by its ulps
        return shuffled(rng, [(i + 1) / 10 for i in range(n)])
    if kind == "hundredths":
        return [rng.randint(-20 * n, 20 * n) / 100 for _ in range(n)]
    if kind == "hundredths_chain":
        return shuffled(rng, [(i + 3) / 100 for i in range(n)])
    if kind == "subnormal":
        return [rng.randint(-60, 60) * 5e-324 for _ in range(n)]
    if kind == "subnormal_wide":
        return [rng.choice([5e-324, 1e-320, 1e-310, 3e-308, -2e-315, 1e-300,
                            -5e-324]) * rng.randint(1, 9) for _ in range(n)]
    if kind == "huge":
        return [rng.choice([1.7e308, -1.7e308, 1.5e308, -1e308,
                            1.7976931348623157e308]) for _ in range(n)]
    if kind == "scaled_up":
        return [rng.gauss(0, 1) * 1e100 for _ in range(n)]
    if kind == "scaled_down":
        return [rng.gauss(5, 1) * 1e-100 for _ in range(n)]
    raise ValueError(kind)


def plus_zero(v):
    return [float(i) if i else 0.0 for i in v]       # no minus zero in inputs


def cotangent(name, n, short=True):
    rng = random.Random("g " + name)
    if short:
        return [rng.randint(-48, 48) / 16 for _ in range(n)]
    return [rng.gauss(0, 1) for _ in range(n)]


README_LIST = [8.0, 0.0, 5.0, 3.0, 2.0, 1.0, 6.0, 7.0, 9.0]

# kind: (sizes with every strength, sizes with the main strengths,
#        strengths beyond the main ones for these)
RANK_SORT = {
    "normal": ([3, 5], [1, 2, 8, 12], []),
    "ties": ([5], [8, 12, 30], [.2, 2.0]),
    "equal": ([3], [1, 2, 8], []),
    "ascending": ([5], [], [.2]),
    "descending": ([], [5, 12], [.2]),
    "iota": ([5], [2, 3, 8, 12], [.2, 2.0]),
    "iota_shuffled": ([5], [8, 30], [.2, 2.0]),
    "iota_nudged": ([], [5, 8, 12, 30], [.2, 2.0]),
    "iota_far": ([], [5, 12], [2.0]),
    "integers": ([5], [8, 30], [2.0]),
    "wide": ([3, 5], [2, 8, 12], [1e-300, 1e-100, 1e100, 1e300]),
    "wide_positive": ([5], [8, 12], [1e-20]),
    "near_ties": ([5], [3, 8, 12, 30], [1e-20, ULP, ULP / 2, 3 * ULP]),
    "near_equal": ([5], [8], [1e-20, ULP, ULP / 2, 3 * ULP]),
    "offset": ([5], [8, 12, 30], [.2, .25, 2.0]),
    "clusters": ([5], [8, 12, 30], [1e3, 1e15, 3e14]),
    "tenths": ([5], [8, 12, 30], [.2]),
    "tenths_chain": ([5], [3, 8, 12], [.2]),
    "hundredths": ([5], [8, 12, 30], [.01, .2]),
    "hundredths_chain": ([], [5, 8, 12], [.01, .02]),
    "subnormal": ([5], [8], [5e-324, 1e-320, 1e-300]),
    "subnormal_wide": ([5], [8], [5e-324, 1e-320, 1e-300]),
    "huge": ([5], [2, 3, 8], [1e300, 1.7e308]),
    "scaled_up": ([], [5, 8], [1e100, 3e99]),
    "scaled_down": ([], [5, 8], [1e-100, 3e-101]),
}


def rank_sort(w, reg):
    for kind, (full, main, extra) in RANK_SORT.items():
        for n in sorted(full + main):
            if reg == "kl" and n == 30 and kind not in ("ties", "tenths", "offset",
                                                        "clusters"):
                continue
            x = plus_zero(data(kind, n))
            g = cotangent("%s %d" % (kind, n), n)
            w.case("%s_%d" % (kind, n), x, None, g)
            strengths = STRENGTHS if n in full else MAIN + extra
            if n in full:
                strengths = strengths + [e for e in extra if e not in strengths]
            if n >= 12:
                strengths = [s for s in strengths
                             if s not in ((1e-5, 1e10) if n == 12 else
                                          (0.0, 1e-5, 10.0, 1e10))]
            for i, s in enumerate(strengths):
                other = i % 3 == n % 3       # the parts not done every time
                w.do("rank", reg, "asc", 0, s)
                w.do("sort", reg, "asc", 0, s)
                if other or (n < 8 and s in (.1, 1.0)):
                    w.do("rank", reg, "desc", 0, s)
                    w.do("sort", reg, "desc", 0, s)
                    w.do("rank_jvp", reg, "asc", 0, s)
                    w.do("sort_jvp", reg, "asc", 0, s)
                if n < 8 or n in full or other or s in (.1, 1.0):
                    w.do("rank_vjp", reg, "desc" if other else "asc", 0, s)
                    w.do("sort_vjp", reg, "desc" if other else "asc", 0, s)
                if reg == "l2" and s > 0:
                    w.do("blocks_rank", reg, "asc", 0, s)
                    w.do("blocks_sort", reg, "asc", 0, s)
                    if other:
                        w.do("blocks_rank", reg, "desc", 0, s)
                        w.do("blocks_sort", reg, "desc", 0, s)
                if (n <= 5 and (other or s == 1.0)) or (n == 8 and s == 1.0):
                    w.do("rank_jacobian", reg, "asc", 0, s)
                    w.do("sort_jacobian", reg, "asc", 0, s)
            for i, s in enumerate([0.0, 1e-300, .01, .1, .5, 1.0, 2.0, 1e3, 1e300]):
                if n not in full and s in (0.0, 1e-300, .5, 2.0, 1e300) \
                        and kind not in ("scaled_up", "scaled_down", "huge"):
                    continue
                if n >= 12 and s not in (.01, .1, 1.0):
                    continue
                w.do("rank", reg, "asc", 1, s)
                w.do("rank_vjp", reg, "desc" if i % 2 else "asc", 1, s)
                if s in (.1, 1.0) and n < 12:
                    w.do("rank", reg, "desc", 1, s)
                    w.do("rank_jvp", reg, "asc", 1, s)
                    if n in (2, 3, 5):
                        w.do("rank_jacobian", reg, "asc", 1, s)
                if reg == "l2" and s > 0 and n > 1 and x.count(x[0]) < n:
                    w.do("blocks_rank", reg, "asc", 1, s)
    special(w, reg)
    large(w, reg)


def special(w, reg):
    """Extreme cotangents, extreme strengths, the contract's own lists."""
    w.case("contract_readme", README_LIST, None, [1.0] + [0.0] * 8)
    for s in (.1, 1.0):
        for op in ("rank", "sort", "rank_vjp", "sort_vjp", "rank_jacobian",
                   "sort_jacobian"):
            w.do(op, reg, "asc", 0, s)
    w.case("contract_fast_soft_sort", [5.0, 1.0, 2.0], None, [1.0, 2.0, 4.0])
    for s in (.1, 1.0, 2.0):
        for op in ("rank", "sort", "rank_vjp", "sort_vjp", "rank_jacobian",
                   "sort_jacobian"):
            w.do(op, reg, "asc", 0, s)
    big = 1.7e308
    for tag, x, g in [
            ("sum", [1.0, 2.0, 2.5, 4.0], [big, big, big, -big]),
            ("cancel", [1.0, 1.0, 2.0, 2.0], [big, -big, big, -big]),
            ("mixed", [3.0, 1.0, 2.0], [big, 1.0, 5e-324]),
            ("tiny", [3.0, 1.0, 2.0], [5e-324, 1e-320, -2e-310]),
            ("huge_data", [1.7e308, -1.7e308, 1e308, -1e308],
             [1e300, -1e300, 1e308, 1e308])]:
        w.case("extreme_g_" + tag, x, None, g)
        for s in (0.0, 1e-300, .1, 1.0, 10.0, 1e300):
            w.do("rank_vjp", reg, "asc", 0, s)
            w.do("sort_vjp", reg, "asc", 0, s)
            w.do("rank_jvp", reg, "desc", 0, s)
            w.do("sort_jvp", reg, "desc", 0, s)
            w.do("rank_vjp", reg, "asc", 1, s)
            w.do("rank_jvp", reg, "desc", 1, s)
    for tag, x in [("ties", [1.0, 1.0, 2.0]),
                   ("close", [1.0, nudge(1.0, 1), 2.0, -3.0]),
                   ("subnormals", [0.0, 5e-324, 1e-323, 3e-323])]:
        w.case("extreme_strength_" + tag, x, None, [1.0, -2.0, 4.0, .5][:len(x)])
        for s in (5e-324, 1e-323, 1e-320, 1e-309, 2.2250738585072014e-308,
                  1e-307, 1e308, 1.7976931348623157e308):
            for op in ("rank", "sort", "rank_vjp", "sort_vjp", "rank_jvp",
                       "sort_jvp", "rank_jacobian"):
                w.do(op, reg, "asc", 0, s)
            w.do("rank", reg, "asc", 1, s)
            w.do("rank_vjp", reg, "asc", 1, s)
    w.case("empty", [], None, [])
    w.do("rank", reg)
    w.do("sort", reg)
    w.do("rank", reg, "asc", 1)


def large(w, reg):
    for kind, n, strengths in [
            ("normal", 100, [0.0, .001, .01, .1, 1.0, 1e10]),
            ("iota_shuffled", 100, [.5, 1.0, 2.0]),
            ("iota_nudged", 100, [1.0]),
            ("tenths", 100, [.01, .1, .2, .5]),
            ("hundredths", 100, [.01, .1]),
            ("offset", 100, [.1, .5, 1.0]),
            ("clusters", 100, [.1, 1e3, 1e14]),
            ("ties", 100, [0.0, .1, .3]),
            ("wide", 100, [1.0, 1e300]),
            ("normal", 300, [.001, .1]),
            ("iota_shuffled", 300, [1.0]),
            ("tenths", 300, [.2]),
            ("offset", 300, [.1])]:
        if reg == "kl":
            if kind in ("iota_nudged", "hundredths", "iota_shuffled") or (kind, n) == ("tenths", 300):
                continue
            strengths = strengths[:3]
        x = plus_zero(data(kind, n))
        w.case("large_%s_%d" % (kind, n), x, None,
               cotangent("%s %d" % (kind, n), n, short=n > 100))
        for i, s in enumerate(strengths):
            d = "desc" if i % 2 else "asc"
            w.do("rank", reg, "asc", 0, s)
            w.do("sort", reg, "asc", 0, s)
            if i < 2:
                w.do("rank_vjp", reg, d, 0, s)
                w.do("sort_vjp", reg, d, 0, s)
            if reg == "l2" and s > 0:
                w.do("blocks_rank", reg, d, 0, s)
                w.do("blocks_sort", reg, d, 0, s)
        if kind != "wide":
            w.do("rank", reg, "asc", 1, .3)
            w.do("rank_vjp", reg, "asc", 1, .3)
            if reg == "l2":
                w.do("blocks_rank", reg, "asc", 1, .3)


# -------------------------------------------------------------- other.txt

def pairs():
    rng = random.Random("pairs")
    yield "contract_pair", [1.0, 2, 3, 4, 5], [5.0, 6, 7, 8, 7]
    yield "contract_flip", [0.0, 0, 0, 1], [1.0, 0, 0, 0]
    yield "one", [1.0], [2.0]
    yield "none", [], []
    yield "constant_x", [2.0, 2, 2], [1.0, 2, 3]
    yield "constant_y", [1.0, 2, 3], [.1, .1, .1]
    yield "two_up", [1.0, 2.5], [.1, .2]
    yield "two_down", [1.0, 2.5], [.2, .1]
    yield "reverse", [1.0, 2, 3, 4, 5, 6], [6.0, 5, 4, 3, 2, 1]
    for kx, ky, n in [("normal", "normal", 3), ("normal", "normal", 8),
                      ("normal", "ties", 10), ("ties", "ties", 12),
                      ("iota", "normal", 10), ("iota_shuffled", "tenths", 12),
                      ("tenths", "hundredths", 12), ("wide", "normal", 6),
                      ("wide", "wide", 5), ("offset", "normal", 10),
                      ("offset", "offset", 8), ("clusters", "normal", 8),
                      ("near_ties", "normal", 8), ("near_equal", "near_ties", 6),
                      ("subnormal", "normal", 6), ("huge", "normal", 6),
                      ("huge", "subnormal", 5), ("scaled_up", "scaled_down", 6),
                      ("normal", "normal", 30), ("normal", "normal", 100)]:
        x, y = data(kx, n), data(ky, n)
        if kx == ky:
            y = [a if rng.random() < .3 else b
                 for a, b in zip(x, shuffled(rng, data(ky, n)))]
        yield "%s_%s_%d" % (kx, ky, n), x, y


CORR_STRENGTHS = [0.0, 1e-300, 1e-5, .1, .5, 1.0, 10.0, 1e10, 1e15, 1e100, 1e300]


def correlations(w):
    for name, x, y in pairs():
        x, y = plus_zero(x), plus_zero(y)
        w.case("corr_" + name, x, y, None)
        w.do("spearman")
        tiny = len(x) < 2 or x.count(x[0]) == len(x) or y.count(y[0]) == len(y)
        for reg in ("l2", "kl"):
            for std in (0, 1):
                s = ([1.0] if tiny else CORR_STRENGTHS if len(x) <= 12
                     else [.01, .1, 1.0])
                if std and not tiny:
                    s = [0.0, .1, .5, 1.0, 10.0, 1e10, 1e300] \
                        if len(x) <= 12 else [.1, 1.0]
                for e in s:
                    w.do("soft_spearman", reg, "asc", std, e)
                    if len(x) <= 30 or e == .1:
                        w.do("soft_spearman_grad", reg, "asc", std, e)
    inf = math.inf
    w.case("corr_infinite", [inf, 1.0, -inf, 2.0, inf], [3.0, -inf, 1.0, 7.0, inf],
           None)
    w.do("spearman")


def ranges(w):
    for kind, n in [("normal", 2), ("normal", 3), ("normal", 8), ("normal", 30),
                    ("normal", 100), ("ties", 5), ("ties", 8), ("ties", 12),
                    ("iota", 2), ("iota", 5), ("iota_shuffled", 12), ("equal", 1),
                    ("equal", 3), ("tenths", 8), ("hundredths", 12), ("wide", 3),
                    ("wide", 8), ("offset", 8), ("clusters", 8), ("near_ties", 5),
                    ("near_equal", 5), ("subnormal", 5), ("subnormal_wide", 5),
                    ("huge", 2), ("huge", 5), ("scaled_up", 5),
                    ("scaled_down", 8)]:
        w.case("range_%s_%d" % (kind, n), plus_zero(data(kind, n)), None, None)
        for reg in ("l2", "kl"):
            for std in (0, 1):
                w.do("strength_range", reg, "asc", std, 1.0)
    for tag, x in [("empty", []), ("huge_pair", [1.7e308, -1.7e308]),
                   ("top_tie", [3.0, 3, 3, 1]), ("low_tie", [3.0, 1, 1, 1]),
                   ("tie_boundary", [2.0, 2, 2, 0, -100]),
                   ("contract", README_LIST)]:
        w.case("range_" + tag, x, None, None)
        for reg in ("l2", "kl"):
            for std in (0, 1):
                w.do("strength_range", reg, "asc", std, 1.0)


def projections(w):
    rng = random.Random("projection")
    sets = [("README", README_LIST, [float(i) for i in range(9, 0, -1)]),
            ("one", [3.5], [-2.0]),
            ("empty", [], []),
            ("ties_both", [1.0, 1, 2, 2, 0], [3.0, 3, 1, 1, 1]),
            ("zero_w", [.3, -1.0, 2.0, .5], [0.0, 0, 0, 0]),
            ("simplex", [.3, .9, -.2, .5, .1], [1.0, 0, 0, 0, 0]),
            ("topk", [.3, .9, -.2, .5, .1, .8], [0.0, 1, 1, 0, 0, 0]),
            ("touching", [4.0, 2, 3, 1, 5], [1.0, 2, 3, 4, 5]),
            ("touching_tenths", [.1, .3, .2, .5, .4], [.1, .2, .3, .4, .5])]
    for kz, kw, n in [("normal", "normal", 2), ("normal", "normal", 5),
                      ("normal", "iota_shuffled", 8), ("ties", "ties", 8),
                      ("tenths", "tenths", 8), ("tenths", "hundredths", 12),
                      ("wide", "wide", 5), ("wide", "iota", 5),
                      ("normal", "wide", 5), ("offset", "normal", 8),
                      ("offset", "offset", 8), ("normal", "offset", 5),
                      ("clusters", "clusters", 8), ("near_ties", "normal", 8),
                      ("subnormal", "subnormal", 5), ("huge", "huge", 5),
                      ("huge", "normal", 4), ("scaled_up", "scaled_up", 5),
                      ("scaled_down", "scaled_down", 5), ("integers", "integers", 12),
                      ("normal", "normal", 30), ("tenths", "tenths", 100)]:
        z = data(kz, n)
        v = shuffled(rng, data(kw, n))
        if kz == kw:
            v = shuffled(rng, [-i for i in data(kw, n + 1)[:n]])
        sets.append(("%s_%s_%d" % (kz, kw, n), z, v))
    for name, z, v in sets:
        w.case("proj_" + name, plus_zero(z), plus_zero(v),
               cotangent("proj " + name, len(z)))
        for reg in ("l2", "kl"):
            w.do("projection", reg)
            if len(z):
                w.do("projection_vjp", reg)
                w.do("projection_jvp", reg)


def isotonics(w):
    rng = random.Random("isotonic")
    for kind, n in [("normal", 1), ("normal", 2), ("normal", 5), ("normal", 12),
                    ("ties", 8), ("equal", 3), ("ascending", 5),
                    ("descending", 5), ("iota", 8), ("iota_shuffled", 12),
                    ("integers", 30), ("wide", 5), ("wide", 12),
                    ("near_ties", 8), ("near_equal", 8), ("offset", 8),
                    ("offset", 30), ("clusters", 8), ("tenths", 8),
                    ("tenths", 30), ("hundredths", 12), ("subnormal", 5),
                    ("subnormal_wide", 8), ("huge", 5), ("scaled_up", 5),
                    ("normal", 100), ("tenths", 100), ("offset", 300)]:
        y = plus_zero(data(kind, n))
        g = cotangent("isotonic %s %d" % (kind, n), n)
        weights = [("none", None),
                   ("integer", [float(rng.randint(1, 4)) for _ in range(n)]),
                   ("tenths", [rng.randint(1, 9) / 10 for _ in range(n)])]
        if n >= 100:
            weights = weights[::2]
        if n <= 12:
            weights.append(("wide", [10.0 ** rng.uniform(-300, 300)
                                     for _ in range(n)]))
        for tag, ws in weights:
            w.case("iso_%s_%d_%s" % (kind, n, tag), y, ws, g)
            for d in ("asc", "desc"):
                w.do("isotonic", "l2", d)
                if n <= 100:
                    w.do("isotonic_vjp", "l2", d)
    w.case("iso_empty", [], None, None)
    w.do("isotonic")
    big = 1.7e308
    w.case("iso_extreme_g", [3.0, 2, 1, 5], None, [big, big, -big, big])
    w.do("isotonic_vjp", "l2", "asc")
    w.do("isotonic_vjp", "l2", "desc")
    w.case("iso_extreme_weights", [3.0, 2, 1, 5], [big, 5e-324, big, big],
           [1.0, 2.0, 4.0, 8.0])
    for d in ("asc", "desc"):
        w.do("isotonic", "l2", d)
        w.do("isotonic_vjp", "l2", d)


def found(w):
    """Cases that random tests and fuzzing found, reduced."""
    w.case("found_kl_differences_overflow", [1e308, -1e308], [.9e308, -.9e308],
           [1.0, 2.0])
    for op in ("projection", "projection_vjp", "projection_jvp"):
        w.do(op, "kl")
    far = [2.0 ** 1000, -1.7976931348623157e308]
    w.case("found_kl_overflow_in_block", far, far, None)
    w.do("projection", "kl")
    w.case("found_heavy_small", [1e300, 0.0], [1e-300, 1.0], None)
    w.do("isotonic")
    w.case("found_light_large", [1e20, 0.0, 1e10], [1e-10, 1.0, 1.0], None)
    w.do("isotonic")
    w.case("found_far_weights", [2.0 ** 900, 2.0 ** -900],
           [2.0 ** -700, 2.0 ** 690], None)
    w.do("isotonic")
    w.case("found_subnormal", [i * 5e-324 for i in (-2, 8, -6, -5, 9)], None, None)
    for s in (.2, 1.0):
        for reg in ("l2", "kl"):
            w.do("rank", reg, "asc", 1, s)
    w.case("found_subnormal_strength", [i * 5e-324 for i in (3, 1, 4, 1, 5)], None,
           None)
    for reg in ("l2", "kl"):
        w.do("rank", reg, "asc", 0, 1.5e-323)
    w.case("found_apart_sort", [1.7e308, -1.7e308], None, None)
    for s in (5e-324, 1e-308, 1.0):
        for reg in ("l2", "kl"):
            w.do("sort", reg, "asc", 0, s)


# ------------------------------------------------------------- self-tests

def close(a, b, tol, what):
    a, b = R.to_mpf(a), R.to_mpf(b)
    if not abs(a - b) <= tol * max(1, abs(b)):
        raise AssertionError("%s: %s is not %s" % (what, mp.nstr(a, 20),
                                                    mp.nstr(b, 20)))


def frac(v):
    return [Fraction(i) for i in v]


def check_minmax():
    """PAV against v_i = min_{a<=i} max_{b>=i} mean(a..b), and the blocks."""
    rng = random.Random(1)
    count = 0
    for _ in range(1500):
        n = rng.randint(1, 8)
        kind = rng.choice(["ties", "tenths", "normal", "wide", "near_ties"])
        y = frac(shuffled(rng, data(kind, n)))
        if rng.random() < .5:
            y = frac([rng.randint(0, 4) / 10 for _ in range(n)])
        wt = [Fraction(rng.randint(1, 3)) for _ in range(n)]
        if rng.random() < .5:
            wt = [Fraction(1)] * n

        def mean(a, b):
            return (sum(p * q for p, q in zip(y[a:b + 1], wt[a:b + 1]))
                    / sum(wt[a:b + 1]))

        fit = [min(max(mean(a, b) for b in range(i, n)) for a in range(i + 1))
               for i in range(n)]
        got = R.isotonic(y, wt, "desc")
        assert got == fit, (y, wt)
        up = R.isotonic(list(reversed(y)), list(reversed(wt)), "asc")
        assert list(reversed(up)) == fit
        starts = R.pav_l2(y, wt)
        assert starts == [i for i in range(n) if i == 0 or fit[i] != fit[i - 1]]
        count += 1
    return count


def check_minmax_kl():
    mp.prec = 500
    rng = random.Random(2)
    for _ in range(200):
        n = rng.randint(1, 7)
        z = sorted(frac(rng.gauss(0, 1) for _ in range(n)), reverse=True)
        v = sorted(frac(rng.gauss(0, 1) for _ in range(n)), reverse=True)

        def lse(u):
            return mp.log(sum(mp.exp(R.to_mpf(i)) for i in u))

        fit = [min(max(lse(z[a:b + 1]) - lse(v[a:b + 1]) for b in range(i, n))
                   for a in range(i + 1)) for i in range(n)]
        got, _ = R.proj_kl(z, [(i, 1) for i in v])
        for i in range(n):
            close(got[i], R.to_mpf(z[i]) - fit[i], mp.mpf(10) ** -100, "kl min-max")
    return 200


def check_ad():
    """Automatic against central finite differences, no ties."""
    mp.prec = 1500
    h = Fraction(1, 2 ** 250)
    rng = random.Random(3)
    count = 0
    for reg in ("l2", "kl"):
        for what in ("rank", "rank std", "sort", "projection", "corr",
                     "corr std", "isotonic"):
            if what == "isotonic" and reg == "kl":
                continue
            for _ in range(12):
                n = rng.randint(2, 6)
                x = frac(rng.gauss(0, 1) for _ in range(n))
                y = frac(rng.gauss(0, 1) for _ in range(n))
                wt = frac(rng.uniform(.1, 2) for _ in range(n))
                eps = Fraction(rng.choice([.05, .1, .3, 1.0, 3.0]))
                d = rng.choice(["asc", "desc"])
                std = what.endswith("std")

                def f(v):
                    if what.startswith("rank"):
                        return R.soft_rank(v, reg, eps, d, std, rounded=False)
                    if what == "sort":
                        return R.soft_sort(v, reg, eps, d)
                    if what == "projection":
                        return R.projection(v, y, reg)
                    if what == "isotonic":
                        return R.isotonic(v, wt, d)
                    p, q = R.pearson(
                        R.soft_rank(v, reg, eps, "asc", std, rounded=False),
                        R.soft_rank(y, reg, eps, "asc", std, rounded=False))
                    root = mp.sqrt(R.to_mpf(R.val(q)))
                    if isinstance(p, R.Dual):
                        return [R.Dual(R.to_mpf(p.v) / root,
                                       {k: R.to_mpf(c) / root
                                        for k, c in p.d.items()})]
                    return [R.to_mpf(p) / root]

                ad = f(R.seeds(x, "jacobian"))
                t = frac(rng.gauss(0, 1) for _ in range(n))
                jvp = f(R.seeds(x, "jvp", t))
                for i, o in enumerate(ad):
                    close(sum(R.to_mpf(R.der(o, j)) * R.to_mpf(t[j])
                              for j in range(n)), R.der(jvp[i], 0),
                          mp.mpf(10) ** -60, what + " jvp")
                for j in range(n):
                    up, dn = list(x), list(x)
                    up[j] += h
                    dn[j] -= h
                    for i, (a, b) in enumerate(zip(f(up), f(dn))):
                        fd = (R.to_mpf(a) - R.to_mpf(b)) / (2 * R.to_mpf(h))
                        close(R.der(ad[i], j), fd, mp.mpf(10) ** -50,
                              "%s %s" % (reg, what))
                        count += 1
    return count


def check_ties():
    """soft_sort with ties: the mean over all orders of the tied columns."""
    mp.prec = 500
    count = 0
    for reg in ("l2", "kl"):
        for x in ([2.0, 1, 2, 3], [1.0, 1, 1, 0], [0.0, 3, 3, 0]):
            for eps in (0, Fraction(1, 10), Fraction(1, 2), Fraction(1)):
                for d in ("asc", "desc"):
                    x_ = frac(x)
                    n = len(x)
                    got = R.soft_sort(R.seeds(x_, "jacobian"), reg, eps, d)
                    acc = [[0] * n for _ in range(n)]
                    perms = list(itertools.permutations(range(n)))
                    for p in perms:     # stable sort: order within ties by p
                        o = R.soft_sort([R.seeds(x_, "jacobian")[k] for k in p],
                                        reg, eps, d, share_ties=False)
                        for i in range(n):
                            for j in range(n):
                                acc[i][j] += R.der(o[i], j)
                    for i in range(n):
                        for j in range(n):
                            close(R.der(got[i], j),
                                  R.to_mpf(acc[i][j]) / len(perms),
                                  mp.mpf(10) ** -60, "ties")
                            count += 1
    return count


def check_sums():
    mp.prec = 1000
    count = 0
    for kind in ("normal", "ties", "tenths", "wide", "offset", "huge", "clusters"):
        for n in (1, 2, 5, 9):
            x = frac(data(kind, n))
            for eps in (0, Fraction(1, 10), Fraction(1), Fraction(10) ** 6):
                for std in (False, True):
                    r = R.soft_rank(x, "l2", eps, "asc", std)
                    assert sum(r) == Fraction(n * (n + 1), 2)
                    down = R.soft_rank(x, "l2", eps, "desc", std)
                    assert all(a + b == n + 1 for a, b in zip(r, down))
                    r = R.soft_rank(x, "kl", eps, "asc", std)
                    close(sum(map(R.to_mpf, r)), Fraction(n * (n + 1), 2),
                          mp.mpf(10) ** -90, "sum of kl ranks")
                    count += 2
    # exchange of the data and shift invariance
    x = frac(data("normal", 7))
    for reg in ("l2", "kl"):
        a = R.soft_rank(x, reg, Fraction(1, 3), "asc", True)
        b = R.soft_rank([7 * v + 5 for v in x], reg, Fraction(1, 3), "asc", True,
                        rounded=False)
        for p, q in zip(a, b):
            close(p, q, mp.mpf(10) ** -14, "standardize")
    return count


def check_ranges():
    """The range against the ranks on both sides of it."""
    count = 0
    for kind, n in [("normal", 3), ("normal", 7), ("ties", 7), ("tenths", 6),
                    ("iota", 5), ("clusters", 6), ("ties", 5)]:
        x = frac(data(kind, n))
        for reg in ("l2", "kl"):
            for std in (False, True):
                mp.prec = 600
                lo, hi = R.evaluate("strength_range", reg, "asc", std,
                                    Fraction(1), x)
                lo, hi = (Fraction(R.to_double(v)) for v in (lo, hi))
                mp.prec = 600

                def ranks(e):
                    return [R.to_mpf(v) for v in
                            R.soft_rank(x, reg, e, "asc", std, rounded=False)]

                def pieces(e):
                    th = sorted([v / (R.standardized_strength(x, e, False)
                                      if std else e) for v in x], reverse=True)
                    if reg == "l2":
                        return len(R.proj_l2(th, frac(range(n, 0, -1)))[1])
                    return len(R.proj_kl(th, [(Fraction(0), n - k)
                                              for k in range(n)])[1])

                hard = [R.to_mpf(v) for v in R.hard_ranks(x)]
                t = Fraction(1, 10 ** 8)
                far = lambda e: max(abs(a - b) for a, b in zip(ranks(e), hard))
                assert far(lo * (1 - t)) < mp.mpf(10) ** -60
                assert far(lo * (1 + t)) > mp.mpf(10) ** -12
                assert pieces(hi * (1 + t)) == 1
                assert pieces(hi * (1 - t)) > 1
                count += 4
    return count


def check_contract():
    def ev(op, x, eps=1.0, std=False, y=None, g=None, reg="l2"):
        return [R.to_double(v) for v in
                R.evaluate(op, reg, "asc", std, Fraction(eps), frac(x),
                           frac(y) if y else None, frac(g) if g else None)]

    def same(got, want, tol=5.1e-5):
        assert len(got) == len(want), (got, want)
        assert all(abs(a - b) <= tol for a, b in zip(got, want)), (got, want)

    x = README_LIST
    same(ev("sort", x), [5 / 9 + k for k in range(9)], 1e-15)
    same(ev("sort", x, .1), [0, 1, 2, 3, 5, 6, 7, 8, 9], 1e-300)
    same(ev("rank", x), [8, 1, 5, 4, 3, 2, 6, 7, 9], 1e-300)
    same(ev("sort_vjp", x, g=[1] + [0] * 8), [.1111] * 9)
    a, b = [1, 2, 3, 4, 5], [5, 6, 7, 8, 7]
    same(ev("soft_spearman", a, y=b), [.8321])
    same(ev("soft_spearman_grad", a, y=b), [-.0555, 0, .0555, .1109, -.1109])
    same(ev("soft_spearman", a, y=b, std=True), [.8265])
    same(ev("soft_spearman_grad", a, y=b, std=True),
         [-.0473, -.0116, .0532, .1180, -.1121])
    same(ev("spearman", a, y=b), [.8208])
    same(ev("rank", [5, 1, 2], 2.0), [3, 1.25, 1.75], 1e-300)
    same(ev("sort", [5, 1, 2]), [1.6667, 2.6667, 3.6667])
    same(ev("spearman", [0, 0, 0, 1], y=[1, 0, 0, 0]), [-.3333])
    assert R.evaluate("spearman", "l2", "asc", False, Fraction(1), frac([1]),
                      frac([2])) is None
    return 13


def check_rounding():
    rng = random.Random(5)
    for _ in range(2000):
        f = rng.choice([rng.gauss(0, 1), rng.randint(-9, 9) * 5e-324,
                        10.0 ** rng.uniform(-320, 308)])
        q = Fraction(f)
        assert R.to_double(q) == f
        assert R.to_double(R.Root(q * 3, Fraction(9))) == f
        mp.prec = 300
        assert R.to_double(R.to_mpf(q)) == f
        assert R.to_double(R.Root(Fraction(1), Fraction(abs(f) or 1))) == \
            R.to_double(1 / mp.sqrt(R.to_mpf(abs(f) or 1)))
    # chain 1..n with standardize: the strength stays exactly 1
    for n in (2, 5, 8, 100):
        assert R.standardized_strength(frac(range(1, n + 1)), Fraction(1)) == 1
    return 8004


def check():
    for f in (check_rounding, check_contract, check_minmax, check_minmax_kl,
              check_ad, check_ties, check_sums, check_ranges):
        print("%-18s ok, %d checks" % (f.__name__, f()), flush=True)


def main():
    for name in ("l2", "kl"):
        w = Writer(name + ".txt")
        rank_sort(w, name)
        w.close()
    w = Writer("other.txt")
    for part in (correlations, ranges, projections, isotonics, found):
        part(w)
    w.close()


if __name__ == "__main__":
    check() if "--check" in sys.argv[1:] else main()
