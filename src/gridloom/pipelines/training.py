"""From one Parquet to tensors: which steps, in what order, with which settings.

::

    hourly-file ── load ── tensors/<name>/

`prepare_load` checks everything that can be checked before any work, `loaded` runs it. In a pipeline that
makes the table, `MLXDatasetStep` follows the transform instead.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from gridloom.dag import PipelineDAG, RunResult
from gridloom.dag.events import Event
from gridloom.extras import need
from gridloom.grid.artifacts import TensorDataset
from gridloom.grid.hours import HOUR, label
from gridloom.grid.respondents import resolve
from gridloom.load.plan import DatasetPlan, plan_dataset
from gridloom.load.splits import SPLITS
from gridloom.load.steps import HourlyFileConfig, HourlyFileStep, MLXDatasetConfig, MLXDatasetStep
from gridloom.pipelines.listener_options import NOBODY, ListenerOptions
from gridloom.pipelines.recipes import made_of
from gridloom.pipelines.summary import fetched, output_of, run_summary

__all__ = ["LOAD", "PreparedLoad", "build_load", "load_again", "loaded", "prepare_load"]

LOAD = "load"
"""Name of this pipeline, also in the recipes of its runs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedLoad:
    """Settings that were found good for a table, and what they come to.

    Attributes:
        file: The table.
        config: Settings of the dataset.
        out: Output folder.
        plan: What they come to.
        warnings: Lines that the user should see, such as corrected codes.
        resumes: The run that this one carries on, if it does.
    """

    file: Path
    config: MLXDatasetConfig
    out: Path
    plan: DatasetPlan
    warnings: tuple[str, ...]
    resumes: str | None = None


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
    return made_of(
        LOAD,
        prepared.file,
        prepared.out,
        reads=HourlyFileStep(HourlyFileConfig.of(prepared.file)),
        makes=MLXDatasetStep(prepared.config),
        resumes=prepared.resumes,
    )


def load_again(recipe: Mapping[str, Any], out: Path, run_id: str) -> tuple[PreparedLoad, PipelineDAG]:
    """Returns what a recipe of `build_load` comes to now, and its DAG.

    Args:
        recipe: The recipe.
        out: Output folder, which may have moved.
        run_id: The run that is carried on.

    Raises:
        UsageError: If the table is not there any more or is another one, or the recipe is of another version.
        StorageError: If the table cannot be read.
    """
    prepared = prepare_load(out / recipe["input"], MLXDatasetConfig(**recipe["settings"]), out)
    prepared = replace(prepared, resumes=run_id)
    return prepared, build_load(prepared)


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

    def own(result: RunResult) -> dict[str, Any]:
        made = output_of(result, TensorDataset)
        return {
            **fetched(result, rows=0),
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
        }

    return run_summary(build_load(prepared), sink, listeners, own, warnings=prepared.warnings)


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
