"""Steps and their dependencies: checked when added, sorted with graphlib, a cycle shown as a path."""

from __future__ import annotations

import graphlib
import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from gridloom.dag.kinds import is_artifact
from gridloom.dag.signature import Signature, signature_of
from gridloom.dag.step import BaseStep, CacheableStep
from gridloom.dag.wiring import Binding, bind
from gridloom.errors import (
    AnnotationError,
    CycleError,
    DuplicateStepError,
    GraphError,
    UnknownStepError,
    did_you_mean,
)

__all__ = ["Graph", "StepNode"]


@dataclass(frozen=True, eq=False)
class StepNode:
    """A step as it stands in a DAG.

    Attributes:
        step_id: Its name there.
        step: The step.
        signature: What it takes and gives.
    """

    step_id: str
    step: BaseStep[Any]
    signature: Signature

    @property
    def makes_artifacts(self) -> bool:
        """Whether at least one of its outputs is an artifact."""
        return any(is_artifact(kind) for kind in self.signature.outputs.values())


@dataclass(frozen=True, slots=True)
class _Edges:
    """What one step depends on: `data` feeds it, `after` only comes before it."""

    data: tuple[str, ...]
    after: tuple[str, ...]
    bindings: tuple[Binding, ...]


class Graph:
    """The steps of a DAG and what feeds them."""

    def __init__(self) -> None:
        self._nodes: dict[str, StepNode] = {}
        self._edges: dict[str, _Edges] = {}
        self._order: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self._nodes)

    def __iter__(self) -> Iterator[StepNode]:
        return iter(self._nodes.values())

    def __contains__(self, step_id: object) -> bool:
        return step_id in self._nodes

    def __getitem__(self, step_id: str) -> StepNode:
        if step_id not in self._nodes:
            names = ", ".join(f"'{name}'" for name in self._nodes)
            hint = did_you_mean(step_id, self._nodes) or f" There are: {names or 'no steps yet'}."
            raise UnknownStepError(f"There is no step '{step_id}'.{hint}")
        return self._nodes[step_id]

    def add(
        self, step: BaseStep[Any], data: Sequence[str | StepNode], after: Sequence[str | StepNode]
    ) -> StepNode:
        """Adds a step and returns its node; nothing is added if anything is wrong.

        Raises:
            GraphError: If the step, its id, its annotations or its dependencies do not fit.
        """
        if not isinstance(step, BaseStep):
            raise GraphError(f"A step is an instance of a BaseStep class; got {step!r}.")
        step_id = step.step_id
        if step_id in self._nodes:
            raise DuplicateStepError(
                f"There is already a step '{step_id}' ({self._nodes[step_id].signature.owner}). "
                "Give one of the two another step_id."
            )
        signature = signature_of(type(step))
        if isinstance(step, CacheableStep) and not signature.outputs:
            raise AnnotationError(
                f"{signature.owner} is a CacheableStep that gives nothing, so nothing tells whether it has "
                "to run again. Return an artifact or a value, or derive it from BaseStep."
            )
        folder = step.output_folder()
        if folder.startswith("/") or ".." in folder.split("/"):
            raise GraphError(
                f"The output folder '{folder}' of step '{step_id}' leads out of the pipeline's. "
                "Give a relative one, such as 'tables'."
            )
        node = StepNode(step_id, step, signature)
        edges = self._checked(node, self._ids(data, "dependencies"), self._ids(after, "after"))
        self._nodes[step_id], self._edges[step_id], self._order = node, edges, ()
        return node

    def connect(self, step_id: str, on: str, *, order_only: bool) -> None:
        """Adds a dependency between two steps that are both there.

        Raises:
            GraphError: If a step is unknown or the wiring does not fit.
        """
        node, known = self[step_id], self[on].step_id
        edges = self._edges[step_id]
        data, after = [*edges.data], [*edges.after]
        (after if order_only else data).append(known)
        self._edges[step_id], self._order = self._checked(node, data, after), ()

    def data(self, step_id: str) -> tuple[str, ...]:
        """Returns the steps whose outputs a step takes."""
        return self._edges[step_id].data

    def dependencies(self, step_id: str) -> tuple[str, ...]:
        """Returns the steps that have to succeed before a step, order-only ones last."""
        edges = self._edges[step_id]
        if not edges.after:
            return edges.data
        return (*edges.data, *(name for name in edges.after if name not in edges.data))

    def bindings(self, step_id: str) -> tuple[Binding, ...]:
        """Returns what feeds each parameter of a step."""
        return self._edges[step_id].bindings

    def dependents(self) -> dict[str, list[str]]:
        """Returns for each step those that wait for it."""
        found: dict[str, list[str]] = {name: [] for name in self._nodes}
        for name in self._nodes:
            for needed in self.dependencies(name):
                found[needed].append(name)
        return found

    def order(self) -> tuple[str, ...]:
        """Returns all ids so that each comes after what it depends on, else in the order of adding.

        Raises:
            GraphError: If there are no steps.
            CycleError: With the path of the circle.
        """
        if not self._nodes:
            raise GraphError("The DAG has no steps. Add one with add_step(...) before running it.")
        self._order = self._order or tuple(self._sorted())
        return self._order

    def _sorted(self) -> Iterator[str]:
        sorter = graphlib.TopologicalSorter({name: self.dependencies(name) for name in self._nodes})
        try:
            sorter.prepare()
        except graphlib.CycleError as error:
            raise CycleError(_circle(error.args[1])) from None
        rank = {name: position for position, name in enumerate(self._nodes)}
        ready: list[int] = [rank[name] for name in sorter.get_ready()]
        heapq.heapify(ready)
        names = list(self._nodes)
        while ready:
            name = names[heapq.heappop(ready)]
            yield name
            sorter.done(name)
            for freed in sorter.get_ready():
                heapq.heappush(ready, rank[freed])

    def sinks(self) -> set[str]:
        """Returns the steps whose artifacts no other step makes into further artifacts."""
        consumed: set[str] = set()
        for name in reversed(self.order()):
            if self._nodes[name].makes_artifacts or name in consumed:
                consumed.update(self.data(name))
        return {name for name in self._nodes if name not in consumed}

    def _checked(self, node: StepNode, data: Sequence[str], after: Sequence[str]) -> _Edges:
        data, after = tuple(dict.fromkeys(data)), tuple(dict.fromkeys(after))
        producers = {name: self._nodes[name].signature for name in data}
        # looked at only for advice, so that adding a step costs the same in a large graph
        others = (
            (name, other.signature)
            for name, other in self._nodes.items()
            if name not in producers and name != node.step_id
        )
        bindings = bind(node.step_id, node.signature, producers, others)
        return _Edges(data, after, bindings)

    def _ids(self, given: Sequence[str | StepNode], what: str) -> list[str]:
        if isinstance(given, (str, StepNode)):
            raise GraphError(f"{what} is a list of step ids or nodes; got {given!r}. Write [{given!r}].")
        ids: list[str] = []
        for item in given:
            step_id = item.step_id if isinstance(item, StepNode) else item
            if isinstance(item, StepNode) and self._nodes.get(step_id) is not item:
                raise UnknownStepError(
                    f"The node '{step_id}' is of another DAG. Add its step to this one first."
                )
            ids.append(self[step_id].step_id)
        return ids


def _circle(path: Sequence[str]) -> str:
    # graphlib lists each step before the one that depends on it; read backwards, arrows mean "needs"
    arrows = " -> ".join(reversed(path))
    return (
        f"The steps depend on each other in a circle: {arrows} (each needs the next one). "
        "Remove one of these dependencies."
    )
