"""The rules of the hourly table in plain Python: slow, obvious, and what the fast code must equal."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from gridloom.grid.hours import HOUR, HourRange, label, parse_label
from gridloom.grid.respondents import find


class Received(NamedTuple):
    """A parsed row; `value` in MWh."""

    period: str
    respondent: str
    series: str
    value: float | None


class Expected(NamedTuple):
    """A row of the table."""

    respondent: str
    series: str
    period: str
    value: float | None
    status: str


def expected_table(rows: Iterable[Received], asked: HourRange) -> list[Expected]:
    """Returns the table that `rows` must become when `asked` was asked for."""
    best: dict[tuple[str, str, str], float | None] = {}
    for row in rows:
        key = (row.respondent, row.series, row.period)
        values = [value for value in (best.get(key), row.value) if value is not None]
        best[key] = max(values) if values else None
    table = []
    for respondent, series in sorted({(row.respondent, row.series) for row in rows}):
        periods = sorted(period for code, name, period in best if (code, name) == (respondent, series))
        hour, stop = parse_label(periods[0]), parse_label(periods[-1]) + HOUR
        first, last = asked.start, asked.stop
        for code in (respondent, series[3:] if series.startswith("ID.") else respondent):
            if known := find(code):
                first = max(first, known.first_data or first)
                last = min(last, known.retired_by or last)
        if first < last:
            hour, stop = min(hour, first), max(stop, last)
        while hour < stop:
            key = (respondent, series, label(hour))
            value = best.get(key)
            status = "missing" if key not in best else "null" if value is None else "reported"
            table.append(Expected(respondent, series, label(hour), value, status))
            hour += HOUR
    return table


def dropped_rows(rows: list[Received]) -> int:
    """Returns how many of `rows` are duplicates."""
    return len(rows) - len({row[:3] for row in rows})


def conflict_keys(rows: list[Received]) -> list[tuple[str, str, str]]:
    """Returns the keys with several different values, sorted."""
    values: dict[tuple[str, str, str], set[float]] = {}
    for row in rows:
        if row.value is not None:
            values.setdefault((row.respondent, row.series, row.period), set()).add(row.value)
    return sorted(key for key, found in values.items() if len(found) > 1)
