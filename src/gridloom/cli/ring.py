"""``gridloom ring``: a long sequence, cut for the ranks of ring attention."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gridloom.cli._job import Job, carry_out
from gridloom.cli._listeners import listener_options
from gridloom.cli._options import PATH, Manner, answer_options, folder_option
from gridloom.cli._training import echo_shards, open_shard
from gridloom.pipelines.listener_options import ListenerOptions

if TYPE_CHECKING:
    from gridloom.pipelines.ring import PreparedRing

__all__ = ["ring", "ring_job"]


@click.group(epilog="Example:  gridloom ring prep data/tensors/eia930_2019 --ranks 4")
def ring() -> None:
    """Cut a long sequence into shards, one for each rank of ring attention."""


@ring.command(epilog="Example:  gridloom ring prep data/tensors/eia930_2019 --ranks 4 --layout zigzag")
@click.argument("dataset", type=PATH, metavar="DATASET")
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
@folder_option
@answer_options
def prep(
    *,
    dataset: Path,
    manner: Manner,
    folder: Path,
    listeners: ListenerOptions,
    **flags: Any,
) -> int:
    """Make one shard per rank of a dataset's first hours: values, mask, time and positions.

    DATASET is a folder that `gridloom load` made. The shards are written to ring/NAME in the output
    folder, padded to equal length, each to be read by one device alone.
    """
    from gridloom.load.ring_steps import RingAttentionPrepConfig
    from gridloom.pipelines.ring import prepare_ring
    from gridloom.pipelines.wording import from_flags

    job = ring_job(prepare_ring(dataset, from_flags(RingAttentionPrepConfig, flags), folder))
    return carry_out(job, manner, listeners=listeners)


def ring_job(prepared: PreparedRing) -> Job:
    """Returns the job of prepared shards."""
    from gridloom.pipelines.ring import shards_made

    return Job(run=partial(shards_made, prepared), echo=_echo)


def _echo(summary: dict[str, Any]) -> None:
    """Prints what was made, and how to use it."""
    if "error" in summary:
        return
    echo_shards(summary)
    steps = ", ".join(f"{step['step_id']} {step['outcome']}" for step in summary["steps"])
    click.echo(
        f"\n{summary['duration_s']:.2f} s, {steps}.\n\nUse them, each rank its own:\n"
        f"    from gridloom import RingShard\n    {open_shard(summary['ring'])}\n"
        "    print(shard.values.shape, shard.mask.shape, shard.positions)"
    )
