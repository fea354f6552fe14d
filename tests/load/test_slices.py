from __future__ import annotations

import threading
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridloom.load.slices import slices

ROWS = 100


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("slices") / "t.parquet"
    frame = pl.DataFrame({"number": range(ROWS), "other": [str(row) for row in range(ROWS)]})
    frame.write_parquet(path, row_group_size=13)
    return path


def at_work() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("slices")]


@settings(deadline=None, max_examples=30)
@given(rows=st.integers(1, ROWS + 9), leave_out=st.sets(st.integers(0, ROWS)))
def test_each_slice_asked_for_comes_once_in_order_with_its_rows(
    file: Path, rows: int, leave_out: set[int]
) -> None:
    begins = [begin for begin in range(0, ROWS, rows) if begin not in leave_out]

    found = [(begin, part["number"].to_list()) for begin, part in slices(file, ["number"], begins, rows)]

    assert found == [(begin, list(range(begin, min(begin + rows, ROWS)))) for begin in begins]


def test_only_what_was_asked_for_is_read(file: Path) -> None:
    double = (pl.col("number") * 2).alias("double")

    _, part = next(iter(slices(file, [double], [10], 3)))

    assert part.to_dict(as_series=False) == {"double": [20, 22, 24]}


def test_who_stops_early_leaves_no_thread(file: Path) -> None:
    parts = slices(file, ["number"], range(ROWS), 1)
    next(parts)
    busy = at_work()
    parts.close()  # type: ignore[attr-defined]

    assert busy
    assert not at_work()


def test_a_damaged_file_is_not_read_as_whole(file: Path, tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.parquet"
    whole = file.read_bytes()
    damaged.write_bytes(whole[: len(whole) // 2])

    with pytest.raises(pl.exceptions.PolarsError):
        list(slices(damaged, ["number"], [0], ROWS))
    assert not at_work()
