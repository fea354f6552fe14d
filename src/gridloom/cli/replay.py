"""``gridloom replay``: the stand-in EIA server."""

from __future__ import annotations

from pathlib import Path

import click

from gridloom.cli._options import verbosity_options
from gridloom.cli._render import note

__all__ = ["replay"]


@click.command(epilog="Example:  gridloom replay --port 8930 --data data/hourly/eia930_2019.parquet")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8930, show_default=True, help="0 takes a free one."
)
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    multiple=True,
    metavar="FILE.parquet",
    help="Hourly table to serve; may be repeated.  [default: the embedded sample]",
)
@click.option(
    "--latency-ms", type=click.FloatRange(0, 60_000), default=0, show_default=True, help="Delay per answer."
)
@verbosity_options
def replay(port: int, data: tuple[Path, ...], latency_ms: float, verbose: bool, quiet: bool) -> int:  # noqa: ARG001
    """Serve hourly tables as the EIA Open Data API v2 does, on this machine's loopback.

    Any key is accepted, none is refused with EIA's own error. Stop it with Ctrl-C.
    """
    from gridloom.extract.replay.data import ReplayData
    from gridloom.extract.replay.options import ReplayOptions
    from gridloom.extract.replay.server import serve_forever
    from gridloom.sample import sample_path

    def ready(url: str) -> None:
        click.echo(url)
        if not quiet:
            note(f"Serving. Use it with:  EIA_API_KEY=any gridloom year --year 2019 --base-url {url}")

    served = ReplayData.load(data or (sample_path(),))
    answered = serve_forever(served, ReplayOptions(latency_ms=latency_ms), port=port, on_start=ready)
    if not quiet:
        note(f"Stopped after {answered:,} requests.")
    return 0
