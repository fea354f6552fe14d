"""Programs with worker processes: killed, interrupted, and imported by their own workers."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.dag.test_process_executor import alive
from tests.dag.toys import CachedWork, chain, pipeline
from tests.e2e.processes import wait_until

from gridloom.dag import StepOutcome

ROOT = Path(__file__).parents[2]


@contextmanager
def program(name: str, out: Path) -> Iterator[subprocess.Popen[str]]:
    """Starts a program in a process group of its own, as a shell does, and waits until its step works."""
    command = [sys.executable, "-m", "tests.dag.worker_programs", name, str(out)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT, process_group=0
    ) as process:
        try:
            wait_until(lambda: (out / "board").exists() and (out / "board").stat().st_size)
            yield process
        finally:
            if process.poll() is None:
                process.kill()


def test_after_kill_9_of_the_parent_no_worker_survives_and_writes(tmp_path: Path) -> None:
    board = tmp_path / "board"
    with program("writes_on", tmp_path) as process:
        wait_until(lambda: board.stat().st_size > 1000)
        process.kill()
        process.wait(30)
        pid = board.read_text().splitlines()[0]
        wait_until(lambda: not alive(pid))
    written = board.stat().st_size

    dag = pipeline(tmp_path)
    chain(dag, [CachedWork("a"), CachedWork("b"), CachedWork("c")])
    result = dag.execute()

    assert [step.outcome.value for step in result.steps.values()] == ["cached", "executed", "executed"]
    assert list(tmp_path.glob(".gridloom/staging/*")) == []
    assert board.stat().st_size == written


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_to_all_of_the_terminal_ends_a_run_cleanly(number: signal.Signals, tmp_path: Path) -> None:
    with program("interrupted", tmp_path) as process:
        (pid,) = (tmp_path / "board").read_text().split()
        # a worker that is reached by the signal leaves it to its parent
        os.kill(int(pid), number)
        os.killpg(process.pid, number)
        said, complained = process.communicate(timeout=30)

    assert process.returncode == 130, complained
    assert complained == ""
    assert said == "['executed', 'cancelled', 'cancelled']\n"
    assert not alive(pid)
    assert list(tmp_path.glob(".gridloom/staging/*")) == []


def test_a_second_ctrl_c_ends_a_step_that_does_not_listen(tmp_path: Path) -> None:
    with program("deaf", tmp_path) as process:
        os.killpg(process.pid, signal.SIGINT)
        wait_until(lambda: "told" in (tmp_path / "board").read_text())
        os.killpg(process.pid, signal.SIGINT)
        _, complained = process.communicate(timeout=30)
        pid = (tmp_path / "board").read_text().split()[0]
        wait_until(lambda: not alive(pid))

    assert process.returncode == 130
    assert "Traceback" not in complained


def test_what_a_step_prints_goes_where_errors_go(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.dag.worker_programs", "speaks", str(tmp_path)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=True,
    )

    assert done.stdout == "mine\n"
    assert done.stderr == "said\nwritten\n"


SCRIPT = """
import sys
from pathlib import Path
from gridloom import Artifact, BaseStep, PipelineDAG, PipelineDAGConfig, StepConfig, StepContext

class Note(Artifact):
    pass

class Write(BaseStep[StepConfig]):
    def _execute(self, ctx: StepContext) -> Note:
        ctx.path("note.txt").write_text(sys.argv[1])
        return Note.of(ctx.path("note.txt"))

class Read(BaseStep[StepConfig]):
    def _execute(self, note: Note) -> str:
        return note.path.read_text()

def main():
    dag = PipelineDAG(PipelineDAGConfig(output_dir=Path("out"), executor="process"))
    note = dag.add_step(Write(StepConfig()))
    dag.add_step(Read(StepConfig()), [note])
    result = dag.execute()
    result.raise_for_failure()
    print(result["read"].output)

"""
GUARDED = SCRIPT + 'if __name__ == "__main__":\n    main()\n'


def script(text: str, folder: Path, *flags: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *flags, "hello"], capture_output=True, text=True, cwd=folder, check=False, input=text
    )


def test_steps_may_be_defined_in_the_program_itself(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(GUARDED)
    done = script("", tmp_path, "program.py")

    assert (done.returncode, done.stdout, done.stderr) == (0, "hello\n", "")


def test_a_program_that_runs_when_imported_is_told_so(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(SCRIPT + "main()\n")
    done = script("", tmp_path, "program.py")

    assert done.returncode == 1
    assert "Put what runs it below `if __name__ == '__main__':`" in done.stderr
    (record,) = (tmp_path / "out").glob("runs/*/results.json")
    assert json.loads(record.read_text())["steps"][0]["outcome"] == StepOutcome.failed


@pytest.mark.parametrize("flags", [["-c", GUARDED], ["-"]], ids=["-c", "stdin"])
def test_a_program_without_a_file_is_told_before_anything_runs(flags: list[str], tmp_path: Path) -> None:
    done = script(GUARDED, tmp_path, *flags)

    assert done.returncode == 1
    assert "Step 'write' (Write) is defined in a notebook, at a prompt, or in a program" in done.stderr
    assert not (tmp_path / "out").exists()
