"""Asking a run, or one step of it, to stop."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress

__all__ = ["CancelToken"]


class CancelToken:
    """Whether a run, or one step of it, was asked to stop, and who wants to be told.

    Args:
        above: A token whose cancellation is this one's too; release it with `close`.
    """

    def __init__(self, above: CancelToken | None = None) -> None:
        self._event = threading.Event()
        self._lock = threading.Lock()
        self._callbacks: list[Callable[[], None]] = []
        self._above = above
        self.reason = ""
        if above is not None:
            above.on_cancel(self._follow)

    @property
    def cancelled(self) -> bool:
        """Whether the run was asked to stop."""
        return self._event.is_set()

    def wait(self, seconds: float) -> bool:
        """Waits, and returns at once and True if the run is asked to stop meanwhile."""
        return self._event.wait(seconds)

    def cancel(self, reason: str) -> list[BaseException]:
        """Asks to stop and tells everyone who wants to know; returns what their callbacks raised."""
        with self._lock:
            if self._event.is_set():
                return []
            self.reason = reason
            self._event.set()
            callbacks, self._callbacks = self._callbacks, []
        raised: list[BaseException] = []
        for callback in callbacks:
            try:
                callback()
            except Exception as error:  # noqa: BLE001 - one step's callback must not keep others running
                raised.append(error)
        return raised

    def on_cancel(self, callback: Callable[[], None]) -> None:
        """Calls `callback` once when the run is asked to stop, at once if it already was."""
        with self._lock:
            if not self._event.is_set():
                self._callbacks.append(callback)
                return
        callback()

    def forget(self, callback: Callable[[], None]) -> None:
        """Drops a callback that has nothing more to do; one that is not known does not matter."""
        with self._lock, suppress(ValueError):
            self._callbacks.remove(callback)

    def close(self) -> None:
        """Stops following the token above."""
        if self._above is not None:
            self._above.forget(self._follow)

    def _follow(self) -> None:
        for error in self.cancel(self._above.reason if self._above else ""):
            raise error
