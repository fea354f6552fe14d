"""Pages of a window: decoding them, and the proof that together they are all of it. Pure."""

from __future__ import annotations

import gzip
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import msgspec

from gridloom.errors import ConfigError, IncompleteWindowError, SourceAnswerError
from gridloom.files import digest_bytes
from gridloom.grid.hours import parse_label
from gridloom.grid.raw import Window
from gridloom.grid.routes import ROUTES

__all__ = ["Page", "Proof", "decode_page", "offsets", "pack", "prove"]

_GZIP_LEVEL = 6


@dataclass(frozen=True, slots=True)
class Page:
    """One decoded page.

    Attributes:
        offset: Rows before it, as asked for.
        keys: Full key of each row, in the order in which they came.
        total: The source's count of rows in the window.
        api_version: What the API calls itself.
        packed: The scrubbed body as gzip.
        digest: Digest of the scrubbed body.
    """

    offset: int
    keys: tuple[tuple[str, ...], ...]
    total: int
    api_version: str
    packed: bytes
    digest: str


@dataclass(frozen=True, slots=True)
class Proof:
    """What was proven of a window: its rows, in all and of each respondent that has any."""

    rows: int
    rows_by_respondent: dict[str, int]


class _Envelope(msgspec.Struct, rename={"api_version": "apiVersion"}):
    """The part of an answer that tells its version."""

    response: msgspec.Raw
    api_version: Any = ""


@cache
def _response_type(route_id: str) -> Any:
    """Returns the type of a route's ``response``: total and keys; whatever else is there is skipped."""
    names = ROUTES[route_id].key
    row = msgspec.defstruct(
        "Row", [(f"key{place}", str) for place in range(len(names))], rename=dict(_key_names(names)), gc=False
    )
    return msgspec.defstruct("Response", [("total", int | str), ("data", list[row])])  # type: ignore[valid-type]


def _key_names(names: Sequence[str]) -> list[tuple[str, str]]:
    return [(f"key{place}", name) for place, name in enumerate(names)]


def pack(body: bytes) -> bytes:
    """Returns a body as gzip, the same bytes whenever it is packed."""
    return gzip.compress(body, _GZIP_LEVEL, mtime=0)


def decode_page(window: Window, offset: int, body: bytes, packed: bytes | None) -> Page:
    """Returns the page in a body.

    Args:
        window: The window that it belongs to.
        offset: Rows before it.
        body: The scrubbed answer, uncompressed.
        packed: The same as gzip, where there is one.

    Raises:
        SourceAnswerError: If it is not an answer with rows.
    """
    try:
        envelope = msgspec.json.decode(body, type=_Envelope)
        response = msgspec.json.decode(envelope.response, type=_response_type(window.route_id))
        total = int(response.total)
    except (msgspec.DecodeError, UnicodeDecodeError, ValueError) as error:
        raise SourceAnswerError(
            f"The answer for {_name(window)} is not what the API promises ({error}). "
            "If --base-url is set, check that it points to an EIA API of version 2."
        ) from error
    return Page(
        offset=offset,
        keys=tuple(msgspec.structs.astuple(row) for row in response.data),
        total=total,
        api_version=str(envelope.api_version or ""),
        packed=pack(body) if packed is None else packed,
        digest=digest_bytes(body),
    )


def offsets(window: Window, total: int) -> range:
    """Returns the offsets of the pages after the first one."""
    return range(window.page_rows, total, window.page_rows)


def prove(window: Window, pages: Sequence[Page]) -> Proof:
    """Returns the proof that `pages` hold exactly the rows that the source counts in the window.

    Args:
        window: The window.
        pages: Its pages in order.

    Raises:
        IncompleteWindowError: If the count moved between pages, a page has too few or too many rows,
            a row came twice, or a row was not asked for.
    """
    total = pages[0].total
    for page in pages:
        if page.total != total:
            raise _incomplete(window, f"the source counted {total:,} rows, then {page.total:,}")
        expected = max(0, min(window.page_rows, total - page.offset))
        if len(page.keys) != expected:
            raise _incomplete(
                window, f"the page at row {page.offset:,} has {len(page.keys):,} rows instead of {expected:,}"
            )
    keys = {key for page in pages for key in page.keys}
    if len(keys) != total:
        raise _incomplete(window, f"only {len(keys):,} of {total:,} rows are different ones")
    _check_asked(window, keys)
    respondent = window.route.key.index("respondent")
    counts = Counter(key[respondent] for key in keys)
    return Proof(rows=total, rows_by_respondent=dict(sorted(counts.items())))


def _check_asked(window: Window, keys: set[tuple[str, ...]]) -> None:
    """Raises if a row has another period, respondent or type than was asked for."""
    columns = [set(values) for values in zip(*keys, strict=True)] or [set() for _ in window.route.key]
    seen = dict(zip(window.route.key, columns, strict=True))
    others = sorted(period for period in seen.pop("period") if not _is_asked(window, period))
    others += sorted(seen.pop("respondent") - set(window.respondents))
    if window.types:
        others += sorted(seen.pop(window.route.type_facet) - set(window.types))
    if others:
        raise _incomplete(window, f"the source sent rows that were not asked for ({', '.join(others[:3])})")


def _is_asked(window: Window, period: str) -> bool:
    try:
        return parse_label(period) in window.hours
    except ConfigError:
        return False


def _incomplete(window: Window, what: str) -> IncompleteWindowError:
    return IncompleteWindowError(
        f"{_name(window)}: {what}. Run the same command again; only such windows are asked for."
    )


def _name(window: Window) -> str:
    respondents = ",".join(window.respondents[:4]) + (",…" if len(window.respondents) > 4 else "")  # noqa: PLR2004
    return f"{window.route_id} of {respondents}, {window.hours}"
