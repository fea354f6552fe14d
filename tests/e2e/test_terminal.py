"""The live view on a real pseudo-terminal, of real processes, also where these end badly."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.e2e.canary import CANARY, held
from tests.e2e.processes import gridloom, wait_until
from tests.e2e.servers import sample_part, serve
from tests.e2e.terminals import Terminal, terminal

STEPS = '''\
"""Steps that print in every way, and that go on until a test lets them end."""

import os
import subprocess
import sys
import time
from pathlib import Path

from gridloom import BaseStep, StepConfig, StepContext


class Nap(BaseStep[StepConfig]):
    """Waits."""

    def _execute(self, ctx: StepContext) -> int:
        ctx.progress(1, 4, "parts")
        Path(self.step_id).write_text(str(os.getpid()))
        while not Path("go").exists():
            ctx.raise_if_cancelled()
            time.sleep(0.02)
        return 1


class Talk(Nap):
    """Prints by Python, by a program, and past Python; then waits."""

    def _execute(self, ctx: StepContext) -> int:
        print("printed")
        print("complained", "of", "it", file=sys.stderr)
        subprocess.run(["sh", "-c", "echo run"], check=True)
        os.write(2, b"written\\n")
        ctx.log("logged \\x1b[31m", level="warning")
        print("cut off", end="")
        return super()._execute(ctx)


class Ask(Nap):
    """Asks whoever sits there."""

    def _execute(self, ctx: StepContext) -> int:
        Path(self.step_id).touch()
        print("heard", input("Go on? "))
        return super()._execute(ctx)


class Deaf(Nap):
    """Cannot be asked to stop."""

    def _execute(self, ctx: StepContext) -> int:
        Path(self.step_id).write_text(str(os.getpid()))
        time.sleep(60)
        return 1
'''


@contextmanager
def at_work(folder: Path, kind: str, *more: str, steps: int = 1, **size: int) -> Iterator[Terminal]:
    """A run of some steps of a kind on a terminal, from the moment when the first one is shown at work."""
    (folder / "own.py").write_text(STEPS)
    ids = [f"step-{number:04}" for number in range(steps)]
    text = "\n".join(["pipeline: trial", "steps:", *(f"  {each}: {{uses: 'own:{kind}'}}" for each in ids)])
    (folder / "own.yaml").write_text(text)
    with terminal("run", "own.yaml", *more, cwd=folder, **size) as shown:
        shown.wait((folder / ids[0]).exists)
        shown.wait(lambda: any("running" in line for line in shown.picture))
        yield shown


def let_go(folder: Path) -> None:
    (folder / "go").touch()


def test_a_run_is_seen_at_work_and_leaves_only_what_it_came_to(tmp_path: Path) -> None:
    asked = ("--regions", "PACW", "--series", "D", "--start", "2019-01-01T00", "--end", "2019-02-09T23")
    with serve(sample_part(["PACW"], ["D"]), latency_ms=100) as server:
        slowly = ("--batch-days", "1", "--rate-limit", "20", "--concurrency", "2", "--base-url", server.url)
        with terminal(
            "year", *asked, *slowly, cwd=tmp_path, columns=120, environ={"EIA_API_KEY": CANARY}
        ) as shown:
            shown.wait(lambda: any("left" in line for line in shown.picture))
            head, *steps, asks = shown.picture
            code = shown.done()

    assert re.match(r"hourly  0:0\d  0 of 2 steps ended, 1 running, 1 pending, \d+\.\d MB memory", head)
    assert re.match(
        r"  extract-region-data  running +0:0\d  ━+─+ +\d+ %  [\d,]+ of 960 rows, [\d,]+ rows/s, ", steps[0]
    )
    assert steps[1:] == ["  transform            pending"]
    assert re.match(r"  requests: [\d.]+/s, limiter at 20/s, \d+ in all", asks)
    assert code == 0
    assert not any("running" in line or "━" in line for line in shown.lines)
    assert any(line.startswith("Report: ") for line in shown.picture)
    assert shown.left_as_found
    assert not held(shown.raw)


@pytest.mark.parametrize("executor", ["thread", "process"])
def test_what_steps_print_stands_above_once_and_whole(tmp_path: Path, executor: str) -> None:
    with at_work(tmp_path, "Talk", "--executor", executor) as shown:
        shown.wait(lambda: {"printed", "complained of it", "run", "written"} <= set(shown.picture))
        let_go(tmp_path)
        assert shown.done() == 0

    said = shown.lines[: shown.lines.index("")]
    assert sorted(said) == sorted(
        ["printed", "complained of it", "run", "written", "step-0000: logged \ufffd[31m", "cut off"]
    )
    assert shown.left_as_found


def test_a_question_is_seen_while_it_waits_for_its_answer(tmp_path: Path) -> None:
    with at_work(tmp_path, "Ask") as shown:
        shown.wait(lambda: shown.picture[:1] == ["Go on?"] and "running" in shown.picture[-1])
        shown.type(b"yes\n")
        shown.wait(lambda: "Go on? heard yes" in shown.picture)
        let_go(tmp_path)
        assert shown.done() == 0

    assert shown.left_as_found


def test_ctrl_c_ends_the_run_and_the_view(tmp_path: Path) -> None:
    with at_work(tmp_path, "Nap", steps=3) as shown:
        shown.type(b"\x03")
        code = shown.done()

    assert code == 130
    assert not any("running" in line for line in shown.lines)
    assert any("SIGINT" in line for line in shown.picture)
    assert shown.left_as_found


def test_a_second_ctrl_c_is_heard_and_said(tmp_path: Path) -> None:
    with at_work(tmp_path, "Deaf") as shown:
        shown.type(b"\x03")
        shown.wait(lambda: any(line.startswith("run: Stopping") for line in shown.picture))
        shown.type(b"\x03")
        code = shown.done()

    assert code == 130
    assert any(line.startswith("Stopped hard") for line in shown.lines)
    assert shown.left_as_found


def test_a_run_that_is_killed_leaves_a_terminal_that_can_be_used(tmp_path: Path) -> None:
    with at_work(tmp_path, "Nap") as shown:
        shown.process.kill()
        code = shown.done()

    assert code == -signal.SIGKILL
    assert shown.left_as_found


def test_a_run_that_was_halted_goes_on_below_what_came_between(tmp_path: Path) -> None:
    with at_work(tmp_path, "Nap") as shown:
        shown.process.send_signal(signal.SIGSTOP)
        wait_until(lambda: " T " in Path(f"/proc/{shown.process.pid}/stat").read_text())
        before = len(shown.lines)
        shown.process.send_signal(signal.SIGCONT)
        shown.wait(lambda: len(shown.lines) > before)
        shown.type(b"\x03")
        code = shown.done()

    assert code == 130
    assert sum(line.startswith("trial  ") for line in shown.lines) == 1
    assert shown.left_as_found


def test_a_step_whose_process_is_killed_fails_above_the_view(tmp_path: Path) -> None:
    with at_work(tmp_path, "Nap", "--executor", "process", "--continue-on-failure", steps=2) as shown:
        shown.wait((tmp_path / "step-0001").exists)
        os.kill(int((tmp_path / "step-0000").read_text()), signal.SIGKILL)
        shown.wait(lambda: any(line.startswith("step-0000: failed") for line in shown.picture))
        shown.wait(lambda: any("1 failed" in line and "1 running" in line for line in shown.picture))
        let_go(tmp_path)
        code = shown.done()

    assert code == 3
    assert shown.left_as_found


def test_very_many_steps_fit_the_window_and_those_at_work_are_seen(tmp_path: Path) -> None:
    with at_work(tmp_path, "Nap", "--max-parallel", "30", steps=300, rows=16) as shown:
        shown.wait(lambda: len(shown.picture) == 15 and "30 running, 270 pending" in shown.picture[0])
        picture = shown.picture
        let_go(tmp_path)
        assert shown.done() == 0

    assert picture[0].startswith("trial  0:0")
    assert picture[-1] == "  and 17 more at work"
    assert sum("running" in line for line in picture[1:]) == 13


def test_the_view_fits_a_window_that_is_made_smaller_and_larger(tmp_path: Path) -> None:
    def fits(picture: list[str], lines: int) -> bool:
        busy = sum(line.lstrip().startswith("step-") for line in picture[1:])
        return len(picture) == lines and picture[0].startswith("trial  0:0") and busy == lines - 2

    with at_work(tmp_path, "Nap", "--max-parallel", "30", steps=40, columns=100, rows=30) as shown:
        for columns, rows, lines in ((40, 10, 9), (120, 40, 21)):
            shown.resize(columns, rows)
            shown.wait(lambda most=lines: fits(shown.picture, most))  # type: ignore[misc]
        shown.type(b"\x03")
        code = shown.done()

    assert code == 130
    assert shown.left_as_found


@pytest.mark.parametrize(
    ("environ", "more"),
    [
        ({"NO_COLOR": "1"}, []),
        ({"CI": "true"}, []),
        ({"TERM": "dumb"}, []),
        ({"TERM": ""}, []),
        ({}, ["-q"]),
    ],
)
def test_where_it_should_be_calm_there_are_no_control_codes(
    tmp_path: Path, environ: dict[str, str], more: list[str]
) -> None:
    small = ("year", "--sample", "--regions", "PACW", "--series", "D")
    span = ("--start", "2019-01-01T00", "--end", "2019-01-01T23")
    with terminal(*small, *span, *more, cwd=tmp_path, environ=environ) as shown:
        assert shown.done() == 0

    assert b"\x1b" not in shown.raw
    assert (shown.raw == b"") == bool(more)
    assert ("transform: executed" in shown.raw.decode()) != bool(more)


def test_json_on_a_terminal_is_json(tmp_path: Path) -> None:
    small = ("year", "--sample", "--regions", "PACW", "--series", "D", "--json")
    span = ("--start", "2019-01-01T00", "--end", "2019-01-01T23")
    with terminal(*small, *span, cwd=tmp_path) as shown:
        assert shown.done() == 0

    assert shown.lines[0] == "{"
    assert gridloom("runs", "list", "--json", cwd=tmp_path).code == 0
