"""Whatever goes wrong: a sentence, the exit code of the contract, nothing half-written, and no key anywhere.

The runs of this file are started side by side, for most of them only wait.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl
import pytest
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from tests.e2e.canary import CANARY, WRONG, files_with_a_key, held, said_a_key
from tests.e2e.processes import Done, leftovers, start, table
from tests.e2e.servers import Answer, arguments, closed_port, serve

from gridloom.extract.replay import LoggedRequest


def fuels_refused(request: Request) -> Response | None:
    """Answers for the route of the fuels, with an error that repeats all that was sent."""
    if "fuel-type-data" not in request.url.path:
        return None
    sent = f"{request.headers.get('x-api-key')} {request.url}"
    return JSONResponse({"error": f"Not today: {sent}", "code": 400}, status_code=400)


def web_page(request: Request) -> Response | None:
    return HTMLResponse(f"<!DOCTYPE html><html>{request.headers.get('x-api-key')}</html>")


def nonsense(request: Request) -> Response | None:
    key = request.headers.get("x-api-key")
    return JSONResponse({"response": {"startPeriod": key, "endPeriod": key, "total": key, "data": [key]}})


@dataclass(frozen=True, kw_only=True)
class Case:
    """A run that is to be started, and its server."""

    flags: tuple[str, ...] = ()
    key: str | None = CANARY
    accepts: str | None = None
    in_header: bool = True
    first: Answer | None = None
    url: str = "{url}"


@dataclass(frozen=True, kw_only=True)
class Ran:
    """How a run ended, its working folder, and what its server saw."""

    done: Done
    folder: Path
    requests: tuple[LoggedRequest, ...] = field(repr=False)

    @property
    def out(self) -> Path:
        return self.folder / "data"


CASES: Mapping[str, Case] = {
    "key in the header": Case(accepts=CANARY),
    "key in the query": Case(accepts=CANARY, in_header=False),
    "wrong key": Case(accepts=CANARY, key=WRONG),
    "no key": Case(key=None),
    "nobody there": Case(url=f"http://127.0.0.1:{closed_port()}/v2"),
    "no version": Case(url="{root}"),
    "web pages": Case(first=web_page),
    "nonsense": Case(first=nonsense),
    "one route fails": Case(first=fuels_refused),
    "one route fails, go on": Case(first=fuels_refused, flags=("--continue-on-failure", "-v")),
    "all routes fail, go on": Case(first=nonsense, flags=("--continue-on-failure",)),
    "unknown region": Case(flags=("--regions", "PACV")),
    "year without data": Case(flags=("--start", "2021-01-01T00", "--end", "2021-12-31T23")),
    "region without rows": Case(flags=("--regions", "CISO")),
    "out below a file": Case(flags=("--out", "a-file/data")),
}


@pytest.fixture(scope="module")
def ran(frame: pl.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Ran]:
    """Every case, run to its end."""
    with ExitStack() as stack:
        folders, servers, started = {}, {}, {}
        for name, case in CASES.items():
            folder = folders[name] = tmp_path_factory.mktemp("run")
            (folder / "a-file").write_text("in the way")
            server = servers[name] = stack.enter_context(
                serve(frame, first=case.first, key=case.accepts, key_in_header=case.in_header)
            )
            url = case.url.format(url=server.url, root=server.url.removesuffix("/v2"))
            started[name] = start(*arguments(url), *case.flags, cwd=folder, key=case.key)
        return {
            name: Ran(done=process.done(), folder=folders[name], requests=servers[name].requests)
            for name, process in started.items()
        }


FAILED = {
    "wrong key": (1, "KeyRejectedError", "Check EIA_API_KEY"),
    "no key": (2, "KeyMissingError", "Set the environment variable EIA_API_KEY"),
    "nobody there": (1, "SourceUnreachableError", "Check --base-url"),
    "no version": (1, "SourceAnswerError", "The base URL includes the API's version"),
    "web pages": (1, "SourceAnswerError", "The base URL includes the API's version"),
    "nonsense": (1, "SourceAnswerError", "API of version 2"),
    "one route fails": (1, "SourceAnswerError", "refused the request"),
    "one route fails, go on": (3, "SourceAnswerError", "refused the request"),
    "all routes fail, go on": (1, "SourceAnswerError", "API of version 2"),
    "unknown region": (2, "UnknownCodeError", "'PACV' is not a respondent"),
    "year without data": (1, "NoDataError", "The source has 2019-01-01T00 to 2019-04-30T23"),
    "region without rows": (1, "NoDataError", "CISO"),
    "out below a file": (2, "ConfigError", "is a file"),
}


@pytest.mark.parametrize(("name", "end"), FAILED.items(), ids=FAILED)
def test_a_failure_is_a_sentence_and_an_exit_code(
    name: str, end: tuple[int, str, str], ran: dict[str, Ran]
) -> None:
    code, kind, said = end
    done = ran[name].done

    assert done.code == code
    assert done.json["outcome"] == ("partial" if code == 3 else "failed")
    assert done.json["error"]["type"] == kind
    assert said in done.json["error"]["message"]
    assert done.json["error"]["message"].endswith((".", ".)"))


@pytest.mark.parametrize("name", FAILED)
def test_after_a_failure_nothing_is_half_written(name: str, ran: dict[str, Ran]) -> None:
    folder = ran[name].folder

    assert leftovers(folder) == []
    assert list(folder.rglob("*.parquet")) == []
    assert (folder / "a-file").read_text() == "in the way"


@pytest.mark.parametrize("name", ["no key", "unknown region", "out below a file"])
def test_before_any_work_means_that_nothing_is_written(name: str, ran: dict[str, Ran]) -> None:
    assert [path.name for path in ran[name].folder.iterdir()] == ["a-file"]


@pytest.mark.parametrize("name", ["key in the header", "key in the query"])
def test_a_live_run_gives_the_table(name: str, ran: dict[str, Ran], undisturbed: Path) -> None:
    assert ran[name].done.code == 0
    assert table(ran[name].out).read_bytes() == table(undisturbed).read_bytes()


def test_the_key_travels_in_the_header(ran: dict[str, Ran]) -> None:
    assert Counter(request.key_in for request in ran["key in the header"].requests) == {"header": 11}


def test_where_the_header_is_not_looked_at_it_travels_in_the_query(ran: dict[str, Ran]) -> None:
    requests = ran["key in the query"].requests
    ways = Counter((request.key_in, request.status) for request in requests)

    assert ways["query", 200] == 11
    assert ways["", 403] == 2  # the first request of each step
    assert len(requests) == 13


def test_a_wrong_key_is_not_tried_again_and_again(ran: dict[str, Ran]) -> None:
    assert len(ran["wrong key"].requests) <= 2  # one for each step


def test_a_region_that_is_unknown_is_looked_up_once(ran: dict[str, Ran]) -> None:
    assert [request.path.rsplit("/", 2)[1:] for request in ran["unknown region"].requests] == [
        ["facet", "respondent"]
    ]


def test_a_year_without_data_costs_the_metadata_only(ran: dict[str, Ran]) -> None:
    assert len(ran["year without data"].requests) <= 2


def test_going_on_after_a_failure_keeps_the_other_route(ran: dict[str, Ran]) -> None:
    stopped, went_on = (
        {step["step_id"]: step["outcome"] for step in ran[name].done.json["steps"]}
        for name in ("one route fails", "one route fails, go on")
    )

    assert stopped["extract-fuel-type-data"] == went_on["extract-fuel-type-data"] == "failed"
    assert stopped["transform"] == "cancelled"
    assert went_on["extract-region-data"] == "executed"
    assert went_on["transform"] == "skipped"


def test_the_keys_are_in_no_file(ran: dict[str, Ran]) -> None:
    assert [path for item in ran.values() for path in files_with_a_key(item.folder)] == []


def test_the_keys_are_in_no_output(ran: dict[str, Ran]) -> None:
    assert said_a_key(item.done for item in ran.values()) == []


def test_the_search_finds_a_key(tmp_path: Path) -> None:
    (tmp_path / "x").write_text(f"api_key={CANARY}")

    assert files_with_a_key(tmp_path) == [tmp_path / "x"]
    assert held(b'{"k": "canary\\/Key+of=the~tests-0123456789abcdef"}')
    assert held(b"https://x/?api_key=canary%2FKey%2Bof%3Dthe~tests-0123456789abcdef")
    assert not held(b"api_key=***")
