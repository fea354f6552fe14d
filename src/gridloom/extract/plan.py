"""The planner: from hours, respondents and series to request windows, and what they cost. Pure.

In batches of days: where the rows of one respondent in one hour are known, so many respondents share a
window that it fills at most one page; where they are not (all fuels), each has its own. With ``auto``
all respondents share windows whose hours fill whole pages, see `gridloom.extract.packing`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from gridloom.errors import ConfigError
from gridloom.extract.packing import most_rows_per_hour, pack_hours
from gridloom.grid.hours import HISTORY_START, HourRange
from gridloom.grid.raw import Window
from gridloom.grid.respondents import find
from gridloom.grid.routes import MAX_ROWS_PER_REQUEST, REGION_DATA
from gridloom.grid.series import RouteRequest

__all__ = ["AUTO", "STANDARD_BATCH_DAYS", "Ask", "BatchDays", "count_requests", "plan_windows"]

BatchDays = int | Literal["auto"]
"""Days per request window, or ``auto`` for windows of full pages."""

AUTO: Final = "auto"
"""Windows of full pages."""

STANDARD_BATCH_DAYS: Final = 45
"""Days per batch where nothing else is said: 1,080 hours."""

# The newest hours of a series come up to two days late, and so loose are days of beginning and end.
_LOOSE: Final = timedelta(days=2)
_OF_LOAD: Final = frozenset({"D", "DF"})


@dataclass(frozen=True, slots=True)
class Ask:
    """What will be asked of a source.

    Attributes:
        windows: Request windows, exact.
        least: Requests at least, those for metadata included.
        most: Requests at most, repeated ones not counted. Equal to `least` where rows per hour are known
            and nobody retires, begins or reports nothing meanwhile.
        metadata: How many of these requests are for metadata.
    """

    windows: int
    least: int
    most: int
    metadata: int


def plan_windows(
    hours: HourRange,
    request: RouteRequest,
    respondents: Iterable[str],
    *,
    batch_days: BatchDays = STANDARD_BATCH_DAYS,
    page_rows: int = MAX_ROWS_PER_REQUEST,
) -> tuple[Window, ...]:
    """Returns the windows that ask for every hour of every respondent exactly once, in a fixed order.

    Args:
        hours: The periods asked for.
        request: Route and types.
        respondents: Respondent codes in any order; duplicates are dropped.
        batch_days: Days per batch, of which the last may be shorter; or ``auto``.
        page_rows: Rows per request.

    Raises:
        ConfigError: If a number is out of its range or no respondent is named.
    """
    _check_page_rows(page_rows)
    codes = sorted(set(respondents))
    if not codes:
        raise ConfigError("No respondent was named. Name at least one code, such as PACW.")
    if batch_days == AUTO:
        size, span = pack_hours(request, len(codes), page_rows)
        batches = list(hours.spans(span))
    else:
        batches = list(hours.batches(batch_days))
        size = _group_size(len(batches[0]), request.series_per_respondent, page_rows)
    groups = [tuple(codes[start : start + size]) for start in range(0, len(codes), size)]
    return tuple(
        Window(request.route.id, batch, group, request.types, page_rows)
        for batch in batches
        for group in groups
    )


def count_requests(windows: Iterable[Window], *, metadata: int, now: datetime | None = None) -> Ask:
    """Returns what asking for `windows` costs.

    Args:
        windows: The windows that are still to be asked for.
        metadata: Requests for metadata that are to be made as well.
        now: The time; hours that it has not reached, or just has, may have no rows yet.
    """
    asked = tuple(windows)
    most = sum(_pages(_most_rows(window), window) for window in asked)
    least = sum(_pages(_sure_rows(window, now), window) for window in asked)
    return Ask(windows=len(asked), least=least + metadata, most=most + metadata, metadata=metadata)


def _check_page_rows(page_rows: int) -> None:
    if not 1 <= page_rows <= MAX_ROWS_PER_REQUEST:
        raise ConfigError(
            f"{page_rows:,} rows per request are not possible: the API gives at most "
            f"{MAX_ROWS_PER_REQUEST:,} in one answer. Use 1 to {MAX_ROWS_PER_REQUEST:,}."
        )


def _group_size(batch_hours: int, types: int | None, page_rows: int) -> int:
    """Returns how many respondents share a window, so that a full batch of them fits one page."""
    return 1 if types is None else max(1, page_rows // (batch_hours * types))


def _pages(rows: int, window: Window) -> int:
    """Returns the requests for so many rows; that there are none has to be asked as well."""
    return max(1, -(-rows // window.page_rows))


def _most_rows(window: Window) -> int:
    types = len(window.types) or most_rows_per_hour(window.route)
    return len(window.hours) * len(window.respondents) * types


def _sure_rows(window: Window, now: datetime | None) -> int:
    """Returns the rows that the window has if everyone who reports does so in every hour.

    Whether a respondent burns a fuel, has a neighbour or a sub-area is not known beforehand.
    """
    if window.route is not REGION_DATA:
        return 0
    stop = window.hours.stop
    if now is not None:
        stop = min(stop, now.replace(minute=0, second=0, microsecond=0) - _LOOSE)
    return sum(_sure_hours(window, code, stop) * _sure_types(window, code) for code in window.respondents)


def _sure_hours(window: Window, code: str, stop: datetime) -> int:
    known = find(code)
    if known is None:
        return 0
    start = max(window.hours.start, HISTORY_START)
    # First and last days are local and of loose precision.
    if known.first_data:
        start = max(start, known.first_data + _LOOSE)
    if known.retired:
        stop = min(stop, known.retired - _LOOSE)
    return len(HourRange(start, stop)) if start < stop else 0


def _sure_types(window: Window, code: str) -> int:
    known = find(code)
    no_load = known is not None and known.generation_only == "yes"
    return sum(not (no_load and kind in _OF_LOAD) for kind in window.types)
