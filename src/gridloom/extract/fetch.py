"""Fetching: one window page by page until it is proven, many windows side by side until all have landed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field

import stamina

from gridloom.errors import GridLoomError, IncompleteWindowError, StorageError
from gridloom.extract.bodies import Answer
from gridloom.extract.client import EIAClient
from gridloom.extract.failures import Backoff
from gridloom.extract.metadata import Metadata
from gridloom.extract.pages import Page, Proof, decode_page, offsets, prove
from gridloom.extract.query import data_path, parameters
from gridloom.extract.store import RawStore
from gridloom.grid.raw import Receipt, Window
from gridloom.grid.routes import Route

__all__ = ["Fetcher"]

_WINDOW_TRIES = 6


@dataclass(frozen=True, kw_only=True)
class Fetcher:
    """Fetches through one client into one store.

    Attributes:
        client: Asks the source.
        store: Keeps its answers.
        width: Windows in work at once: what lands or is proven must not keep requests waiting.
        backoff: Waits before a window is asked for again.
    """

    client: EIAClient
    store: RawStore
    width: int = 10
    backoff: Backoff = field(default_factory=Backoff)

    async def metadata(self, route: Route) -> Metadata:
        """Returns a route's metadata, fetched and landed.

        Raises:
            SourceError: If the source does not give it.
            StorageError: If the disk refuses.
        """
        answer = await self.client.get(route.path)
        return self.store.land_metadata(route, answer.body)

    async def windows(self, windows: Iterable[Window], landed: Callable[[Window, Receipt], None]) -> None:
        """Fetches and lands windows, each on its own: what has landed stays, whatever becomes of the rest.

        A window stands as soon as it has landed; that this outlives a power cut is made sure of at the end.

        Args:
            windows: What to fetch.
            landed: Called in this thread with each window as it has landed.

        Raises:
            SourceError: The first one; nothing more is asked for then.
            StorageError: If the disk refuses.
        """
        queue = iter(windows)
        failure: BaseException | None = None
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(self.width):
                    group.create_task(self._work(queue, landed))
        except BaseExceptionGroup as errors:
            failure = _first(errors)
        if failure:
            with suppress(StorageError):  # what failed first is what must be said
                await asyncio.to_thread(self.store.settle)
            raise failure
        await asyncio.to_thread(self.store.settle)

    async def window(self, window: Window) -> Receipt:
        """Returns the receipt of one window, fetched, proven and landed.

        Raises:
            IncompleteWindowError: If its rows are not what the source counts, several times in a row.
            SourceError: If the source does not give it.
            StorageError: If the disk refuses.
        """
        async for attempt in stamina.retry_context(
            on=IncompleteWindowError, attempts=_WINDOW_TRIES, timeout=None, **self.backoff.waits
        ):
            with attempt:
                pages, proof = await self._pages(window)
        return await asyncio.to_thread(self.store.land, window, pages, proof)

    async def _work(self, queue: Iterator[Window], landed: Callable[[Window, Receipt], None]) -> None:
        for window in queue:
            landed(window, await self.window(window))

    async def _pages(self, window: Window) -> tuple[list[Page], Proof]:
        first = await self._page(window, 0)
        tasks: list[asyncio.Task[Page]] = []
        failure: BaseException | None = None
        try:
            async with asyncio.TaskGroup() as group:
                tasks += [
                    group.create_task(self._page(window, offset)) for offset in offsets(window, first.total)
                ]
        except BaseExceptionGroup as errors:
            failure = _first(errors)
        if failure:
            raise failure
        pages = [first, *(task.result() for task in tasks)]
        return pages, prove(window, pages)

    async def _page(self, window: Window, offset: int) -> Page:
        def read(answer: Answer) -> Page:
            return decode_page(window, offset, answer.body, answer.packed)

        return await self.client.ask(data_path(window), parameters(window, offset), read)


def _first(errors: BaseExceptionGroup[BaseException]) -> BaseException:
    """Returns the first error of a group of groups; one that can be explained goes before others."""
    flat: list[BaseException] = []
    waiting: list[BaseException] = [errors]
    while waiting:
        error = waiting.pop(0)
        if isinstance(error, BaseExceptionGroup):
            waiting[:0] = error.exceptions
        else:
            flat.append(error)
    return next((error for error in flat if isinstance(error, GridLoomError)), flat[0])
