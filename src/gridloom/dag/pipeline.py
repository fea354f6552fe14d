"""`PipelineDAG`: put steps together, look at the plan, run it."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Any

from gridloom.dag.cache import ManifestStore
from gridloom.dag.config import PipelineDAGConfig, secrets_in
from gridloom.dag.database import Database
from gridloom.dag.events import Event
from gridloom.dag.explain import Plan, changes_since, make_plan
from gridloom.dag.graph import Graph, StepNode
from gridloom.dag.kinds import qualified_name
from gridloom.dag.outcome import RunResult, StepOutcome
from gridloom.dag.redact import Redactor
from gridloom.dag.sinks import Sink, Subscription
from gridloom.dag.step import BaseStep
from gridloom.errors import ConfigError, UsageError

if TYPE_CHECKING:
    from gridloom.dag.run import Run

__all__ = ["PipelineDAG"]


class PipelineDAG:
    """A pipeline of typed steps that run in parallel, each as soon as its inputs are there.

    Outputs flow to inputs by type. A step whose settings, version and inputs are unchanged and whose
    outputs are whole is not run again.

    Example::

        dag = PipelineDAG(PipelineDAGConfig(pipeline_name="peaks", output_dir=out))
        table = dag.add_step(LoadTable(LoadConfig(file=parquet)))
        dag.add_step(PeakHours(PeakHoursConfig(top=10)), dependencies=[table])
        result = dag.execute()
    """

    def __init__(self, config: PipelineDAGConfig | None = None) -> None:
        self.config = PipelineDAGConfig() if config is None else config
        if not isinstance(self.config, PipelineDAGConfig):
            raise ConfigError(
                f"PipelineDAG takes a PipelineDAGConfig, got {type(config).__name__}. "
                "Write PipelineDAG(PipelineDAGConfig(pipeline_name=...))."
            )
        self._graph = Graph()
        self._redactor = Redactor()
        self._subscriptions: list[Subscription] = []
        self._run: Run | None = None
        self._last: RunResult | None = None
        self._lock = threading.Lock()

    def add_step(
        self,
        step: BaseStep[Any],
        dependencies: Sequence[str | StepNode] = (),
        *,
        after: Sequence[str | StepNode] = (),
    ) -> StepNode:
        """Adds a step, checks its wiring, and returns its node.

        Args:
            step: The step.
            dependencies: Steps whose outputs it takes, as ids or nodes.
            after: Steps that only have to succeed before it starts.

        Raises:
            DuplicateStepError: If its id is taken.
            UnknownStepError: If a dependency is not in the DAG yet.
            AnnotationError: If its `_execute` is not annotated as it has to be.
            WiringError: If what the dependencies give is not what it takes.
        """
        self._check_idle()
        node = self._graph.add(step, dependencies, after)
        for secret in secrets_in(step.config):
            self._redactor.add(secret)
        self._redactor.own(node.step_id, step.output_folder(), type(step).__module__)
        return node

    def add_dependency(self, step: str | StepNode, on: str | StepNode, *, order_only: bool = False) -> None:
        """Makes a step depend on another one, both already added.

        Args:
            step: The step that has to wait.
            on: The step that it waits for.
            order_only: Whether it takes no output of it.

        Raises:
            GraphError: If a step is unknown or the wiring does not fit.
        """
        self._check_idle()
        step_id, on_id = (item.step_id if isinstance(item, StepNode) else item for item in (step, on))
        self._graph.connect(step_id, on_id, order_only=order_only)

    def create_extract_transform_chain(
        self, extract: BaseStep[Any], transform: BaseStep[Any]
    ) -> tuple[StepNode, StepNode]:
        """Adds two steps, the second one fed by the first, and returns their nodes.

        Raises:
            GraphError: As `add_step` does.
        """
        first = self.add_step(extract)
        return first, self.add_step(transform, [first])

    def create_etl_pipeline(
        self, extract: BaseStep[Any], transform: BaseStep[Any], load: BaseStep[Any]
    ) -> tuple[StepNode, StepNode, StepNode]:
        """Adds three steps, each fed by the one before, and returns their nodes.

        Raises:
            GraphError: As `add_step` does.
        """
        first, second = self.create_extract_transform_chain(extract, transform)
        return first, second, self.add_step(load, [second])

    def add_secret(self, secret: str) -> None:
        """Hides `secret` in everything that the DAG writes or says; secrets in configs are known already."""
        self._redactor.add(secret)

    def redact(self, text: str) -> str:
        """Returns `text` with every known secret in it replaced."""
        return self._redactor.text(text)

    def subscribe(self, sink: Sink, *kinds: type[Event], within_s: float = 0.05) -> None:
        """Calls `sink` with the events of later runs, in order, in a thread of its own.

        A sink that is slow, hangs or raises changes nothing about the run: what it does not hear is counted
        and said. At its end the run waits a few seconds for sinks that are behind.

        Args:
            sink: Who listens.
            kinds: Events of these classes only; of all where none is named.
            within_s: How long an event may wait for others that are handed over with it, in seconds. At the
                end none waits.
        """
        self._subscriptions.append(Subscription(sink, kinds, within_s))

    @property
    def steps(self) -> Mapping[str, BaseStep[Any]]:
        """The steps by their ids, in the order in which they were added."""
        return {node.step_id: node.step for node in self._graph}

    def validate_dag(self) -> list[str]:
        """Returns all step ids in topological order.

        Raises:
            GraphError: If there are no steps.
            CycleError: If steps depend on each other in a circle.
        """
        return list(self._graph.order())

    def plan(self) -> Plan:
        """Returns what `execute` would do and why; writes nothing and asks nobody.

        Raises:
            GraphError: If the DAG cannot be run.
        """
        out = self.config.output_dir
        with closing(Database(out, writes=False)) as database:
            store = ManifestStore(database, out, self._redactor)
            return make_plan(self._graph, out, store, self._redactor, force=self.config.force)

    def changes_since(self, identity: Mapping[str, Any]) -> list[str]:
        """Returns in words how code and settings of the steps differ from those of an earlier run.

        Args:
            identity: What the steps were then, as `gridloom.dag.history.run_recipe` gives it.
        """
        out = self.config.output_dir
        with closing(Database(out, writes=False)) as database:
            return changes_since(self._graph, identity, ManifestStore(database, out, self._redactor))

    def execute(self) -> RunResult:
        """Runs the DAG and returns how it went; works inside a running event loop too.

        A failing step does not raise: `RunResult.raise_for_failure` does.

        Raises:
            GraphError: If the DAG cannot be run.
            StorageError: If the output folder cannot be written to; nothing has started then.
            RunInterruptedError: After Ctrl-C or SIGTERM, with the result so far.
        """
        # what runs is loaded by those who run, not by all who import
        from gridloom.dag.blocking import run_blocking  # noqa: PLC0415

        run = self._begin()
        try:
            return run_blocking(run)
        finally:
            self._end(run)

    async def execute_async(self) -> RunResult:
        """Runs the DAG beside the running event loop, which stays free, and returns how it went.

        Signals are left to whoever owns the loop; cancelling the awaiting task cancels the run, and
        its records are written before the cancellation goes on.

        Raises:
            GraphError: If the DAG cannot be run.
            StorageError: If the output folder cannot be written to; nothing has started then.
        """
        from gridloom.dag.blocking import run_awaited  # noqa: PLC0415 - see execute

        run = self._begin()
        try:
            return await run_awaited(run)
        finally:
            self._end(run)

    def cancel(self) -> None:
        """Asks the current run to stop, from any thread: nothing new starts, running steps are told."""
        run = self._run
        if run is not None:
            run.cancel("cancelled by the program")

    def get_step_status(self, step_id: str) -> StepOutcome:
        """Returns where a step stands in the current or last run.

        Raises:
            UnknownStepError: If there is no such step.
        """
        self._graph[step_id]
        if self._run is not None:
            return self._run.statuses.get(step_id, StepOutcome.pending)
        if self._last is not None and step_id in self._last.steps:
            return self._last.steps[step_id].outcome
        return StepOutcome.pending

    def get_pipeline_summary(self) -> dict[str, Any]:
        """Returns the pipeline's settings, its steps and where they stand, as JSON-able values."""
        last = self._last
        return {
            "pipeline_id": self.config.pipeline_id,
            "pipeline_name": self.config.pipeline_name,
            "output_dir": self.config.output_dir.as_posix(),
            "max_parallel_steps": self.config.max_parallel_steps,
            "stop_on_failure": self.config.stop_on_failure,
            "steps": [
                {
                    "step_id": node.step_id,
                    "type": qualified_name(type(node.step)),
                    "depends_on": list(self._graph.dependencies(node.step_id)),
                    "outcome": self.get_step_status(node.step_id).value,
                }
                for node in self._graph
            ],
            "run_id": last.run_id if last else None,
            "outcome": last.outcome.value if last else None,
            "totals": last.totals if last else {},
        }

    def _begin(self) -> Run:
        from gridloom.dag.run import Run  # noqa: PLC0415 - see execute

        self._graph.order()
        with self._lock:
            if self._run is not None:
                raise UsageError("This DAG is running already. Wait for it, or build a second PipelineDAG.")
            self._run = run = Run(self._graph, self.config, self._subscriptions, self._redactor)
        return run

    def _check_idle(self) -> None:
        if self._run is not None:
            raise UsageError("This DAG is running. Add steps before, or build a second PipelineDAG.")

    def _end(self, run: Run) -> None:
        self._last, self._run = run.result or self._last, None
