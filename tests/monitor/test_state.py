from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from gridloom.dag.events import (
    AttemptFailed,
    Event,
    FindingReported,
    LogWritten,
    MetricReported,
    ProgressMade,
    RunFinished,
    RunStarted,
    StepFinished,
    StepStarted,
)
from gridloom.dag.outcome import RunOutcome, StepOutcome
from gridloom.monitor.state import RunState

START = datetime(2026, 1, 1, tzinfo=UTC)


def heard(*said: tuple[float, type[Event], dict[str, Any]]) -> RunState:
    """A run of which such events were heard, each so many seconds after its start."""
    state = RunState()
    for seq, (at_s, kind, fields) in enumerate(said, 1):
        state.hear(kind(seq=seq, at=START + timedelta(seconds=at_s), run_id="r", **fields))
    return state


RUN = (
    0.0,
    RunStarted,
    {"pipeline_id": "p", "pipeline_name": "P", "steps": ("a", "b"), "max_parallel_steps": 2},
)


def started(at_s: float, attempt: int = 1) -> tuple[float, type[Event], dict[str, Any]]:
    return at_s, StepStarted, {"step_id": "a", "step_name": "A", "attempt": attempt, "reason": "new"}


def moved(at_s: float, done: float, total: float | None = 100.0) -> tuple[float, type[Event], dict[str, Any]]:
    return at_s, ProgressMade, {"step_id": "a", "done": done, "total": total, "unit": "rows", "rows": 7}


def ended(at_s: float, outcome: StepOutcome) -> tuple[float, type[Event], dict[str, Any]]:
    return (
        at_s,
        StepFinished,
        {"step_id": "a", "outcome": outcome, "reason": "r", "attempts": 1, "duration_s": 2.0, "rows": 9},
    )


def test_every_step_is_pending_before_it_begins() -> None:
    state = heard(RUN)

    assert {name: step.state for name, step in state.steps.items()} == {"a": "pending", "b": "pending"}
    assert not any(step.at_work or step.over for step in state.steps.values())


def test_share_rate_and_time_left_come_from_progress() -> None:
    step = heard(RUN, started(0), moved(0, 0), moved(2, 20)).steps["a"]

    assert (step.share, step.per_s, step.left_s) == (0.2, 10.0, 8.0)


def test_a_rate_is_that_of_late() -> None:
    step = heard(RUN, started(0), moved(0, 0), moved(100, 10), moved(110, 60)).steps["a"]

    assert step.per_s == 5.0


def test_what_nobody_knows_is_none() -> None:
    step = heard(RUN, started(0), moved(0, 5, total=None), moved(0.1, 6, total=None)).steps["a"]

    assert (step.share, step.per_s, step.left_s) == (None, None, None)


def test_between_two_attempts_a_step_waits_and_then_begins_anew() -> None:
    failed = {"step_id": "a", "attempt": 1, "error_type": "X", "message": "It broke.", "retry_in_s": 2.0}
    said = [RUN, started(0), moved(1, 50), (2.0, AttemptFailed, failed)]
    waiting = heard(*said)
    again = heard(*said, started(4, attempt=2)).steps["a"]

    assert (waiting.steps["a"].state, waiting.steps["a"].at_work) == ("waiting", True)
    assert list(waiting.notes) == [(4, "a: It broke.")]
    assert (again.state, again.attempt, again.share) == ("running", 2, None)
    assert again.began == START


def test_the_limiter_and_what_matters_to_a_person_are_kept() -> None:
    check = {
        "step_id": "a",
        "name": "n",
        "why": "",
        "required": False,
        "passed": False,
        "detail": "3 missing.",
    }
    state = heard(
        (0.0, MetricReported, {"step_id": "a", "name": "rate_limit", "value": 4.5, "unit": "requests/s"}),
        (0.0, MetricReported, {"step_id": "a", "name": "other", "value": 1.0, "unit": ""}),
        (0.0, LogWritten, {"step_id": "", "level": "warning", "message": "slow"}),
        (0.0, LogWritten, {"step_id": "a", "level": "info", "message": "a detail"}),
        (0.0, FindingReported, check),
    )

    assert state.steps["a"].limit_per_s == 4.5
    assert [text for _, text in state.notes] == ["run: slow", "a: 3 missing."]


def test_an_end_is_an_end() -> None:
    done = {"outcome": RunOutcome.failed, "duration_s": 5.0, "message": "why"}
    state = heard(RUN, started(0), ended(2, StepOutcome.executed), (5.0, RunFinished, done))

    assert (state.outcome, state.message, state.duration_s) == ("failed", "why", 5.0)
    assert [step.step_id for step in state.finished] == ["a"]
    assert (state.steps["a"].over, state.steps["a"].rows, state.steps["a"].per_s) == (True, 9, None)


@given(st.lists(st.tuples(st.floats(0, 1e4), st.floats(-1e6, 1e6), st.none() | st.floats(-1e6, 1e6))))
def test_whatever_a_step_says_the_share_is_one_and_the_rate_is_not_negative(
    said: list[tuple[float, float, float | None]],
) -> None:
    step = heard(RUN, *(moved(*each) for each in sorted(said, key=lambda each: each[0]))).steps["a"]

    assert step.share is None or 0 <= step.share <= 1
    assert step.per_s is None or step.per_s > 0
    assert step.left_s is None or step.left_s >= 0
