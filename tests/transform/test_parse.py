from __future__ import annotations

import gzip
import json
import math
import threading
from contextlib import closing
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.frames import parse_all
from tests.support.landing import ABSENT, Row, answer, land, land_answers

from gridloom.errors import RawDataError
from gridloom.grid.routes import FUEL_TYPE_DATA, REGION_DATA
from gridloom.transform.parse import ROW_SCHEMA, TEXT_SCHEMA, ParsedRows, parse_pages

RECORDED = Path(__file__).parents[1] / "support" / "recorded"
HOUR = "2019-01-01T05"
ASKED = {"first": "2019-01-01T00", "last": "2019-01-01T23", "respondents": ["PACW"], "types": ["D"]}


def parse_values(out: Path, values: list[Any]) -> ParsedRows:
    rows = [Row(HOUR, "PACW", "D", value) for value in values]
    return parse_all(land(out, [[rows]], route_id="region-data", **ASKED))


def parse_body(out: Path, body: bytes, rows: int = 1) -> ParsedRows:
    return parse_all(land_answers(out, [[(body, rows)]], route_id="region-data", **ASKED))


def test_rows_have_the_documented_types_and_order(tmp_path: Path) -> None:
    rows = [Row("2019-01-01T01", "PACW", "D", "2"), Row("2019-01-01T00", "PACW", "D", "1")]

    parsed = parse_all(land(tmp_path, [[rows[:1]], [rows[1:]]], route_id="region-data", **ASKED))

    assert parsed.rows.schema == ROW_SCHEMA
    assert parsed.texts.schema == TEXT_SCHEMA
    assert parsed.received == 2
    assert parsed.rows["value"].to_list() == [2.0, 1.0]
    assert parsed.rows["period"].dt.epoch("s").to_list() == [1546304400, 1546300800]


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (".3", 0.3),
        ("-.21", -0.21),
        ("-.1", -0.1),
        ("417669", 417669.0),
        ("-2231721", -2231721.0),
        ("0", 0.0),
        ("1e5", 100000.0),
        (12, 12.0),
        (-0.35, -0.35),
        (0.1 + 0.2, 0.1 + 0.2),
    ],
)
def test_a_number_is_read_as_it_stands(tmp_path: Path, value: Any, number: float) -> None:
    parsed = parse_values(tmp_path, [value])

    assert parsed.rows["value"].to_list() == [number]
    assert parsed.texts.is_empty()


def test_null_and_an_absent_key_are_nulls_and_no_text(tmp_path: Path) -> None:
    parsed = parse_values(tmp_path, [None, ABSENT, "7"])

    assert parsed.rows["value"].to_list() == [None, None, 7.0]
    assert parsed.texts.is_empty()


@pytest.mark.parametrize(
    "text", ["NA", "", " ", "NaN", "nan", "inf", "-Infinity", "1,000", "1e999", "--", "12 MWh"]
)
def test_what_is_no_finite_number_is_null_and_listed(tmp_path: Path, text: str) -> None:
    parsed = parse_values(tmp_path, ["5", text])

    assert parsed.rows["value"].to_list() == [5.0, None]
    assert parsed.texts["text"].to_list() == [text]
    assert parsed.texts["series"].cast(pl.String).to_list() == ["D"]


def test_one_page_may_mix_text_numbers_and_nulls(tmp_path: Path) -> None:
    parsed = parse_values(tmp_path, [".5", 1, None, 2.25, ABSENT, "NA", 10**15])

    assert parsed.rows["value"].to_list() == [0.5, 1.0, None, 2.25, None, None, 1e15]
    assert parsed.texts["text"].to_list() == ["NA"]


def test_zero_has_no_sign(tmp_path: Path) -> None:
    values = parse_values(tmp_path, ["-0", "-.0", "0", -0.0]).rows["value"].to_list()

    assert [math.copysign(1, value) for value in values] == [1, 1, 1, 1]


@settings(deadline=None, max_examples=30)
@given(values=st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=40))
def test_every_float_survives_as_text_and_as_number(tmp_path_factory: Any, values: list[float]) -> None:
    out = tmp_path_factory.mktemp("floats")
    expected = [*values, *values]

    parsed = parse_values(out, [*map(repr, values), *values])

    assert parsed.rows["value"].to_list() == expected


@settings(deadline=None, max_examples=30)
@given(digits=st.lists(st.from_regex(r"-?[0-9]{0,18}\.[0-9]{1,12}", fullmatch=True), min_size=1, max_size=40))
def test_every_decimal_is_read_exactly(tmp_path_factory: Any, digits: list[str]) -> None:
    parsed = parse_values(tmp_path_factory.mktemp("decimals"), list(digits))

    assert parsed.rows["value"].to_list() == [float(text) for text in digits]


def test_keys_may_come_in_any_order_with_others_between(tmp_path: Path) -> None:
    row = {"value": "3", "new-key": {"a": [1]}, "type": "D", "respondent": "PACW", "period": HOUR}
    envelope = {
        "apiVersion": "2.1.4",
        "warnings": [{"warning": "incomplete return"}],
        "response": {"warnings": [{"warning": "x", "description": "y"}], "data": [row], "total": 1},
    }

    parsed = parse_body(tmp_path, json.dumps(envelope, indent=2).encode())

    assert parsed.rows["value"].to_list() == [3.0]


def test_fuels_are_named_with_their_prefix(tmp_path: Path) -> None:
    rows = [Row(HOUR, "PACW", "NG", "1"), Row(HOUR, "PACW", "WND", "2"), Row(HOUR, "PACW", "XYZ", "3")]
    raw = land(tmp_path, [[rows]], route_id="fuel-type-data", **{**ASKED, "types": []})

    assert parse_all(raw).rows["series"].cast(pl.String).to_list() == ["NG.NG", "NG.WND", "NG.XYZ"]


def test_a_window_without_rows_gives_none(tmp_path: Path) -> None:
    parsed = parse_body(tmp_path, answer([], REGION_DATA), rows=0)

    assert parsed.rows.is_empty()
    assert parsed.rows.schema == ROW_SCHEMA


def test_no_window_at_all_gives_no_rows(tmp_path: Path) -> None:
    raw = land(tmp_path, [], route_id="region-data", **ASKED)

    assert parse_all(raw).rows.schema == ROW_SCHEMA


@pytest.mark.parametrize(
    "period",
    [
        "2019-01-01",
        "2019-13-01T00",
        "2019-01-01T24",
        "2019-1-1T00",
        "2019-01-01T00-07",
        "2019-02-30T01",
        " 019-01-01T00",
        "2019- 1-01T00",
        "2019-01-01T00\n",
        "",
        None,
    ],
)
def test_a_period_that_is_no_hour_is_an_error(tmp_path: Path, period: str | None) -> None:
    rows = [Row(HOUR, "PACW", "D", "1"), Row(period, "PACW", "D", "1")]  # type: ignore[arg-type]

    with pytest.raises(RawDataError, match=r"1 rows without a usable key.*YYYY-MM-DDTHH"):
        parse_all(land(tmp_path, [[rows]], route_id="region-data", **ASKED))


def test_a_row_without_its_respondent_is_an_error(tmp_path: Path) -> None:
    body = json.dumps({"response": {"data": [{"period": HOUR, "type": "D", "value": "1"}]}}).encode()

    with pytest.raises(RawDataError, match="without a usable key"):
        parse_body(tmp_path, body)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>busy</html>",
        b"[]",
        b"null",
        b"3",
        b'{"error":{"code":"OVER_RATE_LIMIT"}}',
        b'{"response":null}',
        b'{"response":{}}',
        b'{"response":{"data":null}}',
        b'{"response":{"data":{"period":"2019-01-01T05"}}}',
        b'{"response":{"data":[7]}}',
        b'{"response":{"data":[null]}}',
        b'[{"response":{"data":[]}},{"response":{"data":[]}}]',
        b'{"response":{"data":[{"period":"2019-01-01T05","respondent":"A","type":"D","value":[1]}]}}',
        b'{"response":{"data":[]}} trailing',
        b"\xff\xfe",
    ],
)
def test_what_is_no_answer_is_an_error_that_names_the_page(tmp_path: Path, body: bytes) -> None:
    with pytest.raises(RawDataError, match="Delete its folder and run the same command again"):
        parse_body(tmp_path, body)


def test_a_page_with_other_rows_than_its_receipt_is_an_error(tmp_path: Path) -> None:
    body = answer([Row(HOUR, "PACW", "D", "1")], REGION_DATA)

    with pytest.raises(RawDataError, match="holds 1 rows, its receipt says 2"):
        parse_body(tmp_path, body, rows=2)


def test_a_changed_page_is_an_error(tmp_path: Path) -> None:
    raw = land(tmp_path, [[[Row(HOUR, "PACW", "D", "1")]]], route_id="region-data", **ASKED)
    page = next(tmp_path.rglob("page-*"))
    page.write_bytes(page.read_bytes()[:-5])

    with pytest.raises(RawDataError, match="bytes instead of"):
        parse_all(raw)


def test_windows_come_in_their_order_and_who_stops_asking_stops_the_work(tmp_path: Path) -> None:
    windows = [[[Row(f"2019-01-01T{hour:02}", "PACW", "D", "1")] * (hour + 1)] for hour in range(9)]
    raw = land(tmp_path, windows, route_id="region-data", **ASKED)
    before = threading.active_count()

    assert [part.rows.height for part in parse_pages(raw)] == list(range(1, 10))
    with closing(parse_pages(raw)) as parts:
        assert next(parts).rows.height == 1
        assert threading.active_count() > before
    assert threading.active_count() == before


@pytest.mark.parametrize("path", sorted(RECORDED.glob("*.json.gz")), ids=lambda path: path.name)
def test_recorded_answers_of_the_real_api_are_read_value_for_value(tmp_path: Path, path: Path) -> None:
    body = gzip.decompress(path.read_bytes())
    route = REGION_DATA if path.name.startswith("region") else FUEL_TYPE_DATA
    rows = json.loads(body)["response"]["data"]
    raw = land_answers(tmp_path, [[(body, len(rows))]], route_id=route.id, **{**ASKED, "types": []})

    parsed = parse_all(raw)

    assert parsed.texts.is_empty()
    assert parsed.rows.select(
        pl.col("period").dt.strftime("%Y-%m-%dT%H"),
        pl.col("respondent", "series").cast(pl.String),
        "value",
    ).rows() == [
        (row["period"], row["respondent"], route.prefix + row[route.type_facet], float(row["value"]))
        for row in rows
    ]
