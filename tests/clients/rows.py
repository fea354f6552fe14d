"""Served rows and a client's rows in one form, so that they can be compared."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import polars as pl

Rows = dict[tuple[str, str, datetime], float | None]
"""Values by respondent, series and hour."""


def served_rows(served: pl.DataFrame, series: str) -> Rows:
    """Returns the served rows of the series that begin with `series`."""
    asked = served.filter(pl.col("series").str.starts_with(series), pl.col("status") != "missing")
    rows = asked.select("respondent", "series", "period", "value").rows()
    return {(respondent, name, period): value for respondent, name, period, value in rows}


def long_rows(records: Iterable[Mapping[str, Any]], *, respondent: str, code: str, prefix: str) -> Rows:
    """Returns a client's records, one per row of the API; a client's NaN is None.

    Args:
        records: With the API's names of columns, ``period`` as the API writes it.
        respondent: Column of the respondent.
        code: Column of the type.
        prefix: What stands before the type in a series name.
    """
    rows: Rows = {}
    for record in records:
        period = datetime.strptime(record["period"], "%Y-%m-%dT%H").replace(tzinfo=UTC)
        key = (record[respondent], f"{prefix}{record[code]}", period)
        assert key not in rows, f"{key} came twice"
        rows[key] = number(record["value"])
    return rows


def number(value: Any) -> float | None:
    """Returns a client's value; NaN and None are None."""
    return None if value is None or value != value else float(value)  # noqa: PLR0124 - only NaN differs from itself
