"""What `year`, `demo` and `plan` share: settings in, a run or a plan out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from gridloom.cli._render import echo_json, note
from gridloom.cli._summary import echo_plan, echo_summary
from gridloom.monitor.console import ConsoleMonitor
from gridloom.pipelines.hourly import prepare
from gridloom.pipelines.settings import HourlySettings, load_settings
from gridloom.pipelines.summary import planned, ran

__all__ = ["YEAR_FIELDS", "execute", "read_settings"]

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
    name_region: str | None = None,
) -> int:
    """Plans or runs the hourly pipeline, prints what came of it and returns the exit code."""
    prepared = prepare(settings, name_region=name_region)
    if not quiet:
        for warning in prepared.warnings:
            note(f"Note: {warning}")
    if dry_run:
        summary, code = planned(prepared), 0
    else:
        with ConsoleMonitor(quiet=quiet, verbose=verbose) as monitor:
            summary, code = ran(prepared, monitor)
    if as_json:
        echo_json(summary)
    elif dry_run and not quiet:
        echo_plan(summary)
    elif not dry_run:
        echo_summary(summary, quiet=quiet)
    return code
