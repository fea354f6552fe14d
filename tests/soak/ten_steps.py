"""Ten steps that make real files of every kind, and one step that writes a very large one.

``python -c "from tests.soak.ten_steps import main; main()" NAME EXECUTOR OUT BOARD`` runs one of the two
pipelines and prints how each step ended. Every piece of work is a line on the board, a file outside of the
output folder, so that others see who is at work, and where.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, NamedTuple, cast

from gridloom.artifact import Artifact
from gridloom.dag import (
    CacheableStep,
    PipelineDAG,
    PipelineDAGConfig,
    StepConfig,
    StepContext,
    operational,
)

PIECES = 4
"""Pieces of work of each of the ten steps."""
BLOCK_BYTES = 1 << 20


class Part(Artifact):
    """A file of bytes that follow from the step's name and inputs."""


class Folder(Artifact):
    """A folder of such files."""


class Work(StepConfig):
    board: Path = operational()
    size_bytes: int = 40_000


def block(seed: str, size_bytes: int) -> bytes:
    """Returns bytes that look random and are always the same."""
    return hashlib.shake_128(seed.encode()).digest(size_bytes)


class _Working(CacheableStep[Work]):
    """A step that says on the board what it is at."""

    def seed(self, parts: Sequence[Artifact] | None, folders: Sequence[Artifact] | None) -> str:
        return ":".join([self.step_id, *(item.digest for item in [*(parts or ()), *(folders or ())])])

    def say(self, piece: int) -> None:
        with self.config.board.open("a") as board:
            board.write(f"{os.getpid()} {self.step_id} {piece}\n")


class OneFile(_Working):
    def _execute(self, parts: list[Part] | None, folders: list[Folder] | None, ctx: StepContext) -> Part:
        seed, path = self.seed(parts, folders), ctx.path("part.bin")
        with path.open("wb") as stream:
            for piece in range(PIECES):
                self.say(piece)
                stream.write(block(f"{seed}{piece}", self.config.size_bytes))
        return Part.of(path)


class OneFolder(_Working):
    def _execute(self, parts: list[Part] | None, ctx: StepContext) -> Folder:
        seed = self.seed(parts, None)
        for piece in range(PIECES):
            self.say(piece)
            ctx.path(f"all/{piece}.bin").write_bytes(block(f"{seed}{piece}", self.config.size_bytes))
        return Folder.of(ctx.path("all"))


class Both(NamedTuple):
    part: Part
    folder: Folder
    total: int


class ManyOutputs(_Working):
    """Two files, a small value, and a file that no output describes."""

    def _execute(self, parts: list[Part], ctx: StepContext) -> Both:
        seed = self.seed(parts, None)
        for piece in range(PIECES):
            self.say(piece)
            ctx.path(f"several/{piece}.bin").write_bytes(block(f"{seed}{piece}", self.config.size_bytes))
        ctx.path("note.txt").write_text(seed)
        ctx.path("part.bin").write_bytes(block(seed, self.config.size_bytes))
        return Both(Part.of(ctx.path("part.bin")), Folder.of(ctx.path("several")), len(parts))


class InParts(_Working):
    """A file put together from checkpoints."""

    def _execute(self, parts: list[Part], ctx: StepContext) -> Part:
        seed, path = self.seed(parts, None), ctx.path("part.bin")
        with path.open("wb") as stream:
            for piece in range(PIECES):
                found = ctx.checkpoint(
                    f"piece-{piece}", lambda place, piece=piece: self.make(place, seed, piece)
                )
                stream.write(found.path.read_bytes())
        return Part.of(path)

    def make(self, place: Path, seed: str, piece: int) -> None:
        self.say(piece)
        place.write_bytes(block(f"{seed}{piece}", self.config.size_bytes))


def ten(dag: PipelineDAG, board: Path) -> None:
    """Adds ten steps, of which up to three can run at once."""

    def add(kind: type[_Working], step_id: str, *after: str) -> None:
        dag.add_step(kind(Work(step_id=step_id, board=board)), after)

    add(OneFile, "s0")
    add(OneFile, "s1")
    add(OneFolder, "s2", "s0")
    add(InParts, "s3", "s0", "s1")
    add(OneFile, "s4", "s1")
    add(OneFile, "s5", "s2", "s3")
    add(InParts, "s6", "s3", "s4")
    add(ManyOutputs, "s7", "s5")
    add(OneFolder, "s8", "s6")
    add(OneFile, "s9", "s7", "s8")


class Large(_Working):
    """One file, written block by block."""

    def _execute(self, parts: list[Part], ctx: StepContext) -> Part:
        seed, path = self.seed(parts, None), ctx.path("large.bin")
        data = block(seed, BLOCK_BYTES)
        with path.open("wb") as stream:
            for piece in range(self.config.size_bytes // BLOCK_BYTES):
                self.say(piece)
                stream.write(piece.to_bytes(8, "big") + data[8:])
        return Part.of(path)


def large(dag: PipelineDAG, board: Path, size_bytes: int) -> None:
    """Adds a large step between two small ones."""
    dag.add_step(OneFile(Work(step_id="before", board=board)))
    dag.add_step(Large(Work(step_id="large", board=board, size_bytes=size_bytes)), ["before"])
    dag.add_step(OneFile(Work(step_id="after", board=board)), ["large"])


def build(name: str, executor: str, out: Path, board: Path) -> PipelineDAG:
    """Returns a pipeline: ``ten``, or ``large-MB`` with a file of so many MiB."""
    where = cast("Literal['thread', 'process']", executor)
    dag = PipelineDAG(PipelineDAGConfig(pipeline_name=name, output_dir=out, executor=where))
    if name == "ten":
        ten(dag, board)
    else:
        large(dag, board, int(name.partition("-")[2]) * BLOCK_BYTES)
    return dag


def main() -> None:
    """Runs the pipeline of the command line."""
    name, executor, out, board = sys.argv[1:]
    result = build(name, executor, Path(out), Path(board)).execute()
    result.raise_for_failure()
    sys.stdout.write(json.dumps({step.step_id: step.outcome.value for step in result.steps.values()}))
