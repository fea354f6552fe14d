"""Graphs of steps for the bench of the DAG, the same for every engine; imports none of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from clock import Clock

PARALLEL = 4


@dataclass(frozen=True)
class Task:
    """One step of a graph: seconds of sleep, and the steps before it."""

    sleep_s: float = 0.0
    after: tuple[str, ...] = ()


def graph(shape: str, steps: int) -> dict[str, Task]:
    """Returns a graph by name, in the order in which its steps are declared; names are identifiers."""
    if shape == "chain":
        return {f"s{i}": Task(after=(f"s{i - 1}",) if i else ()) for i in range(steps)}
    if shape == "fan":
        return {"s0": Task()} | {f"s{i}": Task(after=("s0",)) for i in range(1, steps)}
    if shape == "layered":
        layers = [[f"l{layer}_{i}" for i in range(10)] for layer in range(steps // 10)]
        before = [(), *(tuple(layer) for layer in layers)]
        return {
            name: Task(0.02, after) for after, layer in zip(before, layers, strict=False) for name in layer
        }
    if shape == "head-of-line":
        children = {f"child{i}": Task(0.1, ("root",)) for i in range(4)}
        return {"root": Task(1.0)} | children | {f"free{i}": Task(0.1) for i in range(40)}
    raise ValueError(shape)


IDEAL_S: Mapping[str, Callable[[int], float]] = {
    "layered": lambda steps: steps // 10 * 3 * 0.02,
    "head-of-line": lambda _steps: 1.4,
}
"""The best makespan with four at once.

Layered: ten steps of 20 ms need three rounds, and a layer needs all of the one before. Head of line: 30
free steps beside the root, then 10 and the 4 children in four rounds.
"""


def facts(clock: Clock, shape: str, steps: int) -> dict[str, float]:
    """Returns what a graph took, a step, and over the ideal where there is one."""
    taken = {"wall_ms_per_step": clock.wall_s / steps * 1e3, "cpu_ms_per_step": clock.cpu_s / steps * 1e3}
    if shape in IDEAL_S:
        taken["over_ideal"] = clock.wall_s / IDEAL_S[shape](steps)
    return taken
