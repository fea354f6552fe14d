"""How steps and runs end: closed sets of outcomes, and the records that hold them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, Literal

from gridloom.errors import (
    GridLoomError,
    InterruptedRunError,
    StepFailedError,
    UnknownStepError,
    UsageError,
    did_you_mean,
)
from gridloom.finding import Finding

__all__ = [
    "INTERRUPTED",
    "RunInterruptedError",
    "RunOutcome",
    "RunResult",
    "StepMetrics",
    "StepOutcome",
    "StepOutput",
    "ended_as",
]


class StepOutcome(StrEnum):
    """Where a step stands or how it ended."""

    pending = "pending"
    """Not started yet."""
    running = "running"
    """Being decided on, executed, or waiting for its next attempt."""
    executed = "executed"
    """Ran, and its outputs are committed."""
    cached = "cached"
    """Not run: verified outputs of an earlier run are used."""
    failed = "failed"
    """Raised in its last attempt."""
    skipped = "skipped"
    """Not run: a step that it depends on failed, or it was a dry run."""
    cancelled = "cancelled"
    """Not run or not finished: the run was stopped."""

    @property
    def succeeded(self) -> bool:
        """Whether the step's outputs can be used."""
        return self in {StepOutcome.executed, StepOutcome.cached}


class RunOutcome(StrEnum):
    """How a run ended."""

    succeeded = "succeeded"
    """Every step was executed or cached."""
    partial = "partial"
    """Some steps failed, and others went on."""
    failed = "failed"
    """A step failed and stopped the run, all failed, or the run was cancelled."""
    planned = "planned"
    """A dry run: nothing failed, and some steps were not asked to work."""


INTERRUPTED: Final = "interrupted"
"""How a run ended that somebody stopped or that was killed, in its records: its `RunOutcome` is failed."""


def ended_as(outcome: RunOutcome, error_type: str) -> str:
    """Returns how a run ended, as its records say it.

    Args:
        outcome: How it ended.
        error_type: Class of its error; empty without one.
    """
    return INTERRUPTED if error_type == InterruptedRunError.__name__ else outcome.value


@dataclass(frozen=True, kw_only=True, slots=True)
class StepMetrics:
    """What a step counted and cost.

    Attributes:
        rows: Rows of the artifacts it made.
        rows_received: Rows that came from outside the run.
        requests: Requests made to a source.
        retries: Requests that were repeated.
        bytes_received: Bytes that came from outside the run.
        bytes_written: Bytes of the outputs it committed.
        files_written: Files of the outputs it committed.
        duration_s: Wall time of all attempts in seconds, waits between them included.
        cpu_s: CPU time in seconds of the step's own thread, or of all threads of its own process.
        peak_rss_bytes: Largest memory; 0 where the system does not tell.
        peak_rss_scope: Whose memory that is: that of the step in a process of its own, or that of the
            whole process so far, for a thread has none of its own.
        custom: Metrics that the step named itself, as ``{"value": …, "unit": …}``.
    """

    rows: int = 0
    rows_received: int = 0
    requests: int = 0
    retries: int = 0
    bytes_received: int = 0
    bytes_written: int = 0
    files_written: int = 0
    duration_s: float = 0.0
    cpu_s: float = 0.0
    peak_rss_bytes: int = 0
    peak_rss_scope: Literal["process", "step"] = "process"
    custom: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def rows_per_s(self) -> float:
        """Rows made per second; 0.0 where no time passed."""
        return self.rows / self.duration_s if self.duration_s > 0 else 0.0


@dataclass(frozen=True, kw_only=True)
class StepOutput:
    """What one step of a run gave.

    Attributes:
        step_id: The step.
        outcome: How it ended.
        reason: Why it ran, did not run, or failed, in words.
        artifacts: Its outputs by field name; a single one is under ``output``.
        metrics: What it counted and cost.
        findings: The checks that it reported.
        error: What it raised, if it failed.
        attempts: How often it was started.
        duration_s: Wall time of all attempts in seconds.
    """

    step_id: str
    outcome: StepOutcome
    reason: str = ""
    artifacts: Mapping[str, Any] = field(default_factory=dict)
    metrics: StepMetrics = field(default_factory=StepMetrics)
    findings: tuple[Finding, ...] = ()
    error: BaseException | None = None
    attempts: int = 0
    duration_s: float = 0.0

    @property
    def output(self) -> Any:
        """The single output.

        Raises:
            UsageError: If the step has no outputs, or several.
        """
        if "output" in self.artifacts:
            return self.artifacts["output"]
        if self.artifacts:
            names = ", ".join(self.artifacts)
            raise UsageError(f"Step '{self.step_id}' has several outputs. Take one of artifacts: {names}.")
        raise UsageError(f"Step '{self.step_id}' has no output: it is {self.outcome} ({self.reason}).")


@dataclass(frozen=True, kw_only=True)
class RunResult:
    """What a whole run gave.

    Attributes:
        run_id: Name of the run; its records are in `run_dir`.
        outcome: How it ended.
        steps: Every step in topological order.
        totals: Sums over the steps; ``rows`` counts the last tables only, so no row counts twice.
        error: Root cause of the first failure, as it was raised.
        run_dir: Folder of ``results.json`` and ``events.jsonl``.
        duration_s: Wall time in seconds.
    """

    run_id: str
    outcome: RunOutcome
    steps: Mapping[str, StepOutput]
    totals: dict[str, Any]
    error: BaseException | None
    run_dir: Path
    duration_s: float

    def __getitem__(self, step_id: str) -> StepOutput:
        if step_id not in self.steps:
            hint = did_you_mean(step_id, self.steps) or f" There are {', '.join(self.steps)}."
            raise UnknownStepError(f"The run has no step '{step_id}'.{hint}")
        return self.steps[step_id]

    def raise_for_failure(self) -> None:
        """Raises what the first failed step raised; does nothing after a success.

        Raises:
            GridLoomError: The error itself where it is one of ours.
            StepFailedError: Around any other error, which is its cause.
        """
        if self.error is None:
            return
        if isinstance(self.error, GridLoomError):
            raise self.error
        raise StepFailedError(self.error_text) from self.error

    @property
    def error_text(self) -> str:
        """The error in words, with the step and the class where it is not one of ours; empty without one."""
        error = self.error
        if error is None or isinstance(error, GridLoomError):
            return str(error or "")
        failed = next((step.step_id for step in self.steps.values() if step.error is error), "?")
        said = f": {error}" if str(error) else "."
        return f"Step '{failed}' failed with {type(error).__name__}{said}"


class RunInterruptedError(InterruptedRunError):
    """A signal ended the run; `result` says how far it came.

    Attributes:
        result: The run as it was recorded.
    """

    def __init__(self, message: str, result: RunResult) -> None:
        super().__init__(message)
        self.result = result
