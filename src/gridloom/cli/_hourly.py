"""What `year`, `demo` and `plan` share: settings in, a run or a plan out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from gridloom.cli._render import echo_json, note
from gridloom.cli._summary import echo_plan, echo_summary
from gridloom.dag import RunInterruptedError
from gridloom.monitor.console import ConsoleMonitor
from gridloom.pipelines.hourly import Prepared, build, prepare
from gridloom.pipelines.settings import HourlySettings, load_settings
from gridloom.pipelines.summary import exit_code, plan_summary, run_summary

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
        return _plan(prepared, as_json=as_json, quiet=quiet)
    return _run(prepared, as_json=as_json, verbose=verbose, quiet=quiet)


def _plan(prepared: Prepared, *, as_json: bool, quiet: bool) -> int:
    summary = plan_summary(prepared, build(prepared).plan())
    if as_json:
        echo_json(summary)
    elif not quiet:
        echo_plan(summary)
    return 0


def _run(prepared: Prepared, *, as_json: bool, verbose: bool, quiet: bool) -> int:
    dag = build(prepared)
    with ConsoleMonitor(quiet=quiet, verbose=verbose) as monitor:
        dag.subscribe(monitor)
        try:
            result = dag.execute()
        except RunInterruptedError as error:
            result = error.result
    summary = run_summary(prepared, result)
    if as_json:
        echo_json(summary)
    elif not quiet or result.error is not None:
        echo_summary(summary, quiet=quiet)
    return exit_code(result)
