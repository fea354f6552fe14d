"""Time limits on threads: a step is asked to stop, fails when it returns, and nobody else is disturbed."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from tests.dag.toys import LONG_S, Work, chain, pipeline

from gridloom.dag import StepConfig, StepContext, StepOutcome
from gridloom.dag.cancel import CancelToken
from gridloom.dag.events import Event, LogWritten
from gridloom.errors import ConfigError, StepTimeoutError


def until_told(ctx: StepContext) -> None:
    told = threading.Event()
    ctx.on_cancel(told.set)
    assert told.wait(LONG_S)
    assert ctx.cancelled


def until_told_and_stop(ctx: StepContext) -> None:
    until_told(ctx)
    ctx.raise_if_cancelled()


@pytest.mark.parametrize("action", [until_told, until_told_and_stop], ids=["returns", "raises"])
def test_a_step_over_its_limit_is_asked_to_stop_and_has_failed(action, tmp_path: Path) -> None:
    said: list[Event] = []
    dag = pipeline(tmp_path, stop_on_failure=False)
    dag.subscribe(said.append)
    dag.add_step(Work("slow", action, time_limit_s=0.05))
    dag.add_step(Work("other"), after=[])
    result = dag.execute()
    logs = [event.message for event in said if isinstance(event, LogWritten)]

    assert result["slow"].outcome is StepOutcome.failed
    assert isinstance(result.error, StepTimeoutError)
    assert "longer than its time limit of 0.05 s. Raise its `time_limit_s`" in result["slow"].reason
    assert result["other"].outcome is StepOutcome.executed
    assert len(logs) == 1
    assert "a thread cannot be ended; with --executor process a time limit ends the step" in logs[0]
    assert not (tmp_path / "steps" / "slow").exists()


def test_it_is_tried_again(tmp_path: Path) -> None:
    attempts: list[int] = []

    def slow_once(ctx: StepContext) -> None:
        attempts.append(1)
        if len(attempts) == 1:
            until_told(ctx)
        assert not ctx.cancelled, "the next attempt has a limit of its own"

    dag = pipeline(tmp_path)
    dag.add_step(Work("slow", slow_once, time_limit_s=0.2, retries=1, retry_backoff_s=0))

    assert dag.execute()["slow"].outcome is StepOutcome.executed
    assert len(attempts) == 2


def test_a_callback_that_breaks_is_logged(tmp_path: Path) -> None:
    said: list[Event] = []

    def action(ctx: StepContext) -> None:
        ctx.on_cancel(lambda: 1 / 0)
        until_told(ctx)

    dag = pipeline(tmp_path)
    dag.subscribe(said.append)
    dag.add_step(Work("slow", action, time_limit_s=0.05))
    dag.execute()

    logs = [event.message for event in said if isinstance(event, LogWritten)]
    assert logs[1] == "An on_cancel callback raised ZeroDivisionError: division by zero"


def test_a_step_within_its_limit_is_not_disturbed(tmp_path: Path) -> None:
    dag = pipeline(tmp_path)
    dag.add_step(Work("quick", time_limit_s=LONG_S))

    assert dag.execute()["quick"].outcome is StepOutcome.executed


def test_its_own_error_within_the_limit_stays_its_own(tmp_path: Path) -> None:
    def action(_ctx: StepContext) -> None:
        raise ValueError("mine")

    dag = pipeline(tmp_path)
    dag.add_step(Work("bad", action, time_limit_s=LONG_S))

    assert str(dag.execute().error) == "mine"


def test_a_step_with_a_limit_hears_that_the_run_stops(tmp_path: Path) -> None:
    def action(ctx: StepContext) -> None:
        dag.cancel()
        until_told_and_stop(ctx)

    dag = pipeline(tmp_path)
    chain(dag, [Work("a", action, time_limit_s=LONG_S), Work("b")])
    result = dag.execute()

    assert [step.outcome for step in result.steps.values()] == [StepOutcome.cancelled] * 2
    assert result["a"].reason == "cancelled by the program"


@pytest.mark.parametrize("limit_s", [0, -1, float("nan"), float("inf"), "soon"])
def test_a_limit_is_a_positive_number(limit_s: object) -> None:
    with pytest.raises(ConfigError, match="`time_limit_s`"):
        StepConfig(time_limit_s=limit_s)


def test_a_token_below_follows_until_it_is_closed() -> None:
    above = CancelToken()
    following, closed = CancelToken(above), CancelToken(above)
    closed.close()
    closed.close()
    following.on_cancel(lambda: 1 / 0)

    errors = above.cancel("enough")

    assert (following.cancelled, following.reason) == (True, "enough")
    assert not closed.cancelled
    assert [type(error) for error in errors] == [ZeroDivisionError]
    assert CancelToken(above).cancelled
