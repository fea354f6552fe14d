"""Programs that the tests start as processes of their own: ``python -m tests.dag.programs NAME OUT``."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from gridloom.dag import RunInterruptedError, StepContext
from tests.dag.toys import CachedWork, chain, pipeline

STEPS = 6
SLOW = 3


def interrupted(out: Path) -> int:
    """Runs three steps of which the second waits until it is told to stop; ends as the CLI would."""

    def wait(ctx: StepContext) -> None:
        ctx.path("half.txt").write_text("half")
        print("waiting", flush=True)
        while not ctx.cancelled:
            time.sleep(0.005)
        ctx.raise_if_cancelled()

    dag = pipeline(out)
    chain(dag, [CachedWork("a"), CachedWork("b", wait), CachedWork("c")])
    try:
        dag.execute()
    except RunInterruptedError as error:
        print([step.outcome.value for step in error.result.steps.values()], error, flush=True)
        return error.exit_code
    return 0


def deaf(out: Path) -> int:
    """Runs a step that never listens."""

    def wait(ctx: StepContext) -> None:
        ctx.on_cancel(lambda: print("told", flush=True))
        print("waiting", flush=True)
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
        print("waiting", flush=True)
        time.sleep(60)

    dag = pipeline(out)
    chain(dag, [CachedWork(f"s{number}", wait if number == SLOW else None) for number in range(STEPS)])
    dag.execute()
    return 0


if __name__ == "__main__":
    programs = {"interrupted": interrupted, "deaf": deaf, "killed": killed}
    sys.exit(programs[sys.argv[1]](Path(sys.argv[2])))
