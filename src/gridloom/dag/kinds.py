"""Which types may cross a step boundary, and how a type reads in words."""

from __future__ import annotations

import dataclasses
import datetime as dt
import decimal
import enum
import functools
import types
import typing
import uuid
from typing import Any

import msgspec
import pydantic

from gridloom.artifact import Artifact

__all__ = ["fits", "is_artifact", "is_union", "is_value_type", "qualified_name", "type_name"]

_SCALARS = frozenset(
    {int, float, str, bool, dt.datetime, dt.date, dt.time, dt.timedelta, decimal.Decimal, uuid.UUID}
)
_CONTAINERS = frozenset({list, dict, tuple, set, frozenset})


@functools.lru_cache(maxsize=1024)
def is_artifact(kind: Any) -> bool:
    """Whether a type is an artifact type."""
    return _is_class(kind) and issubclass(kind, Artifact)


def is_union(kind: Any) -> bool:
    """Whether a type is ``A | B``."""
    return typing.get_origin(kind) in {types.UnionType, typing.Union}


def is_value_type(kind: Any) -> bool:
    """Whether values of a type are small and JSON-able, so that they are stored for the step."""
    if is_artifact(kind):
        return False
    origin = typing.get_origin(kind)
    if origin in _CONTAINERS:
        return all(
            arg in {Any, Ellipsis, type(None)} or is_union(arg) or is_value_type(arg)
            for arg in typing.get_args(kind)
        )
    if origin is typing.Literal:
        return True
    if not _is_class(kind):
        return False
    models = (msgspec.Struct, pydantic.BaseModel, enum.Enum)
    return kind in _SCALARS | _CONTAINERS or issubclass(kind, models) or dataclasses.is_dataclass(kind)


def fits(given: Any, wanted: Any) -> bool:
    """Whether what is `given` may flow where `wanted` is: the same type, or a subclass of a record type."""
    if given == wanted:
        return True
    if _is_class(given) and _is_class(wanted):
        return wanted not in _SCALARS | _CONTAINERS and issubclass(given, wanted)
    return _is_class(wanted) and typing.get_origin(given) is wanted


def type_name(kind: Any) -> str:
    """Returns how a type reads in source code."""
    if kind is type(None):
        return "None"
    if _is_class(kind):
        return str(kind.__name__)
    args = [type_name(arg) for arg in typing.get_args(kind)]
    if is_union(kind):
        return " | ".join(args)
    origin = typing.get_origin(kind)
    if origin is None or not args:
        return str(kind).removeprefix("typing.")
    return f"{type_name(origin)}[{', '.join(args)}]"


def qualified_name(kind: type) -> str:
    """Returns a class's name with its module, by which records on disk know it."""
    return f"{kind.__module__}.{kind.__qualname__}"


def _is_class(kind: Any) -> bool:
    return isinstance(kind, type) and typing.get_origin(kind) is None
