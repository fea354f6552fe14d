"""Ctrl-C, SIGTERM and kill -9 in real processes."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.dag.programs import SLOW, STEPS
from tests.dag.toys import CachedWork, Work, chain, pipeline

from gridloom.dag import RunInterruptedError, StepContext

ROOT = Path(__file__).parents[2]


@contextmanager
def program(name: str, out: Path) -> Iterator[subprocess.Popen[str]]:
    """Starts a program and waits until its step waits."""
    command = [sys.executable, "-m", "tests.dag.programs", name, str(out)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "waiting\n"
            yield process
        finally:
            if process.poll() is None:
                process.kill()


def record(out: Path) -> dict:
    (path,) = out.glob("runs/*/results.json")
    return json.loads(path.read_text())


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_run_cleanly(tmp_path: Path, number: signal.Signals) -> None:
    with program("interrupted", tmp_path) as process:
        process.send_signal(number)
        said, complained = process.communicate(timeout=30)
    assert process.returncode == 130, complained
    assert complained == ""
    assert said.startswith("['executed', 'cancelled', 'cancelled']")
    assert f"interrupted by {number.name}" in said
    assert "run the same command again" in said
    assert [step["outcome"] for step in record(tmp_path)["steps"]] == ["executed", "cancelled", "cancelled"]
    assert record(tmp_path)["error"]["type"] == "InterruptedRunError"
    assert list(tmp_path.glob(".gridloom/staging/*")) == []
    assert not (tmp_path / "steps" / "b").exists()


def test_a_second_ctrl_c_ends_a_step_that_does_not_listen(tmp_path: Path) -> None:
    with program("deaf", tmp_path) as process:
        process.send_signal(signal.SIGINT)
        assert process.stdout is not None
        assert process.stdout.readline() == "told\n"
        process.send_signal(signal.SIGINT)
        _, complained = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "Stopped hard" in complained
    assert "Traceback" not in complained


def test_after_kill_9_only_what_is_missing_runs_again(tmp_path: Path) -> None:
    with program("killed", tmp_path) as process:
        process.kill()
        process.wait(30)
    assert len(list(tmp_path.glob(".gridloom/staging/*"))) == 1
    dag = pipeline(tmp_path)
    chain(dag, [CachedWork(f"s{number}") for number in range(STEPS)])
    result = dag.execute()
    result.raise_for_failure()
    done = ["cached"] * SLOW + ["executed"] * (STEPS - SLOW)
    assert [step.outcome.value for step in result.steps.values()] == done
    assert result["s5"].output.text == "s5(s4(s3(s2(s1(s0())))))"
    assert list(tmp_path.glob(".gridloom/staging/*")) == []


def test_events_that_cannot_be_written_fail_the_run(tmp_path: Path) -> None:
    with program("limited", tmp_path) as process:
        said, complained = process.communicate(timeout=30)
    assert process.returncode == 1, complained
    assert said.startswith("['executed', 'cancelled'] failed Could not write ")
    assert "events.jsonl: File too large" in said
    assert record(tmp_path)["outcome"] == "failed"
    assert record(tmp_path)["error"]["type"] == "StorageError"


def test_handlers_are_restored_and_the_result_comes_with_the_error(tmp_path: Path) -> None:
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)

    def interrupt(ctx: StepContext) -> None:
        assert signal.getsignal(signal.SIGINT) is not before[0]
        signal.raise_signal(signal.SIGINT)
        told = threading.Event()
        ctx.on_cancel(told.set)
        assert told.wait(30)

    dag = pipeline(tmp_path)
    chain(dag, [Work("a", interrupt), Work("b")])
    with pytest.raises(RunInterruptedError) as caught:
        dag.execute()
    assert caught.value.exit_code == 130
    assert caught.value.result["a"].outcome.value == "executed"
    assert caught.value.result["b"].outcome.value == "cancelled"
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


def test_an_ignored_signal_stays_ignored(tmp_path: Path) -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        dag = pipeline(tmp_path)
        dag.add_step(Work("a", lambda _ctx: signal.raise_signal(signal.SIGINT)))
        assert dag.execute()["a"].outcome.value == "executed"
    finally:
        signal.signal(signal.SIGINT, before)
