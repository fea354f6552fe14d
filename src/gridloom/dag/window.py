"""The sliding window of a run: who is at work, who is next, and whose end is still to be noted."""

from __future__ import annotations

import heapq
import threading
import time
from collections import deque
from collections.abc import Iterable
from typing import NamedTuple

from gridloom.dag.ends import Ended, Succeeded
from gridloom.dag.frontier import Frontier, Urgency
from gridloom.dag.tries import Running

__all__ = ["Next", "Window"]


class Next(NamedTuple):
    """What a thread does whose step has ended.

    Attributes:
        step: The step that it goes on with.
        turn: Whether it is to look at once what may begin; else the books can wait a moment.
    """

    step: Running | None
    turn: bool


class Window:
    """At most `limit` steps at work.

    A thread whose step has ended swaps it for one that was decided on ahead, without waiting for whoever
    is at the books. All else is done by one thread at a time, the holder of the scheduler's lock.

    Attributes:
        running: Steps between their start and the note of their end.
    """

    def __init__(self, steps: Frontier, limit: int) -> None:
        self._steps, self._limit = steps, limit
        self._ahead: list[tuple[Urgency, Running]] = []
        self._ended: deque[Ended | Succeeded] = deque()
        self._failed = 0
        self._lock = threading.Lock()
        self.running: dict[str, Running] = {}

    @property
    def free(self) -> int:
        """How many steps may begin, if there are as many; never too many, whatever is swapped meanwhile."""
        ended = len(self._ended)
        return self._limit - len(self.running) + ended

    @property
    def waits(self) -> bool:
        """Whether a step may begin as soon as there is a place."""
        return bool(self._ahead or self._steps)

    @property
    def at_work(self) -> int:
        """How many threads the steps at work need at most."""
        return min(len(self.running), self._limit)

    def wait_s(self) -> float | None:
        """Returns the seconds until an attempt is due; None if none is."""
        due_s = [step.due_s for step in list(self.running.values()) if step.due_s is not None]
        return max(min(due_s) - time.monotonic(), 0.0) if due_s else None

    def swap(self, ended: Ended | Succeeded, *, begin: bool) -> Next:
        """Takes a step that has ended, and returns what its thread does now.

        Args:
            ended: How it ended.
            begin: Whether a step may begin before this end is noted.
        """
        with self._lock:
            self._ended.append(ended)
            if not ended.succeeded:
                self._failed += 1
                return Next(None, turn=True)
            opened = self._steps.opened(ended.step_id)
            others = [urgency for urgency in (opened, self._steps.first) if urgency is not None]
            if not begin or self._failed:
                return Next(None, turn=True)
            if self._ahead and all(self._ahead[0][0] <= urgency for urgency in others):
                step = heapq.heappop(self._ahead)[1]
                self.begin(step)
                step.number += 1
                return Next(step, turn=False)
            idle = not self._ahead and not others and len(self.running) > len(self._ended)
            return Next(None, turn=not idle)

    def take_ended(self) -> list[Ended | Succeeded]:
        """Returns those whose end is to be noted now; see `noted`."""
        return [self._ended.popleft() for _ in range(len(self._ended))]

    def noted(self, ended: Iterable[Ended | Succeeded]) -> None:
        """Says that what follows from these ends is known."""
        with self._lock:
            self._failed -= sum(not item.succeeded for item in ended)

    def wants(self) -> bool:
        """Returns whether it is worth while to decide on the most urgent step that is ready."""
        first = self._steps.first
        return first is not None and (len(self._ahead) < self._limit or first < self._ahead[0][0])

    def put_ahead(self, step: Running) -> None:
        """Takes a step that was decided on."""
        with self._lock:
            heapq.heappush(self._ahead, (self._steps.urgency(step.step_id), step))

    def take_ahead(self) -> Running | None:
        """Returns the most urgent of those decided on, which begins; None if a more urgent one is ready."""
        with self._lock:
            first = self._steps.first
            if not self._ahead or (first is not None and first < self._ahead[0][0]):
                return None
            return heapq.heappop(self._ahead)[1]

    def begin(self, step: Running) -> None:
        """Notes that a step is at work from now on."""
        self.running[step.step_id] = step
        self._steps.begin(step.step_id)
