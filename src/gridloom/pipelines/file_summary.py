"""What a pipeline file's run or plan came to, as plain data with the keys of `summary`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gridloom.dag import RunOutcome, RunResult
from gridloom.dag.events import Event
from gridloom.grid.artifacts import RingShards, TensorDataset
from gridloom.pipelines.assemble import Assembled
from gridloom.pipelines.listener_options import NOBODY, ListenerOptions
from gridloom.pipelines.reporting import hourly_table, run_reported
from gridloom.pipelines.summary import (
    exit_code,
    output_path,
    planned_steps,
    step_summary,
    unmet_findings,
)

__all__ = ["planned_file", "ran_file"]


def planned_file(assembled: Assembled) -> dict[str, Any]:
    """Returns the JSON object of a dry run of a pipeline file.

    Raises:
        GridLoomError: If the DAG cannot be planned.
    """
    plan = assembled.dag.plan()
    asks = [step.detail for step in plan.steps if step.decision == "run" and "requests" in step.detail]
    return {
        "run_id": None,
        "outcome": RunOutcome.planned.value,
        **_of_file(assembled),
        "parquet": None,
        "rows": 0,
        "hours_missing": 0,
        "http_requests": 0,
        "rows_received": 0,
        "duration_s": 0.0,
        "windows": sum(ask["windows"] for ask in asks),
        "requests": {
            name: sum(ask["requests"][name] for ask in asks) for name in ("least", "most", "metadata")
        },
        "steps": planned_steps(plan),
    }


def ran_file(
    assembled: Assembled, sink: Callable[[Event], None], listeners: ListenerOptions = NOBODY
) -> tuple[dict[str, Any], int]:
    """Runs a pipeline file and returns its JSON object and the exit code of the contract.

    Args:
        assembled: What to run.
        sink: Hears every event of the run.
        listeners: Who else does.

    Raises:
        GridLoomError: If the run could not start.
    """
    result, report = run_reported(assembled.dag, sink, listeners)
    return {**_run_summary(assembled, result), **report}, exit_code(result)


def _run_summary(assembled: Assembled, result: RunResult) -> dict[str, Any]:
    table = hourly_table(result)
    summary: dict[str, Any] = {
        "run_id": result.run_id,
        "outcome": result.outcome.value,
        **_of_file(assembled),
        "parquet": table.path if table else None,
        "rows": table.rows if table else result.totals["rows"],
        "hours_missing": table.hours_missing if table else 0,
        "dataset": output_path(result, TensorDataset),
        "ring": output_path(result, RingShards),
        "http_requests": result.totals["requests"],
        "rows_received": result.totals["rows_received"],
        "duration_s": round(result.duration_s, 3),
        "retries": result.totals["retries"],
        "steps": [step_summary(step) for step in result.steps.values()],
        "findings": unmet_findings(result),
        "run_dir": result.run_dir,
    }
    if result.error is not None:
        summary["error"] = {"type": type(result.error).__name__, "message": str(result.error)}
    return summary


def _of_file(assembled: Assembled) -> dict[str, Any]:
    return {
        "pipeline": assembled.file.name,
        "file": assembled.file.path,
        "out": assembled.settings.out,
        "warnings": assembled.warnings,
    }
