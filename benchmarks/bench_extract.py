"""Extraction: a year of eight respondents, demand and eight fuels, against bare loops over the same pages."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from harness import FRESH, Case, Metric, Options, Result, Section, measure, run_once
from servers import canned

METRICS = (
    Metric("rows_per_s", "rows/s", compared=True),
    Metric("cpu_s", "client CPU s", 2, compared=True),
    Metric("peak_rss_mb", "peak RSS MB"),
    Metric("requests", "requests"),
    Metric("least_requests", "rows/5,000"),
)
SETTINGS = ((0, 5), (300, 5), (300, 20))
"""Milliseconds of latency, and requests in flight on each route."""

_BOUND = "bare streams"


@dataclass(frozen=True)
class Job:
    """What is asked for: the hours up to `last` of the table `data`."""

    data: Path
    last: str
    rows: int


def run(options: Options) -> list[Result]:
    """Measures at no latency and at 300 ms."""
    data, last = options.work / "grid.parquet", "2019-01-15T23" if options.quick else "2019-12-31T23"
    hours = 15 * 24 if options.quick else None
    written = run_once(
        Case.call("grid", "grids:write_grid", path=str(data), first_year=2019, years=1, hours=hours),
        options.work,
    )
    job = Job(data, last, int(written["rows"]))
    return [_measure(options, job, latency_ms, in_flight) for latency_ms, in_flight in SETTINGS]


def _measure(options: Options, job: Job, latency_ms: int, in_flight: int) -> Result:
    with canned(job.data, latency_ms) as server:
        asked = {"url": server.url, "out": FRESH, "last": job.last, "in_flight": in_flight}
        cases = [
            Case.call("gridloom", "extract_cases:gridloom", **asked),
            Case.call("bare httpx2", "extract_cases:bare", client="httpx2", **asked),
            Case.call(_BOUND, "extract_cases:bare", client="streams", **asked),
            Case.call(
                "bare streams, no digest or sync",
                "extract_cases:bare",
                client="streams",
                durable=False,
                **asked,
            ),
        ]
        section = Section(
            title=f"extract: {job.rows:,} rows, {latency_ms} ms latency, 2 x {in_flight} in flight",
            note="Two routes at once; the server has its answers ready. GridLoom asks for metadata too.",
            metrics=METRICS,
            cases=cases,
            peer=_BOUND,
        )
        run_once(cases[0], options.work)  # the server makes its answers now, once
        return measure(section, options)
