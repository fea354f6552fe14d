"""What the pages show: plain values and small records, all of it decided. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

from gridloom.monitor.state import RunState, StepState
from gridloom.monitor.told import asked, limiter, told
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
        from_s: When it began, in seconds since the run did; None if it has not.
        to_s: When it was over, likewise; None if it is not.
        share: Per cent that is done of what is at work; None if nobody knows.
        told: How far it is: amount, rate, time left, limiter.
        took: Its time so far, and the attempt that it is at.
        reason: Why it ran, waits or failed.
    """

    step_id: str
    state: str
    tone: str
    from_s: float | None
    to_s: float | None
    share: int | None
    told: str
    took: str
    reason: str


def step_rows(
    state: RunState, outcome: str, now: datetime, *, after: int = 0, at_work: bool = False
) -> list[StepRow]:
    """Returns the steps that changed after an event, in their order; 0 gives all.

    Args:
        state: The run, as far as its events tell.
        outcome: How it ended, or ``running``: no step of a run that has ended is at work.
        now: The time, for what is at work.
        after: Number of that event.
        at_work: Whether to give those at work only.
    """
    # what is at work in a run that was cut off was so until the run said its last word
    until = now if outcome == "running" else state.last or now
    return [
        _step_row(step, state, outcome, until)
        for step in state.steps.values()
        if (step.at_work or not at_work) and (step.seq > after or not after)
    ]


def _step_row(step: StepState, state: RunState, outcome: str, until: datetime) -> StepRow:
    running = outcome == "running"
    word = step.state if running or not step.at_work else outcome
    share = step.share if step.at_work else None
    ended = step.ended if running or not step.at_work else until
    seconds = step.duration_s
    if seconds is None and step.began is not None:
        seconds = max((until - step.began).total_seconds(), 0.0)
    again = f"attempt {step.attempt}" if step.attempt > 1 else ""
    return StepRow(
        step.step_id,
        word,
        tone("running" if word == "waiting" else word),
        _since(state.began, step.began),
        _since(state.began, ended),
        None if share is None else int(100 * share),
        ", ".join(filter(None, (told(step), _pace(step)))),
        ", ".join(filter(None, ("" if seconds is None else duration(seconds), again))),
        short(step.reason, _LONGEST),
    )


def _since(began: datetime | None, at: datetime | None) -> float | None:
    return None if began is None or at is None else round(max((at - began).total_seconds(), 0.0), 3)


def _pace(step: StepState) -> str:
    if not step.at_work or step.limit_per_s is None:
        return ""
    return limiter(step.limit_per_s, step.full_per_s)


def head(state: RunState, outcome: str) -> dict[str, Any]:
    """Returns what changes at the top of a run's page: outcome, how many steps stand where, requests."""
    words = [
        step.state if outcome == "running" or not step.at_work else outcome for step in state.steps.values()
    ]
    return {
        "outcome": outcome,
        "tone": tone(outcome),
        "message": state.message,
        "counts": [f"{count(number)} {word}" for word, number in Counter(words).items()],
        "asks": asked(state).told if outcome == "running" else "",
    }


def elapsed(state: RunState, outcome: str, now: datetime) -> tuple[float, str]:
    """Returns how long the run has taken, in seconds and in words; 0 and none before its first event."""
    end = now if outcome == "running" else state.last
    if state.began is None or end is None:
        return 0.0, ""
    seconds = max((end - state.began).total_seconds(), 0.0) if state.duration_s is None else state.duration_s
    return round(seconds, 3), f"{'for' if outcome == 'running' else 'in'} {duration(seconds)}"


def notes(state: RunState, after: int = 0) -> list[str]:
    """Returns the lines for a person that were said after an event."""
    return [text for seq, text in state.notes if seq > after]


def live(record: Mapping[str, Any], state: RunState, outcome: str, now: datetime) -> dict[str, Any]:
    """Returns a run as its events tell it now."""
    rows = step_rows(state, outcome, now)
    length_s, words = elapsed(state, outcome, now)
    above: dict[str, list[str]] = {}
    for name in state.steps:
        above[name] = [each for each in state.dependencies.get(name, ()) if each in above]
    return {
        "run_id": record["run_id"],
        "pipeline": state.pipeline or record.get("pipeline", {}).get("name", ""),
        "started": clock(state.began),
        "running": outcome == "running",
        "head": head(state, outcome),
        "elapsed": words,
        "length_s": length_s,
        "rows": rows,
        "notes": notes(state),
        "seq": state.seq,
        "legend": LEGEND,
        "drawing": draw(above),
        "steps": {row.step_id: (row.state, row.tone, short(row.reason, 80)) for row in rows},
    }


def compared(found: Mapping[str, Any]) -> dict[str, Any]:
    """Returns what differs between two runs, from `gridloom.dag.compare.compare_runs`."""
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
