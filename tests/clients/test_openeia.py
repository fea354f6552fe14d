"""openeia works against the stand-in server, with its base URL set and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import polars as pl
import pytest
from tests.clients.conftest import KEY
from tests.clients.rows import long_rows, served_rows

pytestmark = [
    pytest.mark.clients,
    # Warnings of other people's code are theirs.
    pytest.mark.filterwarnings("default"),
]

RESPONDENTS = ["ERCO", "PACW", "PJM"]
SPAN = {"start": "2019-01-01T00", "end": "2019-01-30T23", "frequency": "hourly"}


@pytest.fixture
def eia(base_url: str) -> Iterator[Any]:
    from openeia import EIA

    with EIA(api_key=KEY, base_url=base_url, requests_per_second=0) as client:
        yield client


def test_demand_and_forecast_come_whole(eia: Any, served: pl.DataFrame) -> None:
    frame = eia.get(
        "electricity/rto/region-data", facets={"respondent": RESPONDENTS, "type": ["D", "DF"]}, **SPAN
    )

    got = long_rows(frame.to_dict("records"), respondent="respondent", code="type", prefix="")
    assert got == served_rows(served, "D")


def test_fuels_come_whole_null_included(eia: Any, served: pl.DataFrame) -> None:
    # By itself it sorts by the period alone, and rows of one hour may change places between two pages.
    full_key = [("period", "asc"), ("respondent", "asc"), ("fueltype", "asc")]
    frame = eia.get(
        "electricity/rto/fuel-type-data", facets={"respondent": RESPONDENTS}, sort=full_key, **SPAN
    )

    got = long_rows(frame.to_dict("records"), respondent="respondent", code="fueltype", prefix="NG.")
    assert got == served_rows(served, "NG.")


def test_its_own_order_loses_rows_where_ties_fall_on_page_borders(eia: Any, served: pl.DataFrame) -> None:
    frame = eia.get("electricity/rto/fuel-type-data", facets={"respondent": RESPONDENTS}, **SPAN)

    expected = served_rows(served, "NG.")
    keys = set(zip(frame["period"], frame["respondent"], frame["fueltype"], strict=True))
    assert len(frame) == len(expected)  # the count is right, so nothing is noticed
    assert len(keys) < len(expected)


def test_metadata_and_facets_are_read(eia: Any) -> None:
    info = eia.metadata("electricity/rto/region-data")
    listed = eia.facet_options("electricity/rto/region-data", "respondent")

    assert info.default_frequency == "hourly"
    assert set(listed["id"]) >= set(RESPONDENTS)


def test_a_wrong_key_is_an_error(base_url: str) -> None:
    from openeia import EIA, EIAAuthError

    with EIA(api_key="another", base_url=base_url) as client, pytest.raises(EIAAuthError, match="403"):
        client.get("electricity/rto/region-data", start="2019-01-01T00", end="2019-01-01T05")
