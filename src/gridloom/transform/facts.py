"""What the checks need to know of a table, measured once; of parts it is measured apart and summed up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple, Self

import polars as pl

from gridloom.grid.hours import HourRange
from gridloom.grid.table import KEY, Status
from gridloom.transform.keys import key_spans, keys_ascend

__all__ = ["Facts", "Span", "missing_in", "names_in"]


class Span(NamedTuple):
    """The hours of one series of one respondent.

    Attributes:
        respondent: EIA code.
        series: Series name.
        first_ms: First period in milliseconds since 1970.
        last_ms: Last period.
        hours: Number of different periods.
        odd: Whether any period is no full hour of a year that a datetime can hold.
    """

    respondent: str
    series: str
    first_ms: int
    last_ms: int
    hours: int
    odd: bool


@dataclass(frozen=True, slots=True)
class Facts:
    """Facts about the rows of a canonical table.

    Attributes:
        rows: All rows.
        backwards: Rows before a row that belongs in front of them.
        repeated: Rows that share their key.
        keyless: Rows that lack a part of it.
        outside: Rows outside the hours asked for.
        misfits: Rows whose status does not fit their value.
        infinite: Values that are NaN or infinite.
        nulls: Rows with status ``null``.
        missing: Rows with status ``missing`` of each respondent that has any.
        respondents: Respondents, sorted.
        series: Series, sorted.
        spans: The hours of each series of each respondent, sorted.
    """

    rows: int
    backwards: int
    repeated: int
    keyless: int
    outside: int
    misfits: int
    infinite: int
    nulls: int
    missing: Counter[str]
    respondents: tuple[str, ...]
    series: tuple[str, ...]
    spans: tuple[Span, ...]

    @classmethod
    def of(cls, frame: pl.DataFrame, asked: HourRange) -> Self:
        """Returns the facts about a table.

        Args:
            frame: Its rows in their order.
            asked: The hours asked for.
        """
        ascending, period, statuses = keys_ascend(frame), pl.col("period"), _statuses(frame)
        return cls(
            rows=frame.height,
            backwards=0 if ascending else _count(frame, _backwards()),
            repeated=0 if ascending else _count(frame, pl.struct(KEY).is_duplicated()),
            keyless=0 if ascending else _count(frame, pl.any_horizontal(pl.col(KEY).is_null())),
            outside=_count(frame, (period < asked.start) | (period >= asked.stop)),
            misfits=sum(
                rows
                for status, empty, rows in statuses
                if status not in set(Status) or empty == (status == Status.REPORTED)
            ),
            infinite=_count(frame, ~pl.col("value").is_finite()),
            nulls=sum(rows for status, _, rows in statuses if status == Status.NULL),
            missing=missing_in(frame.lazy()),
            respondents=names_in(frame, "respondent"),
            series=names_in(frame, "series"),
            spans=tuple(Span(*span) for span in key_spans(frame, ascending=ascending)),
        )

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """Returns the facts about a table of which each part has respondents of its own, in order.

        A part whose respondents do not come after those of the part before counts as a row backwards.
        """
        codes = [code for part in parts for code in part.respondents]
        late = sum(later <= earlier for earlier, later in pairwise(codes))
        return cls(
            rows=sum(part.rows for part in parts),
            backwards=late + sum(part.backwards for part in parts),
            repeated=sum(part.repeated for part in parts),
            keyless=sum(part.keyless for part in parts),
            outside=sum(part.outside for part in parts),
            misfits=sum(part.misfits for part in parts),
            infinite=sum(part.infinite for part in parts),
            nulls=sum(part.nulls for part in parts),
            missing=sum((part.missing for part in parts), Counter[str]()),
            respondents=tuple(sorted(set(codes))),
            series=tuple(sorted({name for part in parts for name in part.series})),
            spans=tuple(sorted(span for part in parts for span in part.spans)),
        )


def names_in(frame: pl.DataFrame, column: str) -> tuple[str, ...]:
    """Returns the distinct texts of a column, sorted by code point; a null is left out."""
    return tuple(sorted(frame[column].unique().drop_nulls().cast(pl.String)))


def missing_in(rows: pl.LazyFrame) -> Counter[str]:
    """Returns the rows with status ``missing`` of each respondent that has any."""
    counts = (
        rows.group_by("respondent", "status")
        .len()
        .with_columns(pl.col("respondent", "status").cast(pl.String))
        .filter(pl.col("status") == Status.MISSING.value)
        .select("respondent", "len")
    )
    # In streams, here and below, so that no column is copied.
    return Counter(dict(counts.collect(engine="streaming").iter_rows()))


def _count(frame: pl.DataFrame, condition: pl.Expr) -> int:
    return int(frame.select(condition.fill_null(value=False).sum()).item())


def _backwards() -> pl.Expr:
    respondent, series, period = (
        pl.col(name) if name == "period" else pl.col(name).cast(pl.String) for name in KEY
    )
    earlier = [column.shift(1) for column in (respondent, series, period)]
    same = respondent == earlier[0]
    return (
        (respondent < earlier[0])
        | (same & (series < earlier[1]))
        | (same & (series == earlier[1]) & (period < earlier[2]))
    )


def _statuses(frame: pl.DataFrame) -> list[tuple[str | None, bool, int]]:
    """Returns every status, whether there is no value with it, and the rows of which both are true."""
    groups = frame.lazy().group_by("status", pl.col("value").is_null().alias("empty")).len()
    named = groups.with_columns(pl.col("status").cast(pl.String)).collect(engine="streaming")
    return list(named.iter_rows())
