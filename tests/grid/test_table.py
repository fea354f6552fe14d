from __future__ import annotations

import hashlib
from itertools import pairwise

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.frames import plain_rows, table_frame

from gridloom.grid.hours import HourRange, parse_label
from gridloom.grid.table import COLUMNS, KEY, Status, polars_schema, rows_digest, table_name

ROWS = st.tuples(
    st.integers(0, 23).map(lambda hour: f"2019-01-01T{hour:02}"),
    st.sampled_from(["CAR", "PACW"]),
    st.sampled_from(["D", "NG.WND"]),
    st.none() | st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from([status.value for status in Status]),
)


def test_the_columns_are_those_of_the_contract() -> None:
    assert [(column.name, column.dtype, column.unit) for column in COLUMNS] == [
        ("period", "timestamp[ms, UTC]", ""),
        ("respondent", "dictionary<string>", ""),
        ("series", "dictionary<string>", ""),
        ("value", "float64", "MWh"),
        ("status", "dictionary<string>", ""),
    ]
    assert list(polars_schema()) == [column.name for column in COLUMNS]
    assert set(KEY) < set(polars_schema())


@settings(deadline=None)
@given(rows=st.lists(ROWS, max_size=20), cuts=st.lists(st.integers(0, 20), max_size=4))
def test_the_digest_does_not_depend_on_the_parts(rows: list[tuple], cuts: list[int]) -> None:
    frame = table_frame(rows)
    ends = [0, *sorted(min(cut, frame.height) for cut in cuts), frame.height]

    parts = [frame[start:stop] for start, stop in pairwise(ends)]

    assert rows_digest(parts) == rows_digest([frame])


@settings(deadline=None)
@given(one=st.lists(ROWS, max_size=4), two=st.lists(ROWS, max_size=4))
def test_equal_digests_mean_equal_rows(one: list[tuple], two: list[tuple]) -> None:
    first, second = table_frame(one), table_frame(two)

    assert (rows_digest([first]) == rows_digest([second])) == (
        repr(plain_rows(first)) == repr(plain_rows(second))
    )


@pytest.mark.parametrize(
    ("one", "two"),
    [(None, 0.0), (0.1 + 0.2, 0.3), (1.0, 1.0000000000000002), (5e-324, 0.0), (1e22, 1.0000000000000002e22)],
)
def test_the_digest_sees_the_last_digit(one: float | None, two: float | None) -> None:
    digests = {
        rows_digest([table_frame([("2019-01-01T00", "CAR", "D", value, "null")])]) for value in (one, two)
    }

    assert len(digests) == 2


def test_the_digest_can_be_made_by_anyone() -> None:
    rows = [("2019-01-01T00", "CAR", "D", 1.5, "reported"), ("2019-01-01T01", "CAR", "D", None, "missing")]
    lines = "".join(
        f"{int(parse_label(period).timestamp() * 1000)},{code},{series},{value or ''},{status}\n"
        for period, code, series, value, status in rows
    )

    assert rows_digest([table_frame(rows)]) == "sha256:" + hashlib.sha256(lines.encode()).hexdigest()


def test_polars_sorts_the_text_columns_by_code_point() -> None:
    # The first to be seen gets the lowest physical code; that must not be the order.
    codes = ["zz-first-seen", "b", "B", "aé", "a", "SWPP", "CAR"]
    column = pl.Series("respondent", codes).cast(polars_schema()["respondent"])

    assert column.sort().cast(pl.String).to_list() == sorted(codes)


@pytest.mark.parametrize(
    ("hours", "respondent", "name"),
    [
        (HourRange.of_years(2024), None, "eia930_2024"),
        (HourRange.of_years(2019, 2023), None, "eia930_2019-2023"),
        (HourRange.of_years(2024), "PACW", "eia930_PACW_2024"),
        (HourRange.of_labels("2024-01-01T00", "2024-01-02T05"), None, "eia930_2024-01-01T00_2024-01-02T05"),
    ],
)
def test_default_names(hours: HourRange, respondent: str | None, name: str) -> None:
    assert table_name(hours, respondent) == name
