"""Pulling: fetching what is left of a plan, telling how far it is, and what the source has revised."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, Protocol

from gridloom.errors import SourceError
from gridloom.extract.checks import expected_rows, rows_present
from gridloom.extract.fetch import Fetcher
from gridloom.extract.revisions import revision_finding
from gridloom.extract.store import RawStore
from gridloom.finding import Finding
from gridloom.grid.raw import Receipt, Window

__all__ = ["Pull", "Told"]

_TOLD_EVERY_S: Final = 0.1


class Told(Protocol):
    """Who is told about a pull, such as `gridloom.dag.StepContext`."""

    def add(
        self, *, rows_received: int = 0, requests: int = 0, retries: int = 0, bytes_received: int = 0
    ) -> None:
        """Adds to the counters."""

    def metric(self, name: str, value: float, unit: str = "") -> None:
        """Records a number."""

    def progress(self, done: float, total: float | None = None, unit: str = "rows") -> None:
        """Hears how far it is."""

    def checkpoint_reached(self, name: str, *, found: bool, size_bytes: int) -> None:
        """Hears of a partial result that a crash does not cost."""

    def finding(self, finding: Finding) -> None:
        """Records a check."""

    def log(self, message: str, level: Literal["debug", "info", "warning", "error"] = "info") -> None:
        """Writes a line for a person."""


@dataclass(frozen=True, slots=True)
class Pull:
    """A plan on its way to be landed.

    Attributes:
        windows: The plan.
        receipts: The windows of it that have landed; filled as more do.
        told: Who is told.
    """

    windows: Sequence[Window]
    receipts: dict[Window, Receipt]
    told: Told

    async def fetch(self, fetcher: Fetcher, left: Sequence[Window]) -> None:
        """Fetches and lands what is left.

        Raises:
            SourceError: If the source does not give it; the message says how much has landed.
            StorageError: If the disk refuses.
        """
        done = sum(receipt.rows for receipt in self.receipts.values())
        next_s = 0.0

        def landed(window: Window, receipt: Receipt) -> None:
            nonlocal done, next_s
            self.receipts[window] = receipt
            self._reached(window, receipt, found=False)
            done += receipt.rows
            self.told.add(rows_received=receipt.rows)
            # The estimate looks at every window, which is too much to do for every window.
            if time.monotonic() >= next_s or len(self.receipts) == len(self.windows):
                self.told.progress(done, expected_rows(self.windows, self.receipts))
                next_s = time.monotonic() + _TOLD_EVERY_S

        for window, receipt in self.receipts.items():
            self._reached(window, receipt, found=True)
        self.told.progress(done, expected_rows(self.windows, self.receipts))
        failure: SourceError | None = None
        try:
            await fetcher.windows(left, landed)
        except SourceError as error:
            failure = error
        if failure:
            raise self._with_landed(failure, done)

    def count(self, *, requests: int = 0, retries: int = 0, bytes_received: int = 0) -> None:
        """Counts what a client did; of requests that are repeated it is told even where nothing lands."""
        self.told.add(requests=requests, retries=retries, bytes_received=bytes_received)
        if retries:
            rows = sum(receipt.rows for receipt in self.receipts.values())
            self.told.progress(rows, expected_rows(self.windows, self.receipts))

    def _reached(self, window: Window, receipt: Receipt, *, found: bool) -> None:
        # landed windows are the checkpoints of this step; they outlive it, for others ask the same
        size_bytes = sum(page.size_bytes for page in receipt.pages)
        self.told.checkpoint_reached(window.digest(receipt.source), found=found, size_bytes=size_bytes)

    def _with_landed(self, error: SourceError, rows: int) -> SourceError:
        """Returns an error that says as well how much has landed, where anything has."""
        if not self.receipts:
            return error
        return type(error)(
            f"{error} {len(self.receipts):,} of {len(self.windows):,} windows ({rows:,} rows) have landed."
        )

    def report(self, store: RawStore, respondents: Sequence[str]) -> None:
        """Tells who has no rows, and what was revised since it was last reported.

        Raises:
            StorageError: If the disk refuses.
        """
        for finding in rows_present(respondents, self.receipts.values()):
            self.told.finding(finding)
        revision = store.revision(self.windows)
        if revision:
            self.told.metric("hours_revised", revision.revised, "hours")
            self.told.finding(revision_finding(revision))
            store.forget_revisions(self.windows)
