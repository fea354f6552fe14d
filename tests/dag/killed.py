"""Runs of toys in a process of their own, to be killed where they stop."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.dag.toys import Note, Trial, WorkConfig, pipeline

from gridloom.dag import CacheableStep, PipelineDAG, StepContext, operational

PARTS = ("one", "two", "three")


class PartedConfig(WorkConfig):
    stops: bool = operational(default=False)


class Parted(CacheableStep[PartedConfig]):
    """Makes a note of three checkpoints: a value, a file and a folder; may stop for ever after them."""

    def _execute(self, ctx: StepContext) -> Note:
        value = ctx.checkpoint("one", lambda _path: {"words": ["one", self.config.text]})
        file = ctx.checkpoint("two", lambda path: path.write_text("two"))
        folder = ctx.checkpoint("three", make_folder)
        ctx.log("found " + " ".join(part.name for part in (value, file, folder) if part.found))
        if self.config.stops:
            wait_for_ever()
        path = ctx.path("note.txt")
        parts = [*value.value["words"], file.path.read_text(), (folder.path / "deep" / "x").read_text()]
        path.write_text("+".join(parts))
        return Note.of(path)


def make_folder(path: Path) -> None:
    (path / "deep").mkdir(parents=True)
    (path / "deep" / "x").write_text("three")


def wait_for_ever() -> None:
    sys.stdout.write("waiting\n")
    sys.stdout.flush()
    time.sleep(60)


def parted(out: Path, *, stops: bool = False, **settings: str) -> PipelineDAG:
    dag = pipeline(out)
    dag.add_step(Parted(PartedConfig(step_id="parted", stops=stops, **settings)))
    return dag


def working(out: Path, *, text: str = "", stops: bool = False) -> PipelineDAG:
    """Three steps in a row; the second one may stop for ever."""

    def wait(_ctx: StepContext) -> None:
        wait_for_ever()

    dag = pipeline(out)
    before: list[str] = []
    for name in "abc":
        dag.add_step(Trial(name, wait if stops and name == "b" else None, text=text), before)
        before = [name]
    return dag


PROGRAMS = {"parted": parted, "working": working}


@contextmanager
def started(name: str, out: Path) -> Iterator[subprocess.Popen[str]]:
    """Runs a program in a process of its own, up to where it stops; killed at the end."""
    process = subprocess.Popen(
        # imported, not run, so that its steps are the same classes as here
        [sys.executable, "-c", "from tests.dag.killed import main; main()", name, str(out)],
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout is not None
        try:
            assert process.stdout.readline() == "waiting\n"
            yield process
        finally:
            process.send_signal(signal.SIGKILL)


def kill(name: str, out: Path) -> None:
    """Runs a program in a process of its own, and kills it where it stops."""
    with started(name, out):
        pass


def main() -> None:
    PROGRAMS[sys.argv[1]](Path(sys.argv[2]), stops=True).execute()
