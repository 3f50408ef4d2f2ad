"""Reference mathematics of softsort in exact and high-precision arithmetic.

Written from the definitions, independently of the C code.  Inputs are IEEE
doubles taken as exact rationals.  l2 is computed in exact rationals
throughout; kl in mpmath floating point at a precision that is raised until
the results stop changing.  Every derivative is forward-mode automatic
differentiation: dual numbers pushed through the block formulas.  No closed
form of a derivative appears anywhere in this file.

    P(z, w): z sorted descending, w sorted descending, blocks by pooling
    adjacent violators.
        l2  block value  mean(z - w)                       P = z - value
        kl  block value  log sum exp z - log sum exp w     P = z - value
    Adjacent blocks are joined when value(first) <= value(second): equal
    values join.
"""

from fractions import Fraction
from math import isqrt

from mpmath import mp, mpf


class Ambiguous(Exception):
    """A kl block decision too close to call for a double implementation."""


class Unconverged(Exception):
    pass


# ------------------------------------------------------------ dual numbers

class Dual:
    """v + sum_j d[j] eps_j with eps_j eps_k = 0; v and d Fractions or mpf."""
    __slots__ = ("v", "d")

    def __init__(self, v, d):
        self.v = v
        self.d = d

    def __neg__(self):
        return Dual(-self.v, {k: -c for k, c in self.d.items()})

    def __add__(self, o):
        if not isinstance(o, Dual):
            return Dual(self.v + o, self.d)
        d = dict(self.d)
        for k, c in o.d.items():
            s = d.get(k, 0) + c
            if s == 0:
                d.pop(k, None)
            else:
                d[k] = s
        return Dual(self.v + o.v, d)

    __radd__ = __add__

    def __sub__(self, o):
        return self + (-o)

    def __rsub__(self, o):
        return (-self) + o

    def __mul__(self, o):
        if not isinstance(o, Dual):
            return Dual(self.v * o, {k: c * o for k, c in self.d.items()})
        return (Dual(self.v * o.v, {k: c * o.v for k, c in self.d.items()})
                + Dual(0, {k: c * self.v for k, c in o.d.items()}))

    __rmul__ = __mul__

    def __truediv__(self, o):
        if not isinstance(o, Dual):
            return Dual(self.v / o, {k: c / o for k, c in self.d.items()})
        inv = 1 / o.v
        return self * Dual(inv, {k: -c * inv * inv for k, c in o.d.items()})


def val(a):
    return a.v if isinstance(a, Dual) else a


def der(a, k):
    return a.d.get(k, 0) if isinstance(a, Dual) else 0


def to_mpf(q):
    if isinstance(q, Fraction):
        return mpf(q.numerator) / mpf(q.denominator)
    return mpf(q)


def mp_dual(a):
    """A Fraction or a dual over Fractions, at the working precision."""
    if isinstance(a, Dual):
        return Dual(to_mpf(a.v), {k: to_mpf(c) for k, c in a.d.items()})
    return to_mpf(a)


EXP_FLOOR = -200000     # exp of less is 0: far below any double and any ulp


def mp_exp(a):
    v = val(a)
    if v < EXP_FLOOR:
        return Dual(mpf(0), {}) if isinstance(a, Dual) else mpf(0)
    e = mp.exp(v)
    if isinstance(a, Dual):
        return Dual(e, {k: e * c for k, c in a.d.items()})
    return e


def mp_log(a):
    if isinstance(a, Dual):
        return Dual(mp.log(a.v), {k: c / a.v for k, c in a.d.items()})
    return mp.log(a)


def total(items):
    items = list(items)
    s = items[0]
    for i in items[1:]:
        s = s + i
    return s


# ------------------------------------------------------- roots of rationals

def sqrt_fraction(q, bits=700):
    """sqrt of a Fraction >= 0: exact if rational, else to `bits` bits."""
    a, b = q.numerator, q.denominator
    ra, rb = isqrt(a), isqrt(b)
    if ra * ra == a and rb * rb == b:
        return Fraction(ra, rb)
    k = max(0, bits - (a.bit_length() - b.bit_length()) // 2)
    return Fraction(isqrt((a << (2 * k)) // b), 1 << k)


def sqrt_round_exact(q):
    """A Fraction that rounds to any float format as sqrt(q) does (sticky)."""
    a, b = q.numerator, q.denominator
    if a == 0:
        return Fraction(0)
    k = 200 - (a.bit_length() - b.bit_length()) // 2
    num, den = (a << (2 * k), b) if k >= 0 else (a, b << (-2 * k))
    m = num // den
    s = isqrt(m)
    sticky = 1 if (s * s != m or m * den != num) else 0
    t = Fraction(2 * s + sticky)
    return t / (1 << (k + 1)) if k + 1 >= 0 else t * (1 << -(k + 1))


class Root:
    """f / sqrt(q), f and q rationals, rounded once at the end."""
    __slots__ = ("f", "q")

    def __init__(self, f, q):
        self.f, self.q = f, q


# ------------------------------------------------------------- the blocks

def pav_l2(y, weights=None):
    """Starts of the blocks of the decreasing regression of y (Fractions)."""
    blocks = []                              # [start, weighted sum, weight]
    for i, v in enumerate(y):
        c = 1 if weights is None else weights[i]
        blocks.append([i, v * c, c])
        while len(blocks) > 1:
            a, b = blocks[-2], blocks[-1]
            if a[1] * b[2] <= b[1] * a[2]:   # mean(a) <= mean(b): join
                a[1] += b[1]
                a[2] += b[2]
                blocks.pop()
            else:
                break
    return [b[0] for b in blocks]


TOUCH = Fraction(1, 10 ** 15)
CLEAR = Fraction(1, 10 ** 11)


def pav_kl(z, w):
    """As above for kl.  z: Fractions.  w: pairs (b, m), exp(w) = m exp(b)."""
    blocks = []          # start, end, base z, sum exp(z-base), the same for w
    for i in range(len(z)):
        blocks.append([i, i + 1, z[i], mpf(1), w[i][0], mpf(w[i][1])])
        while len(blocks) > 1:
            a, b = blocks[-2], blocks[-1]
            gap = (to_mpf((a[2] - b[2]) - (a[4] - b[4]))
                   + mp.log(a[3]) - mp.log(b[3]) - mp.log(a[5]) + mp.log(b[5]))
            if gap > 0:
                zr, wr = z[a[0]:b[1]], w[a[0]:b[1]]
                spread = max(to_mpf(zr[0] - zr[-1]),
                             to_mpf(wr[0][0] - wr[-1][0])
                             + mp.log(mpf(wr[0][1]) / wr[-1][1]))
                # the scale of the comparison: the difference of the bases, and
                # the spread where it can count (exp of less than -1 fades out)
                scale = max(min(spread, mpf(1)), abs(to_mpf(a[2] - b[2])),
                            abs(to_mpf(a[4] - b[4])))
                rel = gap / scale
                if gap <= to_mpf(TOUCH) and rel <= to_mpf(TOUCH):
                    pass                                     # touching
                elif gap > to_mpf(CLEAR) and rel > to_mpf(CLEAR):
                    break
                elif gap <= to_mpf(CLEAR) and all(p == wr[0] for p in wr):
                    pass            # equal w: joined or not, the same result
                else:
                    raise Ambiguous()
            a[3] += b[3] * mp_exp(to_mpf(b[2] - a[2]))
            a[5] += b[5] * mp_exp(to_mpf(b[4] - a[4]))
            a[1] = b[1]
            blocks.pop()
    return [b[0] for b in blocks]


def spans(starts, n):
    return zip(starts, starts[1:] + [n])


def proj_l2(z, w):
    """P(z, w), both sorted descending; entries Fractions or duals."""
    y = [a - b for a, b in zip(z, w)]
    starts = pav_l2([val(v) for v in y])
    out = []
    for s, e in spans(starts, len(z)):
        mean = total(y[s:e]) / Fraction(e - s)
        out += [zi - mean for zi in z[s:e]]
    return out, starts


def proj_kl(z, w):
    """The same for kl; w as pairs (b, m): exp(w_i) = m_i exp(b_i)."""
    starts = pav_kl([val(v) for v in z], [(val(b), m) for b, m in w])
    out = []
    for s, e in spans(starts, len(z)):
        zb, wb = z[s], w[s][0]
        rel = [mp_dual(zi - zb) for zi in z[s:e]]
        lz = mp_log(total(mp_exp(r) for r in rel))
        lw = mp_log(total(m * mp_exp(mp_dual(b - wb)) for b, m in w[s:e]))
        vw = mp_dual(wb) + lw
        out += [r - lz + vw for r in rel]
    return out, starts


# -------------------------------------------------------------- operators

def tie_groups(values):
    """Indices grouped by equal value, ascending."""
    groups = {}
    for i, v in enumerate(values):
        groups.setdefault(v, []).append(i)
    return [groups[v] for v in sorted(groups)]


def hard_ranks(values):
    out = [None] * len(values)
    below = 0
    for g in tie_groups(values):
        for i in g:
            out[i] = below + Fraction(len(g) + 1, 2)
        below += len(g)
    return out


def double_or_same(r_exact, lo=Fraction(2) ** -1022, hi=Fraction(2) ** 1024):
    """Round to double if that is in the normal range, else None."""
    if r_exact < lo:
        return None
    try:
        f = float(r_exact)
    except OverflowError:
        return None
    return Fraction(f) if f != float("inf") else None


def variance(x):
    n = len(x)
    mean = total(x) / Fraction(n)
    return total((v - mean) * (v - mean) for v in x) / Fraction(n)


def standardized_strength(x, eps, rounded=True):
    """eps std / sqrt((n^2-1)/12), rounded once; dual where x is.

    The derivative is that of the unrounded formula carried to the rounded
    value: d eps_used = eps_used d(log std), log std = log(var) / 2.
    """
    n = len(x)
    var = variance(x)
    sq = eps * eps * val(var) * Fraction(12, n * n - 1)
    e = double_or_same(sqrt_round_exact(sq)) if rounded else None
    if e is None:
        e = sqrt_fraction(sq, 1400)
    if isinstance(var, Dual):
        return Dual(e, {k: e * c / (2 * var.v) for k, c in var.d.items()})
    return e


def soft_rank(x, reg, eps, direction, std, rounded=True, want_blocks=False):
    n = len(x)
    sign = 1 if direction == "asc" else -1
    if n == 0:
        return []
    if eps == 0:
        return hard_ranks([sign * val(v) for v in x])
    if std:
        if all(val(v) == val(x[0]) for v in x):
            return [Fraction(n + 1, 2)] * n
        eps = standardized_strength(x, eps, rounded)
    theta = [v / eps * sign if not isinstance(eps, Dual) else
             (v if isinstance(v, Dual) else Dual(v, {})) / eps * sign
             for v in x]
    order = sorted(range(n), key=lambda i: -val(theta[i]))
    z = [theta[i] for i in order]
    if reg == "l2":
        p, starts = proj_l2(z, [Fraction(n - k) for k in range(n)])
    else:
        p, starts = proj_kl(z, [(Fraction(0), n - k) for k in range(n)])
        p = [mp_exp(v) for v in p]
    if want_blocks:
        return starts
    out = [None] * n
    for k, i in enumerate(order):
        out[i] = p[k]
    return out


def sorted_descending(x, share_ties):
    """Sorted data; tied entries get the mean of their derivatives."""
    s = sorted(x, key=lambda v: -val(v))
    if not share_ties or not any(isinstance(v, Dual) for v in s):
        return s
    out = []
    k = 0
    while k < len(s):
        e = k
        while e < len(s) and val(s[e]) == val(s[k]):
            e += 1
        out += [total(s[k:e]) / Fraction(e - k)] * (e - k)
        k = e
    return out


def soft_sort(x, reg, eps, direction, share_ties=True, want_blocks=False):
    n = len(x)
    if n == 0:
        return []
    sign = -1 if direction == "asc" else 1
    data = sorted_descending([v * sign for v in x], share_ties)
    if eps == 0:
        return [v * sign for v in data]
    z = [(n - k) / eps for k in range(n)]
    if reg == "l2":
        p, starts = proj_l2(z, data)
    else:
        p, starts = proj_kl(z, [(v, 1) for v in data])
    if want_blocks:
        return starts
    return [v * sign for v in p]


def projection(z, w, reg):
    n = len(z)
    order = sorted(range(n), key=lambda i: -val(z[i]))
    zs = [z[i] for i in order]
    ws = sorted(w, reverse=True)
    if reg == "l2":
        p, _ = proj_l2(zs, ws)
    else:
        p, _ = proj_kl(zs, [(v, 1) for v in ws])
    out = [None] * n
    for k, i in enumerate(order):
        out[i] = p[k]
    return out


def isotonic(y, weights, direction):
    sign = -1 if direction == "asc" else 1
    n = len(y)
    if weights is None:
        weights = [Fraction(1)] * n
    s = [v * sign for v in y]
    starts = pav_l2([val(v) for v in s], weights)
    out = []
    for b, e in spans(starts, n):
        mean = (total(s[i] * weights[i] for i in range(b, e))
                / total(weights[b:e]))
        out += [mean * sign] * (e - b)
    return out


# ------------------------------------------------------------ correlation

def pearson(a, b):
    """Dual correlation as components over sqrt(q): (h, q)."""
    n = len(a)
    ma, mb = total(a) / Fraction(n) if exact(a) else total(a) / n, \
        total(b) / Fraction(n) if exact(b) else total(b) / n
    da, db = [v - ma for v in a], [v - mb for v in b]
    sxy = total(p * q for p, q in zip(da, db))
    q = total(p * p for p in da) * total(p * p for p in db)
    qv = val(q)
    if qv == 0:
        raise Unconverged()
    if isinstance(q, Dual):
        # sqrt(q) = sqrt(q.v) (1 + dq / (2 q.v)): the irrational factor apart
        root = Dual(qv / qv, {k: c / (2 * qv) for k, c in q.d.items()})
        if not isinstance(sxy, Dual):
            sxy = Dual(sxy, {})
        return sxy / root, qv
    return sxy, qv


def exact(a):
    return all(isinstance(val(v), (Fraction, int)) for v in a)


def over_root(f, q):
    if isinstance(f, (Fraction, int)) and isinstance(q, Fraction):
        return Root(Fraction(f), q)
    return f / mp.sqrt(q)


def is_constant(x):
    return all(v == x[0] for v in x)


# --------------------------------------------------------- strength range

def strength_range(x, reg, std):
    """(min, max) as Fractions / mpf / Root, or None."""
    n = len(x)
    if n < 2 or is_constant(x):
        return None
    groups = list(reversed(tie_groups(x)))           # descending
    xs = sorted(x, reverse=True)
    pos = 0
    vals, mids = [], []
    for g in groups:
        vals.append(x[g[0]])
        mids.append(n - pos - Fraction(len(g) - 1, 2))   # mean of its w
        pos += len(g)
    pairs = list(zip(vals, vals[1:], mids, mids[1:]))
    if reg == "l2":
        lo = min((a - b) / (p - q) for a, b, p, q in pairs)
        mean = sum(xs) / n
        hi = Fraction(0)
        pre = Fraction(0)
        for k in range(1, n):
            pre += xs[k - 1]
            hi = max(hi, (pre / k - mean) / Fraction(n - k, 2))
    else:
        lo = min(to_mpf(a - b) / mp.log(to_mpf(p / q)) for a, b, p, q in pairs)
        hi = kl_one_block(xs)
    if not std:
        return [lo, hi]
    # divided by std / sqrt((n^2-1)/12)
    q = variance(x) * Fraction(12, n * n - 1)
    if reg == "l2":
        return [Root(lo, q), Root(hi, q)]
    s = mp.sqrt(to_mpf(q))
    return [lo / s, hi / s]


def kl_one_block(xs):
    """Smallest strength at which kl soft_rank is one block: the share of the
    k largest in sum exp(x / eps) is <= W_k / W for every k < n."""
    n = len(xs)
    span = xs[0] - xs[-1]
    d = [to_mpf((xs[0] - v) / span) for v in xs]      # 0 = d_1 <= ... <= 1
    top = sum(1 for v in xs if v == xs[0])
    whole = n * (n + 1) // 2
    best = None
    for k in range(1, n):
        wk = sum(n - i for i in range(k))
        # limit of the share as eps -> 0
        limit = Fraction(min(k, top), top)
        target = Fraction(wk, whole)
        if limit <= target:
            continue

        def excess(beta):
            e = [mp_exp(-beta * v) for v in d]
            return sum(e[:k]) - to_mpf(target) * sum(e)

        if best is not None and excess(best) <= 0:
            continue                                  # its root lies higher
        lo, hi = mpf(0), (best if best is not None else mpf(1))
        while excess(hi) <= 0:
            lo, hi = hi, hi * 2
        while hi - lo > hi * mpf(2) ** -240:
            mid = (lo + hi) / 2
            if excess(mid) > 0:
                hi = mid
            else:
                lo = mid
        best = hi
    return to_mpf(span) / best


# --------------------------------------------------- evaluation of records

def seeds(x, mode, t=None):
    if mode == "plain":
        return list(x)
    if mode == "jvp":
        return [Dual(v, {0: t[i]} if t[i] != 0 else {}) for i, v in enumerate(x)]
    return [Dual(v, {i: Fraction(1)}) for i, v in enumerate(x)]


def contract(out, g, n):
    """g^T J from dual outputs."""
    acc = {}
    for gi, o in zip(g, out):
        if gi == 0 or not isinstance(o, Dual):
            continue
        gi = gi if isinstance(val(o), (Fraction, int)) else to_mpf(gi)
        for k, c in o.d.items():
            acc[k] = acc.get(k, 0) + gi * c
    return [acc.get(k, Fraction(0)) for k in range(n)]


def apply_mode(f, x, mode, g):
    if mode == "plain":
        return f(list(x))
    out = f(seeds(x, mode, g))
    n = len(x)
    if mode == "jvp":
        return [der(o, 0) for o in out]
    if mode == "vjp":
        return contract(out, g, n)
    return [der(o, j) for o in out for j in range(n)]


def once(op, reg, direction, std, eps, x, y, g):
    """One evaluation at the working precision; None means undefined."""
    head, _, tail = op.partition("_")
    if op in ("blocks_rank", "blocks_sort"):
        assert reg == "l2" and eps > 0
        if op == "blocks_rank":
            return soft_rank(x, reg, eps, direction, std, want_blocks=True)
        return soft_sort(x, reg, eps, direction, want_blocks=True)
    if head == "rank":
        return apply_mode(lambda v: soft_rank(v, reg, eps, direction, std),
                          x, tail or "plain", g)
    if head == "sort":
        return apply_mode(lambda v: soft_sort(v, reg, eps, direction),
                          x, tail or "plain", g)
    if head == "projection":
        return apply_mode(lambda v: projection(v, y, reg), x, tail or "plain", g)
    if head == "isotonic":
        return apply_mode(lambda v: isotonic(v, y, direction),
                          x, tail or "plain", g)
    if op == "strength_range":
        return strength_range(x, reg, std)
    # correlations
    if len(x) < 2 or is_constant(x) or is_constant(y):
        return None
    if op == "spearman":
        h, q = pearson(hard_ranks(x), hard_ranks(y))
        return [over_root(h, q)]
    if op == "soft_spearman":
        h, q = pearson(soft_rank(x, reg, eps, "asc", std),
                       soft_rank(y, reg, eps, "asc", std))
        return [over_root(h, q)]
    if op == "soft_spearman_grad":
        h, q = pearson(soft_rank(seeds(x, "jacobian"), reg, eps, "asc", std),
                       soft_rank(y, reg, eps, "asc", std))
        return [over_root(der(h, k), q) for k in range(len(x))]
    raise ValueError(op)


TINY = -1100


def distance_from_one(values):
    """The most bits by which a nonzero |value| is above or below 1."""
    return max((abs(abs(v.numerator).bit_length() - v.denominator.bit_length())
                for v in values if v != 0), default=0)


def precisions(eps, *lists):
    """Precisions to try, in bits.

    Deviations from an equal distribution are about as small as the arguments,
    correlations multiply two of them, and all are left over when numbers near 1
    cancel: so the first precision counts twice the bits of the smallest argument
    (an element or a difference of neighbours, over the strength).
    """
    bits = 0
    for v in lists:
        s = sorted(v or [])
        bits = max(bits, distance_from_one(s),
                   distance_from_one(b - a for a, b in zip(s, s[1:])))
    first = 400 + 2 * (bits + distance_from_one([eps]))
    return (first, 2 * first + 100, 4 * first + 1000, 8 * first + 4000)


def agree(a, b):
    if isinstance(b, (int, Fraction, Root)):
        return True
    a = mpf(a) if not isinstance(a, Fraction) else to_mpf(a)
    if a == b:
        return True
    lim = mpf(2) ** TINY
    if abs(a) < lim and abs(b) < lim:
        return True
    return abs(a - b) <= mpf(2) ** -200 * abs(b)


def evaluate(op, reg, direction, std, eps, x, y=None, g=None):
    """Exact or high-precision result: list, or None (undefined)."""
    if reg == "l2":
        return once(op, reg, direction, std, eps, x, y, g)
    last = None
    for p in precisions(eps, x, y):
        mp.prec = p
        try:
            r = once(op, reg, direction, std, eps, x, y, g)
        except Unconverged:
            last = None
            continue
        if r is None:
            return None
        if last is not None and all(agree(a, b) for a, b in zip(last, r)):
            return r
        last = r
    raise Unconverged(op)


def to_double(v):
    """Round once to double; OverflowError when beyond the range."""
    if isinstance(v, Root):
        r = sqrt_round_exact(v.f * v.f / v.q)
        v = -r if v.f < 0 else r
    if isinstance(v, mpf):
        sign, man, exp, bc = v._mpf_
        if man == 0:
            if v != 0:
                raise ValueError("not finite")
            return 0.0
        if exp + bc < TINY:
            return 0.0
        if exp + bc > 1100:
            raise OverflowError
        man = int(man) if not sign else -int(man)
        v = Fraction(man) * (Fraction(2) ** int(exp))
    f = float(v)          # int / int of Python: correctly rounded
    if f in (float("inf"), float("-inf")):
        raise OverflowError
    return f if f != 0 else 0.0
