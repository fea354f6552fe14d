"""What a run says while it works: one stream of small, typed, versioned records.

The stream is what monitors listen to and what ``events.jsonl`` holds, one JSON object per line with
the kind in ``type``. `decode` reads a line back.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

from gridloom.dag.outcome import RunOutcome, StepOutcome

__all__ = [
    "EVENT_VERSION",
    "AnyEvent",
    "AttemptFailed",
    "CacheDecided",
    "CheckpointReached",
    "Event",
    "FindingReported",
    "Level",
    "LogWritten",
    "MetricReported",
    "ProgressMade",
    "RunFinished",
    "RunStarted",
    "StepFinished",
    "StepStarted",
    "decode",
    "encode",
]

EVENT_VERSION = 1
"""Rises when a field is removed or changes its meaning; new fields with defaults do not raise it."""

Level = Literal["debug", "info", "warning", "error"]


class Event(msgspec.Struct, frozen=True, kw_only=True, tag_field="type"):
    """What all events have.

    Attributes:
        seq: Position in the run's stream, from 1 without gaps.
        at: When it happened, UTC.
        run_id: The run.
        v: Version of the format.
    """

    seq: int
    at: datetime
    run_id: str
    v: int = EVENT_VERSION


class RunStarted(Event, frozen=True, kw_only=True, tag="run-started"):
    """The run begins.

    Attributes:
        pipeline_id: Stable name of the pipeline.
        pipeline_name: What a person reads.
        steps: Ids in topological order.
        max_parallel_steps: Most steps that run at once.
        dependencies: For each step that has some, the ids of those that it comes after.
    """

    pipeline_id: str
    pipeline_name: str
    steps: tuple[str, ...]
    max_parallel_steps: int
    dependencies: dict[str, tuple[str, ...]] = {}


class RunFinished(Event, frozen=True, kw_only=True, tag="run-finished"):
    """The run is over, and its last event is this; only a word about listeners that missed some may follow.

    Attributes:
        outcome: How it ended.
        duration_s: Wall time in seconds.
        rows: Rows of the last tables.
        error_type: Class of the root cause, or empty.
        message: Text of the root cause, or empty.
    """

    outcome: RunOutcome
    duration_s: float
    rows: int = 0
    error_type: str = ""
    message: str = ""


class CacheDecided(Event, frozen=True, kw_only=True, tag="cache-decided"):
    """It was decided whether a cacheable step has to run.

    Attributes:
        step_id: The step.
        hit: Whether outputs of an earlier run are used.
        reason: Why, in words.
    """

    step_id: str
    hit: bool
    reason: str


class StepStarted(Event, frozen=True, kw_only=True, tag="step-started"):
    """A step begins an attempt.

    Attributes:
        step_id: The step.
        step_name: What a person reads.
        attempt: 1 for the first.
        reason: Why it runs.
    """

    step_id: str
    step_name: str
    attempt: int
    reason: str


class AttemptFailed(Event, frozen=True, kw_only=True, tag="attempt-failed"):
    """An attempt raised.

    Attributes:
        step_id: The step.
        attempt: 1 for the first.
        error_type: Class of what was raised.
        message: Its text.
        retry_in_s: Wait before the next attempt in seconds; None if there is none.
    """

    step_id: str
    attempt: int
    error_type: str
    message: str
    retry_in_s: float | None


class StepFinished(Event, frozen=True, kw_only=True, tag="step-finished"):
    """A step is over, whether or not it ran.

    Attributes:
        step_id: The step.
        outcome: How it ended.
        reason: Why, in words.
        attempts: How often it was started.
        duration_s: Wall time in seconds.
        rows: Rows of its artifacts.
        rows_received: Rows from outside.
        requests: Requests to a source.
        retries: Requests that were repeated.
        bytes_received: Bytes from outside.
        bytes_written: Bytes of committed outputs.
    """

    step_id: str
    outcome: StepOutcome
    reason: str
    attempts: int
    duration_s: float
    rows: int = 0
    rows_received: int = 0
    requests: int = 0
    retries: int = 0
    bytes_received: int = 0
    bytes_written: int = 0


class ProgressMade(Event, frozen=True, kw_only=True, tag="progress"):
    """A step came this far; at most ten of these a second and step, the last one always.

    Attributes:
        step_id: The step.
        done: Units done so far.
        total: Units in all; None if nobody knows.
        unit: What is counted.
        rows: Rows counted so far by ``ctx.add``.
        rows_received: Rows from outside so far.
        requests: Requests so far.
        retries: Repeated requests so far.
        bytes_received: Bytes from outside so far.
    """

    step_id: str
    done: float
    total: float | None
    unit: str
    rows: int = 0
    rows_received: int = 0
    requests: int = 0
    retries: int = 0
    bytes_received: int = 0


class MetricReported(Event, frozen=True, kw_only=True, tag="metric"):
    """A step named a number.

    Attributes:
        step_id: The step.
        name: What it is.
        value: How much.
        unit: Of what.
    """

    step_id: str
    name: str
    value: float
    unit: str


class FindingReported(Event, frozen=True, kw_only=True, tag="finding"):
    """A step checked something.

    Attributes:
        step_id: The step.
        name: The check.
        why: What it protects against.
        required: Whether a failure keeps the output from being published.
        passed: Whether it held.
        detail: What was seen.
    """

    step_id: str
    name: str
    why: str
    required: bool
    passed: bool
    detail: str


class CheckpointReached(Event, frozen=True, kw_only=True, tag="checkpoint"):
    """A step has a partial result that a crash does not cost.

    Attributes:
        step_id: The step.
        name: What the step calls it.
        found: Whether an earlier attempt had made it.
        size_bytes: Size of its files.
    """

    step_id: str
    name: str
    found: bool
    size_bytes: int


class LogWritten(Event, frozen=True, kw_only=True, tag="log"):
    """A line for a person.

    Attributes:
        step_id: The step; empty if the run itself says it.
        level: How much it matters.
        message: The line.
    """

    step_id: str
    level: Level
    message: str


AnyEvent = (
    RunStarted
    | RunFinished
    | CacheDecided
    | StepStarted
    | AttemptFailed
    | StepFinished
    | ProgressMade
    | MetricReported
    | FindingReported
    | CheckpointReached
    | LogWritten
)
"""Every kind of event, for an exhaustive ``match``."""

_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[AnyEvent] = msgspec.json.Decoder(AnyEvent)


def encode(event: Event) -> bytes:
    """Returns an event as one line of JSON without its line end."""
    return _encoder.encode(event)


def decode(line: bytes | str) -> AnyEvent:
    """Returns the event of one line of ``events.jsonl``.

    Raises:
        msgspec.DecodeError: If the line is not an event.
    """
    return _decoder.decode(line)
