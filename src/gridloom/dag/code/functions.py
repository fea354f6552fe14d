"""Functions: by their source, with their defaults, closures and attributes."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from types import CellType, CodeType, FunctionType, MethodType, ModuleType
from typing import Any

from gridloom.dag.code.definitions import Definition
from gridloom.dag.code.following import Following
from gridloom.dag.code.lookup import home
from gridloom.dag.code.origins import Whose
from gridloom.dag.code.reads import Read
from gridloom.dag.code.sources import SourceFile
from gridloom.dag.code.values import bytecode_digest, framed

__all__ = ["follow_function", "is_own"]

_WORK = (FunctionType, MethodType, functools.partial, type)
_HOLD = (list, tuple, set, frozenset)


def is_own(walk: Following, function: FunctionType) -> bool:
    """Whether a function is the user's."""
    return walk.origin(home(function.__globals__.get("__name__"))).whose is Whose.own


def follow_function(walk: Following, function: FunctionType) -> bytes:
    """Sees to it that a function counts.

    Returns:
        Its name; for one that was made by another function, or has no name, with all that it holds.
    """
    code, variables = function.__code__, function.__globals__
    module = home(variables.get("__name__"))
    name = f"{module}.{code.co_qualname}"
    origin = walk.origin(module)
    if origin.whose is not Whose.own:
        walk.notes.use(origin)
        return walk.form.items("function", (name, *_held_by(function)))
    source = walk.source(code.co_filename, variables)
    definition = source.function(code) if source and source.describes(code) else None
    walk.once(id(function), function, lambda: _body(walk, function, source, definition))
    if "<" not in name:
        return framed("function", name.encode())
    which: object = bytecode_digest(code)
    if definition is not None:
        anonymous = "<" in definition.name
        which = definition.digest if anonymous else (definition.name, definition.place_of(code))
    holds = (function.__defaults__, function.__kwdefaults__, list(map(_content, function.__closure__ or ())))
    return walk.form.items("function", (module, which, *holds))


def _body(
    walk: Following, function: FunctionType, source: SourceFile | None, definition: Definition | None
) -> None:
    code, variables = function.__code__, function.__globals__
    name = f"{home(variables.get('__name__'))}.{code.co_qualname}"
    where = f"{source.name if source else code.co_filename}:{code.co_firstlineno}"
    if definition is not None:
        walk.definition(definition, variables)
    else:
        walk.notes.count(f"function {name}", bytecode_digest(code))
        if source is not None and not source.trusted:
            walk.notes.edited(name, where)
        else:
            walk.notes.no_source(name, where)
        walk.reads(tuple(_reads_of(code, variables)), variables, name, where.rpartition(":")[0])
    if vars(function):
        attributes = dict(vars(function))
        walk.see(name, attributes.pop("__wrapped__", None), where)
        if attributes:
            walk.value(f"constant {name}.__dict__", attributes, where)
    if "<" in name:
        return
    for cell in function.__closure__ or ():
        walk.see(name, _content(cell), where)
    if definition is None or not definition.literal_defaults:
        for parameter, value in _defaults(function):
            walk.value(f"default {name}({parameter})", value, where)


def _defaults(function: FunctionType) -> Iterator[tuple[str, Any]]:
    code, values = function.__code__, function.__defaults__ or ()
    names = code.co_varnames[: code.co_argcount]
    yield from zip(names[len(names) - len(values) :], values, strict=True)
    yield from (function.__kwdefaults__ or {}).items()


def _content(cell: CellType) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # nothing is in it yet
        return None


def _held_by(function: FunctionType) -> list[Any]:
    """Returns the functions and classes that a package's function holds, such as what it decorates."""
    found: list[Any] = []
    waiting = [vars(function).get("__wrapped__"), *map(_content, function.__closure__ or ())]
    while waiting:
        value = waiting.pop(0)
        if isinstance(value, _WORK):
            found.append(value)
        elif isinstance(value, _HOLD):
            waiting += value
        elif isinstance(value, Mapping):
            waiting += [part for pair in value.items() for part in pair]
    return found


def _reads_of(code: CodeType, variables: Mapping[str, Any]) -> Iterator[Read]:
    """Yields what a code object reads by name, as far as its bytecode tells."""
    names = sorted(_names_in(code))
    for name in names:
        value = variables.get(name)
        inner = [part for part in names if part in vars(value)] if isinstance(value, ModuleType) else []
        yield from (Read(name, (part,), code.co_firstlineno) for part in inner)
        if not inner:
            yield Read(name, (), code.co_firstlineno)


def _names_in(code: CodeType) -> set[str]:
    found = set(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            found |= _names_in(constant)
    return found
