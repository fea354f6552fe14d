"""Revisions: what a source changed in a window between two fetches, row by row.

The note of it lands with the window, so that it is not lost with a run that is killed, and stays until a
run that came to its end has reported it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from functools import cache
from typing import Any, Final, Self

import msgspec

from gridloom.finding import Finding
from gridloom.grid.hours import label
from gridloom.grid.raw import Window
from gridloom.grid.routes import ROUTES

__all__ = ["REVISION_NAME", "Revision", "compare", "revision_finding"]

REVISION_NAME: Final = "revision.json"
"""Name of the note in a landed window's folder."""

_WHY: Final = "EIA revises hours after it published them; a table made before has the values of that time."

Key = tuple[str, ...]


class Revision(msgspec.Struct, frozen=True):
    """What changed since an earlier fetch, in hours of one series each.

    Attributes:
        since: When the earlier fetch was.
        values: Another value.
        nulls: A value where none was, or none where one was.
        appeared: A row between others, or in a series, that was not there.
        vanished: A row that is not there any more.
        new: Rows after the last one of that time: nothing was revised, time went on.
    """

    since: datetime
    values: int = 0
    nulls: int = 0
    appeared: int = 0
    vanished: int = 0
    new: int = 0

    @property
    def revised(self) -> int:
        """Hours that are other than they were."""
        return self.values + self.nulls + self.appeared + self.vanished

    def plus(self, other: Revision) -> Self:
        """Returns both together, since the earlier of the two."""
        names = ("values", "nulls", "appeared", "vanished", "new")
        counts = {name: getattr(self, name) + getattr(other, name) for name in names}
        return type(self)(since=min(self.since, other.since), **counts)


class _Response(msgspec.Struct):
    """The rows, still to be read."""

    data: msgspec.Raw


class _Answer(msgspec.Struct):
    """The outermost member of an answer."""

    response: _Response


@cache
def _rows_type(route_id: str) -> Any:
    names = ROUTES[route_id].key
    fields = [(f"key{place}", str) for place in range(len(names))]
    rename = {f"key{place}": name for place, name in enumerate(names)}
    row = msgspec.defstruct("Row", [*fields, ("value", str | float | None, None)], rename=rename, gc=False)
    return list[row]  # type: ignore[valid-type]


def _values(route_id: str, bodies: Iterable[bytes]) -> Iterator[tuple[Key, float | str | None]]:
    for body in bodies:
        rows = msgspec.json.decode(body, type=_Answer).response.data
        for row in msgspec.json.decode(rows, type=_rows_type(route_id)):
            *key, value = msgspec.structs.astuple(row)
            yield tuple(key), _number(value)


def _number(value: str | float | None) -> float | str | None:
    """Returns a value so that ``"7"``, ``7`` and ``7.0`` are the same; what is no number stays as it is."""
    try:
        return None if value is None else float(value)
    except ValueError:
        return value


def compare(window: Window, since: datetime, before: Iterable[bytes], after: Iterable[bytes]) -> Revision:
    """Returns what changed in a window.

    Args:
        window: The window.
        since: When it was fetched before.
        before: Its answers of then.
        after: Its answers of now.
    """
    old = dict(_values(window.route_id, before))
    last: dict[Key, str] = {}
    for key in old:
        last[key[1:]] = max(last.get(key[1:], ""), key[0])
    fetched = label(since.replace(minute=0, second=0, microsecond=0))
    counts = dict.fromkeys(("values", "nulls", "appeared", "new"), 0)
    for key, value in _values(window.route_id, after):
        if key not in old:
            counts["new" if key[0] > last.get(key[1:], fetched) else "appeared"] += 1
            continue
        was = old.pop(key)
        if was != value:
            counts["nulls" if None in (was, value) else "values"] += 1
    return Revision(since=since, vanished=len(old), **counts)


def revision_finding(revision: Revision) -> Finding:
    """Returns what to report of a revision."""
    kinds = {
        "with another value": revision.values,
        "that had or have no value": revision.nulls,
        "that were not there": revision.appeared,
        "that are gone": revision.vanished,
    }
    told = ", ".join(f"{hours:,} {kind}" for kind, hours in kinds.items() if hours)
    new = f" New: {_hours(revision.new)}." if revision.new else ""
    return Finding(
        name="hours-revised",
        why=_WHY,
        required=False,
        passed=not revision.revised,
        detail=f"{_hours(revision.revised)} revised since {revision.since:%Y-%m-%d}"
        + (f": {told}." if told else ".")
        + new,
    )


def _hours(count: int) -> str:
    return f"{count:,} hour" if count == 1 else f"{count:,} hours"
