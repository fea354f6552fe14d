"""Stopped at any moment, politely or not: whole files or none, and the next run carries on from there."""

from __future__ import annotations

import json
import random
import signal
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest
from tests.e2e.canary import CANARY, files_with_a_key, said_a_key
from tests.e2e.processes import Done, Started, gridloom, leftovers, start, table, wait_until
from tests.e2e.servers import arguments, asked_windows, serve

from gridloom.extract.replay import LoggedRequest, ReplayServer
from gridloom.grid.raw import read_pages, read_receipt

SLOWLY = ("--batch-days", "4", "--concurrency", "2")
"""Many small windows, few at a time."""

Windows = Counter[tuple[str, str, str, int]]


@pytest.fixture
def slow_server(frame: pl.DataFrame) -> Iterator[ReplayServer]:
    with serve(frame, latency_ms=60) as running:
        yield running


def landed(out: Path) -> Windows:
    """Returns the windows that stand whole; one that stands and is not whole fails the test."""
    found: Windows = Counter()
    for path in (out / "raw").glob("*/*/receipt.json"):
        if path.parent.name.startswith(".staging-"):
            continue
        receipt = read_receipt(path.parent)
        assert sum(1 for _ in read_pages(path.parent, receipt)) == len(receipt.pages)
        request = receipt.request
        found[request["route"], request["start"], ",".join(request["facets"]["respondent"]), 0] += 1
    return found


def asked_since(server: ReplayServer, seen: int) -> Windows:
    requests: tuple[LoggedRequest, ...] = server.requests[seen:]
    return asked_windows(requests)


def _wait_for_requests(server: ReplayServer, enough: int, started: Started) -> None:
    wait_until(lambda: server.request_count >= enough or started.process.poll() is not None)


def only_run(out: Path) -> Path:
    runs = list((out / "runs").iterdir())
    assert len(runs) == 1
    return runs[0]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])
def test_a_signal_ends_the_run_cleanly_and_the_next_one_carries_on(
    number: signal.Signals, slow_server: ReplayServer, undisturbed: Path, tmp_path: Path
) -> None:
    out = tmp_path / "data"
    started = start(*arguments(slow_server.url), *SLOWLY, cwd=tmp_path, key=CANARY)
    wait_until(lambda: slow_server.request_count >= 10)
    started.send(number)
    stopped = started.done()
    record = json.loads((only_run(out) / "results.json").read_text())
    stands, left, seen = landed(out), leftovers(out), slow_server.request_count

    again = gridloom(*arguments(slow_server.url), *SLOWLY, cwd=tmp_path, key=CANARY)

    assert stopped.code == 130
    assert stopped.json["error"]["type"] == "InterruptedRunError"
    assert number.name in stopped.json["error"]["message"]
    assert f"`gridloom resume {record['run_id']} --out data` carries on." in stopped.json["error"]["message"]
    assert (record["outcome"], stopped.json["outcome"]) == ("interrupted", "failed")
    listed = gridloom("runs", "list", "--json", cwd=tmp_path).json["runs"]
    assert [run["outcome"] for run in listed] == ["succeeded", "interrupted"]
    assert stands
    assert left == []
    assert again.code == 0
    assert not stands & asked_since(slow_server, seen)
    assert table(out).read_bytes() == table(undisturbed).read_bytes()
    assert files_with_a_key(tmp_path) == []
    assert said_a_key([stopped, again]) == []


def test_two_signals_end_it_at_once(slow_server: ReplayServer, tmp_path: Path) -> None:
    started = start(*arguments(slow_server.url), *SLOWLY, cwd=tmp_path, key=CANARY)
    wait_until(lambda: slow_server.request_count >= 4)
    started.send(signal.SIGINT)
    started.send(signal.SIGINT)

    assert started.done().code == 130


def test_killed_again_and_again_it_ends_with_the_same_bytes(
    slow_server: ReplayServer, undisturbed: Path, tmp_path: Path
) -> None:
    out, chance = tmp_path / "data", random.Random(930)
    killed: list[Done] = []
    for kill in range(7):
        stands, seen = landed(out), slow_server.request_count
        more = chance.randint(1, 9)
        started = start(*arguments(slow_server.url), *SLOWLY, cwd=tmp_path, key=CANARY)
        _wait_for_requests(slow_server, seen + more, started)
        time.sleep(chance.uniform(0, 0.06))
        started.process.kill()
        killed.append(started.done())
        assert not stands & asked_since(slow_server, seen), kill
        assert list((out / "hourly").glob("*")) in ([], [out / "hourly" / "table.parquet"])

    stands, seen = landed(out), slow_server.request_count
    last = gridloom(*arguments(slow_server.url), *SLOWLY, cwd=tmp_path, key=CANARY)

    assert Counter(item.code for item in killed)[-signal.SIGKILL] >= 5
    assert last.code == 0
    assert not stands & asked_since(slow_server, seen)
    assert table(out).read_bytes() == table(undisturbed).read_bytes()
    assert leftovers(out) == []
    assert files_with_a_key(tmp_path) == []
    assert said_a_key([*killed, last]) == []


def test_killed_while_the_table_is_made_or_committed(
    server: ReplayServer, undisturbed: Path, tmp_path: Path
) -> None:
    """All pages are there, so each of these runs is killed somewhere in the transform or its commit."""
    out, chance = tmp_path / "data", random.Random(930)
    assert gridloom(*arguments(server.url), "--through", "extract", cwd=tmp_path, key=CANARY).code == 0
    asked = server.request_count
    for _ in range(4):
        runs = len(list((out / "runs").iterdir()))
        started = start(*arguments(server.url), cwd=tmp_path, key=CANARY)
        wait_until(lambda before=runs: len(list((out / "runs").iterdir())) > before)  # type: ignore[misc]
        time.sleep(chance.uniform(0, 0.2))
        started.process.kill()
        started.done()
        for file in (out / "hourly").glob("*.parquet"):
            assert file.read_bytes() == table(undisturbed).read_bytes()

    last = gridloom(*arguments(server.url), cwd=tmp_path, key=CANARY)

    assert last.code == 0
    assert server.request_count == asked
    assert table(out).read_bytes() == table(undisturbed).read_bytes()
    assert leftovers(out) == []
