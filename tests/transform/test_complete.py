from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.frames import plain_rows, row_frame
from tests.transform.oracle import Received, expected_table

from gridloom.grid.hours import HOUR, HourRange, label, parse_label
from gridloom.grid.table import polars_schema
from gridloom.transform.complete import complete, series_lives, source_hours
from gridloom.transform.duplicates import resolve_duplicates

DAY = HourRange.of_labels("2019-01-01T00", "2019-01-01T23")
ROUTES = ("region-data", "fuel-type-data")


def make(
    rows: list[tuple[str, str, str, float | None]], asked: HourRange = DAY, **cuts: HourRange | None
) -> list:
    frame = row_frame(rows)
    return plain_rows(complete(frame, series_lives(frame, {**dict.fromkeys(ROUTES, asked), **cuts})))


def test_null_missing_and_zero_are_three_things() -> None:
    asked = HourRange.of_labels("2019-01-01T00", "2019-01-01T02")

    table = make([("2019-01-01T01", "PACW", "D", None), ("2019-01-01T02", "PACW", "D", 0.0)], asked)

    assert table == [
        ("PACW", "D", "2019-01-01T00", None, "missing"),
        ("PACW", "D", "2019-01-01T01", None, "null"),
        ("PACW", "D", "2019-01-01T02", 0.0, "reported"),
    ]


def test_the_table_has_the_canonical_columns_also_when_it_is_empty() -> None:
    frame = row_frame([("2019-01-01T01", "PACW", "D", 1.0)])

    assert complete(frame, series_lives(frame, {})).schema == polars_schema()
    assert complete(frame.clear(), []).schema == polars_schema()


def test_text_sorts_by_code_point_whatever_came_first() -> None:
    rows = [
        ("2019-01-01T01", code, series, 1.0)
        for code in ("SWPP", "CAR", "PJM")
        for series in ("NG.WND", "DF", "D")
    ]

    table = make(rows)

    assert [key for key, *_ in dict.fromkeys((row[:2],) for row in table)] == sorted(
        (code, series) for code in ("SWPP", "CAR", "PJM") for series in ("NG.WND", "DF", "D")
    )


def test_a_series_without_a_row_is_left_out() -> None:
    assert {row[:2] for row in make([("2019-01-01T01", "PACW", "NG.WND", 1.0)])} == {("PACW", "NG.WND")}


def test_a_retired_authority_ends() -> None:
    # AEC retired on 2021-09-01; two days of grace cover its local time.
    asked = HourRange.of_labels("2021-08-31T00", "2021-09-30T23")

    table = make([("2021-08-31T05", "AEC", "D", 1.0)], asked)

    assert (table[0][2], table[-1][2]) == ("2021-08-31T00", "2021-09-02T23")


def test_a_row_after_retirement_is_kept_and_extends_the_life() -> None:
    asked = HourRange.of_labels("2021-08-31T00", "2021-09-30T23")

    table = make([("2021-08-31T05", "AEC", "D", 1.0), ("2021-09-10T04", "AEC", "D", 2.0)], asked)

    assert table[-1] == ("AEC", "D", "2021-09-10T04", 2.0, "reported")


def test_an_authority_that_ended_before_the_window_has_its_rows_only() -> None:
    asked = HourRange.of_labels("2022-01-01T00", "2022-01-31T23")

    table = make([("2022-01-05T01", "AEC", "D", 1.0), ("2022-01-05T03", "AEC", "D", 1.0)], asked)

    assert [row[2] for row in table] == ["2022-01-05T01", "2022-01-05T02", "2022-01-05T03"]


def test_a_new_authority_begins() -> None:
    asked = HourRange.of_labels("2025-10-01T00", "2025-11-30T23")

    table = make([("2025-11-03T05", "SIKE", "NG", 1.0)], asked)

    assert (table[0][2], table[-1][2]) == ("2025-11-01T00", "2025-11-30T23")


def test_the_recent_end_is_the_source_s_own_and_forecasts_go_beyond() -> None:
    cut = source_hours(DAY, "2019-01-01T00", "2019-01-01T07")
    rows = [("2019-01-01T05", "PACW", "D", 1.0), ("2019-01-01T10", "PACW", "DF", 1.0)]

    table = make(rows, **{"region-data": cut})

    assert [row[2] for row in table if row[1] == "D"][-1] == "2019-01-01T07"
    assert [row[2] for row in table if row[1] == "DF"][-1] == "2019-01-01T10"


def test_each_route_has_its_own_end() -> None:
    cuts = {
        "region-data": source_hours(DAY, "", "2019-01-01T07"),
        "fuel-type-data": source_hours(DAY, "", "2019-01-01T03"),
    }

    table = make([("2019-01-01T00", "PACW", series, 1.0) for series in ("NG", "NG.NG")], **cuts)

    assert {series: last for _, series, last, *_ in table} == {
        "NG": "2019-01-01T07",
        "NG.NG": "2019-01-01T03",
    }


@pytest.mark.parametrize(
    ("first", "last", "expected"),
    [
        ("2018-07-01T00", "2026-06-25T07", ("2019-01-01T00", "2019-01-01T23")),
        ("2019-01-01T04", "2026-06-25T07", ("2019-01-01T04", "2019-01-01T23")),
        ("2019-01-01T04", "2019-01-01T04", ("2019-01-01T04", "2019-01-01T04")),
        ("", "", ("2019-01-01T00", "2019-01-01T23")),
        ("2019-01-01", "2019-01-01", ("2019-01-01T00", "2019-01-01T23")),
    ],
)
def test_source_hours_cut_by_hourly_labels_only(first: str, last: str, expected: tuple[str, str]) -> None:
    assert source_hours(DAY, first, last) == HourRange.of_labels(*expected)


def test_source_hours_may_be_none() -> None:
    assert source_hours(DAY, "2019-01-02T00", "2026-06-25T07") is None
    assert source_hours(DAY, "2018-01-01T00", "2018-12-31T23") is None


BASE = parse_label("2021-08-30T00")
RECEIVED = st.builds(
    Received,
    period=st.integers(0, 24 * 6 - 1).map(lambda hours: label(BASE + timedelta(hours=hours))),
    # AEC retires inside the window, SIKE begins after it, XXXX is in no table.
    respondent=st.sampled_from(["AEC", "PACW", "SIKE", "XXXX", "US48"]),
    series=st.sampled_from(["D", "NG", "NG.NG", "NG.WND"]),
    value=st.none() | st.floats(allow_nan=False, allow_infinity=False).map(lambda value: value or 0.0),
)


@settings(deadline=None, max_examples=60)
@given(rows=st.lists(RECEIVED, max_size=80), hours=st.integers(1, 24 * 6))
def test_it_equals_the_slow_oracle(rows: list[Received], hours: int) -> None:
    asked = HourRange(BASE, BASE + hours * HOUR)
    frame = row_frame(rows)
    resolved = resolve_duplicates(frame)

    table = complete(resolved.rows, series_lives(frame, dict.fromkeys(ROUTES, asked)))

    assert plain_rows(table) == expected_table(rows, asked)
