"""How the steps stand together; no step reaches this."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from gridloom.dag import PipelineDAG, PipelineDAGConfig, StepConfig

from .bases import FirstConfig
from .steps import Aside, First, Read, ReadConfig, Second

HERE = Path(__file__).parent


def build(executor: Literal["thread", "process"]) -> PipelineDAG:
    dag = PipelineDAG(
        PipelineDAGConfig(
            pipeline_name="edited", output_dir=HERE / "data", executor=executor, max_parallel_steps=1
        )
    )
    read = dag.add_step(Read(ReadConfig(file=HERE / "input.txt")))
    first = dag.add_step(First(FirstConfig(factor=2)), [read])
    dag.add_step(Second(StepConfig()), [first])
    dag.add_step(Aside(StepConfig()))
    return dag
