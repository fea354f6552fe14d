"""Graphs of the DAG engine, and the same graphs on a floor of the standard library.

The floor is what any engine needs at least: `graphlib` for the order, asyncio for the window, threads
for the work. It checks no types, writes nothing and remembers nothing.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import sqlite3
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from graphlib import TopologicalSorter
from pathlib import Path

from clock import Clock
from dag_graphs import PARALLEL, Task, facts, graph
from gridloom.artifact import Artifact
from gridloom.dag import (
    BaseStep,
    CacheableStep,
    PipelineDAG,
    PipelineDAGConfig,
    RunOutcome,
    StepConfig,
    StepContext,
    operational,
)
from gridloom.dag import run as _loaded_when_first_run  # noqa: F401  # imports are measured on their own


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


class NapNote(Artifact):
    """A small file."""


class FileNap(CacheableStep[NapConfig]):
    def _execute(self, notes: list[NapNote] | None, ctx: StepContext) -> NapNote:
        if self.config.sleep_s:
            time.sleep(self.config.sleep_s)
        path = ctx.path("note.txt")
        path.write_text(f"{len(notes or ())}\n")
        return NapNote.of(path)


KINDS = {"every time": Nap, "values": RememberedNap, "files": FileNap}
"""Steps by what is remembered of them."""


def gridloom(
    shape: str, steps: int, out: str, *, kind: str = "values", before: bool = False, hits: bool = False
) -> dict[str, float]:
    """Builds and runs a graph; with `hits` or `before` it is run once before, and the rerun is measured."""
    tasks = graph(shape, steps)
    if hits or before:
        _run(tasks, Path(out), KINDS[kind], 0)
    with Clock() as clock:
        _run(tasks, Path(out), KINDS[kind], len(tasks) if hits else 0)
    return facts(clock, shape, len(tasks))


def _run(tasks: Mapping[str, Task], out: Path, kind: type[Nap | RememberedNap | FileNap], hits: int) -> None:
    dag = PipelineDAG(PipelineDAGConfig(pipeline_name="bench", output_dir=out, max_parallel_steps=PARALLEL))
    for name, task in tasks.items():
        dag.add_step(kind(NapConfig(step_id=name, sleep_s=task.sleep_s)), dependencies=task.after)
    result = dag.execute()
    if result.outcome is not RunOutcome.succeeded or result.totals["steps"]["cached"] != hits:
        raise SystemExit(f"the run {result.outcome} with {result.totals['steps']}")


def disk(count: int, out: str) -> dict[str, float]:
    """Does what durability is made of, and nothing else: times of one operation of each kind."""
    taken: dict[str, float] = {}

    def synced(number: int) -> None:
        path = Path(out, f"{number}.txt")
        path.write_bytes(b"1\n")
        handle = os.open(path, os.O_RDONLY)
        os.fsync(handle)
        os.close(handle)

    def renamed(number: int) -> None:
        synced(number)
        Path(out, f"{number}.txt").rename(Path(out, f"{number}.done"))
        handle = os.open(out, os.O_RDONLY)
        os.fsync(handle)
        os.close(handle)

    def placed(number: int) -> None:
        staged, home = Path(out, "staging", str(number)), Path(out, "steps")
        staged.mkdir()
        path = staged / "note.txt"
        path.write_bytes(b"1\n")
        for synced_path in (path, staged, home):
            if synced_path is home:
                staged.rename(home / staged.name)
            handle = os.open(synced_path, os.O_RDONLY)
            os.fsync(handle)
            os.close(handle)

    for folder in ("staging", "steps"):
        Path(out, folder).mkdir()
    with closing(sqlite3.connect(f"{out}/floor.db", isolation_level=None)) as store:
        store.execute("PRAGMA journal_mode=WAL")
        store.execute("PRAGMA synchronous=NORMAL")
        store.execute("CREATE TABLE records (key TEXT PRIMARY KEY, record BLOB)")

        def inserted(number: int) -> None:
            store.execute("INSERT INTO records VALUES (?, ?)", (str(number), b"x" * 500))

        for name, work in {"insert": inserted, "sync": synced, "rename": renamed, "place": placed}.items():
            with Clock() as clock:
                for number in range(count):
                    work(number)
            taken[f"{name}_cpu_ms"] = clock.cpu_s / count * 1e3
            taken[f"{name}_ms"] = clock.wall_s / count * 1e3
    return taken


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
    return facts(clock, shape, len(tasks))


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
