"""The page's tables: what went through each step, why it ran, checks, outputs, settings, messages. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from gridloom.dag.events import AnyEvent, CacheDecided, LogWritten, StepStarted
from gridloom.report.headline import Fact
from gridloom.report.source import RunRecord, StepRecord
from gridloom.report.states import tone
from gridloom.report.words import count, duration, parted, short, size

__all__ = [
    "CheckRow",
    "Decided",
    "Flow",
    "Message",
    "OutputRow",
    "SettingsGroup",
    "checks",
    "decisions",
    "flows",
    "messages",
    "outputs",
    "settings",
]

_MOST: Final = 300
"""Rows of a table whose length the data decides; what is left out is said."""

_NAMED: Final = 12
_LONGEST: Final = 200


@dataclass(frozen=True, slots=True)
class Flow:
    """What went through a step, and what it cost; a share is of the largest of all steps, from 0 to 100."""

    step_id: str
    received: str
    received_share: float
    rows: str
    rows_share: float
    bytes_in: str
    bytes_out: str
    requests: str
    per_s: str
    cpu: str
    memory: str


def flows(record: RunRecord) -> list[Flow]:
    """Returns a row for each step that did anything."""
    steps = [step for step in record.steps if any(_metric(step, name) for name in ("rows", "rows_received", "bytes_written", "requests", "cpu_s"))]
    most = max((max(_metric(step, "rows"), _metric(step, "rows_received")) for step in steps), default=0) or 1
    return [
        Flow(
            step_id=step.step_id,
            received=_counted(step, "rows_received"),
            received_share=round(100 * _metric(step, "rows_received") / most, 1),
            rows=_counted(step, "rows"),
            rows_share=round(100 * _metric(step, "rows") / most, 1),
            bytes_in=_sized(step, "bytes_received"),
            bytes_out=_sized(step, "bytes_written"),
            requests=_requests(step),
            per_s=count(round(_metric(step, "rows_per_s"))) if _metric(step, "rows_per_s") and step.outcome == "executed" else "-",
            cpu=duration(_metric(step, "cpu_s")) if _metric(step, "cpu_s") else "-",
            memory=_sized(step, "peak_rss_bytes"),
        )
        for step in steps
    ]


def _metric(step: StepRecord, name: str) -> float:
    return float(step.metrics.get(name) or 0)


def _counted(step: StepRecord, name: str) -> str:
    return count(_metric(step, name)) if _metric(step, name) else "-"


def _sized(step: StepRecord, name: str) -> str:
    return size(_metric(step, name)) if _metric(step, name) else "-"


def _requests(step: StepRecord) -> str:
    if not _metric(step, "requests"):
        return "-"
    again = _metric(step, "retries")
    return count(_metric(step, "requests")) + (f" ({count(again)} repeated)" if again else "")


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
        Decided(what, tone(_OUTCOMES[what]), short(reason, _LONGEST) or "-", _names(steps), len(steps))
        for (what, reason), steps in list(groups.items())[:_MOST]
    ]


_OUTCOMES: Final = {"used again": "cached", "ran": "executed", "not run": "skipped"}


def _names(steps: Sequence[StepRecord]) -> str:
    names = ", ".join(step.step_id for step in steps[:_NAMED])
    return names if len(steps) <= _NAMED else f"{names} and {count(len(steps) - _NAMED)} more"


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
class SettingsGroup:
    """Settings of the steps of one class.

    Attributes:
        kind: The class.
        steps: The steps, in words.
        common: What is the same in all of them.
        own: Of each step, what is not.
        unset: Names of settings that none of them sets.
        left_out: Steps whose own settings are not shown.
    """

    kind: str
    steps: str
    common: list[Fact]
    own: list[tuple[str, list[Fact]]]
    unset: str
    left_out: int


def settings(record: RunRecord) -> list[SettingsGroup]:
    """Returns the settings of all steps, what steps of one class have in common said once."""
    kinds: dict[str, list[StepRecord]] = {}
    for step in record.steps:
        if record.settings.get(step.step_id):
            kinds.setdefault(step.type or step.step_id, []).append(step)
    return [_settings_group(kind, steps, record.settings) for kind, steps in kinds.items()]


def _settings_group(
    kind: str, steps: list[StepRecord], known: dict[str, dict[str, Any]]
) -> SettingsGroup:
    names = list(dict.fromkeys(name for step in steps for name in known[step.step_id]))
    values = {name: [known[step.step_id].get(name) for step in steps] for name in names}
    common = [name for name in names if all(value == values[name][0] for value in values[name])]
    unset = [name for name in common if values[name][0] in (None, "", [], {})]
    differing = [name for name in names if name not in common]
    return SettingsGroup(
        kind=kind.rpartition(".")[2],
        steps=_names(steps),
        common=[_fact(name, values[name][0]) for name in common if name not in unset],
        own=[
            (step.step_id, [_fact(name, known[step.step_id].get(name)) for name in differing])
            for step in steps[:_MOST]
            if differing
        ],
        unset=", ".join(unset),
        left_out=len(steps[_MOST:]) if differing else 0,
    )


def _fact(name: str, value: Any) -> Fact:
    return Fact(name, short(parted(value), _LONGEST))


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
            ", ".join(list(dict.fromkeys(steps))[:_NAMED]),
        )
        for (level, text), steps in list(found.items())[:_MOST]
    ]
