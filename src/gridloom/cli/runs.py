"""``gridloom runs``: what was run in an output folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from gridloom.cli._options import Manner, answer_options, folder_option
from gridloom.cli._render import echo_json, echo_table, typed_path
from gridloom.cli._summary import echo_comparison, echo_run_record
from gridloom.dag.compare import compare_runs
from gridloom.dag.history import list_runs, load_run

__all__ = ["runs"]


@click.group(epilog="Example:  gridloom runs list --out data")
def runs() -> None:
    """List the runs of an output folder, show one, or compare two."""


@runs.command("list", epilog="Example:  gridloom runs list --out data")
@folder_option
@answer_options
def list_command(folder: Path, manner: Manner) -> int:
    """List runs, newest first."""
    records = list_runs(folder)
    if manner.as_json:
        echo_json({"runs": [_short(record) for record in records]})
    elif not records and not manner.quiet:
        click.echo(
            f"No runs in {folder} yet. Start one with: gridloom year --sample --out {typed_path(folder)}"
        )
    elif not manner.quiet:
        headers = ["run", "outcome", "pipeline", "rows", "requests", "seconds"]
        echo_table(headers, (_cells(record) for record in records), numbers=(3, 4, 5))
    return 0


@runs.command("show", epilog="Example:  gridloom runs show latest")
@click.argument("run_id", metavar="RUN_ID")
@folder_option
@answer_options
def show_command(run_id: str, folder: Path, manner: Manner) -> int:
    """Show one run: steps, reasons, findings and outputs.

    RUN_ID may be shortened to a unique beginning; `latest` is the newest run.
    """
    record = load_run(folder, run_id)
    if manner.as_json:
        echo_json(record)
    elif not manner.quiet:
        echo_run_record(record, verbose=manner.verbose)
    return 0


@runs.command("compare", epilog="Example:  gridloom runs compare 20261124T0930 latest")
@click.argument("one", metavar="RUN_ID")
@click.argument("other", metavar="RUN_ID")
@folder_option
@answer_options
def compare_command(
    *,
    one: str,
    other: str,
    folder: Path,
    manner: Manner,
) -> int:
    """Compare two runs: settings, and of each step its outcome, time, rows and outputs."""
    compared = compare_runs(load_run(folder, one), load_run(folder, other))
    if manner.as_json:
        echo_json(compared)
    elif not manner.quiet:
        echo_comparison(compared)
    return 0


def _short(record: dict[str, Any]) -> dict[str, Any]:
    totals = record.get("totals", {})
    return {
        "run_id": record["run_id"],
        "outcome": record["outcome"],
        "pipeline": record.get("pipeline", {}).get("name"),
        "started_at": record.get("started_at"),
        "duration_s": record.get("duration_s"),
        "rows": totals.get("rows"),
        "http_requests": totals.get("requests"),
    }


def _cells(record: dict[str, Any]) -> list[object]:
    short = _short(record)
    seconds = "" if short["duration_s"] is None else f"{short['duration_s']:.2f}"
    counts = ["" if short[name] is None else short[name] for name in ("rows", "http_requests")]
    return [short["run_id"], short["outcome"], short["pipeline"] or "", *counts, seconds]
