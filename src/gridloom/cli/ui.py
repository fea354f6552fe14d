"""``gridloom ui``: the runs of an output folder as web pages."""

from __future__ import annotations

from pathlib import Path

import click

from gridloom.cli._options import Manner, folder_option, verbosity_options
from gridloom.cli._render import note, shown_path
from gridloom.errors import UsageError

__all__ = ["ui"]


@click.command(epilog="Example:  gridloom ui --out data")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8931, show_default=True, help="0 takes a free one."
)
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    metavar="HOST",
    help="Address to listen on; any but this machine's own loopback needs a token.",
)
@click.option(
    "--token",
    envvar="GRIDLOOM_UI_TOKEN",
    default="",
    metavar="TOKEN",
    help="What has to be known to see the pages, better given as GRIDLOOM_UI_TOKEN.  [default: none on the "
    "loopback, else a new one, which stands in the address that is printed]",
)
@folder_option
@verbosity_options
def ui(*, port: int, host: str, token: str, folder: Path, manner: Manner) -> int:
    """Show runs as web pages: the list, a run at work, its report, and what differs between two.

    The pages only read. A run is seen at work whichever process started it. Stop it with Ctrl-C.
    """
    from gridloom.dag.history import list_runs
    from gridloom.ui.server import serve_forever

    if folder.exists() and not folder.is_dir():
        raise UsageError(
            f"--out takes an output folder, and '{shown_path(folder)}' is a file. Name the folder that runs "
            "write to, such as data."
        )
    none = "" if list_runs(folder) else ", in which there are none yet"

    def ready(url: str) -> None:
        click.echo(url)
        if not manner.quiet:
            note(f"Showing the runs in {shown_path(folder)}{none}. Ctrl-C ends it.")

    serve_forever(folder, host=host, port=port, token=token, on_start=ready)
    return 0
