"""What a data request asks for: parameters checked and turned into a typed query."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class Bound:
    """One end of the period asked for, inclusive.

    Attributes:
        hour: Hours since 1970 on the clock that the label shows; a coarse date means its first hour.
        utc_offset: Offset of that clock in hours, or None where the label has none.
    """

    hour: int
    utc_offset: int | None

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


def parse_data_query(route: Route, params: Mapping[str, Any]) -> DataQuery:
    """Returns the query that the parameters of a data request describe.

    Raises:
        Refusal: With the API's text if a parameter is not valid. Parameters that the API does not
            know are ignored, as there.
    """
    return DataQuery(
        frequency=_frequency(params.get("frequency")),
        with_value=_with_value(params.get("data")),
        facets=_facets(route, params.get("facets")),
        start=_bound(params.get("start")),
        end=_bound(params.get("end")),
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
            return Bound((date - _EPOCH) // timedelta(hours=1), int(offset) if offset else None)
    raise invalid("date format", "date formats", value, _DATE_FORMATS)


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
