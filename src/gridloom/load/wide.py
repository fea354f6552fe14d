"""The long table to one matrix: values scattered from slices of the file into their hour and column."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable

import numpy as np
import numpy.typing as npt
import polars as pl

from gridloom.errors import FileFormatError
from gridloom.load.select import Selection
from gridloom.load.slices import SLICE_ROWS, slices
from gridloom.load.survey import HOUR_MS, Stretch, Survey

__all__ = ["Mask", "Times", "Values", "hours_of", "scatter"]

Values = npt.NDArray[np.float32]
Mask = npt.NDArray[np.uint8]
Times = npt.NDArray[np.int64]


def hours_of(selection: Selection) -> Times:
    """Returns the hours of the matrix [time], seconds since 1970, each the END of its hour."""
    start = int(selection.hours.start.timestamp())
    return start + 3_600 * np.arange(len(selection.hours), dtype=np.int64)


def scatter(
    survey: Survey, selection: Selection, *, on_rows: Callable[[int, int], None] = lambda _done, _total: None
) -> tuple[Values, Mask]:
    """Returns the matrix of a table [time, feature] and its mask, 1 where a value is there.

    The file is read in slices, so that beside the matrix only few of them are in memory. Where no value is
    there, the matrix has 0; the calendar's columns are left empty.

    Args:
        survey: The table.
        selection: The columns.
        on_rows: Hears how many rows were read so far, and how many will be in all, slice by slice.

    Raises:
        FileFormatError: If the hours of a series do not ascend.
    """
    shape = (len(selection.hours), len(selection.pairs))
    values, mask = np.zeros(shape, np.float32), np.zeros(shape, np.uint8)
    chosen = [
        (column, survey.stretches[pair])
        for column, pair in enumerate(selection.pairs)
        if pair in survey.stretches
    ]
    rows = {column: _rows_of(survey, stretch, selection) for column, stretch in chosen}
    read = pl.col(survey.column).cast(pl.Float32).fill_null(float("nan"))
    wanted = _by_slice(chosen)
    done, total = 0, sum(min(SLICE_ROWS, survey.rows - begin) for begin in wanted)
    for begin, part in slices(survey.path, [read], sorted(wanted), SLICE_ROWS):
        found = part.to_series().to_numpy()
        there = np.isfinite(found)
        found = np.where(there, found, np.float32(0))
        for column, stretch in wanted[begin]:
            first, last = max(stretch.begin, begin), min(stretch.end, begin + len(found))
            to, at = rows[column], slice(first - begin, last - begin)
            steps = to[first - stretch.begin : last - stretch.begin]
            place = slice(steps.start, steps.stop) if isinstance(steps, range) else steps
            values[place, column], mask[place, column] = found[at], there[at]
        done += len(found)
        on_rows(done, total)
    return values, mask


def _by_slice(chosen: Iterable[tuple[int, Stretch]]) -> dict[int, list[tuple[int, Stretch]]]:
    """Returns the stretches of which a slice has rows, by the slice's first row."""
    found = defaultdict(list)
    for column, stretch in chosen:
        for begin in range(stretch.begin // SLICE_ROWS * SLICE_ROWS, stretch.end, SLICE_ROWS):
            found[begin].append((column, stretch))
    return found


def _rows_of(survey: Survey, stretch: Stretch, selection: Selection) -> range | Times:
    """Returns the row of the matrix for each row of a stretch.

    Raises:
        FileFormatError: If its hours do not ascend.
    """
    start_ms = int(selection.hours.start.timestamp()) * 1_000
    if stretch.is_hourly:  # which is the contract
        first = (stretch.first_ms - start_ms) // HOUR_MS
        return range(first, first + stretch.end - stretch.begin)
    file = pl.scan_parquet(survey.path).select(pl.col("period").cast(pl.Int64))
    period = file.slice(stretch.begin, stretch.end - stretch.begin).collect().to_series()
    if not (period.diff().drop_nulls() > 0).all():
        pair = next(pair for pair, each in survey.stretches.items() if each == stretch)
        raise FileFormatError(
            f"{survey.path} is not an hourly table: the hours of {' '.join(pair)} do not ascend. "
            "`gridloom check` says more."
        )
    return ((period - start_ms) // HOUR_MS).to_numpy()
