"""The journal tells what happened, while it happens and after any end."""

from __future__ import annotations

import json
import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from tests.dag.killed import kill, started
from tests.dag.toys import CachedWork, chain, fail, pipeline

from gridloom.dag import RunOutcome, StepContext
from gridloom.dag.database import Database
from gridloom.dag.ends import Ended
from gridloom.dag.history import list_runs, load_run
from gridloom.dag.runner import Scheduler

CANARY = "canary-secret-value"


def ask(out: Path, sql: str) -> list[tuple[Any, ...]]:
    with closing(Database(out, writes=False)) as database:
        return database.rows(sql)


def steps_of(out: Path) -> list[tuple[str, str, str]]:
    return [(step["step_id"], step["outcome"], step["reason"]) for step in load_run(out, "latest")["steps"]]


def test_a_killed_run_is_interrupted_and_says_how_far_it_came(tmp_path: Path) -> None:
    kill("working", tmp_path)

    assert [run["outcome"] for run in list_runs(tmp_path)] == ["interrupted"]
    assert steps_of(tmp_path) == [
        ("a", "executed", "never ran before"),
        ("b", "interrupted", "was cut off"),
        ("c", "pending", "had not begun"),
    ]


def test_a_live_one_is_running(tmp_path: Path) -> None:
    with started("working", tmp_path):
        assert [run["outcome"] for run in list_runs(tmp_path)] == ["running"]
        assert steps_of(tmp_path)[1:] == [("b", "running", "at work"), ("c", "pending", "had not begun")]
    assert [run["outcome"] for run in list_runs(tmp_path)] == ["interrupted"]


def test_a_process_that_got_the_same_number_later_is_not_the_run(tmp_path: Path) -> None:
    kill("working", tmp_path)
    with closing(sqlite3.connect(tmp_path / ".gridloom" / "runs.db")) as store, store:
        ((owner,),) = store.execute("SELECT owner FROM runs").fetchall()
        mine = {**json.loads(owner), "pid": os.getpid()}
        store.execute("UPDATE runs SET owner = ?", (json.dumps(mine).encode(),))

    assert [run["outcome"] for run in list_runs(tmp_path)] == ["interrupted"]


def test_steps_attempts_and_numbers_are_there_as_they_happen(tmp_path: Path) -> None:
    seen: list[list[tuple[Any, ...]]] = []

    def look(_ctx: StepContext) -> None:
        seen.append(ask(tmp_path, "SELECT step_id, outcome, attempts FROM steps"))
        seen.append(ask(tmp_path, "SELECT step_id, number, outcome FROM attempts"))

    dag = pipeline(tmp_path)
    chain(dag, [CachedWork("a", lambda ctx: ctx.add(rows_received=7, requests=2)), CachedWork("b", look)])
    dag.execute().raise_for_failure()
    ((metrics,),) = ask(tmp_path, "SELECT metrics FROM steps WHERE step_id = 'a'")

    assert seen == [[("a", "executed", 1)], [("a", 1, None), ("b", 1, None)]]
    assert json.loads(metrics)["rows_received"] == 7
    assert json.loads(metrics)["requests"] == 2


def test_every_attempt_is_told(tmp_path: Path) -> None:
    tries: list[int] = []

    def stubborn(_ctx: StepContext) -> None:
        tries.append(1)
        if len(tries) < 3:
            raise OSError(f"try {len(tries)}")

    dag = pipeline(tmp_path)
    dag.add_step(CachedWork("a", stubborn, retries=3, retry_backoff_s=0))
    dag.execute().raise_for_failure()

    assert ask(tmp_path, "SELECT number, outcome, error_type, message FROM attempts") == [
        (1, "failed", "OSError", "try 1"),
        (2, "failed", "OSError", "try 2"),
        (3, None, None, None),
    ]
    assert ask(tmp_path, "SELECT outcome, attempts FROM steps") == [("executed", 3)]


def test_a_hit_is_no_attempt(tmp_path: Path) -> None:
    for _ in range(2):
        dag = pipeline(tmp_path)
        dag.add_step(CachedWork("a"))
        result = dag.execute()

    assert ask(tmp_path, f"SELECT * FROM attempts WHERE run_id = '{result.run_id}'") == []
    assert ask(tmp_path, f"SELECT outcome FROM steps WHERE run_id = '{result.run_id}'") == [("cached",)]


def test_a_failed_run_is_told_with_its_error(tmp_path: Path) -> None:
    dag = pipeline(tmp_path)
    chain(dag, [CachedWork("a", fail("it broke")), CachedWork("b")])
    result = dag.execute()
    (stored,) = ask(tmp_path, "SELECT outcome, error FROM runs")

    assert (stored[0], json.loads(stored[1])) == (
        "failed",
        {"type": "RuntimeError", "message": "Step 'a' failed with RuntimeError: it broke"},
    )
    assert ask(tmp_path, "SELECT step_id, outcome FROM steps") == [("a", "failed"), ("b", "cancelled")]
    assert load_run(tmp_path, result.run_id)["outcome"] == "failed"


def test_a_journal_that_cannot_be_written_fails_the_run(tmp_path: Path) -> None:
    def fill(_ctx: StepContext) -> None:
        store = run._database
        store.write(lambda connection: None)
        assert store._connection is not None
        ((pages,),) = store._connection.execute("PRAGMA page_count").fetchall()
        store._connection.execute(f"PRAGMA max_page_count={pages}")
        # rows of this size find no room on the pages that are there
        raise RuntimeError("x" * 100_000)

    dag = pipeline(tmp_path)
    chain(dag, [CachedWork("a", fill), CachedWork("b")])
    run = dag._begin()
    result = run.go()

    assert result.outcome is RunOutcome.failed
    assert result["b"].outcome.value == "cancelled"
    assert "could not be written into the journal" in " ".join(result["a"].error.__notes__)
    assert "The disk is full" in result["a"].error.__notes__[0]


def test_secrets_are_in_no_file_of_the_store(tmp_path: Path) -> None:
    looked: list[str] = []

    def leak(ctx: StepContext) -> None:
        ctx.metric(f"seen {CANARY}", 1.0, CANARY)
        part = ctx.checkpoint("part", lambda _path: {"key": CANARY})
        assert part.value == {"key": CANARY}, "the step itself gets what it made"
        looked.extend(files_with(tmp_path, CANARY))
        raise RuntimeError(f"GET http://host/?api_key={CANARY} was refused")

    dag = pipeline(
        tmp_path,
        recipe={"pipeline": "toys", "settings": {"url": f"http://{CANARY}@host"}},
        stop_on_failure=False,
    )
    dag.add_secret(CANARY)
    dag.add_step(CachedWork("a", leak, text=CANARY, retries=1, retry_backoff_s=0))
    dag.add_step(CachedWork("b", text=CANARY))
    result = dag.execute()

    assert looked == []
    assert files_with(tmp_path / ".gridloom", CANARY) == []
    assert "was refused" in str(result.error)


def files_with(folder: Path, text: str) -> list[str]:
    return [
        path.name
        for path in folder.rglob("*")
        if path.is_file() and text.encode() in path.read_bytes() and path.name != "note.txt"
    ]


def test_what_utf8_cannot_say_is_escaped(tmp_path: Path) -> None:
    def bad(ctx: StepContext) -> None:
        ctx.log("reading caf\udce9")
        raise RuntimeError("caf\udce9 was refused")

    dag = pipeline(tmp_path)
    dag.add_step(CachedWork("a", bad))
    result = dag.execute()

    assert str(result.error) == "caf\\udce9 was refused"
    assert (
        load_run(tmp_path, "latest")["error"]["message"]
        == "Step 'a' failed with RuntimeError: caf\\udce9 was refused"
    )


def test_an_error_that_has_no_words_fails_its_step(tmp_path: Path) -> None:
    class Speechless(Exception):  # noqa: N818
        def __str__(self) -> str:
            raise ValueError("no words")

    def bad(_ctx: StepContext) -> None:
        raise Speechless

    dag = pipeline(tmp_path)
    chain(dag, [CachedWork("a", bad), CachedWork("b")])
    result = dag.execute()

    assert result.outcome is RunOutcome.failed
    assert str(result.error).startswith("Step 'a' failed with an error of type ")


def test_a_metric_that_cannot_be_said_fails_its_step(tmp_path: Path) -> None:
    dag = pipeline(tmp_path)
    dag.add_step(CachedWork("a", lambda ctx: ctx.metric("heat", object())))  # type: ignore[arg-type]

    assert dag.execute()["a"].outcome.value == "failed"


def test_a_run_that_broke_claims_nothing_any_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program may go on after its run was broken off; nobody must wait for that run."""

    class Stop(BaseException):
        pass

    def end(_scheduler: Scheduler, _ended: Ended) -> None:
        raise Stop

    dag = pipeline(tmp_path)
    dag.add_step(CachedWork("slow"))
    with monkeypatch.context() as broken:
        broken.setattr(Scheduler, "_end", end)
        with pytest.raises(Stop):
            dag.execute()
    again = pipeline(tmp_path)
    again.add_step(CachedWork("slow"))

    assert again.execute().outcome is RunOutcome.succeeded
    assert [run["outcome"] for run in list_runs(tmp_path)] == ["succeeded", "failed"]


def test_a_run_that_cannot_begin_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / ".gridloom" / "runs.db").mkdir(parents=True)
    dag = pipeline(tmp_path)
    dag.add_step(CachedWork("a"))
    with pytest.raises(Exception, match=r"runs\.db: unable to open database file"):
        dag.execute()

    assert list((tmp_path / "runs").iterdir()) == []
    assert list((tmp_path / ".gridloom" / "staging").iterdir()) == []
