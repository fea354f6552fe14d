"""The long table to one matrix: values scattered from slices of the file into their hour and column."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from gridloom.errors import FileFormatError
from gridloom.load.select import Selection
from gridloom.load.survey import Pair, Survey

__all__ = ["Mask", "Times", "Values", "hours_of", "scatter"]

Values = npt.NDArray[np.float32]
Mask = npt.NDArray[np.uint8]
Times = npt.NDArray[np.int64]

_SLICE_ROWS: Final = 1 << 19
_HOUR_MS: Final = 3_600_000


def hours_of(selection: Selection) -> Times:
    """Returns the hours of the matrix [time], seconds since 1970, each the END of its hour."""
    start = int(selection.hours.start.timestamp())
    return start + 3_600 * np.arange(len(selection.hours), dtype=np.int64)


def scatter(
    survey: Survey, selection: Selection, *, on_rows: Callable[[int], None] = lambda _rows: None
) -> tuple[Values, Mask]:
    """Returns the matrix of a table [time, feature] and its mask, 1 where a value is there.

    The file is read in slices, so that beside the matrix only a slice is in memory. Where no value is
    there, the matrix has 0; the calendar's columns are left empty.

    Args:
        survey: The table.
        selection: The columns.
        on_rows: Hears how many rows were read, slice by slice.

    Raises:
        FileFormatError: If the hours of a series do not ascend.
    """
    shape = (len(selection.hours), len(selection.pairs))
    values, mask = np.zeros(shape, np.float32), np.zeros(shape, np.uint8)
    columns = {pair: place for place, pair in enumerate(selection.pairs)}
    start_ms = int(selection.hours.start.timestamp()) * 1_000
    last = np.full(shape[1], -1, np.int64)
    for part in _slices(survey):
        hours = (part["period"].to_physical().to_numpy() - start_ms) // _HOUR_MS
        found = part[survey.column].to_numpy()
        for column, begin, end in _runs(part, columns):
            at = hours[begin:end]
            if at[0] <= last[column] or (np.diff(at) <= 0).any():
                raise FileFormatError(
                    f"{survey.path} is not an hourly table: the hours of "
                    f"{' '.join(selection.pairs[column])} do not ascend. `gridloom check` says more."
                )
            last[column] = at[-1]
            # hours without a gap, which is the contract, are one slice
            rows = slice(at[0], at[-1] + 1) if at[-1] - at[0] == len(at) - 1 else at
            there = np.isfinite(found[begin:end])
            values[rows, column] = np.where(there, found[begin:end], 0)
            mask[rows, column] = there
        on_rows(part.height)
    return values, mask


def _slices(survey: Survey) -> Iterator[pl.DataFrame]:
    file = pl.scan_parquet(survey.path).select("respondent", "series", "period", survey.column)
    for begin in range(0, survey.rows, _SLICE_ROWS):
        yield file.slice(begin, _SLICE_ROWS).collect()


def _runs(part: pl.DataFrame, columns: Mapping[Pair, int]) -> Iterator[tuple[int, int, int]]:
    """Yields column, begin and end of each stretch of rows of one series that was asked for."""
    respondent, series = part["respondent"], part["series"]
    codes = [each.to_physical().to_numpy() for each in (respondent, series)]
    changes = (codes[0][1:] != codes[0][:-1]) | (codes[1][1:] != codes[1][:-1])
    edges = [0, *(np.flatnonzero(changes) + 1).tolist(), part.height]
    for begin, end in pairwise(edges):
        column = columns.get((respondent[begin], series[begin])) if end > begin else None
        if column is not None:
            yield column, begin, end
