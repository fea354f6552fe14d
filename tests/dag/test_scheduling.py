"""A sliding window: parallel up to the limit, refilled at once, stopped as told."""

from __future__ import annotations

import sqlite3
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest
from tests.dag.toys import LONG_S, Action, CachedWork, Trial, Work, cancel_within, chain, fail, pipeline
from tests.support.interrupted import change

from gridloom.dag import RunOutcome, StepContext, StepOutcome
from gridloom.dag.history import load_run
from gridloom.errors import InterruptedRunError


def outcomes(result) -> dict[str, str]:
    return {name: step.outcome.value for name, step in result.steps.items()}


def test_steps_really_run_at_the_same_time(tmp_path: Path) -> None:
    together = threading.Barrier(4)
    dag = pipeline(tmp_path, max_parallel_steps=4)
    for number in range(4):
        dag.add_step(Work(f"s{number}", lambda _ctx: together.wait(LONG_S)))
    assert dag.execute().outcome is RunOutcome.succeeded


@pytest.mark.parametrize("limit", [1, 3])
def test_the_limit_is_reached_and_never_passed(tmp_path: Path, limit: int) -> None:
    lock, running, seen = threading.Lock(), 0, []
    together = threading.Barrier(limit)

    def action(_ctx: StepContext) -> None:
        nonlocal running
        with lock:
            running += 1
            seen.append(running)
        together.wait(LONG_S)
        with lock:
            running -= 1

    dag = pipeline(tmp_path, max_parallel_steps=limit)
    for number in range(limit * 4):
        dag.add_step(Work(f"s{number}", action))
    dag.execute().raise_for_failure()
    assert max(seen) == limit


def test_the_most_urgent_step_does_not_wait_while_small_ones_end_and_end(tmp_path: Path) -> None:
    began: list[str] = []
    dag = pipeline(tmp_path, max_parallel_steps=4)
    for number in range(200):
        dag.add_step(Work(f"small{number}", lambda ctx: began.append(ctx.step_id)))
    chain(dag, [Work(name, lambda ctx: began.append(ctx.step_id)) for name in ("a", "b", "c", "d")])
    dag.execute().raise_for_failure()

    assert began.index("c") < 100  # nothing is behind "d", so it is not urgent


def nap(began: list[str]) -> Action:
    """Returns an action that takes long enough for others to be decided on ahead."""

    def action(ctx: StepContext) -> None:
        began.append(ctx.step_id)
        time.sleep(0.02)

    return action


def test_what_was_decided_on_ahead_does_not_pass_a_more_urgent_step(tmp_path: Path) -> None:
    began: list[str] = []
    dag = pipeline(tmp_path, max_parallel_steps=1)
    chain(dag, [Work(name, nap(began)) for name in ("a", "b", "c")])
    for number in range(3):
        dag.add_step(Work(f"free{number}", nap(began)))
    dag.execute().raise_for_failure()
    assert began == ["a", "b", "c", "free0", "free1", "free2"]


def test_what_was_decided_on_ahead_begins_in_its_order_and_leaves_a_whole_record(tmp_path: Path) -> None:
    began: list[str] = []
    dag = pipeline(tmp_path, max_parallel_steps=1)
    names = [f"s{number}" for number in range(8)]
    for name in names:
        dag.add_step(Trial(name, nap(began)))
    result = dag.execute()
    assert began == names
    assert result.totals["steps"]["executed"] == len(names)
    journal = [(step["step_id"], step["attempts"]) for step in load_run(tmp_path, result.run_id)["steps"]]
    assert sorted(journal) == [(name, 1) for name in names]
    assert dag.execute().totals["steps"]["cached"] == len(names)


def test_a_step_begins_when_the_record_of_its_input_can_be_read(tmp_path: Path) -> None:
    committed: list[set[str]] = []

    def look(ctx: StepContext) -> None:
        with closing(sqlite3.connect(tmp_path / ".gridloom" / "runs.db")) as store:
            committed.append({name for (name,) in store.execute("SELECT step_id FROM manifests")})

    dag = pipeline(tmp_path, max_parallel_steps=2)
    first = [dag.add_step(CachedWork(f"first{number}", nap([]))) for number in range(6)]
    dag.add_step(CachedWork("last", look), first)
    dag.execute().raise_for_failure()
    assert committed == [{f"first{number}" for number in range(6)}]


def test_what_was_decided_on_ahead_never_begins_after_a_failure(tmp_path: Path) -> None:
    began: list[str] = []

    def bad(ctx: StepContext) -> None:
        nap(began)(ctx)
        raise RuntimeError("it broke")

    dag = pipeline(tmp_path, max_parallel_steps=1)
    dag.add_step(Work("bad", bad))
    for number in range(3):
        dag.add_step(CachedWork(f"free{number}", nap(began)))
    result = dag.execute()
    assert began == ["bad"]
    assert outcomes(result) == {"bad": "failed"} | {f"free{number}": "cancelled" for number in range(3)}
    with closing(sqlite3.connect(tmp_path / ".gridloom" / "runs.db")) as store:
        assert store.execute("SELECT step_id FROM attempts").fetchall() == [("bad",)]


def test_a_free_slot_is_refilled_while_an_older_step_still_runs(tmp_path: Path) -> None:
    last_ran = threading.Event()
    dag = pipeline(tmp_path, max_parallel_steps=2)
    dag.add_step(Work("long", lambda _ctx: last_ran.wait(LONG_S) or fail("it ran in waves")(_ctx)))
    for number in range(5):
        dag.add_step(Work(f"short{number}"))
    dag.add_step(Work("last", lambda _ctx: last_ran.set()))
    dag.execute().raise_for_failure()


def test_a_child_starts_when_its_own_parent_ends_not_when_all_do(tmp_path: Path) -> None:
    child_ran = threading.Event()
    dag = pipeline(tmp_path, max_parallel_steps=2)
    dag.add_step(Work("parent"))
    dag.add_step(Work("slow", lambda _ctx: child_ran.wait(LONG_S) or fail("it ran in waves")(_ctx)))
    dag.add_step(Work("child", lambda _ctx: child_ran.set()), ["parent"])
    dag.execute().raise_for_failure()


def test_after_a_failure_running_steps_are_awaited_and_nothing_starts(tmp_path: Path) -> None:
    def slow(ctx: StepContext) -> None:
        # the failing step ends first, whatever the machine's load
        while dag.get_step_status("bad") is not StepOutcome.failed:
            time.sleep(0.005)
        assert not ctx.cancelled

    dag = pipeline(tmp_path, max_parallel_steps=2)
    dag.add_step(Work("slow", slow))
    dag.add_step(Work("bad", fail("it broke")))
    dag.add_step(Work("free"), after=["slow"])
    dag.add_step(Work("child"), ["bad"])
    result = dag.execute()
    assert outcomes(result) == {
        "slow": "executed",
        "bad": "failed",
        "free": "cancelled",
        "child": "cancelled",
    }
    assert result.outcome is RunOutcome.failed
    assert "`bad` failed" in result["free"].reason
    assert isinstance(result.error, RuntimeError)


def test_a_late_failure_of_a_sibling_fails_the_run_and_keeps_what_was_done(tmp_path: Path) -> None:
    sibling_done = threading.Event()
    dag = pipeline(tmp_path, max_parallel_steps=2)
    dag.add_step(Work("late", lambda ctx: sibling_done.wait(LONG_S) and fail()(ctx)))
    dag.add_step(Work("early"))
    dag.add_step(Work("after-early", lambda _ctx: sibling_done.set()), ["early"])
    dag.add_step(Work("both"), ["late", "after-early"])
    result = dag.execute()
    assert outcomes(result) == {
        "late": "failed",
        "early": "executed",
        "after-early": "executed",
        "both": "cancelled",
    }
    assert result["after-early"].output.text == "after-early(early())"


def test_without_stop_only_descendants_are_skipped(tmp_path: Path) -> None:
    dag = pipeline(tmp_path, stop_on_failure=False, max_parallel_steps=1)
    dag.add_step(Work("bad", fail()))
    dag.add_step(Work("child"), ["bad"])
    dag.add_step(Work("grandchild"), ["child"])
    dag.add_step(Work("other"))
    dag.add_step(Work("other-child"), ["other"])
    dag.add_step(Work("mixed"), ["other", "grandchild"])
    result = dag.execute()
    assert outcomes(result) == {
        "bad": "failed",
        "child": "skipped",
        "grandchild": "skipped",
        "other": "executed",
        "other-child": "executed",
        "mixed": "skipped",
    }
    assert result.outcome is RunOutcome.partial
    assert result["mixed"].reason == "`bad` failed"


def test_without_stop_a_run_in_which_nothing_succeeded_has_failed(tmp_path: Path) -> None:
    dag = pipeline(tmp_path, stop_on_failure=False)
    chain(dag, [Work("bad", fail()), Work("child")])
    assert dag.execute().outcome is RunOutcome.failed


def test_a_step_that_raises_in_validation_fails_before_it_works(tmp_path: Path) -> None:
    from gridloom.errors import UsageError

    class Picky(Work):
        def validate_input(self, inputs) -> None:
            raise UsageError(f"not with {[note.text for note in inputs['notes']]}")

    worked: list[str] = []
    dag = pipeline(tmp_path)
    chain(dag, [Work("a"), Picky("b", lambda ctx: worked.append(ctx.step_id), retries=3)])
    result = dag.execute()
    assert result["b"].outcome is StepOutcome.failed
    assert str(result.error) == "not with ['a()']"
    assert worked == []
    assert result["b"].attempts == 1, "bad input stays bad: it is not tried again"


def test_cancelling_stops_running_steps_that_listen_and_starts_nothing(tmp_path: Path) -> None:
    def action(ctx: StepContext) -> None:
        cancel_within(dag, ctx)
        ctx.raise_if_cancelled()

    dag = pipeline(tmp_path)
    chain(dag, [Work("a"), Work("b", action), Work("c")])
    result = dag.execute()
    assert outcomes(result) == {"a": "executed", "b": "cancelled", "c": "cancelled"}
    assert result.outcome is RunOutcome.failed
    assert isinstance(result.error, InterruptedRunError)
    assert (result.run_dir / "results.json").exists()


def test_a_step_that_does_not_listen_is_awaited_and_counts(tmp_path: Path) -> None:
    dag = pipeline(tmp_path)
    chain(dag, [Work("a", lambda ctx: cancel_within(dag, ctx)), Work("b")])
    assert outcomes(dag.execute()) == {"a": "executed", "b": "cancelled"}


def test_a_callback_after_the_cancellation_is_called_at_once_and_its_error_is_logged(tmp_path: Path) -> None:
    late = threading.Event()

    def broken() -> None:
        raise RuntimeError("callback broke")

    def action(ctx: StepContext) -> None:
        ctx.on_cancel(broken)
        cancel_within(dag, ctx)
        ctx.on_cancel(late.set)

    dag = pipeline(tmp_path)
    dag.add_step(Work("a", action))
    result = dag.execute()
    assert late.is_set()
    assert "callback broke" in (result.run_dir / "events.jsonl").read_text()


def test_a_finished_run_is_not_disturbed_by_a_late_cancel(tmp_path: Path) -> None:
    dag = pipeline(tmp_path)
    dag.add_step(Work("a"))
    dag.execute()
    dag.cancel()
    assert dag.execute().outcome is RunOutcome.succeeded


def test_a_wide_graph_has_every_step_once(tmp_path: Path) -> None:
    ran: list[str] = []
    dag = pipeline(tmp_path, max_parallel_steps=8)
    nodes = [dag.add_step(Work(f"s{number}", lambda ctx: ran.append(ctx.step_id))) for number in range(60)]
    dag.add_step(Work("end"), nodes)
    dag.execute().raise_for_failure()
    assert sorted(ran) == sorted(node.step_id for node in nodes)


def started_in_order(out: Path, steps: dict[str, float]) -> list[str]:
    """Returns in which order steps began, two at a time, and notes that each took its seconds.

    What they really take on a busy machine is chance, and so is which of two threads runs first: the
    first two steps wait for each other, so that no third one begins before both have.
    """
    order: list[str] = []
    both = threading.Barrier(min(2, len(steps)))

    def begin(ctx: StepContext) -> None:
        order.append(ctx.step_id)
        if order.index(ctx.step_id) < both.parties:
            both.wait(LONG_S)

    dag = pipeline(out, max_parallel_steps=2)
    for name in steps:
        before = [name[:-1] + "1"] if name.endswith("2") else []
        dag.add_step(Work(name, begin), before)
    dag.execute().raise_for_failure()
    for name, seconds in steps.items():
        change(out, "UPDATE steps SET duration_s = ? WHERE step_id = ?", seconds, name)
    return order


def test_what_took_long_lately_starts_first(tmp_path: Path) -> None:
    """The long one was added last: without history it would hold back the end of the run."""
    steps = {**{f"short-{number}x": 0.01 for number in range(6)}, "long": 0.3}
    first, second = (started_in_order(tmp_path, steps) for _ in range(2))

    # two threads that begin at the same moment may say so in either order
    assert first.index("long") >= 5
    assert second.index("long") <= 1


def test_so_does_what_a_long_way_waits_for(tmp_path: Path) -> None:
    steps = {"p1": 0.02, "q1": 0.02, "r1": 0.01, "p2": 0.01, "q2": 0.01, "r2": 0.3}
    first, second = (started_in_order(tmp_path, steps) for _ in range(2))

    assert "r1" not in first[:2]
    assert "r1" in second[:2]


def test_history_is_of_the_same_pipeline(tmp_path: Path) -> None:
    from gridloom.dag.database import Database
    from gridloom.dag.earlier import expected_durations

    started_in_order(tmp_path, {"long": 0.02})
    database = Database(tmp_path, writes=False)
    try:
        assert expected_durations(database, "toys").keys() == {"long"}
        assert expected_durations(database, "others") == {}
    finally:
        database.close()
