"""``kill -9`` at random moments: the next runs carry on, and end with the bytes of a run that nobody killed.

A round starts the same command in the same folder until it once gets through; what stands on disk is
checked after each kill. The moments are drawn over the whole life of a run: start-up, extraction,
transform, commit.
"""

from __future__ import annotations

import random
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.processes import gridloom, start, table, wait_until
from tests.e2e.servers import sample_part, serve
from tests.soak.landed import Asked, asked, landed

from gridloom.extract.replay import ReplayServer

ARGUMENTS = (
    "year",
    *("--start", "2019-01-01T00", "--end", "2019-01-30T23"),
    *("--regions", "ERCO,PACW", "--series", "D,NG.all", "--batch-days", "2"),
    *("--rate-limit", "off", "--concurrency", "2", "--json", "--quiet"),
)

WINDOWS = 45
"""Windows of 2 days: 15 of demand, 15 of each respondent's fuels."""


@dataclass
class Round:
    """One output folder, and what is known of it.

    Attributes:
        server: Whom its runs ask.
        out: The folder.
        whole: The table's bytes, as an undisturbed run made them.
        landed: Windows that stood on disk after one of the kills.
        seen: Requests of the server's log that are checked already.
    """

    server: ReplayServer
    out: Path
    whole: bytes
    landed: set[Asked] = field(default_factory=set)
    seen: int = 0

    def __post_init__(self) -> None:
        self.seen = len(self.server.requests)

    def killed(self, moments: random.Random) -> bool:
        """Runs the command and kills it at some moment; returns False if it was through before.

        The moment is a number of answers, so that a slow machine is killed in the same places, and then
        a little time. Once all windows have landed it is some time between start-up and the end.
        """
        left = WINDOWS - len(self.landed)
        answers = len(self.server.requests) + moments.randint(0, left)
        after_s = moments.uniform(0.0, 0.2) if left else moments.uniform(0.3, 1.0)
        run = start(*ARGUMENTS, "--base-url", self.server.url, "--out", self.out, cwd=self.out, key="any")
        wait_until(lambda: len(self.server.requests) >= answers or run.process.poll() is not None)
        time.sleep(after_s)
        run.process.kill()
        out, err = run.process.communicate(timeout=60)
        assert run.process.returncode in {0, -9}, out + err
        self.check()
        return run.process.returncode != 0

    def finish(self) -> dict[str, Any]:
        """Runs the command to its end and checks everything; returns what it said."""
        done = gridloom(*ARGUMENTS, "--base-url", self.server.url, "--out", self.out, cwd=self.out, key="any")
        assert done.code == 0, done.err
        self.check()
        assert table(self.out).read_bytes() == self.whole
        return done.json

    def check(self) -> None:
        """Fails if a table is there that is not whole, or a window was asked for that had landed before."""
        for path in (self.out / "hourly").glob("*.parquet"):
            assert path.read_bytes() == self.whole
        requests = self.server.requests
        assert not asked(requests[self.seen :]) & self.landed
        # Requests of the killed run that are still being answered are of windows that have not landed.
        self.seen = len(requests)
        self.landed |= landed(self.out)


def kill_runs(folder: Path, kills: int, seed: int) -> None:
    """Kills so many runs, in as many rounds as it takes, and finishes the last one undisturbed."""
    moments = random.Random(seed)
    with serve(sample_part(["ERCO", "PACW"], SERIES, days=30), latency_ms=10) as server:
        reference = folder / "reference"
        reference.mkdir()
        done = gridloom(*ARGUMENTS, "--base-url", server.url, "--out", reference, cwd=reference, key="any")
        assert done.code == 0, done.err
        whole = table(reference).read_bytes()
        assert len(landed(reference)) == WINDOWS

        left, rounds = kills, 0
        while left:
            current = Round(server, folder / f"round-{rounds}", whole)
            current.out.mkdir()
            rounds += 1
            while left and current.killed(moments):
                left -= 1
            finished = current.finish()
            assert finished["outcome"] == "succeeded"


SERIES = ("D", *(f"NG.{code}" for code in ("COL", "NG", "NUC", "OTH", "SUN", "WAT", "WND")))


def test_a_few_kills(tmp_path: Path) -> None:
    kill_runs(tmp_path, kills=4, seed=4)


@pytest.mark.soak
def test_a_hundred_kills(tmp_path: Path) -> None:
    kill_runs(tmp_path, kills=100, seed=100)
