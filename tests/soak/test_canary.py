"""A key is planted, every error of the weather is provoked, and all that was written or said is searched.

The key holds characters that URLs, JSON and HTML write in other ways, around a core that all of them
leave as it is: the search is for that core.
"""

from __future__ import annotations

import gzip
import html
import json
import logging
import traceback
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest
from starlette.requests import Request
from starlette.responses import Response
from tests.e2e.processes import gridloom
from tests.e2e.servers import closed_port, sample_part, serve
from tests.soak.schedules import HOURS, RESPONDENTS, SERIES, Schedule, pipeline

from gridloom.dag import RunOutcome, RunResult
from gridloom.extract.failures import Backoff
from gridloom.extract.replay import VERSIONS, Faults, ReplayData, ReplayOptions, ReplayServer
from gridloom.monitor.console import ConsoleMonitor

CORE = "c0re0fThePlantedKey"
PLANTED = f'x/+&"{CORE}=<%41>'

WEATHER = (
    "http500=1",
    "html502=1",
    "html503=1,retry_after=1",
    "html504=1",
    "html200=1",
    "notfound500=1",
    "over_rate_limit=1",
    "reset=1",
    "cut=1",
    "truncate=1",
    "stall=1,stall_s=1",
    "badkey=1",
    "suspend=9,suspend_s=9",
    "per_hour=9,suspend_s=9",
    "moving_total=1,inserted=1,unordered=1,http500=0.2,over_rate_limit=0.2,reset=0.2,truncate=0.2",
)
"""Every error that the stand-in server knows, each alone and for good, then some of them in passing."""

DATA = ReplayData.of_frame(sample_part(RESPONDENTS, SERIES, days=8))


@pytest.fixture(autouse=True)
def _time_runs_faster(monkeypatch: pytest.MonkeyPatch) -> None:
    waits = {"wait_initial": 0.01, "wait_max": 0.05, "wait_jitter": 0.0}
    monkeypatch.setattr(Backoff, "waits", property(lambda _: waits))


@pytest.fixture
def heard() -> Iterator[list[str]]:
    """Every log line of every library, with its traceback."""
    lines: list[str] = []
    handler = logging.Handler(logging.DEBUG)
    handler.emit = lambda record: lines.append(logging.Formatter().format(record))  # type: ignore[method-assign]
    root = logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield lines
    root.setLevel(before)
    root.removeHandler(handler)


def run(url: str, out: Path, schedule: Schedule) -> RunResult:
    """Runs extraction and transform, and says everything that can be said about it."""
    dag = pipeline(schedule, url, out, key=PLANTED, give_up_after_s=0.3)
    with ConsoleMonitor(verbose=True) as monitor:
        dag.subscribe(monitor)
        return dag.execute()


def schedule(faults: Faults) -> Schedule:
    return Schedule(faults=faults, version="2.1.8", batch_days=8, page_rows=400, concurrency=3)


def texts(result: RunResult) -> Iterator[str]:
    """Yields what a user or a program can make of a result and of the error in it."""
    yield repr(result)
    for step in result.steps.values():
        if step.error is not None:
            yield from (str(step.error), repr(step.error), repr(vars(step.error)))
            yield "".join(traceback.format_exception(step.error))


def leaks(folder: Path) -> list[Path]:
    """Returns the files whose bytes, packed or not, hold the key's core."""
    return [path for path in sorted(folder.rglob("*")) if path.is_file() and CORE.encode() in _bytes(path)]


def _bytes(path: Path) -> bytes:
    raw = path.read_bytes()
    # A torn file is what it is; whole ones are what we write.
    return raw + (gzip.decompress(raw) if path.suffix == ".gz" else b"") + str(path).encode()


@pytest.mark.parametrize(
    ("spec", "key_in_header"),
    [*((spec, False) for spec in WEATHER), *((spec, True) for spec in WEATHER[-1:])],
)
def test_weather_tells_nobody_the_key(
    spec: str, key_in_header: bool, tmp_path: Path, capfd: pytest.CaptureFixture[str], heard: list[str]
) -> None:
    faults = Faults.parse(f"seed=5,{spec}")
    # This version repeats the key of a query in each answer.
    options = ReplayOptions(
        key=PLANTED, key_in_header=key_in_header, version=VERSIONS["2.1.8"], faults=faults
    )
    with ReplayServer(DATA, options) as server:
        result = run(server.url, tmp_path, schedule(faults))
        places = {request.key_in for request in server.requests}

    out, err = capfd.readouterr()
    assert ("header" if key_in_header else "query") in places
    assert result.error is not None or result.totals["retries"]
    assert leaks(tmp_path) == []
    assert CORE not in out + err + "\n".join([*heard, *texts(result)])


def _echoes() -> dict[str, Response]:
    """Answers that hold the key in every way in which a server might write it."""
    forms = [PLANTED, quote(PLANTED, safe=""), quote_plus(PLANTED), json.dumps(PLANTED)[1:-1]]
    plain = " ".join(forms)
    error = {"error": {"code": "SOMETHING", "message": PLANTED}, "request": {"params": {"api_key": PLANTED}}}
    rows = {
        "response": {"total": "1", "data": [{"period": PLANTED}]},
        "request": {"params": {"api_key": PLANTED}},
    }
    return {
        "400": Response(json.dumps({"error": f"Invalid '{PLANTED}' provided.", "code": 400}), 400),
        "403": Response(json.dumps(error), 403),
        "404": Response(plain, 404),
        "500": Response(f"Something unexpected happened: {plain}", 500),
        "503": Response(f"<html>{plain}</html>", 503),
        "200 page": Response(f"<!DOCTYPE html><p>{plain}</p>", 200),
        "200 other": Response(json.dumps(rows), 200),
        "302": Response(status_code=302, headers={"location": f"/v2?api_key={quote(PLANTED, safe='')}"}),
    }


@pytest.mark.parametrize("name", _echoes())
def test_echoes_tell_nobody_the_key(
    name: str, tmp_path: Path, capfd: pytest.CaptureFixture[str], heard: list[str]
) -> None:
    def echo(_request: Request) -> Response:
        return _echoes()[name]

    with serve(sample_part(RESPONDENTS, SERIES, days=8), first=echo) as server:
        result = run(server.url, tmp_path, schedule(Faults()))

    out, err = capfd.readouterr()
    assert result.outcome is RunOutcome.failed
    assert leaks(tmp_path) == []
    assert CORE not in out + err + "\n".join([*heard, *texts(result)])


def test_a_closed_door_tells_nobody_the_key(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], heard: list[str]
) -> None:
    result = run(f"http://127.0.0.1:{closed_port()}/v2", tmp_path, schedule(Faults()))

    out, err = capfd.readouterr()
    assert result.outcome is RunOutcome.failed
    assert leaks(tmp_path) == []
    assert CORE not in out + err + "\n".join([*heard, *texts(result)])


@pytest.mark.parametrize(("accepted", "code"), [("another", 1), (PLANTED, 0)])
def test_a_process_tells_nobody_the_key(accepted: str, code: int, tmp_path: Path) -> None:
    span = ("--start", HOURS["first"], "--end", HOURS["last"], "--regions", "PACW", "--rate-limit", "off")
    with ReplayServer(DATA, ReplayOptions(key=accepted, key_in_header=False)) as server:
        arguments = ("year", *span, "--base-url", server.url, "--out", tmp_path / "out", "--json", "-v")
        done = gridloom(*arguments, cwd=tmp_path, key=PLANTED)

    assert done.code == code, done.err
    assert leaks(tmp_path) == []
    assert CORE not in done.out + done.err


def test_the_search_finds_a_key(tmp_path: Path) -> None:
    (tmp_path / "page.json.gz").write_bytes(gzip.compress(html.escape(PLANTED).encode()))
    (tmp_path / "plain.txt").write_text(quote(PLANTED))
    (tmp_path / "other.txt").write_text("nothing")

    assert [path.name for path in leaks(tmp_path)] == ["page.json.gz", "plain.txt"]
