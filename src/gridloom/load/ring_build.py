"""A dataset to the folder of ring shards: a file per rank, and what they are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from gridloom.grid.hours import HOUR, label, parse_label
from gridloom.layout import Split
from gridloom.load.card import DatasetCard
from gridloom.load.ring_card import RingLayout, shard_name, write_layout
from gridloom.load.sequences import ABSENT, By, sequences_of
from gridloom.load.shards import Array, shard
from gridloom.load.tensor_file import map_tensors, write_tensors

__all__ = ["write_ring"]


def write_ring(
    folder: Path,
    card: DatasetCard,
    tensors: Path,
    split: Split,
    *,
    digest: str,
    by: By = "joint",
    on_rank: Callable[[int], None] = lambda _rank: None,
) -> RingLayout:
    """Writes a shard per rank and ``layout.json`` into a folder.

    Args:
        folder: Where to write.
        card: What the dataset is.
        tensors: Its file.
        split: Which steps each rank holds.
        digest: Digest of the dataset.
        by: Whether it is one sequence of all features, or one per respondent.
        on_rank: Hears of each rank before it is written.

    Raises:
        FileFormatError: If the dataset's file is damaged.
        StorageError: If the disk refuses.
    """
    mapped = map_tensors(tensors)
    layout = _layout(card, split, by, mapped.arrays, digest)
    columns = np.asarray(sequences_of(card.features, by).columns)
    for rank in range(split.ranks):
        on_rank(rank)
        chosen = columns if by == "respondent" else columns[0]
        held = shard(mapped.arrays, split, rank, chosen, on_block=mapped.release)
        path = folder / shard_name(rank, split.ranks)
        write_tensors(path, held, {"layout": layout.text, "rank": str(rank)})
    write_layout(folder, layout)
    return layout


def _layout(card: DatasetCard, split: Split, by: By, arrays: Mapping[str, Array], digest: str) -> RingLayout:
    sequences = sequences_of(card.features, by)

    def pick(name: str, absent: float) -> tuple[tuple[float, ...], ...]:
        vector = arrays[name].tolist()
        return tuple(
            tuple(absent if column == ABSENT else vector[column] for column in columns)
            for columns in sequences.columns
        )

    # a feature has one unit, whosever it is
    owners = zip(*sequences.columns, strict=True)
    units = tuple(card.units[next(column for column in columns if column != ABSENT)] for columns in owners)
    return RingLayout(
        ranks=split.ranks,
        layout=split.layout,
        length=split.length,
        padded_length=split.padded_length,
        digest=digest,
        dataset=card.name,
        first=card.first,
        last=label(parse_label(card.first) + (split.length - 1) * HOUR),
        train_stop=min(split.length, card.splits["train"].stop),
        sequences=sequences.names if by == "respondent" else (),
        features=sequences.features,
        units=units,
        mean=pick("mean", 0.0),
        std=pick("std", 1.0),
    )
