"""The connection below an answer: uvicorn's protocol, which here also lets an answer break off."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from typing import Any, Final, cast

from uvicorn.protocols.http.h11_impl import H11Protocol

__all__ = ["Wire", "WireProtocol", "wire_of"]

_EXTENSION: Final = "gridloom.wire"
_NO_LINGER: Final = struct.pack("ii", 1, 0)
_DELIVERY_S: Final = 0.02


class Wire:
    """One connection, as the application sees it.

    Args:
        transport: What carries it.
    """

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._ends = asyncio.Event()

    def end(self) -> None:
        """Says that the client is gone or the server stops: nobody waits on this connection any more."""
        self._ends.set()

    async def pause(self, seconds: float) -> None:
        """Waits, at most until the connection ends."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._ends.wait(), seconds)

    async def close(self) -> None:
        """Closes the connection after what was written, whatever was promised."""
        self._transport.close()
        await self._ends.wait()

    async def reset(self) -> None:
        """Resets the connection: the other side gets an error, not an end."""
        await self.pause(_DELIVERY_S)  # a reset overtakes what is still on its way
        connection = self._transport.get_extra_info("socket")
        if connection is not None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
        self._transport.abort()
        await self._ends.wait()


class WireProtocol(H11Protocol):
    """HTTP/1.1 whose application gets the connection as an extension of its scope."""

    _wire: Wire | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begins a connection."""
        super().connection_made(transport)
        wire, inner = Wire(transport), self.app
        self._wire = wire

        async def app(scope: Any, receive: Any, send: Any) -> None:
            scope.setdefault("extensions", {})[_EXTENSION] = wire
            await inner(scope, receive, send)

        self.app = app

    def connection_lost(self, exc: Exception | None) -> None:
        """Ends a connection."""
        super().connection_lost(exc)
        if self._wire:
            self._wire.end()

    def shutdown(self) -> None:
        """Stops with the server, and lets nobody wait for it."""
        super().shutdown()
        if self._wire:
            self._wire.end()


def wire_of(scope: Any) -> Wire:
    """Returns the connection that a request came on."""
    return cast(Wire, scope["extensions"][_EXTENSION])
