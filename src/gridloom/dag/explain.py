"""Whether a step has to run, and why: the one decision that the plan and the real run share."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import msgspec

from gridloom.dag.cache import CachedOutputs, ManifestStore
from gridloom.dag.fingerprint import Fingerprint, Identity, StepIdentity, changes
from gridloom.dag.graph import Graph, StepNode
from gridloom.dag.manifest import Miss
from gridloom.dag.redact import Redactor
from gridloom.dag.step import CacheableStep
from gridloom.dag.wiring import Binding
from gridloom.errors import GridLoomError, RawDataError, UnknownStepError, did_you_mean

__all__ = [
    "Decision",
    "Identities",
    "Plan",
    "PlannedStep",
    "changes_since",
    "code_notes",
    "decide",
    "inputs_for",
    "make_plan",
]


@dataclass(frozen=True, kw_only=True)
class PlannedStep:
    """What a run would do with one step.

    Attributes:
        step_id: The step.
        decision: ``run`` it, use ``cached`` outputs, or ``blocked``: it cannot run as it is.
        reason: Why, in words.
        detail: The step's own facts, such as what it will ask for.
        depends_on: Steps that have to succeed before.
        notes: What cannot be vouched for in its code, and what to do about it.
    """

    step_id: str
    decision: Literal["run", "cached", "blocked"]
    reason: str
    detail: dict[str, Any] = field(default_factory=dict)
    depends_on: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a run would do, without doing it.

    Attributes:
        steps: Every step in topological order.
    """

    steps: tuple[PlannedStep, ...]

    def __getitem__(self, step_id: str) -> PlannedStep:
        found = {step.step_id: step for step in self.steps}
        if step_id not in found:
            raise UnknownStepError(f"The plan has no step '{step_id}'.{did_you_mean(step_id, found)}")
        return found[step_id]

    @property
    def blocked(self) -> bool:
        """Whether a step cannot run as it is."""
        return any(step.decision == "blocked" for step in self.steps)


@dataclass(frozen=True, kw_only=True)
class Decision:
    """Whether a step runs.

    Attributes:
        reason: Why, in words.
        cached: The outputs to use instead of running.
        fingerprint: What decides its outputs; None where it is not cacheable.
    """

    reason: str
    cached: CachedOutputs | None = None
    fingerprint: Fingerprint | None = None


def inputs_for(bindings: tuple[Binding, ...], outputs: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Returns a step's inputs by parameter name.

    Args:
        bindings: What feeds each parameter.
        outputs: Outputs by step and field name.
    """
    inputs: dict[str, Any] = {}
    for binding in bindings:
        values = [outputs[source.step_id][source.field] for source in binding.sources]
        if binding.gathers:
            inputs[binding.parameter.name] = values
        elif values:
            inputs[binding.parameter.name] = values[0]
        elif not binding.parameter.default:
            inputs[binding.parameter.name] = None
    return inputs


class Identities:
    """What the steps of a graph are, each found once: before anything runs, for one state of the code."""

    def __init__(self, graph: Graph) -> None:
        self._of = {node.step_id: StepIdentity(node.step) for node in graph}

    def __getitem__(self, step_id: str) -> StepIdentity:
        return self._of[step_id]

    def take_code(self, graph: Graph) -> None:
        """Reads the code of all steps that may be cached, now."""
        for node in graph:
            if isinstance(node.step, CacheableStep):
                _ = self._of[node.step_id].code

    def records(self, graph: Graph) -> dict[str, Any]:
        """Returns what each step is, JSON-able, for whoever wants to know later whether it still is.

        Raises:
            ConfigError: If a setting cannot be fingerprinted.
        """
        return {node.step_id: msgspec.to_builtins(self._of[node.step_id].record) for node in graph}


def decide(
    node: StepNode,
    identity: StepIdentity,
    bindings: tuple[Binding, ...],
    inputs: Mapping[str, Any],
    store: ManifestStore,
    *,
    force: bool,
    most_bytes: float = math.inf,
) -> Decision:
    """Returns whether a step with known inputs has to run, and why.

    Raises:
        ConfigError: If a setting cannot be fingerprinted.
        HeavyOutputsError: If there are outputs of more than `most_bytes` to be verified.
    """
    if not isinstance(node.step, CacheableStep):
        return Decision(reason="it runs every time")
    gathered = frozenset(binding.parameter.name for binding in bindings if binding.gathers)
    fingerprint = identity.fingerprint(inputs, gathered)
    if force:
        return Decision(reason="forced", fingerprint=fingerprint)
    found = store.lookup(
        node.step_id,
        fingerprint,
        node.signature.outputs,
        parts=identity.code.parts,
        inputs=inputs,
        most_bytes=most_bytes,
    )
    if isinstance(found, Miss):
        return Decision(reason=found.reason, fingerprint=fingerprint)
    veto = node.step.should_use_cache(found.outputs)
    if veto is not True:
        return Decision(reason=str(veto), fingerprint=fingerprint)
    return Decision(reason=f"unchanged since run {found.run_id}", cached=found, fingerprint=fingerprint)


def code_notes(node: StepNode, identity: StepIdentity) -> tuple[str, ...]:
    """Returns in words what cannot be followed in a cacheable step's code, and what to do about it."""
    if not isinstance(node.step, CacheableStep):
        return ()
    return tuple(str(item) for item in identity.code.opaque if item.hazard)


def changes_since(graph: Graph, identity: Mapping[str, Any], store: ManifestStore) -> list[str]:
    """Returns in words how the steps of a graph differ from what they were.

    Args:
        graph: The steps of now.
        identity: What each step was, as `Identities.records` gave it.
        store: Knows the parts of code that was.

    Raises:
        ConfigError: If a setting cannot be fingerprinted.
        RawDataError: If `identity` is not what was given.
    """
    try:
        known = msgspec.convert(identity, dict[str, Identity])
    except msgspec.ValidationError as error:
        raise RawDataError(
            f"The record of what the steps were is damaged, or of another version of GridLoom ({error}). "
            "Type the run's command again: what is finished is kept."
        ) from error
    said, identities = [], Identities(graph)
    for step_id in dict.fromkeys([*known, *graph.order()]):
        if step_id not in known or step_id not in graph:
            said.append(f"step '{step_id}' is {'new' if step_id in graph else 'not there any more'}")
            continue
        now = identities[step_id]
        was = Fingerprint(known[step_id], {}, "")
        if was.identity != now.record:
            before = store.code_parts(was.identity.code)
            parts = (before, now.code.parts if before else {})
            said.append(f"`{step_id}`: {changes(was, Fingerprint(now.record, {}, ''), code=parts)}")
    return said


def make_plan(graph: Graph, out: Path, store: ManifestStore, redactor: Redactor, *, force: bool) -> Plan:
    """Returns what a run would do; reads, and writes nothing.

    Raises:
        GraphError: If the graph is not one that can run.
    """
    planner = _Planner(graph, out, store, force=force)
    planned = [planner.plan(step_id) for step_id in graph.order()]
    return Plan(
        steps=tuple(
            replace(step, reason=redactor.text(step.reason), detail=redactor.record(step.detail))
            for step in planned
        )
    )


class _Planner:
    """Walks the graph in order and remembers what the later steps need to know."""

    def __init__(self, graph: Graph, out: Path, store: ManifestStore, *, force: bool) -> None:
        self._graph, self._out, self._store, self._force = graph, out, store, force
        self._identities = Identities(graph)
        self._decisions: dict[str, str] = {}
        self._outputs: dict[str, Mapping[str, Any]] = {}

    def plan(self, step_id: str) -> PlannedStep:
        """Returns what would be done with a step whose dependencies are planned already."""
        node = self._graph[step_id]
        detail: dict[str, Any] = {}
        try:
            detail = node.step.plan_detail(self._out)
            decision, reason = self._decide(node)
        except GridLoomError as error:
            decision, reason = "blocked", str(error)
        self._decisions[step_id] = decision
        return PlannedStep(
            step_id=step_id,
            decision=decision,
            reason=reason,
            detail=detail,
            depends_on=self._graph.dependencies(step_id),
            notes=code_notes(node, self._identities[step_id]),
        )

    def _decide(self, node: StepNode) -> tuple[Literal["run", "cached", "blocked"], str]:
        for needed in self._graph.dependencies(node.step_id):
            if self._decisions[needed] == "blocked":
                return "blocked", f"`{needed}` is blocked"
        for needed in self._graph.data(node.step_id):
            if self._decisions[needed] == "run":
                return "run", f"`{needed}` runs first"
        bindings = self._graph.bindings(node.step_id)
        inputs = inputs_for(bindings, self._outputs)
        identity = self._identities[node.step_id]
        decision = decide(node, identity, bindings, inputs, self._store, force=self._force)
        if decision.cached:
            self._outputs[node.step_id] = decision.cached.outputs
            return "cached", decision.reason
        node.step.validate_input(inputs)
        return "run", decision.reason
