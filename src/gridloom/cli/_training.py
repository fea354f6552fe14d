"""Tensors and ring shards on the screen: what they are, and the lines of Python that use them."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import click

from gridloom.cli._render import echo_table, python_path, shown_path

__all__ = ["echo_shards", "echo_training", "open_shard"]


def echo_training(dataset: Path, ring: Path | None) -> None:
    """Prints what a run made for training, and how to use it."""
    from gridloom.load.card import read_card
    from gridloom.pipelines.ring import ring_summary

    card = read_card(dataset)
    click.echo(f"\n{shown_path(dataset)}")
    click.echo(
        f"{card.steps:,} hours x {len(card.features):,} features from {card.first} to {card.last} UTC, with "
        f"a mask where data is missing; training to {card.splits['train'].last}, validation to "
        f"{card.splits['valid'].last}."
    )
    if ring:
        echo_shards(ring_summary(ring))
    windows = f'GridDataset.open({python_path(dataset)}).windows("train", batch_size=32, shuffle=True)'
    click.echo(
        "\nTrain on them:\n"
        f"    from gridloom import GridDataset{', RingShard' if ring else ''}\n"
        f"    windows = {windows}{'' if find_spec('mlx') else '.to_numpy()'}"
        + (f"\n    {open_shard(ring)}" if ring else "")
    )


def echo_shards(summary: dict[str, Any]) -> None:
    """Prints which shards there are."""
    sequences = summary["sequences"]
    click.echo(f"\n{shown_path(summary['ring'])}")
    click.echo(
        f"{summary['length']:,} hours from {summary['first']} to {summary['last']} UTC x "
        f"{len(summary['features']):,} features"
        + (f" of each of {len(sequences):,} respondents" if sequences else "")
        + f", {summary['layout']} on {summary['ranks']:,} ranks of {summary['rank_length']:,} steps, "
        f"{summary['size_bytes'] / 1e6:,.1f} MB.\n"
    )
    echo_table(
        ["rank", "shard", "positions", "padding"],
        [
            (shard["rank"], shard["file"].name, ", ".join(_positions(shard)), shard["padding"])
            for shard in summary["shards"]
        ],
        numbers=(0, 3),
    )


def open_shard(ring: Path) -> str:
    """Returns the line of Python that opens the first shard of a folder."""
    return f"shard = RingShard.open({python_path(ring)}, rank=0)"


def _positions(shard: dict[str, Any]) -> Iterator[str]:
    for run in shard["positions"]:
        every = f" every {run['every']:,}" if run["every"] > 1 else ""
        yield f"{run['first']:,} to {run['last']:,}{every}"
