"""What `run` and `plan` share for a pipeline file: settings in, a run or a plan out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from gridloom.cli._render import echo_json, note, shown_path
from gridloom.cli._summary import echo_decisions, echo_ends, echo_error
from gridloom.monitor.console import ConsoleMonitor
from gridloom.pipelines.assemble import assemble
from gridloom.pipelines.file import RUN_FIELDS, read_pipeline
from gridloom.pipelines.file_summary import planned_file, ran_file

__all__ = ["FILE_FIELDS", "execute_file"]

FILE_FIELDS = (*RUN_FIELDS, "force")
"""Settings that are flags of a pipeline file's run."""


def execute_file(
    path: Path, flags: dict[str, Any], *, dry_run: bool, as_json: bool, verbose: bool, quiet: bool
) -> int:
    """Plans or runs a pipeline file, prints what came of it and returns the exit code."""
    file = read_pipeline(path)
    assembled = assemble(file, file.settings(flags))
    if not quiet:
        for warning in assembled.warnings:
            note(f"Note: {warning}")
    if dry_run:
        summary, code = planned_file(assembled), 0
    else:
        with ConsoleMonitor(quiet=quiet, verbose=verbose) as monitor:
            summary, code = ran_file(assembled, monitor)
    if as_json:
        echo_json(summary)
    elif dry_run and not quiet:
        click.echo(f"{summary['pipeline']} of {path} to {shown_path(summary['out'])}\n")
        echo_decisions(summary)
        click.echo("Nothing was asked or written.")
    elif not dry_run:
        _echo_run(summary, quiet=quiet)
    return code


def _echo_run(summary: dict[str, Any], *, quiet: bool) -> None:
    if not quiet:
        click.echo("")
        echo_ends(summary)
        click.echo(
            f"\n{summary['http_requests']:,} requests ({summary['retries']:,} retries), "
            f"{summary['rows_received']:,} rows received, {summary['duration_s']:.2f} s."
        )
        for step in summary["steps"]:
            for output in step["outputs"]:
                click.echo(f"{step['step_id']} made {shown_path(output)}")
        for finding in summary["findings"]:
            click.echo(f"Note: {finding['detail']}")
        if summary["parquet"] is not None and "error" not in summary:
            click.echo(f"\nProve it:  gridloom check {shown_path(summary['parquet'])}")
    echo_error(summary)
