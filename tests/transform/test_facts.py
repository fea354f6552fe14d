from __future__ import annotations

from dataclasses import replace

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.frames import table_frame

from gridloom.grid.hours import HOUR, HourRange, label
from gridloom.transform.facts import Facts

ASKED = HourRange.of_labels("2019-01-01T00", "2019-01-01T05")
ROWS = st.tuples(
    st.integers(-1, 7).map(lambda hour: label(ASKED.start + hour * HOUR)),
    st.sampled_from(["CAR", "PACW", "PJM"]),
    st.sampled_from(["D", "NG.WND"]),
    st.sampled_from([None, 0.0, 1.5, float("nan"), float("inf")]),
    st.sampled_from(["reported", "null", "missing", "guessed"]),
)


@settings(deadline=None, max_examples=60)
@given(rows=st.lists(ROWS, max_size=30))
def test_facts_of_respondents_sum_to_those_of_the_table(rows: list[tuple]) -> None:
    frame = table_frame(sorted(rows, key=lambda row: row[1]))
    parts = [frame.filter(pl.col("respondent") == code) for code in ("CAR", "PACW", "PJM")]

    assert Facts.joined([Facts.of(part, ASKED) for part in parts]) == Facts.of(frame, ASKED)


def test_a_part_out_of_its_place_counts_as_backwards() -> None:
    car, pacw = (
        Facts.of(table_frame([("2019-01-01T00", code, "D", 1.0, "reported")]), ASKED)
        for code in ("CAR", "PACW")
    )
    none = Facts.of(table_frame([]), ASKED)

    assert Facts.joined([none, car, none, pacw]).backwards == 0
    assert Facts.joined([pacw, car]) == replace(Facts.joined([car, pacw]), backwards=1)
    assert Facts.joined([car, car]).backwards == 1
    assert Facts.joined([]) == none
