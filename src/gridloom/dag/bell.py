"""What wakes the thread of a run: at once, or a moment after the first thing that can wait so long."""

from __future__ import annotations

import queue
from contextlib import suppress
from typing import Final

__all__ = ["Bell"]

_MOMENT_S: Final = 0.002
"""So long the books wait while the threads go on: steps that end together are noted together."""


class Bell:
    """Rung from any thread, also from a signal handler; one thread listens."""

    def __init__(self) -> None:
        self._rings: queue.SimpleQueue[bool] = queue.SimpleQueue()
        self._soon = False

    def ring(self) -> None:
        """Wakes the listener at once."""
        self._rings.put(True)

    def ring_soon(self) -> None:
        """Wakes the listener in a moment, unless that is about to happen."""
        if not self._soon:
            self._soon = True
            self._rings.put(False)

    def wait(self, most_s: float | None) -> None:
        """Returns when the listener is to look around.

        Args:
            most_s: Seconds after which it does in any case; None if it need not.
        """
        with suppress(queue.Empty):
            if not self._rings.get(timeout=most_s):
                self._rings.get(timeout=_MOMENT_S)
        self._soon = False
