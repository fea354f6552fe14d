"""The rows of one route in the order of the full key, and the pages that queries take from them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Final, Literal, Self

import polars as pl

from gridloom.errors import FileFormatError
from gridloom.extract.replay.labels import code_name
from gridloom.extract.replay.lru import Recent
from gridloom.extract.replay.query import FREQUENCIES, Bound, DataQuery
from gridloom.extract.replay.weather import CALM, Mood
from gridloom.grid.hours import label
from gridloom.grid.respondents import find
from gridloom.grid.routes import MAX_ROWS_PER_REQUEST, Route

__all__ = ["HOUR_MS", "Page", "RouteRows"]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
HOUR_MS: Final = 3_600_000
"""Milliseconds of an hour."""

_KEPT_ROWS: Final = 2_000_000


@dataclass(frozen=True, slots=True)
class Page:
    """Rows of one answer.

    Attributes:
        rows: Columns ``hour``, the facets and ``value``; with ``local-hourly`` also ``local``.
        total: Rows that fit the query, on all pages together, as the answer says it.
        hidden: Rows that it does not have yet.
    """

    rows: pl.DataFrame
    total: int
    hidden: int = 0


@dataclass(frozen=True, eq=False)
class RouteRows:
    """All rows of one route.

    Attributes:
        route: The route.
        frame: Served rows by hour and facets: ``hour`` (since 1970, UTC), the facets as Enum in the
            order of text, and ``value``; with faults also ``drift`` (labels in another case) and
            ``bare`` (no key ``value``).
        first: Label of the first period, with rows or without.
        last: Label of the last period, with rows or without.
    """

    route: Route
    frame: pl.DataFrame
    first: str
    last: str
    _windows: Recent[pl.DataFrame] = field(default_factory=lambda: Recent(_KEPT_ROWS), init=False, repr=False)

    @classmethod
    def of(cls, route: Route, rows: pl.DataFrame, hours: tuple[int, int] | None = None) -> Self:
        """Returns the rows in order; `rows` has a column ``served`` that tells which ones the API has.

        Args:
            route: The route.
            rows: Its rows.
            hours: First and last hour since 1970; by default those of the rows, of which there must be one.

        Raises:
            FileFormatError: If two rows have the same key.
        """
        bounds = hours or (rows["hour"].min(), rows["hour"].max())
        ends = [_EPOCH + timedelta(hours=hour) for hour in bounds]  # type: ignore[arg-type]
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
        facet = self.route.respondent_facet
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

    def page(self, query: DataQuery, mood: Mood = CALM) -> Page:
        """Returns the rows of a query's page, at most as many as the API gives.

        Args:
            query: What is asked for.
            mood: What happens to them on this occasion.
        """
        rows = self._window(query, mood.shuffle)
        length = min(query.length, MAX_ROWS_PER_REQUEST)
        hidden = mood.hidden if rows.height - mood.hidden > length else 0
        if hidden:
            # Every second row of the first page comes late, so that all later rows move by as many.
            early = rows.head(2 * hidden).gather_every(2, offset=1)
            rows = pl.concat([early, rows.slice(2 * hidden)])
        return Page(rows.slice(query.offset, length), rows.height + mood.extra, hidden)

    def _window(self, query: DataQuery, shuffle: int | None) -> pl.DataFrame:
        """Returns the rows of all pages of a query in its order."""
        window = (*query.window, query.sort, shuffle)
        rows = self._windows.get(window)
        if rows is None:
            local = query.frequency != FREQUENCIES[0]
            rows = self._between_local(query) if local else self._between(query)
            for facet, wanted in query.facets.items():
                if wanted:
                    known = [code for code in wanted if code in set(self.codes(facet))]
                    rows = rows.filter(
                        pl.col(facet).is_in(pl.Series(known, dtype=rows.schema[facet]).implode())
                    )
            if shuffle is not None:
                rows = rows.sample(fraction=1, shuffle=True, seed=shuffle)
            rows = self._sorted(rows, query, local=local, kept=shuffle is None)
            if shuffle is None:
                self._windows.put(window, rows, rows.height)
        return rows

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

    def _sorted(self, rows: pl.DataFrame, query: DataQuery, *, local: bool, kept: bool) -> pl.DataFrame:
        names = [(column, descends) for column, descends in query.sort if column != "value-units"]
        ascending = not any(descends for _, descends in names)
        if not names or (kept and ascending and self._in_order([column for column, _ in names])):
            return rows  # the rows stand in this order already
        keys = [
            (expression, descends)
            for column, descends in names
            for expression in self._sort_expressions(column, local=local)
        ]
        expressions, descending = zip(*keys, strict=True)
        return rows.sort(expressions, descending=descending, maintain_order=True)

    def _in_order(self, columns: list[str]) -> bool:
        return tuple(columns) == self.route.key[: len(columns)]

    def _sort_expressions(self, column: str, *, local: bool) -> list[pl.Expr]:
        if column == "period":
            return [pl.col("local"), pl.col("hour")] if local else [pl.col("hour")]
        if column in (*self.route.facets, "value"):
            return [pl.col(column)]
        facet = self.route.row_fields[self.route.row_fields.index(column) - 1]
        names = {code: code_name(facet, code) for code in self.codes(facet)}
        return [pl.col(facet).cast(pl.String).replace_strict(names, return_dtype=pl.String)]


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
