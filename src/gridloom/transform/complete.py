"""Every hour of every series, once: a row where the source sent none says so.

Missing (no row), null (a row without a value) and zero stay three different things.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from typing import Final

import polars as pl

from gridloom.errors import ConfigError
from gridloom.grid.hours import HOUR, HourRange, parse_label
from gridloom.grid.respondents import find
from gridloom.grid.routes import INTERCHANGE_DATA
from gridloom.grid.series import route_of
from gridloom.grid.table import Status, polars_schema

__all__ = ["Life", "complete", "period_of", "series_lives", "source_hours"]

_AS_TEXT: Final = pl.col("respondent", "series").cast(pl.String)
_SERIES: Final = polars_schema()["series"]
_HOUR_S: Final = 3600


@dataclass(frozen=True, slots=True, order=True)
class Life:
    """The hours for which a series of a respondent has rows in the table.

    Attributes:
        respondent: EIA code.
        series: Series name.
        hours: Its hours.
    """

    respondent: str
    series: str
    hours: HourRange


def period_of(epoch_ms: int) -> datetime:
    """Returns the period of milliseconds since 1970, in UTC.

    Polars hands out aware times only where the machine has a time zone database; a small container
    may have none.
    """
    return datetime.fromtimestamp(epoch_ms / 1000, UTC)


def source_hours(asked: HourRange, first: str, last: str) -> HourRange | None:
    """Returns the asked hours between a source's ``startPeriod`` and ``endPeriod``; None if none are.

    A bound that is not an hourly label cuts nothing: then more hours count as missing, and none is lost.

    Args:
        asked: The periods asked for.
        first: The source's ``startPeriod``.
        last: The source's ``endPeriod``.
    """
    start, end = _bound(first), _bound(last)
    lower = max(asked.start, start) if start else asked.start
    upper = min(asked.stop, end + HOUR) if end else asked.stop
    return HourRange(lower, upper) if lower < upper else None


def _bound(text: str) -> datetime | None:
    try:
        return parse_label(text)
    except ConfigError:
        return None


def series_lives(rows: pl.DataFrame, asked: Mapping[str, HourRange | None]) -> list[Life]:
    """Returns the life of every series that has a row, sorted by respondent and series.

    A life is what was asked for, cut by the known first and last days of the respondent, and for
    interchange of its neighbour; rows outside extend it, so no row is ever dropped.

    Args:
        rows: Parsed rows.
        asked: The hours asked for that the source has, by route id; None for none.
    """
    epoch_ms = pl.col("period").dt.epoch("ms")
    spans = rows.group_by("respondent", "series").agg(
        epoch_ms.min().alias("first"), epoch_ms.max().alias("last")
    )
    lives = []
    for respondent, series, first, last in sorted(spans.with_columns(_AS_TEXT).iter_rows()):
        seen = HourRange(period_of(first), period_of(last) + HOUR)
        lives.append(Life(respondent, series, _hull(_alive(asked, respondent, series), seen)))
    return lives


def _alive(asked: Mapping[str, HourRange | None], respondent: str, series: str) -> HourRange | None:
    route = route_of(series)
    hours = _cut(asked.get(route.id), respondent)
    return _cut(hours, series.removeprefix(route.prefix)) if route is INTERCHANGE_DATA else hours


def _cut(hours: HourRange | None, respondent: str) -> HourRange | None:
    known = find(respondent)
    if hours is None or known is None:
        return hours
    start = max(hours.start, known.first_data or hours.start)
    stop = min(hours.stop, known.retired_by or hours.stop)
    return HourRange(start, stop) if start < stop else None


def _hull(hours: HourRange | None, seen: HourRange) -> HourRange:
    if hours is None:
        return seen
    return HourRange(min(hours.start, seen.start), max(hours.stop, seen.stop))


def complete(rows: pl.DataFrame, lives: Iterable[Life]) -> pl.DataFrame:
    """Returns the canonical table: one row for every hour of every life, sorted by the table's key.

    Works respondent by respondent, so that what is needed beside the result stays small.

    Args:
        rows: Parsed rows without duplicate keys, all of them inside `lives`.
        lives: The lives, sorted.
    """
    parts = [
        _complete_one(rows.filter(pl.col("respondent") == respondent), list(group))
        for respondent, group in groupby(lives, key=lambda life: life.respondent)
    ]
    return pl.concat([polars_schema().to_frame(), *parts])


def _complete_one(rows: pl.DataFrame, lives: list[Life]) -> pl.DataFrame:
    """Returns the table of one respondent; the grid is made in order, and each row put in its place."""
    schema = polars_schema()
    grid = (
        pl.DataFrame(
            {
                "series": [life.series for life in lives],
                "first": [life.hours.start for life in lives],
                "last": [life.hours.stop - HOUR for life in lives],
            },
            schema={"series": schema["series"], "first": schema["period"], "last": schema["period"]},
        )
        .select("series", pl.datetime_ranges("first", "last", interval="1h").alias("period"))
        .explode("period")
    )
    place = rows.select(_places(lives))["place"]
    value = pl.repeat(None, grid.height, dtype=schema["value"], eager=True).scatter(place, rows["value"])
    received = pl.repeat(False, grid.height, dtype=pl.Boolean(), eager=True)
    status = (
        pl.when(pl.col("value").is_not_null())
        .then(pl.lit(Status.REPORTED.value))
        .when(pl.col("received"))
        .then(pl.lit(Status.NULL.value))
        .otherwise(pl.lit(Status.MISSING.value))
    )
    return grid.with_columns(value.alias("value"), received.scatter(place, True).alias("received")).select(
        "period",
        pl.lit(lives[0].respondent).cast(schema["respondent"]).alias("respondent"),
        "series",
        "value",
        status.cast(schema["status"]).alias("status"),
    )


def _places(lives: Iterable[Life]) -> pl.Expr:
    """Returns the place of a row in the grid of one respondent: its series' first one and its hours since."""
    starts: dict[str, int] = {}
    before = 0
    for life in lives:
        starts[life.series] = before - int(life.hours.start.timestamp()) // _HOUR_S
        before += len(life.hours)
    # By numbers instead of names: as text every row would have to be read.
    names = pl.Series(list(starts), dtype=_SERIES).to_physical()
    start = pl.col("series").to_physical().replace_strict(names, pl.Series(list(starts.values())))
    return (start + pl.col("period").dt.epoch("s") // _HOUR_S).alias("place")
