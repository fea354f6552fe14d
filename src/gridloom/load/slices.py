"""A Parquet file read slice by slice, the next ones while one is worked on."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Final

import polars as pl

__all__ = ["SLICE_ROWS", "slices"]

SLICE_ROWS: Final = 1 << 20
"""Rows of a slice: whole row groups of the tables that GridLoom writes."""

_AHEAD: Final = 2


def slices(
    path: Path, columns: Sequence[str | pl.Expr], begins: Iterable[int], rows: int
) -> Iterator[tuple[int, pl.DataFrame]]:
    """Yields slices of a file in order: the first row of each, and some columns of its rows.

    Two more are read meanwhile, by threads that need no lock of Python, so that no core waits.

    Args:
        path: The file.
        columns: What to read.
        begins: First row of each slice.
        rows: Rows of a slice; the last one of the file may have fewer.

    Raises:
        PolarsError: If the file is damaged.
    """
    file = pl.scan_parquet(path)

    def read(begin: int) -> pl.DataFrame:
        return file.slice(begin, rows).select(columns).collect()

    waiting: deque[tuple[int, Future[pl.DataFrame]]] = deque()
    with ThreadPoolExecutor(_AHEAD, "slices") as pool:
        try:
            for begin in begins:
                waiting.append((begin, pool.submit(read, begin)))
                if len(waiting) > _AHEAD:
                    first, found = waiting.popleft()
                    yield first, found.result()
            while waiting:
                first, found = waiting.popleft()
                yield first, found.result()
        finally:
            pool.shutdown(cancel_futures=True)
