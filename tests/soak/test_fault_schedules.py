"""In any weather a run ends with the server's rows, all of them, or with a failure that a rerun completes."""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path

import pytest
from tests.soak.landed import asked, landed
from tests.soak.schedules import (
    ANSWERS,
    KEY,
    RARE,
    ROWS,
    WINDOWS,
    Schedule,
    sample_data,
    served,
    table_rows,
)

from gridloom.dag import RunOutcome, RunResult
from gridloom.errors import GridLoomError
from gridloom.extract.failures import Backoff
from gridloom.extract.replay import FAULT_NAMES

DATA = sample_data()


@pytest.fixture(autouse=True)
def _time_runs_faster(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waits between tries are a fiftieth of what they are; everything else takes the time it takes."""
    waits = {"wait_initial": 0.01, "wait_max": 0.3, "wait_jitter": 0.02}
    monkeypatch.setattr(Backoff, "waits", property(lambda _: waits))


def weather(seed: int, out: Path) -> str:
    """Runs one schedule, and again without weather where that failed; returns how it went."""
    schedule = Schedule.draw(seed)
    with schedule.server(DATA) as server:
        result = schedule.run(server.url, out)
        faults = {name for request in server.requests for name in request.fault.split("+") if name}
    if result.outcome is RunOutcome.succeeded:
        assert table_rows(result["transform"].output) == served(DATA, schedule)
        return "rows" if faults else "calm"
    check_failure(result)
    assert not list(out.glob("hourly/*"))
    standing = landed(out)
    calm = schedule.calmed()
    with calm.server(DATA) as server:
        again = calm.run(server.url, out)
        assert not asked(server.requests) & standing
    assert again.outcome is RunOutcome.succeeded, again.error
    assert table_rows(again["transform"].output) == served(DATA, calm)
    return type(result.error).__name__


def check_failure(result: RunResult) -> None:
    """Fails unless a failure is one of ours, in words, and without the key."""
    assert isinstance(result.error, GridLoomError), result.error
    record = json.loads((result.run_dir / "results.json").read_text())
    assert KEY not in json.dumps(record) + str(result.error)
    assert len(str(result.error)) > 40
    assert str(result.error).endswith(".")


def weathers(seeds: range, out: Path) -> Counter[str]:
    """Runs many schedules, each in a folder of its own; returns how often which end came."""
    ends: Counter[str] = Counter()
    for seed in seeds:
        try:
            ends[weather(seed, out / str(seed))] += 1
        except AssertionError as error:
            error.add_note(f"seed {seed}: {Schedule.draw(seed)}")
            raise
    return ends


def test_every_fault_is_drawn() -> None:
    drawn = ANSWERS | WINDOWS | ROWS | RARE | dict.fromkeys(("suspend", "rate"), 1)
    tuning = {"seed", "until", "stall_s", "suspend_s", "retry_after"}
    # Answers that take longer are nothing that a client could do wrong.
    slow = {"latency", "identity"}

    assert set(drawn) | tuning | slow == set(FAULT_NAMES)


def test_the_same_seed_draws_the_same_weather() -> None:
    assert [Schedule.draw(seed) for seed in range(9)] == [Schedule.draw(seed) for seed in range(9)]


def test_some_weather(tmp_path: Path) -> None:
    assert weathers(range(1000, 1006), tmp_path)["rows"] > 0


@pytest.mark.soak
def test_two_hundred_weathers(tmp_path: Path) -> None:
    ends = weathers(range(200), tmp_path)

    sys.stdout.write(f"{dict(ends)}\n")
    assert ends["rows"] > 100
    assert sum(ends.values()) - ends["rows"] - ends["calm"] > 5
