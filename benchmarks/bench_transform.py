"""The transform: landed pages to one checked Parquet, against polars alone on the same pages."""

from __future__ import annotations

from dataclasses import dataclass

from harness import FRESH, Case, Metric, Options, Result, Section, measure, run_once

METRICS = (
    Metric("rows_per_s", "rows/s", compared=True),
    Metric("cpu_s", "CPU s", 2, compared=True),
    Metric("peak_rss_mb", "peak RSS MB", compared=True),
    Metric("file_mb", "file MB", 1),
)
_BOUND = "polars: read, write"


@dataclass(frozen=True)
class Size:
    """What is transformed: the embedded sample (no years), or a table of so many years."""

    name: str
    first: str
    last: str
    years: int = 0


def run(options: Options) -> list[Result]:
    """Measures the sample's year and a pull of five years."""
    sizes = [Size("sample", "2019-01-01T00", "2019-01-15T23" if options.quick else "2019-12-31T23")]
    if not options.quick:
        sizes.append(Size("years", "2019-01-01T00", "2023-12-30T23", years=5))
    return [_measure(options, size) for size in sizes]


def _measure(options: Options, size: Size) -> Result:
    data, landed = options.work / f"{size.name}.parquet", str(options.work / f"landed-{size.name}")
    if size.years:
        arguments = {"path": str(data), "first_year": 2019, "years": size.years}
        run_once(Case.call("grid", "grids:write_grid", **arguments), options.work)
    hours = {"first": size.first, "last": size.last}
    arguments = {"data": str(data) if size.years else "", "out": landed, **hours}
    rows = int(run_once(Case.call("land", "transform_cases:land", **arguments), options.work)["rows"])
    section = Section(
        title=f"transform: {rows:,} rows of landed pages",
        note="GridLoom also checks digests, completes every hour, and checks the file that it wrote.",
        metrics=METRICS,
        cases=[
            Case.call("gridloom", "transform_cases:gridloom", landed=landed, out=FRESH, **hours),
            Case.call(
                "polars: read, unique, sort, write",
                "transform_cases:bare",
                landed=landed,
                out=FRESH,
                ordered=True,
            ),
            Case.call(_BOUND, "transform_cases:bare", landed=landed, out=FRESH, ordered=False),
        ],
        peer=_BOUND,
    )
    return measure(section, options)
