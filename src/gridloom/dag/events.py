"""What a run says while it works: one stream of small, typed, versioned records.

The stream is what monitors listen to and what ``events.jsonl`` holds, one JSON object per line with
the kind in ``type``. `decode` reads a line back.
"""

from __future__ import annotations

import msgspec

from gridloom.dag.outcome import RunOutcome, StepOutcome, ended_as
from gridloom.dag.told import (
    EVENT_VERSION,
    CheckpointReached,
    Event,
    FindingReported,
    Level,
    LogWritten,
    MetricReported,
    ProgressMade,
    RequestMade,
)

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
    "OutputMade",
    "ProgressMade",
    "RequestMade",
    "RunFinished",
    "RunStarted",
    "StepFinished",
    "StepStarted",
    "decode",
    "encode",
]


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
    dependencies: dict[str, tuple[str, ...]] = msgspec.field(default_factory=dict)


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

    @property
    def ended_as(self) -> str:
        """The outcome's word, or ``interrupted`` where somebody stopped the run, which is no failure."""
        return ended_as(self.outcome, self.error_type)


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


class OutputMade(msgspec.Struct, frozen=True, kw_only=True):
    """A file or folder that a step gave, without its content.

    Attributes:
        name: Name among the step's outputs.
        type: Class of its artifact.
        path: Where it stands; relative to the output folder if it lies there.
        digest: Digest of its content.
        size_bytes: Sum of the sizes of its files.
        rows: Its rows; None where it has none to count.
    """

    name: str
    type: str
    path: str
    digest: str
    size_bytes: int
    rows: int | None = None


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
        outputs: Files and folders that it gave, also those of an earlier run that are used.
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
    outputs: tuple[OutputMade, ...] = ()


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
    | RequestMade
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
