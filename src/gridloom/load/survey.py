"""What an hourly Parquet holds, found before any of its values is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Final

import polars as pl

from gridloom.errors import FileFormatError
from gridloom.files import storage_errors
from gridloom.grid.hours import HOUR, HourRange
from gridloom.grid.table import FOOTER_PREFIX, SCHEMA_VERSION, polars_schema

__all__ = ["CLEAN", "VALUE", "Pair", "Survey", "period_of", "survey"]

CLEAN: Final = "clean"
"""Column of screened and imputed values; taken where a table has it."""

VALUE: Final = "value"
"""Column of values as reported."""

Pair = tuple[str, str]
"""Respondent and series."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MADE_BY: Final = "`gridloom year` makes such tables."


@dataclass(frozen=True)
class Survey:
    """What an hourly Parquet holds.

    Attributes:
        path: The file.
        column: The column of values to take: ``clean`` where there is one, else ``value``.
        rows: Number of rows.
        lives: First to last hour of every respondent and series in it, in the order of the table's key.
        footer: The file's own facts, without their prefix.
    """

    path: Path
    column: str
    rows: int
    lives: Mapping[Pair, HourRange]
    footer: Mapping[str, str]

    @cached_property
    def respondents(self) -> tuple[str, ...]:
        """Respondents in the table, sorted."""
        return tuple(sorted({respondent for respondent, _ in self.lives}))

    @cached_property
    def series(self) -> tuple[str, ...]:
        """Series in the table, sorted."""
        return tuple(sorted({series for _, series in self.lives}))

    @cached_property
    def hours(self) -> HourRange:
        """First to last hour in the table."""
        lives = self.lives.values()
        return HourRange(min(life.start for life in lives), max(life.stop for life in lives))


def survey(path: Path) -> Survey:
    """Returns what an hourly Parquet holds.

    A table may have more columns than the contract says, such as those of screening.

    Raises:
        FileFormatError: If there is no file, it is not Parquet, not an hourly table, or has no rows.
        StorageError: If it cannot be read.
    """
    if not path.is_file():
        raise FileFormatError(f"There is no file {path}. {_MADE_BY}")
    try:
        with storage_errors("read", path):
            columns = pl.read_parquet_schema(path)
            footer = _footer(path)
            _check_columns(path, columns)
            keys = _keys(path)
    except (
        pl.exceptions.PolarsError,
        pl.exceptions.PanicException,
    ) as error:  # a damaged file may be anything
        raise FileFormatError(f"{path} is not a whole Parquet file ({error}). {_MADE_BY}") from error
    lives = {}
    for respondent, series, first, last, _, empty in keys.iter_rows():
        if respondent is None or series is None or empty:
            raise FileFormatError(f"{path} is not an hourly table: some rows lack a part of their key.")
        if first % 3_600_000 or last % 3_600_000:
            raise FileFormatError(f"{path} is not an hourly table: {respondent} {series} has no full hours.")
        lives[respondent, series] = HourRange(period_of(first), period_of(last) + HOUR)
    if not lives:
        raise FileFormatError(f"{path} is an hourly table without rows. Ask for other hours or respondents.")
    return Survey(path, CLEAN if CLEAN in columns else VALUE, int(keys["rows"].sum()), lives, footer)


def period_of(milliseconds: int) -> datetime:
    """Returns the period that is so many milliseconds after 1970 began."""
    return _EPOCH + timedelta(milliseconds=milliseconds)


def _footer(path: Path) -> dict[str, str]:
    found = pl.read_parquet_metadata(path)
    facts = {
        key.removeprefix(FOOTER_PREFIX): text for key, text in found.items() if key.startswith(FOOTER_PREFIX)
    }
    version = facts.get("schema_version")
    if version != SCHEMA_VERSION:
        got = f"says schema version {version}" if version else f"carries no {FOOTER_PREFIX}schema_version"
        raise FileFormatError(
            f"{path} is not an hourly table of this GridLoom: its footer {got}, this GridLoom reads version "
            f"{SCHEMA_VERSION}. {_MADE_BY}"
        )
    return facts


def _check_columns(path: Path, columns: Mapping[str, pl.DataType]) -> None:
    wanted = dict(polars_schema())
    if CLEAN in columns:
        wanted[CLEAN] = wanted[VALUE]
    wrong = [
        f"{name} is {columns[name]} instead of {dtype}"
        if name in columns
        else f"{name} ({dtype}) is not there"
        for name, dtype in wanted.items()
        if columns.get(name) != dtype
    ]
    if wrong:
        raise FileFormatError(f"{path} is not an hourly table: {'; '.join(wrong)}. {_MADE_BY}")


def _keys(path: Path) -> pl.DataFrame:
    period = pl.col("period").cast(pl.Int64)
    grouped = pl.scan_parquet(path).group_by("respondent", "series")
    spans = grouped.agg(
        period.min().alias("first"),
        period.max().alias("last"),
        pl.len().alias("rows"),
        period.null_count().alias("empty"),
    )
    named = spans.with_columns(pl.col("respondent", "series").cast(pl.String))
    return named.sort("respondent", "series").collect(engine="streaming")
