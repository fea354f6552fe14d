"""One row for every key, by a rule that looks at contents only, and a count of what was dropped.

The rule: a number beats a null; of several numbers the largest is kept. The order in which rows or
pages came never matters.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Self

import polars as pl

from gridloom.grid.table import KEY, polars_schema
from gridloom.transform.keys import packed_key

__all__ = ["Drops", "Resolved", "resolve_duplicates"]

_VALUES: Final = pl.col("value")
_TYPES: Final = polars_schema()
_CONFLICTS: Final = pl.Schema(
    {**{name: _TYPES[name] for name in KEY}, "kept": _TYPES["value"], "dropped": _TYPES["value"]}
)


@dataclass(frozen=True, slots=True)
class Drops:
    """Rows that were dropped because their key is in the table. The three counts sum to all of them.

    Attributes:
        exact: Rows dropped because an equal one is kept.
        superseded: Rows without a value dropped because one with a value is kept.
        contradicting: Rows dropped because a larger value of the same key is kept.
        conflicts: The keys with several values: respondent, series, period, ``kept`` and ``dropped``
            (the smallest), in MWh, sorted by key.
    """

    exact: int
    superseded: int
    contradicting: int
    conflicts: pl.DataFrame

    @property
    def rows(self) -> int:
        """All rows dropped."""
        return self.exact + self.superseded + self.contradicting

    @classmethod
    def of(cls, parts: Iterable[Self]) -> Self:
        """Returns the drops of all `parts` together; their conflicts stay in the order given."""
        known = list(parts)
        return cls(
            exact=sum(part.exact for part in known),
            superseded=sum(part.superseded for part in known),
            contradicting=sum(part.contradicting for part in known),
            conflicts=pl.concat([_CONFLICTS.to_frame(), *(part.conflicts for part in known)]),
        )


@dataclass(frozen=True, slots=True)
class Resolved:
    """Rows without duplicate keys, and what was dropped.

    Attributes:
        rows: The rows kept, in no particular order.
        drops: The rows dropped.
    """

    rows: pl.DataFrame
    drops: Drops


def resolve_duplicates(rows: pl.DataFrame) -> Resolved:
    """Returns `rows` with one row for every key.

    Args:
        rows: Rows with at least the table's key and ``value``; no value is NaN.
    """
    packed = packed_key(rows)
    # Nearly always no key comes twice, and counting the different ones is the cheapest proof of that.
    if packed is not None and rows.select(packed.n_unique()).item() == rows.height:
        return Resolved(rows=rows, drops=Drops.of([]))
    return _resolve(rows, pl.struct(KEY) if packed is None else packed)


def _resolve(rows: pl.DataFrame, key: pl.Expr) -> Resolved:
    """Returns `rows` with one row for every key, where some keys may have several."""
    repeated = rows.select(key.is_duplicated().alias("repeated"))["repeated"]
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
    drops = Drops(
        exact=counts["all"] - counts["superseded"] - counts["contradicting"],
        superseded=counts["superseded"],
        contradicting=counts["contradicting"],
        conflicts=conflicts.select(*KEY, pl.col("value").alias("kept"), "dropped"),
    )
    return Resolved(rows=pl.concat([rows.filter(~repeated), keys.select(rows.columns)]), drops=drops)
