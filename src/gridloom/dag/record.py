"""``results.json``: what a run was, what each step gave, and what it added up to."""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from gridloom.dag.config import PipelineDAGConfig, masked_settings
from gridloom.dag.environment import environment
from gridloom.dag.graph import Graph, StepNode
from gridloom.dag.kinds import qualified_name
from gridloom.dag.outcome import RunResult, StepOutcome, StepOutput, ended_as
from gridloom.dag.redact import Redactor
from gridloom.dag.values import record_of
from gridloom.errors import GridLoomError
from gridloom.files import write_atomic

__all__ = ["SCHEMA_VERSION", "add_up", "results_record", "write_results"]

SCHEMA_VERSION = 1
"""Rises when a field is removed or changes its meaning."""

_SUMMED = ("rows_received", "requests", "retries", "bytes_received", "bytes_written", "files_written")


def add_up(steps: Mapping[str, StepOutput], sinks: set[str]) -> dict[str, Any]:
    """Returns the totals of a run, in which no row counts twice.

    Args:
        steps: How each step ended.
        sinks: The steps whose rows are the run's rows: those that no other step makes into more.
    """
    totals: dict[str, Any] = {"rows": sum(steps[name].metrics.rows for name in steps if name in sinks)}
    for name in _SUMMED:
        totals[name] = sum(getattr(step.metrics, name) for step in steps.values())
    totals["cpu_s"] = sum(step.metrics.cpu_s for step in steps.values())
    totals["steps"] = {
        outcome.value: sum(1 for step in steps.values() if step.outcome is outcome)
        for outcome in StepOutcome
        if outcome not in {StepOutcome.pending, StepOutcome.running}
    }
    return totals


def results_record(
    result: RunResult, graph: Graph, config: PipelineDAGConfig, started_at: datetime, finished_at: datetime
) -> dict[str, Any]:
    """Returns the JSON form of a run; secrets in its texts are not hidden yet.

    Args:
        result: The run.
        graph: Its steps.
        config: The pipeline's settings.
        started_at: When it began, UTC.
        finished_at: When it ended, UTC.
    """
    out = config.output_dir
    return {
        "schema_version": SCHEMA_VERSION,
        "run_id": result.run_id,
        "pipeline": {"id": config.pipeline_id, "name": config.pipeline_name},
        "outcome": ended_as(result.outcome, type(result.error).__name__),
        "started_at": started_at.isoformat(),
        "finished_at": finished_at.isoformat(),
        "duration_s": result.duration_s,
        "totals": result.totals,
        "settings": {name: masked_settings(graph[name].step.config) for name in result.steps},
        "steps": [
            _step_record(step, graph[name], graph.dependencies(name), out)
            for name, step in result.steps.items()
        ],
        "error": _error_record(result.error, result.error_text),
        "environment": environment(),
    }


def write_results(path: Path, record: Mapping[str, Any], redactor: Redactor, staging: Path) -> None:
    """Writes a run's record, whole or not at all, without the secrets.

    Args:
        path: Where it is to stand.
        record: The record.
        redactor: Hides secrets.
        staging: Folder in which it is written first.

    Raises:
        StorageError: If the disk refuses.
    """
    data = msgspec.json.encode(redactor.record(dict(record)))
    write_atomic(path, msgspec.json.format(data, indent=2) + b"\n", staging=staging)


def _step_record(step: StepOutput, node: StepNode, depends_on: tuple[str, ...], out: Path) -> dict[str, Any]:
    metrics = {
        name: getattr(step.metrics, name)
        for name in type(step.metrics).__dataclass_fields__
        if name != "duration_s"
    }
    return {
        "step_id": step.step_id,
        "type": qualified_name(type(node.step)),
        "outcome": step.outcome.value,
        "reason": step.reason,
        "attempts": step.attempts,
        "duration_s": step.duration_s,
        "metrics": {**metrics, "rows_per_s": step.metrics.rows_per_s},
        "outputs": [_output_record(name, value, node, out) for name, value in step.artifacts.items()],
        "findings": msgspec.to_builtins(step.findings),
        "error": _error_record(step.error, str(step.error)),
        "depends_on": list(depends_on),
    }


def _output_record(name: str, value: Any, node: StepNode, out: Path) -> dict[str, Any]:
    record = record_of(value, node.signature.outputs[name], out)
    facts = record.value if record.kind == "artifact" else {"value": record.value}
    return {"name": name, "type": record.type, **facts}


def _error_record(error: BaseException | None, text: str) -> dict[str, Any] | None:
    """Returns an error's class and text; with its traceback where it is not one of ours."""
    if error is None:
        return None
    record = {"type": type(error).__name__, "message": text}
    if not isinstance(error, GridLoomError):
        record["traceback"] = "".join(traceback.format_exception(error))
    return record
