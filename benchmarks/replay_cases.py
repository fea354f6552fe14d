"""A year asked from a server with the least work on the client's side: answers are counted and dropped."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Iterator

from bare_clients import over_streams
from clock import Clock
from extract_cases import SERIES
from gridloom.extract.plan import STANDARD_BATCH_DAYS, plan_windows
from gridloom.extract.query import as_query, data_path, parameters
from gridloom.grid.hours import HourRange
from gridloom.grid.respondents import STANDARD_EIGHT
from gridloom.grid.series import route_requests
from servers import cpu_of


def ask(url: str, pid: int, last: str, in_flight: int) -> dict[str, float]:
    """Asks every page of a year once; `pid` is the server, whose CPU time is told."""
    urls = list(_urls(url, last))
    before_s = cpu_of(pid)
    with Clock() as clock:
        sizes = asyncio.run(_ask(url, urls, in_flight))
    server_cpu_s = cpu_of(pid) - before_s
    return {
        "pages": len(urls),
        "pages_per_s": len(urls) / clock.wall_s,
        "server_ms_per_page": server_cpu_s / len(urls) * 1e3,
        "mb_per_s": sum(sizes) / 1e6 / clock.wall_s,
    }


def _urls(url: str, last: str) -> Iterator[str]:
    hours = HourRange.of_labels("2019-01-01T00", last)
    for request in route_requests(SERIES):
        for window in plan_windows(hours, request, STANDARD_EIGHT, batch_days=STANDARD_BATCH_DAYS):
            rows = len(window.hours) * len(window.respondents) * (len(window.types) or 8)
            for offset in range(0, rows, window.page_rows):
                yield f"{url}/{data_path(window)}?{as_query(parameters(window, offset))}"


async def _ask(url: str, urls: list[str], in_flight: int) -> list[int]:
    queue, sizes = iter(urls), []

    async def work() -> None:
        async with over_streams(url) as get:
            sizes.extend([len(zlib.decompress(await get(asked), 31)) for asked in queue])

    await asyncio.gather(*(work() for _ in range(in_flight)))
    return sizes
