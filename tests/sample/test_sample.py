"""The embedded sample is what it says: the hourly contract, complete, small, and true to its source."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from gridloom.files import digest_file
from gridloom.grid.hours import HOUR
from gridloom.grid.respondents import STANDARD_EIGHT, find
from gridloom.grid.series import FUELS, REGION_TYPES
from gridloom.grid.table import KEY, SCHEMA_VERSION, Status, polars_schema, rows_digest
from gridloom.sample import SAMPLE_HOURS, sample_path, sample_source

WITH_FUELS = ("ERCO", "ISNE", "MISO", "NYIS", "PACW", "PJM")


@pytest.fixture(scope="module")
def table():
    return pl.read_parquet(sample_path())


def texts(frame):
    return frame.cast({"respondent": pl.String, "series": pl.String, "status": pl.String})


def of(frame, respondent, series):
    return texts(frame).filter(pl.col("respondent") == respondent, pl.col("series") == series)


def test_it_is_small_enough_for_the_wheel():
    assert sample_path().stat().st_size <= 3_000_000


def test_its_identity_is_the_digest_of_its_bytes():
    assert sample_source() == "sample:" + digest_file(sample_path()).removeprefix("sha256:")[:16]


def test_it_has_the_columns_of_the_contract_in_their_order(table):
    assert list(table.schema.items()) == list(polars_schema().items())


def test_its_footer_says_what_and_whose_it_is(table):
    footer = pl.read_parquet_metadata(sample_path())
    assert footer["gridloom.schema_version"] == SCHEMA_VERSION
    assert (footer["gridloom.first"], footer["gridloom.last"]) == ("2019-01-01T00", "2019-12-31T23")
    assert footer["gridloom.rows_digest"] == rows_digest([table])
    assert "10.1038/s41597-020-0483-x" in footer["gridloom.attribution"]
    assert "10.5281/zenodo.3517196" in footer["gridloom.attribution"]
    assert "CC BY 4.0" in footer["gridloom.license"]


def test_its_readme_is_packaged_and_attributes():
    text = sample_path().with_name("README.md").read_text(encoding="utf-8")
    assert "10.5281/zenodo.3517196" in text
    assert "public domain" in " ".join(text.split())


def test_it_is_sorted_and_unique_by_its_key_as_text(table):
    keys = texts(table).select(KEY)
    assert keys.equals(keys.sort(KEY))
    assert not keys.is_duplicated().any()


def test_every_series_has_every_hour_of_the_year(table):
    spans = (
        texts(table)
        .group_by("respondent", "series")
        .agg(pl.len().alias("hours"), first=pl.col("period").min(), last=pl.col("period").max())
    )
    assert spans.height == 114
    assert spans["hours"].unique().to_list() == [len(SAMPLE_HOURS)] == [8760]
    assert spans["first"].unique().to_list() == [SAMPLE_HOURS.start]
    assert spans["last"].unique().to_list() == [SAMPLE_HOURS.stop - HOUR]


def test_status_and_value_agree_and_no_series_is_empty(table):
    rows = texts(table)
    assert set(rows["status"].unique()) == {Status.REPORTED, Status.MISSING}
    reported = pl.col("status") == Status.REPORTED
    assert rows.filter(reported != pl.col("value").is_not_null()).is_empty()
    assert rows["value"].is_finite().all()
    assert rows.group_by("respondent", "series").agg(pl.col("value").count())["value"].min() > 0


def test_it_holds_the_standard_eight_and_fuels_where_there_are_any(table):
    series = texts(table).select("respondent", "series").unique()
    held = {code: set(part["series"]) for (code,), part in series.group_by("respondent")}
    assert len(held) == 35
    assert all(find(code) for code in held)
    assert all({"D", "DF"} <= held[code] for code in STANDARD_EIGHT)
    assert {code for code, names in held.items() if any(name.startswith("NG.") for name in names)} == set(
        WITH_FUELS
    )
    assert set().union(*held.values()) <= {*REGION_TYPES, *(f"NG.{code}" for code in FUELS)}
    assert held["PACW"] == {"D", "DF", "NG.COL", "NG.NG", "NG.OTH", "NG.SUN", "NG.WAT", "NG.WND"}


def test_the_known_odd_values_are_there(table):
    pjm = of(table, "PJM", "D").sort("value", descending=True, nulls_last=True)
    assert pjm.select("period", "value").head(2).rows() == [
        (datetime(2019, 12, 11, 20, tzinfo=UTC), 417_669.0),
        (datetime(2019, 12, 12, 22, tzinfo=UTC), 155_276.0),
    ]
    assert (of(table, "NYIS", "D")["value"] == 0).sum() == 1
    assert (of(table, "PACW", "NG.WND")["value"] < 0).sum() == 717


@pytest.mark.parametrize(
    ("respondent", "missing"), [("MISO", 6), ("PJM", 1), ("PACW", 24), ("SWPP", 24), ("ERCO", 0), ("CAR", 0)]
)
def test_demand_lacks_the_hours_that_eia_lacks(table, respondent, missing):
    assert of(table, respondent, "D")["value"].null_count() == missing


def test_fuels_lack_the_last_23_hours_of_each_stretch_of_60_days(table):
    missing = of(table, "PACW", "NG.WND").filter(pl.col("status") == Status.MISSING)
    days = missing.group_by(pl.col("period").dt.date().alias("day")).agg(
        hours=pl.len(), first=pl.col("period").min().dt.hour()
    )
    ends = ["2019-03-01", "2019-04-30", "2019-06-29", "2019-08-28", "2019-10-27", "2019-12-26", "2019-12-31"]
    assert sorted(day.isoformat() for day in days["day"]) == ends
    assert days.select("hours", "first").unique().rows() == [(23, 1)]


@pytest.mark.skipif(
    "GRIDLOOM_SOURCE_DATA" not in os.environ,
    reason="set GRIDLOOM_SOURCE_DATA to the folder of the source tables to compare the sample with them",
)
def test_it_equals_its_source_hour_for_hour(table):
    folder = Path(os.environ["GRIDLOOM_SOURCE_DATA"])
    demand = [pl.read_parquet(folder / f"{name}_2015_2020.parquet") for name in ("demand", "region_demand")]
    fuels = pl.read_parquet(folder / "generation_by_fuel_2019.parquet").cast(
        {"respondent": pl.String, "fueltype": pl.String}
    )
    sources = {}
    for frame in demand:
        year = frame.filter(pl.col("period").dt.year() == 2019).cast({"respondent": pl.String})
        for code, hour, load, forecast in year.select(
            "respondent", "period", "demand", "forecast"
        ).iter_rows():
            sources[code, "D", hour], sources[code, "DF", hour] = load, forecast
    for code, hour, fuel, value in fuels.select("respondent", "period", "fueltype", "value").iter_rows():
        sources[code, f"NG.{fuel}", hour] = value
    sources = {key: value for key, value in sources.items() if value is not None}
    held = {row[:3]: row[3] for row in texts(table).select(*KEY, "value").iter_rows() if row[3] is not None}
    assert held == sources
