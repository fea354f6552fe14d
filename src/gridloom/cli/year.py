"""``gridloom year``: one year, or a span, to one Parquet file."""

from __future__ import annotations

from typing import Any

import click

from gridloom.cli._hourly import YEAR_FIELDS, hourly_job, read_settings
from gridloom.cli._job import carry_out
from gridloom.cli._listeners import listener_options
from gridloom.cli._options import Manner, answer_options, dry_run_option, setting_options
from gridloom.pipelines.listener_options import ListenerOptions

__all__ = ["year"]


@click.command(epilog="Example:  gridloom year --year 2024 --regions PACW,ERCO --series D,DF,NG.all")
@setting_options(*YEAR_FIELDS)
@dry_run_option
@listener_options
@answer_options
def year(dry_run: bool, manner: Manner, listeners: ListenerOptions, **flags: Any) -> int:
    """Fetch one year, or a span, of hourly data and weave it into one complete Parquet file.

    Every hour of every series is in the file: reported, null (EIA sent no value) or missing (EIA sent
    no row). Running the same command again runs nothing that is already done.

    The API key is read from EIA_API_KEY, a .env file or the system's keyring. Exit codes: 0 done,
    1 failed, 2 bad input, 3 partial, 130 interrupted (run the same command again to carry on).
    """
    return carry_out(
        hourly_job(read_settings(flags)),
        manner,
        dry_run=dry_run,
        listeners=listeners,
    )
