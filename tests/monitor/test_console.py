from __future__ import annotations

import io
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import pytest
from rich.console import Console

from gridloom.dag.events import (
    AttemptFailed,
    CacheDecided,
    Event,
    FindingReported,
    LogWritten,
    ProgressMade,
    RunStarted,
    StepFinished,
    StepStarted,
)
from gridloom.dag.outcome import StepOutcome
from gridloom.monitor.console import ConsoleMonitor

ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def event(kind: type[Event], **fields: Any) -> Event:
    return kind(seq=1, at=datetime(2026, 1, 1, tzinfo=UTC), run_id="r", **fields)


STARTED = event(StepStarted, step_id="extract", step_name="Extract", attempt=1, reason="never ran before")
PROGRESS = event(
    ProgressMade,
    step_id="extract",
    done=12_000,
    total=24_000,
    unit="rows",
    rows_received=12_000,
    requests=3,
    retries=1,
)
FINISHED = event(
    StepFinished,
    step_id="extract",
    outcome=StepOutcome.executed,
    reason="never ran before",
    attempts=1,
    duration_s=1.234,
    rows=24_000,
    requests=6,
)
CACHED = event(
    StepFinished,
    step_id="transform",
    outcome=StepOutcome.cached,
    reason="unchanged since run x",
    attempts=0,
    duration_s=0.0,
    rows=24_000,
)
FAILED = event(
    StepFinished,
    step_id="transform",
    outcome=StepOutcome.failed,
    reason="A required check failed.",
    attempts=1,
    duration_s=0.5,
)
RETRIED = event(
    AttemptFailed, step_id="extract", attempt=1, error_type="X", message="It broke.", retry_in_s=2.0
)
GIVEN_UP = event(
    AttemptFailed, step_id="extract", attempt=2, error_type="X", message="Broke again.", retry_in_s=None
)
DEBUG = event(LogWritten, step_id="extract", level="debug", message="a detail")
WARNING = event(LogWritten, step_id="", level="warning", message="a listener was dropped")
PASSED = event(
    FindingReported, step_id="t", name="sorted", why="", required=True, passed=True, detail="In order."
)
NOTED = event(
    FindingReported, step_id="t", name="gaps", why="", required=False, passed=False, detail="3 missing."
)
BROKEN = event(
    FindingReported, step_id="t", name="keys", why="", required=True, passed=False, detail="2 twice."
)


def shown(events: Iterable[Event], *, terminal: bool = False, **settings: bool) -> str:
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=terminal, width=100, highlight=False, color_system=None)
    with ConsoleMonitor(console=console, live=terminal, **settings) as monitor:
        for item in events:
            monitor(item)
    return stream.getvalue()


def test_in_a_pipe_each_step_has_a_line_at_its_start_and_end() -> None:
    assert shown([STARTED, FINISHED, CACHED, FAILED]).splitlines() == [
        "extract: started (never ran before)",
        "extract: executed, 24,000 rows, 6 requests, 1.23 s",
        "transform: cached, 24,000 rows, 0.00 s",
        "transform: failed after 0.50 s: A required check failed.",
    ]


def test_in_a_pipe_progress_is_not_said_at_every_event() -> None:
    assert shown([STARTED, PROGRESS, PROGRESS]).splitlines() == ["extract: started (never ran before)"]


def test_in_a_pipe_progress_is_said_from_time_to_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gridloom.monitor.console._PLAIN_EVERY_S", 0.0)
    without_total = event(ProgressMade, step_id="extract", done=5, total=None, unit="rows", requests=1)

    assert shown([STARTED, PROGRESS, without_total]).splitlines()[1:] == [
        "extract: 12,000 of 24,000 rows, 3 requests, 1 retry",
        "extract: 5 rows, 1 request",
    ]


def test_rows_are_said_beside_another_unit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gridloom.monitor.console._PLAIN_EVERY_S", 0.0)
    windows = event(ProgressMade, step_id="extract", done=2, total=4, unit="windows", rows_received=500)

    assert shown([STARTED, windows]).splitlines()[1:] == ["extract: 2 of 4 windows, 500 rows"]


def test_a_retry_is_said_and_a_last_failure_only_once_by_the_step() -> None:
    assert shown([RETRIED, GIVEN_UP]).splitlines() == ["extract: It broke. Trying again in 2.0 s."]


def test_log_lines_and_findings_are_for_verbose() -> None:
    events = [DEBUG, WARNING, PASSED, NOTED, BROKEN]

    assert shown(events).splitlines() == ["run: a listener was dropped"]
    assert shown(events, verbose=True).splitlines() == [
        "extract: a detail",
        "run: a listener was dropped",
        "t: sorted ok: In order.",
        "t: gaps note: 3 missing.",
        "t: keys failed: 2 twice.",
    ]


@pytest.mark.parametrize("terminal", [False, True])
def test_quiet_says_warnings_and_retries_only(terminal: bool) -> None:
    everything = [STARTED, PROGRESS, RETRIED, DEBUG, WARNING, NOTED, FINISHED, FAILED]

    assert shown(everything, terminal=terminal, quiet=True).splitlines() == [
        "extract: It broke. Trying again in 2.0 s.",
        "run: a listener was dropped",
    ]


def test_events_that_nobody_waits_for_say_nothing() -> None:
    ignored = [
        event(RunStarted, pipeline_id="p", pipeline_name="p", steps=("a",), max_parallel_steps=1),
        event(CacheDecided, step_id="extract", hit=True, reason="unchanged"),
    ]

    assert shown(ignored, verbose=True) == ""


def test_text_is_never_read_as_markup() -> None:
    tricky = event(LogWritten, step_id="x", level="warning", message="[red]50 %[/] of [link=a]b")

    assert shown([tricky]) == "x: [red]50 %[/] of [link=a]b\n"


def test_long_lines_are_not_wrapped_by_the_default_console(capsys: pytest.CaptureFixture[str]) -> None:
    long = event(LogWritten, step_id="x", level="warning", message="word " * 100)
    with ConsoleMonitor() as monitor:
        monitor(long)
    out, err = capsys.readouterr()

    assert out == ""
    assert len(err.splitlines()) == 1


RUN = event(RunStarted, pipeline_id="p", pipeline_name="p", steps=("extract",), max_parallel_steps=1)


def test_on_a_terminal_the_view_shows_amount_and_counts_and_goes_away() -> None:
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=True, width=120, height=20, color_system=None)
    with ConsoleMonitor(console=console, live=True) as monitor:
        for item in (RUN, STARTED, PROGRESS):
            monitor(item)
        monitor._view.paint()  # type: ignore[union-attr]
        while_running = ESCAPE.sub("", stream.getvalue())
        monitor(FINISHED)
        monitor(FAILED)

    assert "extract  running" in while_running
    assert "12,000 of 24,000 rows, 3 requests, 1 repeated" in while_running
    after = stream.getvalue().split("in all, 1 repeated", 1)[1]
    assert "executed, 24,000 rows" not in after
    assert "\x1b[3A\r\x1b[Jtransform: failed after 0.50 s: A required check failed.\r\n" in after
    assert after.endswith("\x1b[3A\r\x1b[J")


def test_on_a_terminal_verbose_says_each_end_too() -> None:
    said = ESCAPE.sub("", shown([RUN, STARTED, FINISHED], terminal=True, verbose=True))

    assert "extract: executed, 24,000 rows, 6 requests, 1.23 s" in said


def test_what_a_text_would_make_a_terminal_do_is_shown_instead() -> None:
    tricky = event(LogWritten, step_id="x", level="warning", message="\x1b]0;title\x07\x9b31m")

    for terminal in (False, True):
        assert "x: \ufffd]0;title\ufffd\ufffd31m" in shown([tricky], terminal=terminal)


def test_progress_and_end_of_a_step_that_was_never_started_disturb_nobody() -> None:
    assert shown([PROGRESS, FINISHED], terminal=True) == ""
    assert "executed" in shown([PROGRESS, FINISHED])
