"""Values in a stable form: the same bytes for equal values in every process, or the reason why not.

Plain data is written out. Any other object counts by what `copy` and `pickle` would make it from again,
which leaves out exactly what has no stable form: open files, locks, connections, generators.
"""

from __future__ import annotations

import copyreg
import functools
import logging
import os
import sys
import types
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from enum import Enum
from pathlib import PurePath
from typing import Any

from gridloom.dag.code.normal import short

__all__ = ["CALLABLES", "FOLLOWED", "Follow", "ValueForm", "bytecode_digest", "framed"]

Follow = Callable[[Any], bytes]
"""Sees to it that a function, class or module counts, and returns what stands for it in a value."""

_PROTOCOL = 4
_SCALARS = (type(None), bool, int, float, complex, str, type(...), type(NotImplemented))
FOLLOWED = (types.FunctionType, type, types.ModuleType)
"""What is not written out, but followed."""

CALLABLES = (types.MethodType, types.BuiltinFunctionType, functools.partial, functools.partialmethod)

_HOLDERS: dict[type, tuple[str, ...]] = {
    types.MethodType: ("__func__", "__self__"),
    types.WrapperDescriptorType: ("__objclass__", "__name__"),
    types.MethodDescriptorType: ("__objclass__", "__name__"),
    types.ClassMethodDescriptorType: ("__objclass__", "__name__"),
    functools.partial: ("func", "args", "keywords"),
    property: ("fget", "fset", "fdel"),
    functools.cached_property: ("func",),
    staticmethod: ("__func__",),
    classmethod: ("__func__",),
}
"""What counts of objects that hold a function."""


class ValueForm:
    """Writes values in their stable form.

    Args:
        follow: What is done with functions, classes and modules inside of them.

    Attributes:
        formless: Types of the objects met so far that have no stable form.
        named: How many objects were met so far that count by their name alone.
    """

    def __init__(self, follow: Follow) -> None:
        self.formless: list[str] = []
        self.named = 0
        self._follow = follow
        self._open: dict[int, int] = {}

    def of(self, value: Any) -> bytes:
        """Returns the stable form of a value; an object without one is noted and counts by its type."""
        kind = type(value)
        if kind in _SCALARS:
            return framed(kind.__name__, repr(value).encode("utf-8", "surrogatepass"))
        if kind in {bytes, bytearray}:
            return framed(kind.__name__, bytes(value))
        if isinstance(value, (type, types.ModuleType)):
            return self._follow(value)
        if id(value) in self._open:
            return framed("again", str(self._open[id(value)]).encode())
        self._open[id(value)] = len(self._open)
        try:
            return self._follow(value) if kind is types.FunctionType else self._container(value, kind)
        finally:
            del self._open[id(value)]

    def items(self, name: str, values: Iterable[Any]) -> bytes:
        """Returns the stable form of several values in their order, under a name."""
        return framed(name, b"".join(map(self.of, values)))

    def _container(self, value: Any, kind: type) -> bytes:
        if kind in {list, tuple}:
            return self.items(kind.__name__, value)
        if kind in {set, frozenset}:
            return framed(kind.__name__, b"".join(sorted(map(self.of, value))))
        if kind in {dict, types.MappingProxyType}:
            return self.items("dict", (part for pair in value.items() for part in pair))
        return self._known(value, kind) or self._remade(value, kind)

    def _known(self, value: Any, kind: type) -> bytes:
        """Returns the form of what is better told by its parts than by its making; empty for all else."""
        if isinstance(value, PurePath):
            return framed("path", value.as_posix().encode("utf-8", "surrogateescape"))
        if isinstance(value, Enum):
            return self.items("enum", (kind, value.name, value.value))
        if isinstance(value, types.CodeType):
            return framed("code", bytecode_digest(value).encode())
        if isinstance(value, (logging.Logger, ContextVar)):
            return self.items(kind.__name__, (value.name,))
        return self._surroundings(value, kind) or self._callable(value, kind)

    def _surroundings(self, value: Any, kind: type) -> bytes:
        """Returns the form of what may differ from run to run and is no part of the code: its type."""
        streams = (sys.stdin, sys.stdout, sys.stderr)
        if value is os.environ or hasattr(value, "get_secret_value") or any(value is one for one in streams):
            return self.items("surroundings", (kind,))
        return b""

    def _callable(self, value: Any, kind: type) -> bytes:
        if isinstance(value, (types.BuiltinFunctionType, types.MethodWrapperType)):
            module = sys.modules.get(getattr(value, "__module__", None) or "")
            return self.items("builtin", (module, value.__qualname__, value.__self__))
        for base, names in _HOLDERS.items():
            if isinstance(value, base):
                return self.items(kind.__name__, (getattr(value, name) for name in names))
        wrapped = getattr(value, "__dict__", {}).get("__wrapped__")
        return b"" if wrapped is None else self.items("wrapped", (kind, wrapped))

    def _remade(self, value: Any, kind: type) -> bytes:
        try:
            reducer = copyreg.dispatch_table.get(kind)
            made = reducer(value) if reducer else value.__reduce_ex__(_PROTOCOL)
        except Exception:  # noqa: BLE001 - whatever it raises, it has no stable form
            return self._formless(kind)
        if isinstance(made, str):
            self.named += 1
            return self.items("name", (kind, getattr(value, "__module__", None), made))
        maker, arguments, state, members, pairs = (*made, None, None, None)[:5]
        if isinstance(state, dict):
            state = sorted(_lasting(state, kind), key=lambda pair: str(pair[0]))
        pieces = [maker, arguments, state, list(members or ()), [list(pair) for pair in pairs or ()]]
        return self.items("made", pieces)

    def _formless(self, kind: type) -> bytes:
        name = f"{kind.__module__}.{kind.__qualname__}"
        self.formless.append(name)
        return self.items("formless", (kind,))


def bytecode_digest(code: types.CodeType) -> str:
    """Returns the digest of a code object without its place: what counts where there is no source."""
    constants = [
        bytecode_digest(constant) if isinstance(constant, types.CodeType) else repr(_ordered(constant))
        for constant in code.co_consts
    ]
    parts = (code.co_code.hex(), *constants, *code.co_names, *code.co_varnames, *code.co_freevars)
    return short("\0".join(parts).encode("utf-8", "surrogatepass"))


def _ordered(constant: Any) -> Any:
    return sorted(map(repr, constant)) if isinstance(constant, frozenset) else constant


def _lasting(state: dict[Any, Any], kind: type) -> list[tuple[Any, Any]]:
    """Returns an object's attributes without the cached properties, which come and go with use."""
    kept = [(name, value) for name, value in state.items() if not _is_cached(kind, name)]
    return [(name, value) for name, value in kept if name != "__wrapped__"]


def _is_cached(kind: type, name: Any) -> bool:
    return isinstance(name, str) and any(
        isinstance(vars(base).get(name), functools.cached_property) for base in kind.__mro__
    )


def framed(name: str, data: bytes) -> bytes:
    """Returns bytes under a name, so that one value never reads like two."""
    return b"%b:%d:%b" % (name.encode(), len(data), data)
