from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.frames import row_frame

from gridloom.errors import StorageError
from gridloom.grid.hours import HOUR, HourRange, label
from gridloom.transform import shelf as shelf_module
from gridloom.transform.parse import TEXT_SCHEMA, ParsedRows
from gridloom.transform.received import Received
from gridloom.transform.shelf import Shelf, shelve

ASKED = HourRange.of_labels("2019-01-01T00", "2019-01-01T05")
ROWS = st.tuples(
    st.integers(-1, 7).map(lambda hour: label(ASKED.start + hour * HOUR)),
    st.sampled_from(["PJM", "CAR", "PACW"]),
    st.sampled_from(["D", "NG.WND", "D.Frep"]),
    st.sampled_from([None, -0.21, 7.0, 1e300]),
)


def parsed(rows: list[tuple]) -> ParsedRows:
    return ParsedRows(row_frame(rows), TEXT_SCHEMA.to_frame(), len(rows), len(rows), 1, 1)


@settings(deadline=None, max_examples=40)
@given(windows=st.lists(st.lists(ROWS, max_size=8), max_size=8), chunk_rows=st.integers(1, 20))
def test_rows_are_the_same_in_memory_and_in_files_whatever_the_chunks(
    tmp_path_factory: pytest.TempPathFactory, windows: list[list[tuple]], chunk_rows: int
) -> None:
    whole = row_frame([row for rows in windows for row in rows])
    facts = []
    for folder in (None, tmp_path_factory.mktemp("shelf") / "work"):
        shelf = Shelf(folder)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(shelf_module, "CHUNK_ROWS", chunk_rows)
            facts.append(shelve(map(parsed, windows), shelf, ASKED))

        assert shelf.respondents() == tuple(sorted(set(whole["respondent"].cast(pl.String))))
        for code in shelf.respondents():
            assert shelf.rows(code).equals(whole.filter(pl.col("respondent") == code))
        assert shelf.rows("ERCO").is_empty()

    whole_facts = Received.of(parsed([row for rows in windows for row in rows]), ASKED)
    assert facts[0] == facts[1]
    assert (facts[0].rows, facts[0].windows) == (whole.height, len(windows))
    assert facts[0].pairs == whole_facts.pairs
    assert (facts[0].outside, facts[0].outside_ms) == (whole_facts.outside, whole_facts.outside_ms)


def test_a_disk_that_refuses_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    shelf = Shelf(tmp_path / "file")

    with pytest.raises(StorageError, match=r"Could not write .*rows-0000"):
        shelf.put(row_frame([("2019-01-01T00", "CAR", "D", 1.0)]))
