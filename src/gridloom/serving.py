"""What a server needs of its machine: a port of its own, and signals that end it once."""

from __future__ import annotations

import contextlib
import errno
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any, Final

from gridloom.errors import UsageError

__all__ = ["bind", "ended_by_signals"]

_ADVICE: Final = {
    errno.EADDRINUSE: "is already in use. Choose another one with --port, or stop the program that has it.",
    errno.EACCES: "may not be used without special rights. Choose one above 1023 with --port.",
    errno.EADDRNOTAVAIL: "cannot be used there: it is no address of this machine. Choose another --host.",
}


def bind(listener: socket.socket, address: Any, name: str) -> socket.socket:
    """Returns a socket, bound to an address.

    Args:
        listener: The socket; it is closed where it cannot be bound.
        address: Address in the form of the socket's family.
        name: What the address is called in an error, such as ``Port 8930``.

    Raises:
        UsageError: If the address cannot be used.
    """
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(address)
    except (OSError, OverflowError) as error:
        listener.close()
        number = error.errno if isinstance(error, OSError) else None
        advice = _ADVICE.get(number or 0, f"cannot be used ({error}). Choose one from 1024 to 65535.")
        raise UsageError(f"{name} {advice}") from error
    return listener


@contextlib.contextmanager
def ended_by_signals(end: Callable[[int, FrameType | None], Any]) -> Iterator[None]:
    """Calls `end` on Ctrl-C and SIGTERM while the block lasts; unlike uvicorn, it raises no signal again.

    In any thread but the main one it does nothing, because signals are not for it.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
