"""When each step was at work: spans of attempts and waits, and how many steps ran at once. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from gridloom.dag.events import AnyEvent, AttemptFailed, RunStarted, StepFinished, StepStarted
from gridloom.dag.outcome import StepOutcome

__all__ = ["Span", "Timeline", "parallelism", "tick_step", "timeline"]


@dataclass(frozen=True, slots=True)
class Span:
    """One stretch of a step.

    Attributes:
        start_s: Seconds since the run's start.
        end_s: Likewise.
        state: How it ended: an outcome of a step, ``interrupted``, or ``waiting`` for the next attempt.
        attempt: 1 for the first; 0 where nothing was attempted.
    """

    start_s: float
    end_s: float
    state: str
    attempt: int

    @property
    def working(self) -> bool:
        """Whether the step's own code ran."""
        return self.attempt > 0 and self.state != "waiting"


@dataclass(frozen=True, slots=True)
class Timeline:
    """All spans of a run.

    Attributes:
        start: When the run began; None where no event tells.
        length_s: Seconds from there to the last event.
        spans: By step, in order.
        limit: Most steps that may run at once; 0 where nobody knows.
    """

    start: datetime | None
    length_s: float
    spans: dict[str, list[Span]]
    limit: int


def timeline(events: Sequence[AnyEvent]) -> Timeline:
    """Returns the spans of a run.

    An attempt that has no end, because the run was killed, ends with the last event.
    """
    if not events:
        return Timeline(None, 0.0, {}, 0)
    start, last = min(event.at for event in events), max(event.at for event in events)
    limit = next((event.max_parallel_steps for event in events if isinstance(event, RunStarted)), 0)
    walk = _Walk(start)
    for event in events:
        walk.hear(event)
    walk.cut_off((last - start).total_seconds())
    return Timeline(start, (last - start).total_seconds(), walk.spans, limit)


class _Walk:
    """Turns events into spans, one after the other."""

    def __init__(self, start: datetime) -> None:
        self._start = start
        self._open: dict[str, tuple[float, int]] = {}
        self._failed_at: dict[str, float] = {}
        self.spans: dict[str, list[Span]] = {}

    def hear(self, event: AnyEvent) -> None:
        """Takes the next event."""
        now_s = (event.at - self._start).total_seconds()
        match event:
            case StepStarted():
                if event.step_id in self._failed_at:
                    waited = Span(self._failed_at.pop(event.step_id), now_s, "waiting", event.attempt)
                    self._add(event.step_id, waited)
                self._open[event.step_id] = (now_s, event.attempt)
            case AttemptFailed():
                self._end(event.step_id, now_s, StepOutcome.failed.value)
                self._failed_at[event.step_id] = now_s
            case StepFinished():
                self._finished(event, now_s)
            case _:
                pass

    def _finished(self, event: StepFinished, now_s: float) -> None:
        if event.step_id in self._open:
            self._end(event.step_id, now_s, event.outcome.value)
        elif event.outcome is StepOutcome.cached:
            self._add(event.step_id, Span(max(now_s - event.duration_s, 0.0), now_s, "cached", 0))

    def _end(self, step_id: str, now_s: float, state: str) -> None:
        if step_id in self._open:
            start_s, attempt = self._open.pop(step_id)
            self._add(step_id, Span(start_s, now_s, state, attempt))

    def _add(self, step_id: str, span: Span) -> None:
        self.spans.setdefault(step_id, []).append(span)

    def cut_off(self, now_s: float) -> None:
        """Ends what has no end."""
        for step_id in list(self._open):
            self._end(step_id, now_s, "interrupted")


def parallelism(spans: Iterable[Span]) -> list[tuple[float, int]]:
    """Returns how many steps were at work from each time on: the last is 0.

    Example:
        >>> parallelism([Span(0, 2, "executed", 1), Span(1, 3, "executed", 1)])
        [(0, 1), (1, 2), (2, 1), (3, 0)]
    """
    changes: dict[float, int] = {}
    for span in spans:
        if span.working:
            changes[span.start_s] = changes.get(span.start_s, 0) + 1
            changes[span.end_s] = changes.get(span.end_s, 0) - 1
    level, steps = 0, []
    for at_s in sorted(changes):
        if changes[at_s]:
            level += changes[at_s]
            steps.append((at_s, level))
    return steps


def tick_step(length: float, most: int = 6) -> float:
    """Returns a round distance of at most so many ticks.

    Example:
        >>> tick_step(10.8), tick_step(0.42), tick_step(3600, 4)
        (2.0, 0.1, 1000.0)
    """
    if length <= 0:
        return 1.0
    step = 1e-3
    while True:
        for factor in (1, 2, 5):
            if length / (step * factor) <= most:
                return round(step * factor, 6)
        step *= 10
