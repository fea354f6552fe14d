"""A server of pages in a process of its own, the runs that it shows, and a run at work in yet another one."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest
from tests.cli.conftest import SMALL
from tests.e2e.processes import Started, gridloom, start, wait_until
from tests.e2e.servers import sample_part, serve

Shown = tuple[str, Path, list[str]]


@contextmanager
def pages(cwd: Path, *arguments: str, environ: dict[str, str] | None = None) -> Iterator[str]:
    """Runs ``gridloom ui`` on a free port; gives the address that it prints, and sees it end well."""
    process = start("ui", "--port", "0", *arguments, cwd=cwd, environ=environ)
    assert process.process.stdout is not None
    try:
        yield process.process.stdout.readline().strip()
    finally:
        process.send(signal.SIGINT)
        done = process.done()
    assert done.code == 0
    assert "token" not in done.out + done.err


def base(url: str) -> str:
    """An address without its path and query."""
    return f"http://{urlsplit(url).netloc}"


@contextmanager
def at_work(folder: Path) -> Iterator[tuple[Started, Callable[[], int]]]:
    """A run of some seconds in a process of its own; gives it and how many requests it has made."""
    with serve(sample_part(["PACW"], ["D"]), latency_ms=150) as server:
        asked = ("--regions", "PACW", "--series", "D", "--start", "2019-01-01T00", "--end", "2019-02-09T23")
        settings = (
            "--batch-days",
            "1",
            "--rate-limit",
            "off",
            "--concurrency",
            "2",
            "--base-url",
            server.url,
        )
        process = start("year", *asked, *settings, cwd=folder, key="any")
        try:
            wait_until(lambda: server.request_count > 3)
            yield process, lambda: server.request_count
        finally:
            process.send(signal.SIGKILL)
            process.process.communicate(timeout=60)


def newest(folder: Path) -> str:
    """Id of the newest run of a working folder."""
    return max(path.name for path in (folder / "data" / "runs").iterdir())


@pytest.fixture(scope="session")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shown]:
    """Address of pages over three runs, their working folder, and the runs, newest first.

    The newest failed, the others are of a day of two authorities and of one.
    """
    folder = tmp_path_factory.mktemp("ui")
    runs: list[str] = []
    for more, code in (((), 0), (("--regions", "PACW"), 0), (("--series", "TI"), 1)):
        done = gridloom(*SMALL, *more, "--json", cwd=folder)
        assert bool(done.code) == bool(code)
        runs.insert(0, done.json["run_id"])
    with pages(folder) as url:
        yield url, folder, runs


@pytest.fixture(scope="session")
def client(shown: Shown) -> Iterator[httpx2.Client]:
    """A client of those pages."""
    with httpx2.Client(base_url=shown[0], timeout=30) as made:
        yield made
