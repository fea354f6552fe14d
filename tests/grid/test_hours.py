from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridloom.errors import ConfigError
from gridloom.grid.hours import HISTORY_START, HOUR, HourRange, label, parse_label

PERIODS = st.integers(0, 24 * 365 * 60).map(lambda hours: datetime(1990, 1, 1, tzinfo=UTC) + hours * HOUR)
RANGES = st.tuples(PERIODS, st.integers(1, 24 * 400)).map(
    lambda pair: HourRange(pair[0], pair[0] + pair[1] * HOUR)
)


@given(period=PERIODS)
def test_labels_round_trip(period: datetime) -> None:
    assert parse_label(label(period)) == period


@given(first=PERIODS, second=PERIODS)
def test_labels_sort_as_time_does(first: datetime, second: datetime) -> None:
    assert (label(first) < label(second)) == (first < second)


@pytest.mark.parametrize("text", ["0001-01-01T00", "0999-12-31T23", "9999-12-31T22"])
def test_labels_keep_four_digits_of_the_year(text: str) -> None:
    assert label(parse_label(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2019",
        "2019-01-01",
        "2019-1-1T0",
        "2019-01-01T00:00",
        "2019-01-01T00-07",
        "2019-01-01T00Z",
        " 2019-01-01T00",
        "2019-01-01T00\n",
        "٢٠١٩-01-01T00",
        "2019-01-01t00",
    ],
)
def test_anything_else_is_no_hour(text: str) -> None:
    with pytest.raises(ConfigError, match=r"is not an hour\. Write it as YYYY-MM-DDTHH in UTC"):
        parse_label(text)


@pytest.mark.parametrize("text", ["2019-01-01T24", "2019-02-29T00"])
def test_an_hour_of_no_calendar_is_said_to_be_none(text: str) -> None:
    with pytest.raises(ConfigError, match=f"There is no hour '{text}'"):
        parse_label(text)


@given(hours=RANGES)
def test_a_range_equals_the_range_of_its_labels(hours: HourRange) -> None:
    assert HourRange.of_labels(hours.first_label, hours.last_label) == hours
    assert str(hours) == f"{hours.first_label} to {hours.last_label}"


@given(hours=RANGES, days=st.integers(1, 500))
def test_batches_partition_the_range(hours: HourRange, days: int) -> None:
    batches = list(hours.batches(days))

    assert batches[0].start == hours.start
    assert batches[-1].stop == hours.stop
    assert all(one.stop == two.start for one, two in pairwise(batches))
    assert all(len(batch) == 24 * days for batch in batches[:-1])
    assert 0 < len(batches[-1]) <= 24 * days
    assert sum(map(len, batches)) == len(hours)


@pytest.mark.parametrize("days", [0, -45])
def test_a_batch_without_days_is_refused(days: int) -> None:
    with pytest.raises(ConfigError, match=f"at least 1 day, got {days}"):
        list(HourRange.of_years(2019).batches(days))


@given(one=RANGES, two=RANGES)
def test_an_intersection_holds_what_both_hold(one: HourRange, two: HourRange) -> None:
    both = one.intersection(two)
    ends = [one.start, one.stop - HOUR, two.start, two.stop - HOUR, one.stop, two.stop]

    assert both == two.intersection(one)
    for period in ends:
        assert (both is not None and period in both) == (period in one and period in two)


@given(hours=RANGES)
def test_membership_is_half_open(hours: HourRange) -> None:
    assert hours.start in hours
    assert hours.stop - HOUR in hours
    assert hours.stop not in hours
    assert hours.start - HOUR not in hours
    assert hours.first_label not in hours


@pytest.mark.parametrize(("years", "hours"), [((2019,), 8760), ((2024,), 8784), ((2019, 2023), 43824)])
def test_years_have_their_hours(years: tuple[int, ...], hours: int) -> None:
    span = HourRange.of_years(*years)

    assert len(span) == hours
    assert span.first_label == f"{years[0]}-01-01T00"
    assert span.last_label == f"{years[-1]}-12-31T23"


@pytest.mark.parametrize(
    ("hours", "name"),
    [
        (HourRange.of_years(2024), "2024"),
        (HourRange.of_years(2019, 2023), "2019-2023"),
        (HourRange.of_labels("2019-01-01T00", "2019-12-31T22"), "2019-01-01T00_2019-12-31T22"),
        (HourRange.of_labels("2019-01-01T01", "2019-12-31T23"), "2019-01-01T01_2019-12-31T23"),
    ],
)
def test_names_are_years_where_they_can_be(hours: HourRange, name: str) -> None:
    assert hours.name == name


def test_the_end_before_the_start_is_refused_in_words() -> None:
    with pytest.raises(
        ConfigError, match=r"The end 2018-12-31T23 lies before the start 2019-01-01T00\. Swap"
    ):
        HourRange.of_labels("2019-01-01T00", "2018-12-31T23")


@pytest.mark.parametrize(
    "start",
    [
        datetime(2019, 1, 1),  # noqa: DTZ001 - a naive time is what is refused
        datetime(2019, 1, 1, tzinfo=timezone(timedelta(hours=-7))),
        datetime(2019, 1, 1, 0, 30, tzinfo=UTC),
        datetime(2019, 1, 1, 0, 0, 0, 1, tzinfo=UTC),
    ],
)
def test_ends_are_full_hours_in_utc(start: datetime) -> None:
    with pytest.raises(ConfigError, match="is not a full hour in UTC"):
        HourRange(start, datetime(2020, 1, 1, tzinfo=UTC))


def test_history_starts_with_2019() -> None:
    assert label(HISTORY_START) == "2019-01-01T00"
