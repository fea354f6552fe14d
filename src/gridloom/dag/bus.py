"""The one place where events get their number, lose their secrets, and reach those who listen."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from gridloom.dag.events import Event, LogWritten, decode, encode
from gridloom.dag.redact import Redactor
from gridloom.dag.sinks import Listeners, Subscription
from gridloom.errors import StorageError
from gridloom.files import storage_errors

__all__ = ["EventBus", "EventLog"]

_BUFFER_BYTES = 1 << 16
_WRITE_EVERY_S = 1.0
"""What a run said longer ago than this, and more was said since, is on disk if it is killed."""


class EventLog:
    """``events.jsonl``: lines are gathered and written when a step ends, and about once a second."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lines: list[bytes] = []
        self._waiting_bytes = 0
        self._written_s = 0.0
        self._whole_bytes = 0
        self.failure: StorageError | None = None
        with storage_errors("write", path):
            self._stream: BinaryIO = path.open("ab", buffering=0)

    def append(self, line: bytes) -> None:
        """Adds a line; it is written with the next `flush`, or now if many wait or the last is long ago."""
        self._lines.append(line)
        self._waiting_bytes += len(line)
        if self._waiting_bytes > _BUFFER_BYTES or time.monotonic() - self._written_s > _WRITE_EVERY_S:
            self._written_s = time.monotonic()
            self.flush()

    def flush(self) -> None:
        """Writes what waits; the first failure is kept in `failure` and ends the writing."""
        lines, self._lines, self._waiting_bytes = self._lines, [], 0
        if not lines or self.failure:
            return
        try:
            with storage_errors("write", self._path):
                waiting = memoryview(b"\n".join(lines) + b"\n")
                whole_bytes = self._whole_bytes + len(waiting)
                while waiting:
                    waiting = waiting[self._stream.write(waiting) :]
                self._whole_bytes = whole_bytes
        except StorageError as error:
            self.failure = error
            with suppress(OSError):  # no reader is to meet a part of a line
                self._stream.truncate(self._whole_bytes)

    def close(self) -> None:
        """Writes what waits and closes the file."""
        self.flush()
        self._stream.close()


class EventBus:
    """Numbers events, hides secrets in them, and hands them to the log and the sinks."""

    def __init__(
        self, run_id: str, log: EventLog, subscriptions: Iterable[Subscription], redactor: Redactor
    ) -> None:
        self._run_id = run_id
        self._log = log
        self._redactor = redactor
        self._lock = threading.Lock()
        self._seq = 0
        self._closed = False
        self._listeners = Listeners(subscriptions, self._trouble)

    def emit(self, kind: type[Event], **fields: Any) -> None:
        """Says an event; one that comes after the end, from a listener that woke late, is not said."""
        with self._lock:
            if self._closed:
                return
            event = kind(seq=self._seq + 1, at=datetime.now(UTC), run_id=self._run_id, **fields)
            line = encode(event)
            self._seq += 1
            if not self._redactor.empty and self._redactor.holds(line.decode()):
                event = decode(_without_secrets(line, self._redactor))
                line = encode(event)
            self._log.append(line)
            self._listeners.tell(event)

    def flush(self) -> StorageError | None:
        """Writes the log; returns why that is impossible, if it is."""
        with self._lock:
            self._log.flush()
            return self._log.failure

    def close(self) -> StorageError | None:
        """Waits a while for the listeners, then writes and closes the log; returns why that is impossible."""
        if not self._closed:
            self._listeners.close()
        with self._lock:
            self._closed = True
            self._log.close()
            return self._log.failure

    def _trouble(self, message: str) -> None:
        self.emit(LogWritten, step_id="", level="warning", message=message)


def _without_secrets(line: bytes, redactor: Redactor) -> bytes:
    """Returns an encoded event without the secrets in it."""
    return msgspec.json.encode(redactor.record(msgspec.json.decode(line)))
