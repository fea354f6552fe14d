"""What `run` and `plan` share for a pipeline file: settings in, a run or a plan out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from gridloom.cli._render import echo_json, note, shown_path
from gridloom.cli._summary import echo_decisions, echo_ends, echo_error, echo_report
from gridloom.dag.mermaid import mermaid
from gridloom.monitor.console import ConsoleMonitor
from gridloom.pipelines.assemble import Assembled, assemble
from gridloom.pipelines.file import RUN_FIELDS, read_pipeline
from gridloom.pipelines.file_summary import planned_file, ran_file
from gridloom.pipelines.listener_options import NOBODY, ListenerOptions

__all__ = ["FILE_FIELDS", "execute_assembled", "execute_file"]

FILE_FIELDS = (*RUN_FIELDS, "force")
"""Settings that are flags of a pipeline file's run."""


def execute_file(
    path: Path,
    flags: dict[str, Any],
    *,
    dry_run: bool,
    as_json: bool,
    verbose: bool,
    quiet: bool,
    listeners: ListenerOptions = NOBODY,
    as_mermaid: bool = False,
) -> int:
    """Plans or runs a pipeline file, prints what came of it and returns the exit code."""
    file = read_pipeline(path)
    return execute_assembled(
        assemble(file, file.settings(flags)),
        dry_run=dry_run,
        as_json=as_json,
        verbose=verbose,
        quiet=quiet,
        listeners=listeners,
        as_mermaid=as_mermaid,
    )


def execute_assembled(
    assembled: Assembled,
    *,
    dry_run: bool,
    as_json: bool,
    verbose: bool,
    quiet: bool,
    listeners: ListenerOptions = NOBODY,
    as_mermaid: bool = False,
) -> int:
    """Plans or runs what is assembled already; see `execute_file`."""
    if not quiet:
        for warning in assembled.warnings:
            note(f"Note: {warning}")
    if as_mermaid:
        click.echo(mermaid(assembled.dag.plan()), nl=False)
        return 0
    if dry_run:
        summary, code = planned_file(assembled), 0
    else:
        with ConsoleMonitor(quiet=quiet, verbose=verbose) as monitor:
            summary, code = ran_file(assembled, monitor, listeners)
    if as_json:
        echo_json(summary)
    elif dry_run and not quiet:
        click.echo(f"{summary['pipeline']} of {summary['file']} to {shown_path(summary['out'])}\n")
        echo_decisions(summary)
        click.echo("Nothing was asked or written.")
    elif not dry_run:
        _echo_run(summary, quiet=quiet)
    if not dry_run:
        echo_report(summary, quiet=quiet)
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
