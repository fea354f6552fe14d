"""Statistics of the training span, and scaling by them: one way and back, feature by feature."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from gridloom.load.wide import Mask, Values

__all__ = ["Moments", "Scaler", "moments", "quartiles"]

_BLOCK_ROWS: Final = 4_096
_NORMAL_IQR: Final = 1.3489795003921634
"""Interquartile range of a normal distribution of standard deviation 1."""

_SAME: Final = 1e-12
"""Values within this part of the standard deviation are all but the same; to divide by it would overflow."""

Vector = npt.NDArray[np.float32]
_Doubles = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Scaler:
    """Takes values [..., feature] to what a model sees, and back.

    Attributes:
        center: What is subtracted [feature].
        scale: What is divided by [feature]; never 0.
    """

    center: Vector
    scale: Vector

    def __call__(self, values: npt.ArrayLike) -> Values:
        """Returns ``(values - center) / scale``."""
        return (np.asarray(values, np.float32) - self.center) / self.scale

    def inverse(self, scaled: npt.ArrayLike) -> Values:
        """Returns ``scaled * scale + center``: physical units."""
        return np.asarray(scaled, np.float32) * self.scale + self.center

    def of(self, columns: Sequence[int]) -> Scaler:
        """Returns the scaler of some features."""
        places = list(columns)
        return Scaler(self.center[places], self.scale[places])


@dataclass(frozen=True)
class Moments:
    """Mean and spread of each feature [feature], over the values that are there.

    Attributes:
        mean: Means; 0 where there is no value.
        std: Standard deviations; 1 where values do not vary or there is none, so that one can divide by it.
        constant: Whether values do not vary or there is none.
    """

    mean: Vector
    std: Vector
    constant: npt.NDArray[np.bool_]


def moments(values: Values, mask: Mask) -> Moments:
    """Returns mean and standard deviation of a span.

    Sums are taken in float64, block by block in one order, so that they need no copy of the span and come
    out the same with any number of threads.

    Args:
        values: [time, feature], 0 where no value is there.
        mask: [time, feature], 1 where a value is there.
    """
    features = values.shape[1]
    count, total, squares = np.zeros(features), np.zeros(features), np.zeros(features)
    least, most = np.full(features, np.inf), np.full(features, -np.inf)
    for part, there in _blocks(values, mask):
        count += there.sum(axis=0)
        total += part.sum(axis=0)
        least = np.minimum(least, np.where(there, part, np.inf).min(axis=0))
        most = np.maximum(most, np.where(there, part, -np.inf).max(axis=0))
    many = np.maximum(count, 1)
    mean = total / many
    for part, there in _blocks(values, mask):
        squares += np.square((part - mean) * there).sum(axis=0)
    constant = least >= most
    return Moments(mean.astype(np.float32), _spread(np.sqrt(squares / many), constant), constant)


def quartiles(values: Values, mask: Mask, known: Moments) -> Scaler:
    """Returns the scaler that outliers do not move: by median and interquartile range.

    The range is divided by that of a normal distribution. It is the standard deviation where half of the
    values are all but the same, as those of a plant that rarely runs.

    Args:
        values: [time, feature].
        mask: [time, feature], 1 where a value is there.
        known: Mean and spread of the same span.
    """
    median, scale = known.mean.copy(), known.std.copy()
    for column in np.flatnonzero(~known.constant).tolist():
        found = values[:, column][mask[:, column] == 1].astype(np.float64)
        low, middle, high = np.quantile(found, [0.25, 0.5, 0.75])
        median[column] = middle
        if high - low > _SAME * known.std[column]:
            scale[column] = (high - low) / _NORMAL_IQR
    return Scaler(median, _spread(scale.astype(np.float64), known.constant))


def _blocks(values: Values, mask: Mask) -> Iterator[tuple[_Doubles, npt.NDArray[np.bool_]]]:
    for begin in range(0, len(values), _BLOCK_ROWS):
        rows = slice(begin, begin + _BLOCK_ROWS)
        yield values[rows].astype(np.float64), mask[rows] == 1


def _spread(found: _Doubles, constant: npt.NDArray[np.bool_]) -> Vector:
    spread = found.astype(np.float32)
    return np.where(constant | (spread == 0), np.float32(1), spread)
