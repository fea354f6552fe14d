"""What a run's events come to so far: one small record a step, and the run's own. Pure."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Literal

from gridloom.dag.events import (
    AttemptFailed,
    Event,
    FindingReported,
    LogWritten,
    MetricReported,
    ProgressMade,
    RunFinished,
    RunStarted,
    StepFinished,
    StepStarted,
)
from gridloom.dag.outcome import StepOutcome

__all__ = ["RATE_LIMIT", "WAITING", "RunState", "StepState"]

RATE_LIMIT: Final = "rate_limit"
"""The metric by which a step says how many requests a second its limiter allows."""

WAITING: Final = "waiting"
"""State of a step between two attempts."""

_RATE_OVER_S: Final = 30.0
"""A rate is that of so many last seconds."""

_LEAST_S: Final = 0.5
"""Over less time than this a rate says nothing."""

_MOST_NOTES: Final = 100


@dataclass(slots=True)
class StepState:
    """One step, as far as its events tell.

    Attributes:
        step_id: The step.
        state: Where it stands: an outcome's name, or ``waiting``.
        reason: Why, in words.
        attempt: The attempt that it is at, or how many it took.
        retry_in_s: Seconds between the two attempts that it waits between.
        began: When its first attempt began, or when it was found done.
        ended: When it was over.
        done: Units done so far.
        total: Units in all; None if nobody knows.
        unit: What is counted; empty as long as nothing was.
        rows: Rows, those from outside where it asks somebody.
        requests: Requests so far.
        retries: Requests that were repeated.
        limit_per_s: Requests a second that the limiter allows; None where there is none.
        full_per_s: Those that it allows where the source does not complain.
        duration_s: Wall time in seconds of a step that is over.
        seq: Number of the event that changed it last.
    """

    step_id: str
    state: str = StepOutcome.pending.value
    reason: str = ""
    attempt: int = 0
    retry_in_s: float = 0.0
    began: datetime | None = None
    ended: datetime | None = None
    done: float = 0.0
    total: float | None = None
    unit: str = ""
    rows: int = 0
    requests: int = 0
    retries: int = 0
    limit_per_s: float | None = None
    full_per_s: float = 0.0
    duration_s: float | None = None
    seq: int = 0
    _marks: deque[tuple[datetime, float, int]] = field(default_factory=lambda: deque(maxlen=300))

    @property
    def at_work(self) -> bool:
        """Whether it has begun and is not over."""
        return self.state in {StepOutcome.running.value, WAITING}

    @property
    def over(self) -> bool:
        """Whether it has ended, whatever the outcome."""
        return not self.at_work and self.state != StepOutcome.pending.value

    @property
    def share(self) -> float | None:
        """Part that is done, from 0 to 1; None if nobody knows."""
        if self.total is None or self.total <= 0:
            return None
        return min(max(self.done / self.total, 0.0), 1.0)

    @property
    def per_s(self) -> float | None:
        """Units a second of late; None if it is too early to say."""
        return self._rate(1)

    @property
    def requests_per_s(self) -> float | None:
        """Requests a second of late; None if it is too early to say."""
        return self._rate(2)

    def _rate(self, place: Literal[1, 2]) -> float | None:
        if len(self._marks) < 2:  # noqa: PLR2004 - two make a difference
            return None
        first, last = self._marks[0], self._marks[-1]
        seconds, more = (last[0] - first[0]).total_seconds(), last[place] - first[place]
        return more / seconds if seconds >= _LEAST_S and more > 0 else None

    @property
    def left_s(self) -> float | None:
        """Seconds until it is done at that rate; None if nobody knows."""
        rate = self.per_s
        return None if rate is None or self.total is None else max(self.total - self.done, 0.0) / rate

    def start(self, event: StepStarted) -> None:
        """Begins an attempt."""
        self.state, self.reason = StepOutcome.running.value, event.reason
        self.attempt, self.retry_in_s = event.attempt, 0.0
        self.began = self.began or event.at
        self.done, self.total = 0.0, None
        self._marks.clear()

    def move(self, event: ProgressMade) -> None:
        """Comes further."""
        self.done, self.total, self.unit = event.done, event.total, event.unit
        self.rows = event.rows_received or event.rows
        self.requests, self.retries = event.requests, event.retries
        self._marks.append((event.at, event.done, event.requests))
        while (event.at - self._marks[0][0]).total_seconds() > _RATE_OVER_S:
            self._marks.popleft()

    def finish(self, event: StepFinished) -> None:
        """Ends."""
        self.state, self.reason = event.outcome.value, event.reason
        self.attempt, self.duration_s = event.attempts, event.duration_s
        self.ended = event.at
        self.began = self.began or event.at - timedelta(seconds=event.duration_s)
        self.rows, self.requests, self.retries = event.rows, event.requests, event.retries
        self._marks.clear()


class RunState:
    """A run, as far as its events tell.

    Attributes:
        run_id: The run; empty before the first event.
        pipeline: Its name.
        steps: Every step, in the order of the run.
        dependencies: What each step comes after.
        began: When the first event was said.
        last: When the last event was said.
        outcome: How it ended, in a word; empty while it goes on.
        message: Why it failed, if it did.
        duration_s: Wall time in seconds of a run that is over.
        seq: Number of the last event.
        finished: The steps that are over, in that order.
        notes: The latest lines for a person, each with its event's number.
    """

    def __init__(self) -> None:
        self.run_id = self.pipeline = self.outcome = self.message = ""
        self.steps: dict[str, StepState] = {}
        self.dependencies: dict[str, tuple[str, ...]] = {}
        self.began: datetime | None = None
        self.last: datetime | None = None
        self.duration_s: float | None = None
        self.seq = 0
        self.finished: list[StepState] = []
        self.notes: deque[tuple[int, str]] = deque(maxlen=_MOST_NOTES)

    def hear(self, event: Event) -> None:
        """Takes one more event."""
        self.run_id, self.seq, self.last = event.run_id, event.seq, event.at
        self.began = self.began or event.at
        match event:
            case RunStarted():
                self.pipeline, self.dependencies = event.pipeline_name, event.dependencies
                for step_id in event.steps:
                    self._step(step_id)
            case RunFinished():
                self.outcome, self.message = event.ended_as, event.message
                self.duration_s = event.duration_s
            case LogWritten() if event.level in {"warning", "error"}:
                self.notes.append((event.seq, f"{event.step_id or 'run'}: {event.message}"))
            case FindingReported() if not event.passed:
                self.notes.append((event.seq, f"{event.step_id}: {event.detail}"))
            case _:
                self._of_step(event)

    def _of_step(self, event: Event) -> None:
        match event:
            case StepStarted():
                self._changed(event).start(event)
            case ProgressMade():
                self._changed(event).move(event)
            case StepFinished():
                step = self._changed(event)
                step.finish(event)
                self.finished.append(step)
            case AttemptFailed() if event.retry_in_s is not None:
                step = self._changed(event)
                step.state, step.reason, step.retry_in_s = WAITING, event.message, event.retry_in_s
                self.notes.append((event.seq, f"{event.step_id}: {event.message}"))
            case MetricReported() if event.name == RATE_LIMIT:
                step = self._changed(event)
                step.limit_per_s, step.full_per_s = event.value, max(event.value, step.full_per_s)
            case _:
                pass

    def _changed(
        self, event: StepStarted | ProgressMade | StepFinished | AttemptFailed | MetricReported
    ) -> StepState:
        step = self._step(event.step_id)
        step.seq = event.seq
        return step

    def _step(self, step_id: str) -> StepState:
        return self.steps.setdefault(step_id, StepState(step_id))
