"""``gridloom demo``: one region."""

from __future__ import annotations

from typing import Any

import click

from gridloom.cli._hourly import hourly_job, read_settings
from gridloom.cli._job import carry_out
from gridloom.cli._listeners import listener_options
from gridloom.cli._options import Manner, answer_options, dry_run_option, setting_options
from gridloom.cli._render import note
from gridloom.extract.keys import resolve_key
from gridloom.grid.respondents import resolve
from gridloom.pipelines.listener_options import ListenerOptions

__all__ = ["demo"]


@click.command(epilog="Example:  gridloom demo --region ERCO")
@click.option("--region", metavar="CODE", default="PACW", show_default=True, help="Respondent code.")
@setting_options("year", "sample", "out")
@dry_run_option
@listener_options
@answer_options
def demo(
    *,
    region: str,
    dry_run: bool,
    manner: Manner,
    listeners: ListenerOptions,
    **flags: Any,
) -> int:
    """Fetch one region's year: demand and generation by fuel.

    Without EIA_API_KEY it uses the embedded real data, through real HTTP.
    """
    if flags["sample"] is None and resolve_key(None) is None:
        flags["sample"] = True
        if not manner.quiet:
            note("Note: EIA_API_KEY is not set; using the embedded real data of 2019 (--sample).")
    settings = read_settings({**flags, "regions": region})
    codes, _, _ = resolve(list(settings.regions or ()))
    if len(codes) != 1:
        raise click.BadParameter(
            f"'{region}' names {len(codes)} regions. `gridloom year` takes several.", param_hint="--region"
        )
    return carry_out(
        hourly_job(settings, name_region=codes[0]),
        manner,
        dry_run=dry_run,
        listeners=listeners,
    )
