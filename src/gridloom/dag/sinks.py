"""Listeners kept at arm's length: each has a bounded queue and a thread of its own.

Whatever a listener does (raise, hang, be slow), the run goes on at its own speed and ends as it would have
without it. What a listener did not hear is counted and said.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import NamedTuple, Protocol

from gridloom.dag.events import Event

__all__ = ["Listeners", "Sink", "Subscription", "Trouble"]

_MOST_WAITING = 10_000
_MANY = 2_000
"""So many events are handed over at once, however long a listener lets them wait."""
_SOON_S = 0.05
"""Events are handed over in batches: waking a thread for each would cost more than most listeners do."""
_PATIENCE_S = 3.0
"""How long the end of a run waits for listeners that are behind."""

Trouble = Callable[[str], None]
"""Hears in a sentence what went wrong with a listener."""


class Sink(Protocol):
    """Who listens: called with each event in order, in a thread that belongs to this listener."""

    def __call__(self, event: Event, /) -> object:
        """Hears one event."""


class Subscription(NamedTuple):
    """Who listens, and to what.

    Attributes:
        sink: Who listens.
        kinds: Events of these classes only; of all where there are none.
        within_s: How long an event may wait, in seconds.
    """

    sink: Sink
    kinds: tuple[type[Event], ...] = ()
    within_s: float = _SOON_S


class _Listener:
    """One sink, its queue and its thread."""

    def __init__(self, subscription: Subscription, hand_out: Callable[[], None], trouble: Trouble) -> None:
        self._sink, self._kinds, self._within_s = subscription
        self._hand_out, self._trouble = hand_out, trouble
        self._waiting: deque[Event] = deque()
        self._look, self._settled, self._closing = threading.Event(), threading.Event(), False
        self._busy = self._gone = False
        self.dropped = 0
        self.name = getattr(self._sink, "__qualname__", type(self._sink).__qualname__)
        # a daemon: a sink that hangs must not keep the process alive
        self._thread = threading.Thread(target=self._work, name=f"gridloom-sink-{self.name}", daemon=True)
        self._thread.start()

    def hears(self, kind: type[Event]) -> bool:
        """Returns whether it wants events of a class."""
        return not self._kinds or kind in self._kinds

    def put(self, event: Event) -> None:
        """Queues an event, or counts it where the queue is full."""
        if self._gone:
            return
        waiting = len(self._waiting)
        if waiting < _MOST_WAITING:
            self._waiting.append(event)
            if waiting == _MANY:
                self._look.set()
        else:
            self.dropped += 1

    def settle(self, until_s: float) -> None:
        """Waits until everything is handed over."""
        while (self._waiting or self._busy) and not self._gone and time.monotonic() < until_s:
            self._settled.clear()
            self._look.set()
            self._settled.wait(max(until_s - time.monotonic(), 0.0))

    def close(self) -> None:
        """Ends the thread, and counts what it did not get to."""
        if (self._waiting or self._busy) and not self._gone:
            # the one that it is at was not heard to its end either
            self.dropped += len(self._waiting) + self._busy
        self._gone = self._closing = True
        self._look.set()

    def _work(self) -> None:
        while not self._closing:
            self._look.wait(self._within_s)
            self._look.clear()
            self._busy = True
            self._hand_out()
            while self._waiting and not self._gone:
                event = self._waiting.popleft()
                try:
                    self._sink(event)
                except BaseException as error:  # noqa: BLE001 - whatever it raises, the run goes on; it is said
                    problem = f"{type(error).__name__}: {error}"
                    self._trouble(f"The listener {self.name} was dropped because it raised {problem}")
                    self._gone = True
            self._busy = False
            self._settled.set()


class Listeners:
    """All sinks of one run.

    Args:
        subscriptions: Who listens to what.
        trouble: Hears what went wrong with one of them.
    """

    def __init__(self, subscriptions: Iterable[Subscription], trouble: Trouble) -> None:
        self._trouble = trouble
        # what was said is put aside, and dealt out to the queues in the threads of those who listen
        self._told: deque[Event] = deque()
        self._dealing = threading.Lock()
        self._by_kind: dict[type[Event], list[Callable[[Event], None]]] = {}
        self._all = [_Listener(each, self._hand_out, trouble) for each in subscriptions]

    def tell(self, event: Event) -> None:
        """Keeps an event for all who want such; never waits for one of them."""
        if self._all:
            self._told.append(event)
        if len(self._told) >= _MANY:
            self._hand_out()

    def _hand_out(self) -> None:
        """Queues what was said for all who want it."""
        with self._dealing:
            while self._told:
                event = self._told.popleft()
                kind = type(event)
                if kind not in self._by_kind:
                    self._by_kind[kind] = [listener.put for listener in self._all if listener.hears(kind)]
                for put in self._by_kind[kind]:
                    put(event)

    def close(self) -> None:
        """Waits until all have heard everything, but not for ever, and says what was not heard."""
        until_s = time.monotonic() + _PATIENCE_S
        # twice, for what the first round has to say about one of them is heard by the others
        for listener in (*self._all, *self._all):
            self._hand_out()
            listener.settle(until_s)
        self._hand_out()
        for listener in self._all:
            listener.close()
        for listener in self._all:
            if listener.dropped:
                self._trouble(f"The listener {listener.name} did not hear {listener.dropped:,} events.")
