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
import subprocess
import sys
import tempfile
from typing import Optional

import peers_report

SHAPES = "100000x10 100000x100 1000x1000 10x100000 1x1000000"
TOP = pathlib.Path(__file__).resolve().parents[1]
WORK = TOP / "build" / "bench"
SETTINGS = "SET jit = off; SET max_parallel_workers_per_gather = 0; SET work_mem = '1GB'; SET client_min_messages = warning"
TYPES = {"real": "real", "float8": "double precision"}
SLOW_ELEMENTS = 1_000_000  # PL/Python and plain SQL get rows for that many elements at most
SLOW_ROWS = 10_000  # and that many rows; so do peers that are called row by row
BY_ROW = ("hyper-corr", "scikit-learn")
BYTES = {"real": 4, "float8": 8}


class Failed(Exception):
    """A statement or a command of a peer failed."""


class Psql:
    """A session of psql."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(["psql", "-XqAt"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT, text=True, bufsize=1)
        self.run(SETTINGS)
        self.run("\\timing on")

    def run(self, sql: str) -> tuple[float, list[str]]:
        """Run statements: milliseconds of the last one, and the lines that they print."""
        self.process.stdin.write(sql + "\n;\\echo =end\n")
        self.process.stdin.flush()
        ms, lines = 0.0, []
        for line in self.process.stdout:
            line = line.rstrip("\n")
            if line == "=end":
                break
            if line.startswith("Time: "):
                ms = float(line.split()[1])
            elif line:
                lines.append(line)
        else:
            raise Failed("the session of psql ended")
        for line in lines:
            if line.startswith(("ERROR:", "FATAL:")):
                raise Failed(line)
        return ms, lines

    def value(self, sql: str) -> str:
        """Run statements and return the last line that they print."""
        return self.run(sql)[1][-1]

    def close(self) -> None:
        self.process.stdin.close()
        self.process.wait()


class Peer:
    """A process of peers_python.py."""

    def __init__(self, name: str, python: pathlib.Path) -> None:
        log = open(WORK / f"peers-{name}.log", "w")
        self.process = subprocess.Popen([python, TOP / "bench" / "peers_python.py", name], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=log, text=True, bufsize=1)

    def ask(self, **command) -> dict:
        """Send a command and return the answer."""
        try:
            self.process.stdin.write(json.dumps(command) + "\n")
            self.process.stdin.flush()
            line = self.process.stdout.readline()
        except OSError:
            line = ""
        answer = json.loads(line) if line else {"error": f"ended, status {self.process.wait()}"}
        if "error" in answer:
            raise Failed(answer["error"])
        return answer


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
    value: Optional[float] = None
    ms: list[float] = dataclasses.field(default_factory=list)


class Bench:
    """The sessions, and what has been measured."""

    def __init__(self, venv: pathlib.Path, psort_venv: pathlib.Path, skipped: pathlib.Path) -> None:
        self.rounds = int(os.environ.get("ROUNDS", "5"))
        self.scale = int(os.environ.get("SCALE", "1"))
        self.wanted = os.environ.get("SHAPES", SHAPES).split()
        self.full = self.scale == 1 and self.wanted == SHAPES.split() and os.environ.get("PEERS", "yes") != "no"
        self.venv = venv
        self.skipped = dict(line.split("\t") for line in skipped.read_text().splitlines())
        self.sql = Psql()
        self.sql.run("CREATE EXTENSION softsort")
        self.peers: dict[str, Peer] = {}
        self.result: dict = {"versions": {}, "features": {}, "strengths": {}, "times": [], "memory": []}
        self.start_functions()
        if os.environ.get("PEERS", "yes") != "no" and venv.is_dir():
            for name in ("numpy", "torch", "torchsort", "torchpsort", "torchisotonic", "hyper-corr", "scikit-learn", "copy"):
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
                self.sql.run(f"CREATE FUNCTION copy_array({kind}[]) RETURNS {kind}[] LANGUAGE C IMMUTABLE STRICT "
                             "PARALLEL SAFE AS '$libdir/softsort_bench_floor', 'copy_array'")
            self.floor = True
        except Failed as e:
            self.floor = False
            self.skip("floor", str(e))
        if "plpython3u" in self.skipped or "torchsort" in self.skipped or not self.venv.is_dir():
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
        self.sql.run("DROP TABLE IF EXISTS drawn, real_one, real_two, float8_one, float8_two, few, result; SELECT setseed(0.5)")
        draw = "sqrt(-2 * ln(1 - random())) * cos(2 * pi() * random())"
        a = f"""(SELECT array_agg(v) FROM (SELECT min(v) AS v
            FROM (SELECT {draw} AS v FROM generate_series(1, {n + n // 10 + 10} + 0 * i)) AS d
            GROUP BY v::real ORDER BY random() LIMIT {n}) AS s)"""
        b = f"(SELECT array_agg({draw}) FROM generate_series(1, {n} + 0 * i))"
        self.sql.run(f"CREATE UNLOGGED TABLE drawn AS SELECT {a} AS a, {b} AS b FROM generate_series(1, {rows}) AS i")
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

    def load_peers(self, rows: int, n: int) -> None:
        """Give the rows to the peers."""
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "rows")
            subprocess.run(["psql", "-Xqc", f"\\copy real_two TO '{path}' (FORMAT binary)"], check=True)
            for name, peer in self.peers.items():
                peer.ask(do="load", path=path, n=n, rows=min(rows, SLOW_ROWS) if name in BY_ROW else rows, table="real_one")

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
            low, high = map(float, self.sql.value(f"""SELECT min(r.strength_min), max(r.strength_max)
                FROM float8_one, soft_rank_strength_range(a, '{reg}') AS r""").split("|"))
            half, fraction = self.half("soft_rank", reg, low, high)
            sort_half, sort_fraction = self.half("soft_sort", reg, 1e-9, 1e9)
            self.strengths[reg] = {"one": 2 * high, "half": half, "single": low / 2, "sort": sort_half,
                                   "half_fraction": fraction, "sort_fraction": sort_fraction}
        self.result["strengths"][shape] = self.strengths

    # ---- Races.

    def race(self, shape: str, name: str, items: list[Item]) -> None:
        """Run the items in turn, round by round."""
        running = list(items)
        for r in range(self.rounds + 1):
            for item in list(running):
                try:
                    if item.peer:
                        if item.before:
                            self.sql.run(item.before)
                        answer = self.peers[item.peer].ask(do="time", op=item.peer_op, reg=item.reg or "l2", strength=item.peer_strength)
                        ms, item.value = answer["ms"], answer["value"]
                    else:
                        session = self.plpython if item.tool == "plpython3u" else self.sql
                        if item.before:
                            session.run(item.before)
                        ms, _ = session.run(item.sql)
                except Failed as e:
                    if item.tool.startswith("softsort"):
                        raise
                    print(f"SKIP: peer {item.tool}, {item.op} {item.reg}, {shape}, {name}: {e}", flush=True)
                    running.remove(item)
                    item.ms = []
                    continue
                if r:
                    item.ms.append(ms)
        self.agree(shape, name, items)
        for item in items:
            if item.ms:
                kept = ("tool", "op", "type", "elements", "reg", "strength", "ms")
                self.result["times"].append({"shape": shape, "race": name} | {k: getattr(item, k) for k in kept})

    def agree(self, shape: str, name: str, items: list[Item]) -> None:
        """Say where the mean of the first column differs from ours, by more than float32 explains."""
        for item in items:
            ours = next((i for i in items if i.tool == "softsort" and i.type == "real" and i.op == item.op
                         and i.reg == item.reg and i.sql), None)
            if item.value is None or ours is None or item.op == "sort":
                continue
            statement = ours.sql.replace("count(", "avg((", 1)
            at = statement.rindex(") FROM")
            statement = statement[:at] + ")[1]" + statement[at:] if item.op != "spearman" else ours.sql.replace("count(", "avg(", 1)
            if item.elements < ours.elements:
                table = statement.rsplit(" ", 1)[1]
                statement = statement.replace(f"FROM {table}", f"FROM (SELECT * FROM {table} LIMIT {item.elements // self.n}) AS t")
            expected = float(self.sql.value(statement))
            # Ranks go up to n; other results are about 1.
            scale = self.n if item.op == "soft_rank" else max(1.0, abs(expected))
            if not abs(item.value - expected) <= 0.01 * scale:
                print(f"NOTE: {shape}, {name}: {item.op} {item.reg}: {item.tool} gives {item.value:.6g}, softsort {expected:.6g}", flush=True)
                self.result.setdefault("disagree", []).append([shape, name, item.op, item.reg, item.tool, item.value, expected])

    def ours(self, op: str, reg: str, label: str, kind: str, strength: Optional[float] = None) -> Item:
        """Return an item of our own: count() has the function called for each row and returns one number."""
        s = self.strengths[reg][label] if strength is None else strength
        table, arguments = (f"{kind}_two", "a, b") if op == "soft_rank_vjp" else (f"{kind}_one", "a")
        return Item("softsort", op, kind, self.elements, reg, label, f"SELECT count({op}({arguments}, '{reg}', {s!r})) FROM {table}")

    def theirs(self, peer: str, op: str, reg: str = "", label: str = "", name: str = "", as_op: str = "") -> list[Item]:
        """Return an item of a peer, or nothing where it takes no part."""
        if peer not in self.peers:
            return []
        s = self.strengths[reg][label] if label else 0.0
        elements = min(self.elements, SLOW_ROWS * self.n) if peer in BY_ROW else self.elements
        return [Item(name or peer, as_op or op, "real", elements, reg, label, peer=peer, peer_op=op, peer_strength=s)]

    def strength_races(self, shape: str) -> None:
        """Soft ranks and their derivatives, at every strength, against libraries and sorts."""
        for label in ("half", "single", "one"):
            for reg in ("l2", "kl"):
                items = [self.ours(op, reg, label, kind) for op in ("soft_rank", "soft_rank_vjp") for kind in TYPES]
                for op in ("soft_rank", "soft_rank_vjp"):
                    items += self.theirs("torchsort", op, reg, label) + self.theirs("torchpsort", op, reg, label)
                if reg == "l2":
                    items += self.theirs("torchisotonic", "soft_rank", reg, label)
                items += self.theirs("torch", "sort", name="torch.sort")
                items += self.theirs("numpy", "sort", name="numpy.sort")
                items += self.theirs("numpy", "argsort", name="numpy.argsort", as_op="sort")
                if self.floor:
                    items += [Item("floor", "copy", kind, self.elements, sql=f"SELECT count(copy_array(a)) FROM {kind}_one") for kind in TYPES]
                self.progress(shape, f"{reg}, {label}")
                self.race(shape, f"{reg}/{label}", items)

    def place_races(self, shape: str) -> None:
        """Ranks where the rows are: what has to be done to get them from and into a table."""
        s = self.strengths["l2"]["half"]
        rank = f"soft_rank(a, 'l2', {s!r})"
        items = [self.ours("soft_rank", "l2", "half", "real"),
                 Item("softsort, INSERT", "soft_rank", "real", self.elements, "l2", "half",
                      f"INSERT INTO result SELECT {rank} FROM real_one", before="TRUNCATE result")]
        copy = self.theirs("copy", "soft_rank", "l2", "half", name="client, COPY")
        for item in copy:
            item.before = "TRUNCATE result"
        items += copy + self.theirs("torchsort", "soft_rank", "l2", "half")
        if self.plpython:
            items.append(Item("plpython3u", "soft_rank", "real", self.few, "l2", "half", f"SELECT count(torchsort_rank(a, 'l2', {s!r})) FROM few"))
        items.append(Item("plain SQL, hard ranks", "hard ranks", "real", self.few, sql="""SELECT count((SELECT array_agg(r ORDER BY i)
            FROM (SELECT i, rank() OVER (ORDER BY v) AS r FROM unnest(a) WITH ORDINALITY AS u (v, i)) AS s)) FROM few"""))
        self.progress(shape, "in and out of the server")
        self.race(shape, "place", items)

    def other_races(self, shape: str) -> None:
        """soft_sort, spearman, isotonic_regression."""
        for reg in ("l2", "kl"):
            self.progress(shape, f"soft_sort {reg}")
            self.race(shape, f"soft_sort/{reg}", [self.ours("soft_sort", reg, "sort", "real")] +
                      self.theirs("torchsort", "soft_sort", reg, "sort") + self.theirs("torchpsort", "soft_sort", reg, "sort"))
        self.progress(shape, "spearman, isotonic_regression")
        self.race(shape, "spearman", [Item("softsort", "spearman", "real", self.elements, sql="SELECT count(spearman(a, b)) FROM real_two")] +
                  self.theirs("hyper-corr", "spearman"))
        self.race(shape, "isotonic", [Item("softsort", "isotonic_regression", "real", self.elements,
                                           sql="SELECT count(isotonic_regression(a)) FROM real_one")] +
                  self.theirs("scikit-learn", "isotonic_regression") + self.theirs("torchisotonic", "isotonic_regression"))

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
            toast = session.value(f"SELECT reltoastrelid::regclass FROM pg_class WHERE oid = '{table}'::regclass")
            session.run(f"SELECT count(chunk_data) FROM {toast}; SELECT * FROM softsort_version()")
            session.run(item.sql.replace(f"FROM {table}", "FROM (SELECT '{3,1,2}'::%s[] AS a, '{1,2,3}'::%s[] AS b) AS t" % ((TYPES[kind],) * 2)))
            before = self.status(pid)["VmRSS"]
            try:
                pathlib.Path(f"/proc/{pid}/clear_refs").write_text("5")
            except OSError:
                pass  # the mark is that of the whole session, which was small
            session.run(item.sql)
            peaks[label] = (self.status(pid)["VmHWM"] - before) * 1024 / self.n
            session.close()
        arrays = 3 if op == "soft_rank_vjp" else 2
        label = max(peaks, key=peaks.get)
        self.result["memory"].append({"op": op, "reg": reg, "type": kind, "n": self.n, "strength": label,
                                      "bytes": peaks[label] - arrays * BYTES[kind], "peaks": peaks})

    @staticmethod
    def status(pid: int) -> dict[str, int]:
        """Return the memory figures of a process, in kB."""
        lines = pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
        return {key: int(rest.split()[0]) for key, rest in (line.split(":", 1) for line in lines) if rest.endswith(" kB")}

    # ---- All of it.

    def machine(self) -> None:
        """Note the machine and the versions."""
        cpu = {}
        for line in subprocess.run(["lscpu"], capture_output=True, text=True, env=os.environ | {"LC_ALL": "C"}).stdout.splitlines():
            key, _, value = line.partition(":")
            cpu[key.strip()] = value.strip()
        compiler = subprocess.run(["gcc", "--version"], capture_output=True, text=True).stdout.splitlines()
        self.result["versions"] |= {"PostgreSQL": self.sql.value("SHOW server_version"),
                                    "softsort": self.sql.value("SELECT softsort_version()"),
                                    "compiler": compiler[0] if compiler else "unknown"}
        self.result |= {"cpu": cpu, "cores": os.cpu_count(), "load": os.getloadavg()[0],
                        "kernels": os.environ.get("SOFTSORT_SIMD", ""),
                        "date": f"{datetime.datetime.now(datetime.timezone.utc):%F %H:%M} UTC",
                        "rounds": self.rounds, "scale": self.scale, "full": self.full, "skipped": self.skipped}

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
            self.place_races(shape)
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
