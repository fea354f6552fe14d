"""Faults of the rows: the same table, spoiled in the ways in which EIA's data is at times."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from random import Random
from types import MappingProxyType
from typing import Final

import polars as pl

from gridloom.extract.replay.data import ReplayData
from gridloom.extract.replay.faults import Faults
from gridloom.extract.replay.rows import RouteRows
from gridloom.grid.routes import FUEL_TYPE_DATA

__all__ = ["UNKNOWN_FUEL", "spoiled", "twice"]

UNKNOWN_FUEL: Final = "ZZZ"
"""A fuel code that is in no list."""

_SPIKE: Final = 10.0


def spoiled(data: ReplayData, faults: Faults) -> ReplayData:
    """Returns the rows with the faults of the group ``data``; the same seed spoils the same rows.

    Args:
        data: The rows as they are; returned as they are where no row is to be spoiled.
        faults: Which share of the rows gets which fault.
    """
    if not faults.any_data:
        return data
    routes = {name: _spoiled(rows, faults) for name, rows in data.routes.items()}
    return ReplayData(MappingProxyType(routes))


def twice(codes: list[str], faults: Faults) -> list[str]:
    """Returns the ids of a list of facet values, some of them twice."""
    picked = set(_picked(len(codes), faults.duplicate_facets, Random(f"{faults.seed}/facets")))  # noqa: S311
    return [code for number, code in enumerate(codes) for _ in range(1 + (number in picked))]


def _spoiled(rows: RouteRows, faults: Faults) -> RouteRows:
    frame = rows.frame.with_columns(drift=pl.lit(value=False), bare=pl.lit(value=False))
    for name, change in _CHANGES.items():
        share = getattr(faults, name)
        if share and not frame.is_empty():
            chances = Random(f"{faults.seed}/{name}/{rows.route.id}")  # noqa: S311 - chance, not a secret
            positions = _picked(frame.height, share, chances)
            frame = change(frame, pl.int_range(pl.len()).is_in(positions))
    if faults.unknown_fuel and rows.route is FUEL_TYPE_DATA and not frame.is_empty():
        frame = _with_unknown_fuel(frame, faults)
    return replace(rows, frame=frame.sort("hour", *rows.route.facets, "drift"))


def _picked(count: int, share: float, chances: Random) -> list[int]:
    """Returns positions: their share, but at least one where there is a share."""
    wanted = max(1, round(count * share)) if share and count else 0
    return sorted(chances.sample(range(count), wanted))


def _with_unknown_fuel(frame: pl.DataFrame, faults: Faults) -> pl.DataFrame:
    respondent, fuel = FUEL_TYPE_DATA.facets
    hours = frame.unique(["hour", respondent], keep="first", maintain_order=True)
    chances = Random(f"{faults.seed}/unknown_fuel")  # noqa: S311 - chance, not a secret
    extra = hours[_picked(hours.height, faults.unknown_fuel, chances)]
    both = pl.concat(
        [
            frame.with_columns(pl.col(fuel).cast(pl.String)),
            extra.with_columns(pl.lit(UNKNOWN_FUEL).alias(fuel)),
        ]
    )
    return both.with_columns(pl.col(fuel).cast(pl.Enum(both[fuel].unique().sort())))


def _set(column: str, value: pl.Expr) -> Callable[[pl.DataFrame, pl.Expr], pl.DataFrame]:
    def change(frame: pl.DataFrame, picked: pl.Expr) -> pl.DataFrame:
        return frame.with_columns(pl.when(picked).then(value).otherwise(pl.col(column)).alias(column))

    return change


def _duplicated(frame: pl.DataFrame, picked: pl.Expr) -> pl.DataFrame:
    return pl.concat([frame, frame.filter(picked).with_columns(~pl.col("drift"))])


_CHANGES: Final = {
    "absent_hour": lambda frame, picked: frame.filter(~picked),
    "spike": _set("value", pl.col("value") * _SPIKE),
    "null_value": _set("value", pl.lit(None, dtype=pl.Float64)),
    "missing_value": _set("bare", pl.lit(value=True)),
    "label_case": _set("drift", pl.lit(value=True)),
    "duplicate": _duplicated,
}
