"""A run at work in another process, as server-sent events."""

from __future__ import annotations

import json
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
from tests.report.runs import Page
from tests.support.interrupted import cut_off
from tests.ui.conftest import Shown, at_work, newest, pages


def messages(client: httpx2.Client, path: str, last: str | None = None) -> Iterator[tuple[str, int, Any]]:
    """Yields kind, number and data of each message."""
    headers = {} if last is None else {"last-event-id": last}
    with client.stream("GET", path, headers=headers) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        fields: dict[str, str] = {}
        for line in answer.iter_lines():
            name, _, value = line.partition(": ")
            if line:
                fields[name] = value
            elif "data" in fields:
                yield fields["event"], int(fields.get("id", 0)), json.loads(fields["data"])
                fields = {}


def test_a_run_of_another_process_is_followed_to_its_end(tmp_path: Path) -> None:
    with pages(tmp_path) as url, httpx2.Client(base_url=url, timeout=30) as client:
        with at_work(tmp_path) as (process, _):
            run_id = newest(tmp_path)
            page = client.get(f"/runs/{run_id}").text
            heard = list(messages(client, f"/runs/{run_id}/events?after=0"))
            assert process.process.wait(30) == 0
        after = Page(client.get(f"/runs/{run_id}").text)

    kinds = [kind for kind, _, _ in heard]
    assert 'src="/static/live.js"' in page
    assert '<meta http-equiv="refresh"' in page
    assert kinds[-1] == "end"
    assert {"state", "clock"} <= set(kinds)
    shares = [
        step["share"]
        for kind, _, data in heard
        if kind == "state"
        for step in data["steps"]
        if step["step_id"] == "extract-region-data" and step["share"] is not None
    ]
    assert shares == sorted(shares)
    assert len(set(shares)) > 1
    end = heard[-1][2]
    assert end["head"]["outcome"] == "succeeded"
    assert end["head"]["counts"] == ["2 executed"]
    assert "2 executed" in after.words


def test_a_run_that_is_killed_ends_as_interrupted(tmp_path: Path) -> None:
    with pages(tmp_path) as url, httpx2.Client(base_url=url, timeout=30) as client, at_work(tmp_path) as work:
        heard = []
        for message in messages(client, f"/runs/{newest(tmp_path)}/events"):
            heard.append(message)
            if any(step["state"] == "running" for step in message[2].get("steps", ())):
                work[0].send(signal.SIGKILL)
                work[0].process.wait(30)

    kind, _, data = heard[-1]
    assert (kind, data["head"]["outcome"]) == ("end", "interrupted")
    assert {step["state"] for step in data["steps"]} == {"interrupted", "pending"}


def test_who_comes_back_hears_what_it_missed_and_nothing_twice(shown: Shown, tmp_path: Path) -> None:
    _, folder, runs = shown
    shutil.copytree(folder / "data", tmp_path / "data")
    cut_off(tmp_path / "data", runs[1], alive=True)
    log = tmp_path / "data" / "runs" / runs[1] / "events.jsonl"
    lines = log.read_bytes().splitlines(keepends=True)
    log.write_bytes(b"".join(lines[:3]))
    with pages(tmp_path) as url, httpx2.Client(base_url=url, timeout=30) as client:
        path = f"/runs/{runs[1]}/events?after=0"
        _, number, first = next(messages(client, path))
        with log.open("ab") as more:
            more.write(b"".join(lines[3:5]) + lines[5][:9])
        _, later, missed = next(messages(client, path, last=str(number)))
        unread = next(messages(client, path, last=str(later)))
        garbage = next(messages(client, path, last="x"))

    assert (number, later) == (3, 5)
    assert len(first["steps"]) == 2
    assert all(step["step_id"] == "extract-region-data" for step in missed["steps"])
    assert unread[0] == "clock"
    assert garbage[1] == 5


def test_the_server_ends_while_somebody_listens(shown: Shown, tmp_path: Path) -> None:
    _, folder, runs = shown
    shutil.copytree(folder / "data", tmp_path / "data")
    cut_off(tmp_path / "data", runs[1], alive=True)
    log = tmp_path / "data" / "runs" / runs[1] / "events.jsonl"
    log.write_bytes(b"".join(log.read_bytes().splitlines(keepends=True)[:3]))
    with httpx2.Client(timeout=30) as client:
        with pages(tmp_path) as url:
            heard = messages(client, f"{url}runs/{runs[1]}/events")
            next(heard)
        rest = list(heard)

    assert "end" not in [kind for kind, _, _ in rest]
