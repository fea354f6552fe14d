"""How the runs of pipelines of one file or folder say how to build them again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from gridloom.dag import StepConfig

__all__ = ["recipe_of"]


def recipe_of(pipeline: str, given: Path, config: StepConfig, out: Path) -> dict[str, Any]:
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
