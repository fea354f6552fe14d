"""Temporary."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class CodeRecord:
    digest: str
    parts: Mapping[str, str]
    opaque: tuple = ()
    unstable: bool = False


def code_of(cls: type) -> CodeRecord:
    return CodeRecord("sha256:0", {})


def changed_parts(old, new) -> str:
    return ""
