"""``gridloom resume``: carry on with a run that was interrupted or failed."""

from __future__ import annotations

from pathlib import Path

import click

from gridloom.cli._file import assembled_job
from gridloom.cli._hourly import prepared_job
from gridloom.cli._job import Job, carry_out
from gridloom.cli._listeners import listener_options
from gridloom.cli._options import Manner, answer_options, folder_option
from gridloom.cli._render import note
from gridloom.cli.load import load_job
from gridloom.cli.ring import ring_job
from gridloom.pipelines.assemble import Assembled
from gridloom.pipelines.listener_options import ListenerOptions
from gridloom.pipelines.resume import StoppedRun, stopped_run
from gridloom.pipelines.ring import PreparedRing
from gridloom.pipelines.training import PreparedLoad

__all__ = ["resume"]


@click.command(epilog="Example:  gridloom resume latest --out data")
@click.argument("run_id", metavar="RUN_ID")
@click.option("--force", is_flag=True, help="Carry on although code or settings have changed since.")
@listener_options
@folder_option
@answer_options
def resume(
    *,
    run_id: str,
    force: bool,
    folder: Path,
    manner: Manner,
    listeners: ListenerOptions,
) -> int:
    """Carry on with a run: the same settings, from where it stopped.

    RUN_ID may be shortened to a unique beginning; `latest` is the newest run. What is committed is not
    run again. Where the code or the settings of a step have changed since, it says which and stops.
    """
    stopped = stopped_run(folder, run_id, force=force)
    if not manner.quiet:
        note(f"Note: {stopped.story}")
    return carry_out(_job(stopped), manner, listeners=listeners)


def _job(stopped: StoppedRun) -> Job:
    prepared = stopped.prepared
    if isinstance(prepared, Assembled):
        return assembled_job(prepared)
    if isinstance(prepared, PreparedLoad):
        return load_job(prepared)
    return ring_job(prepared) if isinstance(prepared, PreparedRing) else prepared_job(prepared)
