"""What a run and the process of a step say to each other; each message is pickled on its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from gridloom.dag.events import Event

__all__ = ["Begun", "Ended", "Raised", "Said", "Stop", "Task"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Task:
    """To the worker: run this.

    Attributes:
        call: The step and its inputs, pickled.
        main: How to import the program's main module, where the call needs it; else empty.
        out: Output folder of the pipeline.
        staging: Staging folder of the attempt.
        run_id: The run.
        step_id: The step.
        force: Whether the run was asked to redo everything.
        key: Digest of all that decides the step's outputs; empty if nobody knows.
        redact: Hides secrets in a text; what is kept with a checkpoint is searched for them.
    """

    call: bytes
    main: Mapping[str, Any]
    out: Path
    staging: Path
    run_id: str
    step_id: str
    force: bool
    key: str
    redact: Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Stop:
    """To the worker: the step that runs is asked to stop.

    Attributes:
        reason: Why, in words.
    """

    reason: str


@dataclass(frozen=True, slots=True)
class Begun:
    """From the worker: everything is loaded, and the step begins."""


@dataclass(frozen=True, slots=True)
class Said:
    """From the worker: the step said something.

    Attributes:
        kind: Class of the event.
        fields: Its own fields by name.
        counters: What the step has counted so far.
    """

    kind: type[Event]
    fields: Mapping[str, Any]
    counters: Mapping[str, int]


@dataclass(frozen=True, kw_only=True, slots=True)
class Raised:
    """What a step raised.

    Attributes:
        error: The exception, pickled; None if it cannot be.
        words: Its class and text.
        trace: Its traceback as text.
    """

    error: bytes | None
    words: str
    trace: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Ended:
    """From the worker: the step is over.

    Attributes:
        result: What it gave, pickled, or what it raised.
        counters: What it counted.
        names: The output names that it asked for.
        cpu_s: CPU time of the process in seconds.
        peak_rss_bytes: Largest memory of the process; 0 where the system does not tell.
        peak_rss_scope: ``step`` if that is the largest while the step ran, else ``process``.
    """

    result: bytes | Raised
    counters: Mapping[str, int]
    names: tuple[str, ...]
    cpu_s: float
    peak_rss_bytes: int
    peak_rss_scope: Literal["process", "step"]
