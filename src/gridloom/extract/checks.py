"""Checks on what a source has and sent, and the estimate of what is still to come. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from gridloom.errors import NoDataError
from gridloom.extract.metadata import Metadata
from gridloom.finding import Finding
from gridloom.grid.hours import HourRange
from gridloom.grid.raw import Receipt, Window
from gridloom.grid.routes import REGION_DATA

__all__ = ["check_hours", "expected_rows", "rows_present"]

_WHY: Final = "A respondent without rows is a wrong code, or reports none of this series."


def check_hours(metadata: Metadata, hours: HourRange) -> None:
    """Raises if the source has none of the hours asked for.

    Raises:
        NoDataError: With the hours that it has.
    """
    if hours.intersection(metadata.hours) is None:
        raise NoDataError(
            f"The source has {metadata.hours} of {metadata.route}, you asked for {hours}. "
            "Ask for hours within that."
        )


def rows_present(respondents: Sequence[str], receipts: Iterable[Receipt]) -> list[Finding]:
    """Returns a finding for each respondent without any row, or one that says that all have some.

    Args:
        respondents: Codes asked for.
        receipts: The windows that answer it.
    """
    present: set[str] = set()
    spans: list[tuple[str, str, str]] = []
    for receipt in receipts:
        present.update(receipt.rows_by_respondent)
        request = receipt.request
        spans.append((str(request["start"]), str(request["end"]), str(request["route"])))
    empty = [code for code in respondents if code not in present]
    if not empty:
        detail = (
            f"{respondents[0]} has rows"
            if len(respondents) == 1
            else f"all {len(respondents)} respondents have rows"
        )
        return [Finding(name="rows-present", why=_WHY, required=False, passed=True, detail=detail)]
    asked = f"{spans[0][2]} from {min(span[0] for span in spans)} to {max(span[1] for span in spans)}"
    return [
        Finding(
            name="rows-present",
            why=_WHY,
            required=False,
            passed=False,
            detail=f"{code}: the source has no rows of {asked}",
        )
        for code in empty
    ]


def expected_rows(windows: Sequence[Window], receipts: Mapping[Window, Receipt]) -> int | None:
    """Returns the rows that the windows will have in all, as far as can be told; None if it cannot yet.

    Args:
        windows: The plan.
        receipts: Those of them that have landed.
    """
    rows = sum(receipt.rows for receipt in receipts.values())
    open_hours = sum(_series_hours(window) for window in windows if window not in receipts)
    if open_hours == 0:
        return rows
    if all(window.route is REGION_DATA for window in windows):
        return rows + open_hours
    seen_hours = sum(_series_hours(window) for window in receipts)
    return rows + round(open_hours * rows / seen_hours) if seen_hours else None


def _series_hours(window: Window) -> int:
    return len(window.hours) * len(window.respondents) * max(1, len(window.types))
