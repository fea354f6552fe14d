"""Long to wide: every hour of every series, and nothing else."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow.parquet as pq
import pytest
from tests.load.tables import FIRST, frame_of, ramp, write

from gridloom.errors import FileFormatError
from gridloom.grid.hours import parse_label
from gridloom.load.select import select
from gridloom.load.survey import survey
from gridloom.load.wide import hours_of, scatter
from gridloom.sample import sample_path

VERSION = {"gridloom.schema_version": "1"}


def test_hour_by_hour_equality_on_the_whole_sample() -> None:
    found = survey(sample_path())
    chosen = select(found, None, None, calendar=False)
    values, mask = scatter(found, chosen)
    times = hours_of(chosen)

    # read by another library, row by row
    table = pq.read_table(sample_path())
    periods = table["period"].cast("int64").to_pylist()
    keys = zip(table["respondent"].to_pylist(), table["series"].to_pylist(), strict=True)
    row_of = {int(time): row for row, time in enumerate(times)}
    column_of = {pair: column for column, pair in enumerate(chosen.pairs)}
    seen = np.zeros_like(mask)
    wrong = 0
    for period, pair, value in zip(periods, keys, table["value"].to_pylist(), strict=True):
        at = row_of[period // 1_000], column_of[pair]
        seen[at] += 1
        wrong += mask[at] != (value is not None) or values[at] != np.float32(value or 0)

    assert wrong == 0
    assert (seen == 1).all()
    assert 0 < (mask == 0).sum() == table["value"].null_count


def test_series_of_other_lives_and_gaps_are_masked(tmp_path: Path) -> None:
    frame = frame_of({("CAR", "D"): [1, None, 3, 4], ("PACW", "D"): [5, 6, 7, 8]})
    late = (pl.col("respondent") == "PACW") & (pl.col("period") <= parse_label(FIRST))
    frame.filter(~late).write_parquet(tmp_path / "t.parquet", metadata=VERSION)
    found = survey(tmp_path / "t.parquet")

    values, mask = scatter(found, select(found, None, None, calendar=False))

    assert values.tolist() == [[1, 0], [0, 6], [3, 7], [4, 8]]
    assert mask.tolist() == [[1, 0], [0, 1], [1, 1], [1, 1]]
    assert (values.dtype, mask.dtype) == (np.float32, np.uint8)


def test_only_what_was_selected_over_its_own_hours(tmp_path: Path) -> None:
    path = write(tmp_path / "t.parquet", {("CAR", "D"): ramp(9), ("CAR", "TI"): [7, 8]}).path
    found = survey(path)
    chosen = select(found, None, ["TI"], calendar=True)

    values, mask = scatter(found, chosen)

    assert values.shape == (2, 8)
    assert values[:, 0].tolist() == [7, 8]
    assert not values[:, 1:].any()
    assert not mask[:, 1:].any()
    assert hours_of(chosen)[0] == datetime(2019, 1, 1, tzinfo=UTC).timestamp()


def test_clean_values_are_taken_instead(tmp_path: Path) -> None:
    frame = frame_of({("CAR", "D"): [1, None, 3]}).with_columns(pl.Series("clean", [10.0, 20.0, None]))
    frame.write_parquet(tmp_path / "t.parquet", metadata=VERSION)
    found = survey(tmp_path / "t.parquet")

    values, mask = scatter(found, select(found, None, None, calendar=False))

    assert values[:, 0].tolist() == [10, 20, 0]
    assert mask[:, 0].tolist() == [1, 1, 0]


def test_a_value_that_is_no_number_is_masked(tmp_path: Path) -> None:
    frame = frame_of({("CAR", "D"): [float("nan"), float("inf"), 3]})
    frame.write_parquet(tmp_path / "t.parquet", metadata=VERSION)
    found = survey(tmp_path / "t.parquet")

    values, mask = scatter(found, select(found, None, None, calendar=False))

    assert (values[:, 0].tolist(), mask[:, 0].tolist()) == ([0, 0, 3], [0, 0, 1])


@pytest.mark.parametrize("spoil", [pl.DataFrame.reverse, lambda frame: pl.concat([frame, frame])])
def test_hours_that_do_not_ascend_are_refused(tmp_path: Path, spoil: object) -> None:
    spoil(frame_of({("CAR", "D"): ramp(5)})).write_parquet(tmp_path / "t.parquet", metadata=VERSION)  # type: ignore[operator]
    found = survey(tmp_path / "t.parquet")

    with pytest.raises(FileFormatError, match="the hours of CAR D do not ascend"):
        scatter(found, select(found, None, None, calendar=False))


def test_slices_do_not_show(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(
        tmp_path / "t.parquet", {(code, "D"): ramp(50, 100) for code in ("CAR", "PACW", "SWPP")}
    ).path
    found = survey(path)
    chosen = select(found, None, None, calendar=False)
    whole = scatter(found, chosen)
    read: list[tuple[int, int]] = []

    monkeypatch.setattr("gridloom.load.wide.SLICE_ROWS", 7)
    cut = scatter(found, chosen, on_rows=lambda done, total: read.append((done, total)))

    assert all(np.array_equal(one, other) for one, other in zip(whole, cut, strict=True))
    assert read == [(min(7 * number, 150), 150) for number in range(1, 23)]


def test_slices_without_anything_asked_for_are_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    columns = {(code, "D"): ramp(50, 100) for code in ("CAR", "PACW", "SWPP")}
    found = survey(write(tmp_path / "t.parquet", columns).path)
    read: list[tuple[int, int]] = []
    monkeypatch.setattr("gridloom.load.wide.SLICE_ROWS", 10)

    chosen = select(found, ["PACW"], None, calendar=False)
    values, _ = scatter(found, chosen, on_rows=lambda done, total: read.append((done, total)))

    assert values[:, 0].tolist() == [value or 0 for value in ramp(50, 100)]
    assert read == [(done, 50) for done in (10, 20, 30, 40, 50)]
