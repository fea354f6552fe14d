"""What makes a step's outputs what they are, as one digest and as the parts that explain a change."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import msgspec

from gridloom.artifact import Artifact
from gridloom.dag.code import CodeRecord, changed_parts, code_of
from gridloom.dag.config import semantic_settings
from gridloom.dag.kinds import qualified_name
from gridloom.dag.step import BaseStep, CacheableStep
from gridloom.dag.values import canonical_json, digest_of
from gridloom.errors import ConfigError
from gridloom.files import digest_bytes

__all__ = ["Fingerprint", "Identity", "StepIdentity", "changes", "fingerprint_of"]

_SHOWN = 3
_SHOWN_CHARACTERS = 60


class Identity(msgspec.Struct, frozen=True):
    """What a step is, its inputs aside.

    Attributes:
        step_type: Qualified name of the step's class.
        version: The step's `version`.
        code: Digest of the code that it reaches (`gridloom.dag.code`).
        config: Settings that are neither operational nor the id.
    """

    step_type: str
    version: str
    code: str
    config: dict[str, Any]


class Fingerprint(msgspec.Struct, frozen=True):
    """Everything that decides what a step makes.

    Attributes:
        identity: What the step is.
        inputs: Digests by parameter.
        key: The digest of all of it.
    """

    identity: Identity
    inputs: dict[str, str | list[str] | None]
    key: str


class StepIdentity:
    """A step's identity, found once: before anything runs, so that a run sees one state of the code."""

    def __init__(self, step: BaseStep[Any]) -> None:
        self._step = step

    @cached_property
    def code(self) -> CodeRecord:
        """The code that the step reaches."""
        given = {name: value for name, value in vars(self._step).items() if name != "config"}
        return code_of(type(self._step), given)

    @cached_property
    def record(self) -> Identity:
        """The identity.

        Raises:
            ConfigError: If a setting has no JSON form.
        """
        step = self._step
        try:
            config = msgspec.json.decode(canonical_json(semantic_settings(step.config)))
        except (TypeError, ValueError, OverflowError) as error:
            raise ConfigError(
                f"A setting of step '{step.step_id}' ({type(step.config).__name__}) cannot be fingerprinted: "
                f"{error}. Use a type that pydantic can write as JSON, or declare the field operational."
            ) from error
        version = step.version if isinstance(step, CacheableStep) else ""
        return Identity(qualified_name(type(step)), version, self.code.digest, config)

    @cached_property
    def _encoded(self) -> bytes:
        return canonical_json(self.record)

    def fingerprint(self, inputs: Mapping[str, Any], gathered: frozenset[str]) -> Fingerprint:
        """Returns what decides a step's outputs.

        Args:
            inputs: Its inputs by parameter name.
            gathered: Names of the parameters that take a list of outputs.

        Raises:
            ConfigError: If a setting has no JSON form.
        """
        digests = {name: _digests(inputs[name], gathers=name in gathered) for name in sorted(inputs)}
        return Fingerprint(self.record, digests, digest_bytes(self._encoded + msgspec.json.encode(digests)))


def fingerprint_of(step: BaseStep[Any], inputs: Mapping[str, Any], gathered: frozenset[str]) -> Fingerprint:
    """Returns what decides a step's outputs; see `StepIdentity.fingerprint`."""
    return StepIdentity(step).fingerprint(inputs, gathered)


def changes(
    old: Fingerprint,
    new: Fingerprint,
    *,
    code: tuple[Mapping[str, str], Mapping[str, str]] = ({}, {}),
    inputs: Mapping[str, Any] | None = None,
) -> str:
    """Returns in words what changed between two fingerprints of one step.

    Args:
        old: Of an earlier run.
        new: Of now.
        code: The parts of the code then and now.
        inputs: The inputs of now, to name their files.
    """
    before, now = old.identity, new.identity
    if before.step_type != now.step_type:
        return f"the step was {before.step_type} and is now {now.step_type}"
    said = []
    if before.version != now.version:
        said.append(f"version {before.version} → {now.version}")
    said += [f"config `{name}` {change}" for name, change in _differences(before.config, now.config)]
    if before.code != now.code:
        said.append(changed_parts(*code) or "its code changed")
    said += [
        f"input `{name}` differs{_place(name, inputs)}" for name, _ in _differences(old.inputs, new.inputs)
    ]
    more = f" and {len(said) - _SHOWN} more" if len(said) > _SHOWN else ""
    return ", ".join(said[:_SHOWN]) + more or "the fingerprint changed"


def _place(name: str, inputs: Mapping[str, Any] | None) -> str:
    value = (inputs or {}).get(name)
    return f" ({value.path.name})" if isinstance(value, Artifact) else ""


def _digests(value: Any, *, gathers: bool) -> str | list[str] | None:
    if value is None:
        return None
    return [digest_of(item) for item in value] if gathers else digest_of(value)


def _differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[tuple[str, str]]:
    absent = object()
    return [
        (name, f"{_short(old.get(name, absent), absent)} → {_short(new.get(name, absent), absent)}")
        for name in sorted({*old, *new})
        if old.get(name, absent) != new.get(name, absent)
    ]


def _short(value: Any, absent: object) -> str:
    if value is absent:
        return "(absent)"
    text = (value or "''") if isinstance(value, str) else canonical_json(value).decode()
    return text if len(text) <= _SHOWN_CHARACTERS else text[: _SHOWN_CHARACTERS - 3] + "..."
