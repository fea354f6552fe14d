"""The scheduler: a sliding window over the ready steps, refilled the moment any step ends."""

from __future__ import annotations

import contextvars
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

from gridloom.dag.bell import Bell
from gridloom.dag.books import Books
from gridloom.dag.ends import Ended, Succeeded, ended_untold
from gridloom.dag.events import AttemptFailed, LogWritten
from gridloom.dag.frontier import Frontier
from gridloom.dag.graph import Graph
from gridloom.dag.outcome import StepOutcome
from gridloom.dag.services import RunServices
from gridloom.dag.threads import StepThreads
from gridloom.dag.tries import Running, wait_before_next
from gridloom.dag.window import Window
from gridloom.dag.worker import StepTask

__all__ = ["Scheduler"]

_MOST_AT_ONCE = 64
"""Steps that end without work before they are written and said."""
_LONG_S = 0.002
"""The end of what took less is noted together with the begin of what follows, which costs less."""


class Scheduler:
    """Runs the steps of a graph once, each after what it depends on, at most `limit` at a time.

    The thread whose step has ended goes on with one that was decided on ahead, and the thread of the run
    notes the end a moment later. Where there is none, the step was short or opens the way to a more urgent
    one, the thread notes it, finds what may start, and goes on with that: steps are handed over only where
    several start at once. What steps are like is touched under one lock, who is at work under the `Window`'s.
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
        self._graph, self._services = graph, services
        self._stop_on_failure = stop_on_failure
        self._steps = Frontier(graph, expected_s)
        self._books = Books(services, self._steps)
        self._window = Window(self._steps, limit)
        self._running = self._window.running
        self._lock = threading.Lock()
        self._threads = StepThreads()
        self._context = contextvars.copy_context()
        self._bell = Bell()  # for the thread of the run
        self._hurry = False
        self._asked_to_stop = self._stopped = ""
        self._broken: BaseException | None = None
        self.statuses = self._steps.statuses
        self.outputs = self._steps.outputs
        self.error: BaseException | None = None

    def cancel(self, reason: str) -> None:
        """Asks the run to stop; may be called from any thread and from a signal handler."""
        self._asked_to_stop = self._asked_to_stop or reason
        self._bell.ring()

    def run(self) -> None:
        """Runs everything; afterwards `outputs` holds every step and `error` the first failure."""
        self._context = contextvars.copy_context()
        with self._threads:
            try:
                self._follow()
            except BaseException as error:
                # so that the threads, which are waited for, begin nothing more
                self._broken = error
                raise
        if self._broken:
            raise self._broken
        for name in self._steps.rest():
            self._books.drop(name, StepOutcome.cancelled, self._stopped)
        self._written((), (0, 0))

    def _follow(self) -> None:
        """Begins the first steps, and returns when none runs any more or something broke."""
        running = True
        while running and not self._broken:
            if self._asked_to_stop:
                self._cancel()
            with self._lock:
                for step in self._turn():
                    self._hand_over(step)
                self._look_ahead()
                wait_s = self._window.wait_s()
                running = bool(self._running)
            if self._asked_to_stop and not self._services.token.cancelled:
                running = running or len(self.outputs) < len(self.statuses)
            elif running and not self._hurry:
                self._bell.wait(wait_s)

    def _hand_over(self, step: Running) -> None:
        self._threads.submit(partial(self._work, step), self._window.at_work)

    def _work(self, step: Running | None) -> None:
        """Makes attempts in a worker thread, one after another, as long as there is one for this thread."""
        try:
            while step is not None:
                began_s = time.monotonic()
                number, claimed, step.claimed = step.number, step.claimed, False
                ended = self._context.copy().run(self._attempt, step, number, claimed=claimed)
                step = self._next(ended, took_s=time.monotonic() - began_s)
        except BaseException as error:  # noqa: BLE001 - it is raised in the thread of the run
            self._broken = error
            self._bell.ring()

    def _next(self, ended: Ended | Succeeded, took_s: float) -> Running | None:
        """Returns an attempt for this thread, whose last one has ended."""
        stopped = self._asked_to_stop or self._stopped or self._broken
        step, turn = self._window.swap(ended, begin=took_s > _LONG_S and not stopped)
        if turn:
            self._hurry = True
            return self._dealt_with()
        self._bell.ring_soon()
        return step

    def _dealt_with(self) -> Running | None:
        """Deals with what has ended, if nobody is at that, and returns an attempt for this thread."""
        mine: Running | None = None
        # whoever holds the lock looks again after that
        while self._hurry and not self._broken and self._lock.acquire(blocking=False):
            try:
                if mine is not None:
                    # it must not wait while others end and end
                    self._hand_over(mine)
                    mine = None
                for step in self._turn():
                    if mine is None:
                        mine = step
                    else:
                        self._hand_over(step)
                over = not self._running
            finally:
                self._lock.release()
            if over or self._window.wait_s() is not None:
                self._bell.ring()
        return mine

    def _turn(self) -> list[Running]:
        """Deals with what has ended, and returns the attempts that start now.

        What is written of both is one transaction. A step whose outputs are there ends at once, without a
        thread, so that its dependents can start.
        """
        self._hurry = False
        ended = self._window.take_ended()
        for item in sorted(ended, key=lambda item: self._steps.rank[item.step_id]):
            self._attempt_ended(item.finish())
        self._window.noted(ended)
        starting = self._due()
        while True:
            begun, version = list[Running](), self._services.store.version
            while self._may_start() and len(self._books) < _MOST_AT_ONCE:
                step = self._window.take_ahead() or self._foreseen()
                if step is not None:
                    self._window.begin(step)
                    begun.append(step)
            starting += self._written(begun, version)
            if not self._may_start():
                break
        for step in starting:
            step.number, step.due_s = step.number + 1, None
        return starting

    def _look_ahead(self) -> None:
        """Decides on what may begin as soon as there is a place."""
        while self._window.wants() and not (self._stopped or self._asked_to_stop):
            while self._window.wants() and len(self._books) < _MOST_AT_ONCE:
                step = self._foreseen()
                if step is not None:
                    self._window.put_ahead(step)
            if self._books:
                self._written((), (0, 0))

    def _may_start(self) -> bool:
        stopped = self._stopped or self._asked_to_stop
        return self._window.waits and self._window.free > 0 and not stopped

    def _foreseen(self) -> Running | None:
        """Returns the most urgent of the ready steps if it has to work; else ends it."""
        step_id = self._steps.take()
        task = StepTask(
            self._graph[step_id], self._graph.bindings(step_id), self._steps.artifacts, self._services
        )
        ended = task.foresee()
        if ended is not None:
            if ended.output.outcome.succeeded:
                self._steps.opened(step_id)
            self._end(ended, task)
            return None
        return Running(step_id, task)

    def _written(self, begun: Sequence[Running], version: tuple[int, int]) -> Sequence[Running]:
        """Notes what has ended and what begins, and returns what may begin.

        Args:
            begun: Steps that have to work.
            version: Of the record store, as it was known when that was decided.
        """
        for step in begun:
            if step.task.version != version:
                step.task.settle(claimed=False)
        granted = self._books.write([step.task for step in begun], version)
        if self._books.failure:
            self.error = self.error or self._books.failure
            self._stopped = self._stopped or "the run's records cannot be written"
            for step in begun:
                del self._running[step.step_id]
            return ()
        for step in begun:
            step.claimed = step.task.claim in granted
            step.task.settle(claimed=step.claimed)
        return begun

    def _attempt(self, step: Running, number: int, *, claimed: bool) -> Ended | Succeeded:
        """Makes an attempt; whatever happens there, it has ended somehow."""
        try:
            return step.task.attempt(number, claimed=claimed)
        except BaseException as error:  # noqa: BLE001 - an error that cannot even be told
            return ended_untold(step.step_id, number, error)

    def _due(self) -> list[Running]:
        """Returns the attempts whose time has come; none where the run is asked to stop."""
        due: list[Running] = []
        for step in [step for step in list(self._running.values()) if step.due_s is not None]:
            if self._services.token.cancelled and step.last is not None:
                reason = self._services.token.reason
                self._end(Ended(replace(step.last, outcome=StepOutcome.cancelled, reason=reason)))
            elif step.due_s is not None and step.due_s <= time.monotonic():
                due.append(step)
        return due

    def _attempt_ended(self, ended: Ended) -> None:
        """Ends a step, or notes when it is tried again."""
        output = ended.output
        if output.outcome is not StepOutcome.failed:
            self._end(ended)
            return
        step = self._running[output.step_id]
        wait_s = wait_before_next(step.number, self._graph[step.step_id].step.config, output.error)
        self._services.bus.emit(
            AttemptFailed,
            step_id=output.step_id,
            attempt=step.number,
            error_type=type(output.error).__name__,
            message=str(output.error),
            retry_in_s=wait_s,
        )
        if wait_s is None:
            self._end(ended)
        else:
            step.last, step.due_s = output, time.monotonic() + wait_s

    def _end(self, ended: Ended, task: StepTask | None = None) -> None:
        """Notes how a step ended, and what may not start because of it.

        Args:
            ended: How it ended.
            task: The step, where it is still to be said what was decided.
        """
        output = ended.output
        self._running.pop(output.step_id, None)
        self._books.add(ended, task)
        self._steps.end(output)
        if output.outcome is StepOutcome.failed:
            self.error = self.error or output.error
            if self._stop_on_failure:
                self._stopped = self._stopped or f"`{output.step_id}` failed and the run stops on a failure"
                return
        if not output.outcome.succeeded and output.outcome is not StepOutcome.cancelled:
            verb = "failed" if output.outcome is StepOutcome.failed else "was a dry run"
            for name in self._steps.descendants(output.step_id):
                self._books.drop(name, StepOutcome.skipped, f"`{output.step_id}` {verb}")

    def _cancel(self) -> None:
        """Stops the run, in its own thread: whoever is told may wait for a step, which takes the lock."""
        token = self._services.token
        if token.cancelled:
            return
        self._stopped = self._stopped or self._asked_to_stop
        self._warn(f"Stopping: {self._asked_to_stop}. The steps that still run are waited for.")
        for error in token.cancel(self._asked_to_stop):
            self._warn(f"An on_cancel callback raised {type(error).__name__}: {error}")

    def _warn(self, message: str) -> None:
        self._services.bus.emit(LogWritten, step_id="", level="warning", message=message)
