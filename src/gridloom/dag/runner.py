"""The scheduler: a sliding window over the ready steps, refilled the moment any step ends."""

from __future__ import annotations

import contextvars
import heapq
import queue
import random
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from gridloom.dag.events import AttemptFailed, LogWritten, StepFinished
from gridloom.dag.graph import Graph
from gridloom.dag.outcome import StepOutcome, StepOutput
from gridloom.dag.services import RunServices
from gridloom.dag.values import outputs_made
from gridloom.dag.worker import StepTask
from gridloom.errors import (
    CheckFailedError,
    InterruptedRunError,
    StepFailedError,
    StorageError,
    UsageError,
)

__all__ = ["Scheduler"]

_POINTLESS = (UsageError, CheckFailedError, StepFailedError, InterruptedRunError)
"""What a second attempt would only raise again."""
_LONGEST_WAIT_S = 3600.0


@dataclass
class _Running:
    """A step between its start and its end.

    Attributes:
        task: Its work.
        number: Attempts that have begun.
        due_s: When the next attempt begins, by the monotonic clock; None while one is under way.
        last: How the last attempt ended.
    """

    task: StepTask
    number: int = 0
    due_s: float | None = None
    last: StepOutput | None = None


class Scheduler:
    """Runs the steps of a graph once, each after what it depends on, at most `limit` at a time.

    Of several ready steps the one starts first from which the longest way leads to an end, by the seconds
    that its steps took lately; one that nobody knows counts as the mean of the known.
    """

    def __init__(
        self,
        graph: Graph,
        services: RunServices,
        *,
        limit: int,
        stop_on_failure: bool,
        expected_s: Mapping[str, float],
    ) -> None:
        self._graph = graph
        self._services = services
        self._limit = limit
        self._stop_on_failure = stop_on_failure
        self._order = graph.order()
        self._dependents = graph.dependents()
        self._missing = {name: len(graph.dependencies(name)) for name in self._order}
        ways = _longest_ways(self._order, self._dependents, expected_s)
        self._rank = {name: position for position, name in enumerate(self._order)}
        self._urgency = {name: (-ways[name], self._rank[name]) for name in self._order}
        self._ready = [self._urgency[name] for name in self._order if not self._missing[name]]
        heapq.heapify(self._ready)
        self._artifacts: dict[str, Mapping[str, Any]] = {}
        self._running: dict[str, _Running] = {}
        # outputs of ended attempts, and None where the run is asked to stop
        self._inbox: queue.SimpleQueue[StepOutput | None] = queue.SimpleQueue()
        self._asked_to_stop = ""
        self._stopped = ""
        self.statuses = dict.fromkeys(self._order, StepOutcome.pending)
        self.outputs: dict[str, StepOutput] = {}
        self.error: BaseException | None = None

    def cancel(self, reason: str) -> None:
        """Asks the run to stop; may be called from any thread and from a signal handler."""
        self._asked_to_stop = self._asked_to_stop or reason
        self._inbox.put(None)

    def run(self) -> None:
        """Runs everything; afterwards `outputs` holds every step and `error` the first failure."""
        if self._asked_to_stop:
            self._cancel()
        with ThreadPoolExecutor(self._limit, thread_name_prefix="gridloom-step") as pool:
            while True:
                self._fill(pool)
                if not self._running:
                    break
                self._take()
                self._try_again(pool)
        self._give_up_rest()

    def _fill(self, pool: ThreadPoolExecutor) -> None:
        while self._ready and len(self._running) < self._limit and not self._stopped:
            step_id = self._order[heapq.heappop(self._ready)[1]]
            self.statuses[step_id] = StepOutcome.running
            bindings = self._graph.bindings(step_id)
            task = StepTask(self._graph[step_id], bindings, self._artifacts, self._services)
            self._running[step_id] = _Running(task)
            self._start(step_id, pool)

    def _start(self, step_id: str, pool: ThreadPoolExecutor) -> None:
        """Hands the next attempt of a step to a worker thread."""
        step, context = self._running[step_id], contextvars.copy_context()
        step.number, step.due_s = step.number + 1, None
        pool.submit(context.run, self._attempt, step_id, step.task, step.number)

    def _attempt(self, step_id: str, task: StepTask, number: int) -> None:
        """Runs an attempt in a worker thread; whatever happens there, the scheduler is told."""
        try:
            output = task.attempt(number)
        except BaseException as error:  # noqa: BLE001 - an error that cannot even be told
            said = StepFailedError(f"Step '{step_id}' failed with an error of type {type(error).__name__}.")
            said.__cause__ = error
            output = StepOutput(
                step_id=step_id,
                outcome=StepOutcome.failed,
                reason=str(said),
                error=said,
                attempts=number,
            )
        self._inbox.put(output)

    def _take(self) -> None:
        """Waits until something happens, and deals with all that happened."""
        due_s = [step.due_s for step in self._running.values() if step.due_s is not None]
        taken: list[StepOutput | None] = []
        with suppress(queue.Empty):
            taken.append(self._inbox.get(timeout=max(min(due_s) - time.monotonic(), 0.0) if due_s else None))
            while True:
                taken.append(self._inbox.get_nowait())
        if None in taken:
            self._cancel()
        for output in sorted(filter(None, taken), key=lambda output: self._rank[output.step_id]):
            self._attempt_ended(output)

    def _try_again(self, pool: ThreadPoolExecutor) -> None:
        """Starts the attempts whose time has come; none where the run is asked to stop."""
        for step_id, step in list(self._running.items()):
            if step.due_s is None or step.last is None:
                continue
            if self._services.token.cancelled:
                reason = self._services.token.reason
                self._end(replace(step.last, outcome=StepOutcome.cancelled, reason=reason))
            elif step.due_s <= time.monotonic():
                self._start(step_id, pool)

    def _attempt_ended(self, output: StepOutput) -> None:
        """Ends a step, or notes when it is tried again."""
        if output.outcome is not StepOutcome.failed:
            self._end(output)
            return
        step, config = self._running[output.step_id], self._graph[output.step_id].step.config
        again = step.number <= config.retries and not isinstance(output.error, _POINTLESS)
        wait_s = _wait_s(config.retry_backoff_s, step.number) if again else None
        self._services.bus.emit(
            AttemptFailed,
            step_id=output.step_id,
            attempt=step.number,
            error_type=type(output.error).__name__,
            message=str(output.error),
            retry_in_s=wait_s,
        )
        if wait_s is None:
            self._end(output)
        else:
            step.last, step.due_s = output, time.monotonic() + wait_s

    def _end(self, output: StepOutput) -> None:
        del self._running[output.step_id]
        self._settle(output)

    def _settle(self, output: StepOutput) -> None:
        """Records how a step ended and finds what may start, or must not start, because of it."""
        self._record(output)
        failure = self._services.bus.flush()
        if output.outcome.succeeded:
            self._artifacts[output.step_id] = output.artifacts
            for name in self._dependents[output.step_id]:
                self._missing[name] -= 1
                if not self._missing[name] and name not in self.outputs:
                    heapq.heappush(self._ready, self._urgency[name])
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
        try:
            self._services.journal.step_finished(output)
        except StorageError as error:
            self.error = self.error or error
            self._stopped = self._stopped or "the run's journal cannot be written"
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
            outputs=outputs_made(output.artifacts, self._services.out),
        )

    def _cancel(self) -> None:
        """Stops the run, in the scheduler's own thread."""
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


def _wait_s(first_s: float, number: int) -> float:
    """Returns a wait that doubles with each attempt, shortened at random so that steps spread out."""
    full_s = min(first_s * 2.0 ** (number - 1), _LONGEST_WAIT_S)
    return full_s * random.uniform(0.5, 1.0)  # noqa: S311 - spreads load, guards nothing
