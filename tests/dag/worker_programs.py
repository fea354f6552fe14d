"""Programs with worker processes: ``python -m tests.dag.worker_programs NAME OUT``."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.dag import acts
from tests.dag.toys import CachedWork, Work, chain, pipeline

from gridloom.dag import RunInterruptedError


def writes_on(out: Path) -> int:
    """Runs a step that writes outside of its staging folder for ever, in a program of its own as well."""
    dag = pipeline(out, executor="process")
    chain(dag, [CachedWork("a"), CachedWork("b", acts.WritesOn(out / "board")), CachedWork("c")])
    dag.execute()
    return 0


def interrupted(out: Path) -> int:
    """Runs three steps of which the second waits until it is told to stop; ends as the CLI would."""
    dag = pipeline(out, executor="process")
    chain(dag, [CachedWork("a"), CachedWork("b", acts.Wait(out / "board")), CachedWork("c")])
    try:
        dag.execute()
    except RunInterruptedError as error:
        sys.stdout.write(f"{[step.outcome.value for step in error.result.steps.values()]}\n")
        return error.exit_code
    return 0


def deaf(out: Path) -> int:
    """Runs a step that never listens."""
    dag = pipeline(out, executor="process")
    dag.add_step(CachedWork("a", acts.WaitDeaf(out / "board")))
    dag.execute()
    return 0


def speaks(out: Path) -> int:
    """Runs a step that prints."""
    dag = pipeline(out, executor="process")
    dag.add_step(Work("a", acts.speak))
    dag.execute().raise_for_failure()
    sys.stdout.write("mine\n")
    return 0


if __name__ == "__main__":
    programs = {"writes_on": writes_on, "interrupted": interrupted, "deaf": deaf, "speaks": speaks}
    sys.exit(programs[sys.argv[1]](Path(sys.argv[2])))
