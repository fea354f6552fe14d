"""``gridloom ring``: a long sequence, cut for the ranks of ring attention."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from gridloom.cli._listeners import listener_options
from gridloom.cli._options import json_option, out_option, verbosity_options
from gridloom.cli._render import echo_json, note
from gridloom.cli._summary import echo_report
from gridloom.cli._training import echo_shards, open_shard
from gridloom.pipelines.listener_options import ListenerOptions
from gridloom.pipelines.settings import load_settings

__all__ = ["ring"]


@click.group(epilog="Example:  gridloom ring prep data/tensors/eia930_2019 --ranks 4")
def ring() -> None:
    """Cut a long sequence into shards, one for each rank of ring attention."""


@ring.command(epilog="Example:  gridloom ring prep data/tensors/eia930_2019 --ranks 4 --layout zigzag")
@click.argument("dataset", type=click.Path(path_type=Path), metavar="DATASET")
@click.option("--ranks", type=int, metavar="N", default=4, show_default=True, help="Ranks, one shard each.")
@click.option(
    "--layout",
    type=click.Choice(["zigzag", "striped", "contiguous"]),
    default="zigzag",
    show_default=True,
    help="How hours are dealt out; zigzag and striped share causal attention's work evenly.",
)
@click.option(
    "--length", type=int, metavar="L", help="Hours of the sequence, from the dataset's first.  [default: all]"
)
@click.option(
    "--by",
    type=click.Choice(["joint", "respondent"]),
    default="joint",
    show_default=True,
    help="One sequence of all features, or one for each respondent.",
)
@click.option("--name", metavar="NAME", help="Name of the folder.  [default: that of the dataset]")
@listener_options
@out_option
@json_option
@verbosity_options
def prep(
    *,
    dataset: Path,
    as_json: bool,
    verbose: bool,
    quiet: bool,
    out: str | None,
    listeners: ListenerOptions,
    **flags: Any,
) -> int:
    """Make one shard per rank of a dataset's first hours: values, mask, time and positions.

    DATASET is a folder that `gridloom load` made. The shards are written to ring/NAME in the output
    folder, padded to equal length, each to be read by one device alone.
    """
    from gridloom.load.ring_steps import RingAttentionPrepConfig
    from gridloom.monitor.console import ConsoleMonitor
    from gridloom.pipelines.ring import prepare_ring, shards_made

    folder = load_settings({"out": out}, folder=Path.cwd()).out
    prepared = prepare_ring(dataset, RingAttentionPrepConfig(**flags), folder)
    with ConsoleMonitor(quiet=quiet, verbose=verbose) as monitor:
        summary, code = shards_made(prepared, monitor, listeners)
    if as_json:
        echo_json(summary)
    elif "error" in summary:
        note(f"gridloom: error: {summary['error']['message']}")
    elif not quiet:
        echo_shards(summary)
        steps = ", ".join(f"{step['step_id']} {step['outcome']}" for step in summary["steps"])
        click.echo(
            f"\n{summary['duration_s']:.2f} s, {steps}.\n\nUse them, each rank its own:\n"
            f"    from gridloom import RingShard\n    {open_shard(summary['ring'])}\n"
            "    print(shard.values.shape, shard.mask.shape, shard.positions)"
        )
    echo_report(summary, quiet=quiet)
    return code
