"""What a run or a plan came to, as the plain data that ``--json`` prints and the screen shows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from gridloom.artifact import Artifact
from gridloom.dag import Plan, RunOutcome, RunResult, StepOutput
from gridloom.dag.events import Event
from gridloom.errors import GridLoomError
from gridloom.extract.limits import limiter_seconds
from gridloom.grid.artifacts import HourlyTable, RingShards, TensorDataset
from gridloom.pipelines.hourly import Prepared, build
from gridloom.pipelines.listener_options import NOBODY, ListenerOptions
from gridloom.pipelines.reporting import hourly_table, kept_coverage, run_reported

__all__ = [
    "coverage",
    "error_summary",
    "exit_code",
    "output_path",
    "planned",
    "planned_steps",
    "ran",
    "step_summary",
    "unmet_findings",
]

_PARTIAL = 3


def planned(prepared: Prepared) -> dict[str, Any]:
    """Returns the JSON object of a dry run of a prepared pipeline.

    Raises:
        GridLoomError: If the DAG cannot be planned.
    """
    return _plan_summary(prepared, build(prepared).plan())


def ran(
    prepared: Prepared, sink: Callable[[Event], None], listeners: ListenerOptions = NOBODY
) -> tuple[dict[str, Any], int]:
    """Runs a prepared pipeline and returns its JSON object and the exit code of the contract.

    Args:
        prepared: What to run.
        sink: Hears every event of the run.
        listeners: Who else does.

    Raises:
        GridLoomError: If the run could not start.
    """
    result, report = run_reported(build(prepared), sink, listeners)
    return {**_run_summary(prepared, result), **report}, exit_code(result)


def exit_code(result: RunResult) -> int:
    """Returns the exit code of the contract."""
    if result.outcome is RunOutcome.partial:
        return _PARTIAL
    if isinstance(result.error, GridLoomError):
        return result.error.exit_code
    return 0 if result.outcome is RunOutcome.succeeded else 1


def _run_summary(prepared: Prepared, result: RunResult) -> dict[str, Any]:
    """Returns the JSON object of a finished run."""
    table = hourly_table(result)
    return {
        "run_id": result.run_id,
        "outcome": result.outcome.value,
        "parquet": table.path if table else None,
        "rows": table.rows if table else 0,
        "hours_missing": table.hours_missing if table else 0,
        "dataset": output_path(result, TensorDataset),
        "ring": output_path(result, RingShards),
        "http_requests": result.totals["requests"],
        "rows_received": result.totals["rows_received"],
        "duration_s": round(result.duration_s, 3),
        "retries": result.totals["retries"],
        "source": prepared.source.identity,
        "first": prepared.hours.first_label,
        "last": prepared.hours.last_label,
        "respondents": coverage(table, prepared.settings.out) if table else [],
        "series": table.series if table else (),
        "steps": [step_summary(step) for step in result.steps.values()],
        "proof": _proof(result),
        "findings": unmet_findings(result),
        "warnings": prepared.warnings,
        "run_dir": result.run_dir,
        **error_summary(result),
    }


def error_summary(result: RunResult) -> dict[str, Any]:
    """Returns the error of a run under ``error``; nothing where there is none."""
    error = result.error
    return {} if error is None else {"error": {"type": type(error).__name__, "message": str(error)}}


def _proof(result: RunResult) -> str | None:
    """Returns how much of what the source counted the table was made of; None where none was made."""
    findings = (finding for step in result.steps.values() for finding in step.findings)
    return next((finding.detail for finding in findings if finding.name == "windows-complete"), None)


def unmet_findings(result: RunResult) -> list[dict[str, Any]]:
    """Returns the findings that did not hold, each fact once.

    That a respondent has no rows is found twice: by route before the table is made, and then, more
    exactly, by series. The first is left out where the second names the respondent too.
    """
    failed = [
        (step.step_id, finding)
        for step in result.steps.values()
        for finding in step.findings
        if not finding.passed
    ]
    named = {
        word
        for _, finding in failed
        if finding.name == "series-present"
        for word in finding.detail.replace(",", " ").split()
    }
    return [
        {
            "step_id": step_id,
            "name": finding.name,
            "required": finding.required,
            "detail": finding.detail,
        }
        for step_id, finding in failed
        if finding.name != "rows-present" or finding.detail.partition(":")[0] not in named
    ]


def output_path(result: RunResult, kind: type[Artifact]) -> Path | None:
    """Returns where the first output of a kind stands, or None."""
    outputs = (value for step in result.steps.values() for value in step.artifacts.values())
    return next((value.path for value in outputs if isinstance(value, kind)), None)


def step_summary(step: StepOutput) -> dict[str, Any]:
    """Returns what a step came to."""
    return {
        "step_id": step.step_id,
        "outcome": step.outcome.value,
        "reason": step.reason,
        "duration_s": round(step.duration_s, 3),
        "rows": step.metrics.rows,
        "requests": step.metrics.requests,
        "outputs": [value.path for value in step.artifacts.values() if isinstance(value, Artifact)],
    }


def coverage(table: HourlyTable, out: Path) -> list[dict[str, Any]]:
    """Returns series, rows, missing and null hours of each respondent of a table, in order.

    Args:
        table: The table.
        out: The output folder.
    """
    found: dict[str, dict[str, Any]] = {}
    for row in kept_coverage(table, out).rows:
        sums = found.setdefault(
            row.respondent,
            {"respondent": row.respondent, "series": 0, "rows": 0, "hours_missing": 0, "hours_null": 0},
        )
        missing, null = sum(row.missing), sum(row.null)
        sums["series"] += 1
        sums["rows"] += sum(row.reported) + missing + null
        sums["hours_missing"] += missing
        sums["hours_null"] += null
    return list(found.values())


def _plan_summary(prepared: Prepared, plan: Plan) -> dict[str, Any]:
    """Returns the JSON object of a dry run: the same keys as a run, decisions, and what will be asked.

    ``limiter_least_s`` and ``limiter_s`` are the seconds for which the limiter spreads the least and the
    most requests; answers come one latency later.
    """
    asks = [step.detail for step in plan.steps if step.decision == "run" and "requests" in step.detail]
    requests = {name: sum(ask["requests"][name] for ask in asks) for name in ("least", "most", "metadata")}
    # All steps ask one source, so they wait for one limiter.
    per_s = prepared.source.per_s(prepared.settings.rate_limit)
    return {
        "run_id": None,
        "outcome": RunOutcome.planned.value,
        "parquet": prepared.parquet if prepared.settings.through != "extract" else None,
        "rows": 0,
        "hours_missing": 0,
        "http_requests": 0,
        "rows_received": 0,
        "duration_s": 0.0,
        "source": prepared.source.identity,
        "first": prepared.hours.first_label,
        "last": prepared.hours.last_label,
        "regions": prepared.respondents,
        "asked_series": prepared.series,
        "windows": sum(ask["windows"] for ask in asks),
        "requests": requests,
        "limiter_least_s": round(limiter_seconds(requests["least"], per_s), 1),
        "limiter_s": round(limiter_seconds(requests["most"], per_s), 1),
        "steps": planned_steps(plan),
        "warnings": prepared.warnings,
    }


def planned_steps(plan: Plan) -> list[dict[str, Any]]:
    """Returns the JSON objects of the steps of a plan."""
    return [
        {
            "step_id": step.step_id,
            "outcome": "pending",
            "decision": step.decision,
            "reason": step.reason,
            "depends_on": step.depends_on,
            "notes": step.notes,
            "duration_s": 0.0,
            "rows": 0,
            "outputs": [],
            **step.detail,
        }
        for step in plan.steps
    ]
