"""Steps in processes of their own: the same as on threads, and what only a process can do."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.dag import acts
from tests.dag.toys import Action, CachedWork, Note, Work, WorkConfig, chain, pipeline
from tests.e2e.processes import wait_until

from gridloom.dag import PipelineDAG, RunResult, StepContext, StepOutcome
from gridloom.dag.events import CheckpointReached, Event, LogWritten, ProgressMade
from gridloom.errors import (
    ConfigError,
    InterruptedRunError,
    StepCrashedError,
    StepError,
    StepTimeoutError,
)


def add_speaking(dag: PipelineDAG) -> None:
    dag.add_step(CachedWork("a", acts.say_all))
    dag.add_step(CachedWork("b", text="!"), ["a"])
    dag.add_step(CachedWork("c"), ["a"])
    dag.add_step(CachedWork("d"), ["b", "c"])


def add_pairs(dag: PipelineDAG) -> None:
    dag.add_step(CachedWork("a"))
    dag.add_step(acts.GivesPair(WorkConfig(step_id="pair")), ["a"])
    dag.add_step(acts.TakesPair(WorkConfig(step_id="taken")), ["pair"])


def add_one(action: Action, **settings: Any) -> Callable[[PipelineDAG], None]:
    def add(dag: PipelineDAG) -> None:
        dag.add_step(Work("bad", action, **settings))
        dag.add_step(Work("child"), ["bad"])
        dag.add_step(Work("other"))

    return add


SHAPES = {
    "speaking": add_speaking,
    "pairs": add_pairs,
    "raising": add_one(acts.raise_value_error, retries=2, retry_backoff_s=0),
    "checking": add_one(acts.fail_a_check, retries=2),
    "refusing": add_one(acts.raise_check_failed, retries=2),
    "leaving": add_one(acts.leave),
    "dry": add_one(acts.fail_a_check, dry_run=True),
}
_OF_THE_MOMENT = {"seq", "at", "run_id", "duration_s", "retry_in_s"}


def run(out: Path, add: Callable[[PipelineDAG], None], executor: str) -> tuple[RunResult, list[Event]]:
    said: list[Event] = []
    dag = pipeline(out, executor=executor, stop_on_failure=False, max_parallel_steps=1)
    dag.subscribe(said.append)
    add(dag)
    return dag.execute(), said


def facts(out: Path, result: RunResult, said: list[Event]) -> dict[str, Any]:
    """Everything about a run that does not depend on the moment, nor on the machine."""
    files = {
        path.relative_to(out).as_posix(): path.read_bytes()
        for path in out.rglob("steps/**/*")
        if path.is_file()
    }
    steps = {
        name: (
            step.outcome,
            step.reason,
            step.attempts,
            step.findings,
            {key: str(value).replace(str(out), "") for key, value in step.artifacts.items()},
            type(step.error).__name__,
            str(step.error),
            {
                key: getattr(step.metrics, key)
                for key in type(step.metrics).__dataclass_fields__
                if key not in {"duration_s", "cpu_s", "peak_rss_bytes", "peak_rss_scope"}
            },
        )
        for name, step in result.steps.items()
    }
    events = [
        {key: value for key, value in msgspec.to_builtins(event).items() if key not in _OF_THE_MOMENT}
        for event in said
        if not isinstance(event, ProgressMade)
    ]
    return {"files": files, "steps": steps, "events": events, "outcome": result.outcome}


@pytest.mark.parametrize("shape", SHAPES)
def test_a_run_is_the_same_as_on_threads(shape: str, tmp_path: Path) -> None:
    threads, processes = tmp_path / "threads", tmp_path / "processes"

    expected = facts(threads, *run(threads, SHAPES[shape], "thread"))

    assert facts(processes, *run(processes, SHAPES[shape], "process")) == expected


def test_progress_carries_what_was_counted_before(tmp_path: Path) -> None:
    _, said = run(tmp_path, add_speaking, "process")
    (progress,) = (event for event in said if isinstance(event, ProgressMade))

    assert (progress.done, progress.total, progress.unit) == (1, 3, "files")
    assert (progress.requests, progress.rows_received) == (2, 5)


@pytest.mark.parametrize(("first", "second"), [("process", "thread"), ("thread", "process")])
def test_what_one_executor_made_is_a_hit_for_the_other(first: str, second: str, tmp_path: Path) -> None:
    run(tmp_path, add_speaking, first)
    result, _ = run(tmp_path, add_speaking, second)

    assert {step.outcome for step in result.steps.values()} == {StepOutcome.cached}


def test_the_traceback_in_the_worker_is_kept(tmp_path: Path) -> None:
    result, _ = run(tmp_path, SHAPES["raising"], "process")
    record = (result.run_dir / "results.json").read_text()

    assert "in raise_value_error" in str(result.error.__cause__)
    assert '_ = {}[\\"deep\\"]' in record


def test_memory_and_time_are_the_steps_own(tmp_path: Path) -> None:
    dag = pipeline(tmp_path, executor="process", max_parallel_steps=1)
    chain(dag, [Work("large", acts.grow), Work("small"), Work("busy", acts.burn), acts.StaysHome("home")])
    result = dag.execute()
    result.raise_for_failure()
    peak = {name: step.metrics.peak_rss_bytes for name, step in result.steps.items()}

    assert peak["large"] > peak["small"] + 150_000_000
    assert result["busy"].metrics.cpu_s > 0.1
    assert [step.metrics.peak_rss_scope for step in result.steps.values()] == ["step"] * 3 + ["process"]


def test_workers_are_used_again_and_never_more_than_run_at_once(tmp_path: Path) -> None:
    tell = acts.TellPid(tmp_path / "pids")
    dag = pipeline(tmp_path / "out", executor="process", max_parallel_steps=4)
    layer: list[str] = []
    for number in range(50):
        dag.add_step(Work(f"s{number}", tell), layer)
        if number % 10 == 9:
            layer = [f"s{number - down}" for down in range(10)]
    result = dag.execute()
    result.raise_for_failure()

    assert len(tell.lines) == 50
    assert len(set(tell.lines)) <= 4
    assert str(os.getpid()) not in tell.lines
    assert not any(alive(pid) for pid in tell.lines)


def test_a_step_that_shares_something_stays_with_its_parent(tmp_path: Path) -> None:
    tell = acts.TellPid(tmp_path / "pids")
    dag = pipeline(tmp_path, executor="process")
    dag.add_step(acts.StaysHome("home", tell))
    dag.add_step(acts.StaysHome("home-with-a-lambda", lambda _ctx: None))
    dag.execute().raise_for_failure()

    assert set(tell.lines) == {str(os.getpid())}


def test_a_pipeline_inside_a_step(tmp_path: Path) -> None:
    dag = pipeline(tmp_path / "outer", executor="process")
    dag.add_step(Work("a", acts.Nested(tmp_path / "inner")))
    dag.execute().raise_for_failure()

    assert (tmp_path / "inner" / "steps" / "inner" / "note.txt").read_text() == "inner()"


def test_a_time_limit_ends_a_step_and_frees_its_slot(tmp_path: Path) -> None:
    wait = acts.WaitDeaf(tmp_path / "pids")
    dag = pipeline(tmp_path / "out", executor="process", stop_on_failure=False, max_parallel_steps=1)
    dag.add_step(Work("slow", wait, time_limit_s=0.3))
    dag.add_step(Work("next"))
    result = dag.execute()

    assert result["slow"].outcome is StepOutcome.failed
    assert isinstance(result.error, StepTimeoutError)
    assert str(result.error).startswith("Step 'slow' was ended at its time limit of 0.3 s. Raise")
    assert result["slow"].metrics.requests == 3, "what it counted before is known"
    assert result["next"].outcome is StepOutcome.executed
    assert not alive(wait.lines[0])


def test_a_step_ended_by_its_time_limit_is_tried_again(tmp_path: Path) -> None:
    slow = acts.SlowOnce(tmp_path / "pids")
    dag = pipeline(tmp_path / "out", executor="process")
    dag.add_step(Work("slow", slow, time_limit_s=0.5, retries=1, retry_backoff_s=0))
    result = dag.execute()

    assert (result["slow"].outcome, result["slow"].attempts) == (StepOutcome.executed, 2)
    assert len(set(slow.lines)) == 2


def test_a_step_that_stays_with_its_parent_is_asked_only(tmp_path: Path) -> None:
    said: list[Event] = []
    dag = pipeline(tmp_path / "out", executor="process")
    dag.subscribe(said.append)
    dag.add_step(acts.StaysHome("home", acts.Wait(tmp_path / "pids"), time_limit_s=0.1))
    result = dag.execute()
    (log,) = (event.message for event in said if isinstance(event, LogWritten))

    assert isinstance(result.error, StepTimeoutError)
    assert log.endswith("It is waited for, because a thread cannot be ended.")


def test_what_a_step_started_ends_with_it(tmp_path: Path) -> None:
    program = acts.WithProgram(tmp_path / "pids")
    dag = pipeline(tmp_path / "out", executor="process")
    dag.add_step(Work("slow", program, time_limit_s=1.0))
    result = dag.execute()

    assert isinstance(result.error, StepTimeoutError)
    wait_until(lambda: not alive(program.lines[0]))


@pytest.mark.parametrize(
    ("action", "words"),
    [
        (acts.killed, "The process of step 'bad' was ended by signal 9 (SIGKILL), as the system does when "),
        (acts.segfault, "was ended by signal 11 (SIGSEGV), as a fault in compiled code does."),
        (acts.exit_3, "The process of step 'bad' ended with exit code 3 before the step did."),
        (acts.exit_with_the_line_held, "ended with exit code 3 before the step did."),
    ],
)
def test_a_process_that_is_gone_is_a_failure_in_words(action: Action, words: str, tmp_path: Path) -> None:
    result, _ = run(tmp_path, add_one(action), "process")

    assert result["bad"].outcome is StepOutcome.failed
    assert isinstance(result.error, StepCrashedError)
    assert words in result["bad"].reason
    assert [result[name].outcome.value for name in ("child", "other")] == ["skipped", "executed"]
    assert list(tmp_path.glob(".gridloom/staging/*")) == []


def test_a_step_whose_process_was_killed_is_tried_again(tmp_path: Path) -> None:
    dag = pipeline(tmp_path / "out", executor="process")
    dag.add_step(Work("a", acts.KilledOnce(tmp_path / "pids"), retries=1, retry_backoff_s=0))

    assert dag.execute()["a"].attempts == 2


def test_a_checkpoint_outlives_the_process_that_made_it(tmp_path: Path) -> None:
    out, said = tmp_path / "out", list[Event]()
    dag = pipeline(out, executor="process")
    dag.subscribe(said.append)
    action = acts.CheckpointThenDieOnce(tmp_path / "pids")
    dag.add_step(CachedWork("a", action, retries=1, retry_backoff_s=0))
    result = dag.execute()

    assert (result["a"].outcome, result["a"].attempts) == (StepOutcome.executed, 2)
    assert (out / "steps" / "a" / "part.txt").read_text() == "partial True"
    assert [event.found for event in said if isinstance(event, CheckpointReached)] == [False, True]
    assert list(out.glob(".gridloom/checkpoints/**/*part*")) == [], "it is removed once it is of no more use"


def test_an_error_that_cannot_travel_keeps_its_words_and_is_tried_again(tmp_path: Path) -> None:
    result, _ = run(tmp_path / "out", add_one(acts.raise_what_cannot_travel), "process")
    again, _ = run(
        tmp_path / "out2",
        add_one(acts.FailOnce(tmp_path / "pids"), retries=1, retry_backoff_s=0),
        "process",
    )

    assert type(result.error) is StepError
    assert str(result.error) == "CannotTravelError: 7: in words"
    assert "in raise_what_cannot_travel" in str(result.error.__cause__)
    assert again["bad"].attempts == 2


def test_a_result_that_cannot_travel_is_a_failure_in_words(tmp_path: Path) -> None:
    dag = pipeline(tmp_path, executor="process")
    dag.add_step(acts.GivesWhatCannotTravel(WorkConfig(step_id="a")))

    assert "Step 'a' gave an object of type function that cannot be sent back" in str(dag.execute().error)


@pytest.mark.parametrize("action", [acts.WaitForCallback, acts.WaitDeaf], ids=["listening", "deaf"])
def test_cancelling_stops_a_step_that_listens_and_ends_one_that_does_not(
    action: type[acts.At], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gridloom.dag.process.GRACE_S", 0.3 if action is acts.WaitDeaf else 60.0)
    board, said = action(tmp_path / "board"), list[Event]()
    dag = pipeline(tmp_path / "out", executor="process")
    dag.subscribe(said.append)
    chain(dag, [Work("a", board), Work("b")])
    canceller = threading.Thread(target=lambda: (wait_until(lambda: board.lines), dag.cancel()))
    canceller.start()
    result = dag.execute()
    canceller.join()

    assert [step.outcome.value for step in result.steps.values()] == ["cancelled", "cancelled"]
    assert isinstance(result.error, InterruptedRunError)
    assert not alive(board.lines[0])
    assert not (tmp_path / "out" / "steps").exists()
    if action is acts.WaitForCallback:
        assert "told" in board.lines
        logs = [event.message for event in said if isinstance(event, LogWritten)]
        assert "An on_cancel callback raised RuntimeError: a callback broke" in logs
        assert str(result["a"].error).startswith("Step 'a' stopped: cancelled by the program")
    else:
        assert str(result["a"].error).startswith("Step 'a' did not stop within 0.3 s, so its process was")


class Local(Work):
    """Defined here, which a worker can import."""


def unpicklable_class() -> Work:
    class Inner(Work):
        pass

    return Inner("inner")


@pytest.mark.parametrize("make", [unpicklable_class, lambda: Work("inner", lambda _ctx: None)])
def test_what_cannot_be_sent_is_said_before_anything_runs(make: Callable[[], Work], tmp_path: Path) -> None:
    dag = pipeline(tmp_path / "out", executor="process")
    dag.add_step(Work("first"))
    dag.add_step(make())
    with pytest.raises(ConfigError) as caught:
        dag.execute()

    assert re.match(
        r"Step 'inner' \((Inner|Work)\) cannot be sent to a worker process: .*[Cc]an't (pickle|get local)",
        str(caught.value),
    )
    assert "at the top of a module that can be imported, or run it on a thread" in str(caught.value)
    assert not (tmp_path / "out").exists()


def test_an_input_that_cannot_be_sent_fails_its_step(tmp_path: Path) -> None:
    class Inner(Note):
        pass

    class Gives(Work):
        in_parent = True

        def _execute(self, ctx: StepContext) -> Note:
            ctx.path("note.txt").write_text("x")
            return Inner.of(ctx.path("note.txt"))

    dag = pipeline(tmp_path, executor="process")
    chain(dag, [Gives("a"), Work("b")])

    assert "The inputs of step 'b' cannot be sent to a worker process" in str(dag.execute()["b"].error)


def test_secrets_stay_hidden(tmp_path: Path) -> None:
    dag = pipeline(tmp_path, executor="process", stop_on_failure=False)
    dag.add_secret("shallow")
    dag.add_secret("a line")
    dag.add_step(Work("raising", acts.raise_value_error))
    dag.add_step(Work("saying", acts.say_all))
    result = dag.execute()
    written = "".join(path.read_text() for path in result.run_dir.iterdir())

    assert str(result.error) == "***"
    assert "shallow" not in written
    assert "a line" not in written
    assert "raise_value_error" in written


@pytest.mark.parametrize("executor", ["thread", "process"])
def test_a_checkpoint_that_holds_a_secret_is_not_noted(executor: str, tmp_path: Path) -> None:
    dag = pipeline(tmp_path, executor=executor)
    dag.add_secret("canary-secret-value")
    dag.add_step(CachedWork("a", acts.keep_a_secret))
    assert dag.execute()["a"].outcome.value == "failed"
    written = b"".join(path.read_bytes() for path in (tmp_path / ".gridloom").glob("runs.db*"))

    assert b"the word is out" in written
    assert b"canary-secret-value" not in written


def alive(pid: str) -> bool:
    """Whether a process runs; one that only waits for its parent to notice its end does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
