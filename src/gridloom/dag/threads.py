"""The threads on which a run makes its attempts."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from typing import Self

__all__ = ["StepThreads"]


class StepThreads:
    """Threads for as many calls at once as are asked for; they end with the ``with`` block.

    The standard library's pool makes a future for each call, which costs more than handing it over.
    """

    def __init__(self) -> None:
        self._calls: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        for _ in self._threads:
            self._calls.put(None)
        for thread in self._threads:
            thread.join()

    def submit(self, call: Callable[[], None], at_once: int) -> None:
        """Has a thread make a call.

        Args:
            call: What to call; it must not raise.
            at_once: How many calls may be under way, this one with them.
        """
        if at_once > len(self._threads):
            thread = threading.Thread(target=self._work, name=f"gridloom-step_{len(self._threads)}")
            self._threads.append(thread)
            thread.start()
        self._calls.put(call)

    def _work(self) -> None:
        while call := self._calls.get():
            call()
            del call  # what it holds need not live until the next one comes
