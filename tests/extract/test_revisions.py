import json
from datetime import UTC, datetime

import pytest

from gridloom.extract.revisions import Revision, compare, revision_finding
from gridloom.grid.hours import HourRange
from gridloom.grid.raw import Window

HOURS = HourRange.of_labels("2026-11-01T00", "2026-11-02T23")
WINDOW = Window("region-data", HOURS, ("PACW",), ("D", "DF"), 5000)
SINCE = datetime(2026, 11, 2, 9, 30, tzinfo=UTC)
OLD = {("2026-11-01T00", "D"): "5", ("2026-11-01T01", "D"): ".3", ("2026-11-01T03", "D"): None}


def body(values, window=WINDOW):
    reporter, kind = window.route.respondent_facet, window.route.type_facet
    rows = [
        {"period": period, reporter: "PACW", kind: code, **({} if value == "no" else {"value": value})}
        for (period, code), value in values.items()
    ]
    return json.dumps({"response": {"total": str(len(rows)), "data": rows}}).encode()


def changed(change, window=WINDOW):
    return compare(window, SINCE, [body(OLD, window)], [body({**OLD, **change}, window)])


def test_the_same_values_in_another_dress_are_no_revision():
    same = changed(
        {("2026-11-01T00", "D"): 5.0, ("2026-11-01T01", "D"): "0.30", ("2026-11-01T03", "D"): "no"}
    )
    assert same == Revision(since=SINCE)
    finding = revision_finding(same)
    assert finding.passed
    assert finding.detail == "0 hours revised since 2026-11-02."


@pytest.mark.parametrize(
    ("change", "counts"),
    [
        ({("2026-11-01T00", "D"): "6"}, {"values": 1}),
        ({("2026-11-01T00", "D"): "NA"}, {"values": 1}),
        ({("2026-11-01T00", "D"): None}, {"nulls": 1}),
        ({("2026-11-01T03", "D"): "7"}, {"nulls": 1}),
        ({("2026-11-01T02", "D"): "7"}, {"appeared": 1}),
        ({("2026-11-01T04", "D"): "7"}, {"new": 1}),
        ({("2026-11-02T09", "DF"): "7", ("2026-11-02T10", "DF"): "7"}, {"appeared": 1, "new": 1}),
    ],
)
def test_every_kind_of_change_is_told_apart(change, counts):
    assert changed(change) == Revision(since=SINCE, **counts)


def test_rows_that_are_gone_are_counted_over_all_pages():
    pages = [body({key: value}) for key, value in OLD.items()]
    assert compare(WINDOW, SINCE, pages, [body({})]) == Revision(since=SINCE, vanished=3)
    assert compare(WINDOW, SINCE, pages, list(reversed(pages))).revised == 0


@pytest.mark.parametrize("route", ["fuel-type-data", "interchange-data", "region-sub-ba-data"])
def test_every_route_is_compared_by_its_own_key(route):
    window = Window(route, HOURS, ("PACW",), (), 5000)
    assert changed({("2026-11-01T00", "D"): "6"}, window) == Revision(since=SINCE, values=1)


def test_the_finding_says_what_was_revised_since_when():
    first = Revision(since=SINCE, values=300, nulls=2, new=5)
    second = Revision(since=datetime(2026, 11, 9, tzinfo=UTC), appeared=9, vanished=1)
    finding = revision_finding(second.plus(first))
    assert (finding.name, finding.passed, finding.required) == ("hours-revised", False, False)
    assert finding.detail == (
        "312 hours revised since 2026-11-02: 300 with another value, 2 that had or have no value, "
        "9 that were not there, 1 that are gone. New: 5 hours."
    )
