"""The main job: the whole embedded year, through real HTTP, to one complete Parquet."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from tests.e2e.processes import Done, gridloom, leftovers, table

from gridloom.grid.respondents import STANDARD_EIGHT
from gridloom.grid.table import KEY
from gridloom.sample import sample_path

YEAR = ["year", "--sample", "--out", "data"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("year")


@pytest.fixture(scope="module")
def first(folder: Path) -> Done:
    """How the one whole run of these tests ended."""
    return gridloom(*YEAR, "--json", cwd=folder)


@pytest.fixture(scope="module")
def parquet(first: Done, folder: Path) -> bytes:
    """The bytes that it made."""
    return table(folder / "data").read_bytes()


def asked_of_the_sample() -> pl.DataFrame:
    series, respondent = pl.col("series").cast(pl.String), pl.col("respondent").cast(pl.String)
    wanted = respondent.is_in(STANDARD_EIGHT) & ((series == "D") | series.str.starts_with("NG."))
    return pl.scan_parquet(sample_path()).filter(wanted).collect()


def test_it_leaves_exactly_one_parquet(first: Done, parquet: bytes, folder: Path) -> None:
    data = folder / "data"

    assert first.code == 0
    assert [path.relative_to(data).as_posix() for path in data.rglob("*.parquet")] == [
        "hourly/eia930_2019.parquet"
    ]
    assert leftovers(data) == []
    assert parquet


def test_its_content_is_what_was_asked_of_the_sample_hour_for_hour(first: Done, folder: Path) -> None:
    made, asked = pl.read_parquet(table(folder / "data")), asked_of_the_sample()

    assert made.equals(asked)
    assert made.schema == asked.schema
    assert made.height == first.json["rows"]
    assert made.select(pl.struct(KEY).is_unique().all()).item()
    assert made.filter(pl.col("status") == "missing").height == first.json["hours_missing"] > 0


def test_rows_and_requests_are_counted_once(first: Done) -> None:
    summary = first.json
    extracts = [step for step in summary["steps"] if step["step_id"].startswith("extract")]

    assert summary["rows_received"] == sum(step["rows"] for step in extracts)
    assert summary["rows"] == summary["rows_received"] + summary["hours_missing"]
    assert summary["http_requests"] == sum(step["requests"] for step in extracts)


def test_again_nothing_runs_and_the_bytes_are_the_same(parquet: bytes, folder: Path) -> None:
    again = gridloom(*YEAR, "--json", cwd=folder)

    assert again.code == 0
    assert (again.json["http_requests"], again.json["rows_received"]) == (0, 0)
    assert {step["outcome"] for step in again.json["steps"]} == {"cached"}
    assert table(folder / "data").read_bytes() == parquet


def test_the_pipeline_file_of_the_year_finds_everything_done(parquet: bytes, folder: Path) -> None:
    example = Path(__file__).parents[2] / "examples" / "year.yaml"
    again = gridloom("run", example, "--out", "data", "--json", cwd=folder)

    assert again.code == 0
    assert again.json["http_requests"] == 0
    assert {step["outcome"] for step in again.json["steps"]} == {"cached"}
    assert table(folder / "data").read_bytes() == parquet


def test_the_file_is_proven_by_check(parquet: bytes, folder: Path) -> None:
    assert gridloom("check", "data/hourly/eia930_2019.parquet", cwd=folder).code == 0


def test_a_file_that_was_deleted_comes_back_without_a_request(parquet: bytes, folder: Path) -> None:
    table(folder / "data").unlink()

    again = gridloom(*YEAR, "--json", cwd=folder)

    assert again.code == 0
    assert again.json["http_requests"] == 0
    assert table(folder / "data").read_bytes() == parquet
    assert leftovers(folder / "data") == []
