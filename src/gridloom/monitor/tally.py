"""What a run has counted so far, added up from its events; a counter never falls, also over attempts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from operator import attrgetter
from typing import Any, Final

import msgspec

from gridloom.dag.events import (
    AttemptFailed,
    CacheDecided,
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

__all__ = ["COUNTED", "HEARD", "RunTally", "StepTally", "counts"]

COUNTED: Final = ("rows", "rows_received", "requests", "retries", "bytes_received")
"""What steps count while they work; the events of progress and of a step's end carry each of them."""

counts: Final = attrgetter(*COUNTED)
"""Returns what an event says of each of `COUNTED`."""

_RUNNING: Final = StepOutcome.running


class StepTally(msgspec.Struct, gc=False):
    """Where a step stands.

    Attributes:
        state: How it stands or ended.
        attempts: How often it began.
        failed_attempts: How often that ended in an error.
        duration_s: Wall time in seconds, once it has ended.
        progress: Part of its work that is done, 0 to 1; None if nobody knows.
        bytes_written: Bytes of committed outputs.
        earlier: What its failed attempts had counted, by `COUNTED`.
        now: What the attempt at work has counted, by `COUNTED`.
        custom: Its own numbers by name and unit.
    """

    state: StepOutcome = StepOutcome.pending
    attempts: int = 0
    failed_attempts: int = 0
    duration_s: float | None = None
    progress: float | None = None
    bytes_written: int = 0
    earlier: dict[str, int] = msgspec.field(default_factory=dict)
    now: dict[str, int] = msgspec.field(default_factory=dict)
    custom: dict[tuple[str, str], float] = msgspec.field(default_factory=dict)

    @property
    def counts(self) -> bool:
        """Whether it has counted anything, or failed."""
        return bool(self.now or self.earlier or self.bytes_written or self.failed_attempts)

    def counted(self, name: str) -> int:
        """Returns one of `COUNTED` over all attempts."""
        return self.earlier.get(name, 0) + self.now.get(name, 0)

    def take(self, event: ProgressMade | StepFinished) -> None:
        """Notes what the attempt at work has counted; what one event says never makes it less."""
        counted, before = counts(event), self.now
        if before or any(counted):
            self.now = {
                name: max(value, before.get(name, 0)) for name, value in zip(COUNTED, counted, strict=True)
            }


class RunTally:
    """What a run has counted so far; `hear` each of its events in order.

    Attributes:
        run_id: The run; empty before it starts.
        pipeline_id: Stable name of its pipeline.
        pipeline_name: What a person reads.
        started_s: When it began, in seconds since the epoch.
        ended_s: When it ended; None while it is under way.
        duration_s: Wall time in seconds, once it has ended.
        outcome: How it ended, in a word; empty while it is under way.
        rows: Rows of the last tables, once it has ended.
        steps: Its steps in topological order.
        findings: Checks by step, name, whether they are required and whether they held.
        decisions: Decisions about cacheable steps by whether outputs of an earlier run are used.
        logs: Lines by their level.
    """

    def __init__(self) -> None:
        self.run_id = self.pipeline_id = self.pipeline_name = ""
        self.started_s = 0.0
        self.ended_s: float | None = None
        self.duration_s = 0.0
        self.outcome = ""
        self.rows = 0
        self.steps: dict[str, StepTally] = {}
        self.findings: Counter[tuple[str, str, bool, bool]] = Counter()
        self.decisions: Counter[bool] = Counter({True: 0, False: 0})
        self.logs: Counter[str] = Counter()

    def hear(self, event: Event) -> None:
        """Adds one event; kinds that are not in `HEARD` change nothing."""
        hear = _HEAR.get(type(event))
        if hear is not None:
            hear(self, event)

    def _run_started(self, event: RunStarted) -> None:
        self.run_id, self.started_s = event.run_id, event.at.timestamp()
        self.pipeline_id, self.pipeline_name = event.pipeline_id, event.pipeline_name
        self.steps = {step_id: StepTally() for step_id in event.steps}

    def _run_finished(self, event: RunFinished) -> None:
        self.outcome, self.duration_s, self.rows = event.ended_as, event.duration_s, event.rows
        self.ended_s = event.at.timestamp()

    def _step(self, step_id: str) -> StepTally:
        step = self.steps.get(step_id)
        if step is None:
            step = self.steps[step_id] = StepTally()
        return step

    def _step_started(self, event: StepStarted) -> None:
        step = self._step(event.step_id)
        step.state, step.attempts = _RUNNING, event.attempt

    def _attempt_failed(self, event: AttemptFailed) -> None:
        step = self._step(event.step_id)
        step.failed_attempts += 1
        if event.retry_in_s is not None:
            # the next attempt counts from nothing; the last one's numbers come with the step's end
            step.earlier = {name: step.counted(name) for name in COUNTED}
            step.now, step.progress = {}, None

    def _progressed(self, event: ProgressMade) -> None:
        step = self._step(event.step_id)
        step.take(event)
        step.progress = min(event.done / event.total, 1.0) if event.total else None

    def _metric(self, event: MetricReported) -> None:
        self._step(event.step_id).custom[event.name, event.unit] = event.value

    def _step_finished(self, event: StepFinished) -> None:
        step = self._step(event.step_id)
        step.take(event)
        step.state, step.duration_s = event.outcome, event.duration_s
        step.attempts, step.bytes_written = event.attempts, event.bytes_written

    def _found(self, event: FindingReported) -> None:
        self.findings[event.step_id, event.name, event.required, event.passed] += 1

    def _decided(self, event: CacheDecided) -> None:
        self.decisions[event.hit] += 1

    def _logged(self, event: LogWritten) -> None:
        self.logs[event.level] += 1


_HEAR: Final[Mapping[type[Event], Callable[[RunTally, Any], None]]] = {
    RunStarted: RunTally._run_started,  # noqa: SLF001 - the table of its own methods
    RunFinished: RunTally._run_finished,  # noqa: SLF001
    StepStarted: RunTally._step_started,  # noqa: SLF001
    AttemptFailed: RunTally._attempt_failed,  # noqa: SLF001
    ProgressMade: RunTally._progressed,  # noqa: SLF001
    MetricReported: RunTally._metric,  # noqa: SLF001
    StepFinished: RunTally._step_finished,  # noqa: SLF001
    FindingReported: RunTally._found,  # noqa: SLF001
    CacheDecided: RunTally._decided,  # noqa: SLF001
    LogWritten: RunTally._logged,  # noqa: SLF001
}
HEARD: Final = tuple(_HEAR)
"""Kinds of events that change a tally."""
