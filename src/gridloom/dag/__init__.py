"""The DAG engine: typed steps, wired by annotation, run in parallel, remembered by content."""

from __future__ import annotations

from gridloom.dag import events
from gridloom.dag.config import PipelineDAGConfig, StepConfig, operational
from gridloom.dag.context import StepContext
from gridloom.dag.explain import Plan, PlannedStep
from gridloom.dag.graph import StepNode
from gridloom.dag.outcome import (
    RunInterruptedError,
    RunOutcome,
    RunResult,
    StepMetrics,
    StepOutcome,
    StepOutput,
)
from gridloom.dag.pipeline import PipelineDAG
from gridloom.dag.step import BaseStep, CacheableStep

__all__ = [
    "BaseStep",
    "CacheableStep",
    "PipelineDAG",
    "PipelineDAGConfig",
    "Plan",
    "PlannedStep",
    "RunInterruptedError",
    "RunOutcome",
    "RunResult",
    "StepConfig",
    "StepContext",
    "StepMetrics",
    "StepNode",
    "StepOutcome",
    "StepOutput",
    "events",
    "operational",
]
