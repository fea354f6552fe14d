"""Windows cut out of a matrix, many at once.

Where the matrix of a split fits into memory it is scaled once and batches are gathered from it, in one
copy of each window. Where it does not, each window is read from the map and scaled by itself.

Both are asked once for a `Cut` of windows of one length, which then makes batch after batch.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
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

__all__ = ["Cut", "Part", "ReadyPart", "index_of", "ready", "runs_of"]

Cut = Callable[[Indexes, Indexes], tuple[Any, Any]]
"""Takes the sequence and the first row of each window; gives windows [window, row, feature] and masks."""

_BLOCK_ROWS: Final = 4_096

_SCALED_ITEMS: Final = 1 << 16
"""Values that are scaled at once, so that they are in the cache from the first step to the last."""


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

    def cutter(self, length: int) -> Cut:
        """Returns what cuts windows of so many rows, scaled."""
        if self._is_whole and self.scalers is not None:
            return self._whole_cutter(self.scalers[0], length)

        def cut(sequence: Indexes, row: Indexes) -> tuple[Values, Mask]:
            shape = (len(row), length, self.features)
            values, mask = np.empty(shape, np.float32), np.empty(shape, np.uint8)
            for place, (which, begin) in enumerate(zip(sequence.tolist(), row.tolist(), strict=True)):
                values[place], mask[place] = self.rows(which, begin, begin + length)
            return values, mask

        return cut

    def _whole_cutter(self, scaler: Scaler, length: int) -> Cut:
        values_at, mask_at = _every(self.values, length), _every(self.mask, length)
        # numbers in one row, not one row for each hour: broadcasting along a short axis is slow
        center, scale = np.tile(scaler.center, length), np.tile(scaler.scale, length)
        most = max(1, _SCALED_ITEMS // len(center))

        def cut(_sequence: Indexes, row: Indexes) -> tuple[Values, Mask]:
            mask = mask_at[row]
            values = np.empty(mask.shape, np.float32)
            for begin in range(0, len(row), most):
                some = slice(begin, begin + most)
                part = np.subtract(values_at[row[some]], center, out=values[some])
                part /= scale
                part *= mask[some]
            shape = (len(row), length, self.features)
            return values.reshape(shape), mask.reshape(shape)

        return cut


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

    def cutter(self, length: int) -> Cut:
        """Returns what cuts windows as that of `Part` does, faster."""
        values_at, mask_at = _every(self.values, length), _every(self.mask, length)
        features = self.values.shape[1]

        def cut(sequence: Indexes, row: Indexes) -> tuple[Values, Mask]:
            starts = sequence * self.rows + row
            shape = (len(starts), length, features)
            return values_at[starts].reshape(shape), mask_at[starts].reshape(shape)

        return cut


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
    if not places:
        return slice(0, 0)
    runs = runs_of(places) if ABSENT not in places else ()
    return runs[0] if len(runs) == 1 else list(places)


def _every(matrix: npt.NDArray[Any], length: int) -> npt.NDArray[Any]:
    """Returns all windows of a matrix [row, feature], each as one row of a view [window, length x feature].

    So an index of windows is one copy of each, whether they are short or long.
    """
    rows, features = matrix.shape
    shape = (rows - length + 1, length * features)
    return as_strided(matrix, shape, (matrix.strides[0], matrix.itemsize), writeable=False)
