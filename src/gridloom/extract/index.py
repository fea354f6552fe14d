"""The index of a set of landed windows, and the name that its request gives it."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from gridloom.extract.metadata import Metadata
from gridloom.files import digest_bytes
from gridloom.grid.artifacts import LandedWindow, WindowSet
from gridloom.grid.hours import HourRange
from gridloom.grid.raw import Receipt, Window
from gridloom.grid.series import RouteRequest

__all__ = ["set_name", "window_set"]


def window_set(
    source: str,
    request: RouteRequest,
    hours: HourRange,
    respondents: tuple[str, ...],
    *,
    metadata: Metadata,
    landed: Sequence[tuple[Window, Receipt]],
) -> WindowSet:
    """Returns the index of the windows of one plan.

    Args:
        source: Source identity.
        request: Route and types.
        hours: All periods asked for.
        respondents: Respondent codes, sorted.
        metadata: The route's metadata.
        landed: The windows in the order of the plan, with their receipts.
    """
    return WindowSet(
        source=source,
        route=request.route.id,
        first=hours.first_label,
        last=hours.last_label,
        respondents=respondents,
        types=request.types,
        source_first=metadata.first,
        source_last=metadata.last,
        windows=tuple(
            LandedWindow(window.digest(source), receipt.content_digest, receipt.rows)
            for window, receipt in landed
        ),
    )


def set_name(source: str, windows: Sequence[Window]) -> str:
    """Returns the name of a set: 16 hex digits of the source and of all that is asked."""
    asked = [window.request() for window in windows]
    digest = digest_bytes(msgspec.json.encode([source, asked], order="deterministic"))
    return digest.removeprefix("sha256:")[:16]
