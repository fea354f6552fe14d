"""Flags of who listens, on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.cli.conftest import SMALL, Call
from tests.support.receivers import receiver

from gridloom.pipelines.listener_options import LISTENER_HELP

RUNNING = [["year"], ["demo"], ["run"], ["load"], ["ring", "prep"], ["resume"]]


@pytest.mark.parametrize("command", RUNNING, ids=" ".join)
def test_every_command_that_runs_something_takes_listeners(command: list[str], call: Call) -> None:
    text = call(*command, "--help").out

    assert [name for name in LISTENER_HELP if f"--{name.replace('_', '-')} " not in text] == []


def test_a_run_leaves_its_metrics_by_route(call: Call, tmp_path: Path) -> None:
    done = call(*SMALL, "--metrics-textfile", "m.prom", "--json")

    assert done.code == 0, done.err
    text = (tmp_path / "m.prom").read_text(encoding="utf-8")
    sample = 'gridloom_rows_total{pipeline="hourly",step="extract-region-data",route="region-data"} 48.0'
    assert sample in text.splitlines()


def test_a_run_that_fails_is_told_of_and_so_is_that_it_works_again(
    call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    with receiver(status=404) as server, receiver() as hook:
        monkeypatch.setenv("GRIDLOOM_NOTIFY", f"{hook.url}/hook")
        unanswered = ["--base-url", f"{server.url}/v2", "--rate-limit", "off"]
        monkeypatch.setenv("EIA_API_KEY", "any")
        failed = call(*[word for word in SMALL if word != "--sample"], *unanswered)
        worked = call(*SMALL)

    assert (failed.code, worked.code) == (1, 0)
    assert [json.loads(sent.body)["occasion"] for sent in hook.got] == ["failure", "recovery"]


def test_a_listener_that_fails_is_said_once(call: Call) -> None:
    with receiver(status=500) as hook:
        done = call(*SMALL, "--pushgateway", f"{hook.url}/secret")

    assert done.code == 0
    assert done.err.count("The Pushgateway at ") == 1
    assert "secret" not in done.err + done.out


BAD = {
    "port": (["--metrics-port", "99999"], "--metrics-port takes a port"),
    "file": (["--metrics-textfile", "m.txt"], "ends in .prom"),
    "hook": (["--notify", "secret-token"], "--notify takes an http or https URL"),
}


@pytest.mark.parametrize(("flags", "says"), BAD.values(), ids=BAD)
def test_a_listener_that_cannot_be_stops_before_any_work(
    call: Call, tmp_path: Path, flags: list[str], says: str
) -> None:
    done = call(*SMALL, *flags)

    assert done.code == 2
    assert says in done.err
    assert "secret-token" not in done.err
    assert list(tmp_path.iterdir()) == []
