"""The stand-in server: pages a second, and its CPU time a page."""

from __future__ import annotations

from harness import Case, Metric, Options, Result, Section, measure, run_once
from servers import canned, stand_in

METRICS = (
    Metric("pages_per_s", "pages/s", compared=True),
    Metric("server_ms_per_page", "server CPU ms a page", 2, compared=True),
    Metric("mb_per_s", "MB/s of JSON"),
    Metric("pages", "pages"),
)
_BOUND = "answers ready"


def run(options: Options) -> list[Result]:
    """Measures the server against itself with its answers ready, which leaves HTTP alone."""
    data, last = options.work / "grid.parquet", "2019-01-15T23" if options.quick else "2019-12-31T23"
    arguments = {"path": str(data), "first_year": 2019, "years": 1}
    run_once(Case.call("grid", "grids:write_grid", **arguments), options.work)
    with stand_in(data) as server, canned(data) as ready:
        cases = [
            Case.call(name, "replay_cases:ask", url=one.url, pid=one.pid, last=last, in_flight=5)
            for name, one in (("gridloom replay", server), (_BOUND, ready))
        ]
        section = Section(
            title="replay: a year of eight respondents, demand and eight fuels, 5 in flight",
            note="gzip on; the client inflates each page and drops it.",
            metrics=METRICS,
            cases=cases,
            peer=_BOUND,
        )
        run_once(cases[1], options.work)  # the answers are made now, once
        return [measure(section, options)]
