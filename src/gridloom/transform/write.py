"""The one Parquet: the same rows and request give the same bytes (with the same library versions)."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, BinaryIO, Final, cast

import polars as pl

from gridloom.files import atomic_file
from gridloom.grid.artifacts import HourlyTable
from gridloom.transform.facts import Facts
from gridloom.transform.footer import Footer

__all__ = ["ROW_GROUP_ROWS", "is_written", "write_table"]

ROW_GROUP_ROWS: Final = 131_072
"""Rows of a row group: about 15 series-years, so that one respondent can be read without the others."""

# Zero and minus zero are equal as numbers, and two NaN need not be.
_BITS: Final = pl.col("value").reinterpret(dtype=pl.UInt64)


def is_written(path: Path, parts: Iterable[pl.LazyFrame]) -> bool:
    """Returns whether a Parquet file holds exactly some rows, bit by bit.

    Both are read a part at a time, so that the whole never stands in memory.

    Args:
        path: A file with the table's columns.
        parts: The rows that it should hold, in order; they may be cut anywhere.
    """
    file, place = pl.scan_parquet(path), 0
    for part in parts:
        due = part.with_columns(_BITS).collect()
        if not due.equals(file.slice(place, due.height).with_columns(_BITS).collect()):
            return False
        place += due.height
    return bool(file.select(pl.len()).collect().item() == place)


class _Remembering(io.RawIOBase):
    """Passes on what is written, and remembers why the disk refused."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.refusal: OSError | None = None

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        try:
            return self._file.write(data)
        except OSError as error:
            self.refusal = error
            raise


@contextmanager
def _storage(file: BinaryIO) -> Iterator[IO[bytes]]:
    """Lets polars write to a file; of a full disk it says only that the file is out of specification."""
    target = _Remembering(file)
    try:
        yield cast(IO[bytes], target)
    except pl.exceptions.PolarsError as error:
        raise (target.refusal or error) from error


def write_table(
    path: Path,
    parts: Sequence[pl.LazyFrame],
    facts: Facts,
    *,
    source: str,
    first: str,
    last: str,
    asked_respondents: tuple[str, ...],
    asked_series: tuple[str, ...],
    rows_digest: str,
) -> HourlyTable:
    """Writes the canonical table with its footer, whole or not at all, and returns its record.

    Args:
        path: Where to write.
        parts: The rows, sorted by the table's key; they may be cut anywhere.
        facts: The facts about them.
        source: Source identity.
        first: Label of the first period asked for.
        last: Label of the last period asked for.
        asked_respondents: Respondents asked for, sorted.
        asked_series: Series asked for, sorted.
        rows_digest: Digest of the rows.

    Raises:
        StorageError: If the disk refuses; nothing is left at `path` then.
    """
    footer = Footer(
        source=source,
        first=first,
        last=last,
        respondents=facts.respondents,
        series=facts.series,
        asked_respondents=asked_respondents,
        asked_series=asked_series,
        rows=facts.rows,
        rows_digest=rows_digest,
    )
    with atomic_file(path) as file, _storage(file) as target:
        pl.concat(parts).sink_parquet(
            target,
            compression="zstd",
            statistics=True,
            row_group_size=ROW_GROUP_ROWS,
            metadata=footer.metadata(),
        )
    return HourlyTable.of(
        path,
        rows=facts.rows,
        first=first,
        last=last,
        respondents=facts.respondents,
        series=facts.series,
        hours_missing=facts.missing.total(),
        hours_null=facts.nulls,
        rows_digest=rows_digest,
        source=source,
    )
