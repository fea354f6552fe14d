"""How an answer reaches the client: whole, late, in part, or not at all."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Final

from starlette.types import Send

from gridloom.extract.replay.wire import Wire

__all__ = ["BREAKS", "Reply", "deliver", "deliver_broken"]

BREAKS: Final = ("reset", "cut", "truncate", "stall")
"""Faults that leave an answer in its place, but do not deliver it as it is."""


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer as it goes over the wire.

    Attributes:
        status: HTTP status.
        headers: Names and values; the length is added.
        body: Body.
    """

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


async def deliver(reply: Reply, send: Send) -> None:
    """Sends an answer as it should be."""
    await _start(reply, len(reply.body), send)
    await _body(reply.body, send, more=False)


async def deliver_broken(
    reply: Reply, send: Send, wire: Wire, *, fault: str, chances: Random, stall_s: float
) -> None:
    """Sends an answer with one of the faults `BREAKS`.

    Args:
        reply: The answer.
        send: Where to.
        wire: The connection.
        fault: Name of the fault.
        chances: Random numbers of this answer.
        stall_s: Seconds of a stall.
    """
    # At least one byte is missing, and of most answers far more.
    middle = chances.randrange(len(reply.body)) if reply.body else 0
    if fault == "truncate":
        await deliver(Reply(reply.status, reply.headers, reply.body[:middle]), send)
        return
    if fault == "stall" and chances.random() < 0.5:  # noqa: PLR2004 - as often before as in the middle
        await wire.pause(stall_s)
        await deliver(reply, send)
        return
    await _start(reply, len(reply.body), send)
    await _body(reply.body[:middle], send, more=True)
    if fault == "stall":
        await wire.pause(stall_s)
        await _body(reply.body[middle:], send, more=False)
    elif fault == "reset":
        await wire.reset()
    else:
        await wire.close()


async def _start(reply: Reply, length: int, send: Send) -> None:
    headers = [*reply.headers, ("content-length", str(length))]
    raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
    await send({"type": "http.response.start", "status": reply.status, "headers": raw})


async def _body(body: bytes, send: Send, *, more: bool) -> None:
    await send({"type": "http.response.body", "body": body, "more_body": more})
