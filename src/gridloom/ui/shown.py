"""What the pages show: plain values and small records, all of it decided. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

from gridloom.monitor.state import RunState, StepState
from gridloom.monitor.told import limiter, told
from gridloom.report.drawing import draw
from gridloom.report.states import LEGEND, tone
from gridloom.report.words import clock, parted
from gridloom.words import count, duration, short

__all__ = ["StepRow", "compared", "elapsed", "head", "live", "notes", "runs", "step_rows"]

_PAGE: Final = 100
_MOST_CHOICES: Final = 500
_LONGEST: Final = 200


class RunRow(msgspec.Struct, frozen=True):
    """One run of the list."""

    run_id: str
    outcome: str
    tone: str
    pipeline: str
    started: str
    took: str
    rows: str
    requests: str


def runs(records: Sequence[Mapping[str, Any]], outcome: str, page: int) -> dict[str, Any]:
    """Returns the list of runs.

    Args:
        records: All runs, newest first.
        outcome: Show those that ended so; empty shows all.
        page: Which hundred of them, from 1.
    """
    chosen = [record for record in records if outcome in {"", record["outcome"]}]
    pages = max(-(-len(chosen) // _PAGE), 1)
    page = min(max(page, 1), pages)
    counts = Counter(str(record["outcome"]) for record in records)
    return {
        "rows": [_run_row(record) for record in chosen[(page - 1) * _PAGE : page * _PAGE]],
        "filters": [("", len(records)), *sorted(counts.items())],
        "outcome": outcome,
        "page": page,
        "pages": pages,
        "choices": [str(record["run_id"]) for record in records[:_MOST_CHOICES]],
    }


def _run_row(record: Mapping[str, Any]) -> RunRow:
    totals, seconds, started = record.get("totals", {}), record.get("duration_s"), record.get("started_at")
    counts = [count(totals[name]) if name in totals else "-" for name in ("rows", "requests")]
    return RunRow(
        str(record["run_id"]),
        str(record["outcome"]),
        tone(str(record["outcome"])),
        str(record.get("pipeline", {}).get("name", "")),
        clock(datetime.fromisoformat(started)) if started else "-",
        "-" if seconds is None else duration(seconds),
        *counts,
    )


class StepRow(msgspec.Struct, frozen=True):
    """One step of a run at work.

    Attributes:
        step_id: The step.
        state: Where it stands, in a word.
        tone: The colour of that.
        share: Per cent that is done; None if nobody knows.
        told: How far it is: amount, rate, time left, limiter.
        took: Its time, or the attempt that it is at.
        reason: Why it ran, waits or failed.
    """

    step_id: str
    state: str
    tone: str
    share: int | None
    told: str
    took: str
    reason: str


def step_rows(state: RunState, outcome: str, after: int = 0) -> list[StepRow]:
    """Returns the steps that changed after an event, in their order; 0 gives all.

    Args:
        state: The run, as far as its events tell.
        outcome: How it ended, or ``running``: no step of a run that has ended is at work.
        after: Number of that event.
    """
    return [_step_row(step, outcome) for step in state.steps.values() if step.seq > after or not after]


def _step_row(step: StepState, outcome: str) -> StepRow:
    state = step.state if outcome == "running" or not step.at_work else outcome
    share = 1.0 if step.state == "executed" and step.unit else step.share
    took = duration(step.duration_s) if step.duration_s is not None else ""
    again = f"attempt {step.attempt}" if step.attempt > 1 else ""
    return StepRow(
        step.step_id,
        state,
        tone("running" if state == "waiting" else state),
        None if share is None or step.state == "cached" else int(100 * share),
        ", ".join(filter(None, (told(step), _pace(step)))),
        ", ".join(filter(None, (took, again))),
        short(step.reason, _LONGEST),
    )


def _pace(step: StepState) -> str:
    if not step.at_work or step.limit_per_s is None:
        return ""
    return limiter(step.limit_per_s, step.full_per_s)


def head(state: RunState, outcome: str) -> dict[str, Any]:
    """Returns what changes at the top of a run's page: outcome, and how many steps stand where."""
    counts = Counter(row.state for row in step_rows(state, outcome))
    return {
        "outcome": outcome,
        "tone": tone(outcome),
        "message": state.message,
        "counts": [f"{count(number)} {word}" for word, number in counts.items()],
    }


def elapsed(state: RunState, outcome: str, now: datetime) -> str:
    """Returns how long the run has taken, in words; empty before its first event."""
    if state.duration_s is not None:
        return duration(state.duration_s)
    end = now if outcome == "running" else state.last
    return "" if state.began is None or end is None else duration(max((end - state.began).total_seconds(), 0))


def notes(state: RunState, after: int = 0) -> list[str]:
    """Returns the lines for a person that were said after an event."""
    return [text for seq, text in state.notes if seq > after]


def live(record: Mapping[str, Any], state: RunState, outcome: str, now: datetime) -> dict[str, Any]:
    """Returns a run as its events tell it now."""
    rows = step_rows(state, outcome)
    above: dict[str, list[str]] = {}
    for name in state.steps:
        above[name] = [each for each in state.dependencies.get(name, ()) if each in above]
    return {
        "run_id": record["run_id"],
        "pipeline": state.pipeline or record.get("pipeline", {}).get("name", ""),
        "started": clock(state.began),
        "running": outcome == "running",
        "head": head(state, outcome),
        "elapsed": elapsed(state, outcome, now),
        "rows": rows,
        "notes": notes(state),
        "seq": state.seq,
        "legend": LEGEND,
        "drawing": draw(above),
        "steps": {row.step_id: (row.state, row.tone, short(row.reason, 80)) for row in rows},
    }


def compared(found: Mapping[str, Any]) -> dict[str, Any]:
    """Returns what differs between two runs, from `gridloom.dag.history.compare_runs`."""
    return {
        "runs": [_run_row(record) for record in found["runs"]],
        "settings": None
        if found["settings"] is None
        else [
            (change["step_id"], change["setting"], parted(change["before"]), parted(change["after"]))
            for change in found["settings"]
        ],
        "steps": [
            {
                "step_id": step["step_id"],
                "outcomes": [(word, tone(word)) if word else ("-", "idle") for word in step["outcome"]],
                "took": ["-" if value is None else duration(value) for value in step["duration_s"]],
                "rows": ["-" if value is None else count(value) for value in step["rows"]],
                "outputs": {True: "same", False: "differ", None: "-"}[step["same_outputs"]],
                "reason": short(step["reason"][1] or "", _LONGEST),
            }
            for step in found["steps"]
        ],
    }
