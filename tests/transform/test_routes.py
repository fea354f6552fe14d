"""All four routes in one table: names, gaps, lives, and the law of equal bytes."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.frames import parse_all, plain_rows, row_frame
from tests.support.landing import Row, answer, land, land_answers
from tests.transform.oracle import Received, expected_table

from gridloom.dag import StepContext
from gridloom.finding import Finding
from gridloom.grid.artifacts import HourlyTable, RawPages
from gridloom.grid.hours import HOUR, HourRange, label
from gridloom.grid.routes import INTERCHANGE_DATA, REGION_SUB_BA_DATA, ROUTES
from gridloom.grid.series import ALL_OF
from gridloom.transform.accounting import rows_accounted, windows_complete
from gridloom.transform.complete import complete, series_lives
from gridloom.transform.duplicates import resolve_duplicates
from gridloom.transform.facts import Facts
from gridloom.transform.received import Received as ReceivedFacts
from gridloom.transform.steps import TransformConfig, TransformStep

ASKED = HourRange.of_labels("2019-01-01T00", "2019-01-01T05")
REQUEST: dict[str, Any] = {
    "first": ASKED.first_label,
    "last": ASKED.last_label,
    "respondents": ("CISO", "PACW"),
}
ALL = ("D", "TI", *ALL_OF.values())
CODES = {
    "region-data": ["D", "TI"],
    "fuel-type-data": ["NG", "WND"],
    "interchange-data": ["BPAT", "CISO", "MEX"],
    "region-sub-ba-data": ["0001", "Frep", "frep", "PGAE"],
}


def at(hour: int) -> str:
    return label(ASKED.start + hour * HOUR)


def landed(out: Path, route_id: str, windows: Sequence[Sequence[Sequence[Row]]]) -> RawPages:
    types = CODES[route_id] if route_id == "region-data" else ()
    return land(out, windows, route_id=route_id, **REQUEST, types=types)


def transform(
    out: Path, raw: list[RawPages], series: Sequence[str] = ALL
) -> tuple[HourlyTable, dict[str, Finding]]:
    ctx = StepContext(out=out, step_id="transform", staging=out / ".staging")
    table = TransformStep(TransformConfig(name="t", **REQUEST, series=series)).run({"raw": raw}, ctx)
    return table, {finding.name: finding for finding in ctx.findings}


def test_each_route_gives_its_names_to_the_series(tmp_path: Path) -> None:
    raw = [
        landed(tmp_path, route_id, [[[Row(at(2), "CISO", code, "1") for code in codes]]])
        for route_id, codes in CODES.items()
    ]

    table, findings = transform(tmp_path, raw)

    assert table.series == (
        *("D", "D.0001", "D.Frep", "D.PGAE", "D.frep"),
        *("ID.BPAT", "ID.CISO", "ID.MEX", "NG.NG", "NG.WND", "TI"),
    )
    assert table.rows == len(table.series) * len(ASKED)
    assert findings["windows-complete"].detail == "4 of 4 windows, 11 of 11 rows."
    assert findings["series-present"].detail == (
        "The source has no rows for PACW D, PACW D.all, PACW ID.all, PACW NG.all, PACW TI."
    )


def test_a_named_neighbour_without_rows_is_a_finding(tmp_path: Path) -> None:
    rows = [Row(at(0), "CISO", "MEX", "-3")]
    raw = land(tmp_path, [[rows]], route_id="interchange-data", **REQUEST, types=["BPAT", "MEX"])

    _, findings = transform(tmp_path, [raw], ("ID.BPAT", "ID.MEX"))

    assert findings["series-present"].detail == (
        "The source has no rows for CISO ID.BPAT, PACW ID.BPAT, PACW ID.MEX."
    )


@pytest.mark.parametrize("route", [INTERCHANGE_DATA, REGION_SUB_BA_DATA], ids=lambda route: route.id)
@pytest.mark.parametrize("numeric", [False, True])
def test_an_answer_of_any_version_is_read_alike(tmp_path: Path, route: Any, numeric: bool) -> None:
    rows = [Row(at(hour), "PACW", code, value) for hour, code, value in ((0, "a", 3), (1, "B", -0.25))]
    body = json.loads(
        answer([row._replace(value=row.value if numeric else str(row.value)) for row in rows], route)
    )
    if numeric:
        body["response"]["total"] = 2
        body["response"]["warnings"] = [{"warning": "incomplete return", "description": ""}]

    parsed = parse_all(
        land_answers(tmp_path, [[(json.dumps(body).encode(), 2)]], route_id=route.id, **REQUEST)
    )

    assert parsed.rows["value"].to_list() == [3.0, -0.25]
    assert parsed.rows["respondent"].cast(pl.String).unique().to_list() == ["PACW"]
    assert parsed.rows["series"].cast(pl.String).to_list() == [f"{route.prefix}a", f"{route.prefix}B"]


def test_a_row_that_came_under_two_labels_counts_once_and_is_told(tmp_path: Path) -> None:
    body = json.loads(answer([Row(at(0), "CISO", "0001", "7")] * 2, REGION_SUB_BA_DATA))
    body["response"]["data"][1]["subba-name"] = "LABEL OF 0001"
    raw = land_answers(tmp_path, [[(json.dumps(body).encode(), 2)]], route_id="region-sub-ba-data", **REQUEST)

    table, findings = transform(tmp_path, [raw], ("D.all",))

    assert table.scan().collect()["value"].to_list()[0] == 7.0
    assert findings["windows-complete"].detail == (
        "0 of 1 windows, 1 of 2 rows; 1 rows repeat one of their window."
    )
    assert findings["duplicates"].detail.startswith("1 duplicate rows were dropped: 1 equal to a row kept")


def test_interchange_ends_with_its_neighbour() -> None:
    # AEC retired on 2021-09-01, two days of grace cover its local time; SOCO, which absorbed it, goes on.
    asked = HourRange.of_labels("2021-08-31T00", "2021-09-30T23")
    frame = row_frame([("2021-08-31T05", "SOCO", series, 1.0) for series in ("ID.AEC", "ID.TVA", "D.AEC")])

    table = plain_rows(complete(frame, series_lives(frame, dict.fromkeys(ROUTES, asked))))

    last = {series: period for _, series, period, *_ in table}
    assert last == {"D.AEC": asked.last_label, "ID.AEC": "2021-09-02T23", "ID.TVA": asked.last_label}


def test_a_row_that_vanishes_is_told() -> None:
    rows = row_frame([(at(0), "PACW", "D", 1.0)])
    drops = resolve_duplicates(rows).drops
    frame = complete(rows, series_lives(rows, {}))

    facts = Facts.of(frame, ASKED)
    assert rows_accounted(1, facts, drops).passed
    lost = rows_accounted(2, facts, drops)
    assert lost.blocks
    assert lost.detail == "2 rows received, 1 in the table, 0 duplicates dropped."


def test_windows_are_complete_when_every_row_is_another_one() -> None:
    none: Counter[Any] = Counter()

    def told(distinct: int, complete_windows: int) -> Finding:
        return windows_complete(ReceivedFacts(70_025, distinct, 18, complete_windows, none, 0, (), none))

    assert (told(70_025, 18).passed, told(70_025, 18).detail) == (
        True,
        "18 of 18 windows, 70,025 of 70,025 rows.",
    )
    assert (told(70_020, 17).passed, told(70_020, 17).blocks) == (False, False)


KEYS = st.sampled_from([(route_id, code) for route_id, codes in CODES.items() for code in codes])
ROWS = st.builds(
    lambda key, hour, code, value: (key[0], Row(at(hour), code, key[1], value)),
    KEYS,
    st.integers(0, len(ASKED) - 1),
    st.sampled_from(REQUEST["respondents"]),
    st.none() | st.integers(-5, 5).map(str) | st.sampled_from([".3", "-.21", 7]),
)


@settings(deadline=None, max_examples=25)
@given(rows=st.lists(ROWS, min_size=1, max_size=25), data=st.data())
def test_the_same_rows_of_four_routes_are_the_oracle_s_table_and_equal_bytes_in_any_order(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, Row]], data: st.DataObject
) -> None:
    made = []
    for order in (rows, data.draw(st.permutations(rows))):
        out = tmp_path_factory.mktemp("run")
        raw = []
        for route_id in data.draw(st.permutations(list(CODES))):
            mine = [row for of, row in order if of == route_id]
            size = data.draw(st.integers(1, 25))
            raw.append(landed(out, route_id, [[mine[i : i + size]] for i in range(0, len(mine), size)]))
        made.append(transform(out, raw)[0])

    assert made[0].path.read_bytes() == made[1].path.read_bytes()
    received = [
        Received(
            row.period,
            row.respondent,
            f"{ROUTES[route_id].prefix}{row.code}",
            None if row.value is None else float(row.value) or 0.0,
        )
        for route_id, row in rows
    ]
    assert plain_rows(made[0].scan().collect()) == expected_table(received, ASKED)
