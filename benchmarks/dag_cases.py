"""Graphs of the DAG engine, and the same graphs on a floor of the standard library.

The floor is what any engine needs at least: `graphlib` for the order, asyncio for the window, threads
for the work. It checks no types, writes nothing and remembers nothing.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from graphlib import TopologicalSorter
from pathlib import Path

from clock import Clock
from gridloom.dag import (
    BaseStep,
    CacheableStep,
    PipelineDAG,
    PipelineDAGConfig,
    RunOutcome,
    StepConfig,
    operational,
)
from gridloom.dag import run as _loaded_when_first_run  # noqa: F401  # imports are measured on their own

PARALLEL = 4


@dataclass(frozen=True)
class Task:
    """One step of a graph, for both engines: seconds of sleep, and the steps before it."""

    sleep_s: float = 0.0
    after: tuple[str, ...] = ()


def graph(shape: str, steps: int) -> dict[str, Task]:
    """Returns a graph by name, in the order in which its steps are declared."""
    if shape == "chain":
        return {f"s{i}": Task(after=(f"s{i - 1}",) if i else ()) for i in range(steps)}
    if shape == "fan":
        return {"s0": Task()} | {f"s{i}": Task(after=("s0",)) for i in range(1, steps)}
    if shape == "layered":
        layers = [[f"l{layer}-{i}" for i in range(10)] for layer in range(steps // 10)]
        before = [(), *(tuple(layer) for layer in layers)]
        return {
            name: Task(0.02, after) for after, layer in zip(before, layers, strict=False) for name in layer
        }
    if shape == "head-of-line":
        children = {f"child{i}": Task(0.1, ("root",)) for i in range(4)}
        return {"root": Task(1.0)} | children | {f"free{i}": Task(0.1) for i in range(40)}
    raise ValueError(shape)


IDEAL_S = {"layered": lambda steps: steps // 10 * 3 * 0.02, "head-of-line": lambda _steps: 1.4}
"""The best makespan with four at once.

Layered: ten steps of 20 ms need three rounds, and a layer needs all of the one before. Head of line: 30
free steps beside the root, then 10 and the 4 children in four rounds.
"""


class NapConfig(StepConfig):
    sleep_s: float = operational(0.0)


class Nap(BaseStep[NapConfig]):
    def _execute(self, values: list[int] | None = None) -> int:
        if self.config.sleep_s:
            time.sleep(self.config.sleep_s)
        return len(values or ())


class RememberedNap(CacheableStep[NapConfig]):
    def _execute(self, values: list[int] | None = None) -> int:
        if self.config.sleep_s:
            time.sleep(self.config.sleep_s)
        return len(values or ())


def gridloom(
    shape: str, steps: int, out: str, *, cacheable: bool = True, hits: bool = False
) -> dict[str, float]:
    """Builds and runs a graph; with `hits` it is run once before, and the rerun is measured."""
    tasks = graph(shape, steps)
    if hits:
        _run(tasks, Path(out), RememberedNap)
    with Clock() as clock:
        _run(tasks, Path(out), RememberedNap if cacheable else Nap)
    return _facts(clock, shape, tasks)


def _run(tasks: Mapping[str, Task], out: Path, kind: type[Nap | RememberedNap]) -> None:
    dag = PipelineDAG(PipelineDAGConfig(pipeline_name="bench", output_dir=out, max_parallel_steps=PARALLEL))
    for name, task in tasks.items():
        dag.add_step(kind(NapConfig(step_id=name, sleep_s=task.sleep_s)), dependencies=task.after)
    if dag.execute().outcome is not RunOutcome.succeeded:
        raise SystemExit("the run failed")


def floor(shape: str, steps: int, out: str, *, hits: bool = False) -> dict[str, float]:
    """Runs a graph on the standard library; a hit there is a record read and a digest compared."""
    tasks = graph(shape, steps)

    def nap(name: str) -> None:
        if tasks[name].sleep_s:
            time.sleep(tasks[name].sleep_s)

    def check(name: str) -> None:
        if json.loads(Path(out, f"{name}.json").read_bytes())["digest"] != _digest(name):
            raise SystemExit("no hit")

    if hits:
        for name in tasks:
            data = json.dumps({"value": 1, "digest": _digest(name)})
            Path(out, f"{name}.json").write_text(data)
    with Clock() as clock:
        asyncio.run(_floor(tasks, check if hits else nap))
    return _facts(clock, shape, tasks)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


async def _floor(tasks: Mapping[str, Task], work: Callable[[str], None]) -> None:
    sorter = TopologicalSorter({name: task.after for name, task in tasks.items()})
    sorter.prepare()
    rank = {name: place for place, name in enumerate(tasks)}
    ready: list[str] = []
    loop, running = asyncio.get_running_loop(), set()
    with ThreadPoolExecutor(PARALLEL) as pool:
        while sorter.is_active():
            ready = sorted([*ready, *sorter.get_ready()], key=rank.__getitem__)
            while ready and len(running) < PARALLEL:
                name = ready.pop(0)
                running.add(asyncio.ensure_future(_named(name, loop.run_in_executor(pool, work, name))))
            done, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                sorter.done(task.result())


async def _named(name: str, work: asyncio.Future[None]) -> str:
    await work
    return name


def _facts(clock: Clock, shape: str, tasks: Mapping[str, Task]) -> dict[str, float]:
    facts = {
        "wall_ms_per_step": clock.wall_s / len(tasks) * 1e3,
        "cpu_ms_per_step": clock.cpu_s / len(tasks) * 1e3,
    }
    if shape in IDEAL_S:
        facts["over_ideal"] = clock.wall_s / IDEAL_S[shape](len(tasks))
    return facts
