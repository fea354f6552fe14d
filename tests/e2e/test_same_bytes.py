"""The same rows whatever the batches, byte for byte; what the plan says is what the server sees."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from tests.e2e.processes import Done, gridloom, leftovers, start, table
from tests.e2e.servers import arguments, asked_windows, serve

from gridloom.cli import main
from gridloom.extract.replay import LoggedRequest, ReplayServer

WAYS = {
    "60 days, 2,500 records": ["--batch-days", "60", "--records-per-request", "2500"],
    "90 days, one at a time": ["--batch-days", "90", "--concurrency", "1", "--max-parallel", "1"],
    "7 days, eight at a time": ["--batch-days", "7", "--concurrency", "8"],
    "500 records, another order": [
        *("--records-per-request", "500", "--regions", "ERCO,PACW,ERCO", "--series", "NG.*,D")
    ],
}


@dataclass(frozen=True)
class Ran:
    """A run of its own server: how it ended, what it made, and what the server saw."""

    done: Done
    folder: Path
    requests: Sequence[LoggedRequest]


@pytest.fixture(scope="module")
def ran(frame: pl.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Ran]:
    """A run for each way of asking."""
    folders = {way: tmp_path_factory.mktemp("way") for way in WAYS}
    with ExitStack() as stack:
        servers = {way: stack.enter_context(serve(frame)) for way in WAYS}
        started = {
            way: start(*arguments(servers[way].url), *flags, cwd=folders[way], key="any")
            for way, flags in WAYS.items()
        }
        return {
            way: Ran(process.done(), folders[way], servers[way].requests) for way, process in started.items()
        }


@pytest.mark.parametrize("way", WAYS)
def test_the_bytes_are_those_of_the_standard_batches(
    way: str, ran: dict[str, Ran], undisturbed: Path, frame: pl.DataFrame
) -> None:
    file = table(ran[way].folder / "data")

    assert ran[way].done.code == 0
    assert file.read_bytes() == table(undisturbed).read_bytes()
    assert pl.read_parquet(file).equals(frame)


@pytest.mark.parametrize("way", WAYS)
def test_the_plan_is_what_the_server_then_sees(
    way: str,
    ran: dict[str, Ran],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("EIA_API_KEY", "any")
    with pytest.raises(SystemExit):
        main([*arguments("http://127.0.0.1:1/v2", "--out", str(tmp_path)), *WAYS[way], "--dry-run"])
    plan: dict[str, Any] = json.loads(capsys.readouterr().out)
    steps = {step["step_id"]: step for step in plan["steps"]}
    requests, done = ran[way].requests, ran[way].done.json
    pages = asked_windows(requests)

    for route in ("region-data", "fuel-type-data"):
        promised = steps[f"extract-{route}"]
        asked = [page for page in pages if page[0] == route]
        seen = len(asked) + 1  # one for the route's metadata
        assert len({page[:3] for page in asked}) == promised["windows"]
        assert promised["requests"]["least"] <= seen <= promised["requests"]["most"]
    demand = steps["extract-region-data"]["requests"]
    assert demand["least"] == demand["most"]
    assert set(pages.values()) == {1}
    assert len(requests) == done["http_requests"]
    assert sum(request.rows for request in requests) == done["rows_received"]
    assert plan["windows"] == sum(step.get("windows", 0) for step in plan["steps"])


def test_optimized_with_batches_of_90_days(server: ReplayServer, tmp_path: Path) -> None:
    # The server has two of the four regions; the others are findings, not silence.
    done = gridloom(
        *("year", "--base-url", server.url, "--rate-limit", "off", "--optimized", "--batch-days", "90"),
        *("--start", "2019-01-01T00", "--end", "2019-04-30T23", "--json"),
        cwd=tmp_path,
        key="any",
    )

    windows = {page[1:3] for page in asked_windows(server.requests) if page[0] == "fuel-type-data"}
    assert done.code == 0
    assert windows == {
        (first, code)
        for first in ("2019-01-01T00", "2019-04-01T00")
        for code in ("ERCO", "NYIS", "PACW", "PJM")
    }
    said = " ".join(finding["detail"] for finding in done.json["findings"])
    assert "NYIS" in said
    assert "PJM" in said
    assert [item["respondent"] for item in done.json["respondents"]] == ["ERCO", "PACW"]


def test_through_extract_stops_at_the_raw_pages(server: ReplayServer, tmp_path: Path) -> None:
    done = gridloom(*arguments(server.url), "--through", "extract", cwd=tmp_path, key="any")
    asked = server.request_count
    made = (tmp_path / "data" / "hourly").exists()
    then = gridloom(*arguments(server.url), cwd=tmp_path, key="any")

    assert done.code == then.code == 0
    assert done.json["parquet"] is None
    assert not made
    assert [step["outcome"] for step in then.json["steps"]] == ["cached", "cached", "executed"]
    assert server.request_count == asked


def test_force_asks_again_and_the_bytes_are_the_same(server: ReplayServer, out: Path) -> None:
    before = table(out).read_bytes()
    again = gridloom(*arguments(server.url), "--force", cwd=out.parent, key="any")

    assert again.code == 0
    assert {step["outcome"] for step in again.json["steps"]} == {"executed"}
    assert len(asked_windows(server.requests)) == 3 * 3  # three batches: one of demand, two of fuels
    assert server.request_count == 3 * 3 + 2
    assert table(out).read_bytes() == before


def _damage(path: Path, how: str) -> None:
    whole = path.read_bytes()
    middle = len(whole) // 2
    if how == "delete":
        path.unlink()
    elif how == "truncate":
        path.write_bytes(whole[:middle])
    else:
        path.write_bytes(whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :])


@pytest.mark.parametrize("how", ["truncate", "flip a bit"])
def test_a_damaged_table_comes_back_without_a_request(how: str, server: ReplayServer, out: Path) -> None:
    before = table(out).read_bytes()
    _damage(table(out), how)

    again = gridloom(*arguments(server.url), cwd=out.parent, key="any")

    assert again.code == 0
    assert again.json["steps"][-1]["outcome"] == "executed"
    assert server.request_count == again.json["http_requests"] == 0
    assert table(out).read_bytes() == before
    assert leftovers(out) == []


@pytest.mark.parametrize("how", ["delete", "truncate", "flip a bit"])
def test_a_damaged_raw_page_costs_its_window_and_no_more(how: str, server: ReplayServer, out: Path) -> None:
    before = table(out).read_bytes()
    _damage(min((out / "raw").rglob("page-*.json.gz")), how)

    again = gridloom(*arguments(server.url), cwd=out.parent, key="any")

    assert again.code == 0
    assert server.request_count == 1
    assert server.requests[0].rows > 0
    assert again.json["steps"][-1]["outcome"] == "cached"
    assert table(out).read_bytes() == before
    assert leftovers(out) == []


def test_two_runs_at_once_in_one_folder_both_succeed(
    server: ReplayServer, undisturbed: Path, tmp_path: Path
) -> None:
    started = [start(*arguments(server.url, "--batch-days", "5"), cwd=tmp_path, key="any") for _ in range(2)]
    done = [process.done() for process in started]

    assert [(item.code, item.json["outcome"]) for item in done] == [(0, "succeeded")] * 2
    assert len({item.json["run_id"] for item in done}) == 2
    assert table(tmp_path / "data").read_bytes() == table(undisturbed).read_bytes()
    assert leftovers(tmp_path / "data") == []
