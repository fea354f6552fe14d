"""`GridDataset`: a tensor dataset on disk, mapped, and windows of it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Self

from gridloom.errors import ConfigError, FileFormatError
from gridloom.extras import need
from gridloom.grid.artifacts import TensorDataset
from gridloom.load.card import DatasetCard, read_card
from gridloom.load.select import split_feature
from gridloom.load.sequences import By, sequences_of
from gridloom.load.splits import SPLITS, SplitName

if TYPE_CHECKING:
    from gridloom.load.batches import Windows
    from gridloom.load.scale import Scaler
    from gridloom.load.tensor_file import MappedTensors
    from gridloom.load.wide import Mask, Times, Values

__all__ = ["GridDataset"]


class GridDataset:
    """A tensor dataset that `gridloom load` made: a matrix of hours by features, mapped, not read.

    Example::

        dataset = GridDataset.open("data/tensors/eia930_2019")
        for batch in dataset.windows("train", batch_size=64, shuffle=True):
            loss = step(batch.context, batch.target, batch.target_mask)

    Attributes:
        path: Its folder.
        card: What ``dataset.json`` says.
    """

    def __init__(self, path: Path, card: DatasetCard, tensors: MappedTensors, memory_mb: float) -> None:
        self.path = path
        self.card = card
        self._tensors = tensors
        self._memory_mb = memory_mb

    @classmethod
    def open(cls, path: Path | str | TensorDataset, *, memory_mb: float = 1024) -> Self:
        """Returns a dataset; its values stay on disk until windows are cut.

        Args:
            path: Its folder, or the artifact of the step that made it.
            memory_mb: A split of at most so many MB is held in memory, scaled, while windows are cut from
                it; a larger one is read from disk, window by window.

        Raises:
            MissingExtraError: If NumPy is not installed.
            FileFormatError: If there is no dataset, or it is damaged.
            StorageError: If it cannot be read.
        """
        need("tensors", "A tensor dataset")
        from gridloom.load.tensor_file import map_tensors

        folder = path.path if isinstance(path, TensorDataset) else Path(path)
        card = read_card(folder)
        tensors = map_tensors(folder / "tensors.safetensors")
        _check(folder, card, tensors)
        return cls(folder, card, tensors, memory_mb)

    def __repr__(self) -> str:
        return f"GridDataset({str(self.path)!r}: {self.steps:,} hours x {len(self.features):,} features)"

    def __len__(self) -> int:
        """Returns the hours."""
        return self.steps

    @property
    def name(self) -> str:
        """Name of the dataset."""
        return self.card.name

    @property
    def steps(self) -> int:
        """Hours in the matrix."""
        return self.card.steps

    @property
    def features(self) -> tuple[str, ...]:
        """Names of the columns, such as ``PACW.D``."""
        return self.card.features

    @property
    def respondents(self) -> tuple[str, ...]:
        """Respondents that have columns, in their order."""
        return tuple(dict.fromkeys(split_feature(feature)[0] for feature in self.features))

    @property
    def values(self) -> Values:
        """The matrix [time, feature] in physical units, 0 where masked: a view of the file."""
        return self._tensors.arrays["values"]

    @property
    def mask(self) -> Mask:
        """The mask [time, feature], 1 where a value is there: a view of the file."""
        return self._tensors.arrays["mask"]

    @property
    def time(self) -> Times:
        """The hours [time], seconds since 1970, each its END: a view of the file."""
        return self._tensors.arrays["time"]

    @cached_property
    def scaler(self) -> Scaler:
        """What scales the features, fitted on the training span only."""
        import numpy as np

        from gridloom.load.scale import Scaler

        names = {"standard": ("mean", "std"), "robust": ("median", "iqr")}.get(self.card.scaling)
        if names is None:
            return Scaler(
                np.zeros_like(self._tensors.arrays["mean"]), np.ones_like(self._tensors.arrays["std"])
            )
        return Scaler(*(self._tensors.arrays[name] for name in names))

    def rows(self, split: SplitName) -> range:
        """Returns the rows of a split.

        Raises:
            ConfigError: If there is no such split.
        """
        if split not in SPLITS:
            raise ConfigError(f"There is no split '{split}'. Splits are {', '.join(SPLITS)}.")
        span = self.card.splits[split]
        return range(span.start, span.stop)

    def windows(
        self,
        split: SplitName = "train",
        context: int | None = None,
        horizon: int | None = None,
        stride: int | None = None,
        batch_size: int = 32,
        *,
        shuffle: bool = False,
        seed: int = 0,
        by: By = "joint",
        targets: Sequence[str] | None = None,
        scaled: bool = True,
        rank: int = 0,
        world_size: int = 1,
        drop_last: bool = False,
    ) -> Windows:
        """Returns the windows of a split in batches: of MLX arrays, or of others by `Windows.to_numpy`.

        No window crosses the edge of a split.

        Args:
            split: ``train``, ``valid`` or ``test``.
            context: Hours that are seen; by default, as of the next two, those of ``dataset.json``.
            horizon: Hours to predict, right after them.
            stride: Hours from one window to the next.
            batch_size: Windows of a batch.
            shuffle: Whether each epoch has an order of its own, drawn from the seed.
            seed: What orders are drawn from.
            by: ``joint`` is one sequence with the features of all respondents; ``respondent`` is one
                sequence for each of them, all with the same features, those that it lacks masked.
            targets: Features or series to predict, such as ``PACW.D`` or ``D``; None for all that is not
                known ahead.
            scaled: Whether values are scaled; otherwise they are in physical units.
            rank: This process, of those that train together.
            world_size: Processes that train together.
            drop_last: Whether a last batch of fewer windows is left out.

        Raises:
            ConfigError: If an argument is out of its range, or no window fits into the split.
            UnknownCodeError: If a target is no feature.
        """
        from gridloom.load.batches import Windows
        from gridloom.load.cut import Part
        from gridloom.load.windows import WindowPlan

        rows = self.rows(split)
        sequences = sequences_of(self.features, by)
        plan = WindowPlan(
            split=split,
            rows=len(rows),
            sequences=len(sequences.names),
            context=self.card.context if context is None else context,
            horizon=self.card.horizon if horizon is None else horizon,
            stride=self.card.stride if stride is None else stride,
            batch_size=batch_size,
            shuffle=shuffle,
            seed=seed,
            rank=rank,
            world_size=world_size,
            drop_last=drop_last,
        )
        span = slice(rows.start, rows.stop)
        as_is = not scaled or self.card.scaling == "none"
        scalers = None if as_is else [self.scaler.of(columns) for columns in sequences.columns]
        part = Part(self.values[span], self.mask[span], sequences.columns, scalers)
        return Windows(
            part,
            plan,
            sequences,
            sequences.targets(targets),
            self.time[span],
            memory_bytes=self._memory_mb * 1e6,
        )


def _check(folder: Path, card: DatasetCard, tensors: MappedTensors) -> None:
    """Raises unless the file holds what the description says."""
    steps, width = card.steps, len(card.features)
    wanted = {
        "values": (steps, width),
        "mask": (steps, width),
        "time": (steps,),
        "mean": (width,),
        "std": (width,),
    }
    if card.scaling == "robust":
        wanted |= {"median": (width,), "iqr": (width,)}
    for name, shape in wanted.items():
        found = tensors.arrays[name].shape if name in tensors.arrays else None
        if found != shape:
            raise FileFormatError(
                f"{folder} is not a whole dataset: '{name}' has the shape {found}, dataset.json wants "
                f"{shape}. Make it again with `gridloom load`."
            )
