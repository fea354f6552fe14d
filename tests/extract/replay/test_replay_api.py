"""The stand-in over HTTP: routes, parameters, envelope and headers behave as documented."""

from __future__ import annotations

import gzip
import json

import pytest

from gridloom.grid.routes import ROUTES

NOT_FOUND = {"error": "Not found.", "code": 404}


def test_the_parent_lists_the_routes(api):
    answer = api.get("").json()
    assert list(answer) == ["response", "request", "apiVersion", "ExcelAddInVersion"]
    assert list(answer["response"]) == ["id", "name", "description", "routes"]
    assert [route["id"] for route in answer["response"]["routes"]] == list(ROUTES)
    assert (answer["apiVersion"], answer["ExcelAddInVersion"]) == ("2.1.8", "2.1.0")


def test_metadata_of_a_route(api):
    answer = api.get("/fuel-type-data").json()
    response = answer["response"]
    assert list(response) == [
        "id",
        "name",
        "description",
        "frequency",
        "facets",
        "data",
        "startPeriod",
        "endPeriod",
        "defaultDateFormat",
        "defaultFrequency",
    ]
    assert [item["id"] for item in response["frequency"]] == ["hourly", "local-hourly"]
    assert [item["id"] for item in response["facets"]] == ["respondent", "fueltype"]
    assert response["data"]["value"]["units"] == "megawatthours"
    # The last hour has no row: the source's end is its own, not that of its last row.
    assert (response["startPeriod"], response["endPeriod"]) == ("2024-01-01T00", "2024-01-02T23")
    assert answer["request"] == {
        "command": "/v2/electricity/rto/fuel-type-data/",
        "params": {"api_key": "any"},
    }


def test_facets_and_their_values(api):
    listing = api.get("/region-data/facet").json()["response"]
    assert listing["facetOptions"] == ["respondent", "type"]
    assert [item["id"] for item in listing["facets"]] == ["respondent", "type"]
    values = api.get("/region-data/facet/respondent/").json()["response"]
    assert values["totalFacets"] == 3
    assert values["facets"][0] == {"id": "CAR", "name": "Carolinas", "alias": "(CAR) Carolinas"}
    fuels = api.get("/fuel-type-data/facet/fueltype").json()["response"]["facets"]
    assert [(item["id"], item["name"]) for item in fuels] == [("SUN", "Solar"), ("WND", "Wind")]


def test_an_unknown_facet_has_no_values_but_a_sentence(api):
    answer = api.get("/region-data/facet/fueltype")
    assert answer.status_code == 400
    assert answer.json()["error"].startswith("Invalid facet 'fueltype' provided. The only valid facets are")


@pytest.mark.parametrize("path", ["/bogus", "/bogus/data", "/region-data/dat", "/region-data/facet/type/x"])
def test_an_unknown_route_says_404_under_http_500(api, path):
    answer = api.get(path)
    assert (answer.status_code, answer.json()) == (500, NOT_FOUND)


def test_paths_of_version_1_are_gone(api):
    root = api.server.url.removesuffix("/v2")
    answer = api.http.get(f"{root}/series/?api_key=any")
    assert answer.status_code == answer.json()["code"] == 404
    assert "retired" in answer.json()["error"]


@pytest.mark.parametrize("path", ["/region-data/data", "/region-data/data/"])
def test_data_answers_with_and_without_a_slash_and_never_redirects(api, path):
    answer = api.get(path, length="1")
    assert answer.status_code == 200
    assert not answer.history
    assert answer.json()["request"]["command"] == "/v2/electricity/rto/region-data/data/"


def test_rows_carry_the_fields_of_the_route_in_order(api):
    row = api.rows("fuel-type-data", length="1")[0]
    assert list(row) == [
        "period",
        "respondent",
        "respondent-name",
        "fueltype",
        "type-name",
        "value",
        "value-units",
    ]
    assert row["type-name"] == "Solar"


def test_rows_have_no_value_unless_data_asks_for_it(api):
    rows = api.get("/region-data/data", length="3").json()["response"]["data"]
    assert [list(row)[-1] for row in rows] == ["type-name"] * 3


def test_values_are_texts_nulls_are_null_and_missing_hours_have_no_row(api):
    rows = api.rows("fuel-type-data", ("facets[fueltype][]", "SUN"))
    by_hour = {row["period"]: row["value"] for row in rows}
    assert set(by_hour.values()) == {".3", "-.21", None}
    assert "2024-01-01T03" not in by_hour
    assert by_hour["2024-01-01T05"] is None
    assert (by_hour["2024-01-01T00"], by_hour["2024-01-01T01"]) == (".3", "-.21")


def test_ends_are_inclusive_and_a_date_alone_means_its_first_hour(api):
    def periods(start, end):
        rows = api.rows(
            "region-data", ("facets[respondent][]", "PACW"), ("facets[type][]", "D"), start=start, end=end
        )
        return [row["period"][8:] for row in rows]

    assert periods("2024-01-01T06", "2024-01-01T08") == ["01T06", "01T07", "01T08"]
    assert periods("2024-01-01", "2024-01-02")[-1] == "02T00"
    assert periods("2024-01-02", "2024-01-02") == ["02T00"]
    assert periods("2024-01-03", "2024-01-02") == []
    assert periods("1990", "1991") == periods("2030-05", "2199") == []
    assert periods("1900-01-01T00", "9999-12-31T23") == periods("2024-01-01T00", "2024-01-02T23")


def test_an_unknown_facet_value_is_an_empty_answer(api):
    answer = api.get("/region-data/data/", ("data[]", "value"), ("facets[respondent][]", "SPP"))
    assert answer.status_code == 200
    assert answer.json()["response"]["total"] == "0"
    assert answer.json()["response"]["data"] == []
    assert "warnings" not in answer.json()


def test_known_and_unknown_facet_values_together_give_the_known(api):
    rows = api.rows("region-data", ("facets[respondent][]", "SPP"), ("facets[respondent][1]", "CAR"))
    assert {row["respondent"] for row in rows} == {"CAR"}


def test_a_short_answer_warns_first_and_at_the_top(api):
    answer = api.get("/region-data/data/", length="2").json()
    assert next(iter(answer)) == "warnings"
    assert [item["warning"] for item in answer["warnings"]] == ["incomplete return"]
    assert "JSON format.  Please" in answer["warnings"][0]["description"]
    assert "warnings" not in api.get("/region-data/data/").json()


def test_more_than_5000_rows_are_a_warning_not_an_error(api):
    answer = api.get("/region-data/data/", length="6000").json()
    assert [item["warning"] for item in answer["warnings"]] == ["parameter out of range: length"]
    assert answer["request"]["params"]["length"] == "6000"


def test_bad_parameters_are_400_with_a_sentence(api):
    answer = api.get("/region-data/data/", ("facets[ba][]", "PACW"))
    assert answer.status_code == 400
    assert answer.json() == {
        "error": "Invalid facet 'ba' provided. The only valid facets are 'respondent', and 'type'.",
        "code": 400,
    }


def test_sorting(api):
    def order(*keys):
        pairs = [
            (f"sort[{i}][{part}]", text)
            for i, key in enumerate(keys)
            for part, text in zip(("column", "direction"), key, strict=False)
        ]
        return [
            (r["period"], r["respondent"], r["type"], r["value"]) for r in api.rows("region-data", *pairs)
        ]

    plain = order(("period", "asc"), ("respondent", "asc"), ("type", "asc"))
    assert plain == sorted(plain, key=lambda row: row[:3])
    assert order() == order(("period",)) == plain
    assert order(("period", "desc"), ("respondent", "desc"), ("type", "desc")) == plain[::-1]
    by_name = [row[1] for row in order(("respondent-name", "asc"))]
    assert list(dict.fromkeys(by_name)) == ["CAR", "ERCO", "PACW"]
    values = [float(row[3]) for row in order(("value", "asc")) if row[3] is not None]
    assert values == sorted(values)


# --- other ways to ask


X_PARAMS = {
    "frequency": "hourly",
    "data": ["value"],
    "facets": {"respondent": ["PACW", "ERCO"], "type": ["D"]},
    "start": "2024-01-01T06",
    "end": "2024-01-01T08",
    "sort": [{"column": "period", "direction": "desc"}],
    "offset": 1,
    "length": 3,
}


def test_x_params_ask_the_same_as_the_query_and_numbers_stay_numbers(api):
    by_header = api.get("/region-data/data/", headers={"X-Params": json.dumps(X_PARAMS)}).json()
    query = [
        ("data[]", "value"),
        ("facets[respondent][]", "PACW"),
        ("facets[respondent][]", "ERCO"),
        ("facets[type][0]", "D"),
        ("sort[0][column]", "period"),
        ("sort[0][direction]", "desc"),
    ]
    by_query = api.get(
        "/region-data/data/", *query, start="2024-01-01T06", end="2024-01-01T08", offset="1", length="3"
    ).json()
    assert by_header["response"] == by_query["response"]
    assert len(by_header["response"]["data"]) == 3
    assert by_header["request"]["params"] == {**X_PARAMS, "api_key": "any"}
    assert by_query["request"]["params"]["length"] == "3"


def test_a_broken_x_params_header_is_400(api):
    answer = api.get("/region-data/data/", headers={"X-Params": "{"})
    assert answer.status_code == 400
    assert "X-Params" in answer.json()["error"]


@pytest.mark.parametrize("form", [True, False])
def test_post_is_a_read_too(api, form):
    url = f"{api.server.url}/electricity/rto/region-data/data?api_key=any"
    body = {"data": {"data[]": "value", "facets[type][]": "DF"}} if form else {"json": X_PARAMS}
    answer = api.http.post(url, **body)
    assert answer.status_code == 200
    assert {row["type"] for row in answer.json()["response"]["data"]} == ({"DF"} if form else {"D"})


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
def test_other_methods_are_not_allowed(api, method):
    answer = api.http.request(method, f"{api.server.url}/electricity/rto?api_key=any")
    assert (answer.status_code, answer.json()["code"]) == (405, 405)


# --- headers and compression


def raw(api, **headers):
    url = f"{api.server.url}/electricity/rto/region-data/data/?api_key=any&data[]=value"
    with api.http.stream("GET", url, headers=headers) as answer:
        return answer, b"".join(answer.iter_raw())


def test_gzip_only_where_it_is_asked_for(api):
    packed, packed_body = raw(api, **{"Accept-Encoding": "gzip, deflate"})
    plain, plain_body = raw(api, **{"Accept-Encoding": "identity"})
    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert gzip.decompress(packed_body) == plain_body
    assert len(packed_body) * 5 < len(plain_body)
    assert raw(api, **{"Accept-Encoding": "gzip"})[1] == packed_body


def test_headers_are_those_of_the_gateway_and_hold_no_validator(api):
    headers = api.get("/region-data/data/").headers
    assert headers["content-type"] == "application/json"
    assert headers.get_list("vary") == ["Accept-Encoding", "Accept-Encoding"]
    assert len(headers.get_list("strict-transport-security")) == 2
    assert headers["cache-control"] == "max-age=0, no-cache, no-store"
    assert headers["age"] == "0"
    assert "api-umbrella" in headers["via"]
    assert "server" not in headers
    for absent in ("etag", "last-modified", "retry-after", "x-ratelimit-limit"):
        assert absent not in headers


def test_a_route_without_rows_is_there_with_the_hours_of_the_data(api):
    described = api.get("/interchange-data").json()["response"]
    assert (described["startPeriod"], described["endPeriod"]) == ("2024-01-01T00", "2024-01-02T23")
    answer = api.get("/interchange-data/data", ("data[]", "value"), ("frequency", "hourly"))
    assert answer.status_code == 200
    assert (answer.json()["response"]["total"], answer.json()["response"]["data"]) == ("0", [])
    assert api.get("/interchange-data/facet/toba").json()["response"]["facets"] == []
