"""Calls one function in a process of its own: ``child.py MODULE FUNCTION JSON`` prints its facts as JSON.

The peak memory is that of this process alone: what the kernel tells the parent may include the parent.
"""

from __future__ import annotations

import json
import sys
from importlib import import_module
from pathlib import Path
from resource import RUSAGE_SELF, getrusage


def peak_rss_mb() -> float:
    """Returns the largest resident memory of this process so far, in MB (10^6 bytes)."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024 / 1e6
    peak = getrusage(RUSAGE_SELF).ru_maxrss
    return (peak if sys.platform == "darwin" else peak * 1024) / 1e6


if __name__ == "__main__":
    module, function, arguments = sys.argv[1:]
    facts = getattr(import_module(module), function)(**json.loads(arguments))
    print(json.dumps({**facts, "peak_rss_mb": peak_rss_mb()}))
