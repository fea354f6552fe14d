"""A stopwatch for wall time, the CPU time of the whole process, all threads together, and its peak memory."""

from __future__ import annotations

import gc
import sys
import time
from pathlib import Path
from resource import RUSAGE_SELF, getrusage
from typing import Self


def peak_rss_mb() -> float:
    """Returns the largest resident memory of this process so far, in MB (10^6 bytes)."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024 / 1e6
    peak = getrusage(RUSAGE_SELF).ru_maxrss
    return (peak if sys.platform == "darwin" else peak * 1024) / 1e6


class Clock:
    """Measures a ``with`` block; read `facts` after it, so that what follows is not counted.

    Nor is what went before: the garbage collector looks through what was imported once, which it does
    before the clock starts.
    """

    wall_s = 0.0
    cpu_s = 0.0
    peak_rss_mb = 0.0

    def __enter__(self) -> Self:
        gc.collect()
        self._wall_s, self._cpu_s = time.perf_counter(), time.process_time()
        return self

    def __exit__(self, *exception: object) -> None:
        self.wall_s = time.perf_counter() - self._wall_s
        self.cpu_s = time.process_time() - self._cpu_s
        self.peak_rss_mb = peak_rss_mb()

    def facts(self, rows: int) -> dict[str, float]:
        """Returns what was measured while so many rows came."""
        return {
            "rows": rows,
            "rows_per_s": rows / self.wall_s,
            "wall_s": self.wall_s,
            "cpu_s": self.cpu_s,
            "peak_rss_mb": self.peak_rss_mb,
        }
