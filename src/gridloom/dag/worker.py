"""One step of one run, in a worker thread: decide, execute, check, commit."""

from __future__ import annotations

import errno
import time
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gridloom.artifact import Artifact
from gridloom.dag.cache import CachedOutputs, Manifest, outputs_recorded
from gridloom.dag.cancel import CancelToken
from gridloom.dag.checkpoint import are_left, remove_checkpoints
from gridloom.dag.context import StepContext
from gridloom.dag.events import CacheDecided, LogWritten, StepStarted
from gridloom.dag.executors import StepCall, StepCost
from gridloom.dag.explain import Decision, decide, inputs_for
from gridloom.dag.graph import StepNode
from gridloom.dag.memory import peak_rss_bytes
from gridloom.dag.outcome import StepMetrics, StepOutcome, StepOutput
from gridloom.dag.promise import check_findings, checked_outputs
from gridloom.dag.services import RunServices
from gridloom.dag.staging import Commit
from gridloom.dag.wiring import Binding
from gridloom.errors import (
    GridLoomError,
    InterruptedRunError,
    StepFailedError,
    StorageError,
)
from gridloom.files import storage_errors

__all__ = ["StepTask"]

_LOOK_AGAIN_S = 0.05
_DISK_ERRORS = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG})


class StepTask:
    """One step of one run; `attempt` is called in a worker thread, again for each retry."""

    def __init__(
        self,
        node: StepNode,
        bindings: tuple[Binding, ...],
        outputs: Mapping[str, Mapping[str, Any]],
        services: RunServices,
    ) -> None:
        self._node = node
        self._bindings = bindings
        self._run = services
        self._inputs = inputs_for(bindings, outputs)
        self._started_s = time.perf_counter()
        self._cpu_s = 0.0
        self._elsewhere = StepCost()
        self._decision: Decision | None = None
        self._ctx: StepContext | None = None
        self._said_waiting = False
        self._forced = services.force and node.step_id not in services.spared
        self._files = artifacts_in(self._inputs.values())

    def attempt(self, number: int) -> StepOutput:
        """Returns how an attempt ended, whatever it raised.

        Args:
            number: 1 for the first.
        """
        cpu_s = time.thread_time()
        self._ctx = None
        try:
            output = self._attempt(number)
        except BaseException as error:  # noqa: BLE001 - a step may raise anything; it becomes the step's outcome
            output = self._ended_badly(error, number)
        self._free()
        self._cpu_s += time.thread_time() - cpu_s
        metrics = replace(
            output.metrics,
            duration_s=time.perf_counter() - self._started_s,
            cpu_s=self._cpu_s + self._elsewhere.cpu_s,
            peak_rss_bytes=self._elsewhere.peak_rss_bytes or peak_rss_bytes(),
            peak_rss_scope=self._elsewhere.peak_rss_scope,
        )
        return replace(output, metrics=metrics, duration_s=metrics.duration_s)

    def _free(self) -> None:
        if self._ctx is not None:
            self._ctx.close()

    def _attempt(self, number: int) -> StepOutput:
        decision = self._decision = self._decision or self._decide()
        step, step_id = self._node.step, self._node.step_id
        if decision.cached:
            return self._cached(decision, decision.cached)
        if step.config.dry_run:
            return StepOutput(
                step_id=step_id, outcome=StepOutcome.skipped, reason=f"dry run; otherwise: {decision.reason}"
            )
        key = decision.fingerprint.key if decision.fingerprint else ""
        while not self._run.journal.claim(step_id, number, key):
            self._wait_for_others(key)
            # the run that is waited for may have done the work
            decision = self._decision = self._decide()
            if decision.cached:
                return self._cached(decision, decision.cached)
        return self._execute(decision, number)

    def _execute(self, decision: Decision, number: int) -> StepOutput:
        step, step_id, run = self._node.step, self._node.step_id, self._run
        run.bus.emit(
            StepStarted,
            step_id=step_id,
            step_name=step.step_name,
            attempt=number,
            reason=decision.reason,
        )
        limited = step.config.time_limit_s is not None
        token = CancelToken(run.token) if limited else run.token
        ctx = self._ctx = StepContext(
            out=run.out,
            step_id=step_id,
            staging=run.staging.folder(step_id),
            run_id=run.run_id,
            force=self._forced,
            token=token,
            emit=run.bus.emit,
            redact=run.redactor.text,
            key=decision.fingerprint.key if decision.fingerprint else "",
        )
        call = StepCall(step=step, inputs=self._inputs, ctx=ctx, token=token, cost=self._elsewhere)
        try:
            ctx.raise_if_cancelled()
            run.stamps.check(step_id, self._files)
            outputs = checked_outputs(step_id, self._node.signature, run.executor.run(call))
        finally:
            token.close()
        check_findings(step_id, ctx.findings)
        run.stamps.check(step_id, self._files)
        commit = run.staging.commit(ctx, step.output_folder(), outputs)
        for path, seen in commit.stamps:
            run.stamps.note(path, seen)
        self._remember(decision, commit, ctx)
        if ctx.used_checkpoints:
            remove_checkpoints(run.database, run.out, step_id, ctx.checkpoint_key)
        return StepOutput(
            step_id=step_id,
            outcome=StepOutcome.executed,
            reason=decision.reason,
            artifacts=commit.outputs,
            metrics=_metrics(ctx, commit),
            findings=ctx.findings,
            attempts=number,
        )

    def _wait_for_others(self, key: str) -> None:
        """Waits while another run does the same work."""
        if not self._said_waiting:
            self._said_waiting = True
            self._run.bus.emit(
                LogWritten,
                step_id=self._node.step_id,
                level="info",
                message="Another run is doing the same work; it is waited for.",
            )
        while self._run.journal.others_at_work(self._node.step_id, key):
            if self._run.token.wait(_LOOK_AGAIN_S):
                raise InterruptedRunError(f"Step '{self._node.step_id}' stopped: {self._run.token.reason}.")

    def _decide(self) -> Decision:
        run, step_id = self._run, self._node.step_id
        decision = decide(
            self._node, run.identities[step_id], self._bindings, self._inputs, run.store, force=self._forced
        )
        reason = run.redactor.text(decision.reason)
        if decision.fingerprint:
            run.bus.emit(CacheDecided, step_id=step_id, hit=decision.cached is not None, reason=reason)
        return replace(decision, reason=reason)

    def _cached(self, decision: Decision, found: CachedOutputs) -> StepOutput:
        for path, seen in found.stamps:
            self._run.stamps.note(path, seen)
        self._tidy(decision)
        return StepOutput(
            step_id=self._node.step_id,
            outcome=StepOutcome.cached,
            reason=decision.reason,
            artifacts=found.outputs,
            metrics=StepMetrics(rows=found.rows),
            findings=found.findings,
        )

    def _tidy(self, decision: Decision) -> None:
        """Removes the checkpoints of a run that was killed between its commit and their removal."""
        run, step_id = self._run, self._node.step_id
        if decision.fingerprint and are_left(run.out, step_id):
            key = decision.fingerprint.key
            if not run.journal.others_at_work(step_id, key):
                remove_checkpoints(run.database, run.out, step_id, key)

    def _remember(self, decision: Decision, commit: Commit, ctx: StepContext) -> None:
        if decision.fingerprint is None:
            return
        run, step_id = self._run, ctx.step_id
        manifest = Manifest(
            step_id=step_id,
            fingerprint=decision.fingerprint,
            outputs=outputs_recorded(commit.outputs, self._node.signature.outputs, run.out),
            extras=[extra.to_json(run.out) for extra in commit.extras],
            findings=list(ctx.findings),
            rows=_rows(ctx, commit),
            run_id=ctx.run_id,
            made_at=datetime.now(UTC),
        )
        stored = run.store.store(manifest, run.identities[step_id].code.parts)
        if not stored:
            self._run.bus.emit(
                LogWritten,
                step_id=ctx.step_id,
                level="warning",
                message="The output holds a secret, so it is not remembered and the step will run again.",
            )

    def _ended_badly(self, error: BaseException, number: int) -> StepOutput:
        error = _explained(error, self._run.out)
        if not self._run.redactor.error(error):
            text = self._run.redactor.text(f"{type(error).__name__}: {error}")
            error = StepFailedError(f"Step '{self._node.step_id}' failed with {text}")
        cancelled = self._run.token.cancelled
        outcome = StepOutcome.cancelled if cancelled else StepOutcome.failed
        ctx = self._ctx
        if ctx is not None:
            try:
                self._run.journal.attempt_failed(ctx.step_id, number, outcome.value, error)
            except StorageError as unwritten:
                # the run is told when the step's end cannot be written either
                error.add_note(f"This could not be written into the journal: {unwritten}")
        return StepOutput(
            step_id=self._node.step_id,
            outcome=outcome,
            reason=self._run.token.reason if cancelled else _said(error),
            metrics=_metrics(ctx, None) if ctx else StepMetrics(),
            findings=ctx.findings if ctx else (),
            error=error,
            attempts=number,
        )


def _explained(error: BaseException, out: Path) -> BaseException:
    """Returns a sentence for a disk that is full or read-only, and any other error as it is."""
    if not isinstance(error, OSError) or error.errno not in _DISK_ERRORS:
        return error
    try:
        with storage_errors("write", Path(error.filename) if error.filename else out):
            raise error
    except StorageError as explained:
        return explained


def artifacts_in(values: Iterable[Any]) -> list[Artifact]:
    """Returns the artifacts among a step's inputs, those in lists too."""
    flat = (item for value in values for item in (value if isinstance(value, list) else [value]))
    return [item for item in flat if isinstance(item, Artifact)]


def _said(error: BaseException) -> str:
    return str(error) if isinstance(error, GridLoomError) else f"{type(error).__name__}: {error}"


def _rows(ctx: StepContext, commit: Commit | None) -> int:
    """Returns the rows of the artifacts where they say it, else what the step counted."""
    artifacts = [value for value in commit.outputs.values() if isinstance(value, Artifact)] if commit else []
    said = [rows for rows in (getattr(item, "rows", None) for item in artifacts) if isinstance(rows, int)]
    return sum(said) if said else ctx.counters["rows"]


def _metrics(ctx: StepContext, commit: Commit | None) -> StepMetrics:
    counted = ctx.counters
    return StepMetrics(
        rows=_rows(ctx, commit),
        rows_received=counted["rows_received"],
        requests=counted["requests"],
        retries=counted["retries"],
        bytes_received=counted["bytes_received"],
        bytes_written=commit.bytes_written if commit else 0,
        files_written=commit.files_written if commit else 0,
        custom=ctx.custom_metrics,
    )
