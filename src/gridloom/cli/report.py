"""``gridloom report``: a run as one web page."""

from __future__ import annotations

from pathlib import Path

import click

from gridloom.cli._options import Manner, answer_options, folder_option
from gridloom.cli._render import echo_json, shown_path

__all__ = ["report"]


@click.command(epilog="Example:  gridloom report latest --out data --open")
@click.argument("run_id", metavar="RUN_ID")
@click.option("--open", "show", is_flag=True, help="Open the page in the browser.")
@folder_option
@answer_options
def report(*, run_id: str, show: bool, folder: Path, manner: Manner) -> int:
    """Write the page of a run, report.html in its folder, and print where it is.

    RUN_ID may be shortened to a unique beginning; `latest` is the newest run. The page shows how the run
    ended, its steps and their timeline, requests, decisions, checks, coverage, outputs and settings. It is
    one file and asks no network for anything. Every run writes it at its end; this is for runs that were
    killed, are still at work, or are older than the report.
    """
    from gridloom.report.page import write_report

    path = write_report(folder, run_id)
    if manner.as_json:
        echo_json({"run_id": path.parent.name, "report": path, "size_bytes": path.stat().st_size})
    elif not manner.quiet:
        click.echo(shown_path(path))
    if show:
        click.launch(path.absolute().as_uri())
    return 0
