"""Loading: long to wide, the whole step, windows, and opening, beside other libraries.

They are installed once, into an environment of their own below ``.venv/bench`` (or the folder that
GRIDLOOM_BENCH_CLIENTS names). PyTorch from the package index is the large build for CUDA.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from bench_clients import environment
from harness import FRESH, HERE, Case, Metric, Options, Result, Section, measure, run_once

_WIDE = (
    Metric("rows_per_s", "rows/s", compared=True),
    Metric("cpu_s", "CPU s", 1),
    Metric("peak_rss_mb", "peak RSS MB"),
)
_WINDOWS = (
    Metric("windows_per_s", "windows/s", compared=True),
    Metric("per_cpu_s", "windows/CPU s", compared=True),
    Metric("peak_rss_mb", "peak RSS MB"),
)
_BOUND = "copies into new memory"
_PEERS = [
    "duckdb",
    "gluonts",
    "mlx-data",
    "mlx[cpu]",
    "numpy",
    "packaging",
    "polars",
    "pyarrow",
    "torch==2.13.0",
]


def run(options: Options) -> list[Result]:
    """Measures everything about loading."""
    python = environment("load", sys.executable, _PEERS)
    return [_wide(options, python), _step(options), *_windows(options, python), _opening(options, python)]


def _wide(options: Options, python: Path) -> Result:
    path = str(options.work / "long.parquet")
    size = {"respondents": 5, "hours": 2_000} if options.quick else {"respondents": 50, "hours": 80_000}
    rows = run_once(Case.call("write", "long_tables:write_long", path=path, **size), options.work)["rows"]
    section = Section(
        title=f"load: long to wide, {rows:,.0f} rows to {size['hours']:,} hours x {10 * size['respondents']}",
        note="From the Parquet file to a float32 matrix; GridLoom's has a mask beside it.",
        metrics=_WIDE,
        cases=[
            Case.call("gridloom", "load_cases:wide", path=path),
            _peer("polars pivot", python, "polars_pivot", path=path),
            _peer("DuckDB PIVOT", python, "duckdb_pivot", path=path),
        ],
        peer="polars pivot",
    )
    return measure(section, options)


def _step(options: Options) -> Result:
    path = str(options.work / "year.parquet")
    hours = 24 * 30 if options.quick else None
    made = Case.call("grid", "grids:write_grid", path=path, first_year=2019, years=1, hours=hours)
    run_once(made, options.work)
    run_once(Case.call("footer", "long_tables:add_footer", path=path), options.work)
    section = Section(
        title="load: the whole step, a year of eight respondents, demand and eight fuels",
        note="From the file to a committed dataset: digests, calendar, statistics, syncs to disk. The "
        "bound is long to wide alone.",
        metrics=(*_WIDE, Metric("wall_s", "s", 2), Metric("file_mb", "file MB", 1)),
        cases=[
            Case.call("gridloom, DAG", "load_cases:step", path=path, out=FRESH),
            Case.call("gridloom, functions", "load_cases:build", path=path, out=FRESH),
            Case.call("long to wide", "load_cases:wide", path=path),
        ],
        peer="long to wide",
    )
    return measure(section, options)


def _windows(options: Options, python: Path) -> list[Result]:
    folder = str(options.work / "matrix")
    make = Case.call("make", "load_cases:make_matrix", folder=folder, steps=87_600, features=16)
    run_once(make, options.work)
    results = []
    for length, batch in ((168, 256), (8_760, 8)):
        asked = {"folder": folder, "length": length, "batch": batch, "seconds": 0.5 if options.quick else 3.0}
        ours = [
            Case.call(f"gridloom, {name}", "load_cases:windows", **asked, **how)
            for name, how in {
                "NumPy": {"output": "numpy", "scaled": True},
                "MLX": {"output": "mlx", "scaled": True},
                "NumPy, from disk": {"output": "numpy", "scaled": True, "memory_mb": 0},
                "NumPy, unscaled": {"output": "numpy", "scaled": False},
            }.items()
        ]
        section = Section(
            title=f"load: windows of {length:,} hours x 16, batches of {batch}, 87,600 hours",
            note="GridLoom's are shuffled, scaled, with their masks, the last 24 hours to predict; the "
            "others' have values only, and GluonTS and naive no scaling. GluonTS does not shuffle.",
            metrics=_WINDOWS,
            cases=[
                *ours,
                Case.call(_BOUND, "load_cases:copies", fresh=True, **asked),
                Case.call("copies into one buffer", "load_cases:copies", fresh=False, **asked),
                _peer("torch DataLoader", python, "torch_loader", workers=0, **asked),
                _peer("torch DataLoader, 2 workers", python, "torch_loader", workers=2, **asked),
                _peer("mlx-data", python, "mlx_data", **asked),
                _peer("GluonTS", python, "gluonts", **asked),
                _peer("naive loop", python, "naive", **asked),
            ],
            peer=_BOUND,
        )
        results.append(measure(section, options))
    return results


def _opening(options: Options, python: Path) -> Result:
    folder = str(options.work / "large")
    steps = 8_760 if options.quick else 400_000
    size = run_once(
        Case.call("make", "load_cases:make_matrix", folder=folder, steps=steps, features=500), options.work
    )
    section = Section(
        title=f"load: open a dataset of {size['mb']:,.0f} MB",
        note="'first' is until the first window of 192 hours is there. The bound imports the same modules.",
        metrics=(
            Metric("open_ms", "open ms", 1),
            Metric("first_ms", "first ms", 1),
            Metric("peak_rss_mb", "peak RSS MB"),
        ),
        cases=[
            Case.call("gridloom", "load_cases:opened", folder=folder),
            _peer("mx.load", python, "mlx_load", folder=folder),
            Case.call("imports", "load_cases:imported"),
        ],
        peer="imports",
    )
    return measure(section, options)


def _peer(name: str, python: Path, function: str, **arguments: object) -> Case:
    argv = (str(python), str(HERE / "child.py"), "load_peers", function, json.dumps(arguments))
    return Case(name, argv, reports=True)
