"""Landed windows, as the cache and lineage see them: what a set of them takes, and which sets hold a page."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec

from gridloom.artifact import Artifact
from gridloom.dag.lineage import trace
from gridloom.errors import RawDataError, UsageError
from gridloom.grid.artifacts import RawPages, WindowSet
from gridloom.grid.raw import Receipt, check_pages, read_receipt
from gridloom.grid.routes import ROUTES

__all__ = ["kept_artifact", "trace_file"]

_OF_SET: Final = {"windows", "route"}
_RAW: Final = "raw"


def kept_artifact(record: dict[str, Any], out: Path) -> Artifact:
    """Returns the artifact of a record of the cache; one of raw pages stands for its windows too.

    Args:
        record: The record.
        out: The output folder.
    """
    if record.keys() >= _OF_SET:
        try:
            return RawPages.from_json(record, out)
        except msgspec.ValidationError:
            pass  # of a step of somebody else's
    return Artifact(path=out / record["path"], digest=record["digest"], size_bytes=record["size_bytes"])


def trace_file(out: Path, file: Path) -> dict[str, Any]:
    """Returns what is known of a file as `trace` does, and of a landed window or a file in it as well.

    Of those: ``path``, ``state``, ``window`` (what was asked, how many rows came, and when), and
    ``held_by``, the lineage of every set that holds the window.

    Raises:
        UsageError: If no step made it, and it is no landed window.
        RawDataError: If the record store or the window's receipt is damaged.
    """
    place = Path(os.path.relpath(file.resolve(), out.resolve()))
    if place.parts[:1] != (_RAW,) or len(place.parts) not in {3, 4}:
        return trace(out, file)
    folder = out / Path(*place.parts[:3])
    if not (folder / "receipt.json").is_file():
        return trace(out, file)
    receipt = read_receipt(folder)
    return {
        "path": place.as_posix(),
        "state": _state(folder, receipt),
        "window": _window(receipt),
        "held_by": list(_held_by(out, folder)),
    }


def _state(folder: Path, receipt: Receipt) -> str:
    try:
        check_pages(folder, receipt)
    except RawDataError:
        return "changed"
    return "unchanged"


def _window(receipt: Receipt) -> dict[str, Any]:
    asked = receipt.request
    route = ROUTES[asked["route"]]
    return {
        "source": receipt.source,
        "route": route.id,
        "respondents": asked["facets"].get(route.respondent_facet, []),
        "types": asked["facets"].get(route.type_facet, []),
        "first": asked["start"],
        "last": asked["end"],
        "rows": receipt.rows,
        "fetched_at": receipt.fetched_at.isoformat(),
    }


def _held_by(out: Path, folder: Path) -> Iterator[dict[str, Any]]:
    """Gives the lineage of every index that holds a window and whose step is on record."""
    for path in sorted((folder.parent / "sets").glob("*.json")):
        try:
            index = msgspec.json.decode(path.read_bytes(), type=WindowSet)
            if any(window.folder == folder.name for window in index.windows):
                yield trace(out, path)
        except (OSError, msgspec.DecodeError, UnicodeDecodeError, UsageError):
            continue
