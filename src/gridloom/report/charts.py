"""Charts of what came in over time: lines as paths for the still picture, numbers for the live one. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from gridloom.report.lanes import WIDTH, Tick, ticks
from gridloom.report.timeline import tick_step
from gridloom.report.traffic import Traffic
from gridloom.words import count

__all__ = ["HEIGHT", "Chart", "Line", "charts"]

HEIGHT: Final = 200
"""Units of height of a still picture."""

_MINUTE_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a chart.

    Attributes:
        name: What it shows.
        tone: Its colour in the style sheet.
        values: One for each bin; None where there is none.
        path: The line, in a box of `WIDTH` by `HEIGHT`.
    """

    name: str
    tone: str
    values: list[float | None]
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """One chart.

    Attributes:
        name: Short name, for ids.
        title: What it shows, with the unit.
        bin_s: Width of a bin in seconds.
        lines: What is drawn.
        marks: Marks of the vertical axis.
        ticks: Marks of the axis of time.
        summary: What it shows, in words.
    """

    name: str
    title: str
    bin_s: float
    lines: list[Line]
    marks: list[Tick]
    ticks: list[Tick] = field(default_factory=list)
    summary: str = ""

    @property
    def data(self) -> dict[str, Any]:
        """What the live chart is drawn from."""
        bins = len(self.lines[0].values)
        return {
            "name": self.name,
            "title": self.title,
            "x": [round(number * self.bin_s, 4) for number in range(bins)],
            "lines": [{"name": line.name, "tone": line.tone, "values": line.values} for line in self.lines],
        }

    @property
    def table(self) -> list[tuple[float, list[float | None]]]:
        """Start of each bin in seconds, and the value of each line in it."""
        return [(x, [line.values[place] for line in self.lines]) for place, x in enumerate(self.data["x"])]


def charts(found: Traffic) -> list[Chart]:
    """Returns the charts of a run; none of what was never counted."""
    made = []
    if found.any("requests"):
        per_minute = _MINUTE_S / found.bin_s
        lines: dict[str, tuple[str, list[Any]]] = {
            "requests": ("a", [value * per_minute for value in found.counts["requests"]])
        }
        if found.any("retries"):
            lines["retries"] = ("b", [value * per_minute for value in found.counts["retries"]])
        if any(found.limit_per_s):
            allowed = [None if limit is None else limit * _MINUTE_S for limit in found.limit_per_s]
            lines["allowed by the limiter"] = ("c", allowed)
        made.append(_chart("requests", "Requests a minute", found, lines))
    if found.any("rows_received"):
        per_s = [value / found.bin_s for value in found.counts["rows_received"]]
        made.append(_chart("rows", "Rows received a second", found, {"rows": ("a", per_s)}))
    if found.any("bytes_received"):
        per_s = [value / found.bin_s / 1000 for value in found.counts["bytes_received"]]
        made.append(_chart("bytes", "Kilobytes received a second", found, {"kB": ("a", per_s)}))
    return made


def _chart(name: str, title: str, found: Traffic, lines: dict[str, tuple[str, list[Any]]]) -> Chart:
    highest = max((value for _, values in lines.values() for value in values if value is not None), default=0)
    step = tick_step(highest, 4)
    top = max(highest * 1.02, step)
    marks = [
        Tick(100 - 100 * number * step / top, count(number * step)) for number in range(int(top / step) + 1)
    ]
    peaks = [
        f"{key} at most {count(round(max(filter(None, values), default=0), 1))}"
        for key, (_, values) in lines.items()
    ]
    return Chart(
        name=name,
        title=title,
        bin_s=found.bin_s,
        lines=[
            Line(
                key,
                tone,
                [None if value is None else round(value, 3) for value in values],
                _path(values, top),
            )
            for key, (tone, values) in lines.items()
        ],
        marks=marks,
        ticks=ticks(found.bins * found.bin_s),
        summary=f"{title}: {', '.join(peaks)}, in steps of {count(found.bin_s)} s.",
    )


def _path(values: list[float | None], top: float) -> str:
    """Returns a line of steps; it is broken where there is no value."""
    width, parts, drawing = WIDTH / len(values), [], False
    for place, value in enumerate(values):
        if value is None:
            drawing = False
            continue
        y = HEIGHT - HEIGHT * value / top
        parts.append(f"{'V' if drawing else f'M{place * width:.1f} '}{y:.1f}H{(place + 1) * width:.1f}")
        drawing = True
    return "".join(parts)
