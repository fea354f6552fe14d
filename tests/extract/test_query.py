from urllib.parse import unquote

import msgspec

from gridloom.extract.query import as_header, as_query, data_path, parameters
from gridloom.extract.replay.params import parse_json, parse_query
from gridloom.grid.hours import HourRange
from gridloom.grid.raw import Window

WINDOW = Window("region-data", HourRange.of_years(2019), ("ERCO", "PACW"), ("D", "DF"), 5000)


def test_a_page_is_asked_for_with_full_hours_and_the_full_key_ascending():
    tree = parameters(WINDOW, 5000)
    assert tree["start"] == "2019-01-01T00"
    assert tree["end"] == "2019-12-31T23"
    assert [part["column"] for part in tree["sort"]] == ["period", "respondent", "type"]
    assert {part["direction"] for part in tree["sort"]} == {"asc"}
    assert tree["facets"] == {"respondent": ["ERCO", "PACW"], "type": ["D", "DF"]}
    assert data_path(WINDOW) == "electricity/rto/region-data/data/"


def test_query_and_header_say_the_same():
    tree = parameters(WINDOW, 5000)
    as_text = {**tree, "offset": "5000", "length": "5000"}  # a query string has no numbers
    assert parse_query(as_query(tree)) == as_text
    assert parse_json(as_header(tree), "X-Params") == tree


def test_a_query_escapes_what_urls_do_not_take():
    query = as_query({"facets": {"respondent": ["A&B=C é"]}})
    assert query == "facets[respondent][]=A%26B%3DC+%C3%A9"
    assert unquote(query).isprintable()


def test_all_fuels_are_asked_for_without_a_facet():
    window = Window("fuel-type-data", HourRange.of_years(2019), ("PACW",), (), 5000)
    assert parameters(window, 0)["facets"] == {"respondent": ["PACW"]}


def test_the_header_is_plain_ascii():
    assert msgspec.json.decode(as_header({"a": "b"})) == {"a": "b"}
    assert as_header({"a": "b"}).isascii()
