"""A survey of what has landed: which windows stand, which must be asked for, and why. No network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from gridloom.extract.metadata import Metadata
from gridloom.extract.plan import Ask, count_requests
from gridloom.extract.store import RawStore, is_due
from gridloom.grid.hours import HourRange
from gridloom.grid.raw import Receipt, Window
from gridloom.grid.routes import Route
from gridloom.words import several

__all__ = ["Survey", "due_reason", "survey"]


@dataclass(frozen=True, slots=True)
class Survey:
    """What stands on disk, and what is left to ask.

    Attributes:
        standing: Windows that landed and need not be asked for again.
        left: The other windows, in the order of the plan.
        metadata: The route's metadata; None where it must be asked for.
        looked_at: When this was found.
    """

    standing: dict[Window, Receipt]
    left: tuple[Window, ...]
    metadata: Metadata | None
    looked_at: datetime | None = None

    @property
    def ask(self) -> Ask:
        """What is left to ask, counted."""
        return count_requests(self.left, metadata=int(self.metadata is None), now=self.looked_at)


def survey(
    store: RawStore,
    route: Route,
    hours: HourRange,
    windows: Sequence[Window],
    *,
    refresh_days: int,
    force: bool = False,
) -> Survey:
    """Returns what of a plan stands on disk. This decides for the plan and for the run alike.

    Args:
        store: The store.
        route: The route.
        hours: All periods asked for.
        windows: The plan.
        refresh_days: Days for which the source revises an hour.
        force: Whether everything is to be asked for again.

    Raises:
        StorageError: If the disk refuses to be read.
    """
    now = store.now()
    if force:
        return Survey({}, tuple(windows), None, now)
    standing: dict[Window, Receipt] = {}
    for window in windows:
        receipt = store.landed(window)
        if receipt and not is_due(window.hours, receipt.fetched_at, now, refresh_days):
            standing[window] = receipt
    metadata = store.metadata(route)
    if metadata and is_due(hours, metadata.fetched_at, now, refresh_days):
        metadata = None
    return Survey(standing, tuple(window for window in windows if window not in standing), metadata, now)


def due_reason(found: Survey, windows: Sequence[Window]) -> str | None:
    """Returns why something must be asked again although it landed once; None if nothing must.

    Args:
        found: The survey.
        windows: The plan.
    """
    if found.left:
        last = max(window.hours.last_label for window in found.left)
        return (
            f"{len(found.left)} of {several(len(windows), 'window')}, up to {last}, fetched so soon after "
            "the last hour that the source may have revised what it gave"
        )
    if found.metadata is None:
        return "the source may have newer hours than when its metadata was fetched"
    return None
