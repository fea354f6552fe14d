"""Demand, fuels, interchange and sub-areas from a server into one table, through real HTTP."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest
from pydantic import SecretStr
from tests.e2e.servers import serve
from tests.support.frames import plain_rows, table_frame

from gridloom.extract.replay import ReplayServer
from gridloom.grid.hours import HOUR, HourRange, label
from gridloom.pipelines.hourly import Prepared, prepare
from gridloom.pipelines.plan_summary import planned
from gridloom.pipelines.settings import HourlySettings
from gridloom.pipelines.summary import ran

HOURS = HourRange.of_labels("2024-01-01T00", "2024-01-14T23")
SERIES = {
    "CISO": ["D", "D.Frep", "D.frep", "D.0001", "ID.BPAT", "ID.CEN", "NG.SUN", "TI"],
    "PACW": ["D", "ID.BPAT", "ID.CISO", "NG.WAT", "TI"],
    "US48": ["D", "ID.MEX", "NG.WAT"],
}


def table() -> pl.DataFrame:
    """Returns rows of four routes: numbers, nulls and hours that are missing."""
    rows: list[tuple[str, str, str, float | None, str]] = []
    for code, names in SERIES.items():
        for place, name in enumerate(sorted(names)):
            for hour in range(len(HOURS)):
                period = label(HOURS.start + hour * HOUR)
                kind = (hour * 7 + place) % 29
                value = None if kind < 2 else (-1) ** place * (hour + place / 8)
                rows.append(
                    (period, code, name, value, ["missing", "null"][kind] if kind < 2 else "reported")
                )
    return table_frame(rows)


def prepared(server: ReplayServer, out: Path, **values: Any) -> Prepared:
    given = {
        "start": HOURS.first_label,
        "end": HOURS.last_label,
        "regions": tuple(SERIES),
        "series": "D,TI,ng.*,id.*,d.*",
        "rate_limit": "off",
        "base_url": server.url,
        "out": out,
        "records_per_request": 200,
    }
    return prepare(HourlySettings.of(given | values), api_key=SecretStr("a-key-of-the-tests"))


@pytest.mark.parametrize("batch_days", ["auto", 3])
def test_what_a_server_has_on_four_routes_is_what_the_table_has(batch_days: Any, tmp_path: Path) -> None:
    with serve(table()) as server:
        promised = planned(prepared(server, tmp_path, batch_days=batch_days))
        summary, code = ran(prepared(server, tmp_path, batch_days=batch_days), lambda _: None)

    assert code == 0
    assert plain_rows(pl.read_parquet(summary["parquet"])) == plain_rows(
        table().sort(pl.col("respondent", "series").cast(pl.String), "period")
    )
    assert [step["step_id"] for step in summary["steps"]] == [
        "extract-region-data",
        "extract-fuel-type-data",
        "extract-interchange-data",
        "extract-region-sub-ba-data",
        "transform",
    ]
    assert promised["requests"]["least"] <= summary["http_requests"] <= promised["requests"]["most"]
    assert [finding["detail"] for finding in summary["findings"] if finding["name"] == "series-present"] == [
        "The source has no rows for PACW D.all, US48 D.all, US48 TI."
    ]
    assert not [finding for finding in summary["findings"] if finding["name"] == "rows-present"]


def test_single_neighbours_and_sub_areas_can_be_asked_for(tmp_path: Path) -> None:
    with serve(table()) as server:
        summary, code = ran(
            prepared(server, tmp_path, series="id.cen,ID.CISO,d.frep", regions="PACW,CISO"), lambda _: None
        )
        facets = [
            request.params["facets"]
            for request in server.requests
            if request.path.rstrip("/").endswith("/data")
        ]

    assert code == 0
    assert summary["series"] == ("D.frep", "ID.CEN", "ID.CISO")
    assert [(item["respondent"], item["series"]) for item in summary["respondents"]] == [
        ("CISO", 2),
        ("PACW", 1),
    ]
    assert {"parent": ["CISO"], "subba": ["frep"]} in facets
    (absent,) = (finding for finding in summary["findings"] if finding["name"] == "series-present")
    assert "PACW D.frep, PACW ID.CEN" in absent["detail"]
