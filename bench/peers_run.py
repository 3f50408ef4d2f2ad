"""Run the rounds of bench/peers on the server of PGHOST, and hand the results to peers_report.py.

    python bench/peers_run.py VENV VENV-OF-TORCHPSORT SKIPPED

SKIPPED is a file of lines "peer TAB reason".  Other input, output and exit status: see bench/peers.

A race is a list of items that are compared with each other; each round runs all of them, one after
the other.  An item runs in a session that stays: psql, whose \\timing says how long a statement
took, or a process of peers_python.py.  Round 0 warms up and is not counted.
"""

import dataclasses
import datetime
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
from typing import Any, Optional

import peers_report
from peers_sessions import WORK, Failed, Peer, Psql, resident

SHAPES = "100000x10 100000x100 1000x1000 10x100000 1x1000000"
TYPES = {"real": "real", "float8": "double precision"}
SLOW_ELEMENTS = 1_000_000  # PL/Python and plain SQL get rows for that many elements at most
SLOW_ROWS = 10_000  # and that many rows; so do peers that are called row by row
BY_ROW = ("hyper-corr", "scikit-learn")
BATCH_ROWS = 1000  # lists in a value of two dimensions
BATCH_LENGTH = 48  # up to which short rows go together (docs/architecture.md)
PEERS = ("numpy", "torch", "torchsort", "torchpsort", "torchisotonic", "copy") + BY_ROW
BYTES = {"real": 4, "float8": 8}


@dataclasses.dataclass
class Item:
    """What one tool does in a race: an SQL statement, or an operation of a peer."""

    tool: str
    op: str
    type: str
    elements: int  # by which its time is divided
    reg: str = ""
    strength: str = ""
    sql: str = ""
    before: str = ""  # a statement that is not timed
    peer: str = ""
    peer_op: str = ""
    peer_strength: float = 0.0
    value: Optional[float] = None  # what the peer computed
    failed: bool = False
    ms: list[float] = dataclasses.field(default_factory=list)


class Bench:
    """The sessions, and what has been measured."""

    def __init__(self, venv: pathlib.Path, psort_venv: pathlib.Path, skipped: pathlib.Path) -> None:
        self.rounds = int(os.environ.get("ROUNDS", "5"))
        self.scale = int(os.environ.get("SCALE", "1"))
        self.wanted = os.environ.get("SHAPES", SHAPES).split()
        with_peers = os.environ.get("PEERS", "yes") != "no"
        # One that may replace the numbers of the page.
        self.full = with_peers and self.scale == 1 and self.rounds >= 3 and self.wanted == SHAPES.split()
        self.venv = venv
        self.skipped = dict(line.split("\t") for line in skipped.read_text().splitlines())
        self.sql = Psql()
        self.sql.run("CREATE EXTENSION softsort")
        self.peers: dict[str, Peer] = {}
        self.result: dict = {"versions": {}, "features": {}, "strengths": {}, "times": [], "memory": []}
        self.start_functions()
        if with_peers and venv.is_dir():
            for name in PEERS:
                self.start_peer(name, (psort_venv if name == "torchpsort" else venv) / "bin" / "python")

    def skip(self, peer: str, reason: str) -> None:
        """Say that a peer takes no part; the first reason, of its installation, is the best."""
        if peer not in self.skipped:
            self.skipped[peer] = reason
            print(f"SKIP: peer {peer}: {reason}", flush=True)

    def start_functions(self) -> None:
        """Make the functions of the server that are compared: the floor, and PL/Python."""
        self.plpython = None
        try:
            for kind in TYPES.values():
                self.sql.run(
                    f"CREATE FUNCTION copy_array({kind}[]) RETURNS {kind}[] LANGUAGE C IMMUTABLE STRICT "
                    "PARALLEL SAFE AS '$libdir/softsort_bench_floor', 'copy_array'"
                )
            self.floor = True
        except Failed as e:
            self.floor = False
            self.skip("floor", str(e))
        if "plpython3u" in self.skipped or not self.venv.is_dir() or os.environ.get("PEERS", "yes") == "no":
            return
        try:
            packages = next(self.venv.glob("lib/python3*/site-packages"))
            self.sql.run(f"""CREATE EXTENSION plpython3u;
                CREATE FUNCTION torchsort_rank(a real[], regularization text, strength float8) RETURNS real[]
                LANGUAGE plpython3u IMMUTABLE AS $$
                    if "rank" not in SD:
                        import sys
                        sys.path.insert(0, '{packages}')
                        import torch, torchsort
                        torch.set_num_threads(1)
                        SD["rank"] = lambda a, r, s: torchsort.soft_rank(torch.tensor([a]), r, s)[0].tolist()
                    return SD["rank"](a, regularization, strength)
                $$""")
            session = Psql()
            session.run("SELECT torchsort_rank('{3,1,2}', 'l2', 1)")
            self.plpython = session
        except (Failed, StopIteration) as e:
            self.skip("plpython3u", str(e) or "no site-packages")

    def start_peer(self, name: str, python: pathlib.Path) -> None:
        """Start the process of a peer and see that it works."""
        try:
            peer = Peer(name, python)
            hello = peer.ask(do="hello")
        except (Failed, OSError) as e:
            self.skip(peers_report.PEER_NAMES.get(name, name), str(e))
            return
        self.peers[name] = peer
        python_version = hello["versions"].pop("Python")
        self.result["versions"].update(hello["versions"])
        self.result["versions"]["Python" if name != "torchpsort" else "Python (torchpsort)"] = python_version
        self.result["features"][name] = hello["features"]

    # ---- Rows.

    def make_tables(self, rows: int, n: int) -> None:
        """Make the tables real_one (a), real_two (a, b), the same of float8, few (a) and result.

        Every row is another draw from N(0,1); a has no ties in real: 10% more values than needed are drawn,
        and of equal ones one is kept.  The values of float8 are those of real before rounding."""
        self.sql.run(
            "DROP TABLE IF EXISTS drawn, real_one, real_two, float8_one, float8_two, few, result;"
            "SELECT setseed(0.5)"
        )
        draw = "sqrt(-2 * ln(1 - random())) * cos(2 * pi() * random())"
        a = f"""(SELECT array_agg(v) FROM (SELECT min(v) AS v
            FROM (SELECT {draw} AS v FROM generate_series(1, {n + n // 10 + 10} + 0 * i)) AS d
            GROUP BY v::real ORDER BY random() LIMIT {n}) AS s)"""
        b = f"(SELECT array_agg({draw}) FROM generate_series(1, {n} + 0 * i))"
        self.sql.run(
            f"CREATE UNLOGGED TABLE drawn AS SELECT {a} AS a, {b} AS b FROM generate_series(1, {rows}) AS i"
        )
        few = max(1, min(rows, SLOW_ROWS, SLOW_ELEMENTS // n))
        self.sql.run(f"""CREATE UNLOGGED TABLE real_one AS SELECT a::real[] FROM drawn;
            CREATE UNLOGGED TABLE real_two AS SELECT a::real[], b::real[] FROM drawn;
            CREATE UNLOGGED TABLE float8_one AS SELECT a FROM drawn;
            ALTER TABLE drawn RENAME TO float8_two;
            CREATE UNLOGGED TABLE few AS SELECT a FROM real_one LIMIT {few};
            CREATE UNLOGGED TABLE result (a real[])""")
        for table in ("real_one", "real_two", "float8_one", "float8_two", "few"):
            self.sql.run(f"VACUUM ANALYZE {table}")
        self.few = few * n
        self.sql.run("DROP TABLE IF EXISTS real_batch")
        if n <= BATCH_LENGTH:
            self.sql.run(f"""CREATE UNLOGGED TABLE real_batch AS SELECT array_agg(a) AS a
                FROM (SELECT a, (row_number() OVER () - 1) / {BATCH_ROWS} AS batch FROM real_one) AS t
                GROUP BY batch""")
            self.sql.run("VACUUM ANALYZE real_batch")

    def load_peers(self, rows: int, n: int) -> None:
        """Give the rows to the peers."""
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "rows")
            subprocess.run(["psql", "-Xqc", f"\\copy real_two TO '{path}' (FORMAT binary)"], check=True)
            for name, peer in list(self.peers.items()):
                few = min(rows, SLOW_ROWS) if name in BY_ROW else rows
                try:
                    peer.ask(do="load", path=path, n=n, rows=few, table="real_one")
                except Failed as e:
                    self.skip(peers_report.PEER_NAMES.get(name, name), f"from {rows} x {n} on: {e}")
                    del self.peers[name]

    # ---- Strengths.

    def softened(self, op: str, reg: str, strength: float) -> float:
        """Return the fraction of elements in blocks of two or more, of a sample of rows."""
        # The rank of an element that stands alone is hard, an integer; its sorted value is itself.
        hard = "round(v)" if op == "soft_rank" else "h"
        return float(self.sql.value(f"""SELECT avg((v <> {hard})::int) FROM
            (SELECT a FROM float8_one LIMIT {max(1, 100_000 // self.n)}) AS t,
            unnest({op}(a, '{reg}', {strength!r}), {op}(a, '{reg}', 0)) AS u (v, h)"""))

    def half(self, op: str, reg: str, low: float, high: float) -> tuple[float, float]:
        """Find a strength at which about half of the elements are in blocks, by bisection of its logarithm."""
        strength, fraction = low, 0.0
        for _ in range(40):
            strength = (low * high) ** 0.5
            fraction = self.softened(op, reg, strength)
            if 0.48 <= fraction <= 0.52:
                break
            low, high = (strength, high) if fraction < 0.5 else (low, strength)
        return strength, fraction

    def find_strengths(self, shape: str) -> None:
        """Find the strengths of this shape."""
        self.strengths = {}
        for reg in ("l2", "kl"):
            low, high = map(
                float,
                self.sql.value(f"""SELECT min(r.strength_min), max(r.strength_max)
                FROM float8_one, soft_rank_strength_range(a, '{reg}') AS r""").split("|"),
            )
            half, fraction = self.half("soft_rank", reg, low, high)
            sort_half, sort_fraction = self.half("soft_sort", reg, 1e-9, 1e9)
            self.strengths[reg] = {
                "one": 2 * high,
                "half": half,
                "single": low / 2,
                "sort": sort_half,
                "half_fraction": fraction,
                "sort_fraction": sort_fraction,
            }
        self.result["strengths"][shape] = self.strengths

    # ---- Races.

    def race(self, shape: str, name: str, items: list[Item]) -> None:
        """Run the items in turn, round by round, and keep their times."""
        self.progress(shape, name)
        for r in range(self.rounds + 1):
            for item in items:
                if item.failed:
                    continue
                try:
                    ms = self.run_item(item)
                except Failed as e:
                    if item.tool.startswith("softsort"):
                        raise
                    item.failed = True
                    print(f"SKIP: peer {item.tool}, {shape}, {name}: {e}", flush=True)
                else:
                    item.ms += [ms] if r else []
        self.agree(shape, name, items)
        kept = ("tool", "op", "type", "elements", "reg", "strength", "ms")
        for item in items:
            if not item.failed:
                result = {"shape": shape, "race": name} | {k: getattr(item, k) for k in kept}
                self.result["times"].append(result)

    def run_item(self, item: Item) -> float:
        """Run an item once and return milliseconds."""
        if item.before:
            self.sql.run(item.before)
        if not item.peer:
            session = self.plpython if item.tool == "plpython3u" else self.sql
            return session.run(item.sql)[0]
        command = {"op": item.peer_op, "reg": item.reg or "l2", "strength": item.peer_strength}
        answer = self.peers[item.peer].ask(do="time", **command)
        item.value = answer["value"]
        return answer["ms"]

    def agree(self, shape: str, name: str, items: list[Item]) -> None:
        """Say where the mean of the first column differs from ours, by more than float32 explains."""
        ours = {(i.op, i.reg): i for i in items if i.tool == "softsort" and i.type == "real"}
        for item in items:
            us = ours.get((item.op, item.reg))
            if item.value is None or item.failed or us is None:
                continue
            call, table = re.fullmatch(r"SELECT count\((.*)\) FROM (\w+)", us.sql).groups()
            first = call if item.op == "spearman" else f"({call})[1]"
            rows = f"(SELECT * FROM {table} LIMIT {item.elements // self.n}) AS t"
            expected = float(self.sql.value(f"SELECT avg({first}) FROM {rows}"))
            # Ranks go up to n.
            scale = self.n if item.op == "soft_rank" else max(1.0, abs(expected))
            if not abs(item.value - expected) <= 0.01 * scale:
                what = [shape, name, item.op, item.reg, item.tool, item.value, expected]
                self.result.setdefault("disagree", []).append(what)
                print("NOTE: results differ:", *what, flush=True)

    def in_sql(self, tool: str, op: str, sql: str, kind: str = "real", **more: Any) -> Item:
        """Return an item that is a statement."""
        return Item(tool, op, kind, **({"elements": self.elements, "sql": sql} | more))

    def ours(self, op: str, reg: str, label: str, kind: str = "real") -> Item:
        """Return an item of our own: count() has the function called for each row, and one number returned."""
        table, arguments = (f"{kind}_two", "a, b") if op == "soft_rank_vjp" else (f"{kind}_one", "a")
        call = f"{op}({arguments}, '{reg}', {self.strengths[reg][label]!r})"
        return self.in_sql(
            "softsort", op, f"SELECT count({call}) FROM {table}", kind, reg=reg, strength=label
        )

    def batched(self, op: str, reg: str, label: str) -> list[Item]:
        """Return an item of our own for the same rows in values of two dimensions, where they are short."""
        if self.n > BATCH_LENGTH:
            return []
        call = f"{op}(a, '{reg}', {self.strengths[reg][label]!r})"
        sql = f"SELECT count({call}) FROM real_batch"
        return [self.in_sql("softsort, 2-D", op, sql, reg=reg, strength=label)]

    def theirs(self, peer: str, does: str, reg: str = "", label: str = "", **more: Any) -> list[Item]:
        """Return an item for what a peer does, or nothing where it takes no part."""
        if peer not in self.peers:
            return []
        elements = min(self.elements, SLOW_ROWS * self.n) if peer in BY_ROW else self.elements
        fields: dict[str, Any] = {"tool": peer, "op": does, "type": "real", "elements": elements}
        fields |= {"reg": reg, "strength": label, "peer": peer, "peer_op": does}
        strength = self.strengths[reg][label] if label else 0.0
        return [Item(**(fields | more), peer_strength=strength)]

    def strength_races(self, shape: str) -> None:
        """Soft ranks and their derivatives, at every strength, against libraries and sorts."""
        for label in ("half", "single", "one"):
            for reg in ("l2", "kl"):
                items = []
                for op in ("soft_rank", "soft_rank_vjp"):
                    items += [self.ours(op, reg, label, kind) for kind in TYPES]
                    for peer in ("torchsort", "torchpsort"):
                        items += self.theirs(peer, op, reg, label)
                items += self.batched("soft_rank", reg, label)
                if reg == "l2":
                    items += self.theirs("torchisotonic", "soft_rank", reg, label)
                items += self.theirs("torch", "sort", tool="torch.sort")
                items += self.theirs("numpy", "sort", tool="numpy.sort")
                items += self.theirs("numpy", "argsort", tool="numpy.argsort", op="sort")
                for kind in TYPES if self.floor else []:
                    copied = f"SELECT count(copy_array(a)) FROM {kind}_one"
                    items.append(self.in_sql("floor", "copy", copied, kind))
                self.race(shape, f"{reg}/{label}", items)

    def place_race(self, shape: str) -> None:
        """Ranks where the rows are: what has to be done to get them from and into a table."""
        call = f"(a, 'l2', {self.strengths['l2']['half']!r})"
        soft = {"reg": "l2", "strength": "half"}
        empty = {"before": "TRUNCATE result"}
        few = {"elements": self.few}
        insert = f"INSERT INTO result SELECT soft_rank{call} FROM real_one"
        python = f"SELECT count(torchsort_rank{call}) FROM few"
        hard = """SELECT count((SELECT array_agg(r ORDER BY i) FROM (SELECT i, rank() OVER (ORDER BY v) AS r
            FROM unnest(a) WITH ORDINALITY AS u (v, i)) AS s)) FROM few"""
        items = [self.ours("soft_rank", "l2", "half")]
        items.append(self.in_sql("softsort, INSERT", "soft_rank", insert, **soft, **empty))
        items += self.theirs("torchsort", "soft_rank", "l2", "half")
        items += self.theirs("copy", "soft_rank", "l2", "half", tool="client, COPY", **empty)
        if self.plpython:
            items.append(self.in_sql("plpython3u", "soft_rank", python, **soft, **few))
        items.append(self.in_sql("plain SQL, hard ranks", "hard ranks", hard, **few))
        self.race(shape, "place", items)

    def other_races(self, shape: str) -> None:
        """soft_sort, spearman, isotonic_regression."""
        for reg in ("l2", "kl"):
            items = [self.ours("soft_sort", reg, "sort")]
            for peer in ("torchsort", "torchpsort"):
                items += self.theirs(peer, "soft_sort", reg, "sort")
            self.race(shape, f"soft_sort/{reg}", items)
        ours = self.in_sql("softsort", "spearman", "SELECT count(spearman(a, b)) FROM real_two")
        self.race(shape, "spearman", [ours] + self.theirs("hyper-corr", "spearman"))
        op = "isotonic_regression"
        items = [self.in_sql("softsort", op, f"SELECT count({op}(a)) FROM real_one")]
        self.race(
            shape, "isotonic", items + self.theirs("scikit-learn", op) + self.theirs("torchisotonic", op)
        )

    def progress(self, shape: str, what: str) -> None:
        print(f"{datetime.datetime.now():%H:%M:%S} {shape}: {what}", file=sys.stderr, flush=True)

    # ---- Memory.

    def memory(self, op: str, reg: str, kind: str) -> None:
        """Measure the peak of a fresh backend above input and output, in bytes per element.

        The pages of shared memory that the call reads count as resident from their first use: they are read
        before, in a way that takes no memory of its own.  The largest of three strengths counts."""
        peaks = {}
        for label in ("half", "single", "one"):
            item = self.ours(op, reg, label, kind)
            table = item.sql.rsplit(" ", 1)[1]
            session = Psql()
            pid = int(session.value("SELECT pg_backend_pid()"))
            toast = session.value(
                f"SELECT reltoastrelid::regclass FROM pg_class WHERE oid = '{table}'::regclass"
            )
            session.run(f"SELECT count(chunk_data) FROM {toast}; SELECT * FROM softsort_version()")
            session.run(
                item.sql.replace(
                    f"FROM {table}",
                    "FROM (SELECT '{3,1,2}'::%s[] AS a, '{1,2,3}'::%s[] AS b) AS t" % ((TYPES[kind],) * 2),
                )
            )
            before = resident(pid)["VmRSS"]
            try:
                pathlib.Path(f"/proc/{pid}/clear_refs").write_text("5")
            except OSError:
                pass  # the mark is that of the whole session, which was small
            session.run(item.sql)
            peaks[label] = (resident(pid)["VmHWM"] - before) * 1024 / self.n
            session.close()
        arrays = 3 if op == "soft_rank_vjp" else 2
        label = max(peaks, key=lambda k: peaks[k])
        self.result["memory"].append(
            {
                "op": op,
                "reg": reg,
                "type": kind,
                "n": self.n,
                "strength": label,
                "bytes": peaks[label] - arrays * BYTES[kind],
                "peaks": peaks,
            }
        )

    # ---- All of it.

    def kernels(self) -> str:
        """Return the kernels that the server uses."""
        return self.sql.value("LOAD 'softsort'; SHOW softsort.kernels_status")

    def machine(self) -> None:
        """Note the machine and the versions."""
        cpu = {}
        for line in subprocess.run(
            ["lscpu"], capture_output=True, text=True, env=os.environ | {"LC_ALL": "C"}
        ).stdout.splitlines():
            key, _, value = line.partition(":")
            cpu[key.strip()] = value.strip()
        compiler = subprocess.run(["gcc", "--version"], capture_output=True, text=True).stdout.splitlines()
        self.result["versions"] |= {
            "PostgreSQL": self.sql.value("SHOW server_version"),
            "softsort": self.sql.value("SELECT softsort_version()"),
            "compiler": compiler[0] if compiler else "unknown",
        }
        self.result |= {
            "cpu": cpu,
            "cores": os.cpu_count(),
            "load": os.getloadavg()[0],
            "forced": os.environ.get("KERNELS", ""),
            "kernels": self.kernels(),
            "date": f"{datetime.datetime.now(datetime.timezone.utc):%F %H:%M} UTC",
            "rounds": self.rounds,
            "scale": self.scale,
            "full": self.full,
            "skipped": self.skipped,
        }

    def run(self) -> None:
        """Measure all shapes."""
        self.machine()
        for shape in self.wanted:
            rows, n = map(int, shape.split("x"))
            rows = max(1, rows // self.scale)
            self.n, self.elements = n, rows * n
            self.progress(shape, "making the tables")
            self.make_tables(rows, n)
            self.load_peers(rows, n)
            self.find_strengths(shape)
            self.strength_races(shape)
            self.place_race(shape)
            self.other_races(shape)
            if rows == 1 and n == 1_000_000:
                self.progress(shape, "memory")
                for op in ("soft_rank", "soft_rank_vjp"):
                    for reg in ("l2", "kl"):
                        for kind in TYPES:
                            self.memory(op, reg, kind)


def main() -> int:
    bench = Bench(*map(pathlib.Path, sys.argv[1:4]))
    bench.run()
    path = WORK / "peers.json"
    path.write_text(json.dumps(bench.result, indent=1))
    return peers_report.main(path)


if __name__ == "__main__":
    sys.exit(main())
