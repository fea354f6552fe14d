"""The store of raw answers on disk: landing windows whole, finding them again, knowing which are due.

::

    raw/<source folder>/<digest>/             one landed window (format in `gridloom.grid.raw`), and a
                                              note of what was revised where it was asked for again
    raw/<source folder>/metadata/<route>.json the route's metadata
"""

from __future__ import annotations

import errno
import secrets
import shutil
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import msgspec

from gridloom.errors import RawDataError, StorageError
from gridloom.extract.metadata import Metadata
from gridloom.extract.pages import Page, Proof
from gridloom.extract.revisions import REVISION_NAME, Revision, compare
from gridloom.files import (
    STAGING_PREFIX,
    digest_bytes,
    publish,
    storage_errors,
    sync_folder,
    write_atomic,
    write_folder,
)
from gridloom.grid.hours import HOUR, HourRange
from gridloom.grid.raw import (
    RECEIPT_NAME,
    PageReceipt,
    Receipt,
    Window,
    check_pages,
    read_pages,
    read_receipt,
    unpack,
)
from gridloom.grid.routes import Route

__all__ = ["RawStore", "is_due", "utc_now"]

_SETTLED_AFTER: Final = timedelta(hours=6)
_PLACE_TRIES: Final = 5
_MOVED_BY_ANOTHER: Final = {errno.ENOENT, errno.ENOTEMPTY, errno.EEXIST}


def utc_now() -> datetime:
    """Returns the time, to the second."""
    return datetime.now(UTC).replace(microsecond=0)


def is_due(hours: HourRange, fetched_at: datetime, now: datetime, refresh_days: int) -> bool:
    """Returns whether an answer may have been revised since, so that it is asked for again.

    It is where it was fetched less than `refresh_days` after its last hour, and more than six hours ago.

    Args:
        hours: The periods of the answer.
        fetched_at: When it was fetched.
        now: The time.
        refresh_days: Days for which the source revises an hour.
    """
    revised_until = hours.stop - HOUR + timedelta(days=refresh_days)
    return fetched_at < revised_until and now - fetched_at > _SETTLED_AFTER


def _renewed(standing: Receipt, fetched_at: datetime, staged: Path, final: Path) -> Receipt:
    """Returns the receipt of a window that stands, with a new time of fetch; its pages stay as they are."""
    if (staged / REVISION_NAME).exists():
        (staged / REVISION_NAME).replace(final / REVISION_NAME)
    renewed = msgspec.structs.replace(standing, fetched_at=fetched_at)
    path = staged / "renewed.json"
    path.write_bytes(msgspec.json.encode(renewed))
    path.replace(final / RECEIPT_NAME)
    return renewed


class RawStore:
    """Landed answers of one source.

    Args:
        folder: The source's folder, ``raw/<source folder>``.
        source: Source identity.
        staging: Where answers are written before they land, on the same disk, and cleared by whoever owns
            it; by default `folder`.
        now: The clock.
    """

    def __init__(
        self,
        folder: Path,
        source: str,
        *,
        staging: Path | None = None,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self.folder = folder
        self.source = source
        self.now = now
        self._staging = staging or folder

    def landed(self, window: Window) -> Receipt | None:
        """Returns the receipt of a window where it stands whole on disk, else None.

        Every page is read and checked: a truncated or changed one is as good as none.

        Raises:
            StorageError: If the disk refuses to be read.
        """
        folder = self.folder / window.digest(self.source)
        if not (folder / RECEIPT_NAME).is_file():
            return None
        try:
            receipt = read_receipt(folder)
            check_pages(folder, receipt)
        except RawDataError:
            return None
        return receipt if (receipt.source, receipt.request) == (self.source, window.request()) else None

    def land(self, window: Window, pages: Sequence[Page], proof: Proof) -> Receipt:
        """Writes a proven window, whole or not at all, and returns its receipt.

        Where it had landed before, a note of what was revised lands with it. Where the same answer stands
        already, of an earlier run or of one that works beside this one, only the time of fetch is renewed.
        Another one is moved aside first; if that is where everything ends, the window is asked for again.

        Raises:
            StorageError: If the disk refuses; nothing is left behind then.
        """
        final = self.folder / window.digest(self.source)
        staged = self._staging / f"{STAGING_PREFIX}{final.name}-{secrets.token_hex(4)}"
        names = [f"page-{place:04d}.json.gz" for place in range(len(pages))]
        receipt = Receipt(
            source=self.source,
            request=window.request(),
            rows=proof.rows,
            total=pages[0].total,
            pages=tuple(
                PageReceipt(name, page.rows, len(page.packed), page.digest, digest_bytes(page.packed))
                for name, page in zip(names, pages, strict=True)
            ),
            api_version=pages[0].api_version,
            fetched_at=self.now(),
            rows_by_respondent=proof.rows_by_respondent,
        )
        files = {name: page.packed for name, page in zip(names, pages, strict=True)}
        if revision := self._revision(window, receipt, pages):
            files[REVISION_NAME] = msgspec.json.encode(revision)
        files[RECEIPT_NAME] = msgspec.json.encode(receipt)
        try:
            write_folder(staged, files)
            return self._place(window, receipt, staged, final)
        finally:
            shutil.rmtree(staged, ignore_errors=True)

    def settle(self) -> None:
        """Makes what has landed last: it stands even after a power cut when this returns.

        Raises:
            StorageError: If the disk refuses.
        """
        if self.folder.is_dir():
            sync_folder(self.folder)

    def _place(self, window: Window, receipt: Receipt, staged: Path, final: Path) -> Receipt:
        """Moves a staged window to its place, where another run may be doing the same."""
        aside = staged.with_name(f"{staged.name}-aside")
        for tries_left in reversed(range(_PLACE_TRIES)):
            try:
                with storage_errors("write", final):
                    standing = self.landed(window)
                    if standing and standing.content_digest == receipt.content_digest:
                        return _renewed(standing, receipt.fetched_at, staged, final)
                    if final.exists():
                        final.replace(aside)
                    final.parent.mkdir(parents=True, exist_ok=True)
                    staged.replace(final)
            except (FileNotFoundError, StorageError) as error:
                cause = error.__cause__ or error
                moved = isinstance(cause, OSError) and cause.errno in _MOVED_BY_ANOTHER
                if not (moved and tries_left):
                    raise
            else:
                return receipt
            finally:
                shutil.rmtree(aside, ignore_errors=True)
        raise AssertionError  # the last try returns or raises

    def _revision(self, window: Window, receipt: Receipt, pages: Sequence[Page]) -> Revision | None:
        """Returns what a new fetch changed since the one that stands and was last reported, if any does."""
        before = self.landed(window)
        if before is None:
            return None
        folder = self.folder / window.digest(self.source)
        if before.content_digest == receipt.content_digest:
            found = Revision(since=before.fetched_at)
        else:
            after = (unpack(page.packed) for page in pages)
            found = compare(window, before.fetched_at, read_pages(folder, before), after)
        noted = self._noted(window)
        return found.plus(noted) if noted else found

    def _noted(self, window: Window) -> Revision | None:
        path = self.folder / window.digest(self.source) / REVISION_NAME
        try:
            with storage_errors("read", path):
                return msgspec.json.decode(path.read_bytes(), type=Revision) if path.is_file() else None
        except (msgspec.DecodeError, UnicodeDecodeError):
            return None

    def revision(self, windows: Iterable[Window]) -> Revision | None:
        """Returns what was revised in windows that were asked for again, and is not reported yet.

        None where none was asked for again.

        Raises:
            StorageError: If the disk refuses to be read.
        """
        found: Revision | None = None
        for window in windows:
            if noted := self._noted(window):
                found = found.plus(noted) if found else noted
        return found

    def forget_revisions(self, windows: Iterable[Window]) -> None:
        """Removes the notes of revisions, which are reported now.

        Raises:
            StorageError: If the disk refuses.
        """
        for window in windows:
            path = self.folder / window.digest(self.source) / REVISION_NAME
            with storage_errors("remove", path):
                path.unlink(missing_ok=True)

    def metadata(self, route: Route) -> Metadata | None:
        """Returns a route's landed metadata, or None where there is none that can be read.

        Raises:
            StorageError: If the disk refuses to be read.
        """
        path = self._metadata_path(route)
        if not path.is_file():
            return None
        try:
            with storage_errors("read", path):
                found = msgspec.json.decode(path.read_bytes(), type=Metadata)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return None
        return found if (found.source, found.route) == (self.source, route.id) else None

    def land_metadata(self, route: Route, body: bytes) -> Metadata:
        """Writes a route's metadata and returns it.

        Args:
            route: The route.
            body: The scrubbed answer.

        Raises:
            SourceAnswerError: If the answer names no first and last period.
            StorageError: If the disk refuses.
        """
        metadata = Metadata.of_answer(body, source=self.source, route=route, fetched_at=self.now())
        path = self._metadata_path(route)
        staged = self._staging / f"{STAGING_PREFIX}{route.id}-{secrets.token_hex(4)}"
        try:
            write_atomic(staged, msgspec.json.encode(metadata))
            publish(staged, path)
        finally:
            staged.unlink(missing_ok=True)
        return metadata

    def _metadata_path(self, route: Route) -> Path:
        return self.folder / "metadata" / f"{route.id}.json"
