from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridloom.dag.events import (
    AttemptFailed,
    Event,
    MetricReported,
    ProgressMade,
    RunStarted,
    StepFinished,
    StepStarted,
)
from gridloom.dag.outcome import StepOutcome
from gridloom.monitor.state import RunState
from gridloom.monitor.view import frame, plain

START = datetime(2026, 1, 1, tzinfo=UTC)


class Told:
    """A run of some steps, to which things happen."""

    def __init__(self, *steps: str, name: str = "trial") -> None:
        self.state, self._seq = RunState(), 0
        self.hear(0, RunStarted, pipeline_id="p", pipeline_name=name, steps=steps, max_parallel_steps=9)

    def hear(self, at_s: float, kind: type[Event], **fields: Any) -> None:
        self._seq += 1
        at = START + timedelta(seconds=at_s)
        self.state.hear(kind(seq=self._seq, at=at, run_id="r", **fields))

    def start(self, step_id: str, at_s: float = 0) -> None:
        self.hear(at_s, StepStarted, step_id=step_id, step_name=step_id, attempt=1, reason="new")

    def move(self, step_id: str, at_s: float, done: float, **counts: int) -> None:
        self.hear(at_s, ProgressMade, step_id=step_id, done=done, total=100.0, unit="rows", **counts)

    def end(self, step_id: str, outcome: StepOutcome = StepOutcome.executed, at_s: float = 1) -> None:
        more = {"reason": "for a reason", "attempts": 1, "duration_s": 2.5, "rows": 9}
        self.hear(at_s, StepFinished, step_id=step_id, outcome=outcome, **more)

    def limit(self, step_id: str, per_s: float) -> None:
        self.hear(1, MetricReported, step_id=step_id, name="rate_limit", value=per_s, unit="requests/s")

    def lines(self, at_s: float = 10, *, width: int = 100, height: int = 20, **more: Any) -> list[str]:
        now = START + timedelta(seconds=at_s)
        return [line.plain.rstrip() for line in frame(self.state, now, width=width, height=height, **more)]


def test_before_the_run_has_named_its_steps_nothing_is_shown() -> None:
    assert frame(RunState(), START, width=80, height=24) == []


def test_every_state_of_a_step_is_told() -> None:
    run = Told("done", "kept", "broken", "busy", "later", "last")
    run.end("done")
    run.end("kept", StepOutcome.cached)
    run.end("broken", StepOutcome.failed)
    for name in ("busy", "later"):
        run.start(name, 1)
    run.move("busy", 1, 0)
    run.move("busy", 6, 25)
    again = {"attempt": 1, "error_type": "X", "message": "It\nbroke.", "retry_in_s": 2.0}
    run.hear(8, AttemptFailed, step_id="later", **again)

    assert run.lines(75, width=96, memory_bytes=123_400_000) == [
        "trial  1:15  3 of 6 steps ended, 1 running, 1 waiting, 1 executed, 1 cached, 1 failed, 1 pendin…",
        "  done    executed        2.5 s  9 rows",
        "  kept    cached                 9 rows, for a reason",
        "  broken  failed          2.5 s  9 rows, for a reason",
        "  busy    running          1:14  ━━────────  25 %  25 of 100 rows, 5 rows/s, 15.0 s left",
        "  later   waiting          1:14  tries again after 2.0 s, It broke.",
        "  last    pending",
    ]


@pytest.mark.parametrize("width", [80, 100])
def test_rate_and_time_left_are_told_where_names_and_counts_are_long(width: int) -> None:
    run = Told("extract-region-sub-ba-data", "transform")
    run.start("extract-region-sub-ba-data")
    counts = {"rows_received": 903_000, "requests": 212, "retries": 3}
    for at_s, done in ((1, 10.0), (5, 50.0)):
        run.hear(
            at_s,
            ProgressMade,
            step_id="extract-region-sub-ba-data",
            done=done,
            total=3_000.0,
            unit="windows",
            **counts,
        )
    line = run.lines(6, width=width)[1]

    assert " windows/s" in line
    assert line.endswith(" left")


def test_a_narrow_terminal_shows_how_far_a_step_is() -> None:
    run = Told("extract-region-data")
    run.start("extract-region-data")
    run.move("extract-region-data", 5, 25.0)
    line = run.lines(6, width=40)[1]

    assert line.startswith("  extract-regio…")
    assert " 25 % " in line


def test_requests_stand_beside_what_the_limiter_allows() -> None:
    run = Told("a", "b")
    for name in ("a", "b"):
        run.start(name)
        run.limit(name, 5.0)
        run.move(name, 1, 1, requests=2)
        run.move(name, 5, 2, requests=10, retries=1)
    steady = run.lines()[-1]
    run.limit("b", 2.5)
    slow = run.lines()[-1]
    run.end("a")
    run.end("b")

    assert steady == "  requests: 4/s, limiter at 5/s, 20 in all, 2 repeated"
    assert slow == "  requests: 4/s, slowed down to 2.5 of 5/s, 20 in all, 2 repeated"
    assert "requests" not in run.lines()[-1]


def test_of_very_many_steps_those_at_work_and_the_latest_are_shown() -> None:
    names = [f"step-{number:03}" for number in range(500)]
    run = Told(*names)
    for name in names[:104]:
        run.start(name)
    for name in names[:100]:
        run.end(name)
    lines = run.lines(height=10)

    assert lines[0] == "trial  0:10  100 of 500 steps ended, 4 running, 100 executed, 396 pending"
    assert [line.split()[0] for line in lines[1:]] == names[95:104]
    assert len(run.lines(height=100)) == 21


def test_where_too_many_are_at_work_the_others_are_counted() -> None:
    names = [f"step-{number:03}" for number in range(50)]
    run = Told(*names)
    for name in names:
        run.start(name)
    lines = run.lines(height=10)

    assert len(lines) == 10
    assert lines[-1] == "  and 42 more at work"


def test_a_terminal_without_unicode_gets_none() -> None:
    run = Told("a" * 90)
    run.start("a" * 90)
    run.move("a" * 90, 1, 50)

    assert all(line.isascii() for line in run.lines(width=120, ascii_only=True))
    assert "#####-----" in run.lines(width=120, ascii_only=True)[1]


def test_a_line_that_has_not_ended_stands_above_as_a_terminal_shows_it() -> None:
    run = Told("a")
    parts = ["Go on? ", "10 %\r\x1b[32m20 %\x1b[0m of\tit\r", "\r", "x" * 99]

    assert run.lines(width=20, unfinished=parts) == [
        "Go on?",
        "20 % of it",
        "",
        "x" * 19 + "…",
        "trial  0:10  0 of 1…",
        "  a  pending",
    ]


@given(
    name=st.text(max_size=30),
    steps=st.lists(st.text(min_size=1, max_size=40), min_size=1, max_size=40, unique=True),
    width=st.integers(1, 200),
    height=st.integers(0, 60),
    acts=st.lists(st.tuples(st.integers(0, 39), st.sampled_from(["start", "move", "end", "limit"]))),
    unfinished=st.lists(st.text(), max_size=3),
)
def test_whatever_happens_the_view_fits(
    *,
    name: str,
    steps: list[str],
    width: int,
    height: int,
    acts: list[tuple[int, str]],
    unfinished: list[str],
) -> None:
    run = Told(*steps, name=name)
    for number, act in acts:
        step = steps[number % len(steps)]
        {"start": run.start, "end": run.end}.get(act, lambda _: None)(step)
        if act == "move":
            run.move(step, 2, number, requests=number)
        elif act == "limit":
            run.limit(step, float(number))
    lines = frame(run.state, START, width=width, height=height, unfinished=unfinished)

    assert len(lines) <= height
    assert all(line.cell_len <= width for line in lines)
    assert not any("\n" in line.plain or "\x1b" in line.plain for line in lines)


@given(st.text())
def test_a_plain_text_makes_a_terminal_do_nothing(text: str) -> None:
    assert all(sign.isprintable() or sign in "\t\n" or ord(sign) > 159 for sign in plain(text))
