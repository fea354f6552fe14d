"""Small hourly tables on disk, and datasets of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl
from tests.support.frames import write_frame

from gridloom.grid.artifacts import HourlyTable
from gridloom.grid.hours import HOUR, label, parse_label
from gridloom.grid.table import polars_schema
from gridloom.load.build import build_dataset
from gridloom.load.dataset import GridDataset
from gridloom.load.plan import DatasetRequest, plan_dataset

FIRST = "2019-01-01T00"

Columns = Mapping[tuple[str, str], Sequence[float | None]]
"""Values of each respondent and series, hour by hour from `FIRST`."""


def hour(place: int) -> str:
    return label(parse_label(FIRST) + place * HOUR)


def frame_of(columns: Columns) -> pl.DataFrame:
    parts = [
        pl.DataFrame(
            {
                "period": [parse_label(FIRST) + place * HOUR for place in range(len(values))],
                "respondent": code,
                "series": series,
                "value": [None if value is None else float(value) for value in values],
                "status": ["missing" if value is None else "reported" for value in values],
            },
            schema_overrides={"value": pl.Float64, "period": pl.Datetime("ms", "UTC")},
        )
        for (code, series), values in sorted(columns.items())
    ]
    return pl.concat(parts).cast(dict(polars_schema()))


def write(path: Path, columns: Columns) -> HourlyTable:
    """Writes a table as the transform does."""
    frame = frame_of(columns)
    return write_frame(
        path,
        frame,
        source="custom:test",
        first=FIRST,
        last=hour(max(map(len, columns.values())) - 1),
        asked_respondents=tuple(sorted({code for code, _ in columns})),
        asked_series=tuple(sorted({series for _, series in columns})),
    )


def make(folder: Path, columns: Columns | Path, **request: Any) -> GridDataset:
    """Returns the dataset of a table, made by the functions and not by the step."""
    folder.mkdir(parents=True, exist_ok=True)
    path = columns if isinstance(columns, Path) else write(folder / "table.parquet", columns).path
    plan = plan_dataset(
        path, DatasetRequest(**{"name": "t", "context": 4, "horizon": 2, "stride": 1, **request})
    )
    made = build_dataset(folder / "t", plan, source="custom:test", digest="sha256:0", rows_digest="sha256:1")
    return GridDataset.open(made)


def ramp(hours: int, base: float = 0.0) -> list[float | None]:
    """Returns values that tell their hour, with every seventh one missing."""
    return [None if place % 7 == 3 else base + place for place in range(hours)]
