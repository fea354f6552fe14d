"""The one Parquet: the same rows and request give the same bytes (with the same library versions)."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Final

import polars as pl

from gridloom.files import write_atomic
from gridloom.grid.artifacts import HourlyTable
from gridloom.grid.table import Status, rows_digest
from gridloom.transform.footer import Footer

__all__ = ["ROW_GROUP_ROWS", "digest_of", "is_written", "names_in", "rows_by_status", "write_table"]

ROW_GROUP_ROWS: Final = 131_072
"""Rows of a row group: about 15 series-years, so that one respondent can be read without the others."""

_DIGEST_ROWS: Final = 100_000
# Zero and minus zero are equal as numbers, and two NaN need not be.
_BITS: Final = pl.col("value").reinterpret(dtype=pl.UInt64)


def digest_of(frame: pl.DataFrame) -> str:
    """Returns `gridloom.grid.table.rows_digest` of a frame, in slices so that the text stays small."""
    return rows_digest(frame.iter_slices(_DIGEST_ROWS))


def names_in(frame: pl.DataFrame, column: str) -> tuple[str, ...]:
    """Returns the distinct texts of a column, sorted by code point; a null is left out."""
    return tuple(sorted(frame[column].unique().drop_nulls().cast(pl.String)))


def rows_by_status(frame: pl.DataFrame) -> dict[str, int]:
    """Returns the number of rows of every status in a frame; rows without one are left out."""
    counts = frame["status"].drop_nulls().value_counts(sort=False)
    return dict(counts.select(pl.col("status").cast(pl.String), "count").iter_rows())


def is_written(path: Path, frame: pl.DataFrame) -> bool:
    """Returns whether a Parquet file holds exactly the rows of a frame, bit by bit.

    It is read a row group at a time, so that the file's rows never stand in memory beside the frame's.

    Args:
        path: A file with the table's columns.
        frame: The rows that it should hold.
    """
    file = pl.scan_parquet(path)
    if file.select(pl.len()).collect().item() != frame.height:
        return False
    return all(
        file.slice(start, ROW_GROUP_ROWS)
        .collect()
        .with_columns(_BITS)
        .equals(frame[start : start + ROW_GROUP_ROWS].with_columns(_BITS))
        for start in range(0, frame.height, ROW_GROUP_ROWS)
    )


def write_table(
    path: Path,
    frame: pl.DataFrame,
    *,
    source: str,
    first: str,
    last: str,
    asked_respondents: tuple[str, ...],
    asked_series: tuple[str, ...],
) -> HourlyTable:
    """Writes the canonical table with its footer, whole or not at all, and returns its record.

    Args:
        path: Where to write.
        frame: The rows, sorted by the table's key.
        source: Source identity.
        first: Label of the first period asked for.
        last: Label of the last period asked for.
        asked_respondents: Respondents asked for, sorted.
        asked_series: Series asked for, sorted.

    Raises:
        StorageError: If the disk refuses; nothing is left at `path` then.
    """
    footer = Footer(
        source=source,
        first=first,
        last=last,
        respondents=names_in(frame, "respondent"),
        series=names_in(frame, "series"),
        asked_respondents=asked_respondents,
        asked_series=asked_series,
        rows=frame.height,
        rows_digest=digest_of(frame),
    )
    # Written to memory first: of a full disk polars says only that the file is out of specification.
    buffer = io.BytesIO()
    frame.write_parquet(
        buffer,
        compression="zstd",
        statistics=True,
        row_group_size=ROW_GROUP_ROWS,
        metadata=footer.metadata(),
    )
    write_atomic(path, buffer.getvalue())
    count = rows_by_status(frame)
    return HourlyTable.of(
        path,
        rows=frame.height,
        first=first,
        last=last,
        respondents=footer.respondents,
        series=footer.series,
        hours_missing=count.get(Status.MISSING.value, 0),
        hours_null=count.get(Status.NULL.value, 0),
        rows_digest=footer.rows_digest,
        source=source,
    )
