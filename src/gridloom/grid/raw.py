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

__all__ = ["RECEIPT_NAME", "PageReceipt", "Receipt", "Window", "read_pages", "read_receipt", "source_folder"]

RECEIPT_NAME: Final = "receipt.json"


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
    """One landed page: its file, rows, size on disk and digest of the uncompressed answer."""

    file: str
    rows: int
    size_bytes: int
    digest: str


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


def read_pages(folder: Path, receipt: Receipt) -> Iterator[bytes]:
    """Yields the uncompressed answers of a landed window in order, each checked against its receipt.

    Raises:
        RawDataError: If a page is gone, truncated or changed.
    """
    for page in receipt.pages:
        path = folder / page.file
        with storage_errors("read", path):
            packed = path.read_bytes() if path.exists() else b""
        if len(packed) != page.size_bytes:
            raise RawDataError(
                f"The page {path} has {len(packed):,} bytes instead of {page.size_bytes:,}. {_REPAIR}"
            )
        try:
            body = gzip.decompress(packed)
        except (OSError, EOFError, zlib.error) as error:
            raise RawDataError(f"The page {path} is not readable gzip ({error}). {_REPAIR}") from error
        if digest_bytes(body) != page.digest:
            raise RawDataError(f"The page {path} was changed after it landed. {_REPAIR}")
        yield body


_REPAIR = "Delete its folder and run the same command again: only that window is asked for."
