"""What every command that runs a pipeline does: plan or run it, print what came of it, end with a code."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import click

from gridloom.cli._render import echo_json, note
from gridloom.cli._summary import echo_error, echo_report
from gridloom.dag.mermaid import mermaid
from gridloom.monitor.console import ConsoleMonitor
from gridloom.pipelines.listener_options import NOBODY, ListenerOptions

__all__ = ["Job", "carry_out"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A pipeline that is ready, and how to show what comes of it.

    Attributes:
        run: Runs it for a sink of events and listeners; returns its JSON object and exit code.
        echo: Prints the JSON object of a run, but for its error.
        warnings: Lines that the user should see before.
        dag: Returns its DAG; None if it cannot be planned from the command line, as the next two.
        plan: Returns the JSON object of a dry run.
        echo_plan: Prints that.
    """

    run: Callable[[Callable[[Any], None], ListenerOptions], tuple[dict[str, Any], int]]
    echo: Callable[[dict[str, Any]], None]
    warnings: Sequence[str] = ()
    dag: Callable[[], Any] | None = None
    plan: Callable[[], dict[str, Any]] | None = None
    echo_plan: Callable[[dict[str, Any]], None] | None = None


def carry_out(
    job: Job,
    *,
    dry_run: bool = False,
    as_json: bool,
    verbose: bool,
    quiet: bool,
    listeners: ListenerOptions = NOBODY,
    as_mermaid: bool = False,
) -> int:
    """Plans or runs a job, prints what came of it and returns the exit code."""
    if not quiet:
        for warning in job.warnings:
            note(f"Note: {warning}")
    if as_mermaid and job.dag:
        click.echo(mermaid(job.dag().plan()), nl=False)
        return 0
    if dry_run and job.plan and job.echo_plan:
        _show(job.plan(), job.echo_plan, as_json=as_json, quiet=quiet)
        return 0
    with ConsoleMonitor(quiet=quiet, verbose=verbose) as monitor:
        summary, code = job.run(monitor, listeners)
    _show(summary, job.echo, as_json=as_json, quiet=quiet)
    if not as_json:
        echo_error(summary)
    echo_report(summary, quiet=quiet)
    return code


def _show(
    summary: dict[str, Any], echo: Callable[[dict[str, Any]], None], *, as_json: bool, quiet: bool
) -> None:
    if as_json:
        echo_json(summary)
    elif not quiet:
        echo(summary)
