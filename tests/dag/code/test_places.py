"""Code that is in no module file: notebooks, scripts, factories; and code that is shared."""

from __future__ import annotations

import json
import linecache
import subprocess
import sys
from pathlib import Path

from tests.dag.code.workshop import STEP, take, write

from gridloom.dag.code import CodeRecord, changed_parts, code_of

ROOT = Path(__file__).resolve().parents[3]
CELL = """
from gridloom.dag import CacheableStep, StepConfig, StepContext

class Config(StepConfig):
    top: int = 3

def work(x):
    return x + 1

class Peaks(CacheableStep[Config]):
    def _execute(self, ctx: StepContext) -> int:
        return work(1)
"""
SCRIPT = """
import json, multiprocessing, sys
sys.path.insert(0, sys.argv[1]) if len(sys.argv) > 1 else None
from gridloom.dag.code import code_of

class Step:
    def run(self): return work(1)

def work(x): return x + 1

def taken(_):
    return json.dumps([dict(code_of(Step).parts), code_of(Step).unstable])

if __name__ == "__main__":
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        print(taken(0), *pool.map(taken, [0]), sep="\\n")
"""
FACTORY = """
from gridloom.dag import CacheableStep, StepConfig, StepContext

def step_for(name, by):
    class Made(CacheableStep[StepConfig]):
        factor = by * 2

        def _execute(self, ctx: StepContext) -> int:
            return by

    Made.__name__ = name
    return Made

BY = 2
Peaks = step_for("Peaks", BY)
Other = step_for("Other", 3)
"""


def run_cell(text: str, number: int) -> CodeRecord:
    """Runs a cell as IPython does: its lines are kept for tracebacks, and it is in no file."""
    name = f"<ipython-input-{number}-0123456789ab>"
    linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)
    variables: dict[str, object] = {"__name__": "a_notebook"}
    exec(compile(text, name, "exec"), variables)
    record = code_of(variables["Peaks"])
    del linecache.cache[name]
    return record


def test_a_cell_of_a_notebook_counts_by_its_source() -> None:
    before = run_cell(CELL, 1)

    assert before.opaque == ()
    assert changed_parts(before.parts, run_cell(f"# again\n\n{CELL}", 2).parts) == ""
    assert changed_parts(before.parts, run_cell(CELL.replace("= 3", "= 4"), 3).parts) == (
        "class `a_notebook.Config` changed"
    )
    assert changed_parts(before.parts, run_cell(CELL.replace("x + 1", "x + 2"), 4).parts) == (
        "function `a_notebook.work` changed"
    )


def test_a_script_and_the_processes_that_it_spawns_take_the_same(tmp_path: Path) -> None:
    path = tmp_path / "script.py"
    path.write_text(SCRIPT)
    done = subprocess.run([sys.executable, str(path)], capture_output=True, text=True, check=True)
    main, spawned = map(json.loads, done.stdout.splitlines())

    assert set(main[0]) == {
        "class __main__.Step",
        "function __main__.Step.run",
        "function __main__.work",
        "python",
    }
    assert main == spawned
    assert main[1] is False


def test_a_class_that_a_function_makes_counts_with_what_it_holds(tmp_path: Path) -> None:
    write(tmp_path, {"steps": FACTORY})
    peaks, other = take(tmp_path), take(tmp_path, "steps.Other")
    write(tmp_path, {"steps": FACTORY.replace("return by", "return -by")})
    edited = take(tmp_path)
    write(tmp_path, {"steps": FACTORY.replace("BY = 2", "BY = 5")})
    held = take(tmp_path)

    assert peaks.opaque == ()
    assert len({peaks.digest, other.digest, edited.digest, held.digest}) == 4
    assert changed_parts(peaks.parts, edited.parts) == "function `steps.step_for` changed"
    assert changed_parts(peaks.parts, held.parts).startswith(
        "function `steps.step_for.<locals>.Made._execute`"
    )


def test_each_class_has_its_own_record_and_keeps_it(tmp_path: Path) -> None:
    write(tmp_path, {"steps": CELL})
    first = take(tmp_path)

    assert "function steps.work" in first.parts
    assert "function steps.work" not in take(tmp_path, "steps.Config").parts
    assert take(tmp_path).digest == first.digest


def test_parts_are_sorted_plain_and_json() -> None:
    parts = run_cell(CELL, 5).parts

    assert list(parts) == sorted(parts)
    assert json.loads(json.dumps(dict(parts))) == dict(parts)


def test_what_a_step_sets_apart_does_not_count(tmp_path: Path) -> None:
    step = STEP.replace("    def _execute", "    code_apart = ('helpers.shown',)\n\n    def _execute")
    helpers = "from helpers import shown\ndef work(x):\n    shown.bar(x)\n    return shown.Bar, x + 1\n"
    shown = "def bar(x): print(x)\nclass Bar: pass\n"
    write(tmp_path, {"steps": step, "helpers.__init__": helpers, "helpers.shown": shown})
    before = take(tmp_path)
    write(tmp_path, {"helpers.shown": shown.replace("print", "repr")})

    assert take(tmp_path).digest == before.digest
    assert "function helpers.work" in before.parts
    assert not any("shown" in name for name in before.parts)
