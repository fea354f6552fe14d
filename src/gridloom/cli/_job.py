"""What every command that runs a pipeline does: plan or run it, print what came of it, end with a code."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import click

from gridloom.cli._options import Manner
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
    manner: Manner,
    *,
    dry_run: bool = False,
    listeners: ListenerOptions = NOBODY,
    as_mermaid: bool = False,
) -> int:
    """Plans or runs a job, prints what came of it and returns the exit code."""
    if not manner.quiet:
        for warning in job.warnings:
            note(f"Note: {warning}")
    if as_mermaid and job.dag:
        click.echo(mermaid(job.dag().plan()), nl=False)
        return 0
    if dry_run and job.plan and job.echo_plan:
        _show(job.plan(), job.echo_plan, manner)
        return 0
    with ConsoleMonitor(quiet=manner.quiet, verbose=manner.verbose) as monitor:
        summary, code = job.run(monitor, listeners)
    _show(summary, job.echo, manner)
    if not manner.as_json:
        echo_error(summary, verbose=manner.verbose)
    echo_report(summary, quiet=manner.quiet)
    return code


def _show(summary: dict[str, Any], echo: Callable[[dict[str, Any]], None], manner: Manner) -> None:
    if manner.as_json:
        echo_json(summary)
    elif not manner.quiet:
        echo(summary)
