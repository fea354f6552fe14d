"""The limiter: how many requests may start, counted over a sliding window and over an hour.

One limiter serves all steps that ask the same source, whatever thread or event loop they run in. A
start is counted at the moment it happens, not when it was promised, so a late one cannot bunch up
with the next ones.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from math import floor
from typing import Final, Self

__all__ = ["DEFAULT_PER_S", "PER_HOUR", "Limit", "RateLimiter", "limiter_seconds", "shared_limiter"]

DEFAULT_PER_S: Final = 5.0
"""Requests per second that EIA asks users to stay below."""

PER_HOUR: Final = 9_000
"""Requests per hour that EIA asks users to stay below."""

_MARGIN: Final = 1.03  # starts are measured by the server, after a network that may squeeze them together
_HOUR_S: Final = 3600.0
_LEAST_WAIT_S: Final = 0.001


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `starts` in any half-open span of `window_s` seconds."""

    starts: int
    window_s: float

    @classmethod
    def of_rate(cls, per_s: float) -> Self:
        """Returns the limit of a rate: whole starts in about a second, or one in more than that.

        Example:
            >>> Limit.of_rate(5), Limit.of_rate(0.5)
            (Limit(starts=5, window_s=1.03), Limit(starts=1, window_s=2.06))
        """
        starts = max(1, floor(per_s))
        return cls(starts, _MARGIN * starts / per_s)

    def earliest(self, starts: deque[float], ahead: int, now: float) -> float:
        """Returns when one more may start at the earliest, after `ahead` others that start before it."""
        rounds, place = divmod(ahead, self.starts)
        counted = self.starts - place
        first = starts[-counted] + self.window_s if len(starts) >= counted else now
        return max(now, first) + rounds * self.window_s


class RateLimiter:
    """Hands out starts in the order in which they were asked for, never more than the limits allow.

    Args:
        per_s: Requests per second.
        per_hour: Requests in any hour.
        clock: Seconds of a clock that never goes back.
    """

    def __init__(
        self, per_s: float, *, per_hour: int = PER_HOUR, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._limits = [Limit.of_rate(per_s), Limit(per_hour, _HOUR_S)]
        self._clock = clock
        self._lock = threading.Lock()
        self._starts: deque[float] = deque(maxlen=max(per_hour, self._limits[0].starts))
        self._queue: list[object] = []
        self._held_until = float("-inf")

    def set_rate(self, per_s: float) -> None:
        """Makes `per_s` the requests per second from now on."""
        with self._lock:
            self._limits[0] = Limit.of_rate(per_s)

    def hold(self, seconds: float) -> None:
        """Lets nothing start for so long, because the source asked for a rest."""
        with self._lock:
            self._held_until = max(self._held_until, self._clock() + seconds)

    def join(self) -> object:
        """Returns a ticket at the end of the queue."""
        ticket = object()
        with self._lock:
            self._queue.append(ticket)
        return ticket

    def leave(self, ticket: object) -> None:
        """Gives a ticket back; one that has started already is none any more."""
        with self._lock:
            if ticket in self._queue:
                self._queue.remove(ticket)

    def try_start(self, ticket: object) -> float:
        """Returns 0 and counts a start where one is free for this ticket, else the seconds to wait."""
        with self._lock:
            now = self._clock()
            ahead = self._queue.index(ticket)
            earliest = max(limit.earliest(self._starts, ahead, now) for limit in self._limits)
            earliest = max(earliest, self._held_until)
            if earliest > now:
                return max(earliest - now, _LEAST_WAIT_S)
            self._queue.remove(ticket)
            self._starts.append(now)
            return 0.0

    async def acquire(self) -> None:
        """Waits until a request may start; start it at once then."""
        ticket = self.join()
        try:
            wait_s = self.try_start(ticket)
            while wait_s:
                await asyncio.sleep(wait_s)
                wait_s = self.try_start(ticket)
        finally:
            self.leave(ticket)


def limiter_seconds(requests: int, per_s: float | None, per_hour: int = PER_HOUR) -> float:
    """Returns the seconds from the first of so many requests to the start of the last.

    Args:
        requests: Number of requests.
        per_s: Requests per second; None for no limit.
        per_hour: Requests in any hour.

    Example:
        >>> limiter_seconds(5, 5.0), limiter_seconds(6, 5.0), limiter_seconds(6, None)
        (0.0, 1.03, 0.0)
    """
    if per_s is None or requests < 1:
        return 0.0
    limit = Limit.of_rate(per_s)
    hours, rest = divmod(requests - 1, per_hour)
    return hours * _HOUR_S + rest // limit.starts * limit.window_s


_shared: dict[str, RateLimiter] = {}
_shared_lock = threading.Lock()


def shared_limiter(source: str, per_s: float) -> RateLimiter:
    """Returns the one limiter of a source in this process; the rate asked for last counts for all.

    Args:
        source: Source identity.
        per_s: Requests per second.
    """
    with _shared_lock:
        limiter = _shared.get(source)
        if limiter is None:
            limiter = _shared[source] = RateLimiter(per_s)
        else:
            limiter.set_rate(per_s)
        return limiter
