"""Hourly tables to serve: the embedded sample, and years of it at the size of a full pull.

The full size is eight respondents with demand and eight fuels, every hour: 630,720 rows in 2019. Values
are real, taken from the sample; a series that a respondent does not have there is lent by another one,
and further years repeat 2019.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import polars as pl

from gridloom.grid.respondents import STANDARD_EIGHT
from gridloom.grid.table import KEY, polars_schema
from gridloom.sample import sample_path

FUELS = ("COL", "NG", "NUC", "OIL", "OTH", "SUN", "WAT", "WND")
_LENDER = "ISNE"


def write_grid(path: str, first_year: int, years: int, hours: int | None = None) -> dict[str, float]:
    """Writes the table of some years to `path`; with `hours`, only the first hours of each year."""
    one = _one_year()
    if hours:
        start = one["period"].min()
        one = one.filter(pl.col("period") < start + timedelta(hours=hours))
    shifted = [
        one.with_columns(pl.col("period").dt.offset_by(f"{(first_year - 2019 + number) * 365}d"))
        for number in range(years)
    ]
    table = (
        pl.concat(shifted)
        .cast(polars_schema())
        .sort(*(pl.col(name).cast(pl.String) if name != "period" else name for name in KEY))
    )
    table.write_parquet(Path(path))
    return {"rows": table.height}


def _one_year() -> pl.DataFrame:
    sample = pl.read_parquet(sample_path()).cast(dict.fromkeys(("respondent", "series", "status"), pl.String))
    parts = []
    for respondent in STANDARD_EIGHT:
        for series in ("D", *(f"NG.{fuel}" for fuel in FUELS)):
            own = sample.filter(pl.col("respondent") == respondent, pl.col("series") == series)
            found = (
                own
                if own.height
                else sample.filter(pl.col("respondent") == _LENDER, pl.col("series") == series)
            )
            # Every hour has a row, so that the number of rows is known.
            parts.append(
                found.with_columns(
                    respondent=pl.lit(respondent),
                    value=pl.col("value").fill_null(0.0),
                    status=pl.lit("reported"),
                )
            )
    return pl.concat(parts).select(polars_schema().names())
