from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pytest

from gridloom.errors import StorageError
from gridloom.grid.artifacts import TableArtifact


@dataclass(frozen=True, kw_only=True)
class PeakTable(TableArtifact):
    """A table of a user's own."""

    unit: str


FRAME = pl.DataFrame({"respondent": ["CAR", "PACW"], "peak": [2.0, 1.0]})


@pytest.mark.parametrize("frame", [FRAME, FRAME.lazy()], ids=["eager", "lazy"])
def test_a_frame_is_written_and_described(tmp_path: Path, frame: pl.DataFrame | pl.LazyFrame) -> None:
    table = PeakTable.write(tmp_path / "new" / "peaks.parquet", frame, unit="MWh")

    assert (table.rows, table.unit) == (2, "MWh")
    assert table.scan().collect().equals(FRAME)
    assert table.mismatch() is None
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["peaks.parquet"]


def test_the_same_frame_gives_the_same_bytes(tmp_path: Path) -> None:
    one = PeakTable.write(tmp_path / "1.parquet", FRAME, unit="MWh")
    two = PeakTable.write(tmp_path / "2.parquet", FRAME, unit="MWh")

    assert one.digest == two.digest


def test_a_refused_write_says_where_and_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(StorageError, match=r"Could not write .*peaks\.parquet"):
        PeakTable.write(tmp_path / "file" / "peaks.parquet", FRAME, unit="MWh")
