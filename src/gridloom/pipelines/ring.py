"""From tensors to ring shards: which steps, in what order, with which settings.

::

    tensor-folder ── ring ── ring/<name>/

`prepare_ring` checks everything that can be checked before any work, `shards_made` runs it. In a pipeline
that makes the tensors, `RingAttentionPrepStep` follows `MLXDatasetStep` instead.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from gridloom.dag import PipelineDAG, RunResult
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
from gridloom.pipelines.recipes import made_of
from gridloom.pipelines.summary import fetched, output_of, run_summary

__all__ = ["RING", "PreparedRing", "build_ring", "prepare_ring", "ring_again", "ring_summary", "shards_made"]

RING = "ring-prep"
"""Name of this pipeline, also in the recipes of its runs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedRing:
    """Settings that were found good for a dataset.

    Attributes:
        dataset: Its folder.
        config: Settings of the shards.
        out: Output folder.
        resumes: The run that this one carries on, if it does.
    """

    dataset: Path
    config: RingAttentionPrepConfig
    out: Path
    resumes: str | None = None


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
    return made_of(
        RING,
        prepared.dataset,
        prepared.out,
        reads=TensorFolderStep(TensorFolderConfig.of(prepared.dataset)),
        makes=RingAttentionPrepStep(prepared.config),
        resumes=prepared.resumes,
    )


def ring_again(recipe: Mapping[str, Any], out: Path, run_id: str) -> tuple[PreparedRing, PipelineDAG]:
    """Returns what a recipe of `build_ring` comes to now, and its DAG.

    Args:
        recipe: The recipe.
        out: Output folder, which may have moved.
        run_id: The run that is carried on.

    Raises:
        UsageError: If the dataset is not there any more or too short, or the recipe is of another version.
        StorageError: If the dataset cannot be read.
    """
    prepared = prepare_ring(out / recipe["input"], RingAttentionPrepConfig(**recipe["settings"]), out)
    prepared = replace(prepared, resumes=run_id)
    return prepared, build_ring(prepared)


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

    def own(result: RunResult) -> dict[str, Any]:
        made = output_of(result, RingShards)
        return {
            **fetched(result, rows=0),
            "dataset": prepared.dataset,
            **(ring_summary(made.path) if made else {"ring": None}),
        }

    return run_summary(build_ring(prepared), sink, listeners, own)


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
