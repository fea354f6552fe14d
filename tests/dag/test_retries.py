"""Attempts after the first: as many as asked for, further apart each time, ended by a cancellation."""

from __future__ import annotations

from itertools import count
from pathlib import Path

import pytest
from tests.dag.toys import Work, fail, pipeline

from gridloom.dag import RunOutcome, StepConfig, StepContext, StepOutcome
from gridloom.dag.events import AttemptFailed, Event, StepFinished, StepStarted
from gridloom.dag.tries import wait_before_next
from gridloom.errors import CheckFailedError, GridLoomError, UsageError


def test_a_step_is_tried_again_until_it_succeeds(tmp_path: Path) -> None:
    attempts = count(1)

    def action(ctx: StepContext) -> None:
        assert not ctx.staging.exists(), "an attempt starts with an empty folder"
        ctx.path("left.txt").write_text("left over")
        if next(attempts) < 3:
            raise OSError("flaky")

    said: list[Event] = []
    dag = pipeline(tmp_path)
    dag.subscribe(said.append)
    dag.add_step(Work("a", action, retries=5, retry_backoff_s=0.001))
    result = dag.execute()
    assert result["a"].outcome is StepOutcome.executed
    assert result["a"].attempts == 3
    failures = [event for event in said if isinstance(event, AttemptFailed)]
    assert [(event.attempt, event.error_type, event.message) for event in failures] == [
        (1, "OSError", "flaky"),
        (2, "OSError", "flaky"),
    ]
    assert all(event.retry_in_s is not None for event in failures)
    assert [event.attempt for event in said if isinstance(event, StepStarted)] == [1, 2, 3]
    assert [event.attempts for event in said if isinstance(event, StepFinished)] == [3]


def test_the_last_failure_is_the_result(tmp_path: Path) -> None:
    attempts = count(1)

    def action(_ctx: StepContext) -> None:
        raise RuntimeError(f"attempt {next(attempts)}")

    dag = pipeline(tmp_path)
    dag.add_step(Work("a", action, retries=2, retry_backoff_s=0))
    result = dag.execute()
    assert (result["a"].attempts, str(result.error)) == (3, "attempt 3")


@pytest.mark.parametrize("kind", [UsageError, CheckFailedError])
def test_what_would_only_fail_again_is_not_tried_again(tmp_path: Path, kind: type[GridLoomError]) -> None:
    def action(_ctx: StepContext) -> None:
        raise kind("no")

    dag = pipeline(tmp_path)
    dag.add_step(Work("a", action, retries=3, retry_backoff_s=0))
    assert dag.execute()["a"].attempts == 1


def test_cancelling_ends_the_wait_for_the_next_attempt(tmp_path: Path) -> None:
    dag = pipeline(tmp_path)

    def sink(event: Event) -> None:
        if isinstance(event, AttemptFailed):
            dag.cancel()

    dag.subscribe(sink)
    dag.add_step(Work("a", fail(), retries=9, retry_backoff_s=3600))
    result = dag.execute()
    assert result["a"].outcome is StepOutcome.cancelled
    assert result.outcome is RunOutcome.failed


def test_waits_double_and_spread_but_never_pass_an_hour() -> None:
    for number in range(1, 40):
        full_s = min(2.0 ** (number - 1), 3600.0)
        assert full_s / 2 <= (wait_before_next(number, StepConfig(retries=100), None) or 0.0) <= full_s
