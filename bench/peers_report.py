"""Turn the results of bench/peers into tables, plots and a verdict on the targets.

    python bench/peers_report.py RESULTS

RESULTS is the JSON file that peers_run.py wrote.  Prints everything; after a full run also writes
this machine's section of docs/benchmarks.md and its plots, docs/benchmarks/*.svg.
Exit status: 1 when a target was missed or could not be tried; a run at a SCALE judges nothing.
"""

import dataclasses
import itertools
import json
import pathlib
import re
import statistics
import sys
from typing import Optional

import peers_plots

TOP = pathlib.Path(__file__).resolve().parents[1]
PAGE = TOP / "docs" / "benchmarks.md"

# Names of the processes of peers_python.py for people, where they differ.
PEER_NAMES = {"numpy": "NumPy", "torch": "torch.sort", "copy": "client, COPY"}
LABELS = {"half": "half", "single": "singletons", "one": "one block"}
SORTS = ("torch.sort", "numpy.sort", "numpy.argsort")
MANY = ("half", "single")
ALL = ("half", "single", "one")


@dataclasses.dataclass
class Target:
    """The worst of some strengths may take so many times what a peer takes."""

    op: str
    reg: str
    shape: str
    peer: str
    limit: float
    labels: tuple = ALL
    stretch: Optional[float] = None
    type: str = "real"
    tool: str = "softsort"

    def what(self) -> str:
        rows, n = self.shape.split("x")
        labels = "" if self.labels == ALL else ", " + " and ".join(LABELS[k] for k in self.labels)
        batched = ", in values of two dimensions" if self.tool != "softsort" else ""
        return f"{self.op} {self.reg}, {rows} x {self.type}[{n}]{batched}{labels}"

    def against(self) -> str:
        if self.peer == "softsort":
            return "the same of real"
        return self.peer + (" forward + backward" if self.op == "soft_rank_vjp" else "")


BATCHED = "softsort, 2-D"
MIDDLE, LONG, SHORT = "100000x100", "1x1000000", "100000x10"
SHAPES = [SHORT, MIDDLE, "1000x1000", "10x100000", LONG]
# One block needs no sort in l2, so that it counts against torchsort only, which sorts all the same.
TARGETS = [
    Target("soft_rank", "l2", MIDDLE, "torchsort", 0.22),
    Target("soft_rank", "l2", MIDDLE, "torch.sort", 0.33, MANY),
    Target("soft_rank", "l2", MIDDLE, "numpy.argsort", 1.0, MANY, stretch=0.7),
    Target("soft_rank", "kl", MIDDLE, "torchsort", 0.18),
    Target("soft_rank", "kl", MIDDLE, "numpy.argsort", 1.3),
    Target("soft_rank", "l2", "1000x1000", "numpy.argsort", 0.8, MANY),
    Target("soft_rank_vjp", "l2", MIDDLE, "torchsort", 0.28),
    Target("soft_rank_vjp", "kl", MIDDLE, "torchsort", 0.21),
    Target("soft_rank", "l2", LONG, "torchsort", 0.16, MANY),
    Target("soft_rank", "l2", LONG, "torchsort", 0.03, ("one",)),
    Target("soft_rank", "l2", LONG, "numpy.argsort", 0.5, MANY),
    Target("soft_rank", "l2", SHORT, "torchsort", 0.5),
    Target("soft_rank", "l2", SHORT, "torchsort", 0.5, tool=BATCHED),
] + [
    Target("soft_rank", reg, shape, "softsort", 1.3, type="float8")
    for shape in SHAPES
    for reg in ("l2", "kl")
]
MEMORY_LIMIT = 40  # bytes per element


class Results:
    """What was measured, by what it is."""

    def __init__(self, data: dict) -> None:
        self.data = data
        self.ns: dict[tuple, float] = {}
        for t in data["times"]:
            median = statistics.median(t["ms"])
            key = (t["shape"], t["race"], t["tool"], t["op"], t["type"])
            self.ns[key] = median * 1e6 / t["elements"]
        self.shapes = list(dict.fromkeys(t["shape"] for t in data["times"]))

    def get(self, shape: str, race: str, tool: str, op: str, kind: str = "real") -> Optional[float]:
        """Return nanoseconds per element, the median."""
        return self.ns.get((shape, race, tool, op, kind))

    def ratio(self, target: Target, label: str) -> Optional[float]:
        """Return how many times the peer's time ours is, of the same race."""
        race = f"{target.reg}/{label}"
        ours = self.get(target.shape, race, target.tool, target.op, target.type)
        theirs = self.get(target.shape, race, target.peer, "sort" if target.peer in SORTS else target.op)
        return ours / theirs if ours and theirs else None


# ---- Tables.


def number(x: Optional[float]) -> str:
    """Write a time with three digits."""
    if x is None:
        return "-"
    return f"{x:.0f}" if x >= 100 else f"{x:.1f}" if x >= 10 else f"{x:.2f}"


def table(head: list[str], rows: list[list[str]], left: int = 1) -> str:
    """Return a table of Markdown; `left` columns are words."""
    lines = [head, ["---"] * left + ["---:"] * (len(head) - left)] + rows
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)


def size(shape: str) -> str:
    return shape.replace("x", " x ")


def rank_table(r: Results, reg: str, op: str, labels: tuple, sorts: bool) -> str:
    """Return the table of soft ranks, or of their derivatives."""
    tools = ["torchsort", "torchpsort"] + (["torchisotonic"] if reg == "l2" and op == "soft_rank" else [])
    columns = [("softsort", op, "real", "softsort real"), ("softsort", op, "float8", "softsort float8")]
    if sorts or op == "soft_rank":
        columns += [(BATCHED, op, "real", "softsort, 2-D")]
    columns += [("floor", "copy", "real", "floor")] + [(t, op, "real", t) for t in tools]
    columns += [(t, "sort", "real", t) for t in SORTS] if sorts else []
    against = [("torchsort", op)] + ([("numpy.argsort", "sort")] if sorts else [])
    head = ["rows x n", "strength"] + [c[3] for c in columns] + [f"softsort / {t}" for t, _ in against]
    lines = []
    for shape in r.shapes:
        for label in labels:
            race = f"{reg}/{label}"
            line = [size(shape), LABELS[label]] + [number(r.get(shape, race, *c[:3])) for c in columns]
            ours = r.get(shape, race, "softsort", op)
            for tool, its in against:
                theirs = r.get(shape, race, tool, its)
                line.append(f"{ours / theirs:.3f}" if ours and theirs else "-")
            lines.append(line)
    return table(head, lines, 2)


def race_table(r: Results, race: str, columns: list[tuple[str, str]]) -> str:
    """Return the table of a race: a column for each tool and operation."""
    return table(
        ["rows x n"] + [tool for tool, _ in columns],
        [[size(s)] + [number(r.get(s, race, *c)) for c in columns] for s in r.shapes],
    )


def tables(r: Results) -> list[tuple[str, str]]:
    """Return all tables: title and text."""
    made = []

    def add(title: str, body: str) -> None:
        made.append((title, body))

    for reg in ("l2", "kl"):
        labels = MANY if reg == "l2" else ALL
        add(f"soft_rank, {reg}", rank_table(r, reg, "soft_rank", labels, True))
        derivative = rank_table(r, reg, "soft_rank_vjp", labels, False)
        add(f"soft_rank_vjp, {reg}; of the others forward + backward", derivative)
    for op in ("soft_rank", "soft_rank_vjp"):
        add(f"{op}, l2, one block: softsort does not sort", rank_table(r, "l2", op, ("one",), False))
    places = [
        (t, "soft_rank") for t in ("softsort", "softsort, INSERT", "torchsort", "client, COPY", "plpython3u")
    ]
    places.append(("plain SQL, hard ranks", "hard ranks"))
    add("soft_rank, l2, half: in and out of the server", race_table(r, "place", places))
    for reg in ("l2", "kl"):
        sorts = [(t, "soft_sort") for t in ("softsort", "torchsort", "torchpsort")]
        add(f"soft_sort, {reg}, half", race_table(r, f"soft_sort/{reg}", sorts))
    add("spearman(a, b)", race_table(r, "spearman", [(t, "spearman") for t in ("softsort", "hyper-corr")]))
    fits = [(t, "isotonic_regression") for t in ("softsort", "scikit-learn", "torchisotonic")]
    add("isotonic_regression", race_table(r, "isotonic", fits))
    return made


def memory_table(r: Results) -> str:
    """Return the table of peak memory."""
    return table(
        ["function", "type", "bytes per element", "at"],
        [
            [f"{m['op']} {m['reg']}", m["type"], f"{m['bytes']:.1f}", LABELS[m["strength"]]]
            for m in r.data["memory"]
        ],
        2,
    )


# ---- Targets.


def judge(r: Results) -> tuple[list[list[str]], list[str]]:
    """Return a line for each target, and the words for those that are missed."""
    lines, missed = [], []
    for t in TARGETS:
        if t.shape not in r.shapes and not r.data["full"]:
            continue
        ratios = {k: r.ratio(t, k) for k in t.labels}
        limit = f"{t.limit:g}" + (f" (stretch {t.stretch:g})" if t.stretch else "")
        if t.peer == "numpy.argsort" and numpy_version(r) < (2, 4):
            ratios = {k: None for k in ratios}
        if None in ratios.values():
            verdict, worst, where = "not tried", "-", "-"
        else:
            where = max(ratios, key=ratios.get)
            verdict = "PASS" if ratios[where] <= t.limit else "MISSED"
            if t.stretch and ratios[where] <= t.stretch:
                verdict += ", stretch too"
            worst, where = f"{ratios[where]:.3f}", LABELS[where]
        lines.append([t.what(), t.against(), limit, worst, where, verdict])
        if not verdict.startswith("PASS"):
            missed.append(
                f"{t.what()}: {worst} of {t.against()}, target {t.limit:g}"
                + (" (not tried)" if worst == "-" else "")
            )
    if LONG in r.shapes or r.data["full"]:
        judge_memory(r, lines, missed)
    return lines, missed


def judge_memory(r: Results, lines: list[list[str]], missed: list[str]) -> None:
    """Add the targets of memory."""
    found = {(m["op"], m["reg"], m["type"]): m for m in r.data["memory"]}
    for op, reg, kind in itertools.product(("soft_rank", "soft_rank_vjp"), ("l2", "kl"), ("real", "float8")):
        what = f"{op} {reg}, 1 x {kind}[1000000]: peak memory above input and output"
        value, where, verdict = "-", "-", "not tried"
        if (op, reg, kind) in found:
            m = found[op, reg, kind]
            value, where = f"{m['bytes']:.1f}", LABELS[m["strength"]]
            verdict = "PASS" if m["bytes"] <= MEMORY_LIMIT else "MISSED"
        lines.append([what, "bytes per element", str(MEMORY_LIMIT), value, where, verdict])
        if verdict != "PASS":
            missed.append(f"{what}: {value} bytes per element, target {MEMORY_LIMIT}")


def numpy_version(r: Results) -> tuple:
    return tuple(map(int, re.findall(r"\d+", r.data["versions"].get("numpy", "0"))[:2]))


def target_table(lines: list[list[str]]) -> str:
    return table(
        ["what", "against", "target, at most", "measured, worst", "at strength", "verdict"], lines, 2
    )


# ---- The machine.


def heading(r: Results) -> str:
    """Return the name of this machine's section: one per processor, and per kernel that was forced."""
    cpu = r.data["cpu"]
    name = cpu.get("Model name", cpu.get("Architecture", "unknown processor"))
    if "CPU family" in cpu:
        name += f", family {cpu['CPU family']}, model {cpu.get('Model', '?')}"
    return name + (f", KERNELS={r.data['forced']}" if r.data["forced"] else "")


def spread(r: Results) -> str:
    """Return by how much the rounds of an item differ, of half and of nine tenths of the items."""
    each = sorted((max(t["ms"]) - min(t["ms"])) / statistics.median(t["ms"]) for t in r.data["times"])
    return f"half of the items below {each[len(each) // 2]:.0%}, nine of ten below {each[len(each) * 9 // 10]:.0%}"


def machine_lines(r: Results) -> list[str]:
    """Return lines about the machine, the versions and the settings."""
    d = r.data
    cpu = d["cpu"]
    flags = cpu.get("Flags", "").split()
    wanted = [f for f in flags if re.match(r"avx|bmi2|sse4_2|asimd|sve|amx", f)]
    caches = ", ".join(f"{k.split(' ')[0]} {v}" for k, v in cpu.items() if re.match(r"L\d", k))
    lines = [
        f"processor: {heading(r)}; {d['cores']} cores; load at the start {d['load']:.2f}",
        f"caches: {caches}",
        f"flags: {' '.join(wanted)}",
        f"kernels of softsort: {d['kernels']}",
        "versions: " + ", ".join(f"{k} {v}" for k, v in d["versions"].items()),
    ]
    if "numpy" in d["features"]:
        found = [f for f in d["features"]["numpy"] if f.startswith(("AVX", "X86", "NEON", "SVE", "ASIMD"))]
        lines.append(f"NumPy finds: {' '.join(found)}")
    if "torch" in d["features"]:
        lines.append(f"torch finds: {d['features']['torch'][0]}")
    scaled = f"; SCALE={d['scale']}" if d["scale"] > 1 else ""
    lines.append(f"date: {d['date']}; medians of {d['rounds']} rounds after one to warm up{scaled}")
    lines.append(f"spread, (largest - smallest) / median of a time: {spread(r)}")
    lines.append(
        "settings: one thread everywhere, jit off, max_parallel_workers_per_gather 0, shared_buffers 1GB"
    )
    for peer, reason in d["skipped"].items():
        lines.append(f"SKIP: peer {peer}: {reason}")
    return lines


def strength_table(r: Results) -> str:
    """Return the strengths that were used."""
    head = ["rows x n", "regularization", "singletons", "half", "in blocks", "one block"]
    head += ["soft_sort, half", "in blocks"]
    rows = []
    for shape, regs in r.data["strengths"].items():
        for reg, s in regs.items():
            line = [f"{s['single']:.3g}", f"{s['half']:.3g}", f"{s['half_fraction']:.0%}", f"{s['one']:.3g}"]
            line += [f"{s['sort']:.3g}", f"{s['sort_fraction']:.0%}"]
            rows.append([size(shape), reg] + line)
    return table(head, rows, 2)


# ---- The page.


def section(r: Results, lines: list[list[str]], images: list[tuple[str, str]]) -> str:
    """Return this machine's section of the page."""
    text = f"## {heading(r)}\n\n" + "".join(f"- {line}\n" for line in machine_lines(r))
    forced = f"KERNELS={r.data['forced']} " if r.data["forced"] else ""
    rounds = f"ROUNDS={r.data['rounds']} " if r.data["rounds"] != 5 else ""
    text += f"- reproduce: `{rounds}{forced}bench/peers`\n\n### Targets\n\n{target_table(lines)}\n"
    for title, path in images:
        text += f"![{title}]({path})\n\n"
    text += "### Times, ns per element\n\n"
    for title, body in tables(r):
        text += f"{title}:\n\n{body}\n"
    text += f"### Peak memory above input and output, n = 1000000\n\n{memory_table(r)}\n"
    text += f"### Strengths used\n\n{strength_table(r)}\n"
    if r.data.get("disagree"):
        head = ["rows x n", "race", "what", "tool", "its", "softsort"]
        body = [
            [size(s), race, f"{op} {reg}".strip(), tool, f"{its:.6g}", f"{ours:.6g}"]
            for s, race, op, reg, tool, its, ours in r.data["disagree"]
        ]
        text += (
            "### Where results differ\n\nMeans of the first elements of all rows, where they differ by more "
        )
        text += f"than 1% of n or of the value:\n\n{table(head, body, 4)}\n"
    return text


def write_page(r: Results, lines: list[list[str]]) -> None:
    """Put this machine's section into the page, in place of an older one."""
    name = heading(r)
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    begin, end = f"<!-- bench/peers: {slug} -->\n", f"<!-- end of {slug} -->\n"
    body = begin + section(r, lines, peers_plots.draw(r, slug, PAGE.with_suffix(""))) + end
    page = PAGE.read_text()
    at = page.find(begin)
    if at < 0:
        page = page.rstrip("\n") + "\n\n" + body
    else:
        page = page[:at] + body + page[page.index(end, at) + len(end) :]
    PAGE.write_text(page)
    print(f"written: {PAGE.relative_to(TOP)}")


def main(path: pathlib.Path) -> int:
    """Print the results; judge and write the page where that is due."""
    r = Results(json.loads(path.read_text()))
    print("\n" + "\n".join(machine_lines(r)) + "\n")
    for title, body in tables(r):
        print(f"{title}: ns per element\n\n{body}")
    if r.data["memory"]:
        print(f"peak memory above input and output\n\n{memory_table(r)}")
    print(f"strengths\n\n{strength_table(r)}")
    lines, missed = judge(r)
    if r.data["scale"] > 1:
        print("SCALE: no target is judged, docs/benchmarks.md stays as it is")
        return 0
    print(target_table(lines))
    if r.data["full"]:
        write_page(r, lines)
    if missed:
        print("\n".join(f"MISSED: {m}" for m in missed))
        return 1
    print("all targets met")
    return 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1])))
