"""What happens to a key that is used: limits of requests, suspensions, and a key that never works."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from typing import Final

from gridloom.extract.replay.answer import Answer
from gridloom.extract.replay.mishaps import invalid_key, over_rate_limit, suspended
from gridloom.extract.replay.weather import Weather

__all__ = ["KeyLimits"]

_SECOND_S: Final = 1.0
_HOUR_S: Final = 3_600.0
_GOOD_BETWEEN: Final = (2, 12)


class KeyLimits:
    """Counts requests and good answers, and says when the key is suspended. For one thread.

    Args:
        weather: The faults and their random numbers.
        clock: Seconds, of any beginning.
    """

    def __init__(self, weather: Weather, clock: Callable[[], float]) -> None:
        self._weather, self._clock, faults = weather, clock, weather.faults
        self._spans = tuple(
            (most, span, deque[float]())
            for most, span in ((int(faults.rate), _SECOND_S), (int(faults.per_hour), _HOUR_S))
            if most
        )
        self._bad = weather.draw("badkey").random() < faults.badkey
        self._chances = weather.draw("suspend")
        self._suspensions = int(faults.suspend)
        self._good_left = self._chances.randint(*_GOOD_BETWEEN)
        self._until, self._by_rate = 0.0, False

    def refuse(self, serial: int) -> Answer | None:
        """Counts a request, and returns the answer that refuses it, or None.

        Args:
            serial: Number of the request.
        """
        if self._bad:
            return invalid_key("badkey")
        now = self._clock()
        over = [self._count(now, most, span, times) for most, span, times in self._spans]
        if any(over):
            self._until, self._by_rate = max(self._until, now + self._weather.faults.suspend_s), True
        left = self._until - now
        if left <= 0:
            return None
        wait = max(1, math.ceil(left)) if self._weather.faults.retry_after else 0
        if self._by_rate:
            return over_rate_limit("rate", 0, wait)
        return suspended(self._weather.draw("suspended", serial).randrange(3), wait)

    def good(self) -> None:
        """Counts a good answer; after some of them the key may be suspended."""
        if not self._suspensions or self._clock() < self._until:
            return
        self._good_left -= 1
        if self._good_left <= 0:
            self._suspensions -= 1
            self._good_left = self._chances.randint(*_GOOD_BETWEEN)
            self._until, self._by_rate = self._clock() + self._weather.faults.suspend_s, False

    @staticmethod
    def _count(now: float, most: int, span: float, times: deque[float]) -> bool:
        while times and times[0] <= now - span:
            times.popleft()
        if len(times) >= most:
            return True
        times.append(now)
        return False
