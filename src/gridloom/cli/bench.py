"""``gridloom bench``: measures settings on this machine, against the stand-in server."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gridloom.cli._chart import Bar, bar_chart
from gridloom.cli._options import Manner, answer_options, folder_option
from gridloom.cli._render import echo_json, echo_table, note, shown_path
from gridloom.extract.limiter import DEFAULT_PER_S
from gridloom.files import write_atomic

if TYPE_CHECKING:
    from gridloom.pipelines.batches import BatchRun
    from gridloom.pipelines.hourly import Prepared

__all__ = ["bench"]


@click.group(epilog="Example:  gridloom bench batches --batch-days 45,60,90,auto --latency-ms 300")
def bench() -> None:
    """Measure settings on this machine, against the stand-in server."""


@bench.command(
    epilog="Example:  gridloom bench batches --batch-days 45,auto --regions PACW,ERCO --start 2019-01-01T00 "
    "--end 2019-03-31T23"
)
@click.option(
    "--batch-days", metavar="N|auto,…", default="45,60,90,auto", show_default=True, help="Sizes to compare."
)
@click.option(
    "--latency-ms",
    type=click.FloatRange(0, 60_000),
    default=300,
    show_default=True,
    help="Time that each answer takes longer; the real API takes 300 to 1,300 ms.",
)
@click.option("--regions", metavar="A,B", help="Respondent codes.  [default: the standard eight]")
@click.option("--series", metavar="A,B", help="Series.  [default: D,NG.all]")
@click.option("--year", metavar="YYYY", help="Year of the embedded sample.  [default: all of it]")
@click.option("--start", metavar="YYYY-MM-DDTHH", help="First period, instead of a year.")
@click.option("--end", metavar="YYYY-MM-DDTHH", help="Last period, inclusive.")
@click.option(
    "--rate-limit",
    metavar="N|off",
    help="Requests a second, kept by the runs and guarded by the server.  [default: 5, and 9,000 an hour]",
)
@click.option("--concurrency", metavar="N", help="Requests in flight per step at most.  [default: 5]")
@folder_option
@answer_options
def batches(
    *,
    batch_days: str,
    latency_ms: float,
    folder: Path,
    manner: Manner,
    **settings: str | None,
) -> int:
    """Compare batch sizes: requests, seconds, rows a second and retries, and which size to use.

    Each size fetches the same hours of the embedded sample, in a process of its own, from a stand-in
    server with EIA's limits. The chart is written to bench/batches.svg in the output folder.
    """
    from gridloom.pipelines.batches import measure, prepare_all, recommend

    runs = prepare_all(batch_days, settings)
    if _faster_than_allowed(runs[0]) and not manner.quiet:
        note(f"Note: EIA allows {DEFAULT_PER_S:g} requests/s: what is measured here is for another server.")

    def done(run: BatchRun) -> None:
        if not manner.quiet:
            note(f"batch-days {run.batch_days}: {run.requests:,} requests, {run.seconds:.1f} s")

    measured = measure(runs, latency_ms=latency_ms, done=done)
    best, why = recommend(measured)
    about = _about(runs[0], latency_ms)
    chart = folder / "bench" / "batches.svg"
    write_atomic(chart, _chart(measured, best, about).encode())
    if manner.as_json:
        echo_json(_record(measured, best, why, about, chart))
    else:
        _echo(measured, about)
        click.echo(f"\nUse --batch-days {best.batch_days}: {why}\nChart: {shown_path(chart)}")
    return 0


def _faster_than_allowed(run: Prepared) -> bool:
    rate = run.settings.rate_limit
    return rate == "off" or (rate or 0.0) > DEFAULT_PER_S


def _about(run: Prepared, latency_ms: float) -> str:
    limit = (
        "no limit"
        if run.settings.rate_limit == "off"
        else f"{run.settings.rate_limit or DEFAULT_PER_S:g} requests/s"
    )
    regions, series = ",".join(run.respondents), ",".join(run.series)
    return f"{run.hours} of {regions}: {series}; {latency_ms:g} ms an answer, {limit}"


def _record(runs: Sequence[BatchRun], best: BatchRun, why: str, about: str, chart: Path) -> dict[str, Any]:
    return {
        "about": about,
        "runs": [run.record() for run in runs],
        "recommended": {"batch_days": best.batch_days, "why": why},
        "chart": chart,
    }


def _echo(runs: Sequence[BatchRun], about: str) -> None:
    click.echo(f"{about}\n")
    headers = ["batch days", "windows", "requests", "seconds", "rows", "rows/s", "retries", "refused"]
    cells = (
        (
            run.batch_days,
            run.windows,
            run.requests,
            f"{run.seconds:.1f}",
            run.rows,
            round(run.rows_per_s),
            run.retries,
            run.refused,
        )
        for run in runs
    )
    echo_table(headers, cells, numbers=range(1, len(headers)))


def _chart(runs: Sequence[BatchRun], best: BatchRun, about: str) -> str:
    bars = [
        Bar(
            run.batch_days,
            run.seconds,
            f"{run.seconds:.1f} s, {run.requests:,} requests, {run.rows_per_s:,.0f} rows/s",
            chosen=run is best,
        )
        for run in runs
    ]
    return bar_chart("Seconds by batch size (days)", about, bars)
