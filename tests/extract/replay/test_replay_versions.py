"""What differs between versions of the API, and how unstable an order was."""

from __future__ import annotations

import pytest

from gridloom.extract.replay import VERSIONS, Faults

SORT = [("sort[0][column]", "period")]
FULL = [("sort[0][column]", "period"), ("sort[1][column]", "type"), ("sort[2][column]", "respondent")]


@pytest.fixture
def version(serve):
    def start(number, **options):
        return serve(version=VERSIONS[number], **options)

    return start


def keys(rows):
    return [(row["period"], row["respondent"], row["type"]) for row in rows]


def test_2_1_4_has_numbers_and_warns_inside_the_response(version):
    client = version("2.1.4")
    answer = client.get(
        "/fuel-type-data/data/", ("data[]", "value"), ("facets[fueltype][]", "SUN"), length="4"
    ).json()
    assert answer["apiVersion"] == "2.1.4"
    assert list(answer) == ["response", "request", "apiVersion", "ExcelAddInVersion"]
    assert list(answer["response"])[:2] == ["warnings", "total"]
    assert isinstance(answer["response"]["total"], int)
    values = {row["value"] for row in client.rows("fuel-type-data", ("facets[fueltype][]", "SUN"))}
    assert values == {0.3, -0.21, None}
    assert answer["request"]["params"]["api_key"] == "any"


@pytest.mark.parametrize("number", VERSIONS)
def test_every_version_serves_the_same_values(version, number):
    rows = version(number).rows("region-data", *FULL)
    plain = version("2.1.14").rows("region-data", *FULL)
    assert keys(rows) == keys(plain)
    assert [row["value"] is None for row in rows] == [row["value"] is None for row in plain]
    assert [float(row["value"] or 0) for row in rows] == [float(row["value"] or 0) for row in plain]


@pytest.mark.parametrize(("number", "echoed"), [("2.1.4", True), ("2.1.8", True), ("2.1.14", False)])
def test_the_key_is_repeated_up_to_2_1_8(version, number, echoed):
    answer = version(number).get("/region-data/data/", key="canary-77", length="1")
    assert ("canary-77" in answer.text) is echoed


@pytest.mark.parametrize(("number", "status"), [("2.1.4", 500), ("2.1.8", 500), ("2.1.14", 404)])
def test_the_status_of_an_unknown_route(version, number, status):
    answer = version(number).get("/bogus")
    assert (answer.status_code, answer.json()) == (status, {"error": "Not found.", "code": 404})


@pytest.mark.parametrize(
    ("date", "hours"), [("2024-01-02", 24), ("2024-01-02T05", 1), ("2024-01", 48), ("2024", 48), ("2023", 0)]
)
def test_since_2_1_11_equal_coarse_dates_mean_the_whole_unit(version, date, hours):
    def periods(number, start=date, end=date):
        rows = version(number).rows("region-data", *FULL, start=start, end=end)
        return {row["period"] for row in rows}

    assert len(periods("2.1.14")) == hours
    assert len(periods("2.1.8")) == min(hours, 1)
    assert len(periods("2.1.14", "2024-01-01", "2024-01-02")) == 25


def test_before_2_1_9_the_order_changes_where_the_sort_leaves_it_open(serve):
    client = serve()
    for sort, settled in ((FULL, True), (SORT, False), ([], False)):
        orders = [keys(client.rows("region-data", *sort)) for _ in range(20)]
        assert len({frozenset(order) for order in orders}) == 1
        assert (len({tuple(order) for order in orders}) == 1) is settled
        if sort:
            assert all([key[0] for key in order] == sorted(key[0] for key in order) for order in orders)


def test_2_1_14_has_one_order_unless_a_fault_says_otherwise(version):
    for sort in (SORT, []):
        assert len({tuple(keys(version("2.1.14").rows("region-data", *sort))) for _ in range(8)}) == 1
    client = version("2.1.14", faults=Faults(unordered=1))
    assert len({tuple(keys(client.rows("region-data", *SORT))) for _ in range(8)}) == 8
    assert {entry.fault for entry in client.server.requests} == {"unordered"}


def test_the_order_depends_on_the_seed_and_the_number_of_the_request(serve):
    def orders(seed):
        client = serve(faults=Faults(unordered=1, seed=seed))
        return [keys(client.rows("region-data")) for _ in range(3)]

    assert orders(1) == orders(1) != orders(2)
