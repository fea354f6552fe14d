"""Windows as MLX arrays; the one module of this room that imports MLX."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import mlx.core as mx

from gridloom.load.cut import Part, ReadyPart, runs_of
from gridloom.load.windows import Indexes

__all__ = ["MLXPart", "mapped", "mx", "on_device", "take"]


@dataclass(frozen=True)
class MLXPart:
    """A split in the memory of MLX, from which batches are gathered where the model runs.

    Attributes:
        values: [sequence x row x feature], scaled.
        mask: [sequence x row x feature].
        rows: Rows of a sequence.
        features: Features.
    """

    values: mx.array
    mask: mx.array
    rows: int
    features: int

    def cut(self, sequence: Indexes, row: Indexes, length: int) -> tuple[mx.array, mx.array]:
        """Returns windows [window, length, feature] and their masks."""
        starts = mx.array(sequence * self.rows + row)
        shape = (len(row), length, self.features)
        values, mask = (self._windows(each, length)[starts] for each in (self.values, self.mask))
        return values.reshape(shape), mask.reshape(shape)

    def _windows(self, flat: mx.array, length: int) -> mx.array:
        """Returns every window as one row of a view; nothing is copied."""
        wide = length * self.features
        return mx.as_strided(flat, ((flat.size - wide) // self.features + 1, wide), (self.features, 1))


def on_device(part: ReadyPart) -> MLXPart:
    """Returns a split copied into the memory of MLX."""
    values, mask = mx.array(part.values.reshape(-1)), mx.array(part.mask.reshape(-1))
    return MLXPart(values, mask, part.rows, part.values.shape[1])


def mapped(part: Part) -> Callable[[Indexes, Indexes, int], tuple[mx.array, mx.array]]:
    """Returns how windows of a split that stays on disk become MLX arrays."""

    def cut(sequence: Indexes, row: Indexes, length: int) -> tuple[mx.array, mx.array]:
        values, mask = part.cut(sequence, row, length)
        return mx.array(values), mx.array(mask)

    return cut


def take(array: mx.array, places: tuple[int, ...]) -> mx.array:
    """Returns some features of the last axis, as a view where they are neighbours."""
    parts = [array[..., run] for run in runs_of(places)]
    if not parts:
        return array[..., :0]
    # many times faster on a CPU than an index, whose every number is looked up by itself
    return parts[0] if len(parts) == 1 else mx.concatenate(parts, axis=-1)
