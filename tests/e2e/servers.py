"""Stand-in servers for runs against a URL: a part of the sample, and doors that are not what they seem."""

from __future__ import annotations

import socket
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

import polars as pl
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from gridloom.extract.replay import LoggedRequest, ReplayData, ReplayOptions, ReplayServer
from gridloom.sample import sample_path

Answer = Callable[[Request], Response | None]


def sample_part(
    respondents: Iterable[str] = ("PACW",),
    series: Iterable[str] = ("D", "NG.WND", "NG.SUN"),
    *,
    days: int | None = 60,
) -> pl.DataFrame:
    """Returns the sample's rows of some respondents and series, from its beginning."""
    hours = pl.col("period") < pl.datetime(2019, 1, 1, time_zone="UTC") + pl.duration(days=days or 365)
    return (
        pl.scan_parquet(sample_path())
        .filter(
            pl.col("respondent").cast(pl.String).is_in(list(respondents)),
            pl.col("series").cast(pl.String).is_in(list(series)),
            hours,
        )
        .collect()
    )


def serve(
    frame: pl.DataFrame,
    *,
    first: Answer | None = None,
    key: str | None = None,
    key_in_header: bool = True,
    latency_ms: float = 0.0,
) -> ReplayServer:
    """Returns a server of `frame`, to be used in a with block.

    Args:
        frame: What it serves.
        first: Asked before the server; None lets the server answer. Its answers are not in the log.
        key: The one key that it accepts; None accepts any.
        key_in_header: Whether it looks at the header.
        latency_ms: Delay of each answer.
    """
    options = ReplayOptions(key=key, key_in_header=key_in_header, latency_ms=latency_ms)
    server = ReplayServer(ReplayData.of_frame(frame), options)
    if first:
        server._app = _Before(server._app, first)  # type: ignore[assignment]
    return server


class _Before:
    """An application that is asked only where nobody answered before it."""

    def __init__(self, app: ASGIApp, first: Answer) -> None:
        self._app = app
        self._first = first

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await (self._first(Request(scope)) or self._app)(scope, receive, send)


def closed_port() -> int:
    """Returns a port on which nobody listens."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
    return port


def asked_windows(requests: Sequence[LoggedRequest]) -> Counter[tuple[str, str, str, int]]:
    """Returns how often each page of each window was answered: route, first hour, respondents, offset."""
    return Counter(
        (
            path.split("/")[-2],
            str(request.params["start"]),
            ",".join(request.params["facets"]["respondent"]),
            int(request.params.get("offset", 0)),
        )
        for request in requests
        if (path := request.path.rstrip("/")).endswith("/data")
    )


def arguments(url: str, *more: str) -> list[str]:
    """Returns a command line that asks for 120 days of two authorities."""
    return [
        "year",
        *("--base-url", url, "--rate-limit", "off"),
        *("--regions", "PACW,ERCO", "--series", "D,NG.all"),
        *("--start", "2019-01-01T00", "--end", "2019-04-30T23", "--name", "table", "--json"),
        *more,
    ]
