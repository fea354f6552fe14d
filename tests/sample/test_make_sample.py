"""The script that builds the sample: same source, same bytes; gaps are rows; empty series are left out."""

from __future__ import annotations

import importlib.util
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from click.testing import CliRunner

SCRIPT = Path(__file__).parents[2] / "tools" / "make_sample.py"


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("make_sample", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def source(tmp_path):
    """Three source tables with a few hours around the year's ends."""
    hours = [datetime(2018, 12, 31, 23, tzinfo=UTC) + timedelta(hours=n) for n in range(4)]
    hours += [datetime(2019, 12, 31, 23, tzinfo=UTC), datetime(2020, 1, 1, tzinfo=UTC)]
    period = pl.Series("period", hours, dtype=pl.Datetime("ms", "UTC"))
    values = pl.Series([1.0, 2.5, None, 0.1, 5.0, 6.0], dtype=pl.Float32)

    def demand(code, forecast):
        return pl.DataFrame(
            {"respondent": [code] * 6, "period": period, "demand": values, "forecast": forecast}
        )

    empty = pl.Series([9.0, None, None, None, None, 9.0], dtype=pl.Float32)
    folder = tmp_path / "source"
    folder.mkdir()
    text = {"respondent": pl.Categorical}
    demand("PACW", values).cast(text).write_parquet(folder / "demand_2015_2020.parquet")
    demand("CAR", empty).cast(text).write_parquet(folder / "region_demand_2015_2020.parquet")
    fuels = pl.DataFrame(
        {"respondent": "PACW", "period": period, "fueltype": "WND", "value": values}
    ).drop_nulls()
    fuels.cast({**text, "fueltype": pl.Categorical}).write_parquet(folder / "generation_by_fuel_2019.parquet")
    return folder


def test_it_takes_exactly_the_year_and_marks_what_is_missing(script, source):
    frame = script.build(source).cast({"respondent": pl.String, "series": pl.String, "status": pl.String})
    assert frame.height == 4 * 8760
    assert frame.select("respondent", "series").unique(maintain_order=True).rows() == [
        ("CAR", "D"),
        ("PACW", "D"),
        ("PACW", "DF"),
        ("PACW", "NG.WND"),
    ]
    first = frame.filter(pl.col("respondent") == "PACW", pl.col("series") == "D").head(4)
    assert first["status"].to_list() == ["reported", "missing", "reported", "missing"]
    # The source is float32; its exact value is kept, not the decimal it was rounded from.
    assert first["value"].to_list()[:3] == [2.5, None, 0.10000000149011612]


def test_the_same_source_gives_the_same_bytes(script, source, tmp_path):
    written = []
    for name in ("one.parquet", "two.parquet"):
        result = CliRunner().invoke(script.main, ["--source", str(source), "--out", str(tmp_path / name)])
        assert result.exit_code == 0, result.output
        written.append((tmp_path / name).read_bytes())
    assert written[0] == written[1]
    assert str(tmp_path).encode() not in written[0]
