"""Turn the measurements of bench/gpu/run into tables, and verdicts on the targets.

    python bench/gpu/report.py bench OUT     write OUT/bench.md from OUT/times.jsonl
    python bench/gpu/report.py page OUT      put this machine's section, made of OUT/*.md, into docs/benchmarks.md

Exit status: 1 when a target was missed or could not be tried; simulated times are not judged.
"""

import dataclasses
import json
import os
import pathlib
import re
import statistics
import sys
from typing import Optional

TOP = pathlib.Path(__file__).resolve().parents[2]
PAGE = TOP / "docs" / "benchmarks.md"
STAGES = ("build", "parity", "sanitizer", "sql")

LABELS = {"half": "half", "single": "singletons", "one": "one block", "": "-"}
ORDER = ("half", "single", "one")
CUB = ("CUB segmented sort", "CUB radix sort")
# Above this share of rows that are left to the CPU a time of the kernels is not a time of the work.
UNSURE_MOST = 0.02
Shape = tuple[int, int]


@dataclasses.dataclass
class Line:
    """A target of one shape: the worst of some comparisons counts."""

    what: str
    against: str
    limit: float
    faster: bool  # the limit is how many times faster we have to be; else how many times its time ours may be
    ratios: dict[str, Optional[float]]  # ours / theirs

    def judged(self) -> list[str]:
        """Return the cells of the table."""
        known = {k: v for k, v in self.ratios.items() if v is not None}
        limit = f"{self.limit:g} x faster" if self.faster else f"{self.limit:g} x its time"
        if not known:
            return [self.what, self.against, limit, "-", "-", "not tried"]
        where = max(known, key=lambda k: known[k])
        worst = 1 / known[where] if self.faster else known[where]
        met = worst >= self.limit if self.faster else worst <= self.limit
        verdict = "PASS" if met else "MISSED"
        if len(known) < len(self.ratios):
            verdict += f", {len(known)} of {len(self.ratios)} tried"
        measured = f"{worst:.1f} x faster" if self.faster else f"{worst:.3f}"
        return [self.what, self.against, limit, measured, where, verdict]


def wanted(variable: str) -> list[Shape]:
    """Return the shapes of a list in the environment."""
    shapes = (s.split("x") for s in os.environ.get(variable, "").split())
    return [(int(rows), int(n)) for rows, n in shapes]


class Results:
    """What was measured."""

    def __init__(self, path: pathlib.Path) -> None:
        self.machine: dict = {}
        self.versions: dict[str, str] = {}
        self.ms: dict[tuple, float] = {}
        self.lines: dict[tuple, dict] = {}
        self.left_out: dict[tuple[str, str], list[str]] = {}
        self.shapes = wanted("SHAPES")
        self.pairs = wanted("SPEARMAN_SHAPES")
        for text in path.read_text().splitlines():
            try:
                line = json.loads(text)
            except ValueError:  # cut off when its time was up
                continue
            if "machine" in line:
                self.machine |= line["machine"]
            elif "versions" in line:
                self.versions |= line["versions"]
            elif "ms" in line:
                self.add(line)
            else:
                self.leave_out(line)

    def leave_out(self, line: dict) -> None:
        """Note what has no time, together with others of the same reason."""
        verb = "FAILED" if "error" in line else "SKIPPED"
        who = ", ".join(filter(None, (line.get("tool", "?"), f"{line.get('op', '')} {line.get('reg', '')}".strip())))
        where = f"{line['rows']} x {line['n']}" if "rows" in line else ""
        if line.get("strength"):
            where += f" {LABELS[line['strength']]}"
        reason = str(line.get("error", line.get("skip", "?")))
        self.left_out.setdefault((f"{verb}: {who}", reason), []).append(where)

    @property
    def notes(self) -> list[str]:
        """Return the words for all that has no time."""
        said = []
        for (what, reason), where in self.left_out.items():
            places = ", ".join(dict.fromkeys(filter(None, where)))
            said.append(f"{what}: {reason}" + (f": {places}" if places else ""))
        return said

    def add(self, line: dict) -> None:
        shape = (line["rows"], line["n"])
        key = (line["tool"], line["op"], line["reg"], line["strength"], shape)
        self.lines[key] = line
        if line.get("unsure", 0) > UNSURE_MOST:
            reason = f"more than {UNSURE_MOST:.0%} of the rows are left to the CPU, so that the time is not counted"
            self.leave_out(line | {"skip": reason})
        else:
            self.ms[key] = statistics.median(line["ms"])
        shapes = self.pairs if line["op"] == "spearman" else self.shapes
        if shape not in shapes:
            shapes.append(shape)

    def get(self, tool: str, op: str, reg: str, label: str, shape: Shape) -> Optional[float]:
        """Return milliseconds, the median; of the faster of CUB's sorts for "CUB"."""
        if tool == "CUB":
            return min((m for m in (self.ms.get((t, op, reg, label, shape)) for t in CUB) if m), default=None)
        return self.ms.get((tool, op, reg, label, shape))

    def ratio(self, ours: tuple, theirs: tuple) -> Optional[float]:
        a, b = self.get(*ours), self.get(*theirs)
        return a / b if a and b else None

    @property
    def simulated(self) -> bool:
        return bool(self.machine.get("simulated") or os.environ.get("SIMULATED"))


# ---- Targets.


def targets(r: Results) -> list[Line]:
    """Return all targets, with what was measured."""
    lines = []

    def size(shape: Shape) -> str:
        return f"{shape[0]} x {shape[1]}"

    for s in r.shapes:
        limit = 0.5 if s[1] <= 1024 else 1.0
        ratios = {
            LABELS[k]: r.ratio(("softsort", "soft_rank", "l2", k, s), ("torch.sort", "sort", "", "", s))
            for k in ORDER
        }
        lines.append(Line(f"soft_rank l2, {size(s)}", "torch.sort", limit, False, ratios))
    for s in r.shapes:
        ratios = {
            f"{op} {reg}, {LABELS[k]}": r.ratio(("softsort", op, reg, k, s), ("torchsort", op, reg, k, s))
            for op in ("soft_rank", "soft_rank_vjp")
            for reg in ("l2", "kl")
            for k in ORDER
        }
        what = f"soft_rank and soft_rank_vjp, l2 and kl, {size(s)}"
        lines.append(Line(what, "torchsort, CUDA", 30 if s[1] >= 1000 else 10, True, ratios))
    for s in r.shapes:
        op = "isotonic_regression"
        ratios = {
            LABELS[k]: r.ratio(("softsort", op, "", k, s), ("torchisotonic", op, "", k, s)) for k in ORDER
        }
        lines.append(Line(f"isotonic step, {size(s)}", "torchisotonic, exact", 1.0, False, ratios))
    for s in r.shapes:
        ratios = {
            f"{op}, {LABELS[k]}": r.ratio(("softsort", op, "kl", k, s), ("softsort", op, "l2", k, s))
            for op in ("soft_rank", "soft_rank_vjp")
            for k in ORDER
        }
        lines.append(Line(f"soft_rank and soft_rank_vjp kl, {size(s)}", "the same of l2", 1.5, False, ratios))
    for s in r.pairs:
        ratio = r.ratio(("softsort", "spearman", "", "", s), ("cuda-rankic", "spearman", "", "", s))
        lines.append(Line(f"spearman_rows, {size(s)}", "cuda-rankic", 1.0, False, {"-": ratio}))
    return lines


# ---- Tables.


def number(x: Optional[float]) -> str:
    """Write a time with three digits."""
    if x is None:
        return "-"
    return f"{x:.0f}" if x >= 100 else f"{x:.3g}" if x >= 1 else f"{x:.3f}" if x >= 0.1 else f"{x:.4f}"


def table(head: list[str], rows: list[list[str]], left: int = 1) -> str:
    """Return a table of Markdown; `left` columns are words."""
    if not rows:
        return "Nothing was measured.\n"
    lines = [head, ["---"] * left + ["---:"] * (len(head) - left)] + rows
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)


def rank_table(r: Results, op: str, reg: str) -> str:
    """Return the times of soft ranks, or of their derivatives."""
    head = ["rows x n", "strength", "softsort", "ns per element", "torchsort", "torch.sort", "CUB sort", "copy"]
    head += ["torchsort / softsort", "softsort / torch.sort", "softsort / CUB", "rows unsure"]
    rows = []
    for s in r.shapes:
        sort, cub = r.get("torch.sort", "sort", "", "", s), r.get("CUB", "sort", "", "", s)
        copy = r.get("copy", "copy", "", "", s)
        for k in ORDER:
            ours, peer = r.get("softsort", op, reg, k, s), r.get("torchsort", op, reg, k, s)
            cells = [f"{s[0]} x {s[1]}", LABELS[k], number(ours)]
            cells.append(f"{ours * 1e6 / (s[0] * s[1]):.3f}" if ours else "-")
            cells += [number(x) for x in (peer, sort, cub, copy)]
            cells.append(f"{peer / ours:.1f}" if ours and peer else "-")
            cells += [f"{ours / x:.3f}" if ours and x else "-" for x in (sort, cub)]
            unsure = r.lines.get(("softsort", op, reg, k, s), {}).get("unsure")
            if ours is None and peer is None:
                continue
            rows.append(cells + [f"{unsure:.2%}" if unsure is not None else "-"])
    return table(head, rows, 2)


def isotonic_table(r: Results) -> str:
    """Return the times of the isotonic step."""
    op, rows = "isotonic_regression", []
    for s in r.shapes:
        for k in ORDER:
            ours, peer = r.get("softsort", op, "", k, s), r.get("torchisotonic", op, "", k, s)
            if ours is None and peer is None:
                continue
            ratio = f"{ours / peer:.3f}" if ours and peer else "-"
            rows.append([f"{s[0]} x {s[1]}", LABELS[k], number(ours), number(peer), ratio])
    return table(["rows x n", "strength", "softsort", "torchisotonic, exact", "ratio"], rows, 2)


def spearman_table(r: Results) -> str:
    """Return the times of Spearman correlations."""
    rows = []
    for s in r.pairs:
        ours, peer = (r.get(t, "spearman", "", "", s) for t in ("softsort", "cuda-rankic"))
        if ours is None and peer is None:
            continue
        ratio = f"{ours / peer:.3f}" if ours and peer else "-"
        rows.append([f"{s[0]} x {s[1]}", number(ours), number(peer), ratio])
    return table(["rows x n", "softsort", "cuda-rankic", "ratio"], rows)


def host_table(r: Results) -> str:
    """Return the times of whole calls, beside one core of the CPU."""
    head = ["rows x n", "whole call", "of it copies", "of it computing", "slices", "one core", "core / call"]
    rows = []
    for (tool, _op, _reg, _label, s), line in r.lines.items():
        if tool == "softsort, host" and line.get("unsure", 0) <= UNSURE_MOST:
            call = statistics.median(line["ms"])
            core = r.get("core", "soft_rank", "l2", "half", s)
            cells = [f"{s[0]} x {s[1]}"] + [number(x) for x in (call, line["copy_ms"], line["compute_ms"])]
            rows.append(cells + [str(line["slices"]), number(core), f"{core / call:.1f}" if core else "-"])
    return table(head, rows)


def differences(r: Results) -> list[list[str]]:
    """Return where the mean of the first elements is off by more than 1% of n, or of the value."""
    rows = []
    for (tool, op, reg, label, s), line in r.lines.items():
        ours = r.lines.get(("softsort", op, reg, label, s), {}).get("value")
        its = line.get("value")
        if tool == "softsort" or ours is None or its is None:
            continue
        scale = s[1] if op == "soft_rank" else max(1.0 if op != "spearman" else 0.01, abs(ours))
        if not abs(its - ours) <= 0.01 * scale:
            rows.append([f"{s[0]} x {s[1]}", f"{op} {reg}".strip(), LABELS[label], tool, f"{its:.6g}", f"{ours:.6g}"])
    return rows


def bench(out: pathlib.Path) -> int:
    """Write the tables of the benchmark; return 1 when a target was not met."""
    r = Results(out / "times.jsonl")
    m = r.machine
    text, missed = "## Benchmark\n\n", 0
    if m:
        text += f"- device: {m['device']}, capability {m['capability']}, {m['memory'] / 2**30:.0f} GiB, L2 {m['L2'] / 2**20:.0f} MiB\n"
    if r.versions:
        text += "- versions: " + ", ".join(f"{k} {v}" for k, v in r.versions.items()) + "\n"
    text += "- medians, in ms; inputs and outputs in the memory of the device, in sets that rotate, more than twice its L2\n"
    text += "".join(f"- {n}\n" for n in r.notes)
    lines = [line.judged() for line in targets(r)]
    if r.simulated:
        text += "\n**Simulated**: kernels ran on the CPU. Times mean nothing, and no target is judged.\n"
    elif lines:
        head = ["what", "against", "target", "measured, worst", "at", "verdict"]
        missed = sum(not line[-1].startswith("PASS") for line in lines)
        text += f"\n{len(lines) - missed} of {len(lines)} targets met\n\n### Targets\n\n{table(head, lines, 2)}"
    for op in ("soft_rank", "soft_rank_vjp"):
        for reg in ("l2", "kl"):
            more = ", of torchsort forward and backward" if op == "soft_rank_vjp" else ""
            text += f"\n### {op}, {reg}{more}\n\n{rank_table(r, op, reg)}"
    text += f"\n### The isotonic step of a soft rank\n\n{isotonic_table(r)}"
    text += f"\n### spearman_rows\n\n{spearman_table(r)}"
    text += f"\n### soft_rank l2, half, from and to the memory of the host\n\n{host_table(r)}"
    rows = differences(r)
    if rows:
        head = ["rows x n", "what", "strength", "tool", "its", "softsort"]
        text += "\n### Where results differ\n\nMeans of the first elements of all rows, where they differ by more "
        text += f"than 1% of n or of the value:\n\n{table(head, rows, 4)}"
    new = out / "bench.md.new"
    new.write_text(text)
    os.replace(new, out / "bench.md")
    return 1 if missed else 0


# ---- The page.


def page(out: pathlib.Path) -> int:
    """Put this machine's section into docs/benchmarks.md, in place of an older one."""
    r = Results(out / "times.jsonl")
    if r.simulated or not r.machine:
        print("report.py: simulated times, or none, do not go into the documentation", file=sys.stderr)
        return 1
    name = r.machine["device"]
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    begin, end = f"<!-- bench/gpu: {slug} -->\n", f"<!-- end of {slug} -->\n"
    body = f"{begin}## {name}\n\n"
    for stage in ("summary",) + STAGES + ("bench",):
        path = out / f"{stage}.md"
        if path.exists():
            body += re.sub(r"^(#+ )", r"#\1", path.read_text(), flags=re.M).rstrip("\n") + "\n\n"
    body += end
    text = PAGE.read_text()
    at = text.find(begin)
    if at < 0:
        text = text.rstrip("\n") + "\n\n" + body
    else:
        text = text[:at] + body + text[text.index(end, at) + len(end) :]
    PAGE.write_text(text)
    print(f"{PAGE.relative_to(TOP)}: {name}")
    return 0


if __name__ == "__main__":
    sys.exit({"bench": bench, "page": page}[sys.argv[1]](pathlib.Path(sys.argv[2])))
