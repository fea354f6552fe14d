"""Pages of a window: decoding them, and the proof that together they are all of it. Pure."""

from __future__ import annotations

import gzip
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import chain
from operator import attrgetter, lt
from typing import Any

import msgspec

from gridloom.errors import IncompleteWindowError, SourceAnswerError
from gridloom.extract.bodies import unpack
from gridloom.files import digest_bytes
from gridloom.grid.hours import HOUR, HourRange, label
from gridloom.grid.raw import Window
from gridloom.grid.routes import ROUTES

__all__ = ["Page", "Proof", "decode_page", "offsets", "pack", "prove"]

_GZIP_LEVEL = 6


@dataclass(frozen=True, slots=True)
class Page:
    """One decoded page.

    Attributes:
        offset: Rows before it, as asked for.
        columns: The key columns, each with the value of every row in the order in which they came.
        total: The source's count of rows in the window.
        api_version: What the API calls itself.
        packed: The scrubbed body as gzip.
        digest: Digest of the scrubbed body.
    """

    offset: int
    columns: tuple[list[str], ...]
    total: int
    api_version: str
    packed: bytes
    digest: str

    @property
    def rows(self) -> int:
        """Number of rows."""
        return len(self.columns[0])


@dataclass(frozen=True, slots=True)
class Proof:
    """What was proven of a window: its rows, in all and of each respondent that has any."""

    rows: int
    rows_by_respondent: dict[str, int]


@cache
def _answer_type(route_id: str) -> Any:
    """Returns the type of a route's answers: version, total and keys; whatever else is there is skipped."""
    names = ROUTES[route_id].key
    row = msgspec.defstruct(
        "Row", [(f"key{place}", str) for place in range(len(names))], rename=dict(_key_names(names)), gc=False
    )
    response = msgspec.defstruct("Response", [("total", int | str), ("data", list[row])])  # type: ignore[valid-type]
    return msgspec.defstruct(
        "Answer",
        [("response", response), ("api_version", Any, ""), ("error", Any, None)],
        rename={"api_version": "apiVersion"},
    )


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
        answer = msgspec.json.decode(body, type=_answer_type(window.route_id))
        if answer.error is not None:
            raise ValueError("it calls itself an error")  # noqa: TRY301 - said in the words below
        total = int(answer.response.total)
    except (msgspec.DecodeError, UnicodeDecodeError, ValueError) as error:
        raise SourceAnswerError(
            f"The answer for {_name(window)} is not what the API promises ({error}). "
            "If --base-url is set, check that it points to an EIA API of version 2."
        ) from error
    return Page(
        offset=offset,
        columns=tuple(
            list(map(attrgetter(name), answer.response.data)) for name, _ in _key_names(window.route.key)
        ),
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
    columns = [
        list(chain.from_iterable(parts)) for parts in zip(*(page.columns for page in pages), strict=True)
    ]
    different = _different(columns)
    if different != total and not _only_labels_repeat(window, pages, total):
        raise _incomplete(window, f"only {different:,} of {total:,} rows are different ones")
    named = dict(zip(window.route.key, columns, strict=True))
    counts = Counter(named[window.route.respondent_facet])
    _check_asked(window, {**named, window.route.respondent_facet: counts})
    return Proof(rows=total, rows_by_respondent=dict(sorted(counts.items())))


def _different(columns: Sequence[Sequence[str]]) -> int:
    """Returns how many different rows columns have; rows in order, as asked for, need no set."""
    rows, following = zip(*columns, strict=True), zip(*columns, strict=True)
    next(following, None)
    if all(map(lt, rows, following)):
        return len(columns[0])
    return len(set(zip(*columns, strict=True)))


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


def _check_asked(window: Window, seen: Mapping[str, Iterable[str]]) -> None:
    """Raises if a row has another period, respondent or type than was asked for."""
    asked = {
        "period": _labels(window.hours),
        window.route.respondent_facet: frozenset(window.respondents),
        window.route.type_facet: frozenset(window.types),
    }
    others: list[str] = []
    for name, allowed in asked.items():
        # Who asks for no types asks for all.
        if allowed and not allowed.issuperset(seen[name]):
            others += sorted(set(seen[name]) - allowed)
    if others:
        raise _incomplete(window, f"the source sent rows that were not asked for ({', '.join(others[:3])})")


@lru_cache(maxsize=8)
def _labels(hours: HourRange) -> frozenset[str]:
    """Returns the labels of a range; windows of one batch ask for the same."""
    return frozenset(label(hours.start + place * HOUR) for place in range(len(hours)))


def _incomplete(window: Window, what: str) -> IncompleteWindowError:
    return IncompleteWindowError(
        f"{_name(window)}: {what}. Run the same command again; only such windows are asked for."
    )


def _name(window: Window) -> str:
    respondents = ",".join(window.respondents[:4]) + (",…" if len(window.respondents) > 4 else "")  # noqa: PLR2004
    return f"{window.route_id} of {respondents}, {window.hours}"
