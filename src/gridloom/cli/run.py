"""``gridloom run``: the pipeline of a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from gridloom.cli._file import FILE_FIELDS, file_job
from gridloom.cli._job import carry_out
from gridloom.cli._listeners import listener_options
from gridloom.cli._options import PATH, Manner, answer_options, dry_run_option, setting_options
from gridloom.pipelines.listener_options import ListenerOptions

__all__ = ["run"]


@click.command(epilog="Example:  gridloom run examples/year.yaml --out data")
@click.argument("file", metavar="FILE.yaml", type=PATH)
@setting_options(*FILE_FIELDS)
@dry_run_option
@listener_options
@answer_options
def run(
    *,
    file: Path,
    dry_run: bool,
    manner: Manner,
    listeners: ListenerOptions,
    **flags: Any,
) -> int:
    """Run the pipeline that a YAML file describes: steps by name, their settings, and what they need.

    Everything in the file is checked before any work, and what is wrong is shown with its line. Flags win
    over the file. Running the same command again runs nothing that is already done.

    The API key is read from EIA_API_KEY, a .env file or the system's keyring. Exit codes: 0 done,
    1 failed, 2 bad input, 3 partial, 130 interrupted (run the same command again to carry on).
    """
    return carry_out(
        file_job(file, flags),
        manner,
        dry_run=dry_run,
        listeners=listeners,
    )
