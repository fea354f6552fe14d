"""``gridloom resume``; what it refuses is tested with `gridloom.pipelines.resume`."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.cli.conftest import SMALL, Call
from tests.e2e.processes import Done, gridloom, start, table, wait_until
from tests.e2e.servers import asked_windows, sample_part, serve
from tests.support.interrupted import cut_off

from gridloom.extract.replay import ReplayServer


@pytest.fixture
def server() -> Iterator[ReplayServer]:
    with serve(sample_part(["PACW", "ERCO"], ["D", "NG.WND"], days=20), latency_ms=80) as running:
        yield running


def arguments(url: str) -> list[str]:
    return [
        *("year", "--base-url", url, "--rate-limit", "off", "--concurrency", "1", "--batch-days", "4"),
        *("--regions", "PACW,ERCO", "--series", "D,NG.WND", "--name", "table"),
        *("--start", "2019-01-01T00", "--end", "2019-01-20T23"),
    ]


def test_a_killed_run_is_carried_on_and_nothing_is_asked_twice(server: ReplayServer, tmp_path: Path) -> None:
    started = start(*arguments(server.url), cwd=tmp_path, key="any")
    wait_until(lambda: server.request_count >= 8)
    started.send(signal.SIGKILL)
    started.done()
    (stopped,) = gridloom("runs", "list", "--json", cwd=tmp_path).json["runs"]
    # the request under way when it was killed has not landed
    landed, before = len(list((tmp_path / "data" / "raw").rglob("receipt.json"))), server.request_count

    done = gridloom("resume", "latest", "--json", cwd=tmp_path, key="any")
    resumed, after = asked_windows(server.requests[before:]), server.request_count
    whole = gridloom(*arguments(server.url), "--out", "whole", cwd=tmp_path, key="any")

    assert stopped["outcome"] == "interrupted"
    assert done.code == whole.code == 0
    assert done.json["outcome"] == "succeeded"
    assert done.json["run_id"] != stopped["run_id"]
    assert f"Note: run {stopped['run_id']} was interrupted; done: nothing; to do: extract-" in done.err
    assert landed > 0
    assert len(resumed) == len(asked_windows(server.requests[after:])) - landed
    assert table(tmp_path / "data").read_bytes() == table(tmp_path / "whole").read_bytes()


def test_of_one_that_succeeded_everything_is_verified(made: Done, call: Call) -> None:
    done = call("resume", "latest")

    assert done.code == 0
    assert "everything is done already, and is only verified" in done.err
    assert "transform            cached" in done.out


def test_one_at_work_is_refused_with_one_object(made: Done, call: Call, tmp_path: Path) -> None:
    cut_off(Path("data"), next(Path("data/runs").iterdir()).name, alive=True)
    done = call("resume", "latest", "--json")

    assert done.code == 2
    assert done.json["error"]["type"] == "UsageError"
    assert "still at work" in done.json["error"]["message"]


def test_the_rest_is_done_in_a_folder_of_another_name(made: Done, call: Call, tmp_path: Path) -> None:
    cut_off(Path("data"), next(Path("data/runs").iterdir()).name, "transform")
    Path("data/hourly/day.parquet").unlink()
    Path("data").rename("elsewhere")
    done = call("resume", "latest", "--out", "elsewhere", "--json", "-q")

    assert done.code == 0
    assert done.err == ""
    assert done.json["parquet"] == "elsewhere/hourly/day.parquet"
    assert [step["outcome"] for step in done.json["steps"]] == ["cached", "executed"]
    assert not Path("data").exists()


def test_no_such_run(call: Call) -> None:
    done = call("resume", "latest")

    assert done.code == 2
    assert "There are no runs in data yet" in done.error


def test_a_partial_beginning_of_an_id(made: Done, call: Call) -> None:
    run_id = next(Path("data/runs").iterdir()).name
    call(*SMALL)

    assert call("resume", run_id[:-2]).code == 0


def test_a_load_and_its_shards_are_shown_as_their_own_commands_show_them(made: Done, call: Call) -> None:
    file = "data/hourly/day.parquet"
    first = call("load", file, "--context", "6", "--horizon", "2")
    loaded = call("resume", "latest")
    call("ring", "prep", "data/tensors/day", "--ranks", "2")
    shards = call("resume", "latest", "--json")

    assert (first.code, loaded.code, shards.code) == (0, 0, 0)
    assert first.out.partition("of context")[0] == loaded.out.partition("of context")[0]
    assert "load cached" in loaded.out
    assert shards.json["ranks"] == 2
