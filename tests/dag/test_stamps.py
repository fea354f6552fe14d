"""What another run or program replaced while it was used is an error that says so, never a wrong output."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.dag.toys import CachedWork, Note, Work, chain, pipeline

from gridloom.artifact import Artifact
from gridloom.dag import StepContext
from gridloom.dag.stamps import Stamps, stamp
from gridloom.errors import StepFailedError


def rewrite(path: Path) -> None:
    path.write_text("a!")


def replace(path: Path) -> None:
    """Puts a file of the same size and time in its place, as a rename does."""
    times = path.stat()
    other = path.with_name("other")
    other.write_text("b()")
    os.utime(other, ns=(times.st_atime_ns, times.st_mtime_ns))
    other.rename(path)


def touch_same_size(path: Path) -> None:
    path.write_text("x()")
    os.utime(path, ns=(1, 1))


@pytest.mark.parametrize("harm", [rewrite, replace, touch_same_size, Path.unlink])
@pytest.mark.parametrize("kind", [CachedWork, Work])
@pytest.mark.parametrize("cached", [False, True], ids=["executed", "cached"])
def test_an_input_that_was_replaced_meanwhile_fails_the_step(
    tmp_path: Path, harm: Callable[[Path], None], kind: type[Work], cached: bool
) -> None:
    used = tmp_path / "steps" / "a" / "note.txt"
    if cached:
        before = pipeline(tmp_path)
        before.add_step(CachedWork("a"))
        before.execute().raise_for_failure()

    dag = pipeline(tmp_path)
    chain(dag, [CachedWork("a"), Slowly("b", lambda _ctx: harm(used)), CachedWork("c")])
    result = dag.execute()

    assert isinstance(result.error, StepFailedError)
    assert str(result.error) == (
        f"{used}, which step 'b' takes, was replaced while this run used it, by another run or program. "
        "Run the same command again: it goes on with what is there."
    )
    assert not (tmp_path / "steps" / "b").exists(), "nothing was published"
    assert result["c"].outcome.value == "cancelled"


class Slowly(CachedWork):
    """Takes its inputs first, and does what it is told after."""

    def _execute(self, notes: list[Note] | None, ctx: StepContext) -> Note:
        ctx.path("note.txt").write_text("+".join(note.text for note in notes or []))
        if self.action:
            self.action(ctx)
        return Note.of(ctx.path("note.txt"))


def test_one_that_was_replaced_before_the_step_began_fails_it_too(tmp_path: Path) -> None:
    used = tmp_path / "steps" / "a" / "note.txt"
    ran: list[str] = []
    dag = pipeline(tmp_path, max_parallel_steps=1)
    dag.add_step(CachedWork("a"))
    dag.add_step(Work("between", lambda _ctx: replace(used)), after=["a"])
    dag.add_step(CachedWork("b", lambda ctx: ran.append(ctx.step_id)), ["a"], after=["between"])

    assert isinstance(dag.execute().error, StepFailedError)
    assert ran == []


def test_a_rename_keeps_a_stamp_and_what_nobody_noted_is_not_checked(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("x")
    before = stamp(file)
    moved = file.rename(tmp_path / "moved")
    stamps = Stamps()
    stamps.check("a", [Artifact.of(moved)])
    stamps.note(moved, before)
    stamps.check("a", [Artifact.of(moved)])

    assert stamp(moved) == before
    assert stamp(tmp_path / "nothing") is None
