"""`local-hourly`: labels carry the offset, and no hour is lost or doubled when clocks change."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from gridloom.extract.replay import sample_server


@pytest.fixture(scope="module")
def ask():
    import httpx2

    with sample_server() as server, httpx2.Client() as http:

        def rows(frequency, respondent, start, end):
            params = [
                ("api_key", "any"),
                ("frequency", frequency),
                ("data[]", "value"),
                ("facets[respondent][]", respondent),
                ("facets[type][]", "D"),
                ("start", start),
                ("end", end),
                ("sort[0][column]", "period"),
            ]
            answer = http.get(f"{server.url}/electricity/rto/region-data/data/", params=params)
            assert answer.status_code == 200
            return answer.json()["response"]

        yield rows


def utc(period):
    """The UTC label of a local one."""
    hour = datetime.strptime(period[:13], "%Y-%m-%dT%H").replace(tzinfo=UTC)
    return (hour - timedelta(hours=int(period[13:]))).isoformat()[:13]


def test_labels_and_format(ask):
    response = ask("local-hourly", "PACW", "2019-01-01T00", "2019-01-01T02")
    assert response["frequency"] == "local-hourly"
    assert response["dateFormat"] == 'YYYY-MM-DD"T"HH24TZH'
    assert [row["period"] for row in response["data"]] == [f"2019-01-01T0{hour}-08" for hour in range(3)]


@pytest.mark.parametrize(("day", "hours"), [("2019-11-03", 25), ("2019-03-10", 23), ("2019-07-01", 24)])
@pytest.mark.parametrize("respondent", ["CISO", "ERCO", "NYIS"])
def test_days_have_as_many_hours_as_clocks_show(ask, respondent, day, hours):
    rows = ask("local-hourly", respondent, f"{day}T00", f"{day}T23")["data"]
    assert len(rows) == len({row["period"] for row in rows}) == hours
    labels = [utc(row["period"]) for row in rows]
    assert labels == sorted(labels)


def test_the_repeated_hour_differs_in_its_offset_only(ask):
    rows = ask("local-hourly", "CISO", "2019-11-03T01", "2019-11-03T01")["data"]
    assert [row["period"] for row in rows] == ["2019-11-03T01-07", "2019-11-03T01-08"]


def test_arizona_has_no_summer_time(ask):
    rows = ask("local-hourly", "AZPS", "2019-03-01T00", "2019-12-01T00")["data"]
    assert {row["period"][13:] for row in rows} == {"-07"}


def test_local_and_utc_hours_hold_the_same_values(ask):
    local = ask("local-hourly", "CISO", "2019-11-02T00-07:00", "2019-11-04T00-08:00")["data"]
    plain = ask("hourly", "CISO", "2019-11-02T07", "2019-11-04T08")["data"]
    assert [(utc(row["period"]), row["value"]) for row in local] == [
        (row["period"], row["value"]) for row in plain
    ]
