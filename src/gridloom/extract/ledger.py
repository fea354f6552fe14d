"""The ledger: requests of the last hour and second to one source, counted across processes in a SQLite file.

EIA counts the requests of a key, whichever process sends them. Those of an hour are counted in spans of
ten seconds, and a span counts until an hour after its end, so the count errs on the safe side. Those of
about a second stand one by one: reserved before they are sent, dated when they are on their way.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Final, NamedTuple

from gridloom.extract.limits import Limit
from gridloom.grid.raw import source_folder

__all__ = ["STATE_VARIABLE", "Ledger", "Taken", "state_folder"]

STATE_VARIABLE: Final = "GRIDLOOM_STATE"
"""Environment variable of the folder for what outlives a run but belongs to no output."""

_SPAN_S: Final = 10
_HOUR_S: Final = 3600
_BUSY_S: Final = 5.0
_UNSENT_S: Final = 2.0  # whoever has not sent by then has died, and holds nobody up any longer
_AHEAD_S: Final = 2.0
_POLL_S: Final = 0.005
_LEAST_WAIT_S: Final = 0.001
_HOUR_TABLE: Final = "CREATE TABLE IF NOT EXISTS starts (span INTEGER PRIMARY KEY, requests INTEGER NOT NULL)"
_ADD: Final = (
    "INSERT INTO starts VALUES (?, 1) "
    "ON CONFLICT (span) DO UPDATE SET requests = requests + excluded.requests"
)
_LATEST_TABLE: Final = (
    "CREATE TABLE IF NOT EXISTS latest (number INTEGER PRIMARY KEY AUTOINCREMENT, "
    "at REAL NOT NULL, per_s REAL NOT NULL, sent INTEGER NOT NULL)"
)


class Taken(NamedTuple):
    """What came of asking for a start.

    Attributes:
        wait_s: Seconds to wait before asking again; 0 where it was granted.
        number: Number of the start that was granted, for `Ledger.sent`; 0 where there is none.
    """

    wait_s: float
    number: int = 0


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


class Ledger:
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

    def take(self, per_s: float | None = None, *, sent: bool = True) -> Taken:
        """Counts one start where one is free, else says how long to wait.

        It never raises: what keeps the file from being written is in `trouble` from then on.

        Args:
            per_s: Requests per second, of all who allow themselves as many or fewer; those who allow
                themselves more count too, but only against what they allow. None counts the hour only.
            sent: Whether the request is on its way now; else `sent` says so later.
        """
        if self.trouble is None:
            try:
                with self._open() as ledger:
                    return self._take(ledger, per_s, sent=sent)
            except (sqlite3.Error, OSError) as error:
                self._give_up(error)
        return Taken(0.0)

    def sent(self, number: int) -> None:
        """Dates a start at this moment, because its request is on its way only now."""
        now = self._clock()
        if not number or self.trouble is not None:
            return
        try:
            with self._open() as ledger:
                ledger.execute("UPDATE latest SET at = ?, sent = 1 WHERE number = ?", (now, number))
        except (sqlite3.Error, OSError) as error:
            self._give_up(error)

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        """Gives the file for one transaction."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(self.path, timeout=_BUSY_S, isolation_level=None)) as ledger:
            # A power cut may cost the count of the last hour; waiting for the disk each time costs more.
            ledger.execute("PRAGMA synchronous = OFF")
            ledger.execute("BEGIN IMMEDIATE")
            ledger.execute(_HOUR_TABLE)
            ledger.execute(_LATEST_TABLE)
            yield ledger
            ledger.execute("COMMIT")

    def _take(self, ledger: sqlite3.Connection, per_s: float | None, *, sent: bool) -> Taken:
        now = self._clock()
        if wait_s := self._hour_wait_s(ledger, now) or (_second_wait_s(ledger, now, per_s) if per_s else 0.0):
            return Taken(max(wait_s, _LEAST_WAIT_S))
        ledger.execute(_ADD, (int(now // _SPAN_S) * _SPAN_S,))
        if not per_s:
            return Taken(0.0)
        reserved = ledger.execute(
            "INSERT INTO latest (at, per_s, sent) VALUES (?, ?, ?)", (now, per_s, int(sent))
        )
        return Taken(0.0, reserved.lastrowid or 0)

    def _hour_wait_s(self, ledger: sqlite3.Connection, now: float) -> float:
        # Spans of the future are from a clock that was set back since; an hour of them is enough.
        ledger.execute(
            "DELETE FROM starts WHERE span <= ? OR span > ?", (now - _HOUR_S - _SPAN_S, now + _HOUR_S)
        )
        taken, oldest = ledger.execute(
            "SELECT coalesce(sum(requests), 0), coalesce(min(span), 0) FROM starts"
        ).fetchone()
        return float(oldest + _SPAN_S + _HOUR_S - now) if taken >= self._per_hour else 0.0

    def _give_up(self, error: Exception) -> None:
        """Sets a damaged file aside for the next process, and says why nothing is counted."""
        if isinstance(error, sqlite3.DatabaseError) and not isinstance(error, sqlite3.OperationalError):
            with suppress(OSError):
                self.path.unlink(missing_ok=True)
        self.trouble = (
            f"Requests of other processes are not counted, because {self.path} cannot be used ({error}). "
            f"Run one process at a time, or set {STATE_VARIABLE} to a folder that can be written."
        )


def _second_wait_s(ledger: sqlite3.Connection, now: float, per_s: float) -> float:
    """Returns the seconds until one more may start, by the limits of all who have started lately."""
    rows = ledger.execute("SELECT number, at, per_s, sent FROM latest").fetchall()
    counted: list[tuple[float, float]] = []
    gone: list[tuple[int]] = []
    pending = False
    for number, at_s, rate, sent in rows:
        # One that is not sent yet may be at any time, so it counts as sent now.
        counts_s = at_s if sent else min(now, at_s + _UNSENT_S)
        if (
            counts_s + max(Limit.of_rate(each).window_s for each in (rate, per_s, 1.0)) < now
            or at_s > now + _AHEAD_S
        ):
            gone.append((number,))
        else:
            counted.append((counts_s, rate))
            pending |= counts_s == now
    ledger.executemany("DELETE FROM latest WHERE number = ?", gone)
    earliest = now
    for limit_s in {per_s, *(rate for _, rate in counted if rate > per_s)}:
        starts = sorted(counts_s for counts_s, rate in counted if rate <= limit_s)
        earliest = max(earliest, Limit.of_rate(limit_s).earliest(starts, 0, now))
    wait_s = earliest - now
    return min(wait_s, _POLL_S) if pending else wait_s
