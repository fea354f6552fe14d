"""Pages of a window: decoding them, and the proof that together they are all of it. Pure."""

from __future__ import annotations

import gzip
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import islice
from operator import attrgetter, lt
from typing import Any

import msgspec

from gridloom.errors import IncompleteWindowError, SourceAnswerError
from gridloom.files import digest_bytes
from gridloom.grid.hours import HourRange
from gridloom.grid.raw import Window, unpack
from gridloom.grid.routes import ROUTES

__all__ = ["Page", "Proof", "decode_page", "offsets", "pack", "prove"]

_GZIP_LEVEL = 6


@dataclass(frozen=True, slots=True)
class Page:
    """One decoded page, and what the proof needs of its rows.

    Attributes:
        offset: Rows before it, as asked for.
        rows: Number of rows.
        ends: The full keys of its first and its last row, where every row is larger than the one before;
            none where it has no rows, or they stand in another order.
        respondents: Rows of each respondent.
        strange: Periods, respondents and types that were not asked for.
        total: The source's count of rows in the window.
        api_version: What the API calls itself.
        packed: The scrubbed body as gzip.
        digest: Digest of the scrubbed body.
    """

    offset: int
    rows: int
    ends: tuple[Any, ...]
    respondents: Counter[str]
    strange: tuple[str, ...]
    total: int
    api_version: str
    packed: bytes
    digest: str


@dataclass(frozen=True, slots=True)
class Proof:
    """What was proven of a window: its rows, in all and of each respondent that has any."""

    rows: int
    rows_by_respondent: dict[str, int]


@cache
def _answer_type(route_id: str) -> Any:
    """Returns the type of a route's answers: version, total and keys; whatever else is there is skipped."""
    route = ROUTES[route_id]
    columns = {"period": "period", "respondent": route.respondent_facet, "type": route.type_facet}
    # Frozen, so that rows can be told apart as they are; what never refers to itself need not be watched.
    row = msgspec.defstruct(
        "Row", [(field, str) for field in columns], rename=columns, frozen=True, order=True, gc=False
    )
    response = msgspec.defstruct("Response", [("total", int | str), ("data", list[row])])  # type: ignore[valid-type]
    return msgspec.defstruct(
        "Answer",
        [("response", response), ("api_version", Any, ""), ("error", Any, None)],
        rename={"api_version": "apiVersion"},
    )


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
        answer = msgspec.json.decode(body, type=_answer_type(window.route_id))
        if answer.error is not None:
            raise ValueError("it calls itself an error")  # noqa: TRY301 - said in the words below
        total = int(answer.response.total)
    except (msgspec.DecodeError, UnicodeDecodeError, ValueError) as error:
        raise SourceAnswerError(
            f"The answer for {_name(window)} is not what the API promises ({error}). "
            "If --base-url is set, check that it points to an EIA API of version 2."
        ) from error
    rows = answer.response.data
    # Rows come in order, as asked for; then its ends say as much as a set of all keys, for far less memory.
    rising = all(map(lt, rows, islice(rows, 1, None)))
    respondents = Counter(map(attrgetter("respondent"), rows))
    return Page(
        offset=offset,
        rows=len(rows),
        ends=(rows[0], rows[-1]) if rising and rows else (),
        respondents=respondents,
        strange=_strange(window, rows, respondents),
        total=total,
        api_version=str(answer.api_version or ""),
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
            a row came twice, or a row was not asked for. The same code under two labels with one value
            is no row that came twice: EIA's labels drift, and its count has both.
    """
    total = pages[0].total
    for page in pages:
        if page.total != total:
            raise _incomplete(window, f"the source counted {total:,} rows, then {page.total:,}")
        expected = max(0, min(window.page_rows, total - page.offset))
        if page.rows != expected:
            raise _incomplete(
                window, f"the page at row {page.offset:,} has {page.rows:,} rows instead of {expected:,}"
            )
    different = _different(window, pages)
    if different != total and not _only_labels_repeat(window, pages, total):
        raise _incomplete(window, f"only {different:,} of {total:,} rows are different ones")
    if strange := [name for page in pages for name in page.strange]:
        raise _incomplete(window, f"the source sent rows that were not asked for ({', '.join(strange[:3])})")
    counts = sum((page.respondents for page in pages), Counter[str]())
    return Proof(rows=total, rows_by_respondent=dict(sorted(counts.items())))


def _different(window: Window, pages: Sequence[Page]) -> int:
    """Returns how many different rows pages have; rows in order, as asked for, need no set."""
    ends = [key for page in pages for key in page.ends]
    if all(page.ends or not page.rows for page in pages) and all(map(lt, ends[1::2], ends[2::2])):
        return sum(page.rows for page in pages)
    kind = _answer_type(window.route_id)
    return len(
        {row for page in pages for row in msgspec.json.decode(unpack(page.packed), type=kind).response.data}
    )


def _only_labels_repeat(window: Window, pages: Sequence[Page], total: int) -> bool:
    """Returns whether rows of one key differ in their labels and in nothing else.

    A row that came twice because the order moved between pages is the same in every field, and stands
    for another one that never came.
    """
    rows: set[tuple[tuple[str, Any], ...]] = set()
    values: dict[tuple[Any, ...], Any] = {}
    for page in pages:
        for row in msgspec.json.decode(unpack(page.packed))["response"]["data"]:
            rows.add(tuple(sorted(row.items())))
            key = tuple(row[name] for name in window.route.key)
            if values.setdefault(key, row.get("value")) != row.get("value"):
                return False
    return len(rows) == total


def _strange(window: Window, rows: Sequence[Any], respondents: Iterable[str]) -> tuple[str, ...]:
    """Returns the periods, respondents and types of rows that were not asked for."""
    types = frozenset(window.types)
    return (
        *sorted(frozenset(map(attrgetter("period"), rows)) - _labels(window.hours)),
        *sorted(frozenset(respondents).difference(window.respondents)),
        # Who asks for no types asks for all.
        *sorted(frozenset(map(attrgetter("type"), rows)) - types if types else ()),
    )


@lru_cache(maxsize=8)
def _labels(hours: HourRange) -> frozenset[str]:
    """Returns the labels of a range; windows of one batch ask for the same."""
    return frozenset(hours.labels())


def _incomplete(window: Window, what: str) -> IncompleteWindowError:
    return IncompleteWindowError(
        f"{_name(window)}: {what}. Run the same command again; only such windows are asked for."
    )


def _name(window: Window) -> str:
    respondents = ",".join(window.respondents[:4]) + (",…" if len(window.respondents) > 4 else "")  # noqa: PLR2004
    return f"{window.route_id} of {respondents}, {window.hours}"
