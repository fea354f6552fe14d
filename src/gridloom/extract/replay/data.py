"""The rows that a stand-in server has: hourly-contract Parquet files, split by route."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final, Self

import polars as pl
from polars.exceptions import PolarsError

from gridloom.errors import FileFormatError
from gridloom.extract.replay.rows import HOUR_MS, RouteRows
from gridloom.files import storage_errors
from gridloom.grid.routes import ROUTES, Route
from gridloom.grid.series import route_of
from gridloom.grid.table import COLUMNS, KEY, Status, polars_schema

__all__ = ["ReplayData"]

_TEXT_TYPES: Final = (pl.Categorical, pl.Enum, pl.String)


@dataclass(frozen=True, slots=True)
class ReplayData:
    """What a stand-in server serves.

    Attributes:
        routes: Rows by route id, of every hourly route of the API, in the order of `ROUTES`; a route of
            which the table has nothing has the table's hours and no rows.
    """

    routes: Mapping[str, RouteRows]

    @classmethod
    def load(cls, paths: Iterable[Path]) -> Self:
        """Returns the rows of one or more Parquet files of the hourly contract.

        Where two files have the same hour of a series, the later file counts.

        Raises:
            FileFormatError: If a file is not of the contract, or there is none.
            StorageError: If a file cannot be read.
        """
        frames = [_read(Path(path)) for path in paths]
        if not frames:
            raise FileFormatError("There is no data to serve. Name at least one Parquet file with --data.")
        return cls.of_frame(frames[0] if len(frames) == 1 else _merged(frames))

    @classmethod
    def of_frame(cls, frame: pl.DataFrame) -> Self:
        """Returns the rows of one frame in the columns of the hourly contract.

        Raises:
            FileFormatError: If the frame is not of the contract.
        """
        problem = _problem(frame)
        if problem:
            raise FileFormatError(f"The table is not an hourly table: {problem}. {_ADVICE}")
        series = frame["series"].unique().cast(pl.String).sort()
        split = {route.id: [name for name in series if route_of(name) is route] for route in ROUTES.values()}
        hour = pl.col("period").cast(pl.Int64) // HOUR_MS
        first, last = frame.select(hour.min().alias("first"), hour.max().alias("last")).row(0)
        return cls(
            MappingProxyType(
                {
                    name: _route_rows(frame, ROUTES[name], names, (first, last))
                    for name, names in split.items()
                }
            )
        )


def _read(path: Path) -> pl.DataFrame:
    names = polars_schema().names()
    if not path.is_file():
        raise FileFormatError(f"There is no file {path}. {_ADVICE}")
    try:
        with storage_errors("read", path), path.open("rb") as stream:
            schema = pl.read_parquet_schema(stream)
        absent = [name for name in names if name not in schema]
        if absent:
            raise FileFormatError(
                f"{path} is not an hourly table: it has no column {', '.join(absent)}. {_ADVICE}"
            )
        frame = pl.read_parquet(path, columns=names)
    except PolarsError as error:
        raise FileFormatError(f"{path} is not a Parquet file ({error}). {_ADVICE}") from error
    problem = _problem(frame)
    if problem:
        raise FileFormatError(f"{path} is not an hourly table: {problem}. {_ADVICE}")
    return frame


def _merged(frames: Sequence[pl.DataFrame]) -> pl.DataFrame:
    texts = dict.fromkeys(("respondent", "series", "status"), pl.String)
    return pl.concat([frame.cast(texts) for frame in frames]).unique(KEY, keep="last")  # type: ignore[arg-type]


def _problem(frame: pl.DataFrame) -> str | None:
    """Returns why a frame is not of the hourly contract, or None."""
    for name, dtype in polars_schema().items():
        got = frame.schema.get(name)
        fits = got in _TEXT_TYPES if dtype == pl.Categorical else got == dtype
        if not fits:
            return f"its column {name} is {got}, not {dtype}"
    status, value = pl.col("status").cast(pl.String), pl.col("value")
    reported = status == Status.REPORTED.value
    checks = {
        "it has no rows": pl.len() == 0,
        "a key or status is null": pl.any_horizontal(pl.col(*KEY, "status").null_count() > 0),
        "a period is not a full hour": (pl.col("period").cast(pl.Int64) % HOUR_MS != 0).any(),
        "a status is not one of " + ", ".join(Status): (~status.is_in([item.value for item in Status])).any(),
        "a reported value is null, or another is not": (value.is_null() == reported).any(),
        "a value is not finite": (~value.is_finite()).any(),
    }
    answers = frame.select(**{text: check.alias("check") for text, check in checks.items()}).row(0)
    return next((text for text, failed in zip(checks, answers, strict=True) if failed), None)


def _route_rows(
    frame: pl.DataFrame, route: Route, series: Sequence[str], hours: tuple[int, int]
) -> RouteRows:
    respondent, kind = route.respondent_facet, route.type_facet
    own = frame.filter(pl.col("series").cast(pl.String).is_in(series))
    kinds = [name.removeprefix(route.prefix) for name in series]
    respondents = own["respondent"].unique().cast(pl.String).sort()
    rows = own.select(
        (pl.col("period").cast(pl.Int64) // HOUR_MS).cast(pl.Int32).alias("hour"),
        pl.col("respondent").cast(pl.String).cast(pl.Enum(respondents)).alias(respondent),
        pl.col("series").cast(pl.String).str.strip_prefix(route.prefix).cast(pl.Enum(kinds)).alias(kind),
        "value",
        (pl.col("status").cast(pl.String) != Status.MISSING.value).alias("served"),
    )
    return RouteRows.of(route, rows, None if series else hours)


_COLUMNS = ", ".join(column.name for column in COLUMNS)
_ADVICE = f"An hourly table has the columns {_COLUMNS}; `gridloom year` makes one."
