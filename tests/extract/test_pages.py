import gzip
import json
from dataclasses import replace

import pytest
from tests.extract.fake_api import FakeAPI, rows_of

from gridloom.errors import IncompleteWindowError, SourceAnswerError
from gridloom.extract.pages import decode_page, offsets, pack, prove
from gridloom.grid.hours import HourRange
from gridloom.grid.raw import Window
from gridloom.grid.routes import ROUTES

DAY = HourRange.of_labels("2019-01-01T00", "2019-01-01T23")
WINDOW = Window("region-data", DAY, ("ERCO", "PACW"), ("D",), 20)
ROWS = rows_of(DAY, ("ERCO", "PACW"))


def body(offset=0, *, rows=ROWS, change=None, route="region-data"):
    facets = {"respondent": [*WINDOW.respondents, "XXX"], "type": ["D", "NG"]}
    params = {"start": "2018", "end": "2020", "facets": facets, "offset": offset, "length": WINDOW.page_rows}
    envelope = FakeAPI(rows).envelope(route, params)
    if change:
        change(envelope)
    return json.dumps(envelope).encode()


def pages(**options):
    return [decode_page(WINDOW, offset, body(offset, **options), None) for offset in (0, 20, 40)]


def test_the_pages_of_a_window_are_proven_to_be_all_of_it():
    proof = prove(WINDOW, pages())
    assert proof.rows == 48
    assert proof.rows_by_respondent == {"ERCO": 24, "PACW": 24}
    assert list(offsets(WINDOW, 48)) == [20, 40]
    assert not offsets(WINDOW, 20)
    assert not offsets(WINDOW, 0)


@pytest.mark.parametrize("route", [route for route in ROUTES.values() if route.id != "region-data"])
def test_every_route_is_proven_by_its_own_key(route):
    codes = ("0001", "Frep", "frep")
    window = Window(route.id, DAY, ("ERCO", "PACW"), codes, 100)
    api = FakeAPI(rows_of(DAY, ("ERCO", "PACW"), codes))
    request = window.request()

    def page(offset):
        asked = {name: request[name] for name in ("start", "end", "facets")}
        answer = api.envelope(route.id, {**asked, "offset": offset, "length": window.page_rows})
        return decode_page(window, offset, json.dumps(answer).encode(), None)

    proof = prove(window, [page(0), page(100)])
    assert proof.rows == 144
    assert proof.rows_by_respondent == {"ERCO": 72, "PACW": 72}
    one = Window(route.id, DAY, ("ERCO", "PACW"), ("Frep",), 200)
    with pytest.raises(IncompleteWindowError, match=r"not asked for \(0001, frep\)"):
        prove(one, [decode_page(one, 0, json.dumps(_whole(api, route)).encode(), None)])


def _whole(api, route):
    """Returns an answer with every row, as if nobody had asked for less."""
    facets = {route.respondent_facet: ["ERCO", "PACW"]}
    whole = {"start": "2018", "end": "2020", "facets": facets, "offset": 0, "length": 200}
    return api.envelope(route.id, whole)


def test_an_empty_window_is_proven_empty():
    page = decode_page(WINDOW, 0, body(rows=[]), None)
    assert prove(WINDOW, [page]).rows_by_respondent == {}


@pytest.mark.parametrize(
    "change",
    [
        lambda envelope: envelope["response"].update(total=48),
        lambda envelope: envelope["response"].update(warnings=[{"warning": "incomplete return"}]),
        lambda envelope: envelope.update(warnings=[{"warning": "incomplete return"}]),
        lambda envelope: envelope.pop("apiVersion"),
        lambda envelope: [row.update(value=None) for row in envelope["response"]["data"]],
        lambda envelope: [row.update(value=1.5) for row in envelope["response"]["data"]],
        lambda envelope: [row.pop("value") for row in envelope["response"]["data"]],
        lambda envelope: envelope["response"]["data"].reverse(),
    ],
)
def test_variants_of_the_envelope_are_read(change):
    assert prove(WINDOW, pages(change=change)).rows == 48


def test_pages_that_overlap_are_seen_though_each_is_in_order():
    first, second, third = pages()
    overlap = decode_page(WINDOW, 40, body(rows=ROWS[12:20]), None)
    same = [replace(page, total=48) for page in (first, second, replace(overlap, offset=40))]
    with pytest.raises(IncompleteWindowError, match="only 40 of 48 rows are different ones"):
        prove(WINDOW, same)
    assert prove(WINDOW, [first, second, third]).rows == 48


def swapped(place, row):
    return [*ROWS[:place], row, *ROWS[place + 1 :]]


@pytest.mark.parametrize(
    ("rows", "text"),
    [
        (swapped(7, ROWS[6]), "only 47 of 48 rows are different"),
        (swapped(7, ("2019-01-02T00", "PACW", "D")), "not asked for (2019-01-02T00)"),
        (swapped(7, ("2019-01-01", "PACW", "D")), "not asked for (2019-01-01)"),
        (swapped(7, ("2019-01-01T07", "XXX", "D")), "not asked for (XXX)"),
        (swapped(7, ("2019-01-01T07", "PACW", "NG")), "not asked for (NG)"),
    ],
)
def test_rows_that_come_twice_or_were_not_asked_for_are_refused(rows, text):
    with pytest.raises(IncompleteWindowError) as caught:
        prove(WINDOW, pages(rows=rows))
    assert text in str(caught.value)
    assert "region-data of ERCO,PACW, 2019-01-01T00 to 2019-01-01T23" in str(caught.value)


@pytest.mark.parametrize(
    ("fields", "proven"),
    [({"type-name": "DEMAND"}, True), ({"type-name": "DEMAND", "value": "-77"}, False), ({}, False)],
    ids=["another label", "another label and value", "the same row"],
)
def test_a_key_comes_twice_only_under_two_labels_with_one_value(fields, proven):
    def repeat(envelope):
        data = envelope["response"]["data"]
        data[-1] = {**data[0], **fields}

    first, _, third = pages()
    second = decode_page(WINDOW, 20, body(20, change=repeat), None)
    if proven:
        assert prove(WINDOW, [first, second, third]).rows == 48
    else:
        with pytest.raises(IncompleteWindowError, match="only 47 of 48 rows are different ones"):
            prove(WINDOW, [first, second, third])


def test_a_total_that_moves_is_refused():
    first, _, third = pages()
    moved = decode_page(WINDOW, 20, body(20, rows=ROWS[:-1]), None)
    with pytest.raises(IncompleteWindowError, match="counted 48 rows, then 47"):
        prove(WINDOW, [first, moved, third])


@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_short_page_is_refused(place):
    found = pages()
    short = body(20 * place, change=lambda envelope: envelope["response"]["data"].pop())
    found[place] = decode_page(WINDOW, 20 * place, short, None)
    with pytest.raises(IncompleteWindowError, match=f"the page at row {20 * place} has"):
        prove(WINDOW, found)


def test_a_missing_page_is_refused():
    with pytest.raises(IncompleteWindowError, match="only 40 of 48 rows"):
        prove(WINDOW, pages()[:2])


@pytest.mark.parametrize(
    "wrong",
    [
        b"{}",
        b'{"response":{"total":"x","data":[]}}',
        b'{"response":{"total":"1"}}',
        b'{"response":{"total":"1","data":[{"period":"2019-01-01T00"}]}}',
        b'{"response":{"total":"1","data":[{"period":null,"respondent":"A","type":"D"}]}}',
        b"not json",
    ],
)
def test_what_is_no_page_is_said_so(wrong):
    with pytest.raises(SourceAnswerError, match="not what the API promises"):
        decode_page(WINDOW, 0, wrong, None)


def test_packing_gives_the_same_bytes_at_any_time():
    assert pack(b"abc") == pack(b"abc")
    assert gzip.decompress(pack(b"abc")) == b"abc"
    page = decode_page(WINDOW, 0, body(), b"as sent")
    assert page.packed == b"as sent"
