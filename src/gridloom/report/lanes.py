"""The timeline's rows, its axis, and the line of how many steps were at work. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from gridloom.report.source import RunRecord
from gridloom.report.states import tone
from gridloom.report.timeline import Span, Timeline, parallelism, tick_step
from gridloom.words import duration

__all__ = ["WIDTH", "Bar", "Lane", "Lanes", "Tick", "lanes", "ticks"]

WIDTH: Final = 1000
"""Units of length from the start of a run to its end; the page stretches them to the room it has."""

_LEAST_WIDTH: Final = 2.0
_HEIGHT: Final = 100


@dataclass(frozen=True, slots=True)
class Bar:
    """One span, drawn."""

    x: float
    width: float
    tone: str


@dataclass(frozen=True, slots=True)
class Lane:
    """One step's row.

    Attributes:
        step_id: The step.
        state: Its outcome.
        tone: The outcome's colour.
        bars: Its spans.
        told: The spans in words.
        taken: How long it took, in words.
        attempts: How often it was started.
    """

    step_id: str
    state: str
    tone: str
    bars: list[Bar]
    told: str
    taken: str
    attempts: int


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark of the axis: its place from 0 to 100, and what stands there."""

    place: float
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Lanes:
    """The whole timeline.

    Attributes:
        rows: One for each step.
        ticks: Marks of the axis.
        busy: Path of the steps at work over time, in a box of `WIDTH` by 100.
        busiest: Most steps that were at work at once.
        limit: Most that might be; 0 where nobody knows.
        mean: Steps at work on average while any was, in words.
    """

    rows: list[Lane]
    ticks: list[Tick]
    busy: str
    busiest: int
    limit: int
    mean: str


def lanes(record: RunRecord, found: Timeline) -> Lanes:
    """Returns the timeline of a run."""
    scale = WIDTH / found.length_s if found.length_s else 0.0
    steps = parallelism(span for spans in found.spans.values() for span in spans)
    busiest = max((level for _, level in steps), default=0)
    return Lanes(
        rows=[
            Lane(
                step_id=step.step_id,
                state=step.outcome,
                tone=tone(step.outcome),
                bars=[_bar(span, scale) for span in found.spans.get(step.step_id, [])],
                told=", ".join(_told(span) for span in found.spans.get(step.step_id, [])) or step.outcome,
                taken=duration(step.duration_s) if step.duration_s else "-",
                attempts=step.attempts,
            )
            for step in record.steps
        ],
        ticks=ticks(found.length_s),
        busy=_area(steps, scale, max(busiest, 1)),
        busiest=busiest,
        limit=found.limit,
        mean=_mean(steps),
    )


def ticks(length_s: float) -> list[Tick]:
    """Returns round times from 0 on, none so near to the end that it would stand out."""
    if length_s <= 0:
        return [Tick(0.0, "0")]
    step = tick_step(length_s, 5)
    marks = (number * step for number in range(int(length_s / step) + 1))
    return [
        Tick(round(100 * at_s / length_s, 3), duration(at_s) if at_s else "0")
        for at_s in marks
        if at_s <= 0.94 * length_s
    ]


def _bar(span: Span, scale: float) -> Bar:
    width = max((span.end_s - span.start_s) * scale, _LEAST_WIDTH)
    x = min(span.start_s * scale, WIDTH - width)
    return Bar(round(x, 1), round(width, 1), tone(span.state))


def _told(span: Span) -> str:
    place = f"from {duration(span.start_s)} to {duration(span.end_s)}"
    if span.state == "waiting":
        return f"waiting for attempt {span.attempt} {place}"
    return f"attempt {span.attempt} {span.state} {place}" if span.attempt > 1 else f"{span.state} {place}"


def _area(steps: list[tuple[float, int]], scale: float, busiest: int) -> str:
    parts = [f"M0 {_HEIGHT}"]
    for at_s, level in steps:
        parts.append(f"H{at_s * scale:.1f}V{_HEIGHT - _HEIGHT * level / busiest:.1f}")
    return "".join([*parts, f"H{WIDTH}V{_HEIGHT}Z"])


def _mean(steps: list[tuple[float, int]]) -> str:
    spans = [(end_s - start_s, level) for (start_s, level), (end_s, _) in pairwise(steps)]
    busy_s = sum(length_s for length_s, level in spans if level)
    return f"{sum(length_s * level for length_s, level in spans) / busy_s:.1f}" if busy_s else "0"
