"""Pipelines that make one thing of a file or folder, and how their runs say how to build them again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from gridloom.dag import BaseStep, PipelineDAG, PipelineDAGConfig, StepConfig

__all__ = ["made_of"]


def made_of(
    pipeline: str, given: Path, out: Path, *, reads: BaseStep[Any], makes: BaseStep[Any], resumes: str | None
) -> PipelineDAG:
    """Returns the DAG of a step that reads what is given, and one that makes something of it.

    Args:
        pipeline: Its name.
        given: The file or folder that it starts from.
        out: Output folder.
        reads: The first step.
        makes: The second step, whose settings are those of the recipe.
        resumes: The run that this one carries on, if it does.
    """
    recipe = _recipe(pipeline, given, makes.config, out)
    dag = PipelineDAG(
        PipelineDAGConfig(pipeline_name=pipeline, output_dir=out, recipe=recipe, resumes=resumes)
    )
    dag.add_step(makes, dependencies=[dag.add_step(reads)])
    return dag


def _recipe(pipeline: str, given: Path, config: StepConfig, out: Path) -> dict[str, Any]:
    """Returns how to build a pipeline again, JSON-able.

    Args:
        pipeline: Its name.
        given: The file or folder that it starts from; told from the output folder where it lies below it, so
            that both can move.
        config: Settings of its last step.
        out: Output folder, where the recipe is found.
    """
    path, root = given.resolve(), out.resolve()
    return {
        "pipeline": pipeline,
        "input": str(path.relative_to(root) if path.is_relative_to(root) else path),
        "settings": config.model_dump(mode="json", exclude_unset=True),
    }
