"""How much memory this process and those that it has started use now, as far as the system tells."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

__all__ = ["used_bytes"]

_PROCESSES: Final = Path("/proc")
_RESIDENT: Final = 1  # the second number of statm, in pages; see proc(5)


def used_bytes() -> int | None:
    """Returns the resident memory of this process and its children; None where the system does not tell."""
    own = os.getpid()
    try:
        return sum(_resident(pid) for pid in (own, *_children(own)))
    except OSError:
        return None


def _children(pid: int) -> Iterator[int]:
    for thread in (_PROCESSES / str(pid) / "task").iterdir():
        try:
            yield from map(int, (thread / "children").read_text().split())
        except OSError:  # it has ended, or the kernel keeps no such list
            continue


def _resident(pid: int) -> int:
    try:
        pages = (_PROCESSES / str(pid) / "statm").read_text().split()[_RESIDENT]
    except ProcessLookupError:
        return 0
    except FileNotFoundError:
        if pid == os.getpid():
            raise
        return 0
    return int(pages) * os.sysconf("SC_PAGE_SIZE")
