"""The limiter: how many requests may start, counted over a sliding window and over an hour.

One limiter serves all steps that ask the same source, whatever thread or event loop they run in, and the
ledger makes the limits of the processes of a user one. A
start is counted at the moment when the request is on its way, not when it was promised, so a late one
cannot bunch up with the next ones. Where the source asks for fewer requests, all slow down at once
(half the rate), and each good answer gives a little of it back.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from gridloom.extract.ledger import Ledger, Taken
from gridloom.extract.limits import DEFAULT_PER_S, HOUR_S, PER_HOUR, Limit, limiter_seconds

__all__ = [
    "DEFAULT_PER_S",
    "PER_HOUR",
    "Limit",
    "LimiterState",
    "RateLimiter",
    "Sent",
    "Start",
    "limiter_seconds",
    "shared_limiter",
]

_LEAST_WAIT_S: Final = 0.001
_PENDING_S: Final = 0.005
_SLOWER: Final = 0.5
_SLOWEST: Final = 0.1
_FASTER: Final = 0.02
_FIRST_HOLD_S: Final = 1.0
_LONGEST_HOLD_S: Final = 60.0


@dataclass(slots=True)
class Start:
    """One start that was granted.

    Attributes:
        at_s: When it was, on the limiter's clock.
        under_way: Whether the request is known to be on its way; until then it may come at any time.
        number: Its number in the ledger; 0 for none.
    """

    at_s: float
    under_way: bool
    number: int = 0


@dataclass(frozen=True, slots=True)
class LimiterState:
    """How a limiter stands.

    Attributes:
        per_s: Requests per second that it allows now.
        full_per_s: Those that it allows where nobody complains.
        held_s: Seconds for which it still lets nothing start.
        waiting: Requests that wait for their start.
        throttled: How often the source has asked for fewer requests.
    """

    per_s: float
    full_per_s: float
    held_s: float
    waiting: int
    throttled: int


class RateLimiter:
    """Hands out starts in the order in which they were asked for, never more than the limits allow.

    Args:
        per_s: Requests per second.
        per_hour: Requests in any hour.
        ledger: Counts across processes; None counts this process only.
        clock: Seconds of a clock that never goes back.
    """

    def __init__(
        self,
        per_s: float,
        *,
        per_hour: int = PER_HOUR,
        ledger: Ledger | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._limits = [Limit.of_rate(per_s), Limit(per_hour, HOUR_S)]
        self._full_per_s = per_s
        self._share = 1.0
        self._ledger = ledger
        self._clock = clock
        self._lock = threading.Lock()
        self._starts: deque[float] = deque(maxlen=max(per_hour, self._limits[0].starts))
        self._recent: list[Start] = []
        self._queue: list[object] = []
        self._held_until = float("-inf")
        self._in_a_row = 0
        self._throttled = 0

    @property
    def state(self) -> LimiterState:
        """How it stands now."""
        with self._lock:
            return LimiterState(
                per_s=self._full_per_s * self._share,
                full_per_s=self._full_per_s,
                held_s=max(0.0, self._held_until - self._clock()),
                waiting=len(self._queue),
                throttled=self._throttled,
            )

    def news(self) -> str | None:
        """Returns, once, why requests of other processes are not counted; None where they are."""
        with self._lock:
            text = self._ledger.trouble if self._ledger is not None else None
            if text is not None:
                self._ledger = None
            return text

    def set_rate(self, per_s: float) -> None:
        """Makes `per_s` the full requests per second from now on."""
        with self._lock:
            self._full_per_s = per_s
            self._set_share(self._share)

    def slow(self, wait_s: float | None = None) -> bool:
        """Halves the rate and lets nothing start for a while, because the source asked for a rest.

        Answers to requests that were under way together count as one complaint. Returns whether this is
        a new one.

        Args:
            wait_s: Seconds that the source named; None waits longer with each complaint in a row.
        """
        with self._lock:
            now = self._clock()
            if now >= self._held_until:
                self._throttled += 1
                self._set_share(max(_SLOWEST, self._share * _SLOWER))
                own_s = min(_LONGEST_HOLD_S, _FIRST_HOLD_S * 2 ** min(self._in_a_row, 10))
                self._in_a_row += 1
                self._held_until = now + (own_s if wait_s is None else wait_s)
                return True
            if wait_s is not None:
                self._held_until = max(self._held_until, now + wait_s)
            return False

    def good(self) -> None:
        """Gives a little of the full rate back, because the source answered with data."""
        with self._lock:
            self._in_a_row = 0
            if self._share < 1.0:
                self._set_share(min(1.0, self._share + _FASTER))

    def _set_share(self, share: float) -> None:
        self._share = share
        self._limits[0] = Limit.of_rate(self._full_per_s * share)

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
        granted = self._try(ticket, confirmed=False)
        return 0.0 if isinstance(granted, Start) else granted

    def _try(self, ticket: object, *, confirmed: bool) -> Start | float:
        with self._lock:
            now = self._clock()
            ahead = self._queue.index(ticket)
            pending = any(not start.under_way for start in self._recent)
            recent = sorted(start.at_s if start.under_way else now for start in self._recent)
            earliest = max(
                self._limits[0].earliest(recent, ahead, now),
                self._limits[1].earliest(self._starts, ahead, now),
            )
            if max(earliest, self._held_until) > now:
                wait_s = max(earliest, self._held_until) - now
                return max(min(wait_s, _PENDING_S) if pending else wait_s, _LEAST_WAIT_S)
            taken = self._ledger.take(self._full_per_s, sent=not confirmed) if self._ledger else Taken(0.0)
            if taken.wait_s:
                return taken.wait_s
            self._queue.remove(ticket)
            self._starts.append(now)
            start = Start(now, under_way=not confirmed, number=taken.number)
            self._recent = [*self._recent[-Limit.of_rate(self._full_per_s).starts :], start]
            return start

    def under_way(self, start: Start) -> None:
        """Counts a start at this moment, because its request is on its way only now."""
        with self._lock:
            if start.under_way:
                return
            start.at_s, start.under_way = self._clock(), True
            if self._ledger is not None:
                self._ledger.sent(start.number)

    async def acquire(self, *, confirmed: bool = False) -> Start:
        """Waits until a request may start; start it at once then.

        Args:
            confirmed: Whether `under_way` will be called, in any case, for the start that is returned.
        """
        ticket = self.join()
        try:
            granted = self._try(ticket, confirmed=confirmed)
            while not isinstance(granted, Start):
                await asyncio.sleep(min(granted, _LONGEST_HOLD_S))
                granted = self._try(ticket, confirmed=confirmed)
        finally:
            self.leave(ticket)
        return granted


class Sent:
    """Tells a limiter when a request is on its way, which is late where it waits for a connection.

    It hears the events of the HTTP library, whose extension ``trace`` it is.

    Args:
        limiter: Whom to tell.
        start: The start of the request.
    """

    def __init__(self, limiter: RateLimiter, start: Start) -> None:
        self._limiter = limiter
        self._start = start

    async def __call__(self, event: str, _info: dict[str, Any]) -> None:
        """Hears an event."""
        if event.endswith("send_request_headers.complete"):
            self._limiter.under_way(self._start)


_shared: dict[str, RateLimiter] = {}
_shared_lock = threading.Lock()


def shared_limiter(source: str, per_s: float) -> RateLimiter:
    """Returns the one limiter of a source in this process; the rate asked for last counts for all.

    Requests are counted across processes; those to the sample, whose server belongs to one, are not.

    Args:
        source: Source identity.
        per_s: Requests per second.
    """
    with _shared_lock:
        limiter = _shared.get(source)
        if limiter is None:
            ledger = None if source.startswith("sample:") else Ledger(source, per_hour=PER_HOUR)
            limiter = _shared[source] = RateLimiter(per_s, ledger=ledger)
        else:
            limiter.set_rate(per_s)
        return limiter
