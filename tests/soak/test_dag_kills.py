"""``kill -9`` at random moments in a pipeline of real files: one plain rerun runs what was not committed.

Each moment has an output folder of its own. The moments are drawn over the whole life of a run: a number
of pieces of work, so that a slow machine is killed in the same places, and then a little time.
"""

from __future__ import annotations

import json
import random
import shutil
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.dag.test_process_executor import alive
from tests.e2e.processes import leftovers, wait_until
from tests.soak.ten_steps import PIECES

from gridloom.dag.history import list_runs, load_run

ROOT = Path(__file__).parents[2]
EXECUTORS = ("thread", "process")
_PROGRAM = "from tests.soak.ten_steps import main; main()"


def start(name: str, executor: str, out: Path, board: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-X", "faulthandler", "-c", _PROGRAM, name, executor, str(out), str(board)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def finish(name: str, executor: str, out: Path, board: Path) -> dict[str, str]:
    """Runs a pipeline to its end, and returns how each step ended."""
    with start(name, executor, out, board) as process:
        said, complained = process.communicate(timeout=300)
    assert process.returncode == 0, complained
    ended = json.loads(said)
    assert isinstance(ended, dict)
    return ended


def lines(board: Path) -> list[list[str]]:
    """Returns what is on a board: process, step and piece of each line."""
    return [line.split() for line in board.read_text().splitlines()] if board.exists() else []


def outputs(out: Path) -> dict[str, bytes]:
    """Returns all outputs, by their places."""
    home = out / "steps"
    return {
        path.relative_to(home).as_posix(): path.read_bytes() for path in home.rglob("*") if path.is_file()
    }


@dataclass(frozen=True)
class Killed:
    """What a killed run left behind.

    Attributes:
        outcomes: How its run ended, by the list of runs; empty if nothing tells of it.
        committed: Steps whose record can be read.
        steps: How each step stands in the journal; empty if the run had not got there.
    """

    outcomes: list[str]
    committed: set[str]
    steps: dict[str, str]


def look(out: Path, copy: Path) -> Killed:
    """Returns what a killed run left behind; from a copy, for whoever reads the store changes it."""
    for path in (out / ".gridloom").glob("runs.db*"):
        (copy / ".gridloom").mkdir(parents=True, exist_ok=True)
        shutil.copy(path, copy / ".gridloom")
    if (out / "runs").exists():
        shutil.copytree(out / "runs", copy / "runs")
    runs = list_runs(copy)
    outcomes = [run["outcome"] for run in runs]
    store = copy / ".gridloom" / "runs.db"
    if not store.exists():
        return Killed(outcomes, set(), {})
    with closing(sqlite3.connect(store)) as connection:
        tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master")}
        rows = connection.execute("SELECT step_id FROM manifests") if "manifests" in tables else ()
        committed = {row[0] for row in rows}
    told = [load_run(copy, run["run_id"])["steps"] for run in runs if "step_ids" in run]
    return Killed(outcomes, committed, {step["step_id"]: step["outcome"] for steps in told for step in steps})


def check_story(killed: Killed, said: list[list[str]]) -> None:
    """Fails if the journal of a killed run does not tell what the steps did."""
    # it may have been killed when all was done
    assert killed.outcomes in [[], ["interrupted"], ["succeeded"]]
    worked = {step for _, step, _ in said}
    for step, outcome in killed.steps.items():
        if step in killed.committed:
            # the record of what a step made is written just before the line that it has ended
            assert outcome in {"executed", "interrupted"}, step
        else:
            assert outcome == "interrupted" or (outcome == "pending" and step not in worked), step
    assert killed.committed <= worked <= set(killed.steps)


def kill_somewhere(process: subprocess.Popen[str], board: Path, moments: random.Random, most: int) -> bool:
    """Kills a run at some moment; returns False if it was through before."""
    pieces = moments.randint(0, most)
    after_s = moments.uniform(0.0, {0: 0.6, most: 0.3}.get(pieces, 0.02))
    wait_until(lambda: len(lines(board)) >= pieces or process.poll() is not None, timeout_s=120)
    time.sleep(after_s)
    process.kill()
    complained = process.communicate(timeout=60)[1]
    assert process.returncode in {0, -9}, complained
    return process.returncode != 0


@dataclass(frozen=True)
class Pipeline:
    """A pipeline, and what an undisturbed run of it makes."""

    name: str
    executor: str
    pieces: int
    whole: dict[str, bytes]

    def kill_and_rerun(self, folder: Path, moments: random.Random) -> bool:
        """Kills one run, checks what is left, and reruns it; returns False if it was through before."""
        out, board = folder / "out", folder / "board"
        folder.mkdir()
        process = start(self.name, self.executor, out, board)
        if not kill_somewhere(process, board, moments, self.pieces):
            return False
        pids = {pid for pid, _, _ in lines(board)}
        wait_until(lambda: not any(alive(pid) for pid in pids))
        said = lines(board)
        killed = look(out, folder / "copy")
        check_story(killed, said)

        ended = finish(self.name, self.executor, out, folder / "second-board")

        cached = {step for step, outcome in ended.items() if outcome == "cached"}
        assert cached == killed.committed
        assert {step for step, outcome in ended.items() if outcome == "executed"} == set(ended) - cached
        assert outputs(out) == self.whole
        assert leftovers(out) == []
        assert [path for path in (out / ".gridloom" / "checkpoints").rglob("*") if path.is_file()] == []
        assert lines(board) == said
        assert [run["outcome"] for run in list_runs(out)] == ["succeeded", *killed.outcomes]
        return True


def kill_runs(folder: Path, name: str, executor: str, *, kills: int, seed: int) -> None:
    """Kills so many runs, each in a folder of its own, and reruns each once."""
    moments = random.Random(seed)
    finish(name, executor, folder / "whole", folder / "whole-board")
    pieces = len(lines(folder / "whole-board"))
    pipeline = Pipeline(name, executor, pieces, outputs(folder / "whole"))
    done = tried = 0
    while done < kills:
        tried += 1
        assert tried < 10 + 2 * kills, "most runs are through before they are killed"
        current = folder / f"kill-{tried}"
        done += pipeline.kill_and_rerun(current, moments)
        shutil.rmtree(current)


@pytest.mark.parametrize("executor", EXECUTORS)
def test_a_few_kills(executor: str, tmp_path: Path) -> None:
    kill_runs(tmp_path, "ten", executor, kills=3, seed=3)


def test_a_kill_while_an_output_is_written(tmp_path: Path) -> None:
    kill_runs(tmp_path, "large-20", "thread", kills=1, seed=1)


@pytest.mark.soak
@pytest.mark.parametrize("executor", EXECUTORS)
def test_a_hundred_kills(executor: str, tmp_path: Path) -> None:
    kill_runs(tmp_path, "ten", executor, kills=100, seed=100)


@pytest.mark.soak
@pytest.mark.parametrize("executor", EXECUTORS)
def test_kills_while_300_mb_are_written(executor: str, tmp_path: Path) -> None:
    kill_runs(tmp_path, "large-300", executor, kills=8, seed=300)


def test_the_ten_steps_are_ten_and_all_say_what_they_do(tmp_path: Path) -> None:
    assert len(finish("ten", "thread", tmp_path / "out", tmp_path / "board")) == 10
    assert len(lines(tmp_path / "board")) == 10 * PIECES
