"""The canonical hourly table as data: columns, types, units, key, footer, and the digest of its rows."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from gridloom.grid.hours import HourRange
from gridloom.grid.series import UNIT

if TYPE_CHECKING:
    import polars as pl

__all__ = [
    "COLUMNS",
    "FOOTER_PREFIX",
    "KEY",
    "SCHEMA_VERSION",
    "Column",
    "RowsDigest",
    "Status",
    "polars_schema",
    "rows_digest",
    "table_name",
]

SCHEMA_VERSION: Final = "1"
"""Version of the columns and their meaning; stands in every file's footer."""

FOOTER_PREFIX: Final = "gridloom."
"""Prefix of GridLoom's keys in the Parquet footer."""

KEY: Final = ("respondent", "series", "period")
"""Unique key and sort order of the table; text sorts by code point."""

_DIGEST_ROWS: Final = 100_000


class Status(StrEnum):
    """Why a value is there or not. Missing, null and zero are three different things."""

    REPORTED = "reported"
    """EIA sent a row with a value."""

    NULL = "null"
    """EIA sent a row without a value."""

    MISSING = "missing"
    """EIA sent no row for this hour."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the canonical table.

    Attributes:
        name: Its name.
        dtype: Its type in Parquet terms.
        unit: Unit of its values, or empty.
        meaning: What a value says.
    """

    name: str
    dtype: str
    unit: str
    meaning: str


COLUMNS: Final = (
    Column("period", "timestamp[ms, UTC]", "", "END of the hour, as EIA publishes"),
    Column("respondent", "dictionary<string>", "", "EIA code, such as PACW or SWPP"),
    Column("series", "dictionary<string>", "", "D, DF, NG, TI, NG.<fuel>, ID.<neighbour> or D.<sub-area>"),
    Column("value", "float64", UNIT, "as reported; null when reported null or missing"),
    Column("status", "dictionary<string>", "", "reported, null (a row without a value) or missing (no row)"),
)
"""The columns in their order."""


def polars_schema() -> pl.Schema:
    """Returns the table's schema in polars types."""
    import polars as pl

    types = {
        "timestamp[ms, UTC]": pl.Datetime("ms", "UTC"),
        "dictionary<string>": pl.Categorical(),
        "float64": pl.Float64(),
    }
    return pl.Schema({column.name: types[column.dtype] for column in COLUMNS})


def table_name(hours: HourRange, respondent: str | None = None) -> str:
    """Returns the default file name without its ending.

    Example:
        >>> table_name(HourRange.of_years(2019, 2023)), table_name(HourRange.of_years(2024), "PACW")
        ('eia930_2019-2023', 'eia930_PACW_2024')
    """
    return "_".join(["eia930", *([respondent] if respondent else []), hours.name])


class RowsDigest:
    """The digest of a table's rows, whatever file format or library version holds them.

    It is the SHA-256 of the rows as CSV lines without a header, sorted by `KEY`:
    ``period`` in milliseconds since 1970, respondent, series, value in its shortest exact decimal
    form (empty for null), status.
    """

    def __init__(self) -> None:
        self._digest = hashlib.sha256()

    def update(self, rows: pl.DataFrame) -> None:
        """Takes the next rows, cut anywhere."""
        import polars as pl

        # In slices, so that the text stays small.
        for part in rows.iter_slices(_DIGEST_ROWS):
            lines = part.select(
                pl.col("period").cast(pl.Int64),
                pl.col("respondent", "series").cast(pl.String),
                "value",
                pl.col("status").cast(pl.String),
            )
            text = io.BytesIO()
            lines.write_csv(text, include_header=False)
            self._digest.update(text.getbuffer())

    def __str__(self) -> str:
        return "sha256:" + self._digest.hexdigest()


def rows_digest(parts: Iterable[pl.DataFrame]) -> str:
    """Returns the `RowsDigest` of a table.

    Args:
        parts: Frames with the table's columns, in order; they may be cut anywhere.
    """
    digest = RowsDigest()
    for part in parts:
        digest.update(part)
    return str(digest)
