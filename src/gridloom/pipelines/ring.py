"""From tensors to ring shards: which steps, in what order, with which settings.

::

    tensor-folder ── ring ── ring/<name>/

`prepare_ring` checks everything that can be checked before any work, `shards_made` runs it. In a pipeline
that makes the tensors, `RingAttentionPrepStep` follows `MLXDatasetStep` instead.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gridloom.dag import PipelineDAG, PipelineDAGConfig
from gridloom.dag.events import Event
from gridloom.grid.artifacts import RingShards
from gridloom.layout import Split
from gridloom.load.dataset import GridDataset
from gridloom.load.ring_card import plan_ring, read_layout, shard_name
from gridloom.load.ring_steps import (
    RingAttentionPrepConfig,
    RingAttentionPrepStep,
    TensorFolderConfig,
    TensorFolderStep,
)
from gridloom.pipelines.listener_options import NOBODY, ListenerOptions
from gridloom.pipelines.reporting import run_reported
from gridloom.pipelines.summary import error_summary, exit_code, step_summary

__all__ = ["PreparedRing", "build_ring", "prepare_ring", "ring_summary", "shards_made"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedRing:
    """Settings that were found good for a dataset.

    Attributes:
        dataset: Its folder.
        config: Settings of the shards.
        out: Output folder.
    """

    dataset: Path
    config: RingAttentionPrepConfig
    out: Path


def prepare_ring(dataset: Path, config: RingAttentionPrepConfig, out: Path) -> PreparedRing:
    """Returns what is to be run, after checking that the dataset can be cut so.

    Raises:
        UsageError: If the folder is no dataset, its data too short, or an extra missing.
        StorageError: If the folder cannot be read.
    """
    card = GridDataset.open(dataset).card
    plan_ring(card, ranks=config.ranks, layout=config.layout, length=config.length)
    return PreparedRing(dataset=dataset, config=config, out=out)


def build_ring(prepared: PreparedRing) -> PipelineDAG:
    """Returns the DAG of prepared shards.

    Raises:
        StorageError: If the dataset cannot be read.
    """
    dag = PipelineDAG(PipelineDAGConfig(pipeline_name="ring-prep", output_dir=prepared.out))
    dataset = dag.add_step(TensorFolderStep(TensorFolderConfig.of(prepared.dataset)))
    dag.add_step(RingAttentionPrepStep(prepared.config), dependencies=[dataset])
    return dag


def shards_made(
    prepared: PreparedRing, sink: Callable[[Event], None], listeners: ListenerOptions = NOBODY
) -> tuple[dict[str, Any], int]:
    """Makes prepared shards and returns the JSON object of the run and its exit code.

    Args:
        prepared: What to make.
        sink: Hears every event of the run.
        listeners: Who else does.

    Raises:
        GridLoomError: If the run could not start.
    """
    result, report = run_reported(build_ring(prepared), sink, listeners)
    outputs = (value for step in result.steps.values() for value in step.artifacts.values())
    made = next((value for value in outputs if isinstance(value, RingShards)), None)
    summary = {
        "run_id": result.run_id,
        "outcome": result.outcome.value,
        "dataset": prepared.dataset,
        **(ring_summary(made.path) if made else {"ring": None}),
        "duration_s": round(result.duration_s, 3),
        "steps": [step_summary(step) for step in result.steps.values()],
        "run_dir": result.run_dir,
        **report,
        **error_summary(result),
    }
    return summary, exit_code(result)


def ring_summary(folder: Path) -> dict[str, Any]:
    """Returns what a folder of shards holds: its layout, and for each rank its file and positions.

    Raises:
        FileFormatError: If there is no ``layout.json``, or it is damaged.
    """
    layout = read_layout(folder)
    split = layout.split
    shards = [_shard(folder, split, rank) for rank in range(split.ranks)]
    return {
        "ring": folder,
        "ranks": split.ranks,
        "layout": split.layout.value,
        "length": split.length,
        "padded_length": split.padded_length,
        "rank_length": split.rank_length,
        "first": layout.first,
        "last": layout.last,
        "features": layout.features,
        "sequences": layout.sequences,
        "size_bytes": sum(shard["file"].stat().st_size for shard in shards),
        "shards": shards,
    }


def _shard(folder: Path, split: Split, rank: int) -> dict[str, Any]:
    """Returns a shard's file, and the positions of what it holds."""
    runs = split.runs(rank)
    return {
        "rank": rank,
        "file": folder / shard_name(rank, split.ranks),
        "positions": [
            {"first": run.steps[0], "last": run.steps[-1], "every": run.steps.step}
            for run in runs
            if run.steps
        ],
        "padding": sum(run.padding for run in runs),
    }
