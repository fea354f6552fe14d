"""The planner: from hours, respondents and series to request windows, and what they cost. Pure.

Hours are cut into batches. Where the rows of one respondent in one hour are known, so many respondents
share a window that it fills at most one page; where they are not (all fuels), each has its own.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from gridloom.errors import ConfigError
from gridloom.grid.hours import HourRange
from gridloom.grid.raw import Window
from gridloom.grid.routes import MAX_ROWS_PER_REQUEST
from gridloom.grid.series import FUELS, RouteRequest

__all__ = ["STANDARD_BATCH_DAYS", "Ask", "count_requests", "plan_windows"]

STANDARD_BATCH_DAYS: Final = 45
"""Days per batch where nothing else is said: 1,080 hours."""


@dataclass(frozen=True, slots=True)
class Ask:
    """What will be asked of a source.

    Attributes:
        windows: Request windows, exact.
        least: Requests at least, those for metadata included.
        most: Requests at most, repeated ones not counted. Equal to `least` where rows per hour are known.
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
    batch_days: int = STANDARD_BATCH_DAYS,
    page_rows: int = MAX_ROWS_PER_REQUEST,
) -> tuple[Window, ...]:
    """Returns the windows that ask for every hour of every respondent exactly once, in a fixed order.

    Args:
        hours: The periods asked for.
        request: Route and types.
        respondents: Respondent codes in any order; duplicates are dropped.
        batch_days: Days per batch; the last one may be shorter.
        page_rows: Rows per request.

    Raises:
        ConfigError: If a number is out of its range or no respondent is named.
    """
    _check_page_rows(page_rows)
    codes = sorted(set(respondents))
    if not codes:
        raise ConfigError("No respondent was named. Name at least one code, such as PACW.")
    batches = list(hours.batches(batch_days))
    size = _group_size(len(batches[0]), request.series_per_respondent, page_rows)
    groups = [tuple(codes[start : start + size]) for start in range(0, len(codes), size)]
    return tuple(
        Window(request.route.id, batch, group, request.types, page_rows)
        for batch in batches
        for group in groups
    )


def count_requests(windows: Iterable[Window], *, metadata: int) -> Ask:
    """Returns what asking for `windows` costs.

    Args:
        windows: The windows that are still to be asked for.
        metadata: Requests for metadata that are to be made as well.
    """
    asked = tuple(windows)
    most = sum(_most_pages(window) for window in asked)
    least = sum(_most_pages(window) if window.types else 1 for window in asked)
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


def _most_pages(window: Window) -> int:
    rows = len(window.hours) * len(window.respondents) * (len(window.types) or len(FUELS))
    return -(-rows // window.page_rows)
