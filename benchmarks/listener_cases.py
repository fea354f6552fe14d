"""One run of no-op steps with some listeners, whose receivers are in another process."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from clock import Clock
from dag_cases import KINDS, NapConfig
from dag_graphs import PARALLEL, facts, graph
from gridloom.dag import PipelineDAG, PipelineDAGConfig, RunOutcome, RunResult
from gridloom.pipelines.listener_options import ListenerOptions
from gridloom.pipelines.listeners import listening

FLAGS: Mapping[str, Callable[[str, Path], Mapping[str, Any]]] = {
    "Prometheus": lambda url, out: {
        "metrics_port": "127.0.0.1:19464",
        "metrics_textfile": str(out / "run.prom"),
        "pushgateway": url,
    },
    "OpenTelemetry": lambda _url, _out: {"otel": True},
    "OpenLineage": lambda _url, out: {"lineage": str(out / "lineage.jsonl")},
    "MLflow": lambda _url, out: {"mlflow": (out / "mlflow").as_uri()},
    "webhook": lambda url, _out: {"notify": url},
}
"""What turns each kind of listener on, given a server's URL and a folder."""


def listeners(steps: int, out: str, kinds: list[str], url: str = "", of: str = "values") -> dict[str, float]:
    """Runs a fan of steps with listeners of some kinds; what they import is not counted.

    Args:
        steps: How many.
        out: Folder of the run.
        kinds: Listeners, of `FLAGS`.
        url: Who receives.
        of: What a step makes, of `dag_cases.KINDS`.
    """
    tasks, folder = graph("fan", steps), Path(out)
    os.environ |= {
        "OTEL_EXPORTER_OTLP_ENDPOINT": url,
        "MLFLOW_ALLOW_FILE_STORE": "true",
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }
    flags = {name: value for kind in kinds for name, value in FLAGS[kind](url, folder).items()}
    options = ListenerOptions.of(flags, environ={})
    # libraries load much when they are first used, so there is a run of one step that is not counted
    _run(options, _dag(folder / "before", graph("fan", 1), of))
    with Clock() as clock:
        result = _run(options, _dag(folder / "out", tasks, of))
    if result.outcome is not RunOutcome.succeeded or result.totals["steps"]["executed"] != steps:
        raise SystemExit(f"the run {result.outcome} with {result.totals['steps']}")
    lines = (result.run_dir / "events.jsonl").read_text()
    if '"type":"log"' in lines:
        raise SystemExit("a listener failed: " + next(line for line in lines.splitlines() if '"log"' in line))
    return facts(clock, "fan", steps)


def _run(options: ListenerOptions, dag: PipelineDAG) -> RunResult:
    with listening(options, dag):
        return dag.execute()


def _dag(out: Path, tasks: Mapping[str, Any], of: str) -> PipelineDAG:
    dag = PipelineDAG(PipelineDAGConfig(pipeline_name="bench", output_dir=out, max_parallel_steps=PARALLEL))
    for name, task in tasks.items():
        dag.add_step(KINDS[of](NapConfig(step_id=name)), dependencies=task.after)
    return dag
