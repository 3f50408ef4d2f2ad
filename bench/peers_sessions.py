"""Sessions of bench/peers: processes that stay, take commands and answer them.

Imported by peers_run.py.  psql finds its server by PGHOST.
"""

import json
import pathlib
import subprocess

TOP = pathlib.Path(__file__).resolve().parents[1]
WORK = TOP / "build" / "bench"
SETTINGS = (
    "SET jit = off; SET max_parallel_workers_per_gather = 0; SET work_mem = '1GB'; "
    "SET client_min_messages = warning"
)


class Failed(Exception):
    """A statement or a command of a peer failed."""


class Psql:
    """A session of psql."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            ["psql", "-XqAt"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            bufsize=1,
        )
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
        self.log = WORK / f"peers-{name}.log"
        self.process = subprocess.Popen(
            [python, TOP / "bench" / "peers_python.py", name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.log.open("w"),
            text=True,
            bufsize=1,
        )

    def ask(self, **command) -> dict:
        """Send a command and return the answer."""
        try:
            self.process.stdin.write(json.dumps(command) + "\n")
            self.process.stdin.flush()
            line = self.process.stdout.readline()
        except OSError:
            line = ""
        if not line:
            last = self.log.read_text().splitlines()[-1:] or ["nothing said"]
            raise Failed(f"ended with status {self.process.wait()}: {last[0]}")
        answer = json.loads(line)
        if "error" in answer:
            raise Failed(answer["error"])
        return answer


def resident(pid: int) -> dict[str, int]:
    """Return the memory figures of a process, in kB, by their names in /proc/PID/status."""
    lines = pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
    pairs = (line.split(":", 1) for line in lines if line.endswith(" kB"))
    return {key: int(value.split()[0]) for key, value in pairs}
