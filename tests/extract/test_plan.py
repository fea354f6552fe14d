from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridloom.errors import ConfigError
from gridloom.extract.plan import Ask, count_requests, plan_windows
from gridloom.grid.hours import HISTORY_START, HOUR, HourRange
from gridloom.grid.respondents import OPTIMIZED_FOUR, STANDARD_EIGHT
from gridloom.grid.series import parse_series, route_requests

YEAR = HourRange.of_years(2019)
DEMAND, FUELS = route_requests(["D", "NG.all"])

ranges = st.builds(
    lambda first, hours: HourRange(HISTORY_START + first * HOUR, HISTORY_START + (first + hours) * HOUR),
    st.integers(0, 20_000),
    st.integers(1, 3_000),
)
requests = st.sampled_from([["D"], ["D", "DF"], ["D", "DF", "NG", "TI"], ["NG.WND"], ["NG.all"]]).map(
    lambda series: route_requests(series)[0]
)
codes = st.sets(st.sampled_from([*STANDARD_EIGHT, "CISO", "BPAT", "TVA"]), min_size=1)


@given(ranges, requests, codes, st.integers(1, 200), st.integers(1, 5000))
def test_windows_cover_each_hour_of_each_respondent_once_and_bound_the_pages(
    hours, request_, respondents, batch_days, page_rows
):
    windows = plan_windows(hours, request_, respondents, batch_days=batch_days, page_rows=page_rows)
    for code in respondents:
        spans = [window.hours for window in windows if code in window.respondents]
        assert (spans[0].start, spans[-1].stop) == (hours.start, hours.stop)
        assert all(one.stop == other.start for one, other in pairwise(spans))
        assert all(len(span) <= batch_days * 24 for span in spans)
    for window in windows:
        assert list(window.respondents) == sorted(set(window.respondents))
        upper = len(window.hours) * len(window.respondents) * len(window.types)
        # Respondents share a window only as long as it fits one page.
        assert len(window.respondents) == 1 or (window.types and upper <= page_rows)


@given(ranges, requests, st.permutations(sorted(STANDARD_EIGHT)), st.integers(1, 90))
def test_the_plan_does_not_depend_on_the_order_of_respondents(hours, request_, respondents, batch_days):
    plan = plan_windows(hours, request_, respondents, batch_days=batch_days)
    assert plan == plan_windows(hours, request_, STANDARD_EIGHT * 2, batch_days=batch_days)
    assert len({window.digest("eia") for window in plan}) == len(plan)


@pytest.mark.parametrize(
    ("respondents", "batch_days", "page_rows", "windows", "requests"),
    [
        (STANDARD_EIGHT, 45, 5000, 18, 18),  # 1,080 hours: four respondents fill a page
        (OPTIMIZED_FOUR, 90, 5000, 10, 10),  # 2,160 hours: two respondents, five batches
        (STANDARD_EIGHT, 60, 2500, 56, 56),  # 1,440 hours: one respondent, seven batches
        (("PACW",), 45, 1000, 9, 17),  # two pages a batch, one in the last
        (("PACW",), 365, 5000, 1, 2),
    ],
)
def test_demand_is_counted_exactly(respondents, batch_days, page_rows, windows, requests):
    plan = plan_windows(YEAR, DEMAND, respondents, batch_days=batch_days, page_rows=page_rows)
    assert count_requests(plan, metadata=1) == Ask(windows, requests + 1, requests + 1, 1)


def test_fuels_are_counted_between_bounds():
    plan = plan_windows(YEAR, FUELS, ["PACW", "ERCO"])
    # Eight batches of 1,080 hours with 16 fuels fill four pages at most, the last of 120 hours one.
    assert count_requests(plan, metadata=0) == Ask(18, 18, 2 * (8 * 4 + 1), 0)


@pytest.mark.parametrize(
    ("series", "code", "years", "least", "most"),
    [
        ("D", "PACW", (2023, 2023), 2, 2),
        ("D", "GLHB", (2023, 2023), 1, 2),  # retired in 2022
        ("NG", "GLHB", (2021, 2022), 3, 4),  # it reports for the first 621 days
        ("D", "AVRN", (2023, 2023), 1, 2),  # generation only
        ("NG", "AVRN", (2023, 2023), 2, 2),
        ("D,DF,NG,TI", "AVRN", (2023, 2023), 4, 8),
        ("D", "SWPW", (2025, 2026), 2, 4),  # begins in April 2026
        ("D", "NEWX", (2023, 2023), 1, 2),  # in no table of ours
        ("D", "PACW", (2018, 2019), 2, 4),  # the API's history begins in 2019
        ("NG.NUC", "PACW", (2023, 2023), 1, 2),
        ("ID.CISO", "ERCO", (2023, 2023), 1, 2),
        ("D.Frep,D.Jica", "PNM", (2023, 2023), 1, 4),
    ],
)
def test_the_least_is_what_surely_comes(series, code, years, least, most):
    (request_,) = route_requests(parse_series(series))
    plan = plan_windows(HourRange.of_years(*years), request_, [code], batch_days=731)
    assert count_requests(plan, metadata=0) == Ask(1, least, most, 0)


def test_hours_that_are_not_over_yet_may_have_no_rows():
    plan = plan_windows(YEAR, DEMAND, ["PACW"], batch_days=366)
    (first, second) = (YEAR.start + timedelta(days=days, minutes=7) for days in (200, 220))
    assert count_requests(plan, metadata=0, now=first) == Ask(1, 1, 2, 0)
    assert count_requests(plan, metadata=0, now=second) == Ask(1, 2, 2, 0)
    assert count_requests(plan, metadata=0, now=YEAR.start) == Ask(1, 1, 2, 0)


def test_nothing_left_asks_for_nothing():
    assert count_requests([], metadata=0) == Ask(0, 0, 0, 0)


def test_a_short_span_packs_more_respondents_into_a_window():
    week = HourRange(YEAR.start, YEAR.start + timedelta(days=7))
    assert len(plan_windows(week, DEMAND, STANDARD_EIGHT)) == 1


@pytest.mark.parametrize(
    ("batch_days", "page_rows", "respondents", "text"),
    [
        (0, 5000, ["PACW"], "at least 1 day, got 0"),
        (45, 6000, ["PACW"], r"6,000 rows per request are not possible: the API gives at most 5,000"),
        (45, 0, ["PACW"], "Use 1 to 5,000"),
        (45, 5000, [], "Name at least one code"),
    ],
)
def test_numbers_out_of_range_are_refused_in_words(batch_days, page_rows, respondents, text):
    with pytest.raises(ConfigError, match=text):
        plan_windows(YEAR, DEMAND, respondents, batch_days=batch_days, page_rows=page_rows)
