"""Interchange and sub-areas: series names become rows of their own routes, with ids as they are."""

from __future__ import annotations

import pytest

from gridloom.extract.replay import ReplayData

ROWS = [
    ("PACW", "ID.BPAT", 0, 10.0, "reported"),
    ("PACW", "ID.AESO", 0, -3.0, "reported"),
    ("BPAT", "ID.PACW", 0, -9.5, "reported"),
    ("PNM", "D.Frep", 0, 11.0, "reported"),
    ("PNM", "D.PNM", 0, 700.0, "reported"),
    ("MISO", "D.0001", 0, 5.0, "reported"),
    ("MISO", "D.0004", 0, None, "null"),
    ("PSCO", "D.PNM", 0, 1.0, "reported"),
    ("PACW", "D", 0, 2.0, "reported"),
    ("PACW", "NG.WND", 0, 3.0, "reported"),
]


@pytest.fixture
def routes(serve, make_table):
    return serve(ReplayData.of_frame(make_table(ROWS)))


def test_all_four_routes_are_listed_and_described(routes):
    listed = [route["id"] for route in routes.get("").json()["response"]["routes"]]
    assert listed == ["region-data", "fuel-type-data", "interchange-data", "region-sub-ba-data"]
    facets = {
        name: [facet["id"] for facet in routes.get(f"/{name}").json()["response"]["facets"]]
        for name in listed
    }
    assert facets["interchange-data"] == ["fromba", "toba"]
    assert facets["region-sub-ba-data"] == ["parent", "subba"]


def test_rows_of_interchange(routes):
    rows = routes.rows("interchange-data", ("sort[0][column]", "fromba"), ("sort[1][column]", "toba"))
    assert [(row["fromba"], row["toba"], row["value"]) for row in rows] == [
        ("BPAT", "PACW", "-9.5"),
        ("PACW", "AESO", "-3"),
        ("PACW", "BPAT", "10"),
    ]
    assert list(rows[0]) == ["period", "fromba", "fromba-name", "toba", "toba-name", "value", "value-units"]
    assert (rows[1]["fromba-name"], rows[1]["toba-name"]) == (
        "PacifiCorp West",
        "Alberta Electric System Operator",
    )


def test_rows_of_sub_areas_keep_their_ids(routes):
    rows = routes.rows("region-sub-ba-data", ("sort[0][column]", "parent"), ("sort[1][column]", "subba"))
    assert [(row["parent"], row["subba"], row["value"]) for row in rows] == [
        ("MISO", "0001", "5"),
        ("MISO", "0004", None),
        ("PNM", "Frep", "11"),
        ("PNM", "PNM", "700"),
        ("PSCO", "PNM", "1"),
    ]
    assert list(rows[0]) == ["period", "subba", "subba-name", "parent", "parent-name", "value", "value-units"]


def test_an_id_of_a_sub_area_is_a_facet_value_once_and_its_case_counts(routes):
    values = routes.get("/region-sub-ba-data/facet/subba").json()["response"]["facets"]
    assert [value["id"] for value in values] == ["0001", "0004", "Frep", "PNM"]
    for code, found in (("PNM", 2), ("Frep", 1), ("FREP", 0), ("1", 0)):
        assert len(routes.rows("region-sub-ba-data", ("facets[subba][]", code))) == found


def test_unknown_facets_of_the_new_routes_are_400(routes):
    answer = routes.get("/interchange-data/data", ("facets[respondent][]", "PACW"))
    assert answer.status_code == 400
    assert answer.json()["error"].endswith("The only valid facets are 'fromba', and 'toba'.")


@pytest.mark.parametrize(
    ("path", "child"), [("", "electricity"), ("/", "electricity"), ("/electricity", "rto")]
)
def test_the_way_down_to_the_routes_is_described(routes, path, child):
    answer = routes.http.get(f"{routes.server.url}{path}", params={"api_key": "any"})
    assert answer.status_code == 200
    assert [route["id"] for route in answer.json()["response"]["routes"]] == [child]


def test_a_doubled_slash_is_one(routes):
    base = routes.server.url
    answer = routes.http.get(f"{base}//electricity//rto/region-data/data/?api_key=any")
    assert (answer.status_code, answer.json()["response"]["total"]) == (200, "1")
