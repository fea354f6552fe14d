"""The landed page format: how raw API answers stand on disk, and the receipts that prove them.

::

    raw/<source folder>/<request digest>/page-0000.json.gz ...   the answers, gzip, key scrubbed
    raw/<source folder>/<request digest>/receipt.json            rows, total, digests, time of fetch

A window's folder appears by one rename after its rows were counted. Its name is the digest of source
and request, so pages of one source never answer for another.
"""

from __future__ import annotations

import gzip
import hashlib
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import msgspec

from gridloom.errors import RawDataError
from gridloom.files import digest_bytes, storage_errors
from gridloom.grid.hours import HourRange
from gridloom.grid.routes import ROUTES, Route

__all__ = [
    "RECEIPT_NAME",
    "PageReceipt",
    "Receipt",
    "Window",
    "check_pages",
    "read_pages",
    "read_receipt",
    "source_folder",
    "unpack",
]

RECEIPT_NAME: Final = "receipt.json"

_GZIP_WINDOW: Final = 31
_GZIP_START: Final = b"\x1f\x8b\x08"
_DENSEST: Final = 1032  # bytes that deflate can make of one


@dataclass(frozen=True, slots=True)
class Window:
    """One request window: a span of hours of some respondents and types on one route.

    Attributes:
        route_id: Id of the route.
        hours: The periods asked for.
        respondents: Respondent codes, sorted.
        types: Codes of the route's type facet, sorted; empty asks for all.
        page_rows: Rows asked for per request.
    """

    route_id: str
    hours: HourRange
    respondents: tuple[str, ...]
    types: tuple[str, ...]
    page_rows: int

    @property
    def route(self) -> Route:
        """The window's route."""
        return ROUTES[self.route_id]

    def request(self) -> dict[str, Any]:
        """Returns what is asked, as plain data: the base of the digest and of the query."""
        facets = {self.route.respondent_facet: list(self.respondents)}
        if self.types:
            facets[self.route.type_facet] = list(self.types)
        return {
            "route": self.route_id,
            "frequency": "hourly",
            "data": ["value"],
            "facets": facets,
            "start": self.hours.first_label,
            "end": self.hours.last_label,
            "sort": list(self.route.key),
            "length": self.page_rows,
        }

    def digest(self, source: str) -> str:
        """Returns the name of this window's folder: 32 hex digits of source and request."""
        text = msgspec.json.encode({"source": source, **self.request()}, order="deterministic")
        return hashlib.sha256(text).hexdigest()[:32]


class PageReceipt(msgspec.Struct, frozen=True):
    """One landed page.

    Attributes:
        file: Its file.
        rows: Its rows.
        size_bytes: Size of the file.
        digest: Digest of the uncompressed answer, whatever packed it.
        file_digest: Digest of the file, which tells without unpacking that it is as it was; empty where
            an earlier version landed it.
    """

    file: str
    rows: int
    size_bytes: int
    digest: str
    file_digest: str = ""


class Receipt(msgspec.Struct, frozen=True):
    """Proof of a landed window: ``rows`` of the source's ``total``, page by page.

    Attributes:
        source: Source identity.
        request: What was asked, see `Window.request`.
        rows: Rows in all pages, each with another key.
        total: The source's count of rows in the window, the same on every page.
        pages: The pages, in order.
        api_version: What the API calls itself; empty where it does not say.
        fetched_at: When it landed.
        rows_by_respondent: Rows of each respondent that has any, sorted by code.
    """

    source: str
    request: dict[str, Any]
    rows: int
    total: int
    pages: tuple[PageReceipt, ...]
    api_version: str
    fetched_at: datetime
    rows_by_respondent: dict[str, int] = msgspec.field(default_factory=dict)
    format: int = 1

    @property
    def content_digest(self) -> str:
        """Digest of request and page contents; the time of fetch is no part of it."""
        content = [self.request, self.rows, self.total, [page.digest for page in self.pages]]
        return digest_bytes(msgspec.json.encode(content, order="deterministic"))


def source_folder(source: str) -> str:
    """Returns the folder name of a source identity, such as ``sample-1f0c…`` for ``sample:1f0c…``."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", source)


def read_receipt(folder: Path) -> Receipt:
    """Returns the receipt of a landed window, which proves that the window is whole.

    Raises:
        RawDataError: If it is absent or damaged, or proves fewer or more rows than the source counted.
    """
    path = folder / RECEIPT_NAME
    if not path.exists():
        raise RawDataError(f"The receipt {path} is gone. {_REPAIR}")
    try:
        with storage_errors("read", path):
            receipt = msgspec.json.decode(path.read_bytes(), type=Receipt)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise RawDataError(f"The receipt {path} is damaged ({error}). {_REPAIR}") from error
    paged = sum(page.rows for page in receipt.pages)
    if not paged == receipt.rows == receipt.total:
        raise RawDataError(
            f"The receipt {path} proves {paged:,} of {receipt.total:,} rows ({receipt.rows:,} by its own "
            f"count). {_REPAIR}"
        )
    return receipt


def unpack(packed: bytes) -> bytes:
    """Returns what was packed as gzip.

    Raises:
        OSError: If it is not gzip; ``zlib.error`` or ``EOFError`` if it is broken or broken off.
    """
    # A stream ends with its size. To be told it spares zlib to grow its buffer: half the time of a page.
    size = int.from_bytes(packed[-4:], "little")
    alone = packed.find(_GZIP_START, 1) < 0
    if alone and 0 < size <= _DENSEST * len(packed):
        body = zlib.decompress(packed, _GZIP_WINDOW, size)
        if len(body) == size:
            return body
    # Several streams in one are allowed, and rare.
    return gzip.decompress(packed)


def check_pages(folder: Path, receipt: Receipt) -> None:
    """Raises unless every page of a landed window is as its receipt says.

    Raises:
        RawDataError: If a page is gone, truncated or changed.
    """
    for page in receipt.pages:
        packed = _read_page(folder / page.file, page)
        if not page.file_digest:
            _unpack_page(folder / page.file, packed, page)


def read_pages(folder: Path, receipt: Receipt) -> Iterator[bytes]:
    """Yields the uncompressed answers of a landed window in order, each checked against its receipt.

    Raises:
        RawDataError: If a page is gone, truncated or changed.
    """
    for page in receipt.pages:
        path = folder / page.file
        yield _unpack_page(path, _read_page(path, page), page)


def _read_page(path: Path, page: PageReceipt) -> bytes:
    """Returns a page's file, which is the one that landed as far as can be told without unpacking it."""
    with storage_errors("read", path):
        packed = path.read_bytes() if path.exists() else b""
    if len(packed) != page.size_bytes:
        raise RawDataError(
            f"The page {path} has {len(packed):,} bytes instead of {page.size_bytes:,}. {_REPAIR}"
        )
    if page.file_digest and digest_bytes(packed) != page.file_digest:
        raise RawDataError(f"The page {path} was changed after it landed. {_REPAIR}")
    return packed


def _unpack_page(path: Path, packed: bytes, page: PageReceipt) -> bytes:
    try:
        body = unpack(packed)
    except (OSError, EOFError, zlib.error) as error:
        raise RawDataError(f"The page {path} is not readable gzip ({error}). {_REPAIR}") from error
    if not page.file_digest and digest_bytes(body) != page.digest:
        raise RawDataError(f"The page {path} was changed after it landed. {_REPAIR}")
    return body


_REPAIR = "Run the same command again: only that window is asked for."
