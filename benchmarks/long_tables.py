"""A long hourly table of any size, in the contract's order and format, written without holding it whole."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pyarrow.parquet as pq

HOUR_MS = 3_600_000
START_MS = 1_546_300_800_000  # 2019-01-01T00
FOOTER = {
    "gridloom.schema_version": "1",
    "gridloom.source": "custom:bench",
    "gridloom.rows_digest": "sha256:0",
}
SERIES = ("D", "DF", "NG", "NG.COL", "NG.NG", "NG.NUC", "NG.SUN", "NG.WAT", "NG.WND", "TI")


def write_long(path: str, respondents: int, hours: int) -> dict[str, float]:
    """Writes `respondents` x 10 series x `hours`, 2 % of the values missing."""
    rng = np.random.default_rng(7)
    period = pl.Series(START_MS + HOUR_MS * np.arange(hours)).cast(pl.Datetime("ms", "UTC"))
    writer = None
    for number in range(respondents):
        parts = []
        for series in SERIES:
            missing = rng.random(hours) < 0.02
            value = pl.Series(np.where(missing, np.nan, rng.normal(5_000, 1_000, hours).round())).fill_nan(
                None
            )
            status = pl.Series(np.where(missing, "missing", "reported"))
            names = {"respondent": pl.lit(f"R{number:03}"), "series": pl.lit(series)}
            frame = pl.DataFrame({"period": period}).with_columns(**names, value=value, status=status)
            parts.append(frame.with_columns(pl.col("respondent", "series", "status").cast(pl.Categorical())))
        table = pl.concat(parts).to_arrow()
        writer = writer or pq.ParquetWriter(Path(path), table.schema, compression="zstd")
        writer.write_table(table, row_group_size=131_072)
    assert writer is not None
    writer.add_key_value_metadata(FOOTER)
    writer.close()
    return {"rows": respondents * len(SERIES) * hours}


def add_footer(path: str) -> dict[str, float]:
    """Gives a table the footer that loading looks for."""
    pl.read_parquet(path).write_parquet(path, metadata=FOOTER, row_group_size=131_072)
    return {}
