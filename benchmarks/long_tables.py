"""A long hourly table of any size, in the contract's order and format, written without holding it whole."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import polars as pl

from gridloom.grid.table import polars_schema
from gridloom.transform.write import ROW_GROUP_ROWS

HOUR_MS = 3_600_000
START_MS = 1_546_300_800_000  # 2019-01-01T00
FOOTER = {
    "gridloom.schema_version": "1",
    "gridloom.source": "custom:bench",
    "gridloom.rows_digest": "sha256:0",
}
SERIES = ("D", "DF", "NG", "NG.COL", "NG.NG", "NG.NUC", "NG.SUN", "NG.WAT", "NG.WND", "TI")


def write_long(path: str, respondents: int, hours: int) -> dict[str, float]:
    """Writes `respondents` x 10 series x `hours`, 2 % of the values missing, as `write_table` does."""
    rng = np.random.default_rng(7)
    period = pl.Series("period", START_MS + HOUR_MS * np.arange(hours)).cast(pl.Datetime("ms", "UTC"))
    with tempfile.TemporaryDirectory(dir=Path(path).parent) as folder:
        files = [Path(folder, f"{number:03}.parquet") for number in range(respondents)]
        for file in files:
            pl.concat([_series(file.stem, series, period, rng) for series in SERIES]).write_parquet(file)
        pl.concat([pl.scan_parquet(file) for file in files]).sink_parquet(
            path, compression="zstd", statistics=True, row_group_size=ROW_GROUP_ROWS, metadata=FOOTER
        )
    return {"rows": respondents * len(SERIES) * hours}


def _series(number: str, series: str, period: pl.Series, rng: np.random.Generator) -> pl.DataFrame:
    missing = rng.random(len(period)) < 0.02
    value = np.where(missing, np.nan, rng.normal(5_000, 1_000, len(period)).round())
    frame = pl.DataFrame(
        {"period": period, "value": value, "status": np.where(missing, "missing", "reported")}
    )
    names = {
        "respondent": pl.lit(f"R{number}"),
        "series": pl.lit(series),
        "value": pl.col("value").fill_nan(None),
    }
    return frame.with_columns(**names).select(list(polars_schema())).cast(dict(polars_schema()))


def add_footer(path: str) -> dict[str, float]:
    """Gives a table the footer that loading looks for."""
    pl.read_parquet(path).write_parquet(path, metadata=FOOTER, row_group_size=131_072)
    return {}
