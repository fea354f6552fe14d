"""Windows cut out of a matrix, many at once.

Where the matrix of a split fits into memory it is scaled once and batches are gathered from it, in one
copy of each window. Where it does not, each window is read from the map and scaled by itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import as_strided

from gridloom.load.scale import Scaler
from gridloom.load.sequences import ABSENT
from gridloom.load.wide import Mask, Values
from gridloom.load.windows import Indexes

__all__ = ["Part", "ReadyPart", "index_of", "ready", "runs_of"]

_BLOCK_ROWS: Final = 4_096

_LONG_BYTES: Final = 1 << 16
"""Windows from this size on are copied faster one by one; shorter ones by one index for all."""


@dataclass(frozen=True)
class Part:
    """A split of a dataset as one or several sequences of the same features.

    Attributes:
        values: The split's rows of the matrix [row, column], normally a map of the file; 0 where masked.
        mask: Its mask [row, column].
        columns: Columns of each sequence [sequence][feature]; `ABSENT` where it lacks a feature.
        scalers: How each sequence is scaled [sequence]; None leaves physical units.
    """

    values: Values
    mask: Mask
    columns: Sequence[tuple[int, ...]]
    scalers: Sequence[Scaler] | None

    @property
    def features(self) -> int:
        """Features of a sequence."""
        return len(self.columns[0])

    @property
    def ready_bytes(self) -> int:
        """Memory of the split once it is scaled: values and mask of every sequence."""
        return len(self.values) * len(self.columns) * self.features * 5

    @property
    def is_plain(self) -> bool:
        """Whether the matrix can be used as it is."""
        return self._is_whole and self.scalers is None

    @property
    def _is_whole(self) -> bool:
        """Whether the one sequence has all columns in their order."""
        return [list(columns) for columns in self.columns] == [list(range(self.values.shape[1]))]

    def rows(self, sequence: int, begin: int, end: int) -> tuple[Values, Mask]:
        """Returns some rows of a sequence, scaled, and their mask."""
        columns = index_of(self.columns[sequence])
        values, mask = self.values[begin:end, columns], self.mask[begin:end, columns]
        absent = [place for place, column in enumerate(self.columns[sequence]) if column == ABSENT]
        if absent:
            mask[:, absent] = 0
        if self.scalers is not None:
            values = self.scalers[sequence](values)
        return values * mask, mask

    def cut(self, sequence: Indexes, row: Indexes, length: int) -> tuple[Values, Mask]:
        """Returns windows [window, length, feature], scaled, and their masks.

        Args:
            sequence: Sequence of each window.
            row: First row of each window.
            length: Rows of a window.
        """
        shape = (len(row), length, self.features)
        if self._is_whole and self.scalers is not None:
            values, mask = _gather(self.values, row, length), _gather(self.mask, row, length)
            # numbers in one row, not one row for each hour: broadcasting along a short axis is slow
            values -= np.tile(self.scalers[0].center, length)
            values /= np.tile(self.scalers[0].scale, length)
            values *= mask
            return values.reshape(shape), mask.reshape(shape)
        values, mask = np.empty(shape, np.float32), np.empty(shape, np.uint8)
        for place, (which, begin) in enumerate(zip(sequence.tolist(), row.tolist(), strict=True)):
            values[place], mask[place] = self.rows(which, begin, begin + length)
        return values, mask


@dataclass(frozen=True)
class ReadyPart:
    """A split in memory, scaled, its sequences one after the other.

    Attributes:
        values: [sequence x row, feature], contiguous.
        mask: [sequence x row, feature].
        rows: Rows of a sequence.
    """

    values: Values
    mask: Mask
    rows: int

    def cut(self, sequence: Indexes, row: Indexes, length: int) -> tuple[Values, Mask]:
        """Returns windows as `Part.cut` does, faster."""
        starts = sequence * self.rows + row
        shape = (len(row), length, self.values.shape[1])
        return (
            _gather(self.values, starts, length).reshape(shape),
            _gather(self.mask, starts, length).reshape(shape),
        )


def ready(part: Part) -> ReadyPart:
    """Returns a split in memory; where it is not scaled and has all columns, as views of its map."""
    rows = len(part.values)
    if part.is_plain:
        return ReadyPart(part.values, part.mask, rows)
    shape = (len(part.columns) * rows, part.features)
    values, mask = np.empty(shape, np.float32), np.empty(shape, np.uint8)
    for sequence in range(len(part.columns)):
        for begin in range(0, rows, _BLOCK_ROWS):
            end = min(begin + _BLOCK_ROWS, rows)
            to = slice(sequence * rows + begin, sequence * rows + end)
            values[to], mask[to] = part.rows(sequence, begin, end)
    return ReadyPart(values, mask, rows)


@lru_cache(maxsize=256)
def runs_of(places: tuple[int, ...]) -> tuple[slice, ...]:
    """Returns places on an axis as runs of neighbours, for each of which nothing need be copied.

    Example:
        >>> runs_of((2, 3, 4)), runs_of((0, 2, 3))
        ((slice(2, 5, None),), (slice(0, 1, None), slice(2, 4, None)))
    """
    edges = [place for place in range(1, len(places)) if places[place] != places[place - 1] + 1]
    return tuple(
        slice(places[begin], places[end - 1] + 1)
        for begin, end in pairwise((0, *edges, len(places)))
        if end > begin
    )


@lru_cache(maxsize=256)
def index_of(places: tuple[int, ...]) -> slice | list[int]:
    """Returns places on an axis as an index: a slice where they are one run, a view in every library."""
    runs = runs_of(places) if ABSENT not in places else ()
    return runs[0] if len(runs) == 1 else list(places)


def _gather(matrix: npt.NDArray[Any], starts: Indexes, length: int) -> npt.NDArray[Any]:
    """Returns windows of a matrix [row, feature], each as one row [window, length x feature]."""
    rows, features = matrix.shape
    shape = (rows - length + 1, length * features)
    # every window as one row of a view, so that each is one copy
    every = as_strided(matrix, shape, (matrix.strides[0], matrix.itemsize), writeable=False)
    if shape[1] * matrix.itemsize < _LONG_BYTES:
        return every[starts]
    found = np.empty((len(starts), shape[1]), matrix.dtype)
    for place, start in enumerate(starts.tolist()):
        found[place] = every[start]
    return found
