"""Extraction: a year of eight respondents, demand and eight fuels, against bare loops over the same pages."""

from __future__ import annotations

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
_BOUND = "bare streams"


def run(options: Options) -> list[Result]:
    """Measures at no latency and at 300 ms."""
    data, last = options.work / "grid.parquet", "2019-01-15T23" if options.quick else "2019-12-31T23"
    hours = 15 * 24 if options.quick else None
    written = run_once(
        Case.call("grid", "grids:write_grid", path=str(data), first_year=2019, years=1, hours=hours),
        options.work,
    )
    settings = [(0, 5), (300, 5), (300, 20)]
    return [_measure(options, data, last, int(written["rows"]), *setting) for setting in settings]


def _measure(options: Options, data: Path, last: str, rows: int, latency_ms: int, in_flight: int) -> Result:
    with canned(data, latency_ms) as server:
        asked = {"url": server.url, "out": FRESH, "last": last, "in_flight": in_flight}
        cases = [
            Case.call("gridloom", "extract_cases:gridloom", **asked),
            Case.call("bare httpx2", "extract_cases:bare", client="httpx2", **asked),
            Case.call(_BOUND, "extract_cases:bare", client="streams", **asked),
        ]
        section = Section(
            title=f"extract: {rows:,} rows, {latency_ms} ms latency, {in_flight} in flight for each of 2 routes",
            note="Server in another process with its answers ready. GridLoom asks 2 requests for metadata as well.",
            metrics=METRICS,
            cases=cases,
            peer=_BOUND,
        )
        for case in cases[:1]:  # the server makes its answers now, once
            run_once(case, options.work)
        return measure(section, options)
