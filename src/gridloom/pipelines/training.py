"""From one Parquet to tensors: which steps, in what order, with which settings.

::

    hourly-file ── load ── tensors/<name>/

`prepare_load` checks everything that can be checked before any work, `loaded` runs it. In a pipeline that
makes the table, `MLXDatasetStep` follows the transform instead.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gridloom.dag import PipelineDAG, PipelineDAGConfig
from gridloom.dag.events import Event
from gridloom.extras import need
from gridloom.grid.artifacts import TensorDataset
from gridloom.grid.hours import HOUR, label
from gridloom.grid.respondents import resolve
from gridloom.load.plan import DatasetPlan, plan_dataset
from gridloom.load.splits import SPLITS
from gridloom.load.steps import HourlyFileConfig, HourlyFileStep, MLXDatasetConfig, MLXDatasetStep
from gridloom.pipelines.listener_options import NOBODY, ListenerOptions
from gridloom.pipelines.reporting import run_reported
from gridloom.pipelines.summary import error_summary, exit_code, step_summary

__all__ = ["PreparedLoad", "build_load", "loaded", "prepare_load"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedLoad:
    """Settings that were found good for a table, and what they come to.

    Attributes:
        file: The table.
        config: Settings of the dataset.
        out: Output folder.
        plan: What they come to.
        warnings: Lines that the user should see, such as corrected codes.
    """

    file: Path
    config: MLXDatasetConfig
    out: Path
    plan: DatasetPlan
    warnings: tuple[str, ...]


def prepare_load(file: Path, config: MLXDatasetConfig, out: Path) -> PreparedLoad:
    """Returns what a dataset of a table comes to, checked without reading its values.

    Raises:
        UsageError: If the table, a code, a split or a window cannot be used, or an extra is missing.
        StorageError: If the table cannot be read.
    """
    need("tensors", "`gridloom load`")
    plan = plan_dataset(file, config.request)
    _, _, corrected = resolve(list(config.respondents or ()))
    return PreparedLoad(file=file, config=config, out=out, plan=plan, warnings=tuple(corrected))


def build_load(prepared: PreparedLoad) -> PipelineDAG:
    """Returns the DAG of a prepared load.

    Raises:
        StorageError: If the table cannot be read.
    """
    dag = PipelineDAG(PipelineDAGConfig(pipeline_name="load", output_dir=prepared.out))
    table = dag.add_step(HourlyFileStep(HourlyFileConfig.of(prepared.file)))
    dag.add_step(MLXDatasetStep(prepared.config), dependencies=[table])
    return dag


def loaded(
    prepared: PreparedLoad, sink: Callable[[Event], None], listeners: ListenerOptions = NOBODY
) -> tuple[dict[str, Any], int]:
    """Runs a prepared load and returns its JSON object and the exit code of the contract.

    Args:
        prepared: What to run.
        sink: Hears every event of the run.
        listeners: Who else does.

    Raises:
        GridLoomError: If the run could not start.
    """
    result, report = run_reported(build_load(prepared), sink, listeners)
    outputs = (value for step in result.steps.values() for value in step.artifacts.values())
    made = next((value for value in outputs if isinstance(value, TensorDataset)), None)
    summary = {
        "run_id": result.run_id,
        "outcome": result.outcome.value,
        "dataset": made.path if made else None,
        "hours": made.steps if made else 0,
        "features": made.features if made else (),
        "size_bytes": made.size_bytes if made else 0,
        "first": prepared.plan.selection.hours.first_label,
        "last": prepared.plan.selection.hours.last_label,
        "values": prepared.plan.survey.column,
        "context": prepared.config.context,
        "horizon": prepared.config.horizon,
        "stride": prepared.config.stride,
        "splits": [_split(prepared.plan, split) for split in SPLITS],
        "duration_s": round(result.duration_s, 3),
        "steps": [step_summary(step) for step in result.steps.values()],
        "findings": [
            {"step_id": step.step_id, "name": finding.name, "detail": finding.detail}
            for step in result.steps.values()
            for finding in step.findings
            if not finding.passed
        ],
        "warnings": prepared.warnings,
        "run_dir": result.run_dir,
        **report,
        **error_summary(result),
    }
    return summary, exit_code(result)


def _split(plan: DatasetPlan, split: Any) -> dict[str, Any]:
    rows, request = plan.splits.rows(split), plan.request
    start, length = plan.selection.hours.start, request.context + request.horizon
    return {
        "split": split,
        "first": label(start + rows.start * HOUR) if rows else None,
        "last": label(start + (rows.stop - 1) * HOUR) if rows else None,
        "hours": len(rows),
        "windows": max(0, (len(rows) - length) // request.stride + 1),
    }
