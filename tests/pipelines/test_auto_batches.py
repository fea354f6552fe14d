"""Windows of full pages from the settings to the table, and what the plan says of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from tests.e2e.servers import sample_part, serve

from gridloom.dag.events import Event
from gridloom.errors import ConfigError
from gridloom.extract.limiter import limiter_seconds
from gridloom.extract.replay import ReplayServer
from gridloom.pipelines.hourly import Prepared, prepare
from gridloom.pipelines.plan_summary import planned
from gridloom.pipelines.settings import HourlySettings
from gridloom.pipelines.summary import ran

KEY = SecretStr("a-key-of-the-tests")
CODES = ("ERCO", "PACW", "PJM")


@pytest.fixture
def server() -> Iterator[ReplayServer]:
    with serve(sample_part(CODES, ["D", "NG.WND", "NG.SUN"])) as running:
        yield running


def prepared(server: ReplayServer, out: Path, **values: Any) -> Prepared:
    given = {
        "start": "2019-01-01T00",
        "end": "2019-03-01T23",
        "regions": CODES,
        "series": "D,NG.all",
        "rate_limit": "off",
        "base_url": server.url,
        "out": out,
        "records_per_request": 500,
        "batch_days": "auto",
    }
    return prepare(HourlySettings.of(given | values), api_key=KEY)


def silent(_event: Event) -> None:
    pass


@pytest.mark.parametrize("batch_days", ["auto", 45, "45"])
def test_a_number_of_days_or_auto(batch_days: Any) -> None:
    resolved = HourlySettings.of({"batch_days": batch_days, "optimized": True}).resolved()

    assert resolved.batch_days == ("auto" if batch_days == "auto" else 45)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("Auto", "it has to be a whole number or 'auto'. (Days per request window, or 'auto' for windows"),
        (1.5, "it has to be a whole number"),
        (-1, "it has to be 1 or more"),
    ],
)
def test_anything_else_is_met_with_both(value: Any, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        HourlySettings.of({"batch_days": value})

    assert f"`batch_days` cannot be {value!r}: {said}" in str(caught.value)


def test_auto_makes_the_same_table_of_fewer_requests_and_keeps_to_its_plan(
    server: ReplayServer, tmp_path: Path
) -> None:
    promised = planned(prepared(server, tmp_path / "auto"))
    auto, code = ran(prepared(server, tmp_path / "auto"), silent)
    standard, _ = ran(prepared(server, tmp_path / "45", batch_days=45), silent)

    assert code == 0
    assert Path(auto["parquet"]).read_bytes() == Path(standard["parquet"]).read_bytes()
    assert auto["rows_received"] == standard["rows_received"]
    assert promised["requests"]["least"] <= auto["http_requests"] <= promised["requests"]["most"]
    rows = f"{auto['rows_received']:,}"
    assert auto["proof"] == f"{promised['windows']} of {promised['windows']} windows, {rows} of {rows} rows."
    metadata = promised["requests"]["metadata"]
    full_pages = -(-auto["rows_received"] // 500)
    assert auto["http_requests"] - metadata <= full_pages + promised["windows"]
    assert auto["http_requests"] < standard["http_requests"]


def test_a_second_run_asks_for_nothing_and_a_forced_one_says_what_it_will_ask(
    server: ReplayServer, tmp_path: Path
) -> None:
    first, _ = ran(prepared(server, tmp_path), silent)
    asked = server.request_count
    again, _ = ran(prepared(server, tmp_path), silent)
    assert (server.request_count, again["http_requests"]) == (asked, 0)
    assert again["proof"] == first["proof"]

    promised = planned(prepared(server, tmp_path, force=True))
    forced, _ = ran(prepared(server, tmp_path, force=True), silent)

    assert promised["windows"] > 0
    assert promised["requests"]["metadata"] == 2
    assert promised["requests"]["least"] <= forced["http_requests"] <= promised["requests"]["most"]
    assert forced["http_requests"] == first["http_requests"]


def test_the_plan_says_how_long_one_limiter_makes_all_requests_last(
    server: ReplayServer, tmp_path: Path
) -> None:
    summary = planned(prepared(server, tmp_path, rate_limit=2))

    assert summary["requests"]["least"] < summary["requests"]["most"]
    assert summary["limiter_least_s"] == round(limiter_seconds(summary["requests"]["least"], 2), 1)
    assert summary["limiter_s"] == round(limiter_seconds(summary["requests"]["most"], 2), 1)
    assert summary["limiter_s"] > max(step.get("limiter_s", 0) for step in summary["steps"])


def test_a_respondent_without_rows_is_said_once(server: ReplayServer, tmp_path: Path) -> None:
    summary, _ = ran(prepared(server, tmp_path, regions="PACW,CISO,AVRN"), silent)
    extracted, _ = ran(prepared(server, tmp_path, regions="PACW,CISO,AVRN", through="extract"), silent)

    said = [finding["detail"] for finding in summary["findings"] if "CISO" in finding["detail"]]
    assert said == [
        "The source has no rows for AVRN D (generation only), AVRN NG.all, CISO D, CISO NG.all.",
    ]
    # Where no table is made, what the extract found is all there is.
    assert sum("CISO" in finding["detail"] for finding in extracted["findings"]) == 2
