from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from tests.e2e.servers import sample_part, serve

from gridloom.dag.events import Event, RunFinished, decode
from gridloom.extract.replay import ReplayServer
from gridloom.load.dataset import GridDataset
from gridloom.load.ring import RingShard
from gridloom.pipelines.hourly import Prepared, prepare
from gridloom.pipelines.plan_summary import planned
from gridloom.pipelines.settings import HourlySettings
from gridloom.pipelines.summary import ran

CONTRACT = {
    "run_id",
    "outcome",
    "parquet",
    "rows",
    "hours_missing",
    "http_requests",
    "rows_received",
    "duration_s",
    "steps",
}
STEP = {"step_id", "outcome", "reason", "duration_s", "rows", "outputs"}
RUN_MORE = {
    "dataset",
    "ring",
    "retries",
    "source",
    "first",
    "last",
    "rows_first",
    "rows_last",
    "respondents",
    "series",
    "findings",
    "proof",
    "warnings",
    "run_dir",
    "report",
}
PLAN_MORE = {
    "source",
    "first",
    "last",
    "regions",
    "asked_series",
    "notes",
    "rate_limit",
    "windows",
    "windows_landed",
    "requests",
    "limiter_s",
    "limiter_least_s",
    "warnings",
}
KEY = SecretStr("a-key-of-the-tests")


@pytest.fixture
def server() -> Iterator[ReplayServer]:
    with serve(sample_part(["PACW", "ERCO"], ["D", "NG.WND"])) as running:
        yield running


def prepared(server: ReplayServer, out: Path, **values: Any) -> Prepared:
    given = {
        "start": "2019-01-01T00",
        "end": "2019-03-01T23",
        "regions": "PACW,ERCO",
        "series": "D,NG.WND",
        "rate_limit": "off",
        "base_url": server.url,
        "out": out,
    }
    return prepare(HourlySettings.of(given | values), api_key=KEY)


def silent(_event: Event) -> None:
    pass


def test_a_run_is_told_as_the_contract_says(server: ReplayServer, tmp_path: Path) -> None:
    summary, code = ran(prepared(server, tmp_path), silent)

    assert code == 0
    assert summary.keys() == CONTRACT | RUN_MORE
    assert [step.keys() for step in summary["steps"]] == [STEP | {"requests"}] * 3
    assert summary["outcome"] == "succeeded"
    assert summary["parquet"] == tmp_path / "hourly" / "eia930_2019-01-01T00_2019-03-01T23.parquet"
    assert summary["rows"] == 4 * 60 * 24
    assert summary["rows_received"] == sum(request.rows for request in server.requests)
    assert summary["http_requests"] == server.request_count
    assert summary["rows"] - summary["rows_received"] == summary["hours_missing"] > 0
    assert [step["outcome"] for step in summary["steps"]] == ["executed"] * 3
    assert [item["respondent"] for item in summary["respondents"]] == ["ERCO", "PACW"]
    assert sum(item["hours_missing"] for item in summary["respondents"]) == summary["hours_missing"]


def test_a_cached_run_received_nothing_but_has_its_rows(server: ReplayServer, tmp_path: Path) -> None:
    first, _ = ran(prepared(server, tmp_path), silent)
    asked = server.request_count
    again, code = ran(prepared(server, tmp_path), silent)

    assert code == 0
    assert server.request_count == asked
    assert (again["http_requests"], again["rows_received"]) == (0, 0)
    assert again["rows"] == first["rows"]
    assert again["respondents"] == first["respondents"]
    assert [step["outcome"] for step in again["steps"]] == ["cached"] * 3


def test_a_plan_is_told_as_the_contract_says_and_nothing_is_asked_or_written(
    server: ReplayServer, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    summary = planned(prepared(server, out))

    assert summary.keys() == CONTRACT | PLAN_MORE
    assert all(step.keys() >= STEP | {"decision"} for step in summary["steps"])
    assert summary["outcome"] == "planned"
    assert [step["decision"] for step in summary["steps"]] == ["run"] * 3
    assert server.request_count == 0
    assert not out.exists()


def test_the_plan_after_a_run_says_cached(server: ReplayServer, tmp_path: Path) -> None:
    ran(prepared(server, tmp_path), silent)
    summary = planned(prepared(server, tmp_path))

    assert [step["decision"] for step in summary["steps"]] == ["cached"] * 3
    assert (summary["windows"], summary["requests"]["most"]) == (0, 0)


def test_a_plan_names_the_table_that_it_replaces(server: ReplayServer, tmp_path: Path) -> None:
    ran(prepared(server, tmp_path, name="mine"), silent)
    summary = planned(prepared(server, tmp_path, name="mine", regions="PACW"))

    assert "replaces mine: 2 → 1 respondents" in summary["steps"][-1]["replaces"]


def test_a_failed_run_says_why(server: ReplayServer, tmp_path: Path) -> None:
    summary, code = ran(prepared(server, tmp_path, start="2021-01-01T00", end="2021-01-01T23"), silent)

    assert code == 1
    assert summary.keys() == CONTRACT | RUN_MORE | {"error"}
    assert (summary["outcome"], summary["parquet"], summary["rows"]) == ("failed", None, 0)
    assert summary["error"]["type"] == "NoDataError"
    assert "2019-01-01T00 to 2019-03-01T23" in summary["error"]["message"]


def test_a_run_through_extract_has_no_table(server: ReplayServer, tmp_path: Path) -> None:
    summary, code = ran(prepared(server, tmp_path, through="extract"), silent)

    assert code == 0
    assert summary["parquet"] is None
    assert [step["step_id"] for step in summary["steps"]] == ["extract-region-data", "extract-fuel-type-data"]
    assert not (tmp_path / "hourly").exists()


def test_a_run_through_ring_makes_tensors_and_shards(server: ReplayServer, tmp_path: Path) -> None:
    summary, code = ran(prepared(server, tmp_path, name="mine", through="ring"), silent)

    assert code == 0
    assert [step["step_id"] for step in summary["steps"]][2:] == ["transform", "load", "ring"]
    assert summary["parquet"] == tmp_path / "hourly" / "mine.parquet"
    assert summary["dataset"] == tmp_path / "tensors" / "mine"
    assert summary["ring"] == tmp_path / "ring" / "mine"
    dataset, shards = (
        GridDataset.open(summary["dataset"]),
        [RingShard.open(summary["ring"], r) for r in range(4)],
    )
    assert dataset.steps == shards[0].layout.length == 60 * 24
    assert sum(len(shard.positions) for shard in shards) == 60 * 24


def test_a_run_through_load_makes_no_shards(server: ReplayServer, tmp_path: Path) -> None:
    summary, code = ran(prepared(server, tmp_path, name="mine", through="load"), silent)

    assert code == 0
    assert summary["dataset"] == tmp_path / "tensors" / "mine"
    assert summary["ring"] is None
    assert not (tmp_path / "ring").exists()


def test_a_valid_code_without_rows_is_a_finding(server: ReplayServer, tmp_path: Path) -> None:
    summary, code = ran(prepared(server, tmp_path, regions="PACW,CISO", series="D"), silent)

    assert code == 0
    assert ["CISO" in finding["detail"] for finding in summary["findings"]].count(True) >= 1
    assert [item["respondent"] for item in summary["respondents"]] == ["PACW"]


def test_a_listener_that_raises_changes_nothing_but_the_log(server: ReplayServer, tmp_path: Path) -> None:
    def broken(_event: Event) -> None:
        raise RuntimeError("the screen is gone")

    summary, code = ran(prepared(server, tmp_path), broken)

    assert (code, summary["outcome"]) == (0, "succeeded")
    events = [decode(line) for line in (summary["run_dir"] / "events.jsonl").read_text().splitlines()]
    assert isinstance(events[-1], RunFinished)
    assert sum("the screen is gone" in str(event) for event in events) == 1


def test_hours_that_the_source_lacks_are_told_apart_from_those_it_has(
    server: ReplayServer, tmp_path: Path
) -> None:
    summary, code = ran(prepared(server, tmp_path, start="2018-12-30T00", end="2019-01-02T23"), silent)

    assert code == 0
    assert (summary["first"], summary["last"]) == ("2018-12-30T00", "2019-01-02T23")
    assert (summary["rows_first"], summary["rows_last"]) == ("2019-01-01T00", "2019-01-02T23")
    assert [each["detail"] for each in summary["findings"] if each["name"] == "hours-covered"] == [
        "Asked for 2018-12-30T00 to 2019-01-02T23; there are rows from 2019-01-01T00 to 2019-01-02T23 only."
    ]


def test_a_plan_says_which_hours_are_known_to_have_no_rows(tmp_path: Path) -> None:
    settings = {"start_year": 2015, "end_year": 2030, "regions": "PACW", "out": str(tmp_path)}

    notes = planned(prepare(HourlySettings.of(settings), api_key=KEY))["notes"]

    assert "The API's history starts at 2019-01-01T00" in notes[0]
    assert "2030-12-31T23 lies in the future" in notes[1]


def test_a_key_that_is_a_word_of_our_names_hides_no_name_and_costs_no_cache(
    server: ReplayServer, tmp_path: Path
) -> None:
    settings = {"year": 2019, "regions": "PACW", "series": "D", "out": tmp_path, "base_url": server.url}
    reports = [
        ran(prepare(HourlySettings.of(settings), api_key=SecretStr("data")), silent)[0] for _ in range(2)
    ]

    assert [step["step_id"] for step in reports[0]["steps"]] == ["extract-region-data", "transform"]
    assert [step["outcome"] for step in reports[1]["steps"]] == ["cached", "cached"]
    assert "***" not in (reports[0]["run_dir"] / "events.jsonl").read_text()
