"""Faults of rows and between pages: each is seen, totals stay true, and everything settles."""

from __future__ import annotations

from collections import Counter

import polars as pl
import pytest

from gridloom.extract.replay import Faults, ReplayData, spoiled
from gridloom.extract.replay.render import drifted

SORT = [
    ("sort[0][column]", "period"),
    ("sort[1][column]", "respondent"),
    ("sort[2][column]", "fueltype"),
]


@pytest.fixture
def fuels(serve):
    """The rows of fuel-type-data with faults, read page by page."""

    def rows(length=5000, **faults):
        client = serve(faults=Faults(**faults))
        total, read = 1, []
        while len(read) < total:
            answer = client.get(
                "/fuel-type-data/data/",
                ("data[]", "value"),
                *SORT,
                offset=str(len(read)),
                length=str(length),
            ).json()["response"]
            total = int(answer["total"])
            read += answer["data"]
        return read

    return rows


def key(row):
    return row["period"], row["respondent"], row["fueltype"]


def by_key(rows):
    return {key(row): row for row in rows}


def test_no_fault_of_the_data_is_the_same_data(small_data):
    assert spoiled(small_data, Faults(http500=1, moving_total=1, seed=9)) is small_data


def test_a_share_of_the_rows_and_always_the_same(fuels):
    clean, one, other = fuels(), fuels(null_value=0.2, seed=1), fuels(null_value=0.2, seed=2)
    assert one == fuels(null_value=0.2, seed=1, length=7) != other
    assert [key(row) for row in one] == [key(row) for row in clean]
    changed = [row for row in clean if by_key(one)[key(row)]["value"] != row["value"]]
    assert 0 < len(changed) <= 0.2 * len(clean) + 1
    assert all(by_key(one)[key(row)]["value"] is None for row in changed)


def test_a_value_that_is_not_there_at_all(fuels):
    rows = fuels(missing_value=0.1)
    bare = [row for row in rows if "value" not in row]
    assert 0 < len(bare) < len(rows)
    assert all(list(row)[-1] == "value-units" for row in bare)


def test_absent_hours(fuels):
    assert len(fuels(absent_hour=0.1)) == len(fuels()) - round(0.1 * len(fuels()))


def test_spikes(fuels):
    clean = by_key(fuels())
    ratios = Counter(
        round(float(row["value"]) / float(clean[key(row)]["value"]))
        for row in fuels(spike=0.1)
        if row["value"] and float(row["value"])
    )
    assert set(ratios) == {1, 10}


def test_labels_drift_and_codes_do_not(fuels):
    clean, rows = by_key(fuels()), fuels(label_case=0.3)
    assert set(by_key(rows)) == set(clean)
    drift = [row for row in rows if row != clean[key(row)]]
    assert drift
    assert all(row["type-name"] == drifted(clean[key(row)]["type-name"]) for row in drift)
    assert all(row["value"] == clean[key(row)]["value"] for row in drift)


def test_the_same_row_twice_by_label_only(fuels):
    rows = fuels(duplicate=0.1, length=9)
    twice = [found for found, times in Counter(map(key, rows)).items() if times == 2]
    assert len(twice) == len(rows) - len(fuels()) > 0
    for found in twice:
        one, other = (row for row in rows if key(row) == found)
        assert one["type-name"] != other["type-name"]
        assert one["value"] == other["value"]


def test_a_fuel_that_is_in_no_list(fuels):
    new = [row for row in fuels(unknown_fuel=0.1) if row["fueltype"] == "ZZZ"]
    assert new
    assert all(row["type-name"] in {"ZZZ", "Zzz"} for row in new)


def test_ids_of_facets_repeat(serve):
    client = serve(faults=Faults(duplicate_facets=1))
    response = client.get("/region-data/facet/respondent").json()["response"]
    assert [facet["id"] for facet in response["facets"]] == ["CAR", "CAR", "ERCO", "ERCO", "PACW", "PACW"]
    assert response["totalFacets"] == 6


@pytest.mark.parametrize("frequency", ["hourly", "local-hourly"])
def test_everything_at_once_still_makes_pages(serve, frequency):
    shares = dict.fromkeys(
        ("absent_hour", "spike", "null_value", "missing_value", "label_case", "duplicate", "unknown_fuel"),
        0.2,
    )
    client = serve(faults=Faults(**shares, unordered=0))
    whole = client.rows("fuel-type-data", *SORT, frequency=frequency)
    parts = [
        row
        for offset in range(0, len(whole), 10)
        for row in client.rows("fuel-type-data", *SORT, frequency=frequency, offset=str(offset), length="10")
    ]
    assert parts == whole


def test_data_without_rows_can_be_spoiled(make_table):
    data = ReplayData.of_frame(make_table([("PACW", "NG.WND", 0, None, "missing")]))
    worse = spoiled(data, Faults(duplicate=1, unknown_fuel=1, spike=1))
    assert worse.routes["fuel-type-data"].frame.is_empty()


# --- between pages


def pages(client, length):
    answers = [
        client.get(
            "/fuel-type-data/data/", ("data[]", "value"), *SORT, offset=str(at), length=str(length)
        ).json()
        for at in range(0, 100, length)
    ]
    return [(int(answer["response"]["total"]), answer["response"]["data"]) for answer in answers]


def test_a_total_moves_once_for_each_window_and_settles(serve, fuels):
    client, clean = serve(faults=Faults(moving_total=1)), fuels()
    first, second = pages(client, 20), pages(client, 20)
    assert first[0][0] > len(clean)
    assert {total for total, _ in first[1:]} == {total for total, _ in second} == {len(clean)}
    assert [row for _, rows in first for row in rows] == clean
    other = client.get("/fuel-type-data/data/", ("facets[fueltype][]", "SUN")).json()["response"]
    assert int(other["total"]) > len(other["data"]) > 0
    assert [entry.fault for entry in client.server.requests].count("moving_total") == 1
    assert client.server.requests[-1].fault.startswith("moving_total")


def test_rows_appear_between_the_pages_of_a_window_and_stay(serve, fuels):
    client, clean = serve(faults=Faults(inserted=1)), fuels()
    first, second = pages(client, 20), pages(client, 20)
    missing = len(clean) - first[0][0]
    assert 1 <= missing <= 5
    assert {total for total, _ in first[1:]} == {len(clean)}
    read = [key(row) for _, rows in first for row in rows]
    assert len(set(read)) == len(clean) - missing
    assert [row for _, rows in second for row in rows] == clean


def test_a_window_of_one_page_is_never_short(serve, fuels):
    client = serve(faults=Faults(inserted=1))
    answer = client.get("/fuel-type-data/data/", ("data[]", "value"), *SORT).json()["response"]
    assert (int(answer["total"]), answer["data"]) == (len(fuels()), fuels())


def test_the_frame_says_what_is_spoiled(small_data):
    frame = spoiled(small_data, Faults(label_case=0.5)).routes["region-data"].frame
    assert frame.schema["drift"] == frame.schema["bare"] == pl.Boolean
    assert frame["drift"].sum() == round(frame.height * 0.5)
