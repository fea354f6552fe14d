"""What a run came to, as the plain data that ``--json`` prints and the screen shows."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from gridloom.artifact import Artifact
from gridloom.dag import PipelineDAG, RunOutcome, RunResult, StepOutput
from gridloom.dag.events import Event
from gridloom.errors import GridLoomError, InterruptedRunError
from gridloom.grid.artifacts import RingShards, TensorDataset
from gridloom.pipelines.hourly import Prepared, build
from gridloom.pipelines.listener_options import NOBODY, ListenerOptions
from gridloom.pipelines.reporting import hourly_table, kept_coverage, run_reported

__all__ = ["coverage", "exit_code", "fetched", "output_of", "ran", "run_summary"]

if TYPE_CHECKING:
    from gridloom.report.coverage import Coverage

_Made = TypeVar("_Made", bound=Artifact)
_PARTIAL = 3


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

    def own(result: RunResult) -> dict[str, Any]:
        table = hourly_table(result)
        hours = kept_coverage(table, prepared.settings.out) if table else None
        return {
            **fetched(result, rows=0),
            "source": prepared.source.identity,
            "first": prepared.hours.first_label,
            "last": prepared.hours.last_label,
            "rows_first": hours.begins if hours else None,
            "rows_last": hours.ends if hours else None,
            "respondents": coverage(hours) if hours else [],
            "series": table.series if table else (),
            "proof": _proof(result),
        }

    return run_summary(build(prepared), sink, listeners, own, warnings=prepared.warnings)


def run_summary(
    dag: PipelineDAG,
    sink: Callable[[Event], None],
    listeners: ListenerOptions,
    own: Callable[[RunResult], Mapping[str, Any]],
    *,
    warnings: Sequence[str] = (),
) -> tuple[dict[str, Any], int]:
    """Runs a DAG and returns what every run says of itself, as its JSON object, and its exit code.

    Args:
        dag: What to run.
        sink: Hears every event of the run.
        listeners: Who else does.
        own: Returns what a run of this kind says besides.
        warnings: Lines that the user saw before.

    Raises:
        GridLoomError: If the run could not start.
    """
    result, report = run_reported(dag, sink, listeners)
    error = result.error
    summary = {
        "run_id": result.run_id,
        "outcome": result.outcome.value,
        **own(result),
        "duration_s": round(result.duration_s, 3),
        "steps": [_step_summary(step) for step in result.steps.values()],
        "findings": _unmet_findings(result),
        "warnings": warnings,
        "run_dir": result.run_dir,
        **report,
        **({} if error is None else {"error": _error(dag, result, error)}),
    }
    return summary, exit_code(result)


def _error(dag: PipelineDAG, result: RunResult, error: BaseException) -> dict[str, str]:
    """Returns why a run failed; with the traceback where it is not one of our errors."""
    said = {"type": type(error).__name__, "message": dag.redact(result.error_text)}
    if not isinstance(error, GridLoomError):
        said["traceback"] = dag.redact("".join(traceback.format_exception(error)))
    return said


def fetched(result: RunResult, *, rows: int) -> dict[str, Any]:
    """Returns what a run asked for and made that may fetch and may go on to tensors and shards.

    Args:
        result: How the run went.
        rows: Its rows where it made no table.
    """
    table = hourly_table(result)
    return {
        "parquet": table.path if table else None,
        "rows": table.rows if table else rows,
        "hours_missing": table.hours_missing if table else 0,
        "dataset": _path_of(result, TensorDataset),
        "ring": _path_of(result, RingShards),
        "http_requests": result.totals["requests"],
        "rows_received": result.totals["rows_received"],
        "retries": result.totals["retries"],
    }


def exit_code(result: RunResult) -> int:
    """Returns the exit code of the contract."""
    if result.outcome is RunOutcome.partial:
        return _PARTIAL
    if isinstance(result.error, InterruptedRunError):
        return result.error.exit_code
    # also for what would be bad input: the run began
    return 0 if result.outcome is RunOutcome.succeeded else 1


def _proof(result: RunResult) -> str | None:
    """Returns how much of what the source counted the table was made of; None where none was made."""
    findings = (finding for step in result.steps.values() for finding in step.findings)
    return next((finding.detail for finding in findings if finding.name == "windows-complete"), None)


def _unmet_findings(result: RunResult) -> list[dict[str, Any]]:
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


def output_of(result: RunResult, kind: type[_Made]) -> _Made | None:
    """Returns the first output of a kind, or None."""
    outputs = (value for step in result.steps.values() for value in step.artifacts.values())
    return next((value for value in outputs if isinstance(value, kind)), None)


def _path_of(result: RunResult, kind: type[Artifact]) -> Path | None:
    made = output_of(result, kind)
    return made.path if made else None


def _step_summary(step: StepOutput) -> dict[str, Any]:
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


def coverage(hours: Coverage) -> list[dict[str, Any]]:
    """Returns series, rows, missing and null hours of each respondent of a table, in order.

    Args:
        hours: The table's hours, counted.
    """
    found: dict[str, dict[str, Any]] = {}
    for row in hours.rows:
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
