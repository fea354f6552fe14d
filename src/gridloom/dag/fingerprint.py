"""What makes a step's outputs what they are, as one digest and as the parts that explain a change."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from gridloom.dag.config import semantic_settings
from gridloom.dag.kinds import qualified_name
from gridloom.dag.step import BaseStep, CacheableStep
from gridloom.dag.values import canonical_json, digest_of
from gridloom.errors import ConfigError
from gridloom.files import digest_bytes

__all__ = ["Fingerprint", "changes", "fingerprint_of"]

_SHOWN = 3
_SHOWN_CHARACTERS = 60


class Fingerprint(msgspec.Struct, frozen=True):
    """Everything that decides what a step makes; a further part is a further field.

    Attributes:
        step_type: Qualified name of the step's class.
        version: The step's `version`.
        config: Settings that are neither operational nor the id.
        inputs: Digests by parameter.
    """

    step_type: str
    version: str
    config: dict[str, Any]
    inputs: dict[str, str | list[str] | None]

    @property
    def key(self) -> str:
        """The digest of all of it."""
        return digest_bytes(canonical_json(self))


def fingerprint_of(step: BaseStep[Any], inputs: Mapping[str, Any], gathered: frozenset[str]) -> Fingerprint:
    """Returns what decides a step's outputs.

    Args:
        step: The step.
        inputs: Its inputs by parameter name.
        gathered: Names of the parameters that take a list of outputs.

    Raises:
        ConfigError: If a setting has no JSON form.
    """
    try:
        config = msgspec.json.decode(canonical_json(semantic_settings(step.config)))
    except (TypeError, ValueError, OverflowError) as error:
        raise ConfigError(
            f"A setting of step '{step.step_id}' ({type(step.config).__name__}) cannot be fingerprinted: "
            f"{error}. Use a type that pydantic can write as JSON, or declare the field operational."
        ) from error
    return Fingerprint(
        step_type=qualified_name(type(step)),
        version=step.version if isinstance(step, CacheableStep) else "",
        config=config,
        inputs={name: _digests(value, gathers=name in gathered) for name, value in sorted(inputs.items())},
    )


def changes(old: Fingerprint, new: Fingerprint) -> str:
    """Returns in words what changed between two fingerprints of one step."""
    if old.step_type != new.step_type:
        return f"the step was {old.step_type} and is now {new.step_type}"
    if old.version != new.version:
        return f"version changed: {old.version} -> {new.version}"
    said = [f"config `{name}` changed: {change}" for name, change in _differences(old.config, new.config)]
    said += [f"input `{name}` differs" for name, _ in _differences(old.inputs, new.inputs)]
    more = f" and {len(said) - _SHOWN} more" if len(said) > _SHOWN else ""
    return ", ".join(said[:_SHOWN]) + more or "the fingerprint changed"


def _digests(value: Any, *, gathers: bool) -> str | list[str] | None:
    if value is None:
        return None
    return [digest_of(item) for item in value] if gathers else digest_of(value)


def _differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[tuple[str, str]]:
    absent = object()
    return [
        (name, f"{_short(old.get(name, absent), absent)} -> {_short(new.get(name, absent), absent)}")
        for name in sorted({*old, *new})
        if old.get(name, absent) != new.get(name, absent)
    ]


def _short(value: Any, absent: object) -> str:
    if value is absent:
        return "(absent)"
    text = value if isinstance(value, str) else canonical_json(value).decode()
    return text if len(text) <= _SHOWN_CHARACTERS else text[: _SHOWN_CHARACTERS - 3] + "..."
