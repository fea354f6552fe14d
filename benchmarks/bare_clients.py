"""Two bare clients: the least that fetches the same pages with the same proof and the same landing.

They ask for the same windows, as many at once for each route, decode each page, count unique keys against
the source's total, digest each page, and land a window as GridLoom does: the answers as they came and a
receipt, synced to disk, in place by one rename. They do not retry, pace, look for the key, check that a row
was asked for, or resume. Without `durable` they neither digest nor sync, and rename nothing.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import httpx2
import msgspec

from gridloom.extract.query import as_query, data_path, parameters
from gridloom.grid.raw import Window

Ask = Callable[[str], Awaitable[bytes]]
"""Takes a URL, gives the body as gzip."""

Connect = Callable[[str], Any]


class Page(NamedTuple):
    """One answer: rows before it, its bytes as sent, its keys, and the digest of its text."""

    offset: int
    packed: bytes
    keys: set[tuple[str, ...]]
    digest: str


@dataclass
class Job:
    """One route's windows and what came of them."""

    url: str
    windows: tuple[Window, ...]
    out: Path
    row: type
    durable: bool = True
    requests: int = 0
    rows: int = 0
    pages: dict[Window, list[Page]] = field(default_factory=dict)

    async def run(self, connect: Connect, in_flight: int) -> None:
        """Fetches all windows."""
        # The last in is the first out, so that a window is finished before another one is begun.
        queue: asyncio.Queue[tuple[Window, int]] = asyncio.LifoQueue()
        for window in reversed(self.windows):
            queue.put_nowait((window, 0))
        async with AsyncExitStack() as stack, asyncio.TaskGroup() as group:
            asks = [await stack.enter_async_context(connect(self.url)) for _ in range(in_flight)]
            workers = [group.create_task(self._work(queue, ask)) for ask in asks]
            await queue.join()
            for worker in workers:
                worker.cancel()

    async def _work(self, queue: asyncio.Queue[tuple[Window, int]], ask: Ask) -> None:
        while True:
            window, offset = await queue.get()
            url = f"{self.url}/{data_path(window)}?{as_query(parameters(window, offset))}"
            self.requests += 1
            packed = await ask(url)
            total = self._take(window, offset, packed)
            if offset == 0:
                for further in range(window.page_rows, total, window.page_rows):
                    queue.put_nowait((window, further))
            queue.task_done()

    def _take(self, window: Window, offset: int, packed: bytes) -> int:
        # The size at the end of the gzip spares zlib to guess it: less than half the time.
        body = zlib.decompress(packed, 31, int.from_bytes(packed[-4:], "little"))
        response = msgspec.json.decode(body, type=self.row).response
        total = int(response.total)
        keys = set(map(msgspec.structs.astuple, response.data))
        digest = hashlib.sha256(body).hexdigest() if self.durable else ""
        pages = self.pages.setdefault(window, [])
        pages.append(Page(offset, packed, keys, digest))
        if sum(len(page.keys) for page in pages) == total:
            self._land(window, total)
        return total

    def _land(self, window: Window, total: int) -> None:
        pages = sorted(self.pages.pop(window))
        if len(set().union(*(page.keys for page in pages))) != total:
            raise SystemExit(f"{window} is not complete")
        final = self.out / window.digest("bare")
        folder = final.with_name(f".staging-{final.name}") if self.durable else final
        folder.mkdir()
        receipt = {"request": window.request(), "rows": total, "digests": [page.digest for page in pages]}
        files = [(f"page-{page.offset:07}.json.gz", page.packed) for page in pages]
        for name, data in [*files, ("receipt.json", msgspec.json.encode(receipt))]:
            with (folder / name).open("wb") as file:
                file.write(data)
                if self.durable:
                    os.fsync(file.fileno())
        if self.durable:
            _sync(folder)
            folder.rename(final)
            _sync(self.out)
        self.rows += total


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    os.fsync(handle)
    os.close(handle)


def answer_type(window: Window) -> type:
    """Returns the type of a route's answers: the total and the keys."""
    names = window.route.key
    keys = [(f"key{place}", str) for place in range(len(names))]
    row = msgspec.defstruct("Row", keys, rename={f"key{i}": name for i, name in enumerate(names)}, gc=False)
    response = msgspec.defstruct("Response", [("total", str), ("data", list[row])])
    return msgspec.defstruct("Answer", [("response", response)])


def over_httpx2(in_flight: int) -> tuple[Connect, Callable[[], Awaitable[None]]]:
    """Returns how to ask with one httpx2 client, and how to close it."""
    client = httpx2.AsyncClient(
        headers={"X-Api-Key": "any", "Accept-Encoding": "gzip"},
        limits=httpx2.Limits(max_connections=in_flight, max_keepalive_connections=in_flight),
        trust_env=False,
    )

    async def ask(url: str) -> bytes:
        async with client.stream("GET", url) as response:
            return b"".join([chunk async for chunk in response.aiter_raw()])

    @asynccontextmanager
    async def connect(_url: str) -> AsyncIterator[Ask]:
        yield ask

    return connect, client.aclose


@asynccontextmanager
async def over_streams(url: str) -> AsyncIterator[Ask]:
    """Gives a connection of asyncio's own streams, kept open: HTTP by hand."""
    host = urlsplit(url).netloc
    reader, writer = await asyncio.open_connection(*host.split(":"), limit=1 << 20)

    async def ask(url: str) -> bytes:
        path = url.partition(host)[2]
        writer.write(
            f"GET {path} HTTP/1.1\r\nHost: {host}\r\nX-Api-Key: any\r\nAccept-Encoding: gzip\r\n\r\n".encode()
        )
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        if not head.startswith(b"http/1.1 200"):
            raise SystemExit(head.decode())
        return await reader.readexactly(int(head.partition(b"content-length:")[2].split()[0]))

    try:
        yield ask
    finally:
        writer.close()
