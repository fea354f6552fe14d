"""The log of requests that a stand-in server has answered, for tests and for counting."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

__all__ = ["LOG_LIMIT", "LoggedRequest", "RequestLog"]

LOG_LIMIT: Final = 100_000
"""Requests that the log remembers; older ones are only counted."""


@dataclass(frozen=True, slots=True)
class LoggedRequest:
    """One answered request.

    Attributes:
        method: HTTP method.
        path: Path as it was asked for.
        params: Parameters as parsed, from query, header and body, without the key.
        key_in: Where the key was, ``query`` or ``header``, or empty for none.
        status: HTTP status of the answer.
        rows: Rows in the answer.
        arrived_s: When the request came, on the clock of ``time.monotonic``.
        fault: Names of the faults that it met, joined by ``+``, or empty.
    """

    method: str
    path: str
    params: Mapping[str, Any]
    key_in: str
    status: int
    rows: int
    arrived_s: float = 0.0
    fault: str = ""


class RequestLog:
    """Requests in the order in which they were answered. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requests: deque[LoggedRequest] = deque(maxlen=LOG_LIMIT)
        self._count = 0

    def add(self, request: LoggedRequest) -> None:
        """Appends one request."""
        with self._lock:
            self._requests.append(request)
            self._count += 1

    def all(self) -> tuple[LoggedRequest, ...]:
        """Returns the remembered requests, oldest first."""
        with self._lock:
            return tuple(self._requests)

    def __len__(self) -> int:
        """Returns how many requests were answered, forgotten ones included."""
        with self._lock:
            return self._count
