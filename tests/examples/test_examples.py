"""Every script in ``examples/`` runs as it stands, in an empty folder, and prints what it promises."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
SCRIPTS = sorted(EXAMPLES.glob("*.py"))

EXPECTED = {
    "peak_hours.py": [
        "extract-region-data: executed (never ran before)",
        "transform: executed (never ran before)",
        "peak-hours: executed (never ran before)",
        "shape: (6, 5)",
    ],
    "ramps.py": [
        "extract-region-data: executed (never ran before)",
        "transform: executed (never ran before)",
        "ramps: executed (never ran before)",
        "ramps-plausible: the steepest rise is 64,797 MWh",
        "shape: (2, 3)",
    ],
    "tensors.py": [
        "load: executed (never ran before)",
        "8,760 hours x 20 features; PACW.NG.WND is MWh",
        "context (64, 336, 20), target (64, 24, 4), known (64, 24, 16)",
        "of the 4 targets NYIS.D, NYIS.NG.WND, PACW.D, PACW.NG.WND",
    ],
    "train_tiny_mlx.py": ["windows: the loss fell", "ring shards: the loss fell"],
    "what_counts.py": [
        "a comment, a docstring    nothing changed",
        "a constant                constant `helpers.LIMIT` changed",
        "a helper of a helper      function `helpers.distance` changed",
    ],
    "what_goes_wrong.py": [
        "a week, by dates     HTTP 200     870 rows of    870",
        "a week, by hours     HTTP 200   1,008 rows of  1,008",
        "a quarter, one page  HTTP 200   5,000 rows of 17,088",
        "a code that is none  HTTP 200       0 rows of      0",
        "the receipt          4 pages   17,088 rows of 17,088",
    ],
}
"""Lines that the first run of a script prints, in this order."""


def run(script: Path, folder: Path) -> str:
    environ = {
        name: value for name, value in os.environ.items() if not name.startswith(("EIA_", "GRIDLOOM_"))
    }
    done = subprocess.run(
        [sys.executable, script],
        cwd=folder,
        env=environ,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout


def test_every_example_has_its_expected_lines() -> None:
    assert {script.name for script in SCRIPTS} == set(EXPECTED)


@pytest.fixture(scope="module", params=SCRIPTS, ids=lambda script: script.name)
def first(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, str]:
    """A script, the folder that it ran in, and what it printed."""
    if "mlx" in request.param.stem:
        pytest.importorskip("mlx.core")
    folder = tmp_path_factory.mktemp("example")
    return request.param, folder, run(request.param, folder)


def test_it_prints_what_it_promises(first: tuple[Path, Path, str]) -> None:
    script, _, printed = first
    lines = printed.splitlines()

    places = [lines.index(line) for line in EXPECTED[script.name]]

    assert places == sorted(places)


def test_it_writes_below_data_only(first: tuple[Path, Path, str]) -> None:
    _, folder, _ = first

    assert {path.name for path in folder.iterdir()} <= {"data"}


def results(printed: str) -> list[str]:
    """Returns what a script printed but for how its steps ended."""
    return [line for line in printed.splitlines() if not re.search(r": (executed|cached) \(", line)]


def test_a_second_run_is_all_cache_hits_with_the_same_result(first: tuple[Path, Path, str]) -> None:
    script, folder, printed = first
    again = run(script, folder)
    steps = [line for line in again.splitlines() if line.endswith(")") and ": " in line][
        : printed.count("executed (")
    ]

    assert len(steps) == printed.count("executed (")
    assert all(": cached (unchanged since run " in line for line in steps)
    assert "executed" not in again
    assert results(printed) == results(again)
