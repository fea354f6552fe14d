"""Builds the embedded sample: the year 2019 of Form EIA-930 as one canonical hourly Parquet file.

Run it from the repository's root, with the folder that holds the source tables::

    python tools/make_sample.py --source DIR --out src/gridloom/sample/eia930_2019.parquet

``DIR`` holds ``demand_2015_2020.parquet`` (balancing authorities), ``region_demand_2015_2020.parquet``
(EIA's own regions) and ``generation_by_fuel_2019.parquet``. The same source gives the same bytes with
the same version of polars. An hour without a value in the source gets the status ``missing``; a series
without any value in 2019 is left out.
"""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import click
import polars as pl

from gridloom.files import write_atomic
from gridloom.grid.hours import HourRange
from gridloom.grid.table import FOOTER_PREFIX, KEY, SCHEMA_VERSION, Status, polars_schema, rows_digest

HOURS = HourRange.of_years(2019)
DEMAND_FILES = ("demand_2015_2020.parquet", "region_demand_2015_2020.parquet")
DEMAND_COLUMNS = {"D": "demand", "DF": "forecast"}
FUEL_FILE = "generation_by_fuel_2019.parquet"
COMPRESSION_LEVEL = 19
"""Of zstd; 22 saves another 0.05 % only."""

ATTRIBUTION = {
    "license": "US Government work, public domain (EIA); CC BY 4.0 (compilation of demand, Ruggles et al.)",
    "attribution": "U.S. Energy Information Administration, Form EIA-930; Ruggles, T. H., Farnham, D. J., "
    "Tong, D. & Caldeira, K. (2020), Scientific Data 7:155, doi 10.1038/s41597-020-0483-x, "
    "data doi 10.5281/zenodo.3517196",
}


def build(source: Path) -> pl.DataFrame:
    """Returns the sample in the canonical contract: complete hours, sorted by the key.

    Args:
        source: Folder of the three source tables.
    """
    reported = pl.concat([*(_demand(source / name) for name in DEMAND_FILES), _fuels(source / FUEL_FILE)])
    reported = reported.filter(
        pl.col("period").is_between(HOURS.start, HOURS.stop, closed="left"), pl.col("value").is_not_null()
    )
    series = reported.select("respondent", "series").unique()
    grid = series.join(pl.DataFrame({"period": _hours()}), how="cross")
    status = pl.when(pl.col("value").is_null()).then(pl.lit(Status.MISSING.value))
    return (
        grid.join(reported, on=list(KEY), how="left", validate="1:1")
        .with_columns(status.otherwise(pl.lit(Status.REPORTED.value)).alias("status"))
        .sort(KEY)
        .cast({name: dtype for name, dtype in polars_schema().items() if name != "period"})
        .select(polars_schema().names())
    )


def _demand(path: Path) -> pl.DataFrame:
    frame = pl.read_parquet(path)
    return pl.concat([_long(frame, pl.lit(series), column) for series, column in DEMAND_COLUMNS.items()])


def _fuels(path: Path) -> pl.DataFrame:
    return _long(pl.read_parquet(path), "NG." + pl.col("fueltype").cast(pl.String), "value")


def _long(frame: pl.DataFrame, series: pl.Expr, column: str) -> pl.DataFrame:
    # Every float32 is a float64 exactly, so the widening loses nothing.
    return frame.select(
        "period",
        pl.col("respondent").cast(pl.String),
        series.alias("series"),
        pl.col(column).cast(pl.Float64).alias("value"),
    )


def _hours() -> pl.Series:
    first, last = HOURS.start, HOURS.stop
    return pl.datetime_range(first, last, "1h", closed="left", time_unit="ms", time_zone="UTC", eager=True)


def footer(frame: pl.DataFrame) -> dict[str, str]:
    """Returns the footer metadata of the sample: what it is, whose it is, and the digest of its rows."""
    facts = {
        "schema_version": SCHEMA_VERSION,
        "source": "sample",
        "first": HOURS.first_label,
        "last": HOURS.last_label,
        "rows_digest": rows_digest([frame]),
        **ATTRIBUTION,
    }
    return {FOOTER_PREFIX + name: text for name, text in facts.items()}


@click.command(help="Build the embedded sample from the source tables in --source.")
@click.option("--source", type=click.Path(exists=True, file_okay=False, path_type=Path), required=True)
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), required=True)
def main(source: Path, out: Path) -> None:
    """Builds the sample and writes it whole or not at all."""
    frame = build(source)
    content = BytesIO()
    frame.write_parquet(
        content, compression="zstd", compression_level=COMPRESSION_LEVEL, metadata=footer(frame)
    )
    write_atomic(out, content.getvalue())
    missing = frame.filter(pl.col("status") == Status.MISSING.value).height
    series = frame.select("respondent", "series").n_unique()
    click.echo(
        f"{out}: {frame.height:,} rows, {series} series, {missing:,} missing hours, "
        f"{out.stat().st_size:,} bytes"
    )


if __name__ == "__main__":
    main()
