"""GridLoom: hourly US grid data (Form EIA-930) as one complete, checked Parquet file.

Names are imported when they are first used, so that ``import gridloom`` costs next to nothing.
"""

from __future__ import annotations

# Type checkers read this name as true; importing it would double what this import costs.
TYPE_CHECKING = False

if TYPE_CHECKING:
    from typing import Any

    from gridloom.artifact import Artifact
    from gridloom.dag import (
        BaseStep,
        CacheableStep,
        PipelineDAG,
        PipelineDAGConfig,
        StepConfig,
        StepContext,
        StepMetrics,
        StepOutput,
    )
    from gridloom.errors import GridLoomError
    from gridloom.extract.steps import EIAExtractConfig, EIAExtractStep
    from gridloom.finding import Finding
    from gridloom.grid.artifacts import HourlyTable, RawPages, RingShards, TableArtifact, TensorDataset
    from gridloom.load.dataset import GridDataset
    from gridloom.load.ring import RingShard
    from gridloom.load.ring_steps import RingAttentionPrepConfig, RingAttentionPrepStep
    from gridloom.load.steps import MLXDatasetConfig, MLXDatasetStep
    from gridloom.pipelines.hourly import hourly
    from gridloom.transform.steps import TransformConfig, TransformStep

__all__ = [
    "Artifact",
    "BaseStep",
    "CacheableStep",
    "EIAExtractConfig",
    "EIAExtractStep",
    "Finding",
    "GridDataset",
    "GridLoomError",
    "HourlyTable",
    "MLXDatasetConfig",
    "MLXDatasetStep",
    "PipelineDAG",
    "PipelineDAGConfig",
    "RawPages",
    "RingAttentionPrepConfig",
    "RingAttentionPrepStep",
    "RingShard",
    "RingShards",
    "StepConfig",
    "StepContext",
    "StepMetrics",
    "StepOutput",
    "TableArtifact",
    "TensorDataset",
    "TransformConfig",
    "TransformStep",
    "hourly",
]

__version__ = "0.1.0"

_HOMES = {
    "Artifact": "artifact",
    "EIAExtractConfig": "extract.steps",
    "EIAExtractStep": "extract.steps",
    "Finding": "finding",
    "GridDataset": "load.dataset",
    "GridLoomError": "errors",
    "HourlyTable": "grid.artifacts",
    "MLXDatasetConfig": "load.steps",
    "MLXDatasetStep": "load.steps",
    "RawPages": "grid.artifacts",
    "RingAttentionPrepConfig": "load.ring_steps",
    "RingAttentionPrepStep": "load.ring_steps",
    "RingShard": "load.ring",
    "RingShards": "grid.artifacts",
    "TableArtifact": "grid.artifacts",
    "TensorDataset": "grid.artifacts",
    "TransformConfig": "transform.steps",
    "TransformStep": "transform.steps",
    "hourly": "pipelines.hourly",
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'gridloom' has no attribute '{name}'")
    from importlib import import_module  # noqa: PLC0415 - see above

    value = getattr(import_module(f"gridloom.{_HOMES.get(name, 'dag')}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
