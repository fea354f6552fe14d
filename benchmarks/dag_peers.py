"""The graphs of the DAG bench on other people's engines, each as its documents say; imports no GridLoom.

What is measured is the CPU time of this process while the graph is built and run; imports are not counted,
nor is what a server of the engine costs in a process of its own. With `hits` the graph is run once
before, and everything is built again, as a later process would; a step that runs again then is an error.
"""

from __future__ import annotations

import importlib.util
import logging
import os
import sys
import time
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from clock import Clock
from dag_graphs import PARALLEL, Task, facts, graph

RAN: list[str] = []
"""One entry for each step that was executed."""


def nap(name: str, sleep_s: float, *_before: Any) -> int:
    """Does the work of every step."""
    RAN.append(name)
    if sleep_s:
        time.sleep(sleep_s)
    return 1


def _measured(
    shape: str, steps: int, run: Callable[[Mapping[str, Task]], object], hits: bool
) -> dict[str, float]:
    tasks = graph(shape, steps)
    if hits:
        run(tasks)
    RAN.clear()
    with Clock() as clock:
        run(tasks)
    expected = 0 if hits else len(tasks)
    if len(RAN) != expected:
        raise SystemExit(f"{len(RAN)} steps ran, not {expected}")
    return facts(clock, shape, len(tasks))


def _module(tasks: Mapping[str, Task], out: str) -> ModuleType:
    """Returns a module with one function a step, whose parameters are the steps before it."""
    lines = ["from dag_peers import nap", ""]
    for name, task in tasks.items():
        parameters = ", ".join(f"{before}: int" for before in task.after)
        lines += [f"def {name}({parameters}) -> int:", f"    return nap('{name}', {task.sleep_s})", ""]
    path = Path(out, "steps_of_bench.py")
    path.write_text("\n".join(lines))
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module


def hamilton(shape: str, steps: int, out: str, *, hits: bool = False) -> dict[str, float]:
    """Functions of a module; threads by its adapter, or its cache, which is of files and SQLite."""
    from hamilton import driver
    from hamilton.plugins.h_threadpool import FutureAdapter

    module = _module(graph(shape, steps), out)

    def run(tasks: Mapping[str, Task]) -> object:
        builder = driver.Builder().with_modules(module)
        if hits:
            builder = builder.with_cache(path=f"{out}/cache")
        else:
            builder = builder.with_adapter(FutureAdapter(max_workers=PARALLEL))
        return builder.build().execute(list(tasks))

    return _measured(shape, steps, run, hits)


def dask(shape: str, steps: int, out: str, *, hits: bool = False) -> dict[str, float]:  # noqa: ARG001
    """Delayed calls on its threads; it remembers nothing."""
    import dask as package

    step = package.delayed(nap, pure=False)

    def run(tasks: Mapping[str, Task]) -> object:
        made: dict[str, Any] = {}
        for name, task in tasks.items():
            made[name] = step(name, task.sleep_s, *(made[before] for before in task.after))
        return package.compute(*made.values(), scheduler="threads", num_workers=PARALLEL)

    return _measured(shape, steps, run, hits)


def joblib(shape: str, steps: int, out: str, *, hits: bool = False) -> dict[str, float]:
    """Layers of parallel calls on threads, or its memory, which is of files; it has no graphs."""
    from joblib import Memory, Parallel, delayed

    def run(tasks: Mapping[str, Task]) -> None:
        step = Memory(f"{out}/memory", verbose=0).cache(nap) if hits else nap
        layers: dict[tuple[str, ...], list[str]] = {}
        for name, task in tasks.items():
            layers.setdefault(task.after, []).append(name)
        with Parallel(n_jobs=PARALLEL, prefer="threads") as parallel:
            for names in layers.values():
                parallel(delayed(step)(name, tasks[name].sleep_s) for name in names)

    return _measured(shape, steps, run, hits)


def prefect(shape: str, steps: int, out: str, *, hits: bool = False) -> dict[str, float]:
    """Tasks submitted to its threads, results in files where they are cached; its server is up before."""
    os.environ |= {
        "PREFECT_HOME": f"{out}/home",
        "PREFECT_LOGGING_LEVEL": "CRITICAL",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
        "DO_NOT_TRACK": "1",
    }
    from prefect import flow, task
    from prefect.cache_policies import INPUTS, NO_CACHE, TASK_SOURCE
    from prefect.task_runners import ThreadPoolTaskRunner

    step = task(nap, persist_result=hits, cache_policy=INPUTS + TASK_SOURCE if hits else NO_CACHE)

    @flow(task_runner=ThreadPoolTaskRunner(max_workers=PARALLEL))
    def bench(names: list[str], tasks: dict[str, Any]) -> None:
        made: dict[str, Any] = {}
        for name in names:
            made[name] = step.submit(
                name, tasks[name].sleep_s, *(made[before] for before in tasks[name].after)
            )
        for future in made.values():
            future.result()

    @flow
    def begin() -> None:
        """Starts the server."""

    begin()
    return _measured(shape, steps, lambda tasks: bench(list(tasks), dict(tasks)), hits)


def redun(shape: str, steps: int, out: str, *, hits: bool = False) -> dict[str, float]:
    """Expressions on its threads and a SQLite store; a long chain needs a higher limit of recursion."""
    from redun import Scheduler, task
    from redun.config import Config

    sys.setrecursionlimit(100_000)
    logging.disable(logging.CRITICAL)
    step = task(name="nap", namespace="bench")(nap)
    settings = {
        "backend": {"db_uri": f"sqlite:///{out}/redun.db"},
        "executors.default": {"type": "local", "max_workers": str(PARALLEL)},
    }

    def run(tasks: Mapping[str, Task]) -> object:
        scheduler = Scheduler(config=Config(settings))
        scheduler.load()
        made: dict[str, Any] = {}
        for name, one in tasks.items():
            made[name] = step(name, one.sleep_s, *(made[before] for before in one.after))
        return scheduler.run(list(made.values()))

    return _measured(shape, steps, run, hits)


def pipefunc(shape: str, steps: int, out: str, *, hits: bool = False) -> dict[str, float]:
    """Functions of a module, mapped on threads; its cache on disk."""
    from concurrent.futures import ThreadPoolExecutor

    from pipefunc import PipeFunc, Pipeline

    warnings.simplefilter("ignore")
    module = _module(graph(shape, steps), out)
    cached = {"cache_type": "disk", "cache_kwargs": {"cache_dir": f"{out}/cache", "with_lru_cache": False}}

    def run(tasks: Mapping[str, Task]) -> object:
        functions = [PipeFunc(getattr(module, name), name, cache=hits) for name in tasks]
        pipeline = Pipeline(functions, **(cached if hits else {}))
        with ThreadPoolExecutor(PARALLEL) as pool:
            return pipeline.map({}, executor=pool, storage="dict", show_progress=False)

    return _measured(shape, steps, run, hits)
