"""Windows as MLX arrays; the one module of this room that imports MLX."""

from __future__ import annotations

import mlx.core as mx

from gridloom.load.cut import Cut, Part, ReadyPart, runs_of
from gridloom.load.wide import Mask, Values
from gridloom.load.windows import Indexes

__all__ = ["mapped", "mx", "on_device", "take"]


def on_device(part: ReadyPart, length: int) -> Cut:
    """Returns what cuts windows of a split copied into the memory of MLX, where the model runs."""
    features = part.values.shape[1]
    values_at, mask_at = (_every(each, length) for each in (part.values, part.mask))

    def cut(sequence: Indexes, row: Indexes) -> tuple[mx.array, mx.array]:
        starts = mx.array(sequence * part.rows + row)
        shape = (len(row), length, features)
        return values_at[starts].reshape(shape), mask_at[starts].reshape(shape)

    return cut


def _every(matrix: Values | Mask, length: int) -> mx.array:
    """Returns all windows of a matrix, each as one row of a view of a copy in the memory of MLX."""
    rows, features = matrix.shape
    flat = mx.array(matrix.reshape(-1))
    every = mx.as_strided(flat, (rows - length + 1, length * features), (features, 1))
    mx.eval(every)  # once, not again for every batch
    return every


def mapped(part: Part, length: int) -> Cut:
    """Returns what cuts windows of a split that stays on disk."""
    inner = part.cutter(length)

    def cut(sequence: Indexes, row: Indexes) -> tuple[mx.array, mx.array]:
        values, mask = inner(sequence, row)
        return mx.array(values), mx.array(mask)

    return cut


def take(array: mx.array, places: tuple[int, ...]) -> mx.array:
    """Returns some features of the last axis, as a view where they are neighbours."""
    runs = runs_of(places)
    if runs == (slice(0, array.shape[-1]),):
        return array
    parts = [array[..., run] for run in runs]
    if not parts:
        return array[..., :0]
    # many times faster on a CPU than an index, whose every number is looked up by itself
    return parts[0] if len(parts) == 1 else mx.concatenate(parts, axis=-1)
