from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from tests.load.tables import FIRST, frame_of, hour, ramp, write

from gridloom.errors import FileFormatError
from gridloom.grid.hours import parse_label
from gridloom.load.survey import Stretch, survey
from gridloom.sample import sample_path

VERSION = {"gridloom.schema_version": "1"}


def test_a_table_says_what_it_holds(tmp_path: Path) -> None:
    write(tmp_path / "t.parquet", {("PACW", "D"): ramp(10), ("CAR", "NG.WND"): ramp(5)})

    found = survey(tmp_path / "t.parquet")

    assert (found.respondents, found.series, found.rows) == (("CAR", "PACW"), ("D", "NG.WND"), 15)
    assert str(found.lives["CAR", "NG.WND"]) == f"{FIRST} to {hour(4)}"
    assert str(found.hours) == f"{FIRST} to {hour(9)}"
    assert (found.column, found.footer["source"]) == ("value", "custom:test")


def test_the_embedded_sample_is_a_table() -> None:
    found = survey(sample_path())

    assert len(found.lives) == 114
    assert len(found.hours) == 8_760


def test_screened_values_are_taken_where_there_are_any(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    frame = frame_of({("CAR", "D"): ramp(5)}).with_columns(
        pl.lit(0.5).alias("clean"), pl.lit(1).alias("flag")
    )
    frame.write_parquet(path, metadata=VERSION)

    assert survey(path).column == "clean"


@pytest.mark.parametrize(
    ("columns", "metadata", "said"),
    [
        ({"a": [1]}, {}, "carries no gridloom.schema_version"),
        ({"a": [1]}, {"gridloom.schema_version": "99"}, "says schema version 99"),
        ({"a": [1]}, VERSION, r"period \(Datetime.*\) is not there"),
        ({"value": ["x"]}, VERSION, "value is String instead of Float64"),
    ],
)
def test_a_parquet_of_something_else(
    tmp_path: Path, columns: dict[str, list[object]], metadata: dict[str, str], said: str
) -> None:
    pl.DataFrame(columns).write_parquet(tmp_path / "o.parquet", metadata=metadata)

    with pytest.raises(FileFormatError, match=f"(?s)o.parquet is not an hourly table.*{said}"):
        survey(tmp_path / "o.parquet")


def test_clean_values_of_another_type_are_refused(tmp_path: Path) -> None:
    frame = frame_of({("CAR", "D"): ramp(5)}).with_columns(pl.lit("x").alias("clean"))
    frame.write_parquet(tmp_path / "t.parquet", metadata=VERSION)

    with pytest.raises(FileFormatError, match="clean is String instead of Float64"):
        survey(tmp_path / "t.parquet")


def test_slices_do_not_show(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    columns = {(code, name): ramp(20) for code in ("CAR", "PACW") for name in ("D", "TI")}
    path = write(tmp_path / "t.parquet", columns).path
    monkeypatch.setattr("gridloom.load.survey.SLICE_ROWS", 7)
    cut = survey(path)
    path.touch()  # what was found of a file is kept until it changes
    monkeypatch.undo()

    assert cut == survey(path)
    assert cut is not survey(path)
    assert cut.stretches["CAR", "TI"] == Stretch(
        20, 40, cut.stretches["CAR", "D"].first_ms, cut.stretches["CAR", "D"].last_ms, is_hourly=True
    )


@pytest.mark.parametrize("rows", [2, 1 << 20])
def test_gaps_are_seen_wherever_a_slice_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows: int
) -> None:
    gap = (pl.col("respondent") == "CAR") & (pl.col("period") == parse_label(hour(2)))
    frame = frame_of({("CAR", "D"): ramp(6), ("PACW", "D"): ramp(6)}).filter(~gap)
    frame.write_parquet(tmp_path / "t.parquet", metadata=VERSION)
    monkeypatch.setattr("gridloom.load.survey.SLICE_ROWS", rows)

    found = survey(tmp_path / "t.parquet")

    assert {code: each.is_hourly for (code, _), each in found.stretches.items()} == {
        "CAR": False,
        "PACW": True,
    }
    assert str(found.lives["CAR", "D"]) == f"{FIRST} to {hour(5)}"


def test_a_table_that_is_sorted_otherwise_is_refused(tmp_path: Path) -> None:
    frame = frame_of({("CAR", "D"): ramp(3), ("PACW", "D"): ramp(3)}).sort("period")
    frame.write_parquet(tmp_path / "t.parquet", metadata=VERSION)

    with pytest.raises(FileFormatError, match="not sorted by respondent and series, the rows of CAR D"):
        survey(tmp_path / "t.parquet")


def test_what_was_found_is_of_the_file_as_it_is(tmp_path: Path) -> None:
    for hours in (5, 6, 6):
        path = write(tmp_path / "t.parquet", {("CAR", "D"): ramp(hours)}).path
        assert survey(path).rows == hours
        assert survey(path) is survey(path)


def test_no_file_no_rows_no_parquet_no_hours(tmp_path: Path) -> None:
    frame = frame_of({("CAR", "D"): ramp(5)})
    frame.clear().write_parquet(tmp_path / "empty.parquet", metadata=VERSION)
    odd = frame.with_columns(pl.col("period") + pl.duration(minutes=30))
    odd.write_parquet(tmp_path / "odd.parquet", metadata=VERSION)
    keyless = {"period": "period", "code": "respondent"}
    for name, column in keyless.items():
        frame.with_columns(pl.lit(None, frame[column].dtype).alias(column)).write_parquet(
            tmp_path / f"no-{name}.parquet", metadata=VERSION
        )
    (tmp_path / "text.parquet").write_text("period,value\n")

    for name, said in {
        "": "is a folder. Give the Parquet file in it",
        "none.parquet": "There is no file .*none.parquet",
        "empty.parquet": "without rows",
        "no-period.parquet": "lack a part of their key",
        "no-code.parquet": "lack a part of their key",
        "odd.parquet": "CAR D has no full hours",
        "text.parquet": "not a whole Parquet file",
    }.items():
        with pytest.raises(FileFormatError, match=said):
            survey(tmp_path / name)
