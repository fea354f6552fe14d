"""Whole commands: ``gridloom year --sample`` in an empty folder, and again with nothing to do."""

from __future__ import annotations

import sys

from harness import FRESH, Case, Metric, Options, Result, Section, measure, run_once

METRICS = (
    Metric("process_cpu_s", "CPU s", 2, compared=True),
    Metric("process_wall_s", "wall s", 2, compared=True),
    Metric("peak_rss_mb", "peak RSS MB"),
)
_BOUND = "python -c 'import polars'"


def run(options: Options) -> list[Result]:
    """Measures a first run, the unchanged rerun, the plan and the help."""
    done = str(options.work / "done")
    smaller = ("--start", "2019-01-01T00", "--end", "2019-01-15T23") if options.quick else ()
    run_once(_year("first run", done, *smaller), options.work)
    section = Section(
        title="cli: gridloom year --sample",
        note="Whole processes, start to end; the first run includes the stand-in server in the same process.",
        metrics=METRICS,
        cases=[
            _year("first run", FRESH, *smaller),
            _year("unchanged rerun", done, *smaller),
            _year("--dry-run, all done", done, "--dry-run", *smaller),
            Case("gridloom --help", (sys.executable, "-m", "gridloom", "--help")),
            Case(_BOUND, (sys.executable, "-c", "import polars")),
        ],
        peer=_BOUND,
    )
    return [measure(section, options)]


def _year(name: str, out: str, *more: str) -> Case:
    return Case(name, (sys.executable, "-m", "gridloom", "year", "--sample", "--quiet", "--out", out, *more))
