"""Steps in processes of their own: started when needed, used again, and ended when they must be."""

from __future__ import annotations

import pickle
import sys
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any, Final

from gridloom.dag import events
from gridloom.dag.child import importing_main
from gridloom.dag.context import StepContext
from gridloom.dag.executors import StepCall, ThreadExecutor
from gridloom.dag.messages import Begun, Ended, Raised, Said
from gridloom.dag.spawned import SpawnedWorker
from gridloom.dag.step import BaseStep
from gridloom.dag.travel import check_can_travel, task_of
from gridloom.errors import ConfigError, InterruptedRunError, StepError, StepTimeoutError
from gridloom.finding import Finding

__all__ = ["ProcessExecutor"]

GRACE_S = 5.0
"""How long a step that was asked to stop is waited for before its process is ended."""

_LOOK_EVERY_S: Final = 1.0


class ProcessExecutor:
    """Runs each step in a worker process; a step that says `in_parent` runs on its thread instead.

    There are as many workers as steps that ran at once. A worker that had to be ended is replaced.

    Args:
        steps: All steps that it may be asked to run.

    Raises:
        ConfigError: If one of them cannot be sent to a worker.
    """

    def __init__(self, steps: Iterable[BaseStep[Any]]) -> None:
        if sys.platform == "win32":
            raise ConfigError("The process executor needs Linux or macOS. Use executor='thread'.")
        if importing_main.is_set():
            raise ConfigError(
                "This program runs a pipeline when it is imported, and worker processes have to import it. "
                "Put what runs it below `if __name__ == '__main__':`."
            )
        for step in steps:
            if not step.in_parent:
                check_can_travel(step)
        self._threads = ThreadExecutor()
        self._idle: list[SpawnedWorker] = []

    def run(self, call: StepCall) -> Any:
        """Returns what the step gives.

        Raises:
            StepTimeoutError: If it took longer than its time limit; its process was ended.
            StepCrashedError: If its process ended before it did.
            InterruptedRunError: If it was asked to stop and did not; its process was ended.
            BaseException: Whatever the step raises.
        """
        if call.step.in_parent:
            return self._threads.run(call)
        task = task_of(call)
        worker = self._worker()

        def stop() -> None:
            worker.stop(call.token.reason)

        try:
            worker.begin(task)
            call.token.on_cancel(stop)
            ended = self._follow(worker, call)
        except BaseException:
            worker.end()
            raise
        finally:
            call.token.forget(stop)
        self._idle.append(worker)
        return _settled(ended, call)

    def close(self) -> None:
        """Ends the workers."""
        for worker in self._idle:
            worker.end()
        self._idle.clear()

    def _worker(self) -> SpawnedWorker:
        # taking and giving back are single operations on a list, which threads may share
        while self._idle:
            with suppress(IndexError):
                worker = self._idle.pop()
                if worker.alive:
                    return worker
                worker.end()
        return SpawnedWorker()

    def _follow(self, worker: SpawnedWorker, call: StepCall) -> Ended:
        """Passes on what the step says, until it is over."""
        limit_s = call.step.config.time_limit_s
        counted: Mapping[str, int] = {}
        end_s = float("inf")
        while True:
            _check_time(worker, call, end_s)
            message = worker.receive(min(_LOOK_EVERY_S, end_s - time.monotonic()))
            if isinstance(message, Begun):
                end_s = time.monotonic() + (float("inf") if limit_s is None else limit_s)
            elif message is not None:
                counted = _count(call.ctx, counted, message.counters)
                if isinstance(message, Ended):
                    return message
                _say(call.ctx, message)


def _check_time(worker: SpawnedWorker, call: StepCall, end_s: float) -> None:
    now_s, step_id = time.monotonic(), call.ctx.step_id
    if now_s > worker.stopped_s + GRACE_S:
        raise InterruptedRunError(
            f"Step '{step_id}' did not stop within {GRACE_S:g} s, so its process was ended."
        )
    if now_s >= end_s:
        raise StepTimeoutError(
            f"Step '{step_id}' was ended at its time limit of {call.step.config.time_limit_s:g} s. "
            "Raise its `time_limit_s`, or give it less to do."
        )


def _count(ctx: StepContext, before: Mapping[str, int], now: Mapping[str, int]) -> Mapping[str, int]:
    """Adds what was counted since, and returns where the counters stand."""
    if not now:
        return before
    ctx.add(**{name: value - before.get(name, 0) for name, value in now.items()})
    return now


def _say(ctx: StepContext, said: Said) -> None:
    """Has the run's own context say what the step said to its copy, so that it is recorded as on a thread."""
    fields = {name: value for name, value in said.fields.items() if name != "step_id"}
    if said.kind is events.FindingReported:
        ctx.finding(Finding(**fields))
    elif said.kind is events.MetricReported:
        ctx.metric(**fields)
    elif said.kind is events.LogWritten:
        ctx.log(**fields)
    elif said.kind is events.ProgressMade:
        ctx.progress(fields["done"], fields["total"], fields["unit"])
    elif said.kind is events.CheckpointReached:
        ctx.checkpoint_reached(**fields)
    else:
        raise TypeError(f"A worker process said {said.kind.__name__}, which no step says.")


def _settled(ended: Ended, call: StepCall) -> Any:
    """Returns what the step gave, or raises what it raised."""
    cost, result = call.cost, ended.result
    cost.cpu_s += ended.cpu_s
    cost.peak_rss_bytes = max(cost.peak_rss_bytes, ended.peak_rss_bytes)
    cost.peak_rss_scope = ended.peak_rss_scope
    if isinstance(result, Raised):
        error = StepError(result.words) if result.error is None else pickle.loads(result.error)  # noqa: S301
        raise error from _TracebackInWorker(f"\n{result.trace}")
    for name in ended.names:
        call.ctx.path(name)
    return pickle.loads(result)  # noqa: S301 - it is our own child


class _TracebackInWorker(Exception):  # noqa: N818 - it is shown as the cause, and is none
    """Where in the worker a step raised; a traceback cannot travel, its text can."""
