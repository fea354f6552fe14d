"""Frames of the hourly table from plain rows, and back."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import polars as pl

from gridloom.grid.artifacts import HourlyTable, RawPages
from gridloom.grid.hours import HourRange
from gridloom.grid.table import polars_schema, rows_digest
from gridloom.transform.facts import Facts
from gridloom.transform.parse import ROW_SCHEMA, ParsedRows, gather, parse_pages
from gridloom.transform.write import write_table


def row_frame(rows: Iterable[tuple[str, str, str, float | None]]) -> pl.DataFrame:
    """Returns parsed rows: label, respondent, series, value in MWh."""
    texts = pl.DataFrame(
        list(rows),
        schema={"period": pl.String, "respondent": pl.String, "series": pl.String, "value": pl.Float64},
        orient="row",
    )
    return texts.with_columns(_period()).cast(dict(ROW_SCHEMA))


def table_frame(rows: Iterable[tuple[str, str, str, float | None, str]]) -> pl.DataFrame:
    """Returns a canonical table: label, respondent, series, value in MWh, status."""
    schema = {
        **dict.fromkeys(("period", "respondent", "series"), pl.String),
        "value": pl.Float64,
        "status": pl.String,
    }
    texts = pl.DataFrame(list(rows), schema=schema, orient="row")
    return texts.with_columns(_period()).cast(dict(polars_schema()))


def _period() -> pl.Expr:
    return (pl.col("period") + ":00").str.to_datetime("%Y-%m-%dT%H:%M", time_unit="ms", time_zone="UTC")


def plain_rows(frame: pl.DataFrame) -> list[tuple[str, str, str, float | None, str]]:
    """Returns a table's rows as respondent, series, label, value, status, in their order."""
    return frame.select(
        pl.col("respondent", "series").cast(pl.String),
        pl.col("period").dt.strftime("%Y-%m-%dT%H"),
        "value",
        pl.col("status").cast(pl.String),
    ).rows()


def parse_all(raw: RawPages) -> ParsedRows:
    """Returns the rows of all windows of a set."""
    return gather(parse_pages(raw))


def write_frame(path: Path, frame: pl.DataFrame, *, first: str, last: str, **asked: Any) -> HourlyTable:
    """Writes a canonical table that stands in memory; the other facts as of `write_table`."""
    return write_table(
        path,
        [frame.lazy()],
        Facts.of(frame, HourRange.of_labels(first, last)),
        first=first,
        last=last,
        rows_digest=rows_digest([frame]),
        **asked,
    )
