"""Lands rows on disk in the format of `gridloom.grid.raw`, without a client or a server."""

from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec

from gridloom.files import digest_bytes, write_atomic
from gridloom.grid.artifacts import LandedWindow, RawPages, WindowSet
from gridloom.grid.hours import HourRange
from gridloom.grid.raw import RECEIPT_NAME, PageReceipt, Receipt, Window, source_folder
from gridloom.grid.routes import ROUTES, Route

ABSENT: Final = object()
"""As a value: the row has no key ``value`` at all."""

SOURCE: Final = "custom:test"


class Row(NamedTuple):
    """One row of an answer; `value` is any JSON value, or `ABSENT`."""

    period: str
    respondent: str
    code: str
    value: Any


def row_object(row: Row, route: Route) -> dict[str, Any]:
    """Returns a row with the API's keys in the API's order."""
    fields = {
        "period": row.period,
        route.respondent_facet: row.respondent,
        route.respondent_label: f'Name, "of" {row.respondent} \u00e9',
        route.type_facet: row.code,
        route.type_label: f"Label of {row.code}",
        "value": row.value,
        "value-units": "megawatthours",
    }
    return {key: fields[key] for key in route.row_fields if fields[key] is not ABSENT}


def answer(rows: Sequence[Row], route: Route, *, total: int | None = None) -> bytes:
    """Returns an answer of the API as bytes."""
    response = {
        "total": str(len(rows) if total is None else total),
        "dateFormat": 'YYYY-MM-DD"T"HH24',
        "frequency": "hourly",
        "data": [row_object(row, route) for row in rows],
        "description": route.description,
    }
    envelope = {"response": response, "request": {"command": "/v2/", "params": {}}, "apiVersion": "2.1.8"}
    return json.dumps(envelope, separators=(",", ":")).encode()


def land_answers(
    out: Path,
    windows: Sequence[Sequence[tuple[bytes, int]]],
    *,
    route_id: str,
    first: str,
    last: str,
    respondents: Sequence[str],
    types: Sequence[str] = (),
    source: str = SOURCE,
    source_first: str = "2019-01-01T00",
    source_last: str = "2100-01-01T00",
) -> RawPages:
    """Lands windows of answers, each with the rows that its receipt shall count."""
    base = out / "raw" / source_folder(source)
    hours = HourRange.of_labels(first, last)
    landed = []
    for number, pages in enumerate(windows):
        # The page size only tells the windows' folders apart; the transform never looks at it.
        window = Window(route_id, hours, tuple(sorted(respondents)), tuple(sorted(types)), number + 1)
        receipts = []
        folder = base / window.digest(source)
        for page_number, (body, rows) in enumerate(pages):
            packed = gzip.compress(body, mtime=0)
            name = f"page-{page_number:04}.json.gz"
            write_atomic(folder / name, packed)
            receipts.append(PageReceipt(name, rows, len(packed), digest_bytes(body), digest_bytes(packed)))
        total = sum(rows for _, rows in pages)
        receipt = Receipt(
            source=source,
            request=window.request(),
            rows=total,
            total=total,
            pages=tuple(receipts),
            api_version="2.1.8",
            fetched_at=datetime(2026, 1, 1, tzinfo=UTC),
        )
        write_atomic(folder / RECEIPT_NAME, msgspec.json.encode(receipt))
        landed.append(LandedWindow(folder.name, receipt.content_digest, total))
    index = WindowSet(
        source=source,
        route=route_id,
        first=first,
        last=last,
        respondents=tuple(sorted(respondents)),
        types=tuple(sorted(types)),
        source_first=source_first,
        source_last=source_last,
        windows=tuple(landed),
    )
    path = base / "sets" / f"{route_id}-{'-'.join(sorted(respondents))}.json"
    write_atomic(path, msgspec.json.encode(index))
    rows = sum(window.rows for window in landed)
    return RawPages.of(path, rows=rows, windows=len(landed), route=route_id)


def land(out: Path, windows: Sequence[Sequence[Sequence[Row]]], *, route_id: str, **facts: Any) -> RawPages:
    """Lands windows of pages of rows; `facts` as of `land_answers`."""
    route = ROUTES[route_id]
    bodies = [[(answer(rows, route), len(rows)) for rows in pages] for pages in windows]
    return land_answers(out, bodies, route_id=route_id, **facts)
