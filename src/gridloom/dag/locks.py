"""A lock between processes that dies with its owner: the system frees it, whatever ends the process."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gridloom.files import storage_errors

if sys.platform != "win32":
    import fcntl

__all__ = ["exclusive"]


@contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Keeps all others out who ask for the same file, in this process and in others; waits for them.

    The file stays: whoever removed it could take it from under one who just opened it.

    Raises:
        StorageError: If the file cannot be made.
    """
    with storage_errors("lock", path):
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        if sys.platform != "win32":
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
