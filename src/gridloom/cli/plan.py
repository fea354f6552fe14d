"""``gridloom plan``: what `year` would do."""

from __future__ import annotations

from typing import Any

import click

from gridloom.cli._hourly import YEAR_FIELDS, execute, read_settings
from gridloom.cli._options import json_option, setting_options, verbosity_options

__all__ = ["plan"]


@click.command(epilog="Example:  gridloom plan --sample --batch-days 90")
@setting_options(*YEAR_FIELDS)
@click.option("--mermaid", "as_mermaid", is_flag=True, help="Print the plan as a Mermaid flowchart.")
@json_option
@verbosity_options
def plan(as_mermaid: bool, as_json: bool, verbose: bool, quiet: bool, **flags: Any) -> int:
    """Print what `year` with the same flags would do: steps, reasons, windows and requests.

    It is `gridloom year --dry-run`: everything is checked, nothing is asked for or written.
    """
    if as_mermaid and as_json:
        raise click.UsageError("--mermaid and --json are two answers to one question. Use one of them.")
    return execute(
        read_settings(flags),
        dry_run=True,
        as_json=as_json,
        verbose=verbose,
        quiet=quiet,
        as_mermaid=as_mermaid,
    )
