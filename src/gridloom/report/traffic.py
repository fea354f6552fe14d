"""Requests, retries, rows and bytes over time, from the counters that progress carries. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from gridloom.dag.events import (
    AnyEvent,
    MetricReported,
    ProgressMade,
    StepFinished,
    StepStarted,
)

__all__ = ["COUNTERS", "RATE_LIMIT", "Traffic", "traffic"]

COUNTERS: Final = ("requests", "retries", "rows_received", "bytes_received")
RATE_LIMIT: Final = "rate_limit"
"""The metric by which a step says how many requests a second may start."""

_MOST_BINS: Final = 200
_LEAST_BIN_S: Final = 0.05
_LEAST_LIMITED_S: Final = 1.0
"""A limiter counts over about a second; in less, a burst that it allows would stand above its line."""

_LEAST_SLOWED_S: Final = 2.0
"""One that was slowed down counts whole requests over less than a second, so it takes two to even out."""

_WIDTHS: Final = (1, 2, 5)


@dataclass(slots=True)
class Traffic:
    """Counts of equal bins of time.

    Attributes:
        bin_s: Width of a bin in seconds.
        counts: For each counter what was counted in each bin.
        limit_per_s: Most requests a second that might start in each bin; None where there is no limit.
    """

    bin_s: float
    counts: dict[str, list[float]]
    limit_per_s: list[float | None] = field(default_factory=list)

    @property
    def bins(self) -> int:
        """Number of bins."""
        return len(self.limit_per_s)

    def any(self, name: str) -> bool:
        """Whether anything was counted."""
        return any(self.counts[name])


def traffic(events: Sequence[AnyEvent]) -> Traffic:
    """Returns what was counted over time.

    What a counter rose between two events is spread evenly over the time between them, so that all bins
    together hold what was counted in all.
    """
    if not events:
        return Traffic(1.0, {name: [] for name in COUNTERS})
    start = min(event.at for event in events)
    length_s = max((event.at - start).total_seconds() for event in events)
    limits = [
        ((event.at - start).total_seconds(), event.value)
        for event in events
        if isinstance(event, MetricReported) and event.name == RATE_LIMIT
    ]
    bin_s = _bin_width(length_s, _least_bin_s({per_s for _, per_s in limits}))
    bins = int(length_s / bin_s) + 1
    found = Traffic(bin_s, {name: [0.0] * bins for name in COUNTERS}, [None] * bins)
    last: dict[str, tuple[float, dict[str, int]]] = {}
    for event in events:
        now_s = (event.at - start).total_seconds()
        match event:
            case StepStarted():
                last[event.step_id] = (now_s, dict.fromkeys(COUNTERS, 0))
            case ProgressMade() | StepFinished() if event.step_id in last:
                before_s, before = last[event.step_id]
                now = {name: max(getattr(event, name), before[name]) for name in COUNTERS}
                for name in COUNTERS:
                    _spread(found.counts[name], before_s / bin_s, now_s / bin_s, now[name] - before[name])
                last[event.step_id] = (now_s, now)
            case _:
                pass
    _hold(found.limit_per_s, limits, bin_s)
    return found


def _least_bin_s(limits: set[float]) -> float:
    if not limits:
        return _LEAST_BIN_S
    return _LEAST_LIMITED_S if len(limits) == 1 else _LEAST_SLOWED_S


def _bin_width(length_s: float, width: float) -> float:
    while True:
        for factor in _WIDTHS:
            if length_s / (width * factor) < _MOST_BINS:
                return round(width * factor, 6)
        width *= 10


def _spread(bins: list[float], start: float, end: float, amount: float) -> None:
    """Adds an amount to the bins between two places, to each in proportion to its part of the way."""
    first, last = int(start), min(int(end), len(bins) - 1)
    if amount <= 0:
        return
    if first >= last or end - start <= 0:
        bins[last] += amount
        return
    for place in range(first, last + 1):
        part = min(end, place + 1) - max(start, place)
        bins[place] += amount * part / (end - start)


def _hold(bins: list[float | None], limits: list[tuple[float, float]], bin_s: float) -> None:
    """Fills in from each change on what was allowed; in the bin of a change, the most."""
    for at_s, per_s in limits:
        place = min(int(at_s / bin_s), len(bins) - 1)
        bins[place] = max(per_s, bins[place] or 0.0)
        bins[place + 1 :] = [per_s] * (len(bins) - place - 1)
