"""The sinks of those who listen to a run besides the terminal, made and ended around it.

What they lack (an extra that is not installed, a port that is taken) is found before any work.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final, Protocol

import msgspec

from gridloom.artifact import Artifact
from gridloom.dag import PipelineDAG, RunOutcome, RunResult
from gridloom.dag.config import masked_settings, semantic_settings
from gridloom.dag.events import Event
from gridloom.dag.history import list_runs
from gridloom.dag.outcome import INTERRUPTED
from gridloom.errors import ListenerError
from gridloom.extract.steps import EIAExtractStep
from gridloom.monitor.alerts import WebhookAlerts
from gridloom.monitor.lineage import OpenLineageSink
from gridloom.monitor.prometheus import PrometheusMetrics
from gridloom.monitor.telemetry import OpenTelemetrySink
from gridloom.monitor.tracking import MlflowSink
from gridloom.pipelines.catalog import PipelineCatalog
from gridloom.pipelines.listener_options import ListenerOptions

__all__ = ["Listener", "files_kept", "listening"]

_LARGEST_KEPT_BYTES: Final = 32 << 20
"""Outputs of the last steps that are larger, such as datasets of many years, are not copied to anybody."""


_WITHIN_S: Final = 0.5
"""How long they let an event wait: they send every few seconds at most, and are scraped no more often."""


class Listener(Protocol):
    """A sink that says which events it wants."""

    kinds: tuple[type[Event], ...]

    def __call__(self, event: Event, /) -> None:
        """Hears one event."""


@contextmanager
def listening(options: ListenerOptions, dag: PipelineDAG) -> Iterator[list[Listener]]:
    """Subscribes the sinks of `options` to the next run of a DAG, and gives them.

    Raises:
        UsageError: If an extra is not installed, or a port is taken.
    """
    with ExitStack() as stack:
        sinks: list[Listener] = []
        if options.metrics_port or options.metrics_textfile or options.pushgateway:
            metrics = PrometheusMetrics(
                listen=options.metrics_port,
                textfile=options.metrics_textfile,
                pushgateway=options.pushgateway,
                routes=_routes(dag),
            )
            sinks.append(stack.enter_context(metrics))
        if options.otel:
            sinks.append(OpenTelemetrySink())
        if options.lineage:
            catalog = PipelineCatalog(dag)
            sinks.append(OpenLineageSink(options.lineage, out=dag.config.output_dir, catalog=catalog))
        if options.mlflow:
            sinks.append(MlflowSink(options.mlflow, params=_params(dag)))
        recovers = bool(options.notify) and _had_failed(dag)
        sinks += [
            WebhookAlerts(url, recovers=recovers, occasions=options.notify_on) for url in options.notify
        ]
        for sink in sinks:
            dag.subscribe(sink, *sink.kinds, within_s=_WITHIN_S)
        yield sinks


def files_kept(
    sinks: Iterable[Listener], dag: PipelineDAG, result: RunResult, report: Path | None
) -> dict[str, str]:
    """Gives the files of a run that has ended to those who keep such; returns what a summary says of it.

    Args:
        sinks: Who listened.
        dag: What was run.
        result: How it went.
        report: The page about it, if there is one.

    Returns:
        ``listener_problem``: why they could not be kept, if so.
    """
    files = [(result.run_dir / "results.json", ""), *([(report, "")] if report else [])]
    above = {name for step in dag.get_pipeline_summary()["steps"] for name in step["depends_on"]}
    for name in sorted(set(result.steps) - above):
        files += [
            (value.path, f"outputs/{name}")
            for value in result.steps[name].artifacts.values()
            if isinstance(value, Artifact) and value.size_bytes <= _LARGEST_KEPT_BYTES
        ]
    for sink in sinks:
        if isinstance(sink, MlflowSink):
            try:
                sink.keep([(path, folder) for path, folder in files if path.exists()])
            except ListenerError as error:
                return {"listener_problem": str(error)}
    return {}


def _params(dag: PipelineDAG) -> dict[str, str]:
    """Returns the settings that decide what is made, as texts without secrets."""
    found = {}
    for step_id, step in dag.steps.items():
        counting = semantic_settings(step.config)
        shown = masked_settings(step.config) if counting else {}
        for name in counting:
            value = shown[name]
            text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
            found[f"{step_id}.{name}"] = dag.redact(text)
    return found


def _routes(dag: PipelineDAG) -> dict[str, str]:
    """Returns the route that each step of extraction reads."""
    return {
        step.step_id: step.config.request.route.id
        for step in dag.steps.values()
        if isinstance(step, EIAExtractStep)
    }


def _had_failed(dag: PipelineDAG) -> bool:
    """Returns whether the newest run of the pipeline that has come to an end of its own did not succeed."""
    wanted, passed_over = dag.config.pipeline_id, {"running", INTERRUPTED, RunOutcome.planned}
    outcomes = (
        record["outcome"]
        for record in list_runs(dag.config.output_dir)
        if record.get("pipeline", {}).get("id") == wanted and record["outcome"] not in passed_over
    )
    return next(outcomes, RunOutcome.succeeded) != RunOutcome.succeeded
