"""Ways into a run: from a script, from a running loop, with await, and several at once."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from pathlib import Path

import pytest
from tests.dag.toys import LONG_S, Work, cancel_within, chain, pipeline

from gridloom.dag import BaseStep, RunOutcome, StepConfig, StepContext, StepOutcome
from gridloom.errors import UsageError


def test_execute_works_inside_a_running_loop(tmp_path: Path) -> None:
    async def notebook() -> str:
        dag = pipeline(tmp_path)
        chain(dag, [Work("a"), Work("b")])
        result = dag.execute()
        return str(result["b"].output.text)

    assert asyncio.run(notebook()) == "b(a())"


def test_execute_async_leaves_the_loop_free(tmp_path: Path) -> None:
    async def program() -> RunOutcome:
        turn = asyncio.Event()
        loop = asyncio.get_running_loop()
        free = threading.Event()
        dag = pipeline(tmp_path)

        def action(_ctx: StepContext) -> None:
            loop.call_soon_threadsafe(turn.set)
            assert free.wait(LONG_S)

        dag.add_step(Work("a", action))
        run = asyncio.create_task(dag.execute_async())
        await turn.wait()
        assert dag.get_step_status("a") is StepOutcome.running
        free.set()
        return (await run).outcome

    assert asyncio.run(program()) is RunOutcome.succeeded


def test_cancelling_the_awaiting_task_cancels_the_run_and_keeps_its_record(tmp_path: Path) -> None:
    started = threading.Event()

    def action(ctx: StepContext) -> None:
        stop = threading.Event()
        ctx.on_cancel(stop.set)
        started.set()
        assert stop.wait(LONG_S)
        ctx.raise_if_cancelled()

    async def program() -> None:
        dag = pipeline(tmp_path)
        chain(dag, [Work("a", action), Work("b")])
        run = asyncio.create_task(dag.execute_async())
        await asyncio.to_thread(started.wait, LONG_S)
        run.cancel()
        with pytest.raises(asyncio.CancelledError):
            await run
        assert dag.get_step_status("a") is StepOutcome.cancelled

    asyncio.run(program())
    assert len(list(tmp_path.glob("runs/*/results.json"))) == 1
    assert not list(tmp_path.glob(".gridloom/staging/*"))


def test_two_dags_in_one_process_run_at_once_and_apart(tmp_path: Path) -> None:
    together = threading.Barrier(2)
    results = {}

    def run(name: str) -> None:
        dag = pipeline(tmp_path / "same-out")
        chain(dag, [Work(name, lambda _ctx: together.wait(LONG_S)), Work(f"{name}-end")])
        results[name] = dag.execute()

    threads = [threading.Thread(target=run, args=(name,)) for name in ("one", "two")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {name: list(result.steps) for name, result in results.items()} == {
        "one": ["one", "one-end"],
        "two": ["two", "two-end"],
    }
    assert results["one"].run_id != results["two"].run_id
    assert all(result.outcome is RunOutcome.succeeded for result in results.values())
    assert not list((tmp_path / "same-out").glob(".gridloom/staging/*"))


def test_one_dag_runs_once_at_a_time_and_again_afterwards(tmp_path: Path) -> None:
    dag = pipeline(tmp_path)
    raised: list[BaseException] = []

    def action(_ctx: StepContext) -> None:
        try:
            dag.execute()
        except UsageError as error:
            raised.append(error)

    dag.add_step(Work("a", action))
    assert dag.execute().outcome is RunOutcome.succeeded
    assert "running already" in str(raised[0])
    assert dag.execute().outcome is RunOutcome.succeeded


def test_context_variables_reach_the_steps(tmp_path: Path) -> None:
    variable = contextvars.ContextVar("variable", default="unset")
    seen: list[str] = []
    dag = pipeline(tmp_path)
    dag.add_step(Work("a", lambda _ctx: seen.append(variable.get())))
    variable.set("set by the caller")
    dag.execute()
    assert seen == ["set by the caller"]


class Sleepy(BaseStep[StepConfig]):
    async def _execute(self, ctx: StepContext) -> int:
        await asyncio.sleep(0)
        return 7


def test_a_step_may_be_asynchronous(tmp_path: Path) -> None:
    dag = pipeline(tmp_path)
    dag.add_step(Sleepy(StepConfig()))
    assert dag.execute()["sleepy"].output == 7


def test_a_running_dag_is_not_changed(tmp_path: Path) -> None:
    raised: list[BaseException] = []
    dag = pipeline(tmp_path)

    def action(_ctx: StepContext) -> None:
        for change in (lambda: dag.add_step(Work("b")), lambda: dag.add_dependency("a", "a")):
            try:
                change()
            except UsageError as error:
                raised.append(error)

    dag.add_step(Work("a", action))
    dag.execute().raise_for_failure()
    assert ["is running" in str(error) for error in raised] == [True, True]
    assert dag.validate_dag() == ["a"]


def test_a_cancellation_that_came_too_late_changes_nothing(tmp_path: Path) -> None:
    dag = pipeline(tmp_path)
    dag.add_step(Work("a", lambda ctx: cancel_within(dag, ctx)))
    result = dag.execute()
    assert (result.outcome, result.error) == (RunOutcome.succeeded, None)
