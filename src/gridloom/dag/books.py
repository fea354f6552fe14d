"""What a run notes of its steps: first in the record store, then in the stream of events."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from gridloom.dag.ends import Ended
from gridloom.dag.events import StepFinished
from gridloom.dag.frontier import Frontier
from gridloom.dag.journal import Claim
from gridloom.dag.outcome import StepOutcome, StepOutput
from gridloom.dag.services import RunServices
from gridloom.dag.values import outputs_made
from gridloom.dag.worker import StepTask
from gridloom.errors import StorageError

__all__ = ["Books"]


class Books:
    """Gathers what has ended, and notes it together.

    Attributes:
        failure: Why something could not be noted.
    """

    def __init__(self, services: RunServices, steps: Frontier) -> None:
        self._services = services
        self._steps = steps
        self._over: list[tuple[Ended, StepTask | None]] = []
        self.failure: StorageError | None = None

    def __len__(self) -> int:
        """How many steps wait to be noted."""
        return len(self._over)

    def add(self, ended: Ended, task: StepTask | None = None) -> None:
        """Takes a step that has ended.

        Args:
            ended: How it ended.
            task: Its work, where it is still to be said what was decided.
        """
        self._over.append((ended, task))

    def drop(self, step_id: str, outcome: StepOutcome, reason: str) -> None:
        """Ends a step that never began."""
        output = StepOutput(step_id=step_id, outcome=outcome, reason=reason)
        self._steps.note(output)
        self.add(Ended(output))

    def write(self, begin: Sequence[StepTask], version: tuple[int, int]) -> frozenset[Claim]:
        """Commits what has ended and claims what begins, in one transaction, then says what has ended.

        Args:
            begin: Steps that are to begin.
            version: Of the record store, as it was known when that was decided.

        Returns:
            The claims that were granted; none where `failure` is set, and nothing may begin then.
        """
        services, (over, self._over) = self._services, (self._over, [])
        made = [ended.made for ended, _ in over if ended.made]
        claims = [claim for claim in (task.claim for task in begin) if claim]
        granted: frozenset[Claim] = frozenset()
        try:
            outputs = [ended.output for ended, _ in over]
            granted = services.journal.turn(made, outputs, claims, version)
            services.store.committed(made)
        except StorageError as error:
            self.failure = self.failure or error
            self._lose([ended.output for ended, _ in over if ended.made], error)
        for ended, task in over:
            if task is not None:
                task.settle(claimed=True)
            self._say(self._steps.outputs[ended.output.step_id])
        if over:
            self.failure = self.failure or services.bus.flush()
        return granted

    def _lose(self, outputs: Sequence[StepOutput], error: StorageError) -> None:
        """Fails the steps whose manifests could not be written."""
        for output in outputs:
            self._steps.note(
                replace(output, outcome=StepOutcome.failed, reason=str(error), error=error, artifacts={})
            )

    def _say(self, output: StepOutput) -> None:
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
