"""What steps do in the tests of the process executor: functions that a worker process can import."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from tests.dag.toys import CachedWork, Note, Work, WorkConfig, pipeline

from gridloom.dag import BaseStep, CacheableStep, StepContext
from gridloom.errors import CheckFailedError
from gridloom.finding import Finding

LONG_S = 60.0


@dataclass(frozen=True)
class At:
    """An action that uses a file as a blackboard between processes."""

    path: Path

    def append(self, text: str) -> None:
        with self.path.open("a") as stream:
            stream.write(f"{text}\n")

    @property
    def lines(self) -> list[str]:
        return self.path.read_text().splitlines() if self.path.exists() else []


class TellPid(At):
    def __call__(self, ctx: StepContext) -> None:
        self.append(f"{os.getpid()}")


class Wait(At):
    """Says who it is and waits until it is told to stop, or for ever if it is `deaf`."""

    def __call__(self, ctx: StepContext) -> None:
        ctx.path("half.txt").write_text("half")
        self.append(f"{os.getpid()}")
        while not ctx.cancelled:
            time.sleep(0.005)
        ctx.raise_if_cancelled()


class WaitDeaf(At):
    def __call__(self, ctx: StepContext) -> None:
        ctx.add(requests=3)
        ctx.log("waiting")
        ctx.on_cancel(lambda: self.append("told"))
        self.append(f"{os.getpid()}")
        end_s = time.monotonic() + LONG_S
        while time.monotonic() < end_s:
            time.sleep(0.005)


class WritesOn(At):
    """Writes to its blackboard for ever, whatever it is told."""

    def __call__(self, ctx: StepContext) -> None:
        while True:
            self.append(f"{os.getpid()}")


class WaitForCallback(At):
    def __call__(self, ctx: StepContext) -> None:
        ctx.on_cancel(lambda: self.append("told"))
        ctx.on_cancel(fails)
        Wait(self.path)(ctx)


class FirstTime(At):
    """Does something the first time only."""

    first = True

    @property
    def again(self) -> bool:
        known = self.path.exists()
        self.append(f"{os.getpid()}")
        return known


class KilledOnce(FirstTime):
    def __call__(self, ctx: StepContext) -> None:
        if not self.again:
            os.kill(os.getpid(), signal.SIGKILL)


class SlowOnce(FirstTime):
    def __call__(self, ctx: StepContext) -> None:
        if not self.again:
            time.sleep(LONG_S)


class CheckpointThenDieOnce(FirstTime):
    """Makes a checkpoint, and is killed before it can use it."""

    def __call__(self, ctx: StepContext) -> None:
        part = ctx.checkpoint("part", lambda path: path.write_text("partial"))
        if not self.again:
            os.kill(os.getpid(), signal.SIGKILL)
        ctx.path("part.txt").write_text(f"{part.path.read_text()} {part.found}")


class FailOnce(FirstTime):
    def __call__(self, ctx: StepContext) -> None:
        if not self.again:
            raise CannotTravelError(1, "the first time")


class WithProgram(At):
    """Starts a program that writes on and on, and waits for it."""

    def __call__(self, ctx: StepContext) -> None:
        code = "import os, sys, time\nwhile True: print(os.getpid(), flush=True); time.sleep(0.005)"
        with self.path.open("w") as stream:
            subprocess.run([sys.executable, "-c", code], stdout=stream, check=True)


class Nested(At):
    def __call__(self, ctx: StepContext) -> None:
        dag = pipeline(self.path, executor="process")
        dag.add_step(CachedWork("inner"))
        dag.execute().raise_for_failure()


class CannotTravelError(Exception):
    """Pickles, but does not come back."""

    def __init__(self, number: int, text: str) -> None:
        super().__init__(f"{number}: {text}")


def fails() -> None:
    raise RuntimeError("a callback broke")


def say_all(ctx: StepContext) -> None:
    ctx.add(rows_received=5, requests=2, retries=1, bytes_received=70)
    ctx.progress(1, 3, "files")
    ctx.metric("heat", 1.5, "K")
    ctx.metric("heat", 2.5, "K")
    ctx.finding(Finding(name="seen", why="it may be dark", required=True, passed=True, detail="all of it"))
    ctx.finding(Finding(name="heard", why="it may be loud", required=False, passed=False, detail="nothing"))
    ctx.log("a line", "warning")
    ctx.add(rows_received=1, requests=1)
    ctx.path("more/extra.txt").write_text("extra")


def fail_a_check(ctx: StepContext) -> None:
    ctx.finding(Finding(name="whole", why="holes", required=True, passed=False, detail="one hole"))


def raise_value_error(_ctx: StepContext) -> None:
    try:
        _ = {}["deep"]
    except KeyError as error:
        raise ValueError("shallow") from error


def raise_check_failed(_ctx: StepContext) -> None:
    raise CheckFailedError("not good enough")


def raise_what_cannot_travel(_ctx: StepContext) -> None:
    raise CannotTravelError(7, "in words")


def leave(_ctx: StepContext) -> None:
    sys.exit("gone")


def die(number: int) -> None:
    os.kill(os.getpid(), number)
    time.sleep(LONG_S)


def killed(_ctx: StepContext) -> None:
    die(signal.SIGKILL)


def segfault(_ctx: StepContext) -> None:
    die(signal.SIGSEGV)


def exit_3(_ctx: StepContext) -> None:
    os._exit(3)


def exit_with_the_line_held(_ctx: StepContext) -> None:
    if os.fork() == 0:
        time.sleep(LONG_S)
    os._exit(3)


def burn(_ctx: StepContext) -> None:
    end_s = time.process_time() + 0.1
    while time.process_time() < end_s:
        pass


def grow(_ctx: StepContext) -> None:
    bytearray(200_000_000).find(b"1")


def speak(_ctx: StepContext) -> None:
    sys.stdout.write("said\n")
    os.write(1, b"written\n")


class Pair(NamedTuple):
    left: Note
    count: int


class GivesPair(CacheableStep[WorkConfig]):
    def _execute(self, notes: list[Note] | None, ctx: StepContext) -> Pair:
        ctx.path("left.txt").write_text("left")
        return Pair(Note.of(ctx.path("left.txt")), len(notes or []))


class TakesPair(BaseStep[WorkConfig]):
    async def _execute(self, left: Note, count: int, ctx: StepContext) -> dict[str, int]:
        return {left.text: count}


class GivesWhatCannotTravel(BaseStep[WorkConfig]):
    def _execute(self, ctx: StepContext) -> int:
        return lambda: 1  # type: ignore[return-value]


class StaysHome(Work):
    """A step that shares something with the others of its process."""

    in_parent = True


def keep_a_secret(ctx: StepContext) -> None:
    """Keeps a secret with a checkpoint, and leaves the checkpoint there."""
    ctx.checkpoint("kept", lambda _place: "the word is canary-secret-value")
    ctx.checkpoint("harmless", lambda _place: "the word is out")
    raise ValueError("it broke")
