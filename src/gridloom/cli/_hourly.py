"""What `year`, `demo` and `plan` share: settings in, a run or a plan out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from gridloom.cli._render import echo_json, note
from gridloom.cli._summary import echo_plan, echo_report, echo_summary
from gridloom.dag.mermaid import mermaid
from gridloom.monitor.console import ConsoleMonitor
from gridloom.pipelines.hourly import Prepared, build, prepare
from gridloom.pipelines.listener_options import NOBODY, ListenerOptions
from gridloom.pipelines.settings import HourlySettings, load_settings
from gridloom.pipelines.summary import planned, ran

__all__ = ["YEAR_FIELDS", "execute", "execute_prepared", "read_settings"]

YEAR_FIELDS = tuple(HourlySettings.model_fields)
"""Every setting is a flag of `year`."""


def read_settings(flags: dict[str, Any]) -> HourlySettings:
    """Returns the settings of flags, environment and the settings file of the working folder."""
    return load_settings(flags, folder=Path.cwd())


def execute(
    settings: HourlySettings,
    *,
    dry_run: bool,
    as_json: bool,
    verbose: bool,
    quiet: bool,
    listeners: ListenerOptions = NOBODY,
    name_region: str | None = None,
    as_mermaid: bool = False,
) -> int:
    """Plans or runs the hourly pipeline, prints what came of it and returns the exit code."""
    return execute_prepared(
        prepare(settings, name_region=name_region),
        dry_run=dry_run,
        as_json=as_json,
        verbose=verbose,
        quiet=quiet,
        listeners=listeners,
        as_mermaid=as_mermaid,
    )


def execute_prepared(
    prepared: Prepared,
    *,
    dry_run: bool,
    as_json: bool,
    verbose: bool,
    quiet: bool,
    listeners: ListenerOptions = NOBODY,
    as_mermaid: bool = False,
) -> int:
    """Plans or runs what is prepared already; see `execute`."""
    if not quiet:
        for warning in prepared.warnings:
            note(f"Note: {warning}")
    if as_mermaid:
        click.echo(mermaid(build(prepared).plan()), nl=False)
        return 0
    if dry_run:
        summary, code = planned(prepared), 0
    else:
        with ConsoleMonitor(quiet=quiet, verbose=verbose) as monitor:
            summary, code = ran(prepared, monitor, listeners)
    if as_json:
        echo_json(summary)
    elif dry_run and not quiet:
        echo_plan(summary)
    elif not dry_run:
        echo_summary(summary, quiet=quiet)
    if not dry_run:
        echo_report(summary, quiet=quiet)
    return code
