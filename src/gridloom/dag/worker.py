"""One step of one run: decide, execute, check, commit; and what of it the scheduler may do in passing."""

from __future__ import annotations

import math
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any, Final

from gridloom.dag.cache import CachedOutputs
from gridloom.dag.cancel import CancelToken
from gridloom.dag.checkpoint import are_left, remove_checkpoints
from gridloom.dag.context import StepContext
from gridloom.dag.ends import Ended, Meter, Succeeded, artifacts_in, explained, in_words, rows_made
from gridloom.dag.events import CacheDecided, Level, LogWritten, StepStarted
from gridloom.dag.executors import StepCall
from gridloom.dag.explain import Decision, decide, inputs_for
from gridloom.dag.graph import StepNode
from gridloom.dag.journal import Claim
from gridloom.dag.made import manifest_of
from gridloom.dag.outcome import StepOutcome, StepOutput
from gridloom.dag.promise import check_findings, checked_outputs
from gridloom.dag.services import RunServices
from gridloom.dag.staging import Commit
from gridloom.dag.step import CacheableStep
from gridloom.dag.wiring import Binding
from gridloom.errors import InterruptedRunError, StepFailedError, StorageError

__all__ = ["StepTask"]

_LOOK_AGAIN_S: Final = 0.05
_IN_PASSING_BYTES: Final = 1 << 16
"""Outputs up to this size are verified by the scheduler: handing them to a thread costs as much."""


class StepTask:
    """One step of one run: `foresee` is for the scheduler, `attempt` for a thread, again for each retry.

    Attributes:
        version: Of the record store, as it was known when the step was foreseen.
    """

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
        self._meter = Meter()
        self._decision: Decision | None = None
        self._ctx: StepContext | None = None
        self.version = (0, 0)
        self._said_waiting = False
        self._forced = services.force and node.step_id not in services.spared
        self._files = artifacts_in(self._inputs.values())

    def foresee(self) -> Ended | None:
        """Returns how the step ended where that takes no time: its small outputs are whole, or a dry run.

        Otherwise an attempt has to be made, which also decides where that may take time; see `claim`.
        """
        self._meter.go_on()
        step, ended = self._node.step, None
        self.version = self._run.store.version
        if not (isinstance(step, CacheableStep) and _has_a_say(step)):
            with suppress(Exception):  # whatever it is, the attempt meets it again and tells it
                decision = self._decided(_IN_PASSING_BYTES)
                # where checkpoints are left, removing them may take time
                if not (decision.cached and are_left(self._run.out, step.step_id)):
                    ended, self._decision = self._over(decision), decision
        self._meter.pause()
        return ended

    @property
    def claim(self) -> Claim | None:
        """What the first attempt claims; None where it has to find out for itself."""
        return self._claimed(self._decision, 1) if self._decision else None

    def settle(self, *, claimed: bool) -> None:
        """Says what was foreseen; without its claim, the first attempt has to decide anew."""
        if claimed:
            self._say_decision()
        else:
            self._decision = None

    def _say_decision(self) -> None:
        decision = self._decision
        if decision is not None and decision.fingerprint:
            hit = decision.cached is not None
            self._run.bus.emit(CacheDecided, step_id=self._node.step_id, hit=hit, reason=decision.reason)

    def attempt(self, number: int, *, claimed: bool) -> Ended | Succeeded:
        """Returns how an attempt ended, whatever it raised.

        Args:
            number: 1 for the first.
            claimed: Whether its claim is written already.
        """
        self._meter.go_on(first=number == 1)
        self._ctx = None
        try:
            return self._attempt(number, claimed=claimed)
        except BaseException as error:  # noqa: BLE001 - a step may raise anything; it becomes the step's outcome
            return Ended(self._ended_badly(error, number))
        finally:
            self._meter.pause()
            self._free()

    def _free(self) -> None:
        if self._ctx is not None:
            self._ctx.close()

    def _attempt(self, number: int, *, claimed: bool) -> Ended | Succeeded:
        if number == 1 and not claimed:
            claimed = self._claimed_late()
        decision = self._decision = self._decision or self._decide()
        while not claimed:
            if ended := self._over(decision):
                return ended
            claim = self._claimed(decision, number)
            claimed = self._run.journal.claim(claim)
            if not claimed:
                self._wait_for_others(claim.key)
                # the run that is waited for may have done the work
                decision = self._decision = self._decide()
        return self._execute(decision, number)

    def _claimed_late(self) -> bool:
        """Claims what was foreseen, where that was not done when it was handed over."""
        claim = self.claim
        granted = claim is not None and self._run.journal.begin(claim, self.version)
        self.settle(claimed=granted)
        return granted

    def _over(self, decision: Decision) -> Ended | None:
        """Returns how the step ended where its outputs are there, or it is not to work."""
        if decision.cached:
            return Ended(self._cached(decision, decision.cached))
        if not self._node.step.config.dry_run:
            return None
        reason = f"dry run; otherwise: {decision.reason}"
        return Ended(self._output(StepOutcome.skipped, reason))

    def _claimed(self, decision: Decision, number: int) -> Claim:
        return Claim(self._node.step_id, number, decision.fingerprint.key if decision.fingerprint else "")

    def _execute(self, decision: Decision, number: int) -> Ended | Succeeded:
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
            staging=run.staging.folder(step_id, number),
            run_id=run.run_id,
            force=self._forced,
            token=token,
            emit=run.bus.emit,
            redact=run.redactor.text,
            key=decision.fingerprint.key if decision.fingerprint else "",
        )
        call = StepCall(step=step, inputs=self._inputs, ctx=ctx, token=token, cost=self._meter.elsewhere)
        try:
            ctx.raise_if_cancelled()
            run.stamps.check(step_id, self._files)
            outputs = checked_outputs(step_id, self._node.signature, run.executor.run(call))
        finally:
            token.close()
        check_findings(step_id, ctx.findings)
        run.stamps.check(step_id, self._files)
        if not (ctx.used_checkpoints or ctx.names or artifacts_in(outputs.values())):
            return Succeeded(step_id, partial(self._finish, decision, number, ctx, Commit(outputs=outputs)))
        commit = run.staging.commit(ctx, step.output_folder(), outputs)
        for path, seen in commit.stamps:
            run.stamps.note(path, seen)
        made = manifest_of(self._run, self._node, decision, commit, ctx)
        if ctx.used_checkpoints:
            # they are needed until the step is committed
            if made:
                run.store.commit(made)
                made = None
            remove_checkpoints(run.database, run.out, step_id, ctx.checkpoint_key)
        return Ended(self._output(StepOutcome.executed, decision.reason, number, commit=commit), made)

    def _finish(self, decision: Decision, number: int, ctx: StepContext, commit: Commit) -> Ended:
        """Returns how an attempt ended that left no files."""
        try:
            made = manifest_of(self._run, self._node, decision, commit, ctx)
        except Exception as error:  # noqa: BLE001 - an output may have a form that cannot be recorded
            return Ended(self._ended_badly(error, number))
        return Ended(self._output(StepOutcome.executed, decision.reason, number, commit=commit), made)

    def _output(
        self,
        outcome: StepOutcome,
        reason: str,
        attempts: int = 0,
        *,
        commit: Commit | None = None,
        found: CachedOutputs | None = None,
        error: BaseException | None = None,
    ) -> StepOutput:
        """Returns how the step ended; with what was committed, what was found, or what was raised."""
        ctx, artifacts = self._ctx, commit.outputs if commit else found.outputs if found else {}
        rows = found.rows if found else rows_made(ctx, artifacts.values()) if ctx else 0
        metrics = self._meter.metrics(ctx, commit, rows)
        return StepOutput(
            step_id=self._node.step_id,
            outcome=outcome,
            reason=reason,
            artifacts=artifacts,
            metrics=metrics,
            findings=found.findings if found else ctx.findings if ctx else (),
            error=error,
            attempts=attempts,
            duration_s=metrics.duration_s,
        )

    def _wait_for_others(self, key: str) -> None:
        """Waits while another run does the same work."""
        while other := self._run.journal.other_at_work(self._node.step_id, key):
            if not self._said_waiting:
                self._said_waiting = True
                self._log(f"Run {other} is doing the same work; it is waited for.", "warning")
            if self._run.token.wait(_LOOK_AGAIN_S):
                raise InterruptedRunError(f"Step '{self._node.step_id}' stopped: {self._run.token.reason}.")

    def _decide(self) -> Decision:
        """Decides, however long it takes, and says what."""
        self._run.store.refresh()
        self._decision = decision = self._decided()
        self._say_decision()
        return decision

    def _decided(self, most_bytes: float = math.inf) -> Decision:
        run, node = self._run, self._node
        decision = decide(
            node,
            run.identities[node.step_id],
            self._bindings,
            self._inputs,
            run.store,
            force=self._forced,
            most_bytes=most_bytes,
        )
        reason = run.redactor.text(decision.reason)
        return decision if reason == decision.reason else replace(decision, reason=reason)

    def _cached(self, decision: Decision, found: CachedOutputs) -> StepOutput:
        for path, seen in found.stamps:
            self._run.stamps.note(path, seen)
        self._tidy(decision)
        return self._output(StepOutcome.cached, decision.reason, found=found)

    def _tidy(self, decision: Decision) -> None:
        """Removes the checkpoints of a run that was killed between its commit and their removal."""
        run, step_id = self._run, self._node.step_id
        if decision.fingerprint and are_left(run.out, step_id):
            key = decision.fingerprint.key
            if not run.journal.other_at_work(step_id, key):
                remove_checkpoints(run.database, run.out, step_id, key)

    def _log(self, message: str, level: Level) -> None:
        self._run.bus.emit(LogWritten, step_id=self._node.step_id, level=level, message=message)

    def _ended_badly(self, error: BaseException, number: int) -> StepOutput:
        error = explained(error, self._run.out)
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
        reason = self._run.token.reason if cancelled else in_words(error)
        return self._output(outcome, reason, number, error=error)


def _has_a_say(step: CacheableStep[Any]) -> bool:
    """Returns whether a class decides for itself if cached outputs are used, which may take time."""
    return type(step).should_use_cache is not CacheableStep.should_use_cache
