"""What an hourly Parquet holds, found before any of its values is read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property, lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Final

import polars as pl

from gridloom.errors import FileFormatError
from gridloom.files import storage_errors
from gridloom.grid.hours import HOUR, HourRange
from gridloom.grid.table import FOOTER_PREFIX, SCHEMA_VERSION, polars_schema
from gridloom.load.slices import SLICE_ROWS, slices

__all__ = ["CLEAN", "HOUR_MS", "VALUE", "Pair", "Stretch", "Survey", "period_of", "survey", "whole_parquet"]

CLEAN: Final = "clean"
"""Column of screened and imputed values; taken where a table has it."""

VALUE: Final = "value"
"""Column of values as reported."""

Pair = tuple[str, str]
"""Respondent and series."""

HOUR_MS: Final = 3_600_000
"""An hour in the unit of periods."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MADE_BY: Final = "`gridloom year` makes such tables."


@dataclass(frozen=True, slots=True)
class Stretch:
    """The rows of one respondent and series, which stand together in the file.

    Attributes:
        begin: Number of the first row.
        end: Number after the last row.
        first_ms: Earliest period, milliseconds since 1970.
        last_ms: Latest period.
        is_hourly: Whether each row is of the hour after that of the row before.
    """

    begin: int
    end: int
    first_ms: int
    last_ms: int
    is_hourly: bool

    @property
    def life(self) -> HourRange:
        """First to last hour."""
        return HourRange(period_of(self.first_ms), period_of(self.last_ms) + HOUR)


@dataclass(frozen=True)
class Survey:
    """What an hourly Parquet holds.

    Attributes:
        path: The file.
        column: The column of values to take: ``clean`` where there is one, else ``value``.
        rows: Number of rows.
        stretches: Rows of every respondent and series in it, in the order of the file.
        footer: The file's own facts, without their prefix.
    """

    path: Path
    column: str
    rows: int
    stretches: Mapping[Pair, Stretch]
    footer: Mapping[str, str]

    @cached_property
    def lives(self) -> Mapping[Pair, HourRange]:
        """First to last hour of every respondent and series, in the order of the table's key."""
        return {pair: self.stretches[pair].life for pair in sorted(self.stretches)}

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
    """Returns what an hourly Parquet holds; of a file that has not changed since, what was found then.

    A table may have more columns than the contract says, such as those of screening.

    Raises:
        FileFormatError: If there is no file, it is not Parquet, not an hourly table, or has no rows.
        StorageError: If it cannot be read.
    """
    if path.is_dir():
        raise FileFormatError(f"{path} is a folder. Give the Parquet file in it. {_MADE_BY}")
    if not path.is_file():
        raise FileFormatError(f"There is no file {path}. {_MADE_BY}")
    with storage_errors("read", path):
        found = path.stat()
    return _survey(path, (found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns))


@lru_cache(maxsize=4)
def _survey(path: Path, _stamp: tuple[int, ...]) -> Survey:
    with whole_parquet(path), storage_errors("read", path):
        columns = pl.read_parquet_schema(path)
        footer = _footer(path)
        _check_columns(path, columns)
        stretches = _stretches(path)
    if not stretches:
        raise FileFormatError(f"{path} is an hourly table without rows. Ask for other hours or respondents.")
    rows = sum(each.end - each.begin for each in stretches.values())
    return Survey(path, CLEAN if CLEAN in columns else VALUE, rows, stretches, footer)


@contextmanager
def whole_parquet(path: Path) -> Iterator[None]:
    """Turns what is raised inside where a Parquet file is damaged into a sentence.

    Raises:
        FileFormatError: With what to do.
    """
    try:
        yield
    except (
        pl.exceptions.PolarsError,
        pl.exceptions.PanicException,
    ) as error:  # a damaged file may be anything
        raise FileFormatError(
            f"{path} is not a whole Parquet file ({error}). If it was an hourly table, run the command that "
            "made it again."
        ) from error


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


def _stretches(path: Path) -> dict[Pair, Stretch]:
    rows = pl.scan_parquet(path).select(pl.len()).collect().item()
    period = pl.col("period").cast(pl.Int64)
    keys = [pl.col("respondent"), pl.col("series"), period, (period.diff() == HOUR_MS).alias("follows")]
    found: dict[Pair, Stretch] = {}
    before: Pair | None = None
    for begin, part in slices(path, keys, range(0, rows, SLICE_ROWS), SLICE_ROWS):
        if sum(part[:, :3].null_count().row(0)):
            raise FileFormatError(f"{path} is not an hourly table: some rows lack a part of their key.")
        for pair, piece in _pieces(path, part, begin):
            if pair == before:
                piece = _joined(found[pair], piece)  # noqa: PLW2901 - it began in the slice before
            elif pair in found:
                raise FileFormatError(
                    f"{path} is not an hourly table: it is not sorted by respondent and series, the rows of "
                    f"{' '.join(pair)} stand in several places. `gridloom check` says more."
                )
            found[pair], before = piece, pair
    return found


def _pieces(path: Path, part: pl.DataFrame, begin: int) -> Iterator[tuple[Pair, Stretch]]:
    """Yields each respondent and series of a slice, and its rows."""
    respondent, series, period, follows = part.iter_columns()
    lengths = (each.to_physical().rle().struct.field("len").cum_sum() for each in (respondent, series))
    edges = sorted({0}.union(*lengths))
    for start, stop in pairwise(edges):
        pair, hours = (respondent[start], series[start]), period[start:stop]
        is_hourly = bool(follows[start + 1 : stop].all())
        ends = [hours[0], hours[-1]] if is_hourly else hours.to_list()
        if any(each % HOUR_MS for each in ends):
            raise FileFormatError(f"{path} is not an hourly table: {' '.join(pair)} has no full hours.")
        yield pair, Stretch(begin + start, begin + stop, min(ends), max(ends), is_hourly)


def _joined(one: Stretch, other: Stretch) -> Stretch:
    """Returns two stretches that follow each other as one."""
    return Stretch(
        begin=one.begin,
        end=other.end,
        first_ms=min(one.first_ms, other.first_ms),
        last_ms=max(one.last_ms, other.last_ms),
        is_hourly=one.is_hourly and other.is_hourly and other.first_ms - one.last_ms == HOUR_MS,
    )
