"""What is on disk about a run, read into records: the one place of this room that reads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from gridloom.dag.events import AnyEvent, FindingReported, RunStarted, decode
from gridloom.dag.history import find_run_id, load_run
from gridloom.errors import RawDataError
from gridloom.files import storage_errors
from gridloom.report.coverage import Coverage
from gridloom.report.words import without_places

__all__ = ["COVERAGE_NAME", "Fault", "RunRecord", "RunSource", "StepRecord", "read_event", "read_source"]

COVERAGE_NAME: Final = "coverage.json"
"""What a pipeline knows of its table's hours, beside the run's record."""


class Fault(msgspec.Struct, frozen=True):
    """An error as it is recorded."""

    type: str
    message: str
    traceback: str = ""


class Check(msgspec.Struct, frozen=True):
    """A finding as it is recorded."""

    name: str
    why: str = ""
    required: bool = False
    passed: bool = True
    detail: str = ""


class StepRecord(msgspec.Struct, kw_only=True):
    """One step of a run, as far as it is known."""

    step_id: str
    outcome: str
    type: str = ""
    reason: str = ""
    attempts: int = 0
    duration_s: float = 0.0
    metrics: dict[str, Any] = {}
    outputs: list[dict[str, Any]] = []
    findings: list[Check] = []
    error: Fault | None = None
    depends_on: list[str] = []


class RunRecord(msgspec.Struct, kw_only=True):
    """A run, as far as it is known."""

    run_id: str
    outcome: str
    pipeline: dict[str, str]
    started_at: str
    finished_at: str | None = None
    duration_s: float | None = None
    totals: dict[str, Any] = {}
    settings: dict[str, dict[str, Any]] = {}
    steps: list[StepRecord] = []
    error: Fault | None = None
    environment: dict[str, Any] = {}
    resumes: str | None = None


class RunSource(msgspec.Struct, frozen=True, kw_only=True):
    """All that is known of a run.

    Attributes:
        record: What it was and came to.
        events: What it said, in order.
        coverage: The hours of its table; None where it made none, or nobody counted them.
    """

    record: RunRecord
    events: tuple[AnyEvent, ...] = ()
    coverage: Coverage | None = None


def read_source(out: Path, run_id: str) -> RunSource:
    """Returns what is known of a run, whether it ended or was killed.

    Args:
        out: The output folder.
        run_id: Its id, the beginning of it, or ``latest``.

    Raises:
        UsageError: If there is no such run, or several begin so.
        RawDataError: If nothing but its folder is left, or its record is not one.
        StorageError: If the disk refuses.
    """
    found = find_run_id(out, run_id)
    folder = out / "runs" / found
    events = tuple(_events(folder / "events.jsonl", out))
    record = dict(load_run(out, found))
    if not all("depends_on" in step for step in record["steps"]):  # it was killed: the events tell the rest
        record = {"settings": {}, **record, "steps": _with_events(record["steps"], events)}
    try:
        known = msgspec.convert(without_places(record, out), RunRecord)
    except msgspec.ValidationError as error:
        raise RawDataError(
            f"The record of run {found} is not one of this version ({error}). Run the same command again: "
            "what is finished is kept."
        ) from error
    return RunSource(record=known, events=events, coverage=_coverage(folder / COVERAGE_NAME))


def _events(path: Path, out: Path) -> Iterator[AnyEvent]:
    """Yields the events of a log; of a run that was killed the last line may be cut off."""
    if not path.is_file():
        return
    with storage_errors("read", path), path.open("rb") as lines:
        for line in lines:
            event = read_event(line, out)
            if event is not None:
                yield event


def read_event(line: bytes, out: Path) -> AnyEvent | None:
    """Returns the event of one line of a log, without places of a machine; None if it is none."""
    try:
        if b"/" in line:
            line = msgspec.json.encode(without_places(msgspec.json.decode(line), out))
        return decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None


def _with_events(steps: list[Mapping[str, Any]], events: tuple[AnyEvent, ...]) -> list[dict[str, Any]]:
    """Returns the journal's steps with what only the events tell: dependencies and checks."""
    above: dict[str, tuple[str, ...]] = {}
    checks: dict[str, list[dict[str, Any]]] = {}
    for event in events:
        if isinstance(event, RunStarted):
            above = event.dependencies
        elif isinstance(event, FindingReported):
            check = {name: getattr(event, name) for name in Check.__struct_fields__}
            checks.setdefault(event.step_id, []).append(check)
    return [
        {
            **step,
            "depends_on": list(above.get(step["step_id"], ())),
            "findings": checks.get(step["step_id"], []),
        }
        for step in steps
    ]


def _coverage(path: Path) -> Coverage | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=Coverage)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        return None
