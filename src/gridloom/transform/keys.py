"""Facts about the keys of a table, for little time and memory.

Almost every table is right, so the proof of that is made cheap; what is wrong, others tell in words.
"""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise
from typing import Final

import polars as pl

from gridloom.grid.table import KEY

__all__ = ["key_spans", "keys_ascend", "packed_key"]

_HOUR_MS: Final = 3_600_000
# What a datetime can hold; a damaged file may say any number.
_FIRST_MS: Final = int(datetime(1, 1, 1, tzinfo=UTC).timestamp()) * 1000
_LAST_MS: Final = int(datetime(9999, 1, 1, tzinfo=UTC).timestamp()) * 1000
_MOST: Final = 2**63
_KEYLESS: Final = pl.any_horizontal(pl.col(*KEY).null_count() > 0)


def keys_ascend(frame: pl.DataFrame) -> bool:
    """Returns whether every key is whole and larger than the one before it: in order, and each once.

    Rows of one respondent and series stand together there, with rising periods, so only the first row
    of each such run is compared as text.

    Args:
        frame: Rows with the table's key.
    """
    if frame.select(_KEYLESS).item():
        return False
    respondent, series, period = (pl.col(name).to_physical() for name in KEY)
    heads = (respondent != respondent.shift(1)) | (series != series.shift(1))
    runs = frame.select(
        heads.fill_null(value=True).alias("head"),
        (period > period.shift(1)).fill_null(value=True).alias("later"),
    )
    if not (runs["head"] | runs["later"]).all():
        return False
    first = frame.select("respondent", "series").filter(runs["head"])
    # More runs than pairs: a pair comes again, and there may be as many runs as rows.
    if first.height > first["respondent"].n_unique() * first["series"].n_unique():
        return False
    return all(earlier < later for earlier, later in pairwise(first.cast(pl.String).iter_rows()))


def key_spans(frame: pl.DataFrame, *, ascending: bool) -> list[tuple[str, str, int, int, int, bool]]:
    """Returns of every respondent and series its first and last period in ms since 1970, and more.

    Rows whose key is not whole are left out.

    Args:
        frame: Rows with the table's key.
        ascending: Whether `keys_ascend` holds.

    Returns:
        Respondent, series, first, last, the number of different periods, and whether any of them is no
        full hour of a year that a datetime can hold; sorted.
    """
    epoch_ms, period = pl.col("period").dt.epoch("ms"), pl.col("period")
    odd = (epoch_ms % _HOUR_MS != 0) | ~epoch_ms.is_between(_FIRST_MS, _LAST_MS)
    whole = frame if ascending else frame.filter(~pl.any_horizontal(pl.col(KEY).is_null()))
    spans = (
        whole.lazy()
        .group_by("respondent", "series")
        .agg(
            period.min().alias("first"),
            period.max().alias("last"),
            (pl.len() if ascending else period.n_unique()).alias("hours"),
            odd.any().alias("odd"),
        )
        .with_columns(pl.col("respondent", "series").cast(pl.String), pl.col("first", "last").dt.epoch("ms"))
        # In streams, so that no column is copied.
        .collect(engine="streaming")
    )
    return sorted(spans.iter_rows())


def packed_key(rows: pl.DataFrame) -> pl.Expr | None:
    """Returns a whole number that differs exactly where keys differ; None if none can be had.

    Args:
        rows: Rows with the table's key, for which alone the number is good.
    """
    parts = [pl.col(name).to_physical().cast(pl.Int64) for name in KEY]
    least, most = (
        rows.select(getattr(part, end)().alias(name) for part, name in zip(parts, KEY, strict=True)).row(0)
        for end in ("min", "max")
    )
    if not rows.height or rows.select(_KEYLESS).item():
        return None
    packed, size = pl.lit(0, pl.Int64), 1
    for part, low, high in zip(parts, least, most, strict=True):
        packed = packed * (high - low + 1) + (part - low)
        size *= high - low + 1
    return packed if size < _MOST else None
