"""Outputs as JSON and back: artifacts by their record, small values as they are."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePath
from typing import Any

import msgspec
import pydantic
import pydantic_core

from gridloom.artifact import Artifact
from gridloom.dag.events import OutputMade
from gridloom.dag.kinds import is_artifact, qualified_name, type_name
from gridloom.errors import StepFailedError
from gridloom.files import below, digest_bytes

__all__ = [
    "LARGEST_VALUE_BYTES",
    "OutputRecord",
    "canonical_json",
    "digest_of",
    "outputs_made",
    "record_of",
    "restore",
    "settle_value",
]

LARGEST_VALUE_BYTES = 1 << 20
"""Most JSON bytes of a small value; more belongs into a file."""


class OutputRecord(msgspec.Struct, frozen=True):
    """One output in JSON form.

    Attributes:
        kind: ``artifact`` or ``value``.
        type: Qualified name of its class; of a value, its annotation.
        value: The artifact's record, or the value.
    """

    kind: str
    type: str
    value: Any


def canonical_json(value: Any) -> bytes:
    """Returns JSON whose bytes are the same for equal values: keys and sets are sorted, secrets masked.

    Raises:
        TypeError: If something inside has no JSON form.
    """
    return msgspec.json.encode(value, enc_hook=_to_builtins, order="deterministic")


def digest_of(value: Any) -> str:
    """Returns the digest of an output's content."""
    return value.digest if isinstance(value, Artifact) else digest_bytes(canonical_json(value))


def settle_value(value: Any, kind: Any, place: str) -> Any:
    """Returns a small value as it will be read back from its record, so both are always the same.

    Args:
        value: What the step gave.
        kind: Its annotation.
        place: The output in words, for the error.

    Raises:
        StepFailedError: If it is not of its type, has no JSON form, or is too large.
    """
    if (
        isinstance(kind, type)
        and issubclass(kind, (msgspec.Struct, pydantic.BaseModel))
        and not isinstance(value, kind)
    ):
        raise StepFailedError(f"{place} should be {type_name(kind)}, but is {type_name(type(value))}.")
    try:
        data = canonical_json(value)
        settled = msgspec.json.decode(data, type=kind, dec_hook=_from_builtins)
    except (TypeError, ValueError, OverflowError, msgspec.MsgspecError) as error:
        raise StepFailedError(
            f"{place} should be {type_name(kind)}, but is {type_name(type(value))} ({error})."
        ) from error
    if len(data) > LARGEST_VALUE_BYTES:
        raise StepFailedError(
            f"{place} takes {len(data):,} bytes as JSON; a small value has at most {LARGEST_VALUE_BYTES:,}. "
            "Write it to ctx.path(...) and return an Artifact."
        )
    return settled


def record_of(value: Any, kind: Any, root: Path) -> OutputRecord:
    """Returns the JSON form of an output.

    Args:
        value: The artifact or value.
        kind: Its annotation.
        root: Folder that artifact paths are relative to.
    """
    if isinstance(value, Artifact):
        return OutputRecord("artifact", qualified_name(type(value)), value.to_json(root))
    return OutputRecord("value", type_name(kind), msgspec.json.decode(canonical_json(value)))


def outputs_made(outputs: Mapping[str, Any], root: Path) -> tuple[OutputMade, ...]:
    """Returns the files and folders among a step's outputs as its last event tells them.

    Args:
        outputs: What the step gave, by name.
        root: Folder that paths are relative to.
    """
    return tuple(
        OutputMade(
            name=name,
            type=type(value).__name__,
            path=below(value.path, root),
            digest=value.digest,
            size_bytes=value.size_bytes,
            rows=rows if isinstance(rows := getattr(value, "rows", None), int) else None,
        )
        for name, value in outputs.items()
        if isinstance(value, Artifact)
    )


def restore(record: OutputRecord, kind: Any, root: Path) -> Any:
    """Returns the output of a record, the inverse of `record_of`.

    Raises:
        LookupError: If its class is not a known subclass of `kind`.
        msgspec.ValidationError: If the record does not fit its type.
    """
    if is_artifact(kind) != (record.kind == "artifact"):
        raise LookupError(f"it is recorded as {record.kind}")
    if record.kind != "artifact":
        return msgspec.convert(record.value, kind, dec_hook=_from_builtins)
    found = _class_named(kind, record.type)
    if found is None or not isinstance(record.value, Mapping):
        raise LookupError(f"its type {record.type} is not known")
    return found.from_json(dict(record.value), root)


def _class_named(kind: type[Artifact], name: str) -> type[Artifact] | None:
    waiting = [kind]
    while waiting:
        candidate = waiting.pop()
        if qualified_name(candidate) == name:
            return candidate
        waiting += candidate.__subclasses__()
    return None


def _to_builtins(value: Any) -> Any:
    if isinstance(value, (pydantic.SecretStr, pydantic.SecretBytes)):
        return "**********"
    if isinstance(value, PurePath):
        return value.as_posix()
    try:
        return pydantic_core.to_jsonable_python(value)
    except pydantic_core.PydanticSerializationError as error:
        raise TypeError(f"{type(value).__name__} has no JSON form") from error


def _from_builtins(kind: type, value: Any) -> Any:
    if issubclass(kind, pydantic.BaseModel):
        return kind.model_validate(value)
    raise TypeError(f"{kind.__name__} cannot be read from JSON")
