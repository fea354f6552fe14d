"""One stand-in server of the embedded sample for the whole process, shared by all who need it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from gridloom.extract.replay.data import ReplayData
from gridloom.extract.replay.server import ReplayServer
from gridloom.sample import sample_path

__all__ = ["sample_server"]


class _Shared:
    """The server and the number of its users."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.users = 0
        self.server: ReplayServer | None = None


_shared = _Shared()


@contextmanager
def sample_server() -> Iterator[ReplayServer]:
    """Yields a running server of the embedded sample; it accepts any key.

    Everyone inside such a block at the same time, in any thread, gets the same server; it ends with
    the last of them.

    Raises:
        StorageError: If the sample cannot be read.
    """
    with _shared.lock:
        server = _shared.server
        if server is None:
            server = ReplayServer(ReplayData.load([sample_path()]))
            server.start()
            _shared.server = server
        _shared.users += 1
    try:
        yield server
    finally:
        with _shared.lock:
            _shared.users -= 1
            if not _shared.users:
                _shared.server = None
                server.stop()
