"""Parameters: every documented spelling makes the same tree, and what is not valid is refused in words."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridloom.extract.replay.params import parse_json, parse_query
from gridloom.extract.replay.query import parse_data_query
from gridloom.extract.replay.refusals import Refusal, listed
from gridloom.grid.routes import FUEL_TYPE_DATA, REGION_DATA

codes = st.lists(st.text("ABCXYZ019&=/ é", min_size=1, max_size=5), min_size=1, max_size=5)


@given(codes, codes, st.booleans())
def test_both_spellings_of_a_list_are_the_same(respondents, types, encoded):
    def query(style):
        pairs = [(f"facets[respondent][{style(i)}]", code) for i, code in enumerate(respondents)]
        pairs += [(f"facets[type][{style(i)}]", code) for i, code in enumerate(types)]
        text = urlencode(pairs)
        return text if encoded else text.replace("%5B", "[").replace("%5D", "]")

    expected = {"facets": {"respondent": respondents, "type": types}}
    assert parse_query(query(str)) == expected
    assert parse_query(query(lambda _: "")) == expected


@pytest.mark.parametrize(
    ("query", "tree"),
    [
        ("", {}),
        ("length=5&length=6", {"length": "6"}),
        (
            "sort[0][column]=period&sort[0][direction]=asc",
            {"sort": [{"column": "period", "direction": "asc"}]},
        ),
        ("sort[][column]=period", {"sort": [{"column": "period"}]}),
        ("facets[respondent]=PACW", {"facets": {"respondent": "PACW"}}),
        ("data[1]=value", {"data": {"1": "value"}}),
        ("data=x&data[]=value", {"data": ["value"]}),
        ("start=", {"start": ""}),
        ("[=1&a]=2", {"0": "1", "a]": "2"}),
    ],
)
def test_odd_spellings(query, tree):
    assert parse_query(query) == tree


@given(st.text("ab[]=&01%", max_size=30))
def test_no_query_breaks_the_parser(query):
    assert isinstance(parse_query(query), dict)


@pytest.mark.parametrize("text", ["", "[]", "1", "{", "{'a': 1}"])
def test_json_parameters_must_be_an_object(text):
    with pytest.raises(Refusal, match="Invalid JSON in X-Params") as caught:
        parse_json(text, "X-Params")
    assert caught.value.status == 400


def test_defaults():
    query = parse_data_query(REGION_DATA, {})
    assert (query.frequency, query.with_value, query.offset, query.length) == ("hourly", False, 0, 5000)
    assert (query.start, query.end, query.sort, dict(query.facets)) == (None, None, (), {})


@pytest.mark.parametrize(
    ("text", "hour", "offset"),
    [
        ("1970-01-01T05", 5, None),
        ("1970-01-02", 24, None),
        ("1970-02", 31 * 24, None),
        ("1971", 365 * 24, None),
        ("1970-01-01T05-08:00", 13, -8),
        ("1970-01-01T05-08", 13, -8),
        ("1970-01-01T05+02:00", 3, 2),
    ],
)
def test_dates_of_every_width_mean_their_first_hour(text, hour, offset):
    bound = parse_data_query(REGION_DATA, {"start": text}).start
    assert (bound.utc_hour, bound.utc_offset) == (hour, offset)


REFUSED = [
    (
        {"frequency": "daily"},
        "Invalid frequency 'daily' provided. The only valid frequencies are 'hourly', and 'local-hourly'.",
    ),
    ({"data": ["D"]}, "Invalid data 'D' provided. The only valid data are 'value'."),
    ({"data": ["value", "x"]}, "Invalid data 'x' provided. The only valid data are 'value'."),
    (
        {"facets": {"ba": ["X"]}},
        "Invalid facet 'ba' provided. The only valid facets are 'respondent', and 'type'.",
    ),
    ({"facets": ["PACW"]}, "Invalid facet '0' provided. The only valid facets are 'respondent', and 'type'."),
    ({"start": "not-a-date"}, "Invalid date format 'not-a-date' provided."),
    ({"end": "2019-13-01"}, "Invalid date format '2019-13-01' provided."),
    ({"end": "2019-01-01T24"}, "Invalid date format '2019-01-01T24' provided."),
    ({"start": "20190101"}, "Invalid date format '20190101' provided."),
    ({"sort": "period"}, "Invalid sort 'period' provided."),
    (
        {"sort": [{"column": "bogus"}]},
        "Invalid sort 'bogus' provided. The only valid sorts are 'period', 'respondent',",
    ),
    ({"sort": [{"column": "period", "direction": "up"}]}, "Invalid sort direction 'up' provided."),
    ({"offset": "-1"}, "Invalid offset '-1' provided."),
    ({"length": "many"}, "Invalid length 'many' provided."),
    ({"length": "9" * 5000}, "Invalid length '999"),
    ({"length": True}, "Invalid length 'True' provided."),
]


@pytest.mark.parametrize(("params", "text"), REFUSED, ids=[str(params)[:40] for params, _ in REFUSED])
def test_refusals(params, text):
    with pytest.raises(Refusal) as caught:
        parse_data_query(REGION_DATA, params)
    assert caught.value.status == caught.value.code == 400
    assert caught.value.text.startswith(text)


def test_facets_are_those_of_the_route():
    assert dict(parse_data_query(FUEL_TYPE_DATA, {"facets": {"fueltype": "WND"}}).facets) == {
        "fueltype": ("WND",)
    }
    with pytest.raises(Refusal, match="'respondent', and 'fueltype'"):
        parse_data_query(FUEL_TYPE_DATA, {"facets": {"type": "D"}})


def test_a_list_of_three_reads_like_the_recorded_ones():
    assert listed(["monthly", "quarterly", "annual"]) == "'monthly', 'quarterly', and 'annual'"
