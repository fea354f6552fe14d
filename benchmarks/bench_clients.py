"""Extraction beside other people's EIA clients, and under the limit.

The clients are installed once, into environments of their own below ``.venv/bench`` (or the folder that
GRIDLOOM_BENCH_CLIENTS names); eiax only where a Python 3.12 or newer is found.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from gridloom.extract.plan import STANDARD_BATCH_DAYS
from harness import FRESH, HERE, Case, Metric, Options, Result, Section, measure, run_once
from servers import canned

_METRICS = (
    Metric("rows_per_s", "rows/s", compared=True),
    Metric("cpu_s", "CPU s", 2),
    Metric("peak_rss_mb", "peak RSS MB"),
    Metric("rows", "rows"),
    Metric("lost_rows", "rows twice or lost"),
)
_PEER = "gridstatus, 20 workers"


def run(options: Options) -> list[Result]:
    """Measures the clients without and with latency, then the limiter."""
    year = options.work / "year.parquet"
    last, hours = ("2019-01-15T23", 15 * 24) if options.quick else ("2019-12-31T23", None)
    run_once(
        Case.call("grid", "grids:write_grid", path=str(year), first_year=2019, years=1, hours=hours),
        options.work,
    )
    return [*(_clients(options, year, last, latency_ms) for latency_ms in (0, 300)), _paced(options)]


def _clients(options: Options, data: Path, last: str, latency_ms: int) -> Result:
    with canned(data, latency_ms) as server:
        asked = {"url": server.url, "last": last, "out": FRESH}
        defaults = {"in_flight": 5, "batch_days": STANDARD_BATCH_DAYS, **asked}
        twenty = {"in_flight": 10, **asked}
        most = {"in_flight": 60, **asked}
        cases = [
            Case.call("gridloom, extract: as it comes", "year_cases:extract", **defaults),
            Case.call("gridloom, extract: auto, 20 in flight", "year_cases:extract", **twenty),
            Case.call("gridloom, extract: auto, 120 in flight", "year_cases:extract", **most),
            Case.call("gridloom, to Parquet: as it comes", "year_cases:to_parquet", **defaults),
            Case.call("gridloom, to Parquet: auto, 20 in flight", "year_cases:to_parquet", **twenty),
            Case.call("bare asyncio loop, 20 in flight", "extract_cases:bare", client="streams", **twenty),
            *_others(asked),
        ]
        section = Section(
            title=f"clients: one year of 8 respondents, demand and 8 fuels, {latency_ms} ms latency",
            note="As they come, GridLoom has 5 requests in flight for each of 2 routes, eiax 8, the others "
            "1; who takes any number has more of them as well. The clients' own gates are off. One server "
            "process, its answers ready.",
            metrics=_METRICS,
            cases=cases,
            peer=_PEER,
        )
        for case in cases:  # the server makes its answers now, once
            run_once(case, options.work)
        return measure(section, options)


def _others(asked: dict[str, str]) -> list[Case]:
    python = environment("clients", sys.executable, ["gridstatus", "openeia", "dlt[parquet]"])
    cases = [
        _case(_PEER, python, "gridstatus", in_flight=20, **asked),
        _case("gridstatus, 60 workers", python, "gridstatus", in_flight=60, **asked),
        _case("gridstatus, 5 workers", python, "gridstatus", in_flight=5, **asked),
        _case("gridstatus, as it comes", python, "gridstatus", in_flight=1, **asked),
        _case("openeia", python, "openeia", in_flight=1, **asked),
        _case("openeia, backfill, 20 workers", python, "openeia_backfill", in_flight=20, **asked),
        _case("openeia, backfill, 60 workers", python, "openeia_backfill", in_flight=60, **asked),
        _case("dlt", python, "dlt", in_flight=1, **asked),
    ]
    newer = _newer_python()
    if newer:
        python = environment("eiax", newer, ["eiax"])
        cases.append(_case("eiax", python, "eiax", in_flight=8, **asked))
    return cases


def _case(name: str, python: Path, function: str, **arguments: object) -> Case:
    argv = (str(python), str(HERE / "child.py"), "client_cases", function, json.dumps(arguments))
    return Case(name, argv, reports=True)


def _newer_python() -> str | None:
    """Returns a Python that eiax can use, or None."""
    if sys.version_info >= (3, 12):
        return sys.executable
    for name in ("python3.13", "python3.12", "python3.14"):
        found = shutil.which(name)
        if found and subprocess.run([found, "-c", ""], check=False, capture_output=True).returncode == 0:
            return found
    return None


def environment(name: str, python: str, packages: list[str]) -> Path:
    """Returns the interpreter of an environment with some packages, which is made where it is not there."""
    base = Path(os.environ.get("GRIDLOOM_BENCH_CLIENTS") or HERE.parent / ".venv" / "bench")
    own = base / name / "bin" / "python"
    if not own.exists():
        print(f"Installing {', '.join(packages)} into {own.parent.parent}", flush=True)
        subprocess.run([python, "-m", "venv", str(own.parent.parent)], check=True)
        subprocess.run([str(own), "-m", "pip", "install", "-qq", "--no-input", *packages], check=True)
    return own


def _paced(options: Options) -> Result:
    case = Case.call(
        "gridloom", "year_cases:paced", out=FRESH, latency_ms=300, days=45 if options.quick else 270
    )
    section = Section(
        title="limiter: 5 requests a second, 300 ms latency, one extract step",
        note="Bound: (requests - 1) / 5 s + one latency. The server suspends the key of who asks faster.",
        metrics=(
            Metric("requests", "requests"),
            Metric("wall_s", "s", 2),
            Metric("bound_s", "bound s", 2),
            Metric("over_bound", "over bound", 3),
            Metric("most_in_a_second", "most in any second"),
        ),
        cases=[case],
        peer="gridloom",
    )
    return measure(section, options)
