from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridloom.extract.packing import MOST_PAGES, most_rows_per_hour, pack_hours
from gridloom.extract.plan import AUTO, count_requests, plan_windows
from gridloom.extract.query import LONGEST_QUERY, as_header, as_query, parameters
from gridloom.grid.hours import HISTORY_START, HOUR, HourRange
from gridloom.grid.respondents import STANDARD_EIGHT, all_respondents
from gridloom.grid.series import parse_series, route_requests

YEAR = HourRange.of_years(2024)
CODES = sorted(all_respondents())

spans = st.builds(
    lambda first, hours: HourRange(HISTORY_START + first * HOUR, HISTORY_START + (first + hours) * HOUR),
    st.integers(0, 20_000),
    st.integers(1, 3_000),
)
known = st.sampled_from(
    ["D", "D,DF", "D,DF,NG,TI", "NG.WND", "NG.WND,NG.SUN,NG.NG", "ID.CISO,ID.MEX,ID.BPAT", "D.Frep,D.0001"]
)
unknown = st.sampled_from(["NG.all", "ID.all", "D.all"])
some = st.integers(1, len(CODES)).map(lambda count: CODES[:count])
page_rows = st.integers(1, 5000)


def ask_for(series):
    (request,) = route_requests(parse_series(series))
    return request


def auto(hours, series, respondents, rows=5000):
    return plan_windows(hours, ask_for(series), respondents, batch_days=AUTO, page_rows=rows)


def cost(windows, rows_of):
    """Returns the requests that a source with so many rows needs: a window without any needs one too."""
    return sum(max(1, -(-rows_of(window) // window.page_rows)) for window in windows)


@given(spans, known | unknown, some, page_rows)
def test_every_hour_of_every_respondent_is_asked_for_once(hours, series, respondents, rows):
    plan = auto(hours, series, respondents, rows)
    for code in respondents:
        mine = [window.hours for window in plan if code in window.respondents]
        assert (mine[0].start, mine[-1].stop) == (hours.start, hours.stop)
        assert all(one.stop == other.start for one, other in pairwise(mine))
    assert sum(len(window.hours) * len(window.respondents) for window in plan) == len(hours) * len(
        respondents
    )
    assert len({window.digest("eia") for window in plan}) == len(plan)


@given(spans, known, some, page_rows)
def test_known_rows_take_full_pages_and_one_more_request_a_window_at_most(hours, series, respondents, rows):
    plan = auto(hours, series, respondents, rows)
    types = len(ask_for(series).types)
    total = len(hours) * len(respondents) * types

    def rows_of(window):
        return len(window.hours) * len(window.respondents) * types

    assert sum(map(rows_of, plan)) == total
    assert count_requests(plan, metadata=0).most == cost(plan, rows_of) <= -(-total // rows) + len(plan)
    for window in plan:
        # Only a single hour of a single respondent may be longer than that.
        assert rows_of(window) <= max(MOST_PAGES * rows, types)


@given(spans, known | unknown, some, page_rows, st.data())
def test_what_comes_is_between_the_least_and_the_most(hours, series, respondents, rows, data):
    plan = auto(hours, series, respondents, rows)
    each = most_rows_per_hour(ask_for(series).route)
    ask = count_requests(plan, metadata=0)
    share = data.draw(st.floats(0, 1))
    upper = len(ask_for(series).types) or each

    seen = cost(plan, lambda window: int(len(window.hours) * len(window.respondents) * upper * share))

    assert seen <= ask.most
    assert ask.least >= len(plan)
    if share == 1:
        assert seen == ask.most >= ask.least


@given(known | unknown, some, page_rows, st.integers(1, 3000), st.integers(1, 3000))
def test_a_longer_span_finds_the_windows_of_a_shorter_one(series, respondents, rows, first, more):
    short = HourRange(HISTORY_START, HISTORY_START + first * HOUR)
    long = HourRange(HISTORY_START, HISTORY_START + (first + more) * HOUR)

    again = set(auto(long, series, respondents, rows))

    cut = {window for window in auto(short, series, respondents, rows) if window.hours.stop == short.stop}
    assert set(auto(short, series, respondents, rows)) - cut <= again


@given(known, st.integers(1, len(CODES)), st.integers(200, 5000))
def test_a_full_window_wastes_less_than_one_hour_of_rows(series, respondents, rows):
    request = ask_for(series)
    size, hours = pack_hours(request, respondents, rows)
    per_hour = size * len(request.types)
    pages = -(-hours * per_hour // rows)
    assert 1 <= pages <= MOST_PAGES
    assert pages * rows - hours * per_hour < per_hour


@pytest.mark.parametrize(
    ("series", "respondents", "rows_per_hour", "auto_requests", "standard_requests"),
    [
        ("D", STANDARD_EIGHT, 8, 15, 18),
        ("D,DF", STANDARD_EIGHT, 16, 29, 36),
        ("D,DF,NG,TI", STANDARD_EIGHT, 32, 57, 72),
        ("D", ["PACW"], 1, 2, 9),
        ("D", CODES, len(CODES), 151, 198),
        ("NG.all", STANDARD_EIGHT, 64, 113, 136),
        ("NG.all", ["PACW"], 8, 15, 17),
        ("NG.all", CODES, 4 * len(CODES), 606, 765),
        ("D.all", ["PJM"], 20, 36, 41),
        ("ID.all", STANDARD_EIGHT, 50, 95, 136),
    ],
)
def test_a_year_in_full_pages_takes_far_fewer_requests(
    series, respondents, rows_per_hour, auto_requests, standard_requests
):
    def requests(batch_days):
        plan = plan_windows(YEAR, ask_for(series), respondents, batch_days=batch_days)
        each = rows_per_hour / len(respondents)
        return cost(plan, lambda window: round(len(window.hours) * len(window.respondents) * each))

    assert (requests(AUTO), requests(45)) == (auto_requests, standard_requests)
    assert requests(AUTO) <= 1.1 * (len(YEAR) * rows_per_hour / 5000) + 1


def test_long_lists_travel_in_a_header_of_moderate_length():
    for series in ("D,DF,NG,TI", "NG.all", "ID.all"):
        window = auto(YEAR, series, CODES)[0]
        tree = parameters(window, 35_000)
        assert len(CODES) > 80
        assert len(as_query(tree)) > LONGEST_QUERY
        assert len(as_header(tree)) < 2_000
