"""Programs that the tests start as processes of their own: ``python -m tests.dag.programs NAME OUT``."""

from __future__ import annotations

import resource
import sys
import time
from pathlib import Path

from tests.dag.toys import CachedWork, chain, pipeline

from gridloom.dag import RunInterruptedError, StepContext

STEPS = 6
SLOW = 3


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def interrupted(out: Path) -> int:
    """Runs three steps of which the second waits until it is told to stop; ends as the CLI would."""

    def wait(ctx: StepContext) -> None:
        ctx.path("half.txt").write_text("half")
        say("waiting")
        while not ctx.cancelled:
            time.sleep(0.005)
        ctx.raise_if_cancelled()

    dag = pipeline(out)
    chain(dag, [CachedWork("a"), CachedWork("b", wait), CachedWork("c")])
    try:
        dag.execute()
    except RunInterruptedError as error:
        say(f"{[step.outcome.value for step in error.result.steps.values()]} {error}")
        return error.exit_code
    return 0


def deaf(out: Path) -> int:
    """Runs a step that never listens."""

    def wait(ctx: StepContext) -> None:
        ctx.on_cancel(lambda: say("told"))
        say("waiting")
        while True:
            time.sleep(0.05)

    dag = pipeline(out)
    chain(dag, [CachedWork("a", wait)])
    dag.execute()
    return 0


def killed(out: Path) -> int:
    """Runs six steps; the fourth writes half of its file and waits to be killed."""

    def wait(ctx: StepContext) -> None:
        ctx.path("note.txt").write_text("ha")
        say("waiting")
        time.sleep(60)

    dag = pipeline(out)
    chain(dag, [CachedWork(f"s{number}", wait if number == SLOW else None) for number in range(STEPS)])
    dag.execute()
    return 0


def limited(out: Path) -> int:
    """Runs two steps on a disk that takes no file over 400 kB; the first one says more than that."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, resource.RLIM_INFINITY))

    def chatter(ctx: StepContext) -> None:
        say("waiting")
        for number in range(5_000):
            ctx.log(f"line {number}")

    dag = pipeline(out)
    chain(dag, [CachedWork("a", chatter), CachedWork("b")])
    result = dag.execute()
    say(f"{[step.outcome.value for step in result.steps.values()]} {result.outcome} {result.error}")
    return 1


if __name__ == "__main__":
    programs = {"interrupted": interrupted, "deaf": deaf, "killed": killed, "limited": limited}
    sys.exit(programs[sys.argv[1]](Path(sys.argv[2])))
