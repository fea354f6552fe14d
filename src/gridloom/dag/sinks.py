"""Listeners kept at arm's length: each has a bounded queue and a thread of its own.

Whatever a listener does (raise, hang, be slow), the run goes on at its own speed and ends as it would have
without it. What a listener did not hear is counted and said.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import Protocol

from gridloom.dag.events import Event

__all__ = ["Listeners", "Sink", "Trouble"]

_MOST_WAITING = 10_000
_LOOK_EVERY_S = 0.05
"""Events are handed over in batches: waking a thread for each would cost more than most listeners do."""
_PATIENCE_S = 3.0
"""How long the end of a run waits for listeners that are behind."""

Trouble = Callable[[str], None]
"""Hears in a sentence what went wrong with a listener."""


class Sink(Protocol):
    """Who listens: called with each event in order, in a thread that belongs to this listener."""

    def __call__(self, event: Event, /) -> object:
        """Hears one event."""


class _Listener:
    """One sink, its queue and its thread."""

    def __init__(self, sink: Sink, trouble: Trouble) -> None:
        self._sink, self._trouble = sink, trouble
        self._waiting: deque[Event] = deque()
        self._closing = threading.Event()
        self._gone = False
        self.dropped = 0
        self.name = getattr(sink, "__qualname__", type(sink).__qualname__)
        # a daemon: a sink that hangs must not keep the process alive
        self._thread = threading.Thread(target=self._work, name=f"gridloom-sink-{self.name}", daemon=True)
        self._thread.start()

    def put(self, event: Event) -> None:
        """Queues an event, or counts it where the queue is full."""
        if self._gone:
            return
        if len(self._waiting) < _MOST_WAITING:
            self._waiting.append(event)
        else:
            self.dropped += 1

    def close(self) -> None:
        """Lets the thread end once it has handed over what waits."""
        self._closing.set()

    def join(self, until_s: float) -> None:
        """Waits for the thread, and counts what it did not get to."""
        self._thread.join(max(until_s - time.monotonic(), 0.0))
        if self._thread.is_alive() and not self._gone:
            self._gone = True
            # the one that it is at was not heard to its end either
            self.dropped += len(self._waiting) + 1

    def _work(self) -> None:
        while True:
            last = self._closing.wait(_LOOK_EVERY_S)
            while self._waiting and not self._gone:
                event = self._waiting.popleft()
                try:
                    self._sink(event)
                except BaseException as error:  # noqa: BLE001 - whatever it raises, the run goes on; it is said
                    self._gone = True
                    problem = f"{type(error).__name__}: {error}"
                    self._trouble(f"The listener {self.name} was dropped because it raised {problem}")
                    return
            if last:
                return


class Listeners:
    """All sinks of one run.

    Args:
        sinks: Who listens.
        trouble: Hears what went wrong with one of them.
    """

    def __init__(self, sinks: Iterable[Sink], trouble: Trouble) -> None:
        self._trouble = trouble
        self._all = [_Listener(sink, trouble) for sink in sinks]

    def tell(self, event: Event) -> None:
        """Queues an event for everyone; never waits."""
        for listener in self._all:
            listener.put(event)

    def close(self) -> None:
        """Waits until all have heard everything, but not for ever, and says what was not heard."""
        until_s = time.monotonic() + _PATIENCE_S
        for listener in self._all:
            listener.close()
        for listener in self._all:
            listener.join(until_s)
            if listener.dropped:
                self._trouble(f"The listener {listener.name} did not hear {listener.dropped:,} events.")
