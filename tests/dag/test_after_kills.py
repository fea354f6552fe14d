"""What a run finds that was killed, or whose end could not be written, just at the worst moment."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from tests.dag.toys import CachedWork, pipeline

from gridloom.dag import RunResult, StepContext
from gridloom.dag.checkpoint import checkpoint_home


def keep_a_part(ctx: StepContext) -> None:
    ctx.checkpoint("part", lambda place: place.write_text("partial"))


def run(out: Path) -> RunResult:
    dag = pipeline(out)
    dag.add_step(CachedWork("a", keep_a_part))
    return dag.execute()


def change(out: Path, *statements: str) -> None:
    with closing(sqlite3.connect(out / ".gridloom" / "runs.db")) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()


def checkpoints(out: Path) -> list[Path]:
    return list((out / ".gridloom" / "checkpoints").glob("*"))


def forget_the_end(out: Path) -> None:
    """Leaves the records of a run as if its end could not be written."""
    change(out, "UPDATE runs SET outcome = NULL", "DELETE FROM steps")


def left_behind(out: Path) -> Path:
    """Puts a checkpoint of the committed step back."""
    with closing(sqlite3.connect(out / ".gridloom" / "runs.db")) as connection:
        ((key,),) = connection.execute("SELECT key FROM manifests").fetchall()
    part = checkpoint_home(out, "a", key) / "part"
    part.parent.mkdir(parents=True)
    part.write_text("partial")
    return part


def test_checkpoints_that_a_kill_left_behind_a_committed_step_are_removed(tmp_path: Path) -> None:
    run(tmp_path)
    assert checkpoints(tmp_path) == []
    left_behind(tmp_path)

    assert run(tmp_path)["a"].outcome == "cached"
    assert checkpoints(tmp_path) == []


def test_checkpoints_of_a_run_that_redoes_the_step_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = run(tmp_path)
    part = left_behind(tmp_path)
    forget_the_end(tmp_path)
    monkeypatch.setattr("gridloom.dag.journal._OPEN", {first.run_id})

    assert run(tmp_path)["a"].outcome == "cached"
    assert part.read_text() == "partial"


@pytest.mark.timeout(20)
def test_a_run_does_not_wait_for_one_of_its_own_process_that_is_over(tmp_path: Path) -> None:
    note = run(tmp_path)["a"].output
    forget_the_end(tmp_path)
    note.path.unlink()

    assert run(tmp_path)["a"].outcome == "executed"
