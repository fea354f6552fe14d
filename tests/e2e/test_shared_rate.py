"""Processes of one user side by side: the source counts their requests together, and so do they."""

from __future__ import annotations

from pathlib import Path

from tests.e2e.processes import start
from tests.e2e.servers import sample_part

from gridloom.extract.replay import ReplayData, ReplayOptions, ReplayServer
from gridloom.extract.replay.faults import Faults

_WINDOWS = 9


def _arguments(url: str, out: Path) -> list[str]:
    return [
        "year",
        *("--base-url", url, "--rate-limit", "5", "--regions", "PACW", "--series", "D"),
        *("--start", "2019-01-02T00", "--end", f"2019-01-{_WINDOWS + 1:02}T23", "--batch-days", "1"),
        *("--out", str(out), "--json"),
    ]


def test_two_processes_stay_below_the_limit_of_a_second_together(tmp_path: Path) -> None:
    data = ReplayData.of_frame(sample_part(series=["D"]))
    with ReplayServer(data, ReplayOptions(faults=Faults.parse("rate=5"))) as server:
        environ = {"GRIDLOOM_STATE": str(tmp_path / "state")}
        started = [
            start(*_arguments(server.url, tmp_path / name), cwd=tmp_path, key="any", environ=environ)
            for name in ("one", "two")
        ]
        ended = [each.done() for each in started]
        requests = server.requests

    assert [each.code for each in ended] == [0, 0], ended
    assert [request.status for request in requests] == [200] * 2 * (_WINDOWS + 1)
    times = [request.arrived_s for request in requests]
    assert max(sum(begin <= other < begin + 1 for other in times) for begin in times) <= 5
