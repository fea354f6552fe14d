"""Random bit flips in the record store: each ends as a miss with a reason or as a right hit.

The store remembers several settings of every step, small values, files, and the checkpoints of a step that
failed, so that a wrong hit would be seen in the outputs.
"""

from __future__ import annotations

import random
import shutil
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from gridloom.artifact import Artifact
from gridloom.dag import CacheableStep, PipelineDAG, PipelineDAGConfig, StepConfig, StepContext, StepOutcome
from gridloom.dag.history import list_runs
from gridloom.dag.outcome import RunResult

WIDTH = 4
"""Steps of each kind."""


class Note(Artifact):
    """A text file."""


class SayConfig(StepConfig):
    text: str


class Say(CacheableStep[SayConfig]):
    """A small value, which stands in the record itself."""

    def _execute(self, before: list[str] | None) -> str:
        return f"{self.step_id} {self.config.text} after {' and '.join(before or ['nothing'])}"


class Write(CacheableStep[SayConfig]):
    """A file."""

    def _execute(self, said: str, ctx: StepContext) -> Note:
        path = ctx.path("note.txt")
        path.write_text(f"{self.config.text}: {said}")
        return Note.of(path)


class Late(CacheableStep[SayConfig]):
    """A file from checkpoints; fails as long as there is no permission."""

    def _execute(self, notes: list[Note], ctx: StepContext) -> Note:
        kept = [self.kept(ctx, number, note) for number, note in enumerate(notes)]
        if not (ctx.out / "permission").exists():
            raise RuntimeError("not yet")
        path = ctx.path("late.txt")
        path.write_text("\n".join(kept))
        return Note.of(path)

    def kept(self, ctx: StepContext, number: int, note: Note) -> str:
        text = f"{number} {self.config.text} {note.path.read_text()}"
        found = ctx.checkpoint(f"part-{number}", lambda place: place.write_text(text) and text)
        assert found.path.read_text() == found.value
        return str(found.value)


def run(out: Path, text: str) -> RunResult:
    return build(out, text).execute()


def build(out: Path, text: str) -> PipelineDAG:
    dag = PipelineDAG(PipelineDAGConfig(pipeline_name="flips", output_dir=out))
    for number in range(WIDTH):
        say, write = f"say-{number}", f"write-{number}"
        before = [f"say-{number - 1}"] if number else []
        dag.add_step(Say(SayConfig(step_id=say, text=text)), before)
        dag.add_step(Write(SayConfig(step_id=write, text=text)), [say])
    dag.add_step(Late(SayConfig(step_id="late", text=text)), [f"write-{number}" for number in range(WIDTH)])
    return dag


def made(result: RunResult) -> dict[str, str]:
    """Returns what each step gave: its text, or that of its file."""
    given = {step.step_id: step.output for step in result.steps.values()}
    return {
        name: item.path.read_text() if isinstance(item, Artifact) else item for name, item in given.items()
    }


@contextmanager
def left_open(store: Path) -> Iterator[None]:
    """Keeps a store from being tidied up when others close it, as a kill does."""
    with closing(sqlite3.connect(store)) as connection:
        connection.execute("SELECT count(*) FROM runs").fetchall()
        yield


def remember(folder: Path, *, wal: bool) -> tuple[Path, dict[str, str]]:
    """Runs three times, the last one as it will be rerun; returns the folder and what is right."""
    out = folder / "before"
    run(out, "first")
    with left_open(out / ".gridloom" / "runs.db"):
        run(out, "second")
        run(out, "first")
        shutil.copytree(out, folder / "left")
    left = folder / "left" if wal else out
    (left / "permission").touch()
    assert ((left / ".gridloom" / "runs.db-wal").exists()) is wal
    whole = folder / "whole"
    whole.mkdir()
    (whole / "permission").touch()
    return left, made(run(whole, "first"))


def flip(out: Path, chance: random.Random) -> str:
    """Flips one bit of what is left of the store; returns where, in words."""
    files = [path for path in sorted((out / ".gridloom").glob("runs.db*")) if path.name[-3:] != "shm"]
    (path,) = chance.choices(files, weights=[file.stat().st_size for file in files])
    data = bytearray(path.read_bytes())
    at, bit = chance.randrange(len(data)), chance.randrange(8)
    data[at] ^= 1 << bit
    path.write_bytes(data)
    return f"{path.name}, byte {at}, bit {bit}"


def survive(folder: Path, flips: int, seed: int, *, wal: bool) -> Counter[str]:
    """Reruns after each of so many flips, and checks what comes; returns how the steps ended, counted."""
    left, right = remember(folder, wal=wal)
    ended: Counter[str] = Counter()
    for number in range(flips):
        out = folder / "now"
        shutil.copytree(left, out)
        place = flip(out, random.Random(f"{seed}/{number}"))
        build(out, "first").plan()
        list_runs(out)

        result = run(out, "first")

        assert result.error is None, place
        assert made(result) == right, place
        for step in result.steps.values():
            assert step.reason, place
            ended[step.reason if step.outcome is StepOutcome.executed else "hit"] += 1
        # where the damage was met half way, a new store knows nothing of the hits before it
        assert made(run(out, "first")) == right, place
        again = run(out, "first")
        assert {step.outcome for step in again.steps.values()} == {StepOutcome.cached}, place
        assert made(again) == right, place
        shutil.rmtree(out)
    return ended


@pytest.mark.parametrize("wal", [False, True], ids=["closed", "left open"])
def test_a_few_flips(wal: bool, tmp_path: Path) -> None:
    ended = survive(tmp_path, flips=12, seed=12, wal=wal)

    assert ended["hit"] > 0


@pytest.mark.soak
@pytest.mark.parametrize("wal", [False, True], ids=["closed", "left open"])
def test_four_hundred_flips(wal: bool, tmp_path: Path) -> None:
    ended = survive(tmp_path, flips=200, seed=200, wal=wal)

    assert ended["hit"] > 0
    assert len(ended) > 1, "no flip was noticed"
