"""The DAG engine: CPU of a step and of a cache hit, scheduling against the ideal, weight of the import."""

from __future__ import annotations

import sys

from harness import FRESH, Case, Metric, Options, Result, Section, measure

_PER_STEP = (
    Metric("cpu_ms_per_step", "CPU ms a step", 3, compared=True),
    Metric("wall_ms_per_step", "wall ms a step", 3),
)
_MAKESPAN = (Metric("over_ideal", "makespan / ideal", 3), Metric("cpu_ms_per_step", "CPU ms a step", 3))
_FLOOR = "stdlib floor"


def run(options: Options) -> list[Result]:
    """Measures everything about the engine."""
    steps = 20 if options.quick else 200
    return [
        measure(section, options) for section in (*_steps(steps), *_schedules(steps), _code(), _imports())
    ]


def _steps(steps: int) -> list[Section]:
    sections = [
        Section(
            title=f"dag: {shape} of {steps} no-op steps",
            note="Everything on: events, results, manifests synced to disk. A BaseStep has no manifest.",
            metrics=_PER_STEP,
            cases=[
                _gridloom("CacheableStep", shape=shape, steps=steps),
                _gridloom("BaseStep", shape=shape, steps=steps, cacheable=False),
                Case.call(_FLOOR, "dag_cases:floor", shape=shape, steps=steps, out=FRESH),
            ],
            peer=_FLOOR,
        )
        for shape in ("chain", "fan")
    ]
    hits = [
        Section(
            title=f"dag: cache hits of {count} steps",
            note="An unchanged rerun of the fan: every manifest is read and its outputs are verified.",
            metrics=_PER_STEP,
            cases=[
                _gridloom("gridloom", shape="fan", steps=count, hits=True),
                Case.call(_FLOOR, "dag_cases:floor", shape="fan", steps=count, out=FRESH, hits=True),
            ],
            peer=_FLOOR,
        )
        for count in (steps, 5 * steps)
    ]
    return [*sections, *hits]


def _schedules(steps: int) -> list[Section]:
    shapes = {
        "layered": f"{steps // 10} layers of 10 steps of 20 ms, 4 at once; each needs the whole layer before",
        "head-of-line": "a 1 s root with 4 children declared first, 40 free steps of 0.1 s, 4 at once",
    }
    return [
        Section(
            title=f"dag: {shape}",
            note=note,
            metrics=_MAKESPAN,
            cases=[
                _gridloom("gridloom", shape=shape, steps=steps, cacheable=False),
                Case.call(_FLOOR, "dag_cases:floor", shape=shape, steps=steps, out=FRESH),
            ],
            peer=_FLOOR,
        )
        for shape, note in shapes.items()
    ]


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
    )


def _imports() -> Section:
    lines = {
        "python -c pass": "pass",
        "import gridloom": "import gridloom",
        "from gridloom import PipelineDAG": "from gridloom import PipelineDAG",
        "import asyncio": "import asyncio",
        "import pydantic, one model": "import pydantic\nclass M(pydantic.BaseModel):\n    a: int = 0",
    }
    return Section(
        title="dag: weight of the import",
        note="Whole processes.",
        metrics=[
            Metric("process_cpu_s", "CPU s", 3, compared=True),
            Metric("process_wall_s", "wall s", 3),
        ],
        cases=[Case(name, (sys.executable, "-c", line)) for name, line in lines.items()],
        peer="python -c pass",
    )


def _gridloom(name: str, **arguments: object) -> Case:
    return Case.call(name, "dag_cases:gridloom", out=FRESH, **arguments)
