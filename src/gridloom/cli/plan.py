"""``gridloom plan``: what `year` or `run` would do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from gridloom.cli._file import FILE_FIELDS, file_job
from gridloom.cli._hourly import YEAR_FIELDS, hourly_job, read_settings
from gridloom.cli._job import Job, carry_out
from gridloom.cli._options import PATH, Manner, answer_options, setting_options
from gridloom.pipelines.file import read_pipeline

__all__ = ["plan"]


@click.command(epilog="Example:  gridloom plan --sample --batch-days 90")
@click.argument("file", metavar="[FILE.yaml]", required=False, type=PATH)
@setting_options(*YEAR_FIELDS)
@click.option("--mermaid", "as_mermaid", is_flag=True, help="Print the plan as a Mermaid flowchart.")
@answer_options
def plan(file: Path | None, as_mermaid: bool, manner: Manner, **flags: Any) -> int:
    """Print what `year` with the same flags, or `run` with FILE, would do: steps, reasons and requests.

    It is `gridloom year --dry-run` or `gridloom run FILE --dry-run`: everything is checked, nothing is
    asked for or written.
    """
    if as_mermaid and manner.as_json:
        raise click.UsageError("--mermaid and --json are two answers to one question. Use one of them.")
    return carry_out(_job(file, flags), manner, dry_run=True, as_mermaid=as_mermaid)


def _job(file: Path | None, flags: dict[str, Any]) -> Job:
    if file is None:
        return hourly_job(read_settings(flags))
    read_pipeline(file)  # what is wrong with the file is said first
    alien = [name for name, value in flags.items() if value is not None and name not in FILE_FIELDS]
    if alien:
        allowed = ", ".join(f"--{name.replace('_', '-')}" for name in FILE_FIELDS)
        raise click.UsageError(
            f"--{alien[0].replace('_', '-')} is set in the file. Flags that go with a file are {allowed}."
        )
    return file_job(file, {name: flags[name] for name in FILE_FIELDS})
