"""``gridloom replay``: the stand-in EIA server."""

from __future__ import annotations

from pathlib import Path

import click

from gridloom.cli._options import PATH, Manner, verbosity_options
from gridloom.cli._render import note

__all__ = ["replay"]

# A test compares both with what the server has; reading them there would load a dataframe library.
_VERSIONS = ("2.1.4", "2.1.8", "2.1.14")
_FAULTS = (
    "http500, html502, html503, html504, html200, notfound500, over_rate_limit, reset, cut, truncate, stall, "
    "latency, identity, moving_total, inserted, unordered, label_case, duplicate, null_value, missing_value, "
    "absent_hour, unknown_fuel, spike, duplicate_facets, badkey, suspend, rate, per_hour, seed, until, "
    "stall_s, suspend_s, retry_after"
)


@click.command(epilog="Example:  gridloom replay --port 8930 --data data/hourly/eia930_2019.parquet")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8930, show_default=True, help="0 takes a free one."
)
@click.option(
    "--data",
    type=PATH,
    multiple=True,
    metavar="FILE.parquet",
    help="Hourly table to serve; may be repeated.  [default: the embedded sample]",
)
@click.option(
    "--latency-ms", type=click.FloatRange(0, 60_000), default=0, show_default=True, help="Delay per answer."
)
@click.option(
    "--api-version",
    type=click.Choice(_VERSIONS),
    default="2.1.8",
    show_default=True,
    help="The version to imitate: 2.1.4 has numbers and warnings inside the response; 2.1.8 texts, the key "
    "in the answer, 404 under HTTP 500 and an unstable order; 2.1.14 none of these.",
)
@click.option(
    "--faults",
    default="",
    metavar="NAME=VALUE,...",
    help="What goes wrong on purpose, such as http500=0.3,reset=0.05,seed=7; `--faults help` explains the "
    f"names: {_FAULTS}.  [default: nothing]",
)
@verbosity_options
def replay(  # noqa: PLR0917 - click passes them by name
    port: int,
    data: tuple[Path, ...],
    latency_ms: float,
    api_version: str,
    faults: str,
    manner: Manner,
) -> int:
    """Serve hourly tables as the EIA Open Data API v2 does, on this machine's loopback.

    Any key is accepted, none is refused with EIA's own error. Stop it with Ctrl-C.
    """
    from gridloom.extract.replay.faults import Faults, fault_help

    if faults.strip() == "help":
        click.echo(fault_help())
        return 0
    from gridloom.extract.replay.data import ReplayData
    from gridloom.extract.replay.options import VERSIONS, ReplayOptions
    from gridloom.extract.replay.server import serve_forever
    from gridloom.sample import sample_path

    def ready(url: str) -> None:
        click.echo(url)
        if not manner.quiet:
            note(f"Serving. Use it with:  EIA_API_KEY=any gridloom year --year 2019 --base-url {url}")

    options = ReplayOptions(latency_ms=latency_ms, version=VERSIONS[api_version], faults=Faults.parse(faults))
    served = ReplayData.load(data or (sample_path(),))
    answered = serve_forever(served, options, port=port, on_start=ready)
    if not manner.quiet:
        note(f"Stopped after {answered:,} requests.")
    return 0
