"""The memory of many years: extraction alone, and all of ``gridloom year``."""

from __future__ import annotations

from harness import FRESH, Case, Metric, Options, Result, Section, measure, run_once
from servers import stand_in

_METRICS = (
    Metric("peak_rss_mb", "peak RSS MB"),
    Metric("rows", "rows"),
    Metric("wall_s", "s", 1),
    Metric("cpu_s", "CPU s", 1),
)
_LASTS = {1: "2019-12-31T23", 7: "2025-12-29T23"}
"""Last period of so many years of 365 days."""


def run(options: Options) -> list[Result]:
    """Measures one year and seven."""
    hours = 15 * 24 if options.quick else None
    for years in _LASTS:
        path = str(options.work / f"years-{years}.parquet")
        made = Case.call("grid", "grids:write_grid", path=path, first_year=2019, years=years, hours=hours)
        run_once(made, options.work)
    one, seven = (stand_in(options.work / f"years-{years}.parquet") for years in _LASTS)
    with one as first, seven as second:
        cases = [
            Case.call(
                f"{years} {'year' if years == 1 else 'years'}, {what}",
                f"year_cases:{function}",
                url=server.url,
                last=last,
                in_flight=5,
                out=FRESH,
            )
            for server, (years, last) in zip((first, second), _LASTS.items(), strict=True)
            for what, function in (("extract", "extract"), ("to Parquet", "to_parquet"))
        ]
        section = Section(
            title="memory: peak of the process that fetches 8 respondents, demand and 8 fuels",
            note="The server is another process.",
            metrics=_METRICS,
            cases=cases,
            peer=cases[0].name,
        )
        return [measure(section, options)]
