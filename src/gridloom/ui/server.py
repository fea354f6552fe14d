"""The server of the pages: in the foreground, until it is stopped."""

from __future__ import annotations

import asyncio
import contextlib
import re
import secrets
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import uvicorn

from gridloom.errors import UsageError
from gridloom.serving import bind, ended_by_signals
from gridloom.ui.access import Access, is_loopback
from gridloom.ui.app import make_app

__all__ = ["serve_forever"]

_STOP_TIMEOUT_S: Final = 2
_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{16,200}", re.ASCII)
_EVERYWHERE: Final = frozenset({"0.0.0.0", "::"})  # noqa: S104 - it is looked for, not bound


def serve_forever(
    out: Path, *, host: str, port: int, token: str = "", on_start: Callable[[str], None] = lambda _url: None
) -> None:
    """Serves the pages of an output folder until Ctrl-C or SIGTERM.

    Args:
        out: The output folder.
        host: Name or address of this machine to listen on.
        port: Port to listen on; 0 takes a free one.
        token: What has to be known to see the pages. Where others can reach them and there is none, one is
            made.
        on_start: Called once with the address to open, token and all, when requests are answered.

    Raises:
        UsageError: If host, port or token cannot be used.
    """
    if token and not _TOKEN.fullmatch(token):
        raise UsageError(
            f"--token takes 16 to 200 letters, digits, hyphens and underscores; this one has {len(token)} "
            "characters. Leave it out to have one made where it is needed."
        )
    listener = _listener(host, port)
    address, port = listener.getsockname()[:2]
    local = is_loopback(address)
    if not local and not token:
        token = secrets.token_urlsafe()
    name = socket.gethostname() if address in _EVERYWHERE else host
    names = frozenset({"localhost", name.lower(), host.lower()})
    access = Access(token=token, names=names, local=local, cookie=f"gridloom-{port}")
    url = f"http://{f'[{name}]' if ':' in name else name}:{port}/{f'?token={token}' if token else ''}"
    server = _Server(on_ready=lambda: on_start(url))
    server.config.app = make_app(out, access, lambda: server.should_exit)
    with contextlib.closing(listener):
        asyncio.run(server.serve([listener]))


class _Server(uvicorn.Server):
    """Uvicorn that tells when it is ready, and that ends quietly on a signal."""

    def __init__(self, on_ready: Callable[[], None]) -> None:
        super().__init__(
            uvicorn.Config(
                _nothing,
                loop="asyncio",
                http="h11",
                ws="none",
                lifespan="off",
                log_config=None,  # a log of addresses would be a log of tokens
                access_log=False,
                server_header=False,
                proxy_headers=False,  # nothing stands in front of it
                timeout_graceful_shutdown=_STOP_TIMEOUT_S,
            )
        )
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Starts to listen, and says so."""
        await super().startup(sockets)
        self._on_ready()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Lets the first signal end the server."""
        with ended_by_signals(self.handle_exit):
            yield


async def _nothing(*_asgi: object) -> None:
    """Stands where the application will, which has to know the server."""


def _listener(host: str, port: int) -> socket.socket:
    try:
        family, kind, proto, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except (OSError, UnicodeError) as error:
        raise UsageError(
            f"The host '{host}' is not one of this machine ({error}). Leave --host out to serve this machine "
            "only, or give one of its addresses."
        ) from error
    return bind(socket.socket(family, kind, proto), address, f"Port {port} of {host}")
