"""The calendar against the standard library's zones, and holidays that people know."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridloom.grid.respondents import all_respondents
from gridloom.load.calendar import calendar_features, time_zone_of
from gridloom.load.select import CALENDAR

ZONES = sorted({respondent.time_zone for respondent in all_respondents().values()})


def features_of(begin: datetime, zone: str) -> dict[str, float]:
    """Returns the features of the hour that begins at `begin`."""
    ends = int((begin + timedelta(hours=1)).timestamp())
    found = calendar_features(np.array([ends]), zone)
    assert found.shape == (1, len(CALENDAR))
    return dict(zip(CALENDAR, found[0].tolist(), strict=True))


@given(hours=st.integers(0, 24 * 365 * 12), zone=st.sampled_from(ZONES))
def test_local_time_is_that_of_the_zone(hours: int, zone: str) -> None:
    begin = datetime(2019, 1, 1, tzinfo=UTC) + timedelta(hours=hours)
    local = begin.astimezone(ZoneInfo(zone))
    days = 366 if local.year % 4 == 0 else 365
    angles = {
        "hour": local.hour / 24,
        "weekday": local.weekday() / 7,
        "doy": (local.timetuple().tm_yday - 1) / days,
    }

    found = features_of(begin, zone)

    for name, share in angles.items():
        assert found[f"{name}_sin"] == pytest.approx(math.sin(2 * math.pi * share), abs=1e-6)
        assert found[f"{name}_cos"] == pytest.approx(math.cos(2 * math.pi * share), abs=1e-6)


def test_the_whole_year_has_23_and_25_hours_on_the_days_of_the_change() -> None:
    times = int(datetime(2019, 1, 1, tzinfo=UTC).timestamp()) + 3_600 * np.arange(8_760)
    hour_zero = np.flatnonzero(calendar_features(times, "America/New_York")[:, 1] == 1)

    assert sorted(np.unique(np.diff(hour_zero)).tolist()) == [23, 24, 25]
    assert np.unique(np.diff(np.flatnonzero(calendar_features(times, "America/Phoenix")[:, 1] == 1))) == 24


def test_midnights_label_belongs_to_the_day_before() -> None:
    # the hour from 23 to 24 of 4 July in New York, labelled 04:00 UTC of 5 July
    assert features_of(datetime(2019, 7, 5, 3, tzinfo=UTC), "America/New_York")["holiday"] == 1
    assert features_of(datetime(2019, 7, 5, 4, tzinfo=UTC), "America/New_York")["holiday"] == 0


@pytest.mark.parametrize(
    ("day", "is_one"),
    [
        (date(2019, 1, 1), True),
        (date(2019, 11, 28), True),  # Thanksgiving
        (date(2019, 11, 29), False),
        (date(2020, 7, 3), True),  # 4 July was a Saturday
        (date(2021, 6, 18), True),  # Juneteenth, observed in its first year
        (date(2020, 6, 19), False),  # not yet a holiday
        (date(2022, 12, 26), True),  # Christmas was a Sunday
        (date(2023, 2, 14), False),
    ],
)
def test_holidays(day: date, is_one: bool) -> None:
    noon = datetime(day.year, day.month, day.day, 20, tzinfo=UTC)

    assert features_of(noon, "America/Chicago")["holiday"] == is_one


def test_new_years_day_of_a_year_that_the_hours_end_in() -> None:
    begin = int(datetime(2019, 12, 31, 12, tzinfo=UTC).timestamp())
    found = calendar_features(begin + 3_600 * np.arange(1, 37), "America/New_York")

    assert found[-1, CALENDAR.index("holiday")] == 1
    assert found[0, CALENDAR.index("holiday")] == 0


def test_a_respondent_that_nobody_knows_is_in_utc() -> None:
    assert time_zone_of("PACW") == "America/Los_Angeles"
    assert time_zone_of("NEW1") == "UTC"
