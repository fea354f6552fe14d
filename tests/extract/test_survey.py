from datetime import UTC, datetime, timedelta
from types import MappingProxyType

import pytest

from gridloom.errors import NoDataError
from gridloom.extract.checks import check_hours, expected_rows, rows_present
from gridloom.extract.metadata import Metadata
from gridloom.extract.plan import Ask, plan_windows
from gridloom.extract.survey import due_reason, survey
from gridloom.grid.hours import HourRange
from gridloom.grid.raw import Receipt
from gridloom.grid.routes import REGION_DATA
from gridloom.grid.series import route_requests

HOURS = HourRange.of_labels("2020-01-01T00", "2020-03-30T23")
DEMAND, FUELS = route_requests(["D", "NG.all"])
WINDOWS = plan_windows(HOURS, DEMAND, ["PACW"], batch_days=45)
NOW = datetime(2020, 4, 1, tzinfo=UTC)


def receipt(window, fetched_at=NOW, rows=None):
    rows = rows or {"PACW": 1080}
    return Receipt("eia", window.request(), sum(rows.values()), 0, (), "", fetched_at, rows)


class Store:
    """Stands in for the folder: receipts and metadata by what was put in."""

    def __init__(self, receipts, metadata, now=NOW):
        self.receipts, self.found, self.now = receipts, metadata, lambda: now

    def landed(self, window):
        return self.receipts.get(window)

    def metadata(self, route):
        return self.found


def metadata(fetched_at=NOW):
    return Metadata("eia", "region-data", "2019-01-01T00", "2020-04-01T00", fetched_at, {})


def look(store, **options):
    return survey(store, REGION_DATA, HOURS, WINDOWS, refresh_days=45, **options)


BOTH = MappingProxyType({window: receipt(window) for window in WINDOWS})


def test_what_stands_is_not_asked_for_again():
    found = look(Store(BOTH, metadata()))
    assert found.ask == Ask(0, 0, 0, 0)
    assert due_reason(found, WINDOWS) is None


def test_what_never_landed_is_left():
    found = look(Store({WINDOWS[0]: BOTH[WINDOWS[0]]}, None))
    assert found.left == (WINDOWS[1],)
    assert found.ask == Ask(1, 2, 2, 1)


def test_recent_windows_and_the_metadata_are_due_after_six_hours_older_ones_are_not():
    found = look(Store(BOTH, metadata(), now=NOW + timedelta(hours=7)))
    # The first window's last hour is of 2020-02-14: at 2020-04-01 it had settled.
    assert found.left == (WINDOWS[1],)
    assert found.metadata is None
    assert "1 of 2 windows, up to 2020-03-30T23" in due_reason(found, WINDOWS)


def test_only_the_metadata_may_be_due():
    found = look(Store(BOTH, metadata(NOW - timedelta(days=1))))
    assert found.left == ()
    assert "newer hours" in due_reason(found, WINDOWS)


def test_force_asks_for_everything():
    assert look(Store(BOTH, metadata()), force=True).ask == Ask(2, 3, 3, 1)


def test_hours_outside_the_source_are_refused_with_what_it_has():
    check_hours(metadata(), HOURS)
    with pytest.raises(
        NoDataError, match=r"has 2019-01-01T00 to 2020-04-01T00 of region-data, you asked for 2017"
    ):
        check_hours(metadata(), HourRange.of_years(2017))


def test_a_respondent_without_rows_is_a_finding_and_blocks_nothing():
    receipts = [receipt(window) for window in WINDOWS]
    (good,) = rows_present(["PACW"], receipts)
    assert good.passed
    findings = rows_present(["ERCO", "PACW", "SEPA"], receipts)
    assert [finding.detail.split(":")[0] for finding in findings] == ["ERCO", "SEPA"]
    assert {(finding.name, finding.passed, finding.blocks) for finding in findings} == {
        ("rows-present", False, False)
    }
    assert "region-data from 2020-01-01T00 to 2020-03-30T23" in findings[0].detail


def test_rows_to_come_are_known_for_known_series_and_estimated_for_fuels():
    assert expected_rows(WINDOWS, {}) == 90 * 24
    assert expected_rows(WINDOWS, {WINDOWS[0]: receipt(WINDOWS[0], rows={"PACW": 1000})}) == 1000 + 1080
    fuels = plan_windows(HOURS, FUELS, ["PACW"], batch_days=45)
    assert expected_rows(fuels, {}) is None
    assert expected_rows(fuels, {fuels[0]: receipt(fuels[0], rows={"PACW": 5000})}) == 10_000
    assert expected_rows(fuels, {window: receipt(window, rows={"PACW": 7}) for window in fuels}) == 14
