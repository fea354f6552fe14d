"""What a rerun notices, row by row: a pipeline is run, edited at one place, and run again in new processes.

Each row has a copy of the package `tests.dag.edited` to itself. All copies are run by the same processes:
before the edits, after them, and once more.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

pytestmark = pytest.mark.timeout(300)  # the first test of an executor waits for all copies

ROOT = Path(__file__).parents[2]
EDITED = Path(__file__).parent / "edited"
EXECUTORS = ("thread", "process")
FOLLOWS = "input `line` differs (first.txt)"
"""Why the second step runs where the first one made something else."""


class Row(NamedTuple):
    """A change of one place, and why each step runs after it; no reason for one that does not.

    Attributes:
        file: The file that is edited.
        old: A text in it.
        new: What it becomes.
        first: Why the first step runs; `{name}` is the package.
        second: Why the second step runs.
        read: Why the input is read.
        before: Edits made before the first run, as file, old and new text.
    """

    file: str
    old: str
    new: str
    first: str = ""
    second: str = ""
    read: str = ""
    before: tuple[tuple[str, str, str], ...] = ()


REFORMATTED = '''
def helped(
    value: int,
    plus: int = 1,
) -> int:
    """Says it in other words."""
    return (
        deeper.deepest(value)
        + plus
    )
'''
_HELPED = (EDITED / "helpers.py").read_text().partition("def helped")[2].partition("\n\n\n")[0]
PACKAGE = "site-packages/tinylib-1.0.dist-info/METADATA"

ROWS = {
    # the table of other engines
    "own_body": Row(
        "steps.py", "{value + 1}", "{value + 2}", "function `{name}.steps.First._execute` changed", FOLLOWS
    ),
    "helper": Row("helpers.py", "+ plus", "+ 2 * plus", "function `{name}.helpers.helped` changed", FOLLOWS),
    "constant": Row(
        "helpers.py", "LIMIT = 3", "LIMIT = 1", "constant `{name}.helpers.LIMIT` changed", FOLLOWS
    ),
    "parameter": Row("pipeline.py", "factor=2", "factor=9", "config `factor` 2 → 9", FOLLOWS),
    "input_file": Row(
        "input.txt",
        "17",
        "18",
        "input `line` differs (input.txt)",
        FOLLOWS,
        read="input.txt has other content than was written",
    ),
    "truncated": Row("data/steps/first/first.txt", "4816", "4", "first.txt was truncated to 1 of 4 bytes"),
    "rewritten": Row(
        "data/steps/first/first.txt", "4816", "4817", "first.txt has other content than was written"
    ),
    "deleted": Row("data/steps/second/second.txt", "", "", second="second.txt was deleted"),
    "comment": Row("helpers.py", "# a comment", "# another one"),
    # and what is not in it
    "helper_of_helper": Row(
        "deeper.py", "value + 1000", "value + 1001", "function `{name}.deeper.deepest` changed", FOLLOWS
    ),
    "base_class": Row(
        "bases.py", "value + 100", "value + 101", "function `{name}.bases.Base.shifted` changed", FOLLOWS
    ),
    "config_method": Row(
        "bases.py",
        "factor * 10",
        "factor * 11",
        "function `{name}.bases.FirstConfig.weight` changed",
        FOLLOWS,
    ),
    "default": Row(
        "helpers.py", "plus: int = 1", "plus: int = 6", "function `{name}.helpers.helped` changed", FOLLOWS
    ),
    "decorator": Row("deeper.py", "+ 2000", "+ 2001", "function `{name}.deeper.loud` changed", FOLLOWS),
    "decorated": Row(
        "helpers.py", "value + 7", "value + 8", "function `{name}.helpers.decorated` changed", FOLLOWS
    ),
    "closure": Row("helpers.py", "adder(4)", "adder(5)", "function `{name}.helpers.add` changed", FOLLOWS),
    "partial": Row("helpers.py", "by=5", "by=6", "function `{name}.helpers.scaled` changed", FOLLOWS),
    "dataclass": Row(
        "helpers.py", "power: int = 1", "power: int = 2", "class `{name}.helpers.Options` changed", FOLLOWS
    ),
    "package": Row(
        PACKAGE,
        "Version: 1.0",
        "Version: 1.1",
        "package tinylib 1.0 → 1.1",
        before=(
            ("deeper.py", "import functools", "import functools\nimport tinylib"),
            ("deeper.py", "+ 1000", "+ tinylib.ADD"),
        ),
    ),
    # only the steps concerned
    "second_helper": Row("other.py", "{text}!", "{text}?", second="function `{name}.other.joined` changed"),
    "same_result": Row(
        "deeper.py", "value + 1000", "1000 + value", "function `{name}.deeper.deepest` changed"
    ),
    "reformatted": Row("helpers.py", f"def helped{_HELPED}", REFORMATTED.strip()),
    "unused": Row("helpers.py", "LIMIT = 3", "LIMIT = 3\nUNUSED = 4\n\n\ndef unused() -> None:\n    ..."),
    "untouched": Row("input.txt", "17", "17"),
}


def apply(path: Path, old: str, new: str) -> None:
    """Replaces a text in a file; without a text, removes the file."""
    if not old:
        path.unlink()
        return
    text = path.read_text()
    assert text.count(old) == 1, f"{old!r} is {text.count(old)} times in {path}"
    path.write_text(text.replace(old, new))


def prepare(folder: Path, name: str, row: Row) -> None:
    """Writes a copy of the pipeline, with what it reads."""
    shutil.copytree(EDITED, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / name / "input.txt").write_text("17")
    for file, old, new in row.before:
        apply(folder / name / file, old, new)


def install(folder: Path) -> None:
    """Installs a package of one module, as pip would leave it."""
    about = folder / PACKAGE
    about.parent.mkdir(parents=True)
    about.write_text("Metadata-Version: 2.1\nName: tinylib\nVersion: 1.0\n")
    (folder / "site-packages" / "tinylib.py").write_text("ADD = 1000\n")


def run_all(folder: Path, executor: str) -> dict[str, Any]:
    # times of bytecode files are too coarse for edits that follow each other at once
    environ = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", "tests.dag.run_edited", str(folder), executor, *ROWS]
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert isinstance(said, dict)
    return said


Told = Callable[[str], list[dict[str, Any]]]
"""Gives what was said of a row before its edit, after it, and in one more run."""


@pytest.fixture(scope="module", params=EXECUTORS)
def told(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Told:
    folder = tmp_path_factory.mktemp(request.param)
    install(folder)
    for name, row in ROWS.items():
        prepare(folder, name, row)
    said = [run_all(folder, request.param)]
    for name, row in ROWS.items():
        home = folder if row.file.startswith("site-packages") else folder / name
        apply(home / row.file, row.old, row.new)
    said += [run_all(folder, request.param) for _ in range(2)]
    return lambda name: [part[name] for part in said]


@pytest.mark.parametrize("name", ROWS)
def test_a_rerun_runs_what_a_change_concerns_and_nothing_else(name: str, told: Told) -> None:
    row, (before, after, again) = ROWS[name], told(name)
    reasons = {"read": row.read, "first": row.first.format(name=name), "second": row.second.format(name=name)}

    assert all(said["done"] == ["executed", "never ran before"] for said in before.values())
    ran = {step: said["done"][1] for step, said in after.items() if said["done"][0] == "executed"}
    assert ran == {step: reason for step, reason in reasons.items() if reason}
    assert {said["done"][0] for said in again.values()} == {"cached"}


@pytest.mark.parametrize("name", ROWS)
def test_the_plan_says_beforehand_what_the_rerun_does(name: str, told: Told) -> None:
    _, after, _ = told(name)

    runs: set[str] = set()
    for step, before in (("read", ""), ("first", "read"), ("second", "first"), ("aside", "")):
        decision, reason = after[step]["planned"]
        if before in runs:
            assert (decision, reason) == ("run", f"`{before}` runs first")
        else:
            assert [{"run": "executed"}.get(decision, decision), reason] == after[step]["done"]
        runs |= {step} if decision == "run" else set()
