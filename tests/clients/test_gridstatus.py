"""gridstatus works against the stand-in server, with its base URL set and nothing else.

What it loses on the way is asserted, too: it is the reason for comparing values and not only rows.
"""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest
from tests.clients.conftest import KEY
from tests.clients.rows import Rows, number, served_rows

from gridloom.grid.series import FUELS

pytestmark = [
    pytest.mark.clients,
    # Warnings of other people's code are theirs.
    pytest.mark.filterwarnings("default"),
]

RESPONDENTS = ["ERCO", "PACW", "PJM"]
TYPES = {"Load": "D", "Load Forecast": "DF"}


@pytest.fixture
def eia(base_url: str) -> Any:
    from gridstatus import EIA

    client = EIA(api_key=KEY)
    client.BASE_URL = f"{base_url}/"
    return client


def wide_rows(frame: Any, series: dict[str, str]) -> Rows:
    """Returns the rows of a frame with a column per series."""
    rows: Rows = {}
    for record in frame.to_dict("records"):
        for column, name in series.items():
            if column in record:
                key = (record["Respondent"], name, record["Interval End"].to_pydatetime())
                assert key not in rows, f"{key} came twice"
                rows[key] = number(record[column])
    return rows


def test_demand_and_forecast_come_whole(eia: Any, served: pl.DataFrame) -> None:
    frame = eia.get_dataset(
        "electricity/rto/region-data",
        start="2019-01-01",
        end="2019-01-30T23",
        facets={"respondent": RESPONDENTS, "type": ["D", "DF"]},
        n_workers=3,
    )

    assert wide_rows(frame, TYPES) == served_rows(served, "D")


def test_fuels_come_whole_but_null_becomes_zero(eia: Any, served: pl.DataFrame) -> None:
    labels = {label.title(): f"NG.{code}" for code, label in FUELS.items()}
    expected = served_rows(served, "NG.")
    nulls = [key for key, value in expected.items() if value is None]

    frame = eia.get_dataset(
        "electricity/rto/fuel-type-data",
        start="2019-01-01",
        end="2019-01-30T23",
        facets={"respondent": RESPONDENTS},
        n_workers=3,
    )
    got = wide_rows(frame, labels)
    # A fuel that a respondent does not have is a column all the same.
    got = {key: value for key, value in got.items() if value is not None or key in expected}

    assert len(nulls) == 1
    assert {key: got[key] for key in nulls} == dict.fromkeys(nulls, 0.0)
    assert got == expected | dict.fromkeys(nulls, 0.0)


def test_a_wrong_key_is_an_error(eia: Any) -> None:
    eia.api_key = "another"

    with pytest.raises(Exception, match="403"):
        eia.get_dataset("electricity/rto/region-data", start="2019-01-01", end="2019-01-02")


def test_facets_are_listed(eia: Any) -> None:
    facets = eia.list_facets("electricity/rto/region-data")

    assert {facet["id"] for facet in facets["respondent"]["facets"]} >= set(RESPONDENTS)
