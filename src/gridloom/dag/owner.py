"""Which process something belongs to, and whether that process still lives: no daemon is asked."""

from __future__ import annotations

import os
import socket
from functools import lru_cache
from pathlib import Path

import msgspec

__all__ = ["Owner", "this_process"]


class Owner(msgspec.Struct, frozen=True):
    """A process; its pid alone may be given out again.

    Attributes:
        host: The machine's name.
        pid: The process id there.
        started: When the process began, as the system counts it; empty where it does not say.
    """

    host: str
    pid: int
    started: str

    @property
    def elsewhere(self) -> bool:
        """Whether it runs on another machine, so that nobody here can tell whether it lives."""
        return self.host != socket.gethostname()

    @property
    def alive(self) -> bool:
        """Whether the process may still be at work; one on another machine always may."""
        if self.elsewhere:
            return True
        foreign = False
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            foreign = True
        started = _started(self.pid)
        # what the system hides about another user's process must not look like its end
        return started == self.started or (foreign and not started)


def this_process() -> Owner:
    """Returns the process that asks."""
    return _process(os.getpid())


@lru_cache(maxsize=1)
def _process(pid: int) -> Owner:
    return Owner(host=socket.gethostname(), pid=pid, started=_started(pid))


def _started(pid: int) -> str:
    """Returns when a process began; empty where the system does not say, or it is only waited for."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        # the command's name may hold spaces and brackets; the fields after it do not
        fields = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        return ""
    # a zombie has ended, and only its exit status is left of it
    return f"{boot}:{fields[19]}" if fields[0] != "Z" else ""
