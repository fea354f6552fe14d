"""``dataset.json``: what the numbers of a tensor dataset mean. No clock, no path."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import msgspec

from gridloom.load.description import read_description, write_description
from gridloom.load.plan import ScalingMethod
from gridloom.load.splits import SplitName

__all__ = ["DESCRIPTION_NAME", "DatasetCard", "SourceCard", "SplitCard", "read_card", "write_card"]

DESCRIPTION_NAME: Final = "dataset.json"
_FORMAT: Final = 1


class SplitCard(msgspec.Struct, frozen=True, kw_only=True):
    """Rows of a split: from `start` up to but not including `stop`, and the labels of its hours."""

    start: int
    stop: int
    first: str | None
    last: str | None


class SourceCard(msgspec.Struct, frozen=True, kw_only=True):
    """Where the values come from.

    Attributes:
        identity: Source of the table, such as ``eia``.
        digest: Digest of the Parquet file.
        rows_digest: Digest of its rows, which does not depend on the library that wrote them.
        column: ``clean`` or ``value``.
    """

    identity: str
    digest: str
    rows_digest: str
    column: str


class DatasetCard(msgspec.Struct, frozen=True, kw_only=True):
    """What ``dataset.json`` says.

    Attributes:
        name: Name of the dataset.
        features: Names of the columns, in order.
        units: Unit of each column; empty for the calendar.
        known_ahead: Features that are known for hours to come.
        constant: Features that do not vary in the training span, or are not there.
        steps: Hours.
        first: Label of the first hour (its END, UTC).
        last: Label of the last hour.
        splits: The splits by name.
        context: Hours of context of a window.
        horizon: Hours to predict.
        stride: Hours from one window to the next.
        scaling: How windows are scaled: ``standard`` by mean and std, ``robust`` by median and iqr.
        time_zones: Zone of each respondent's calendar.
        source: Where the values come from.
    """

    name: str
    features: tuple[str, ...]
    units: tuple[str, ...]
    known_ahead: tuple[str, ...]
    constant: tuple[str, ...]
    steps: int
    first: str
    last: str
    splits: dict[SplitName, SplitCard]
    context: int
    horizon: int
    stride: int
    scaling: ScalingMethod
    time_zones: dict[str, str]
    source: SourceCard
    format: int = _FORMAT


def write_card(folder: Path, card: DatasetCard) -> None:
    """Writes ``dataset.json`` into a folder.

    Raises:
        StorageError: If the disk refuses.
    """
    write_description(folder / DESCRIPTION_NAME, card)


def read_card(folder: Path) -> DatasetCard:
    """Returns what ``dataset.json`` of a folder says.

    Raises:
        FileFormatError: If it is not there, damaged, or of another version.
        StorageError: If it cannot be read.
    """
    return read_description(
        folder / DESCRIPTION_NAME,
        DatasetCard,
        version=_FORMAT,
        absent=f"{folder} is not a tensor dataset: it has no {DESCRIPTION_NAME}. `gridloom load "
        "FILE.parquet` makes one in the folder 'tensors' of --out.",
        again="Make it again with `gridloom load`.",
    )
