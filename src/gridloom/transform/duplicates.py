"""One row for every key, by a rule that looks at contents only, and a count of what was dropped.

The rule: a number beats a null; of several numbers the largest is kept. The order in which rows or
pages came never matters.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import polars as pl

from gridloom.grid.table import KEY

__all__ = ["Resolved", "resolve_duplicates"]

_VALUES: Final = pl.col("value")


@dataclass(frozen=True, slots=True)
class Resolved:
    """Rows without duplicate keys, and what was dropped. The three counts sum to all dropped rows.

    Attributes:
        rows: The rows kept, in no particular order.
        exact: Rows dropped because an equal one is kept.
        superseded: Rows without a value dropped because one with a value is kept.
        contradicting: Rows dropped because a larger value of the same key is kept.
        conflicts: The keys with several values: respondent, series, period, ``kept`` and ``dropped``
            (the smallest), in MWh, sorted by key.
    """

    rows: pl.DataFrame
    exact: int
    superseded: int
    contradicting: int
    conflicts: pl.DataFrame

    @property
    def dropped(self) -> int:
        """All rows dropped."""
        return self.exact + self.superseded + self.contradicting


def resolve_duplicates(rows: pl.DataFrame) -> Resolved:
    """Returns `rows` with one row for every key.

    Args:
        rows: Rows with at least the table's key and ``value``; no value is NaN.
    """
    repeated = rows.select(pl.struct(KEY).is_duplicated().alias("repeated"))["repeated"]
    keys = (
        rows.filter(repeated)
        .group_by(KEY)
        .agg(
            _VALUES.max().alias("value"),
            _VALUES.min().alias("dropped"),
            pl.len().cast(pl.Int64).alias("rows"),
            _VALUES.null_count().cast(pl.Int64).alias("nulls"),
            _VALUES.drop_nulls().n_unique().cast(pl.Int64).alias("values"),
        )
    )
    has_value = pl.col("values") > 0
    counts = keys.select(
        pl.col("nulls").filter(has_value).sum().alias("superseded"),
        (pl.col("values") - 1).filter(has_value).sum().alias("contradicting"),
        (pl.col("rows") - 1).sum().alias("all"),
    ).row(0, named=True)
    conflicts = keys.filter(pl.col("values") > 1).sort(
        *(pl.col(name).cast(pl.String) for name in KEY[:2]), KEY[2]
    )
    return Resolved(
        rows=pl.concat([rows.filter(~repeated), keys.select(rows.columns)]),
        exact=counts["all"] - counts["superseded"] - counts["contradicting"],
        superseded=counts["superseded"],
        contradicting=counts["contradicting"],
        conflicts=conflicts.select(*KEY, pl.col("value").alias("kept"), "dropped"),
    )
