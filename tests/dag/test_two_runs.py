"""Two runs in one folder: the same work is done once; who waits takes over when the other is gone."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.dag.killed import started, working
from tests.dag.toys import LONG_S, Action, Trial, Work, pipeline
from tests.e2e.processes import wait_until

from gridloom.dag import PipelineDAG, RunOutcome, RunResult, StepContext
from gridloom.dag.events import CacheDecided, Event, LogWritten
from gridloom.errors import InterruptedRunError

WAITING = "is doing the same work; it is waited for."


class Running:
    """A run in a thread of its own."""

    def __init__(self, dag: PipelineDAG) -> None:
        self.dag = dag
        self.said: list[Event] = []
        self._results: list[RunResult] = []
        dag.subscribe(self.said.append)
        self._thread = threading.Thread(target=lambda: self._results.append(dag.execute()))
        self._thread.start()

    @property
    def waits(self) -> bool:
        return any(isinstance(event, LogWritten) and event.message.endswith(WAITING) for event in self.said)

    def result(self) -> RunResult:
        self._thread.join(LONG_S)
        assert not self._thread.is_alive(), "it hangs"
        return self._results[0]


def one_step(out: Path, action: Action | None = None, *, text: str = "", **settings: Any) -> PipelineDAG:
    dag = pipeline(out, **settings)
    dag.add_step(Trial("a", action, text=text))
    return dag


class Held:
    """An action that says that it runs, and goes on when it may."""

    def __init__(self, then: Callable[[StepContext], object] | None = None) -> None:
        self.begun, self.may_end = threading.Event(), threading.Event()
        self.then = then

    def __call__(self, ctx: StepContext) -> None:
        self.begun.set()
        assert self.may_end.wait(LONG_S)
        if self.then:
            self.then(ctx)


def test_the_second_waits_and_gets_a_hit(tmp_path: Path) -> None:
    held, ran = Held(), list[str]()
    first = Running(one_step(tmp_path, held))
    assert held.begun.wait(LONG_S)
    second = Running(one_step(tmp_path, lambda ctx: ran.append(ctx.step_id)))
    wait_until(lambda: second.waits)
    held.may_end.set()

    assert first.result()["a"].outcome.value == "executed"
    assert second.result()["a"].outcome.value == "cached"
    assert second.result()["a"].reason == f"unchanged since run {first.result().run_id}"
    assert ran == []
    told = [event.message for event in second.said if isinstance(event, LogWritten)]
    assert told == [f"Run {first.result().run_id} {WAITING}"]
    decided = [event.hit for event in second.said if isinstance(event, CacheDecided)]
    assert decided == [False, True], "it does not decide again and again while it waits"


def test_where_the_first_fails_the_second_does_it(tmp_path: Path) -> None:
    def broken(_ctx: StepContext) -> None:
        raise RuntimeError("it broke")

    held = Held(broken)
    first = Running(one_step(tmp_path, held))
    assert held.begun.wait(LONG_S)
    second = Running(one_step(tmp_path))
    wait_until(lambda: second.waits)
    held.may_end.set()

    assert first.result().outcome is RunOutcome.failed
    assert second.result()["a"].outcome.value == "executed"


@pytest.mark.parametrize("other", ["other settings", "another step", "not cacheable"])
def test_other_work_is_not_waited_for(tmp_path: Path, other: str) -> None:
    held = Held()
    first = Running(one_step(tmp_path, held))
    assert held.begun.wait(LONG_S)
    dag = pipeline(tmp_path)
    step = {
        "other settings": Trial("a", text="other"),
        "another step": Trial("b"),
        "not cacheable": Work("a"),
    }[other]
    dag.add_step(step)

    assert dag.execute()[step.step_id].outcome.value == "executed"
    held.may_end.set()
    assert first.result().outcome is RunOutcome.succeeded


def test_who_waits_can_be_stopped(tmp_path: Path) -> None:
    held = Held()
    first = Running(one_step(tmp_path, held))
    assert held.begun.wait(LONG_S)
    second = Running(one_step(tmp_path))
    wait_until(lambda: second.waits)
    second.dag.cancel()
    stopped = second.result()
    held.may_end.set()

    assert stopped["a"].outcome.value == "cancelled"
    assert isinstance(stopped.error, InterruptedRunError)
    assert first.result().outcome is RunOutcome.succeeded


def test_who_is_forced_waits_and_runs_then(tmp_path: Path) -> None:
    held, order = Held(lambda _ctx: order.append("first")), list[str]()
    first = Running(one_step(tmp_path, held))
    assert held.begun.wait(LONG_S)
    second = Running(one_step(tmp_path, lambda _ctx: order.append("second"), force=True))
    wait_until(lambda: second.waits)
    held.may_end.set()

    assert second.result()["a"].outcome.value == "executed"
    assert first.result()["a"].outcome.value == "executed"
    assert order == ["first", "second"]


def test_of_many_one_does_it(tmp_path: Path) -> None:
    ran: list[str] = []

    def slowly(ctx: StepContext) -> None:
        ran.append(ctx.run_id)
        time.sleep(0.05)

    runs = [Running(one_step(tmp_path, slowly)) for _ in range(6)]
    outcomes = sorted(run.result()["a"].outcome.value for run in runs)

    assert outcomes == ["cached"] * 5 + ["executed"]
    assert len(ran) == 1


def test_between_processes_who_is_killed_is_taken_over_from_at_once(tmp_path: Path) -> None:
    with started("working", tmp_path) as other:
        second = Running(working(tmp_path))
        wait_until(lambda: second.waits)
        assert second.dag.get_step_status("a").value == "cached"
        other.kill()
        result = second.result()

    assert [step.outcome.value for step in result.steps.values()] == ["cached", "executed", "executed"]


def test_what_another_run_did_since_this_one_began_is_a_hit(tmp_path: Path) -> None:
    """What is read of the record store when a run begins is believed only until another run writes."""
    held, ran = Held(), list[str]()
    first = pipeline(tmp_path)
    first.add_step(Trial("a", held))
    first.add_step(Trial("b", lambda ctx: ran.append(ctx.step_id)), after=["a"])
    running = Running(first)
    assert held.begun.wait(LONG_S)
    second = pipeline(tmp_path)
    second.add_step(Trial("b"))
    other = second.execute()
    held.may_end.set()
    result = running.result()

    assert [step.outcome.value for step in result.steps.values()] == ["executed", "cached"]
    assert result["b"].reason == f"unchanged since run {other.run_id}"
    assert ran == []


def test_what_another_run_replaced_meanwhile_is_said(tmp_path: Path) -> None:
    """The second one has other settings for `a`, whose file the first one still uses."""
    held = Held()
    first = pipeline(tmp_path)
    first.add_step(Trial("a"))
    first.add_step(Trial("b", held), ["a"])
    running = Running(first)
    assert held.begun.wait(LONG_S)
    one_step(tmp_path, text=" other").execute().raise_for_failure()
    held.may_end.set()
    result = running.result()

    assert result["b"].outcome.value == "failed"
    assert "was replaced while this run used it, by another run or program" in str(result.error)
    assert "Run the same command again" in str(result.error)


def test_what_another_run_did_since_it_was_decided_on_ahead_is_not_done_again(tmp_path: Path) -> None:
    ran: list[str] = []

    def meanwhile(_ctx: StepContext) -> None:
        time.sleep(0.05)  # the run has decided on "late" by now, or decides on it after the other one
        other = pipeline(tmp_path)
        other.add_step(Trial("late", lambda _ctx: ran.append("other")))
        other.execute().raise_for_failure()

    dag = pipeline(tmp_path, max_parallel_steps=1)
    dag.add_step(Work("first", meanwhile))
    dag.add_step(Trial("late", lambda _ctx: ran.append("own")))
    result = dag.execute()
    assert {name: step.outcome.value for name, step in result.steps.items()} == {
        "first": "executed",
        "late": "cached",
    }
    assert ran == ["other"]
