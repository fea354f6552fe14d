"""Servers in processes of their own, so that their work is not counted as the client's."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from harness import HERE


@dataclass(frozen=True)
class Server:
    """A server that runs.

    Attributes:
        url: Its base URL.
        pid: Its process.
    """

    url: str
    pid: int

    def cpu_s(self) -> float:
        """Returns the CPU seconds that it has used so far; 0 where the system does not tell."""
        return cpu_of(self.pid)


def cpu_of(pid: int) -> float:
    """Returns the CPU seconds that a process has used so far; 0 where the system does not tell."""
    stat = Path(f"/proc/{pid}/stat")
    if not stat.exists():
        return 0.0
    fields = stat.read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def stand_in(data: Path, latency_ms: float = 0) -> Iterator[Server]:
    """Runs GridLoom's stand-in server on a table."""
    options = ("--port", "0", "--quiet", "--data", str(data), "--latency-ms", str(latency_ms))
    with _running(sys.executable, "-m", "gridloom", "replay", *options) as server:
        yield server


@contextmanager
def canned(data: Path, latency_ms: float = 0) -> Iterator[Server]:
    """Runs the stand-in server with a memory: what was asked once is answered from there, at once."""
    with _running(sys.executable, str(HERE / "canned.py"), str(data), str(latency_ms)) as server:
        yield server


@contextmanager
def swallow() -> Iterator[Server]:
    """Runs a server that takes whatever listeners send."""
    with _running(sys.executable, str(HERE / "swallow.py")) as server:
        yield server


@contextmanager
def _running(*argv: str) -> Iterator[Server]:
    process = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)
    try:
        line = process.stdout.readline().strip() if process.stdout else ""
        if not line.startswith("http"):
            raise SystemExit(f"The server did not start: {' '.join(argv)}")
        yield Server(line, process.pid)
    finally:
        process.terminate()
        process.wait()
