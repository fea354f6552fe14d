"""Limits: what EIA allows, and the time that it makes requests take. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import floor
from typing import Final, Self

__all__ = ["DEFAULT_PER_S", "HOUR_S", "PER_HOUR", "Limit", "limiter_seconds"]

DEFAULT_PER_S: Final = 5.0
"""Requests per second that EIA asks users to stay below."""

PER_HOUR: Final = 9_000
"""Requests per hour that EIA asks users to stay below."""

_MARGIN: Final = 1.03  # starts are measured by the server, after a network that may squeeze them together

HOUR_S: Final = 3600.0
"""Seconds of an hour."""


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

    def earliest(self, starts: Sequence[float], ahead: int, now: float) -> float:
        """Returns when one more may start at the earliest, after `ahead` others that start before it.

        Args:
            starts: Times of those that have started, in order.
            ahead: How many more start before it.
            now: The time.
        """
        rounds, place = divmod(ahead, self.starts)
        counted = self.starts - place
        first = starts[-counted] + self.window_s if len(starts) >= counted else now
        return max(now, first) + rounds * self.window_s


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
    return hours * HOUR_S + rest // limit.starts * limit.window_s
