"""Which steps of a run have ended and which may start, the most urgent first."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from gridloom.dag.graph import Graph
from gridloom.dag.outcome import StepOutcome, StepOutput

__all__ = ["Frontier", "Urgency"]

Urgency = tuple[float, int]
"""The seconds of the way to an end, negative, and the place in topological order."""


class Frontier:
    """The steps of a graph on their way through a run.

    Of several ready steps the one comes first from which the longest way leads to an end, by the seconds
    that its steps took lately; one that nobody knows counts as the mean of the known.

    Attributes:
        statuses: Where each step stands.
        outputs: How steps ended.
        artifacts: What those gave that succeeded.
        rank: Places of the steps in topological order.
    """

    def __init__(self, graph: Graph, expected_s: Mapping[str, float]) -> None:
        self._order = graph.order()
        self._dependents = graph.dependents()
        self._missing = {name: len(graph.dependencies(name)) for name in self._order}
        self._unopened = dict(self._missing)
        ways = _longest_ways(self._order, self._dependents, expected_s)
        self.rank = {name: position for position, name in enumerate(self._order)}
        self._urgency = {name: (-ways[name], self.rank[name]) for name in self._order}
        self._ready = [self._urgency[name] for name in self._order if not self._missing[name]]
        heapq.heapify(self._ready)
        self.statuses = dict.fromkeys(self._order, StepOutcome.pending)
        self.outputs: dict[str, StepOutput] = {}
        self.artifacts: dict[str, Mapping[str, Any]] = {}

    def __bool__(self) -> bool:
        """Whether a step may start."""
        return bool(self._ready)

    @property
    def first(self) -> Urgency | None:
        """How urgent the most urgent of the ready steps is; may be asked from any thread."""
        return next(iter(self._ready), None)

    def urgency(self, step_id: str) -> Urgency:
        """Returns how urgent a step is; the smallest is the most urgent."""
        return self._urgency[step_id]

    def take(self) -> str:
        """Returns the most urgent of the ready steps."""
        return self._order[heapq.heappop(self._ready)[1]]

    def begin(self, step_id: str) -> None:
        """Notes that a step is running from now on."""
        self.statuses[step_id] = StepOutcome.running

    def opened(self, step_id: str) -> Urgency | None:
        """Returns how urgent the most urgent step is that waited for nothing but this one's success.

        It is asked once for each step, as soon as that has succeeded; the end may be noted later.
        """
        found: Urgency | None = None
        for name in self._dependents[step_id]:
            self._unopened[name] -= 1
            if not self._unopened[name]:
                found = min(found or self._urgency[name], self._urgency[name])
        return found

    def end(self, output: StepOutput) -> None:
        """Notes how a step ended; what only waited for its success may start."""
        self.note(output)
        if not output.outcome.succeeded:
            return
        self.artifacts[output.step_id] = output.artifacts
        for name in self._dependents[output.step_id]:
            self._missing[name] -= 1
            if not self._missing[name] and name not in self.outputs:
                heapq.heappush(self._ready, self._urgency[name])

    def note(self, output: StepOutput) -> None:
        """Notes how a step ended, and nothing else."""
        self.outputs[output.step_id] = output
        self.statuses[output.step_id] = output.outcome

    def descendants(self, step_id: str) -> Iterator[str]:
        """Yields the steps after a step that have not ended; the caller ends each before it asks on."""
        waiting = [step_id]
        while waiting:
            for name in self._dependents[waiting.pop()]:
                if name not in self.outputs:
                    yield name
                    waiting.append(name)

    def rest(self) -> Iterator[str]:
        """Yields the steps that have not ended; the caller ends each before it asks on."""
        return (name for name in self._order if name not in self.outputs)


def _longest_ways(
    order: Sequence[str], dependents: Mapping[str, Sequence[str]], expected_s: Mapping[str, float]
) -> dict[str, float]:
    """Returns for each step the seconds from its start to the last end that waits for it."""
    known = [expected_s[name] for name in order if name in expected_s]
    usual_s = sum(known) / len(known) if known else 1.0
    ways: dict[str, float] = {}
    for name in reversed(order):
        after_s = max((ways[other] for other in dependents[name]), default=0.0)
        ways[name] = expected_s.get(name, usual_s) + after_s
    return ways
