"""What was received, in numbers that need no rows any more."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self

import polars as pl

from gridloom.grid.hours import HourRange
from gridloom.transform.parse import ParsedRows

__all__ = ["Received"]


@dataclass(frozen=True, slots=True)
class Received:
    """Facts about parsed rows.

    Attributes:
        rows: Rows that the receipts count, which is what the source counted.
        distinct: Rows with a key of their own within their window.
        windows: Windows that they are of.
        windows_complete: Windows in which every row has a key of its own.
        pairs: Rows of each respondent and series.
        outside: Rows outside the hours asked for.
        outside_ms: First and last of their periods in milliseconds since 1970; none where there are none.
        texts: Rows with each text that is neither a finite number nor null.
    """

    rows: int
    distinct: int
    windows: int
    windows_complete: int
    pairs: Counter[tuple[str, str]]
    outside: int
    outside_ms: tuple[int, ...]
    texts: Counter[str]

    @classmethod
    def of(cls, parsed: ParsedRows, asked: HourRange) -> Self:
        """Returns the facts about some rows.

        Args:
            parsed: The rows.
            asked: The hours asked for.
        """
        pairs = parsed.rows.group_by("respondent", "series").agg(pl.len().alias("rows"))
        named = pairs.with_columns(pl.col("respondent", "series").cast(pl.String))
        period = pl.col("period")
        outside = parsed.rows.filter((period < asked.start) | (period >= asked.stop))
        outside_ms = outside["period"].dt.epoch("ms").to_list()
        return cls(
            rows=parsed.received,
            distinct=parsed.distinct,
            windows=parsed.windows,
            windows_complete=parsed.windows_complete,
            pairs=Counter({(code, series): rows for code, series, rows in named.iter_rows()}),
            outside=outside.height,
            outside_ms=(min(outside_ms), max(outside_ms)) if outside_ms else (),
            texts=Counter(dict(parsed.texts["text"].value_counts(sort=False).iter_rows())),
        )

    def to_json(self) -> dict[str, Any]:
        """Returns the facts as plain JSON-able values."""
        pairs = [[code, series, rows] for (code, series), rows in sorted(self.pairs.items())]
        plain = {name: getattr(self, name) for name in self.__slots__}
        return {**plain, "pairs": pairs, "texts": dict(self.texts)}

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Self:
        """Returns the facts of a JSON form, the inverse of `to_json`."""
        pairs = Counter({(code, series): rows for code, series, rows in record["pairs"]})
        ends = tuple(record["outside_ms"])
        return cls(**{**record, "pairs": pairs, "outside_ms": ends, "texts": Counter(record["texts"])})

    @classmethod
    def joined(cls, parts: Iterable[Self]) -> Self:
        """Returns the facts about the rows of all `parts` together."""
        known = list(parts)
        ends = [end for part in known for end in part.outside_ms]
        return cls(
            rows=sum(part.rows for part in known),
            distinct=sum(part.distinct for part in known),
            windows=sum(part.windows for part in known),
            windows_complete=sum(part.windows_complete for part in known),
            pairs=sum((part.pairs for part in known), Counter[tuple[str, str]]()),
            outside=sum(part.outside for part in known),
            outside_ms=(min(ends), max(ends)) if ends else (),
            texts=sum((part.texts for part in known), Counter[str]()),
        )
