"""``gridloom run``: the pipeline of a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from gridloom.cli._file import FILE_FIELDS, file_job
from gridloom.cli._job import carry_out
from gridloom.cli._listeners import listener_options
from gridloom.cli._options import json_option, setting_options, verbosity_options
from gridloom.pipelines.listener_options import ListenerOptions

__all__ = ["run"]


@click.command(epilog="Example:  gridloom run examples/year.yaml --out data")
@click.argument("file", metavar="FILE.yaml", type=click.Path(path_type=Path))
@setting_options(*FILE_FIELDS)
@click.option("--dry-run", is_flag=True, help="Check everything and print the plan; ask and write nothing.")
@listener_options
@json_option
@verbosity_options
def run(
    *,
    file: Path,
    dry_run: bool,
    as_json: bool,
    verbose: bool,
    quiet: bool,
    listeners: ListenerOptions,
    **flags: Any,
) -> int:
    """Run the pipeline that a YAML file describes: steps by name, their settings, and what they need.

    Everything in the file is checked before any work, and what is wrong is shown with its line. Flags win
    over the file. Running the same command again runs nothing that is already done.

    The API key is read from EIA_API_KEY. Exit codes: 0 done, 1 failed, 2 bad input, 3 partial,
    130 interrupted (run the same command again to carry on).
    """
    return carry_out(
        file_job(file, flags),
        dry_run=dry_run,
        as_json=as_json,
        verbose=verbose,
        quiet=quiet,
        listeners=listeners,
    )
