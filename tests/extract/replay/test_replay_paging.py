"""The paging law: however the rows are cut, the pages make up the same rows, and `total` stands still."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridloom.extract.replay.query import parse_data_query

SORTS = [
    [],
    [{"column": "period", "direction": "asc"}],
    [{"column": "respondent", "direction": "desc"}, {"column": "value", "direction": "asc"}],
    [{"column": "period", "direction": "desc"}, {"column": "type", "direction": "asc"}],
]


@settings(deadline=None, max_examples=60)
@given(
    cuts=st.lists(st.integers(1, 80), min_size=1, max_size=12),
    sort=st.sampled_from(SORTS),
    local=st.booleans(),
)
def test_pages_of_any_lengths_make_up_all_rows(small_data, cuts, sort, local):
    rows = small_data.routes["region-data"]

    def page(**cut):
        frequency = "local-hourly" if local else "hourly"
        return rows.page(parse_data_query(rows.route, {"sort": sort, "frequency": frequency, **cut}))

    whole = page()
    assert whole.total == whole.rows.height > 0
    parts, offset = [], 0
    for length in [*cuts, whole.total]:
        part = page(offset=offset, length=length)
        assert part.total == whole.total
        assert part.rows.height == min(length, max(whole.total - offset, 0))
        parts.append(part.rows)
        offset += length
    assert pl.concat(parts).equals(whole.rows)


@pytest.mark.parametrize("length", [1, 7, 50])
def test_pages_over_http(api, length):
    whole = api.rows("region-data")
    parts = []
    for offset in range(0, len(whole), length):
        parts += api.rows("region-data", offset=str(offset), length=str(length))
    assert parts == whole


def test_an_offset_past_the_end_is_an_empty_page(api):
    answer = api.get("/region-data/data/", offset="999999").json()
    assert answer["response"]["data"] == []
    assert int(answer["response"]["total"]) == len(api.rows("region-data"))
    assert api.get("/region-data/data/", length="0").json()["response"]["data"] == []


def test_every_row_of_the_table_is_served_once(api, small_table):
    table = small_table.cast({"respondent": pl.String, "series": pl.String, "status": pl.String})
    served = {}
    for route, kind, prefix in (("region-data", "type", ""), ("fuel-type-data", "fueltype", "NG.")):
        for row in api.rows(route):
            key = (row["respondent"], prefix + row[kind], row["period"])
            assert key not in served
            served[key] = None if row["value"] is None else float(row["value"])
    expected = {
        (respondent, series, period.isoformat()[:13]): value
        for period, respondent, series, value, status in table.iter_rows()
        if status != "missing"
    }
    assert served == expected
