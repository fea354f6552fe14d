"""What steps tell of their work, and what all events have; `events` has the rest of the stream.

Whoever listens takes the names from `events`.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

__all__ = [
    "EVENT_VERSION",
    "CheckpointReached",
    "Event",
    "FindingReported",
    "Level",
    "LogWritten",
    "MetricReported",
    "ProgressMade",
    "RequestMade",
]

EVENT_VERSION = 1
"""Rises when a field is removed or changes its meaning; new fields with defaults do not raise it."""

Level = Literal["debug", "info", "warning", "error"]


class Event(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", gc=False):
    """What all events have; none is part of a cycle, so that the garbage collector need not look at them.

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


class RequestMade(Event, frozen=True, kw_only=True, tag="request"):
    """A step asked a server, and this is how that went; repeated requests are events of their own.

    Attributes:
        step_id: The step.
        method: HTTP method.
        url: Scheme, host, port and path, without the query.
        status: HTTP status; 0 where no whole answer came.
        duration_s: Seconds from when it was sent to the end of the answer, without waits for the limiter.
        resend: How often the same had been asked before.
        bytes_received: Bytes of the body as they came.
    """

    step_id: str
    method: str
    url: str
    status: int
    duration_s: float
    resend: int = 0
    bytes_received: int = 0


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
