"""The scheduler: a sliding window over the ready steps, refilled the moment any step ends."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import heapq
import random
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

from gridloom.dag.events import AttemptFailed, LogWritten, StepFinished
from gridloom.dag.graph import Graph
from gridloom.dag.outcome import StepOutcome, StepOutput
from gridloom.dag.worker import RunServices, StepTask
from gridloom.errors import (
    CheckFailedError,
    InterruptedRunError,
    StepFailedError,
    UsageError,
)

__all__ = ["Scheduler"]

_POINTLESS = (UsageError, CheckFailedError, StepFailedError, InterruptedRunError)
"""What a second attempt would only raise again."""
_LONGEST_WAIT_S = 3600.0


class Scheduler:
    """Runs the steps of a graph once, each after what it depends on, at most `limit` at a time."""

    def __init__(self, graph: Graph, services: RunServices, *, limit: int, stop_on_failure: bool) -> None:
        self._graph = graph
        self._services = services
        self._limit = limit
        self._stop_on_failure = stop_on_failure
        self._order = graph.order()
        self._dependents = graph.dependents()
        self._missing = {name: len(graph.dependencies(name)) for name in self._order}
        self._rank = {name: position for position, name in enumerate(self._order)}
        self._ready = [self._rank[name] for name in self._order if not self._missing[name]]
        self._artifacts: dict[str, Mapping[str, Any]] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._wake: asyncio.Event | None = None
        self._asked_to_stop = ""
        self._stopped = ""
        self.statuses = dict.fromkeys(self._order, StepOutcome.pending)
        self.outputs: dict[str, StepOutput] = {}
        self.error: BaseException | None = None

    def cancel(self, reason: str) -> None:
        """Asks the run to stop; may be called from any thread and from a signal handler."""
        self._asked_to_stop = self._asked_to_stop or reason
        loop = self._loop
        if loop is not None:
            # the loop may have ended in between: then there is nothing to stop
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(self._cancel)

    async def run(self) -> None:
        """Runs everything; afterwards `outputs` holds every step and `error` the first failure.

        Raises:
            asyncio.CancelledError: If the task that waits for the run was cancelled; the running steps
                have ended by then and all outputs are there.
        """
        self._loop, self._wake = asyncio.get_running_loop(), asyncio.Event()
        if self._asked_to_stop:
            self._cancel()
        interrupted: asyncio.CancelledError | None = None
        running: set[asyncio.Task[StepOutput]] = set()
        with ThreadPoolExecutor(self._limit, thread_name_prefix="gridloom-step") as pool:
            while True:
                self._fill(running, pool)
                if not running:
                    break
                try:
                    done, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                except asyncio.CancelledError as error:
                    interrupted = error
                    self.cancel("the task that waited for the run was cancelled")
                    continue
                for task in sorted(done, key=lambda ended: self._rank[ended.get_name()]):
                    self._settle(task.result())
        self._loop = None
        self._give_up_rest()
        if interrupted:
            raise interrupted

    def _fill(self, running: set[asyncio.Task[StepOutput]], pool: ThreadPoolExecutor) -> None:
        while self._ready and len(running) < self._limit and not self._stopped:
            step_id = self._order[heapq.heappop(self._ready)]
            self.statuses[step_id] = StepOutcome.running
            running.add(asyncio.create_task(self._attempts(step_id, pool), name=step_id))

    async def _attempts(self, step_id: str, pool: ThreadPoolExecutor) -> StepOutput:
        """Returns how a step ended after as many attempts as its settings allow."""
        node = self._graph[step_id]
        task = StepTask(node, self._graph.bindings(step_id), self._artifacts, self._services)
        config = node.step.config
        number = 1
        while True:
            context = contextvars.copy_context()
            output = await asyncio.get_running_loop().run_in_executor(pool, context.run, task.attempt, number)
            if output.outcome is not StepOutcome.failed:
                return output
            again = number <= config.retries and not isinstance(output.error, _POINTLESS)
            wait_s = _wait_s(config.retry_backoff_s, number) if again else None
            self._services.bus.emit(
                AttemptFailed,
                step_id=step_id,
                attempt=number,
                error_type=type(output.error).__name__,
                message=str(output.error),
                retry_in_s=wait_s,
            )
            if wait_s is None:
                return output
            if await self._cancelled_within(wait_s):
                return replace(output, outcome=StepOutcome.cancelled, reason=self._services.token.reason)
            number += 1

    async def _cancelled_within(self, wait_s: float) -> bool:
        """Waits, and returns at once and True if the run is asked to stop meanwhile."""
        if self._wake is None:
            return False
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._wake.wait(), wait_s)
        return self._wake.is_set()

    def _settle(self, output: StepOutput) -> None:
        """Records how a step ended and finds what may start, or must not start, because of it."""
        self._record(output)
        failure = self._services.bus.flush()
        if output.outcome.succeeded:
            self._artifacts[output.step_id] = output.artifacts
            for name in self._dependents[output.step_id]:
                self._missing[name] -= 1
                if not self._missing[name] and name not in self.outputs:
                    heapq.heappush(self._ready, self._rank[name])
        elif output.outcome is StepOutcome.failed and self._stop_on_failure:
            self._stopped = self._stopped or f"`{output.step_id}` failed and the run stops on a failure"
        elif output.outcome is not StepOutcome.cancelled:
            verb = "failed" if output.outcome is StepOutcome.failed else "was a dry run"
            self._skip_descendants(output.step_id, f"`{output.step_id}` {verb}")
        if failure and not self._stopped:
            self.error = self.error or failure
            self._stopped = "the run's events cannot be written"

    def _skip_descendants(self, step_id: str, reason: str) -> None:
        waiting = [step_id]
        while waiting:
            for name in self._dependents[waiting.pop()]:
                if name not in self.outputs:
                    self._record(StepOutput(step_id=name, outcome=StepOutcome.skipped, reason=reason))
                    waiting.append(name)

    def _give_up_rest(self) -> None:
        for name in self._order:
            if name not in self.outputs:
                self._record(StepOutput(step_id=name, outcome=StepOutcome.cancelled, reason=self._stopped))
        self._services.bus.flush()

    def _record(self, output: StepOutput) -> None:
        self.outputs[output.step_id] = output
        self.statuses[output.step_id] = output.outcome
        if output.outcome is StepOutcome.failed:
            self.error = self.error or output.error
        metrics = output.metrics
        self._services.bus.emit(
            StepFinished,
            step_id=output.step_id,
            outcome=output.outcome,
            reason=output.reason,
            attempts=output.attempts,
            duration_s=output.duration_s,
            rows=metrics.rows,
            rows_received=metrics.rows_received,
            requests=metrics.requests,
            retries=metrics.retries,
            bytes_received=metrics.bytes_received,
            bytes_written=metrics.bytes_written,
        )

    def _cancel(self) -> None:
        """Stops the run, in the loop's own thread."""
        token = self._services.token
        if token.cancelled:
            return
        self._stopped = self._stopped or self._asked_to_stop
        self._services.bus.emit(
            LogWritten,
            step_id="",
            level="warning",
            message=f"Stopping: {self._asked_to_stop}. The steps that still run are waited for.",
        )
        for error in token.cancel(self._asked_to_stop):
            self._services.bus.emit(
                LogWritten,
                step_id="",
                level="warning",
                message=f"An on_cancel callback raised {type(error).__name__}: {error}",
            )
        if self._wake is not None:
            self._wake.set()


def _wait_s(first_s: float, number: int) -> float:
    """Returns a wait that doubles with each attempt, shortened at random so that steps spread out."""
    full_s = min(first_s * 2.0 ** (number - 1), _LONGEST_WAIT_S)
    return full_s * random.uniform(0.5, 1.0)  # noqa: S311 - spreads load, guards nothing
