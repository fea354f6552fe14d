"""The ledger: requests of the last hour to one source, counted across processes in a small SQLite file.

EIA counts the requests of a key in an hour, whichever process sends them. Starts are counted in spans
of ten seconds, and a span counts until an hour after its end, so the count errs on the safe side.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from pathlib import Path
from typing import Final

from gridloom.grid.raw import source_folder

__all__ = ["STATE_VARIABLE", "HourLedger", "state_folder"]

STATE_VARIABLE: Final = "GRIDLOOM_STATE"
"""Environment variable of the folder for what outlives a run but belongs to no output."""

_SPAN_S: Final = 10
_HOUR_S: Final = 3600
_BUSY_S: Final = 5.0
_TABLE: Final = "CREATE TABLE IF NOT EXISTS starts (span INTEGER PRIMARY KEY, requests INTEGER NOT NULL)"
_ADD: Final = (
    "INSERT INTO starts VALUES (?, 1) "
    "ON CONFLICT (span) DO UPDATE SET requests = requests + excluded.requests"
)


def state_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """Returns the user's state folder for GridLoom, whether it exists or not.

    Example:
        >>> state_folder({"XDG_STATE_HOME": "/var/state"}).as_posix()
        '/var/state/gridloom'
    """
    if own := environ.get(STATE_VARIABLE):
        return Path(own)
    home = environ.get("XDG_STATE_HOME") or Path("~/.local/state").expanduser()
    return Path(home) / "gridloom"


class HourLedger:
    """Counts starts of requests to one source; safe with several processes and threads.

    Where the file cannot be written, nothing is counted here, and `trouble` says why.

    Args:
        source: Source identity.
        per_hour: Starts in any hour.
        folder: Where the file stands; by default the user's state folder.
        clock: Seconds of the wall clock, which all processes share.
    """

    def __init__(
        self,
        source: str,
        *,
        per_hour: int,
        folder: Path | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.path = (folder or state_folder()) / f"requests-{source_folder(source)}.db"
        self.trouble: str | None = None
        self._per_hour = per_hour
        self._clock = clock

    def take(self) -> float:
        """Counts one start and returns 0, or returns the seconds to wait until one is free.

        It never raises: what keeps the file from being written is in `trouble` from then on.
        """
        if self.trouble is not None:
            return 0.0
        try:
            return self._take()
        except (sqlite3.Error, OSError) as error:
            self._give_up(error)
            return 0.0

    def _take(self) -> float:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(self.path, timeout=_BUSY_S, isolation_level=None)) as ledger:
            # A power cut may cost the count of the last hour; waiting for the disk each time costs more.
            ledger.execute("PRAGMA synchronous = OFF")
            ledger.execute("BEGIN IMMEDIATE")
            ledger.execute(_TABLE)
            now = self._clock()
            span = int(now // _SPAN_S) * _SPAN_S
            # Spans of the future are from a clock that was set back since; an hour of them is enough.
            ledger.execute(
                "DELETE FROM starts WHERE span <= ? OR span > ?", (now - _HOUR_S - _SPAN_S, now + _HOUR_S)
            )
            taken, oldest = ledger.execute(
                "SELECT coalesce(sum(requests), 0), coalesce(min(span), 0) FROM starts"
            ).fetchone()
            if taken >= self._per_hour:
                ledger.execute("COMMIT")
                return max(float(oldest + _SPAN_S + _HOUR_S - now), 0.001)
            ledger.execute(_ADD, (span,))
            ledger.execute("COMMIT")
        return 0.0

    def _give_up(self, error: Exception) -> None:
        """Sets a damaged file aside for the next process, and says why nothing is counted."""
        if isinstance(error, sqlite3.DatabaseError) and not isinstance(error, sqlite3.OperationalError):
            with suppress(OSError):
                self.path.unlink(missing_ok=True)
        self.trouble = (
            f"Requests of other processes are not counted, because {self.path} cannot be used ({error}). "
            f"Run one process at a time, or set {STATE_VARIABLE} to a folder that can be written."
        )
