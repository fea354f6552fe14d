"""What a data request asks for: parameters checked and turned into a typed query."""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from gridloom.extract.replay.refusals import bad_request, invalid
from gridloom.grid.routes import MAX_ROWS_PER_REQUEST, Route

__all__ = ["FREQUENCIES", "Bound", "DataQuery", "parse_data_query"]

FREQUENCIES: Final = ("hourly", "local-hourly")
"""Frequencies of every hourly route; the first is the default."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DATE = re.compile(r"(\d{4})(?:-(\d\d)(?:-(\d\d)(?:T(\d\d)(?:([+-]\d\d)(?::?00)?)?)?)?)?", re.ASCII)
_DATE_FORMATS = ("YYYY", "YYYY-MM", "YYYY-MM-DD", 'YYYY-MM-DD"T"HH24', 'YYYY-MM-DD"T"HH24TZH')
_DIRECTIONS = ("asc", "desc")
_MOST_DIGITS = 18
_HOURS_OF_DAY: Final = 24


@dataclass(frozen=True, slots=True)
class Bound:
    """One end of the period asked for, inclusive.

    Attributes:
        hour: Hours since 1970 on the clock that the label shows; a coarse date means its first hour.
        utc_offset: Offset of that clock in hours, or None where the label has none.
        span: Hours that the label names: 1, or those of a day, a month or a year.
    """

    hour: int
    utc_offset: int | None
    span: int = 1

    @property
    def utc_hour(self) -> int:
        """Hours since 1970 in UTC; a label without an offset is taken as UTC."""
        return self.hour - (self.utc_offset or 0)


@dataclass(frozen=True, slots=True)
class DataQuery:
    """A checked request for rows.

    Attributes:
        frequency: One of `FREQUENCIES`.
        with_value: Whether rows carry ``value`` and ``value-units``.
        facets: Values asked for, by facet; a facet without values does not filter.
        start: First period, or None.
        end: Last period, or None.
        sort: Columns to sort by, each with whether it descends.
        offset: Rows to leave out at the start.
        length: Rows asked for, which may be more than the API gives.
    """

    frequency: str
    with_value: bool
    facets: Mapping[str, tuple[str, ...]]
    start: Bound | None
    end: Bound | None
    sort: tuple[tuple[str, bool], ...]
    offset: int
    length: int

    @property
    def window(self) -> tuple[Any, ...]:
        """What tells the rows asked for, on all pages and in any order, apart from those of other queries."""
        facets = tuple(sorted((name, tuple(sorted(values))) for name, values in self.facets.items()))
        return (self.frequency, self.start, self.end, facets)

    def leaves_open(self, key: Sequence[str]) -> bool:
        """Returns whether the sort does not name every column of the full key."""
        return not {column for column, _ in self.sort}.issuperset(key)


def parse_data_query(route: Route, params: Mapping[str, Any], *, whole_unit: bool = False) -> DataQuery:
    """Returns the query that the parameters of a data request describe.

    Args:
        route: The route that is asked.
        params: Parameters as parsed.
        whole_unit: Whether equal coarse dates as ``start`` and ``end`` mean all hours of that unit.

    Raises:
        Refusal: With the API's text if a parameter is not valid. Parameters that the API does not
            know are ignored, as there.
    """
    start, end = _bound(params.get("start")), _bound(params.get("end"))
    if whole_unit and end is not None and start == end:
        end = replace(end, hour=end.hour + end.span - 1)
    return DataQuery(
        frequency=_frequency(params.get("frequency")),
        with_value=_with_value(params.get("data")),
        facets=_facets(route, params.get("facets")),
        start=start,
        end=end,
        sort=_sort(route, params.get("sort")),
        offset=_count("offset", params.get("offset"), 0),
        length=_count("length", params.get("length"), MAX_ROWS_PER_REQUEST),
    )


def _frequency(value: Any) -> str:
    if value in (None, ""):
        return FREQUENCIES[0]
    if value not in FREQUENCIES:
        raise invalid("frequency", "frequencies", value, FREQUENCIES)
    return str(value)


def _texts(value: Any) -> tuple[str, ...]:
    """Returns the values of a parameter that may be given once or as a list."""
    if value is None:
        return ()
    if isinstance(value, dict):
        value = list(value.values())
    return tuple(str(item) for item in value) if isinstance(value, list) else (str(value),)


def _with_value(value: Any) -> bool:
    columns = _texts(value)
    for column in columns:
        if column != "value":
            raise invalid("data", "data", column, ("value",))
    return bool(columns)


def _facets(route: Route, value: Any) -> dict[str, tuple[str, ...]]:
    # PHP numbers what has no name, so a plain value or list is a facet named 0.
    named = value if isinstance(value, dict) else {str(i): text for i, text in enumerate(_texts(value))}
    for name in named:
        if name not in route.facets:
            raise invalid("facet", "facets", name, route.facets)
    return {name: _texts(values) for name, values in named.items()}


def _bound(value: Any) -> Bound | None:
    if value in (None, ""):
        return None
    match = _DATE.fullmatch(str(value))
    if match:
        year, month, day, hour, offset = match.groups()
        try:
            date = datetime(int(year), int(month or 1), int(day or 1), int(hour or 0), tzinfo=UTC)
        except ValueError:
            pass
        else:
            first = (date - _EPOCH) // timedelta(hours=1)
            return Bound(first, int(offset) if offset else None, _span(int(year), month, day, hour))
    raise invalid("date format", "date formats", value, _DATE_FORMATS)


def _span(year: int, month: str | None, day: str | None, hour: str | None) -> int:
    """Returns the hours of the year, month, day or hour that a date names."""
    if hour:
        return 1
    if day:
        return _HOURS_OF_DAY
    months = (int(month),) if month else range(1, 13)
    return _HOURS_OF_DAY * sum(monthrange(year, each)[1] for each in months)


def _sort(route: Route, value: Any) -> tuple[tuple[str, bool], ...]:
    if value in (None, "", []):
        return ()
    items = list(value.values()) if isinstance(value, dict) else value
    if not isinstance(items, list):
        items = [items]
    return tuple(_sort_key(route, item) for item in items)


def _sort_key(route: Route, item: Any) -> tuple[str, bool]:
    column = item.get("column", "") if isinstance(item, dict) else item
    if not isinstance(item, dict) or column not in route.row_fields:
        raise invalid("sort", "sorts", column, route.row_fields)
    direction = str(item.get("direction") or "asc").lower()
    if direction not in _DIRECTIONS:
        raise invalid("sort direction", "sort directions", item["direction"], _DIRECTIONS)
    return str(column), direction == "desc"


def _count(name: str, value: Any, default: int) -> int:
    if value in (None, ""):
        return default
    text = str(value)
    if not text.isdecimal() or not text.isascii() or len(text) > _MOST_DIGITS:
        raise bad_request(f"Invalid {name} '{value}' provided. It must be a whole number, 0 or more.")
    return int(text)
