"""The largest memory that this process has used, as far as the system tells."""

from __future__ import annotations

import sys
from pathlib import Path

if sys.platform != "win32":
    import resource

__all__ = ["peak_rss_bytes", "peak_since_reset", "reset_peak"]

_RESET = "5"  # of /proc/<pid>/clear_refs, see proc(5)


def peak_rss_bytes() -> int:
    """Returns the largest memory so far; 0 where the system does not tell."""
    if sys.platform == "win32":
        return 0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def reset_peak() -> bool:
    """Starts the measurement of `peak_since_reset`; returns whether the system can do that."""
    try:
        Path("/proc/self/clear_refs").write_text(_RESET)
    except OSError:
        return False
    return True


def peak_since_reset() -> int:
    """Returns the largest memory since `reset_peak`."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return 0
