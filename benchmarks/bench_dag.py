"""The DAG engine: CPU of a step and of a cache hit, scheduling against the ideal, weight of the import.

Beside it the disk, a floor of the standard library, and other people's engines. Those are installed once,
from the dependency group ``dag-peers``, into an environment of their own (see `bench_clients`); one that
cannot be installed or run here is left out, with a note.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from bench_clients import environment
from harness import FRESH, HERE, Case, Goal, Metric, Options, Result, Section, measure, run_once

_PER_STEP = (
    Metric("cpu_ms_per_step", "CPU ms a step", 3, compared=True),
    Metric("wall_ms_per_step", "wall ms a step", 3),
)
_MAKESPAN = (Metric("over_ideal", "makespan / ideal", 3), Metric("cpu_ms_per_step", "CPU ms a step", 3))
_FLOOR = "stdlib floor"
_VALUES, _FILES, _EVERY_TIME = "gridloom, small values", "gridloom, files", "gridloom, not remembered"
_FIRST, _HISTORY = "gridloom, first run", "gridloom, with history"
_PEERS = {
    "hamilton": ("chain", "fan", "hits", "layered", "head-of-line"),
    "dask": ("chain", "fan", "layered", "head-of-line"),
    "joblib": ("fan", "hits", "layered"),
    "pipefunc": ("chain", "fan", "hits", "layered", "head-of-line"),
    "redun": ("chain", "fan", "hits"),
    "prefect": ("chain", "fan", "hits", "layered", "head-of-line"),
}
"""Other engines, and what they are asked for; the rest they do not have, or do not finish."""
_IMPORTS = {"hamilton": "from hamilton import driver"}


def run(options: Options) -> list[Result]:
    """Measures everything about the engine."""
    steps = 20 if options.quick else 200
    python = _python_of_peers()
    peers = [] if python is None else [name for name in _PEERS if _works(name, python, options)]
    sections = [
        _disk(steps),
        *(_with_peers(section, key, python, peers, steps) for key, section in _compared(steps).items()),
        _growth((20, 100) if options.quick else (100, 1_000, 10_000)),
        _code(),
        _imports(python, peers),
    ]
    return [measure(section, options) for section in sections]


def _compared(steps: int) -> dict[str, Section]:
    """Returns the sections in which other engines stand, by what these are asked for."""
    shapes = {shape: _executed(shape, steps) for shape in ("chain", "fan")}
    return {**shapes, "hits": _hits(steps), "layered": _layered(steps), "head-of-line": _head_of_line(steps)}


def _executed(shape: str, steps: int) -> Section:
    return Section(
        title=f"dag: {shape} of {steps} no-op steps",
        note="Building and running, everything on: typed wiring, events, journal, records, results.",
        metrics=_PER_STEP,
        cases=[
            _gridloom(_VALUES, shape=shape, steps=steps),
            _gridloom(_FILES, shape=shape, steps=steps, kind="files"),
            _gridloom(_EVERY_TIME, shape=shape, steps=steps, kind="every time"),
            Case.call(_FLOOR, "dag_cases:floor", shape=shape, steps=steps, out=FRESH),
        ],
        peer=_FLOOR,
        goals=[Goal(_VALUES, "cpu_ms_per_step", 0.5)],
    )


def _hits(steps: int) -> Section:
    return Section(
        title=f"dag: cache hits of {steps} steps",
        note="An unchanged rerun of the fan: every record is read and its outputs are verified.",
        metrics=_PER_STEP,
        cases=[
            _gridloom(_VALUES, shape="fan", steps=steps, hits=True),
            _gridloom(_FILES, shape="fan", steps=steps, hits=True, kind="files"),
            Case.call(_FLOOR, "dag_cases:floor", shape="fan", steps=steps, out=FRESH, hits=True),
        ],
        peer=_FLOOR,
        goals=[Goal(_VALUES, "cpu_ms_per_step", 0.2)],
    )


def _growth(counts: Sequence[int]) -> Section:
    names = {count: f"{count:,} steps" for count in counts}
    return Section(
        title="dag: cache hits by size of the graph",
        note="An unchanged rerun of a fan of small values.",
        metrics=_PER_STEP,
        cases=[_gridloom(name, shape="fan", steps=count, hits=True) for count, name in names.items()],
        peer=names[counts[0]],
        goals=[Goal(names[counts[-1]], "cpu_ms_per_step", 1.1, ratio=True)],
    )


def _layered(steps: int) -> Section:
    return Section(
        title="dag: layered",
        note=f"{steps // 10} layers of 10 steps of 20 ms, 4 at once; each needs the whole layer before.",
        metrics=_MAKESPAN,
        cases=[
            _gridloom(_VALUES, shape="layered", steps=steps),
            _gridloom(_EVERY_TIME, shape="layered", steps=steps, kind="every time"),
            Case.call(_FLOOR, "dag_cases:floor", shape="layered", steps=steps, out=FRESH),
        ],
        peer=_FLOOR,
        goals=[Goal(name, "over_ideal", 1.05) for name in (_VALUES, _EVERY_TIME)],
    )


def _head_of_line(steps: int) -> Section:
    shape = "head-of-line"
    return Section(
        title=f"dag: {shape}",
        note="A 1 s root with 4 children declared first, 40 free steps of 0.1 s, 4 at once.",
        metrics=_MAKESPAN,
        cases=[
            _gridloom(_FIRST, shape=shape, steps=steps, kind="every time"),
            _gridloom(_HISTORY, shape=shape, steps=steps, kind="every time", before=True),
            Case.call(_FLOOR, "dag_cases:floor", shape=shape, steps=steps, out=FRESH),
        ],
        peer=_FLOOR,
        goals=[Goal(name, "over_ideal", 1.1) for name in (_FIRST, _HISTORY)],
    )


def _disk(steps: int) -> Section:
    return Section(
        title="dag: the disk's own floor",
        note="One operation: a row in SQLite (WAL, NORMAL); a small file written and synced; that renamed "
        "as well, and its folder synced; one in a folder of its own, moved, all synced.",
        metrics=[
            Metric(f"{name}_{kind}", f"{words} {unit}", 3)
            for name, words in (
                ("insert", "row"),
                ("sync", "file"),
                ("rename", "renamed"),
                ("place", "placed"),
            )
            for kind, unit in (("cpu_ms", "CPU ms"), ("ms", "ms"))
        ],
        cases=[Case.call("disk", "dag_cases:disk", count=steps, out=FRESH)],
        peer="disk",
    )


def _code() -> Section:
    counts = (50, 500)
    return Section(
        title="dag: what a class's code is",
        note="CPU a class: with every file parsed for the first time, with files known, kept from before.",
        metrics=[
            Metric("first_ms", "first, ms a class", 3),
            Metric("warm_ms", "warm, ms a class", 3),
            Metric("kept_ms", "kept, ms a class", 4),
        ],
        cases=[
            Case.call(f"{count} classes", "code_cases:code", classes=count, out=FRESH) for count in counts
        ],
        peer=f"{counts[0]} classes",
        goals=[Goal(f"{counts[-1]} classes", "warm_ms", 0.2)],
    )


def _imports(python: Path | None, peers: Sequence[str]) -> Section:
    lines = {
        "python -c pass": "pass",
        "import gridloom": "import gridloom",
        "from gridloom import PipelineDAG": "from gridloom import PipelineDAG",
        "import asyncio": "import asyncio",
        "import pydantic, one model": "import pydantic\nclass M(pydantic.BaseModel):\n    a: int = 0",
    }
    theirs = {name: _IMPORTS.get(name, f"import {name}") for name in peers}
    return Section(
        title="dag: weight of the import",
        note="Whole processes.",
        metrics=[
            Metric("process_cpu_s", "CPU s", 3, compared=True),
            Metric("process_wall_s", "wall s", 3),
        ],
        cases=[
            *(Case(name, (sys.executable, "-c", line)) for name, line in lines.items()),
            *(Case(line, (str(python), "-c", line)) for line in theirs.values()),
        ],
        peer="python -c pass",
        goals=[
            Goal("import gridloom", "process_cpu_s", 1.5, ratio=True),
            Goal("from gridloom import PipelineDAG", "process_cpu_s", 0.2),
        ],
    )


def _python_of_peers() -> Path | None:
    """Returns the interpreter of the other engines; None where they cannot be installed."""
    project = tomllib.loads((HERE.parent / "pyproject.toml").read_text(encoding="utf-8"))
    try:
        return environment("dag-peers", sys.executable, project["dependency-groups"]["dag-peers"])
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"The other engines are left out, for they cannot be installed: {error}\n")
        return None


def _works(name: str, python: Path, options: Options) -> bool:
    """Returns whether an engine runs here; says so if not."""
    try:
        run_once(_peer(name, python, _PEERS[name][0], steps=4), options.work)
    except SystemExit as error:
        print(f"{name} is left out, for it does not run here: {str(error).splitlines()[-1]}\n")
        return False
    return True


def _with_peers(section: Section, key: str, python: Path | None, peers: Sequence[str], steps: int) -> Section:
    """Returns a section with the engines that have what it is about."""
    able = [name for name in peers if python is not None and key in _PEERS[name]]
    theirs = [_peer(name, python, key, steps=steps) for name in able]
    return replace(section, cases=[*section.cases, *theirs])


def _peer(name: str, python: Path | None, key: str, *, steps: int) -> Case:
    hits = {"shape": "fan", "hits": True} if key == "hits" else {"shape": key}
    arguments = json.dumps({"steps": steps, "out": FRESH, **hits})
    return Case(name, (str(python), str(HERE / "child.py"), "dag_peers", name, arguments), reports=True)


def _gridloom(name: str, **arguments: object) -> Case:
    return Case.call(name, "dag_cases:gridloom", out=FRESH, **arguments)
