"""The rows of one route in the order of the full key, and the pages that queries take from them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Final, Literal, Self

import polars as pl

from gridloom.errors import FileFormatError
from gridloom.extract.replay.labels import code_name
from gridloom.extract.replay.query import FREQUENCIES, Bound, DataQuery
from gridloom.grid.hours import label
from gridloom.grid.respondents import find
from gridloom.grid.routes import MAX_ROWS_PER_REQUEST, Route

__all__ = ["HOUR_MS", "Page", "RouteRows"]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
HOUR_MS: Final = 3_600_000
"""Milliseconds of an hour."""


@dataclass(frozen=True, slots=True)
class Page:
    """Rows of one answer.

    Attributes:
        rows: Columns ``hour``, the facets and ``value``; with ``local-hourly`` also ``local``.
        total: Rows that fit the query, on all pages together.
    """

    rows: pl.DataFrame
    total: int


@dataclass(frozen=True, eq=False)
class RouteRows:
    """All rows of one route.

    Attributes:
        route: The route.
        frame: Served rows by hour and facets: ``hour`` (since 1970, UTC), the facets as Enum in the
            order of text, and ``value``.
        first: Label of the first period, with rows or without.
        last: Label of the last period, with rows or without.
    """

    route: Route
    frame: pl.DataFrame
    first: str
    last: str

    @classmethod
    def of(cls, route: Route, rows: pl.DataFrame) -> Self:
        """Returns the rows in order; `rows` has a column ``served`` that tells which ones the API has.

        Raises:
            FileFormatError: If two rows have the same key.
        """
        ends = [_EPOCH + timedelta(hours=hour) for hour in (rows["hour"].min(), rows["hour"].max())]  # type: ignore[arg-type]
        # One integer sorts several times faster than three columns.
        key = pl.col("hour").cast(pl.Int64)
        for facet in route.facets:
            key = key * len(_codes(rows, facet)) + pl.col(facet).to_physical()
        ordered = rows.with_columns(key=key).sort("key")
        if (ordered["key"].diff() == 0).any():
            raise FileFormatError(
                f"The table has the same hour of a series twice ({route.id}). Remove the duplicates."
            )
        frame = ordered.filter("served").select("hour", *route.facets, "value")
        return cls(route, frame, label(ends[0]), label(ends[1]))

    def codes(self, facet: str) -> list[str]:
        """Returns the codes of a facet, in the order of text."""
        return _codes(self.frame, facet)

    @cached_property
    def _local(self) -> pl.DataFrame:
        """The rows by local hour; of an hour that occurs twice in autumn, the earlier one first."""
        facet = self.route.facets[0]
        zones: dict[str, list[str]] = {}
        for code in self.codes(facet):
            respondent = find(code)
            zones.setdefault(respondent.time_zone if respondent else "UTC", []).append(code)
        utc = (pl.col("hour").cast(pl.Int64) * HOUR_MS).cast(pl.Datetime("ms", "UTC"))
        offsets = pl.lit(0, dtype=pl.Int32)
        for zone, codes in zones.items():
            moved = utc.dt.convert_time_zone(zone)
            shift = (moved.dt.base_utc_offset() + moved.dt.dst_offset()).dt.total_hours().cast(pl.Int32)
            offsets = pl.when(pl.col(facet).is_in(codes)).then(shift).otherwise(offsets)
        shifted = self.frame.with_columns(local=pl.col("hour") + offsets)
        return shifted.sort("local", "hour", *self.route.facets)

    def page(self, query: DataQuery) -> Page:
        """Returns the rows of a query's page, at most as many as the API gives."""
        local = query.frequency != FREQUENCIES[0]
        rows = self._between_local(query) if local else self._between(query)
        for facet, wanted in query.facets.items():
            if wanted:
                dtype = rows.schema[facet]
                known = pl.Series([code for code in wanted if code in set(self.codes(facet))], dtype=dtype)
                rows = rows.filter(pl.col(facet).is_in(known.implode()))
        total = rows.height
        rows = self._sorted(rows, query, local=local)
        return Page(rows.slice(query.offset, min(query.length, MAX_ROWS_PER_REQUEST)), total)

    def _between(self, query: DataQuery) -> pl.DataFrame:
        hours = self.frame["hour"]
        first = 0 if query.start is None else _search(hours, query.start.utc_hour, "left")
        stop = len(hours) if query.end is None else _search(hours, query.end.utc_hour, "right")
        return self.frame.slice(first, max(stop - first, 0))

    def _between_local(self, query: DataQuery) -> pl.DataFrame:
        rows = self._local
        ends: tuple[tuple[Bound | None, Callable[[pl.Expr, int], pl.Expr]], ...] = (
            (query.start, pl.Expr.ge),
            (query.end, pl.Expr.le),
        )
        for bound, compare in ends:
            if bound is not None and bound.utc_offset is None:
                rows = rows.filter(compare(pl.col("local"), bound.hour))
            elif bound is not None:
                rows = rows.filter(compare(pl.col("hour"), bound.utc_hour))
        return rows

    def _sorted(self, rows: pl.DataFrame, query: DataQuery, *, local: bool) -> pl.DataFrame:
        names = [(column, descends) for column, descends in query.sort if column != "value-units"]
        ascending = not any(descends for _, descends in names)
        if ascending and tuple(column for column, _ in names) == self.route.key[: len(names)]:
            return rows  # the rows stand in this order already
        return rows.sort(
            [self._sort_expression(column, local=local) for column, _ in names],
            descending=[descends for _, descends in names],
            maintain_order=True,
        )

    def _sort_expression(self, column: str, *, local: bool) -> pl.Expr:
        if column == "period":
            return pl.col("local" if local else "hour")
        if column in (*self.route.facets, "value"):
            return pl.col(column)
        facet = self.route.row_fields[self.route.row_fields.index(column) - 1]
        names = {code: code_name(facet, code) for code in self.codes(facet)}
        return pl.col(facet).cast(pl.String).replace_strict(names, return_dtype=pl.String)


def _codes(rows: pl.DataFrame, facet: str) -> list[str]:
    dtype = rows.schema[facet]
    if not isinstance(dtype, pl.Enum):
        raise TypeError(f"The facet column {facet} must be an Enum, not {dtype}.")
    return list(dtype.categories)


def _search(hours: pl.Series, hour: int, side: Literal["left", "right"]) -> int:
    """Returns where `hour` would stand; it may lie far outside of what the column's type can hold."""
    if not len(hours):
        return 0
    low, high = hours[0] - 1, hours[-1] + 1
    return int(hours.search_sorted(min(max(hour, low), high), side=side))
