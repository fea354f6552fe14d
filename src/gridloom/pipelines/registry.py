"""Steps by the names that pipeline files use, and by import path; imported when they are asked for."""

from __future__ import annotations

import sys
import typing
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from gridloom.dag import BaseStep, StepConfig
from gridloom.errors import ConfigError, did_you_mean
from gridloom.extras import need

__all__ = ["STEPS", "config_class", "find_step"]


STEPS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "extract": "gridloom.extract.steps:EIAExtractStep",
        "transform": "gridloom.transform.steps:TransformStep",
        "load": "gridloom.load.steps:MLXDatasetStep",
        "ring-prep": "gridloom.load.ring_steps:RingAttentionPrepStep",
    }
)
"""The steps that GridLoom comes with: where each class is, as ``module:Class``."""

_EXTRAS: Final = {"load": "tensors", "ring-prep": "tensors"}


def find_step(uses: str, folder: Path) -> type[BaseStep[Any]]:
    """Returns a step class.

    Args:
        uses: A name of `STEPS`, or ``package.module:Class``.
        folder: Where the modules of a user's own steps may lie, besides the usual places.

    Raises:
        ConfigError: If there is no such step.
        MissingExtraError: If what it needs is not installed.
    """
    if ":" not in uses:
        if uses not in STEPS:
            raise ConfigError(
                f"there is no step `{uses}`.{did_you_mean(uses, STEPS)} Steps are {', '.join(STEPS)}; "
                "one of your own is written `package.module:Class`."
            )
        if uses in _EXTRAS:
            need(_EXTRAS[uses], f"a step that uses {uses}")
        return _imported(STEPS[uses])
    here = str(folder.resolve())
    if here not in sys.path:
        # as for a program, whose folder comes first; worker processes get the same path
        sys.path.insert(0, here)
    return _imported(uses)


def config_class(step: type[BaseStep[Any]]) -> type[StepConfig]:
    """Returns the class of a step's settings: the one in ``BaseStep[Config]``, its own or inherited."""
    for base in step.__mro__:
        for generic in getattr(base, "__orig_bases__", ()):
            for argument in typing.get_args(generic):
                if isinstance(argument, type) and issubclass(argument, StepConfig):
                    return argument
    return StepConfig


def _imported(uses: str) -> type[BaseStep[Any]]:
    module, _, name = uses.partition(":")
    try:
        found = import_module(module)
    except Exception as error:
        raise ConfigError(
            f"the module `{module}` cannot be imported: {type(error).__name__}: {error}. "
            "It is looked for beside the pipeline file and among the installed packages."
        ) from error
    step = getattr(found, name, None)
    if not (isinstance(step, type) and issubclass(step, BaseStep)):
        steps = [
            each
            for each, value in vars(found).items()
            if isinstance(value, type) and issubclass(value, BaseStep) and value.__module__ == module
        ]
        hint = did_you_mean(name, steps) or f" It has {', '.join(steps) or 'none'}."
        raise ConfigError(f"`{module}` has no step class `{name}`.{hint}")
    return step
