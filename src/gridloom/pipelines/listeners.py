"""The sinks of those who listen to a run besides the terminal, made and ended around it.

What they lack (an extra that is not installed, a port that is taken) is found before any work.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from gridloom.dag import PipelineDAG, RunOutcome
from gridloom.dag.events import Event
from gridloom.dag.history import list_runs
from gridloom.extract.steps import EIAExtractStep
from gridloom.monitor.alerts import WebhookAlerts
from gridloom.monitor.lineage import OpenLineageSink
from gridloom.monitor.prometheus import PrometheusMetrics
from gridloom.monitor.telemetry import OpenTelemetrySink
from gridloom.pipelines.catalog import PipelineCatalog
from gridloom.pipelines.listener_options import ListenerOptions

__all__ = ["listening"]


@contextmanager
def listening(options: ListenerOptions, dag: PipelineDAG) -> Iterator[list[Callable[[Event], None]]]:
    """Gives the sinks of `options` for one run of a DAG, ready to be subscribed.

    Raises:
        UsageError: If an extra is not installed, or a port is taken.
    """
    with ExitStack() as stack:
        sinks: list[Callable[[Event], None]] = []
        if options.metrics_port or options.metrics_textfile or options.pushgateway:
            metrics = PrometheusMetrics(
                listen=options.metrics_port,
                textfile=options.metrics_textfile,
                pushgateway=options.pushgateway,
                routes=_routes(dag),
            )
            sinks.append(stack.enter_context(metrics))
        if options.otel:
            sinks.append(stack.enter_context(OpenTelemetrySink()))
        if options.lineage:
            catalog = PipelineCatalog(dag)
            sinks.append(OpenLineageSink(options.lineage, out=dag.config.output_dir, catalog=catalog))
        if options.notify:
            sinks.append(
                WebhookAlerts(options.notify, recovers=_had_failed(dag), occasions=options.notify_on)
            )
        yield sinks


def _routes(dag: PipelineDAG) -> dict[str, str]:
    """Returns the route that each step of extraction reads."""
    return {
        step.step_id: step.config.request.route.id
        for step in dag.steps.values()
        if isinstance(step, EIAExtractStep)
    }


def _had_failed(dag: PipelineDAG) -> bool:
    """Returns whether the newest run of the pipeline that has ended did not succeed."""
    wanted, passed_over = dag.config.pipeline_id, {"running", RunOutcome.planned}
    outcomes = (
        record["outcome"]
        for record in list_runs(dag.config.output_dir)
        if record.get("pipeline", {}).get("id") == wanted and record["outcome"] not in passed_over
    )
    return next(outcomes, RunOutcome.succeeded) != RunOutcome.succeeded
