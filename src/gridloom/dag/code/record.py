"""What is known of a step's code: digests by part, and what could not be followed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType

__all__ = ["CodeRecord", "Opaque", "changed_parts"]

_SHOWN = 3
_KINDS = (
    "function",
    "class",
    "constant",
    "attribute",
    "extension",
    "package",
    "python",
    "default",
    "module",
    "imports",
)
"""Kinds of parts; what is said first about a change comes first."""

_CONSEQUENCES = frozenset({"default", "module", "imports"})
"""Kinds that change with others: they are said only where nothing else is to be said."""


@dataclass(frozen=True, slots=True)
class Opaque:
    """Something that the step's code reaches and that cannot be followed.

    Attributes:
        name: What it is, by its qualified name.
        where: File name and line, such as ``steps.py:12``.
        why: Why it cannot be followed, as a sentence without its subject.
        advice: What to do about it.
        hazard: Whether it can change what the step makes without any part of the record changing.
    """

    name: str
    where: str
    why: str
    advice: str
    hazard: bool = True

    def __str__(self) -> str:
        return f"`{self.name}` ({self.where}) {self.why}; {self.advice}"


@dataclass(frozen=True)
class CodeRecord:
    """The code that a step's class reaches.

    Attributes:
        parts: A short digest (of a package, its version) by kind and qualified name, such as
            ``function helpers.local_outliers`` or ``package polars``; sorted, and plain strings.
        opaque: What cannot be followed, in the order of its names.
    """

    parts: Mapping[str, str]
    opaque: tuple[Opaque, ...] = field(default=())

    def __post_init__(self) -> None:
        object.__setattr__(self, "parts", MappingProxyType(dict(sorted(self.parts.items()))))

    @cached_property
    def digest(self) -> str:
        """``sha256:…`` over all parts."""
        text = json.dumps(dict(self.parts), ensure_ascii=True, separators=(",", ":"))
        return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"

    def joined(self, other: CodeRecord) -> CodeRecord:
        """Returns the record of both together."""
        opaque = sorted({*self.opaque, *other.opaque}, key=lambda item: (item.name, item.where, item.why))
        return CodeRecord({**self.parts, **other.parts}, tuple(opaque))

    @property
    def unstable(self) -> bool:
        """Whether something opaque may change what the step makes without being noticed."""
        return any(item.hazard for item in self.opaque)


def changed_parts(old: Mapping[str, str], new: Mapping[str, str]) -> str:
    """Returns in words how the parts of two records differ; empty if they do not.

    Where a part itself changed, those that are only gained or lost by that are not listed.

    Args:
        old: The parts of a record of an earlier run.
        new: The parts of a record now.

    Example:
        >>> changed_parts({"constant helpers.LIMIT": "0f"}, {"constant helpers.LIMIT": "7c"})
        'constant `helpers.LIMIT` changed'
    """
    differing = [name for name in {*old, *new} if old.get(name) != new.get(name)]
    changed = [name for name in differing if name in old and name in new]
    telling = [name for name in changed or differing if name.partition(" ")[0] not in _CONSEQUENCES]
    said = [_sentence(name, old, new) for name in sorted(telling or changed or differing, key=_rank)]
    more = f" and {len(said) - _SHOWN} more" if len(said) > _SHOWN else ""
    return ", ".join(said[:_SHOWN]) + more


def _rank(name: str) -> tuple[int, str]:
    kind = name.partition(" ")[0]
    return (_KINDS.index(kind) if kind in _KINDS else len(_KINDS), name)


def _sentence(name: str, old: Mapping[str, str], new: Mapping[str, str]) -> str:
    kind, _, subject = name.partition(" ")
    if kind in {"package", "python"}:
        if name in old and name in new:
            return f"{name} {old[name]} → {new[name]}"
        return f"{name} {new[name]} is used now" if name in new else f"{name} is no longer used"
    said = f"imports of `{subject}`" if kind == "imports" else f"{kind} `{subject}`"
    if name not in old:
        return f"{said} is used now"
    return f"{said} is no longer used" if name not in new else f"{said} changed"
