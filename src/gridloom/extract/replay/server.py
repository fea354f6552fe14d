"""A stand-in EIA server that runs: in a background thread, or in the foreground until it is stopped."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Final, Self

import uvicorn

from gridloom.errors import GridLoomError, UsageError
from gridloom.extract.replay.app import ReplayApp
from gridloom.extract.replay.data import ReplayData
from gridloom.extract.replay.options import ReplayOptions
from gridloom.extract.replay.requests import LoggedRequest, RequestLog
from gridloom.extract.replay.wire import WireProtocol
from gridloom.serving import bind, ended_by_signals

__all__ = ["HOST", "ReplayServer", "serve_forever"]

HOST: Final = "127.0.0.1"
"""The stand-in serves this machine only."""

_START_TIMEOUT_S: Final = 30.0
_STOP_TIMEOUT_S: Final = 2
_KEEP_ALIVE_S: Final = 75


class ReplayServer:
    """A stand-in EIA server in a background thread, on a loopback port.

    Args:
        data: What it serves.
        options: Its settings.
        port: Port to listen on; 0 takes a free one.

    Example::

        with ReplayServer(ReplayData.load([path])) as server:
            httpx2.get(f"{server.url}/electricity/rto", params={"api_key": "any"})
    """

    def __init__(self, data: ReplayData, options: ReplayOptions | None = None, *, port: int = 0) -> None:
        self._log = RequestLog()
        self._app = ReplayApp(data, options or ReplayOptions(), self._log)
        self._port = port
        self._running: tuple[_Server, threading.Thread] | None = None

    @property
    def url(self) -> str:
        """Base URL, with the version, such as ``http://127.0.0.1:49152/v2``.

        Raises:
            UsageError: If the server does not run.
        """
        if self._running is None:
            raise UsageError("The stand-in server does not run yet. Use it in a with block.")
        return _url(self._port)

    @property
    def requests(self) -> tuple[LoggedRequest, ...]:
        """Requests answered so far, in their order; of very many, the latest."""
        return self._log.all()

    @property
    def request_count(self) -> int:
        """Number of requests answered so far."""
        return len(self._log)

    def start(self) -> None:
        """Starts to serve; returns when requests are answered.

        Raises:
            UsageError: If the port is taken or not allowed, or the server runs already.
        """
        if self._running is not None:
            raise UsageError("The stand-in server runs already.")
        listener = _listener(self._port)
        server = _Server(self._app)
        thread = threading.Thread(target=server.run, args=([listener],), name="gridloom-replay", daemon=True)
        thread.start()
        if not (server.ready.wait(_START_TIMEOUT_S) and server.started):
            server.should_exit = True
            raise GridLoomError("The stand-in server did not start. Run the same command again.")
        self._port = listener.getsockname()[1]
        self._running = (server, thread)

    def stop(self) -> None:
        """Stops serving after the requests in flight; does nothing if the server does not run."""
        if self._running is None:
            return
        server, thread = self._running
        server.should_exit = True
        thread.join()
        self._running = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


def serve_forever(
    data: ReplayData,
    options: ReplayOptions | None = None,
    *,
    port: int = 0,
    on_start: Callable[[str], None] = lambda _url: None,
) -> int:
    """Serves until Ctrl-C or SIGTERM, and returns how many requests were answered.

    Args:
        data: What is served.
        options: Settings.
        port: Port to listen on; 0 takes a free one.
        on_start: Called once with the base URL when requests are answered.

    Raises:
        UsageError: If the port is taken or not allowed.
    """
    log = RequestLog()
    app = ReplayApp(data, options or ReplayOptions(), log)
    listener = _listener(port)
    url = _url(listener.getsockname()[1])
    server = _Server(app, on_ready=lambda: on_start(url))
    server.run([listener])
    return len(log)


class _Server(uvicorn.Server):
    """Uvicorn that tells when it is ready, and that ends quietly on a signal."""

    def __init__(self, app: object, on_ready: Callable[[], None] = lambda: None) -> None:
        super().__init__(
            uvicorn.Config(
                app,  # type: ignore[arg-type]  # it is an ASGI application
                loop="asyncio",
                http=WireProtocol,
                ws="none",
                lifespan="off",
                log_config=None,  # a log of URLs would be a log of keys
                access_log=False,
                server_header=False,
                proxy_headers=False,  # nothing stands in front of it
                timeout_keep_alive=_KEEP_ALIVE_S,  # a paced client reuses its connections
                timeout_graceful_shutdown=_STOP_TIMEOUT_S,
            )
        )
        self.ready = threading.Event()
        self._on_ready = on_ready

    def run(self, sockets: list[socket.socket] | None = None) -> None:
        """Serves on the sockets until told to exit."""
        with contextlib.ExitStack() as stack:
            for listener in sockets or []:
                stack.enter_context(contextlib.closing(listener))
            stack.callback(self.ready.set)  # also if it never starts, so that nobody waits in vain
            asyncio.run(self.serve(sockets))

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Starts to listen, and says so."""
        await super().startup(sockets)
        self._on_ready()
        self.ready.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Lets the first signal end the server."""
        with ended_by_signals(self.handle_exit):
            yield


def _listener(port: int) -> socket.socket:
    # With the protocol named, asyncio turns off the delay of small packets: 40 ms an answer.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    return bind(listener, (HOST, port), f"Port {port}")


def _url(port: int) -> str:
    return f"http://{HOST}:{port}/v2"
