"""What `run`, `plan` and `resume` share for a pipeline file."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import click

from gridloom.cli._job import Job
from gridloom.cli._render import shown_path, typed_path
from gridloom.cli._summary import asked, echo_decisions, echo_ends
from gridloom.pipelines.assemble import Assembled, assemble
from gridloom.pipelines.file import RUN_FIELDS, read_pipeline
from gridloom.pipelines.file_summary import planned_file, ran_file
from gridloom.words import several

__all__ = ["FILE_FIELDS", "assembled_job", "file_job"]

FILE_FIELDS = (*RUN_FIELDS, "force")
"""Settings that are flags of a pipeline file's run."""


def file_job(path: Path, flags: dict[str, Any]) -> Job:
    """Returns the job of a pipeline file."""
    file = read_pipeline(path)
    return assembled_job(assemble(file, file.settings(flags)))


def assembled_job(assembled: Assembled) -> Job:
    """Returns the job of what is assembled already."""
    return Job(
        warnings=assembled.warnings,
        run=partial(ran_file, assembled),
        echo=_echo_run,
        dag=lambda: assembled.dag,
        plan=partial(planned_file, assembled),
        echo_plan=_echo_plan,
    )


def _echo_plan(summary: dict[str, Any]) -> None:
    click.echo(f"{summary['pipeline']} of {summary['file']} to {shown_path(summary['out'])}\n")
    echo_decisions(summary)
    click.echo("Nothing was asked or written.")


def _echo_run(summary: dict[str, Any]) -> None:
    click.echo("")
    echo_ends(summary)
    click.echo(
        f"\n{asked(summary)}, {several(summary['rows_received'], 'row')} received, "
        f"{summary['duration_s']:.2f} s."
    )
    for step in summary["steps"]:
        for output in step["outputs"]:
            click.echo(f"{step['step_id']} made {shown_path(output)}")
    for finding in summary["findings"]:
        click.echo(f"Note: {finding['detail']}")
    if summary["parquet"] is not None and "error" not in summary:
        click.echo(f"\nProve it:  gridloom check {typed_path(summary['parquet'])}")
