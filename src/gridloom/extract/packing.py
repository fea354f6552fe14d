"""Packing: how many respondents and hours share a window, so that its pages are full. Pure.

A window costs as many requests as it has pages, and its last page is the only one that may be short.
So a window is best either exactly full, or several pages long; not too many, because a window that did
not land is asked for again as a whole. What a window holds never depends on how many hours are asked for
in all: whoever asks for a longer span later finds the earlier windows landed.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from gridloom.grid.routes import FUEL_TYPE_DATA, INTERCHANGE_DATA, REGION_DATA, REGION_SUB_BA_DATA, Route
from gridloom.grid.series import FUELS, REGION_TYPES, RouteRequest

__all__ = ["MOST_PAGES", "most_rows_per_hour", "pack_hours"]

MOST_PAGES: Final = 8
"""Pages of a window at most, as far as its rows can be told."""

_FULL_ENOUGH: Final = 0.99

_TYPICAL: Final = MappingProxyType(
    {FUEL_TYPE_DATA.id: 8, INTERCHANGE_DATA.id: 6, REGION_SUB_BA_DATA.id: 8, REGION_DATA.id: 4}
)
"""Rows of one respondent in one hour when all types are asked for: the mean of the standard eight."""

_MOST: Final = MappingProxyType(
    {
        FUEL_TYPE_DATA.id: len(FUELS),
        # The most that any respondent has are about 20 (BPAT; sub-areas of PJM); some room for new ones.
        INTERCHANGE_DATA.id: 24,
        REGION_SUB_BA_DATA.id: 24,
        REGION_DATA.id: len(REGION_TYPES),
    }
)


def most_rows_per_hour(route: Route) -> int:
    """Returns how many rows one respondent has in one hour of a route at most."""
    return _MOST[route.id]


def pack_hours(request: RouteRequest, respondents: int, page_rows: int) -> tuple[int, int]:
    """Returns how many respondents share a window, and how many hours it has.

    Where the rows per hour are known, it is the smallest number of pages that can be filled to 99 %;
    else so many hours as typically fill `MOST_PAGES` pages.

    Args:
        request: Route and types.
        respondents: How many are asked for.
        page_rows: Rows per request.
    """
    each = request.series_per_respondent or _TYPICAL[request.route.id]
    fitting = max(1, MOST_PAGES * page_rows // each)
    groups = -(-respondents // fitting)
    size = -(-respondents // groups)
    rows_per_hour = size * each
    if request.series_per_respondent is None:
        return size, max(1, MOST_PAGES * page_rows // rows_per_hour)
    return size, _full_hours(rows_per_hour, page_rows)


def _full_hours(rows_per_hour: int, page_rows: int) -> int:
    """Returns the hours that fill the fewest pages well; the best fill where none is good."""
    best_hours, best_fill = 1, 0.0
    for pages in range(1, MOST_PAGES + 1):
        hours = pages * page_rows // rows_per_hour
        fill = hours * rows_per_hour / (pages * page_rows)
        if fill >= _FULL_ENOUGH:
            return hours
        if fill > best_fill:
            best_hours, best_fill = hours, fill
    return best_hours
