"""What comes first: what was asked, how it ended, what it came to, and what to do next. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from gridloom.report.source import RunRecord
from gridloom.report.states import tone
from gridloom.report.words import clock, parted
from gridloom.words import count, duration, short, size

__all__ = ["Fact", "Headline", "headline"]

_SENTENCES: Final = {
    "succeeded": "Every step was executed, or its outputs were there already.",
    "partial": "Some steps failed. What does not depend on them went on.",
    "failed": "It failed, and what had not started was not begun.",
    "planned": "It was a dry run: steps were looked at and not asked to work.",
    "interrupted": "It was cut off before its end: its process is gone.",
    "running": "It was still at work when this page was made; it shows how far the run had come.",
}
_STOPPED: Final = "It was stopped before its end."
_STOPPED_TYPE: Final = "InterruptedRunError"
_AGAIN: Final = "Start it the same way again: what is finished is kept, and only the rest runs."
_ASKED: Final = {
    "first": "First hour",
    "last": "Last hour",
    "respondents": "Respondents",
    "series": "Series",
    "source": "Source",
    "name": "Name",
}
"""Settings of steps that say what was asked for, in the order in which they are shown."""

_LONGEST_ASKED: Final = 240


@dataclass(frozen=True, slots=True)
class Fact:
    """A name and what is known by it."""

    name: str
    value: str
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Headline:
    """The top of the page.

    Attributes:
        pipeline: Its name.
        run_id: The run.
        outcome: How it ended, in a word.
        tone: Its colour.
        fault_tone: The colour of its error.
        sentence: How it ended, in a sentence.
        started: When, in words.
        facts: The most important numbers.
        asked: What was asked for.
        error_type: Class of the error; empty where there is none.
        error: Its text.
        traceback: Where it was raised, where it is not one that GridLoom can explain.
        advice: What to do next; empty where there is nothing to do.
    """

    pipeline: str
    run_id: str
    outcome: str
    tone: str
    fault_tone: str
    sentence: str
    started: str
    facts: list[Fact]
    asked: list[Fact]
    error_type: str
    error: str
    traceback: str
    advice: str


def headline(record: RunRecord, length_s: float) -> Headline:
    """Returns the top of a run's page.

    Args:
        record: The run.
        length_s: Seconds that its events span, which is its duration where it was killed.
    """
    fault = record.error or next((step.error for step in record.steps if step.error), None)
    stopped = fault is not None and fault.type == _STOPPED_TYPE
    outcome = record.outcome
    return Headline(
        pipeline=record.pipeline.get("name", ""),
        run_id=record.run_id,
        outcome=outcome,
        tone="cut" if stopped else tone(record.outcome),
        fault_tone="cut" if stopped else "bad",
        sentence=_STOPPED if stopped else _SENTENCES.get(record.outcome, ""),
        started=clock(datetime.fromisoformat(record.started_at)),
        facts=_facts(record, length_s),
        asked=_asked(record.settings.values()),
        error_type=fault.type if fault else "",
        error=fault.message if fault else "",
        traceback=fault.traceback if fault else "",
        advice=_AGAIN if record.outcome in {"failed", "partial", "interrupted"} else "",
    )


def _facts(record: RunRecord, length_s: float) -> list[Fact]:
    totals, steps = record.totals, record.steps
    table = next((item for step in steps for item in step.outputs if "hours_missing" in item), None)
    facts = []
    if table is not None:
        facts.append(Fact("Rows in the table", count(table.get("rows", 0)), parted(table.get("path"))))
        facts.append(Fact("Hours missing", count(table["hours_missing"]), "at the source"))
    else:
        facts.append(Fact("Rows", count(totals.get("rows", 0)), "of the last tables"))
    if requests := _total(record, "requests"):
        facts.append(Fact("Requests", count(requests), f"{count(_total(record, 'retries'))} repeated"))
    if received := _total(record, "rows_received"):
        facts.append(Fact("Rows received", count(received), size(_total(record, "bytes_received"))))
    taken_s = record.duration_s if record.duration_s is not None else length_s
    facts.append(Fact("Time", duration(taken_s), f"{duration(totals['cpu_s'])} of CPU" if totals else ""))
    ended = dict.fromkeys(("executed", "cached", "failed", "cancelled", "skipped"), 0)
    for step in steps:
        ended[step.outcome] = ended.get(step.outcome, 0) + 1
    said = ", ".join(f"{count(number)} {outcome}" for outcome, number in ended.items() if number)
    return [*facts, Fact("Steps", count(len(steps)), said)]


def _total(record: RunRecord, name: str) -> float:
    if name in record.totals:
        return float(record.totals[name])
    return float(sum(step.metrics.get(name, 0) for step in record.steps))


def _asked(settings: Iterable[dict[str, Any]]) -> list[Fact]:
    """Returns what all steps together were asked for, each value once."""
    found: dict[str, list[str]] = {}
    for known in settings:
        for name in _ASKED:
            value = known.get(name)
            for item in value if isinstance(value, list) else [value]:
                if item is not None and item != "" and str(item) not in found.setdefault(name, []):
                    found[name].append(str(item))
    return [
        Fact(title, short(", ".join(found[name]), _LONGEST_ASKED))
        for name, title in _ASKED.items()
        if found.get(name)
    ]
