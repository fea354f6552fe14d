"""The stand-in server with a memory: ``canned.py DATA LATENCY_MS`` prints its URL and serves until killed.

The first answer to a request is the stand-in's own; the same request again gets the same bytes without
any work, so that what limits a client in a bench is the client.
"""

from __future__ import annotations

import asyncio
import socket
import sys
from pathlib import Path
from typing import Any

import uvicorn

from gridloom.extract.replay.app import ReplayApp
from gridloom.extract.replay.data import ReplayData
from gridloom.extract.replay.options import ReplayOptions
from gridloom.extract.replay.requests import RequestLog
from gridloom.extract.replay.wire import WireProtocol


class Memory:
    """An ASGI application that remembers the answers of another one by path and parameters."""

    def __init__(self, app: Any, latency_s: float) -> None:
        self._app = app
        self._latency_s = latency_s
        self._answers: dict[tuple[str, bytes, bytes], list[dict[str, Any]]] = {}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answers one request."""
        await asyncio.sleep(self._latency_s)
        # Some clients send their parameters in a header.
        asked = (scope["path"], scope["query_string"], dict(scope["headers"]).get(b"x-params", b""))
        if asked not in self._answers:
            said: list[dict[str, Any]] = []

            async def remember(message: dict[str, Any]) -> None:
                said.append(message)

            await self._app(scope, receive, remember)
            self._answers[asked] = said
        for message in self._answers[asked]:
            await send(message)


def main() -> None:
    """Serves until the process is ended."""
    data, latency_ms = sys.argv[1:]
    app = ReplayApp(ReplayData.load([Path(data)]), ReplayOptions(), RequestLog())
    # With the protocol named, asyncio turns off the delay of small packets.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    print(f"http://127.0.0.1:{listener.getsockname()[1]}/v2", flush=True)
    config = uvicorn.Config(
        Memory(app, float(latency_ms) / 1000),
        loop="asyncio",
        http=WireProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        timeout_keep_alive=75,
    )
    uvicorn.Server(config).run([listener])


if __name__ == "__main__":
    main()
