"""``layout.json``: what the shards of a folder are. No clock, no path."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import msgspec

from gridloom.errors import ConfigError
from gridloom.layout import Layout, Split
from gridloom.load.card import DatasetCard
from gridloom.load.description import read_description, write_description

__all__ = ["RingLayout", "plan_ring", "read_layout", "shard_name", "write_layout"]

_LAYOUT_NAME: Final = "layout.json"
_FORMAT: Final = 1


class RingLayout(msgspec.Struct, frozen=True, kw_only=True):
    """What ``layout.json`` says, and the metadata of every shard.

    Attributes:
        ranks: Number of shards.
        layout: How the steps are dealt out.
        length: Steps of the sequence: the first ones of the dataset.
        padded_length: Steps of all shards together.
        digest: Digest of the dataset.
        dataset: Name of the dataset.
        first: Label of the first step (its END, UTC).
        last: Label of the last step.
        train_stop: Position after the last step of the training span.
        sequences: Respondents, where each is a sequence of its own; empty where there is one sequence.
        features: Names of the features.
        units: Their units; empty for the calendar.
        mean: Means of the training span [sequence][feature].
        std: Standard deviations of the training span [sequence][feature].
    """

    ranks: int
    layout: Layout
    length: int
    padded_length: int
    digest: str
    dataset: str
    first: str
    last: str
    train_stop: int
    sequences: tuple[str, ...]
    features: tuple[str, ...]
    units: tuple[str, ...]
    mean: tuple[tuple[float, ...], ...]
    std: tuple[tuple[float, ...], ...]
    format: int = _FORMAT

    @property
    def split(self) -> Split:
        """Which steps each rank holds."""
        return Split(length=self.length, ranks=self.ranks, layout=self.layout)

    @property
    def text(self) -> str:
        """The layout as the one line of JSON that stands in the metadata of every shard."""
        return msgspec.json.encode(self).decode()


def plan_ring(card: DatasetCard, *, ranks: int, layout: Layout, length: int | None) -> Split:
    """Returns the split of a dataset's first steps.

    Args:
        card: What the dataset is.
        ranks: Number of ranks.
        layout: How the steps are dealt out.
        length: Steps of the sequence; None for all.

    Raises:
        ConfigError: If the data is shorter, or there are no ranks, or more of them than steps.
    """
    length = card.steps if length is None else length
    if not 1 <= length <= card.steps:
        raise ConfigError(
            f"A sequence of {length:,} steps cannot be cut from {card.name}, which has {card.steps:,} "
            f"({card.first} to {card.last}). Give a --length from 1 to {card.steps:,}, or none for all."
        )
    return Split(length=length, ranks=ranks, layout=layout)


def shard_name(rank: int, ranks: int) -> str:
    """Returns the file name of a rank's shard.

    Example:
        >>> shard_name(0, 4)
        'rank-00-of-04.safetensors'
    """
    return f"rank-{rank:02}-of-{ranks:02}.safetensors"


def write_layout(folder: Path, layout: RingLayout) -> None:
    """Writes ``layout.json`` into a folder.

    Raises:
        StorageError: If the disk refuses.
    """
    write_description(folder / _LAYOUT_NAME, layout)


def read_layout(folder: Path) -> RingLayout:
    """Returns what ``layout.json`` of a folder says.

    Raises:
        FileFormatError: If it is not there, damaged, or of another version.
        StorageError: If it cannot be read.
    """
    return read_description(
        folder / _LAYOUT_NAME,
        RingLayout,
        version=_FORMAT,
        absent=f"{folder} holds no shards: it has no {_LAYOUT_NAME}. `gridloom ring prep DATASET` makes "
        "such a folder in the folder 'ring' of --out.",
        again="Run `gridloom ring prep` again.",
    )
