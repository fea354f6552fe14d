"""A stopwatch for wall time and for the CPU time of the whole process, all threads together."""

from __future__ import annotations

import time
from typing import Self


class Clock:
    """Measures a ``with`` block; read `wall_s` and `cpu_s` after it."""

    wall_s = 0.0
    cpu_s = 0.0

    def __enter__(self) -> Self:
        self._wall_s, self._cpu_s = time.perf_counter(), time.process_time()
        return self

    def __exit__(self, *exception: object) -> None:
        self.wall_s = time.perf_counter() - self._wall_s
        self.cpu_s = time.process_time() - self._cpu_s
