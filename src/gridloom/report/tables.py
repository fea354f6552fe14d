"""The page's tables: why steps ran, what they checked, made, and said on the way. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from gridloom.dag.events import AnyEvent, CacheDecided, LogWritten, StepStarted
from gridloom.report.source import RunRecord, StepRecord
from gridloom.report.states import tone
from gridloom.report.words import named, parted
from gridloom.words import count, short, size

__all__ = [
    "CheckRow",
    "Decided",
    "Message",
    "OutputRow",
    "checks",
    "decisions",
    "messages",
    "outputs",
]

_MOST: Final = 300
"""Rows of a table whose length the data decides; what is left out is said."""

_LONGEST: Final = 200


@dataclass(frozen=True, slots=True)
class Decided:
    """Steps of which the same was decided for the same reason."""

    what: str
    tone: str
    reason: str
    steps: str
    number: int


def decisions(record: RunRecord, events: Iterable[AnyEvent]) -> list[Decided]:
    """Returns why steps ran or did not run, those with one reason together."""
    reasons: dict[str, tuple[str, str]] = {}
    for event in events:
        if isinstance(event, CacheDecided):
            reasons[event.step_id] = ("used again" if event.hit else "ran", event.reason)
        elif isinstance(event, StepStarted):
            reasons.setdefault(event.step_id, ("ran", event.reason))
    groups: dict[tuple[str, str], list[StepRecord]] = {}
    for step in record.steps:
        what, reason = reasons.get(step.step_id, ("not run", step.reason))
        if what == "ran" and step.outcome in {"skipped", "pending"}:
            what, reason = "not run", step.reason
        groups.setdefault((what, reason), []).append(step)
    return [
        Decided(
            what,
            tone(_OUTCOMES[what]),
            short(reason, _LONGEST) or "-",
            named([step.step_id for step in steps]),
            len(steps),
        )
        for (what, reason), steps in list(groups.items())[:_MOST]
    ]


_OUTCOMES: Final = {"used again": "cached", "ran": "executed", "not run": "skipped"}


@dataclass(frozen=True, slots=True)
class CheckRow:
    """One check of a step."""

    step_id: str
    name: str
    state: str
    tone: str
    detail: str
    why: str


def checks(record: RunRecord) -> tuple[list[CheckRow], list[CheckRow], int]:
    """Returns the checks that did not hold, those that held, and how many are left out."""
    found = [
        CheckRow(
            step.step_id,
            check.name,
            state := "held" if check.passed else "failed" if check.required else "note",
            {"held": "done", "failed": "bad", "note": "cut"}[state],
            check.detail,
            check.why,
        )
        for step in record.steps
        for check in step.findings
    ]
    unmet = [row for row in found if row.state != "held"]
    held = [row for row in found if row.state == "held"]
    unmet.sort(key=lambda row: row.state != "failed")
    shown = unmet[:_MOST], held[:_MOST]
    return *shown, len(found) - len(shown[0]) - len(shown[1])


@dataclass(frozen=True, slots=True)
class OutputRow:
    """One output of a step, and what it was made from."""

    path: str
    kind: str
    rows: str
    size: str
    digest: str
    step_id: str
    made: str
    inputs: list[str]


def outputs(record: RunRecord) -> tuple[list[OutputRow], int]:
    """Returns the outputs of all steps, last ones first, and how many are left out."""
    by_step = {step.step_id: [_place(item) for item in step.outputs] for step in record.steps}
    rows = [
        OutputRow(
            path=_place(item),
            kind=str(item.get("type", "")).rpartition(".")[2],
            rows=count(item["rows"]) if isinstance(item.get("rows"), int) else "-",
            size=size(item["size_bytes"]) if isinstance(item.get("size_bytes"), int) else "-",
            digest=str(item.get("digest", "")).removeprefix("sha256:")[:12],
            step_id=step.step_id,
            made="in this run" if step.outcome == "executed" else step.reason,
            inputs=[place for above in step.depends_on for place in by_step.get(above, [])],
        )
        for step in reversed(record.steps)
        for item in step.outputs
    ]
    return rows[:_MOST], len(rows[_MOST:])


def _place(item: dict[str, Any]) -> str:
    return str(item["path"]) if "path" in item else short(parted(item.get("value")), _LONGEST)


@dataclass(frozen=True, slots=True)
class Message:
    """A warning or an error that the run wrote for a person, and how often."""

    level: str
    tone: str
    text: str
    times: int
    steps: str


def messages(events: Iterable[AnyEvent]) -> list[Message]:
    """Returns warnings and errors in the order in which each was first said."""
    found: dict[tuple[str, str], list[str]] = {}
    for event in events:
        if isinstance(event, LogWritten) and event.level in {"warning", "error"}:
            found.setdefault((event.level, event.message), []).append(event.step_id or "the run")
    return [
        Message(
            level,
            "bad" if level == "error" else "cut",
            text,
            len(steps),
            named(list(dict.fromkeys(steps))),
        )
        for (level, text), steps in list(found.items())[:_MOST]
    ]
