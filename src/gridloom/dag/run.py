"""One run from its folder to its record."""

from __future__ import annotations

import secrets
import shlex
import shutil
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import replace
from datetime import UTC, datetime
from types import MappingProxyType

from gridloom.dag.bus import EventBus, EventLog
from gridloom.dag.cache import ManifestStore
from gridloom.dag.cancel import CancelToken
from gridloom.dag.config import PipelineDAGConfig
from gridloom.dag.database import Database
from gridloom.dag.earlier import done_steps, expected_durations
from gridloom.dag.events import LogWritten, RunFinished, RunStarted
from gridloom.dag.executors import open_executor
from gridloom.dag.explain import Identities, code_notes
from gridloom.dag.graph import Graph
from gridloom.dag.journal import Journal
from gridloom.dag.outcome import RunOutcome, RunResult, StepOutcome, StepOutput
from gridloom.dag.record import add_up, results_record, write_results
from gridloom.dag.redact import Redactor
from gridloom.dag.runner import Scheduler
from gridloom.dag.services import RunServices
from gridloom.dag.sinks import Subscription
from gridloom.dag.staging import Staging, remove_dead
from gridloom.dag.stamps import Stamps
from gridloom.errors import InterruptedRunError, StorageError
from gridloom.files import new_folder

__all__ = ["Run"]


class Run:
    """One run of a graph; its folders are made before anything starts.

    Attributes:
        result: How it went, once it is over.

    Raises:
        ConfigError: If the executor cannot run a step, or the output folder cannot be one.
        StorageError: If the disk refuses.
    """

    def __init__(
        self,
        graph: Graph,
        config: PipelineDAGConfig,
        subscriptions: Sequence[Subscription],
        redactor: Redactor,
    ) -> None:
        self._started_at = datetime.now(UTC)
        self._started_s = time.perf_counter()
        self._graph, self._config, self._redactor = graph, config, redactor
        self._executor = open_executor(config.executor, [node.step for node in graph])
        self.run_id = _run_id(self._started_at)
        out = config.output_dir
        self._folder = out / "runs" / self.run_id
        new_folder(self._folder)
        with ExitStack() as undo:
            log = self._opened(undo)
            undo.pop_all()
        self._bus = EventBus(self.run_id, log, subscriptions, redactor)
        services = RunServices(
            out=out,
            run_id=self.run_id,
            force=config.force,
            spared=done_steps(self._database, config.resumes),
            bus=self._bus,
            token=CancelToken(),
            database=self._database,
            store=self._store,
            journal=self._journal,
            identities=self._identities,
            stamps=Stamps(),
            staging=self._staging,
            redactor=redactor,
            executor=self._executor,
        )
        self._scheduler = Scheduler(
            graph,
            services,
            limit=config.max_parallel_steps,
            stop_on_failure=config.stop_on_failure,
            expected_s=expected_durations(self._database, config.pipeline_id),
        )
        self._token = services.token
        self.result: RunResult | None = None

    def _opened(self, undo: ExitStack) -> EventLog:
        """Opens all that the run writes to; `undo` gets what takes it back where the run cannot begin."""
        out = self._config.output_dir
        undo.callback(shutil.rmtree, self._folder, ignore_errors=True)
        undo.callback(self._executor.close)
        remove_dead(out)
        self._identities = Identities(self._graph)
        self._identities.take_code(self._graph)
        self._staging = Staging(out, self.run_id)
        undo.callback(self._staging.remove)
        log = EventLog(self._folder / "events.jsonl")
        undo.callback(log.close)
        self._database = Database(out, writes=True)
        undo.callback(self._database.close)
        self._store = ManifestStore(self._database, out, self._redactor)
        self._store.read_ahead()
        self._journal = self._opened_journal()
        return log

    def _opened_journal(self) -> Journal:
        config, identity = self._config, None
        if config.recipe is not None:
            # who resumes the run is told what has changed since, also in steps that were never committed
            identity = self._identities.records(self._graph)
            for node in self._graph:
                code = self._identities[node.step_id].code
                self._store.keep_code(code.digest, code.parts)
        return Journal(
            self._database,
            self._redactor,
            run_id=self.run_id,
            pipeline_id=config.pipeline_id,
            pipeline_name=config.pipeline_name,
            step_ids=self._graph.order(),
            recipe=config.recipe,
            identity=identity,
            resumes=config.resumes,
            started_at=self._started_at,
        )

    @property
    def statuses(self) -> Mapping[str, StepOutcome]:
        """Where each step stands now."""
        return self._scheduler.statuses

    def cancel(self, reason: str) -> None:
        """Asks the run to stop; may be called from any thread and from a signal handler."""
        self._scheduler.cancel(reason)

    def go(self) -> RunResult:
        """Runs all steps, writes the records, and returns how it went."""
        try:
            self._bus.emit(
                RunStarted,
                pipeline_id=self._config.pipeline_id,
                pipeline_name=self._config.pipeline_name,
                steps=self._graph.order(),
                max_parallel_steps=self._config.max_parallel_steps,
                dependencies={
                    name: above for name in self._graph.order() if (above := self._graph.dependencies(name))
                },
            )
            self._say_notes()
            self._scheduler.run()
            return self._finish()
        except BaseException as error:
            self._give_up(error)
            raise
        finally:
            self._executor.close()
            self._bus.close()
            self._staging.remove()
            self._journal.close()
            self._database.close()

    def _give_up(self, error: BaseException) -> None:
        """Ends a run that broke in the journal, so that no other one waits for its work."""
        result = RunResult(
            run_id=self.run_id,
            outcome=RunOutcome.failed,
            steps={},
            totals={},
            error=error,
            run_dir=self._folder,
            duration_s=time.perf_counter() - self._started_s,
        )
        with suppress(StorageError):
            self._journal.run_finished(result)

    def _say_notes(self) -> None:
        """Says once what the run cannot vouch for."""
        for node in self._graph:
            for note in code_notes(node, self._identities[node.step_id]):
                self._bus.emit(LogWritten, step_id=node.step_id, level="warning", message=note)
        self._say_set_aside()

    def _say_set_aside(self) -> None:
        aside, self._database.set_aside = self._database.set_aside, ""
        if aside:
            self._bus.emit(
                LogWritten,
                step_id="",
                level="warning",
                message=f"The record store could not be used and is set aside as {aside}. What it knew is "
                "made or verified again.",
            )

    def _finish(self) -> RunResult:
        """Closes the books: the last event, the log, and ``results.json`` last of all."""
        self._say_set_aside()
        outputs = self._scheduler.outputs
        steps = {name: outputs[name] for name in self._graph.order()}
        error = self._scheduler.error
        if error is None and any(step.outcome is StepOutcome.cancelled for step in steps.values()):
            error = InterruptedRunError(f"The run was stopped: {self._token.reason}. {self._how_to_go_on()}")
        result = RunResult(
            run_id=self.run_id,
            outcome=_outcome(steps, error, stopped=self._token.cancelled or self._config.stop_on_failure),
            steps=MappingProxyType(steps),
            totals=add_up(steps, self._graph.sinks()),
            error=error,
            run_dir=self._folder,
            duration_s=time.perf_counter() - self._started_s,
        )
        self._bus.emit(
            RunFinished,
            outcome=result.outcome,
            duration_s=result.duration_s,
            rows=result.totals["rows"],
            error_type=type(error).__name__ if error else "",
            message=result.error_text,
        )
        self.result = self._recorded(result)
        return self.result

    def _how_to_go_on(self) -> str:
        if self._config.recipe is None:
            return "What is finished is kept: start it the same way again to carry on."
        command = shlex.join(["gridloom", "resume", self.run_id, "--out", str(self._config.output_dir)])
        return f"What is finished is kept: `{command}` carries on."

    def _recorded(self, result: RunResult) -> RunResult:
        """Writes the record; a run whose record cannot be written has failed."""
        failure = self._bus.close()
        if failure or isinstance(result.error, StorageError):
            self._staging.clear()  # on a full disk that makes room for the records
        record = results_record(result, self._graph, self._config, self._started_at, datetime.now(UTC))
        try:
            write_results(self._folder / "results.json", record, self._redactor, self._staging.home)
        except StorageError as error:
            failure = failure or error
        if failure is not None:
            result = replace(result, outcome=RunOutcome.failed, error=result.error or failure)
        try:
            self._journal.run_finished(result)
        except StorageError as error:
            return replace(result, outcome=RunOutcome.failed, error=result.error or error)
        return result


def _run_id(started_at: datetime) -> str:
    """Returns a name by whose order runs are in the order of their starts, also within one second."""
    return f"{started_at:%Y%m%dT%H%M%S}-{started_at.microsecond:05x}{secrets.randbelow(16):x}"


def _outcome(steps: Mapping[str, StepOutput], error: BaseException | None, *, stopped: bool) -> RunOutcome:
    ended = {step.outcome for step in steps.values()}
    if error is not None:
        some = any(outcome.succeeded for outcome in ended)
        return RunOutcome.partial if some and not stopped else RunOutcome.failed
    return RunOutcome.planned if StepOutcome.skipped in ended else RunOutcome.succeeded
